package local_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plastinka/predictor/adapters/compute/local"
	"github.com/plastinka/predictor/adapters/support/taskrun"
	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/ports"
	"github.com/plastinka/predictor/ports/porttest"
)

// TestMain lets the test binary be the task program ("child" comes first), and
// a service that submits a task and is killed ("parent").
func TestMain(m *testing.M) {
	switch {
	case len(os.Args) == 6 && os.Args[1] == "child":
		os.Exit(taskrun.Program{Task: porttest.ComputeTask, Input: os.Args[3], Output: os.Args[5],
			Stdout: os.Stdout, Stderr: os.Stderr, Clock: &clock{}}.Main(context.Background(), os.Getenv))
	case len(os.Args) == 4 && os.Args[1] == "parent":
		os.Exit(parent(os.Args[2], os.Args[3]))
	}
	os.Exit(m.Run())
}

func parent(root, input string) int {
	b, err := local.New(local.Options{Root: root, Command: []string{os.Args[0], "child"}, Clock: &clock{}})
	if err == nil {
		_, err = b.Submit(context.Background(), ports.Run{TaskID: "job", Attempt: 1, Input: input})
	}
	fmt.Println("submitted", err)
	select {} // until it is killed
}

// clock is a clock that only a test moves.
type clock struct{ seconds atomic.Int64 }

func (c *clock) Now() time.Time {
	return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC).Add(time.Duration(c.seconds.Load()) * time.Second)
}
func (c *clock) Today() calendar.Day { return calendar.DayIn(c.Now()) }

func open(t *testing.T, root string, c *clock) *local.Backend {
	exe, err := os.Executable()
	require.NoError(t, err)
	b, err := local.New(local.Options{Root: root, Command: []string{exe, "child"}, Clock: c, Grace: 10 * time.Second})
	require.NoError(t, err)
	return b
}

func process(t *testing.T, root, id string) taskrun.Process {
	p, ok, err := taskrun.Folder(filepath.Join(root, id)).Process()
	require.NoError(t, err)
	require.True(t, ok)
	return p
}

func TestConformance(t *testing.T) {
	porttest.Compute(t, porttest.ComputeBackend{
		Open: func(t *testing.T, root string) ports.Compute { return open(t, root, &clock{}) },
		Kill: func(t *testing.T, root, id string) {
			require.NoError(t, syscall.Kill(process(t, root, id).PID, syscall.SIGKILL))
		},
	})
}

// begin submits a task and waits until its child says that it waits.
func begin(t *testing.T, b *local.Backend, what string) string {
	input := filepath.Join(t.TempDir(), "input.zip")
	require.NoError(t, os.WriteFile(input, []byte(what), 0o600))
	id, err := b.Submit(t.Context(), ports.Run{TaskID: "job", Attempt: 1, Input: input})
	require.NoError(t, err)
	await(t, b, id, func(s ports.RunStatus) bool { return s.Message == "waiting" || s.State == ports.RunSucceeded })
	return id
}

func await(t *testing.T, b *local.Backend, id string, wanted func(ports.RunStatus) bool) (last ports.RunStatus) {
	t.Helper()
	require.Eventually(t, func() bool {
		var err error
		last, err = b.Status(t.Context(), id)
		return err == nil && wanted(last)
	}, 30*time.Second, time.Millisecond)
	return last
}

func ended(s ports.RunStatus) bool { return s.State != ports.RunRunning && s.State != ports.RunQueued }

func TestStubbornChildIsKilledAfterTheGrace(t *testing.T) {
	c := &clock{}
	root := t.TempDir()
	b := open(t, root, c)
	id := begin(t, b, "stubborn")
	require.NoError(t, b.Cancel(t.Context(), id))
	c.seconds.Store(9)
	s, err := b.Status(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, ports.RunRunning, s.State, "it has its grace")
	c.seconds.Store(10)
	another := open(t, root, c) // whoever looks, kills
	require.Equal(t, ports.RunCancelled, await(t, another, id, ended).State)
}

func TestChildIsItsOwnSessionAndLessImportant(t *testing.T) {
	root := t.TempDir()
	b := open(t, root, &clock{})
	id := begin(t, b, "wait")
	pid := process(t, root, id).PID
	group, err := syscall.Getpgid(pid)
	require.NoError(t, err)
	require.Equal(t, pid, group)
	priority, err := syscall.Getpriority(syscall.PRIO_PROCESS, pid)
	require.NoError(t, err)
	require.Equal(t, 20-10, priority, "the raw system call counts from 20 down")
	require.NoError(t, b.Cancel(t.Context(), id))
	await(t, b, id, ended)
}

