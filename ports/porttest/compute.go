package porttest

import (
	"archive/zip"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/ports"
)

// ComputeBackend is a backend under test. The task program it runs must be
// ComputeTask.
type ComputeBackend struct {
	// Open opens the backend over the state under root. Opened again, it stands
	// for the next process; the suite has closed nothing then.
	Open func(t *testing.T, root string) ports.Compute
	// Leave ends what a process that dies ends, before Open is called again. nil:
	// nothing, the run goes on; else the run is lost.
	Leave func(t *testing.T, c ports.Compute)
	// Kill makes a run vanish without a word. nil: that cannot be.
	Kill func(t *testing.T, root, runID string)
}

// ComputeTask is the task program of the suite: what it does is the content of
// its input.
//
//	succeed      writes an output and ends
//	wait         reports progress, then waits to be cancelled
//	stubborn     the same, but takes no notice of a cancel
//	invalid      refuses its input
//	fail         fails
//	unavailable  finds that something it needs is not there
//	panic        has a defect
func ComputeTask(ctx context.Context, input, output string, progress func(fraction float64, message string)) error {
	b, err := os.ReadFile(input)
	if err != nil {
		return fault.New(fault.Invalid, "corrupt_file", "the input cannot be read: %v", err)
	}
	progress(0, "started")
	what, _, _ := strings.Cut(string(b), " ")
	switch what {
	case "succeed":
		progress(0.5, "half way")
		return writeOutput(output, string(b))
	case "wait":
		progress(0.25, "waiting")
		<-ctx.Done()
		return ctx.Err()
	case "stubborn":
		progress(0.25, "waiting")
		select {}
	case "invalid":
		return fault.New(fault.Invalid, "unsupported_schema", "the manifest is of schema 99")
	case "fail":
		return fault.New(fault.Internal, "training_failed", "the loss is not a number")
	case "unavailable":
		return fault.New(fault.Unavailable, "disk_full", "the disk is full")
	case "panic":
		panic("a defect")
	}
	return fault.New(fault.Invalid, "corrupt_file", "the input says %q", b)
}

func writeOutput(path, content string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	z := zip.NewWriter(f)
	w, err := z.Create("said.txt")
	if err != nil {
		return err
	}
	if _, err := w.Write([]byte(content)); err != nil {
		return err
	}
	return z.Close()
}

// Compute is the conformance suite of ports.Compute.
func Compute(t *testing.T, b ComputeBackend) {
	for name, test := range map[string]func(*computeCase){
		"Success":          (*computeCase).success,
		"Failures":         (*computeCase).failures,
		"SameAttemptTwice": (*computeCase).sameAttemptTwice,
		"NextAttempt":      (*computeCase).nextAttempt,
		"Cancel":           (*computeCase).cancel,
		"CancelAfterEnd":   (*computeCase).cancelAfterEnd,
		"Restart":          (*computeCase).restart,
		"ReopenAfterEnd":   (*computeCase).reopenAfterEnd,
		"Concurrent":       (*computeCase).concurrent,
		"LogsByCursor":     (*computeCase).logsByCursor,
		"FetchBeforeEnd":   (*computeCase).fetchBeforeEnd,
		"Discard":          (*computeCase).discard,
		"Vanished":         (*computeCase).vanished,
		"Unknown":          (*computeCase).unknown,
		"Context":          (*computeCase).context,
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			test(&computeCase{t, b, filepath.Join(root, "runs"), root, b.Open(t, filepath.Join(root, "runs"))})
		})
	}
}

type computeCase struct {
	*testing.T
	backend ComputeBackend
	root    string
	inputs  string
	compute ports.Compute
}

// submit submits the first attempt of a task that does what its input says.
func (c *computeCase) submit(task, what string) string {
	id, err := c.compute.Submit(c.Context(), c.run(task, 1, what))
	require.NoError(c, err)
	require.NotEmpty(c, id)
	return id
}

func (c *computeCase) run(task string, attempt int, what string) ports.Run {
	input := filepath.Join(c.inputs, task+".zip")
	require.NoError(c, os.WriteFile(input, []byte(what), 0o600))
	return ports.Run{TaskID: task, Attempt: attempt, Input: input}
}

// until polls the run until it is as wanted.
func (c *computeCase) until(id string, wanted func(ports.RunStatus) bool) ports.RunStatus {
	c.Helper()
	var last ports.RunStatus
	deadline := time.Now().Add(30 * time.Second)
	for time.Now().Before(deadline) {
		s, err := c.compute.Status(c.Context(), id)
		require.NoError(c, err)
		if last = s; wanted(s) {
			return s
		}
		time.Sleep(2 * time.Millisecond)
	}
	require.Fail(c, "the run did not come to what was awaited", "%+v", last)
	return last
}

func (c *computeCase) end(id string) ports.RunStatus {
	c.Helper()
	return c.until(id, func(s ports.RunStatus) bool { return s.State != ports.RunQueued && s.State != ports.RunRunning })
}

func (c *computeCase) waiting(id string) {
	c.Helper()
	s := c.until(id, func(s ports.RunStatus) bool { return s.Message == "waiting" })
	require.Equal(c, ports.RunRunning, s.State)
	require.Equal(c, 25.0, s.Progress)
}

func (c *computeCase) said(id string) string {
	c.Helper()
	path, err := c.compute.Fetch(c.Context(), id)
	require.NoError(c, err)
	z, err := zip.OpenReader(path)
	require.NoError(c, err)
	defer z.Close()
	f, err := z.Open("said.txt")
	require.NoError(c, err)
	b, err := io.ReadAll(f)
	require.NoError(c, err)
	return string(b)
}

func (c *computeCase) success() {
	id := c.submit("job-1", "succeed at once")
	require.Equal(c, ports.RunStatus{State: ports.RunSucceeded, Progress: 100}, c.end(id))
	require.Equal(c, "succeed at once", c.said(id))
	require.Equal(c, "succeed at once", c.said(id), "fetched twice")
}

func (c *computeCase) failures() {
	for what, want := range map[string]ports.RunStatus{
		"invalid":     {Failure: ports.TaskFault, Code: "unsupported_schema", Reason: "the manifest is of schema 99"},
		"fail":        {Failure: ports.TaskFault, Code: "training_failed", Reason: "the loss is not a number"},
		"unavailable": {Failure: ports.BackendFault, Code: "disk_full", Reason: "the disk is full"},
		"panic":       {Failure: ports.TaskFault, Code: "internal_error", Reason: "the task met a defect of this program: a defect; the log has the details"},
	} {
		want.State = ports.RunFailed
		id := c.submit("job-"+what, what)
		got := c.end(id)
		got.Progress, got.Message = 0, ""
		require.Equal(c, want, got, what)
		_, err := c.compute.Fetch(c.Context(), id)
		require.Error(c, err, what)
	}
}

func (c *computeCase) sameAttemptTwice() {
	run := c.run("job-1", 1, "succeed once")
	ids := make([]string, 8)
	var group sync.WaitGroup
	for i := range ids {
		group.Go(func() { ids[i], _ = c.compute.Submit(c.Context(), run) })
	}
	group.Wait()
	require.NotEmpty(c, ids[0])
	require.Len(c, slices.Compact(ids), 1, "one id")
	require.Equal(c, ports.RunSucceeded, c.end(ids[0]).State)
	again, err := c.compute.Submit(c.Context(), run)
	require.NoError(c, err)
	require.Equal(c, ids[0], again, "also after its end")
	require.Equal(c, ports.RunSucceeded, c.end(again).State)
	require.Equal(c, 1, c.started(again), "the program ran once")
}

// started counts how often the program of a run began.
func (c *computeCase) started(id string) (n int) {
	lines, _, err := c.compute.Logs(c.Context(), id, "")
	require.NoError(c, err)
	for _, line := range lines {
		if strings.Contains(line, `"started"`) {
			n++
		}
	}
	return n
}