// TestOutlivesTheService: a service that is killed loses nothing; the next one
// finds the run, follows it and can end it.
func TestOutlivesTheService(t *testing.T) {
	root, input := t.TempDir(), filepath.Join(t.TempDir(), "input.zip")
	require.NoError(t, os.WriteFile(input, []byte("wait"), 0o600))
	exe, err := os.Executable()
	require.NoError(t, err)
	service := exec.CommandContext(t.Context(), exe, "parent", root, input)
	out, err := service.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, service.Start())
	said, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "submitted <nil>\n", said)
	require.NoError(t, service.Process.Kill())
	require.Error(t, service.Wait())

	b := open(t, root, &clock{})
	await(t, b, "job-1", func(s ports.RunStatus) bool { return s.Message == "waiting" })
	id, err := b.Submit(t.Context(), ports.Run{TaskID: "job", Attempt: 1, Input: input})
	require.NoError(t, err)
	require.Equal(t, "job-1", id)
	require.NoError(t, b.Cancel(t.Context(), id))
	require.Equal(t, ports.RunCancelled, await(t, b, id, ended).State)
	lines, _, err := b.Logs(t.Context(), id, "")
	require.NoError(t, err)
	require.Len(t, lines, 3, "started, waiting, cancelled: it ran once")
}

// TestUsedPidIsNotSignalled: a record whose start time is not the process's
// speaks of another process, which must not be hurt.
func TestUsedPidIsNotSignalled(t *testing.T) {
	root := t.TempDir()
	b := open(t, root, &clock{})
	id := begin(t, b, "wait")
	real := process(t, root, id)
	forge := func(p taskrun.Process) {
		text, err := json.Marshal(p)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(root, id, "process.json"), text, 0o600))
	}
	forge(taskrun.Process{PID: real.PID, Started: real.Started + "1"})
	require.NoError(t, b.Cancel(t.Context(), id))
	require.Equal(t, real.Started, taskrun.StartOf(real.PID))
	s, err := b.Status(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, ports.RunRunning, s.State)
	forge(real)
	require.NoError(t, b.Cancel(t.Context(), id))
	require.Equal(t, ports.RunCancelled, await(t, b, id, ended).State)
}

// TestStartedAgainIfItsChildNeverBegan: a death between making the folder and
// the child's first record leaves a run that the same submission starts.
func TestStartedAgainIfItsChildNeverBegan(t *testing.T) {
	root := t.TempDir()
	b := open(t, root, &clock{})
	require.NoError(t, os.MkdirAll(filepath.Join(root, "job-1"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(root, "job-1", ".process.json.7.partial"), []byte(`{"pid":`), 0o600))
	s, err := b.Status(t.Context(), "job-1")
	require.NoError(t, err)
	require.Equal(t, ports.BackendFault, s.Failure)
	id := begin(t, b, "succeed")
	require.Equal(t, "job-1", id)
	require.Equal(t, ports.RunSucceeded, await(t, b, id, ended).State)
}

func TestFetchRefusesADamagedOutput(t *testing.T) {
	root := t.TempDir()
	b := open(t, root, &clock{})
	id := begin(t, b, "succeed")
	await(t, b, id, ended)
	path, err := b.Fetch(t.Context(), id)
	require.NoError(t, err)
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, whole[:len(whole)-1], 0o600))
	_, err = b.Fetch(t.Context(), id)
	require.Equal(t, "output_damaged", fault.CodeOf(err))
	require.NoError(t, os.Remove(path))
	_, err = b.Fetch(t.Context(), id)
	require.Equal(t, "output_lost", fault.CodeOf(err))
}

func TestDiscardEndsWhatRuns(t *testing.T) {
	root := t.TempDir()
	b := open(t, root, &clock{})
	id := begin(t, b, "stubborn")
	p := process(t, root, id)
	require.NoError(t, b.Discard(t.Context(), id))
	require.NoDirExists(t, filepath.Join(root, id))
	require.Eventually(t, func() bool {
		_, err := b.Status(t.Context(), id) // collects the child
		return fault.KindOf(err) == fault.NotFound && taskrun.StartOf(p.PID) != p.Started
	}, 30*time.Second, time.Millisecond)
}

func TestNoSuchProgram(t *testing.T) {
	b, err := local.New(local.Options{Root: t.TempDir(), Command: []string{"/no/such/program"}, Clock: &clock{}})
	require.NoError(t, err)
	_, err = b.Submit(t.Context(), ports.Run{TaskID: "job", Attempt: 1, Input: "x"})
	require.Equal(t, "cannot_start", fault.CodeOf(err))
	require.ErrorContains(t, err, "/no/such/program")
	_, err = local.New(local.Options{Root: t.TempDir()})
	require.Error(t, err)
}