func (c *computeCase) nextAttempt() {
	first := c.submit("job-1", "fail")
	require.Equal(c, ports.RunFailed, c.end(first).State)
	second, err := c.compute.Submit(c.Context(), c.run("job-1", 2, "succeed"))
	require.NoError(c, err)
	require.NotEqual(c, first, second)
	require.Equal(c, ports.RunSucceeded, c.end(second).State)
	require.Equal(c, ports.RunFailed, c.end(first).State, "the first stays as it was")
}

func (c *computeCase) cancel() {
	id := c.submit("job-1", "wait")
	c.waiting(id)
	require.NoError(c, c.compute.Cancel(c.Context(), id))
	require.Equal(c, ports.RunCancelled, c.end(id).State)
	_, err := c.compute.Fetch(c.Context(), id)
	require.Error(c, err)
	require.NoError(c, c.compute.Cancel(c.Context(), id), "twice is as good as once")

	early := c.submit("job-2", "wait")
	require.NoError(c, c.compute.Cancel(c.Context(), early), "before it has begun")
	require.Equal(c, ports.RunCancelled, c.end(early).State)
}

func (c *computeCase) cancelAfterEnd() {
	id := c.submit("job-1", "succeed")
	c.end(id)
	require.NoError(c, c.compute.Cancel(c.Context(), id))
	require.Equal(c, ports.RunSucceeded, c.end(id).State, "what has ended well stays so")
	require.Equal(c, "succeed", c.said(id))
}

func (c *computeCase) restart() {
	id := c.submit("job-1", "wait")
	c.waiting(id)
	if c.backend.Leave != nil {
		c.backend.Leave(c.T, c.compute)
	}
	c.compute = c.backend.Open(c.T, c.root)
	if c.backend.Leave != nil {
		s := c.end(id)
		require.Equal(c, ports.RunFailed, s.State)
		require.Equal(c, ports.BackendFault, s.Failure, "a lost run is tried again")
		return
	}
	c.waiting(id)
	again, err := c.compute.Submit(c.Context(), c.run("job-1", 1, "wait"))
	require.NoError(c, err)
	require.Equal(c, id, again)
	require.NoError(c, c.compute.Cancel(c.Context(), id))
	require.Equal(c, ports.RunCancelled, c.end(id).State)
	require.Equal(c, 1, c.started(id))
}

func (c *computeCase) reopenAfterEnd() {
	good, bad := c.submit("job-1", "succeed"), c.submit("job-2", "invalid")
	c.end(good)
	c.end(bad)
	if c.backend.Leave != nil {
		c.backend.Leave(c.T, c.compute)
	}
	c.compute = c.backend.Open(c.T, c.root)
	require.Equal(c, ports.RunSucceeded, c.end(good).State)
	require.Equal(c, "succeed", c.said(good))
	require.Equal(c, "unsupported_schema", c.end(bad).Code)
}

func (c *computeCase) concurrent() {
	const n = 4
	var ids [n]string
	for i := range ids {
		ids[i] = c.submit(fmt.Sprintf("job-%d", i), fmt.Sprintf("succeed as %d", i))
	}
	var group sync.WaitGroup
	for _, id := range ids { // everybody may ask at once
		group.Go(func() {
			_, _ = c.compute.Status(c.Context(), id)
			_, _, _ = c.compute.Logs(c.Context(), id, "")
		})
	}
	group.Wait()
	for i, id := range ids {
		require.Equal(c, ports.RunSucceeded, c.end(id).State)
		require.Equal(c, fmt.Sprintf("succeed as %d", i), c.said(id))
	}
}

func (c *computeCase) logsByCursor() {
	id := c.submit("job-1", "wait")
	c.waiting(id)
	var first []string
	cursor := ""
	for len(first) < 2 {
		lines, next, err := c.compute.Logs(c.Context(), id, cursor)
		require.NoError(c, err)
		first, cursor = append(first, lines...), next
	}
	require.Contains(c, first[0], `"started"`)
	require.Contains(c, first[1], `"waiting"`)
	lines, same, err := c.compute.Logs(c.Context(), id, cursor)
	require.NoError(c, err)
	require.Empty(c, lines, "nothing twice")
	require.Equal(c, cursor, same)
	require.NoError(c, c.compute.Cancel(c.Context(), id))
	c.end(id)
	lines, _, err = c.compute.Logs(c.Context(), id, cursor)
	require.NoError(c, err)
	all, _, err := c.compute.Logs(c.Context(), id, "")
	require.NoError(c, err)
	require.Equal(c, all, append(first, lines...), "nothing lost")
	_, _, err = c.compute.Logs(c.Context(), id, "not a cursor")
	require.Equal(c, fault.Invalid, fault.KindOf(err))
}

func (c *computeCase) fetchBeforeEnd() {
	id := c.submit("job-1", "wait")
	_, err := c.compute.Fetch(c.Context(), id)
	require.Equal(c, fault.Conflict, fault.KindOf(err))
	require.NoError(c, c.compute.Cancel(c.Context(), id))
	c.end(id)
}

func (c *computeCase) discard() {
	id := c.submit("job-1", "succeed")
	c.end(id)
	path, err := c.compute.Fetch(c.Context(), id)
	require.NoError(c, err)
	require.NoError(c, c.compute.Discard(c.Context(), id))
	require.NoFileExists(c, path)
	require.NoError(c, c.compute.Discard(c.Context(), id), "twice is as good as once")
}

func (c *computeCase) vanished() {
	if c.backend.Kill == nil {
		return
	}
	id := c.submit("job-1", "wait")
	c.waiting(id)
	c.backend.Kill(c.T, c.root, id)
	s := c.end(id)
	require.Equal(c, ports.RunFailed, s.State)
	require.Equal(c, ports.BackendFault, s.Failure)
	require.NotEmpty(c, s.Reason)
	again, err := c.compute.Submit(c.Context(), c.run("job-1", 1, "succeed"))
	require.NoError(c, err)
	require.Equal(c, id, again)
	require.Equal(c, ports.RunFailed, c.end(id).State, "the same attempt is not made twice")
}

func (c *computeCase) unknown() {
	for _, id := range []string{"nobody-1", "", ".", "..", "../x", "a/b", ".gate", strings.Repeat("x", 5000)} {
		_, err := c.compute.Status(c.Context(), id)
		require.Equal(c, fault.NotFound, fault.KindOf(err), id)
		_, _, err = c.compute.Logs(c.Context(), id, "")
		require.Equal(c, fault.NotFound, fault.KindOf(err), id)
		_, err = c.compute.Fetch(c.Context(), id)
		require.Equal(c, fault.NotFound, fault.KindOf(err), id)
		require.Equal(c, fault.NotFound, fault.KindOf(c.compute.Cancel(c.Context(), id)), id)
		require.NoError(c, c.compute.Discard(c.Context(), id), id)
	}
	for _, run := range []ports.Run{{TaskID: "../x", Attempt: 1}, {TaskID: "", Attempt: 1}, {TaskID: "x", Attempt: 0}, {TaskID: "x/y", Attempt: 1}} {
		_, err := c.compute.Submit(c.Context(), run)
		require.Equal(c, fault.Invalid, fault.KindOf(err), "%+v", run)
	}
}

func (c *computeCase) context() {
	ctx, cancel := context.WithCancel(c.Context())
	id, err := c.compute.Submit(ctx, c.run("job-1", 1, "wait"))
	require.NoError(c, err)
	cancel()
	c.waiting(id) // the run outlives the context it was submitted with
	_, err = c.compute.Status(ctx, id)
	require.Equal(c, fault.Cancelled, fault.KindOf(err))
	_, err = c.compute.Submit(ctx, c.run("job-2", 1, "succeed"))
	require.Equal(c, fault.Cancelled, fault.KindOf(err))
	require.NoError(c, c.compute.Cancel(c.Context(), id))
	c.end(id)
}
