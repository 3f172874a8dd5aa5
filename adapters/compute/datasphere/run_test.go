package datasphere

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	jobs "github.com/yandex-cloud/go-genproto/yandex/cloud/datasphere/v2/jobs"

	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"github.com/plastinka/predictor/adapters/compute/datasphere/emulator"
	"github.com/plastinka/predictor/adapters/support/taskrun"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/ports"
)

// TestWhatIsSubmitted: §5.2, step 1.
func TestWhatIsSubmitted(t *testing.T) {
	c := newCase(t, emulator.Options{}, func(o *Options) { o.Env = map[string]string{"COMPUTE_THREADS": "4", "B": "x"} })
	require.Equal(t, ports.RunSucceeded, c.until(c.submit("succeed"), over).State)
	job := c.e.Jobs()[0]
	require.Equal(t, "plastinka-job-1", job.Name)
	p := job.Parameters
	require.Equal(t, "./plastinka child --input input.zip --output output.zip", p.Cmd)
	require.Len(t, p.InputFiles, 2)
	for i, name := range []string{"plastinka", "input.zip"} {
		require.Equal(t, name, p.InputFiles[i].Desc.Path)
		require.Empty(t, p.InputFiles[i].Desc.Var)
		require.Len(t, p.InputFiles[i].Sha256, 64)
		require.Equal(t, jobs.FileCompressionType_NONE, p.InputFiles[i].CompressionType)
	}
	require.Equal(t, int64(len("succeed")), p.InputFiles[1].SizeBytes)
	require.Equal(t, "output.zip", p.OutputFiles[0].Path)
	require.Equal(t, map[string]string{"COMPUTE_THREADS": "4", "B": "x"}, p.Env.Vars)
	require.Nil(t, p.Env.PythonEnv)
	require.Nil(t, p.Env.DockerImage)
	require.Equal(t, []string{"c1.8", "c1.4"}, []string{p.CloudInstanceTypes[0].Name, p.CloudInstanceTypes[1].Name})
	require.Equal(t, int64(15), p.GracefulShutdownParameters.Signal)
	require.Equal(t, time.Minute, p.GracefulShutdownParameters.Timeout.AsDuration())
	var config map[string]any
	require.NoError(t, yaml.Unmarshal([]byte(job.Config), &config))
	require.Equal(t, p.Cmd, config["cmd"])
	require.Equal(t, []any{"plastinka", "input.zip"}, config["inputs"])
	require.Equal(t, map[string]any{"vars": []any{map[string]any{"B": "x"}, map[string]any{"COMPUTE_THREADS": "4"}}}, config["env"])
}

// TestProgramIsUploadedOncePerVersion: the project keeps files by their hash.
func TestProgramIsUploadedOncePerVersion(t *testing.T) {
	c := newCase(t, emulator.Options{}, nil)
	c.until(c.submit("succeed"), over)
	c.fail("PUT:2=400") // a third upload in all, if there were one
	input := filepath.Join(t.TempDir(), "input.zip")
	require.NoError(t, os.WriteFile(input, []byte("succeed again"), 0o600))
	id, err := c.b.Submit(t.Context(), ports.Run{TaskID: "other", Attempt: 1, Input: input})
	require.NoError(t, err)
	require.Equal(t, ports.RunSucceeded, c.until(id, over).State)
}

// TestOperationOfCreateIsWaitedFor: one that is done later, and one that is lost
// meanwhile.
func TestOperationOfCreateIsWaitedFor(t *testing.T) {
	for _, rules := range []string{"List:9=UNAVAILABLE", "Operation:1=UNAVAILABLE", "Operation:1=NOT_FOUND"} {
		c := newCase(t, emulator.Options{LateCreate: 30 * time.Millisecond}, nil)
		c.fail(rules)
		require.Equal(t, ports.RunSucceeded, c.until(c.submit("succeed"), over).State, rules)
		require.Equal(t, 1, c.executions())
		require.Len(t, c.e.Jobs(), 1)
	}
}

// TestRetriesAreCounted: what was tried again and then succeeded, once.
func TestRetriesAreCounted(t *testing.T) {
	var events []ports.RetryEvent
	c := newCase(t, emulator.Options{}, func(o *Options) {
		o.Count = func(_ context.Context, e ports.RetryEvent) { events = append(events, e) }
	})
	c.fail("Create:1-2=UNAVAILABLE")
	c.until(c.submit("succeed"), over)
	require.Len(t, events, 1)
	require.Equal(t, ports.RetryEvent{Operation: "datasphere", Error: "yc_unavailable", Attempts: 2, Succeeded: true, At: events[0].At}, events[0])
}

// TestLooksArePaced: between two looks nothing is asked, and what was said last
// is said again.
func TestLooksArePaced(t *testing.T) {
	c := newCase(t, emulator.Options{}, func(o *Options) { o.PollInterval = time.Minute })
	id := c.submit("succeed")
	first, err := c.b.Status(t.Context(), id)
	require.NoError(t, err)
	c.fail("Operation=INVALID_ARGUMENT")
	for range 5 {
		s, err := c.b.Status(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, first, s)
	}
	c.e.Heal()
	c.clock.advance(firstPoll + time.Second)
	require.Eventually(t, func() bool {
		s, err := c.b.Status(t.Context(), id)
		c.clock.advance(10 * time.Second) // slower than a slow machine's run comes to its longest time
		return err == nil && s.State == ports.RunSucceeded
	}, 10*time.Second, 10*time.Millisecond)
}

func TestRuntimeIsLimited(t *testing.T) {
	c := newCase(t, emulator.Options{}, func(o *Options) { o.MaxRuntime = time.Hour })
	id := c.submit("wait")
	c.until(id, waits)
	c.clock.advance(time.Hour + time.Minute)
	s := c.until(id, over)
	require.Equal(t, ports.RunFailed, s.State)
	require.Equal(t, ports.TaskFault, s.Failure)
	require.Equal(t, "runtime_exceeded", s.Code)
	require.Equal(t, "CANCELLED", c.e.Jobs()[0].Status)
}

// TestWaitsEnd: an outage is not waited for for ever.
func TestWaitsEnd(t *testing.T) {
	c := newCase(t, emulator.Options{}, func(o *Options) { o.MaxRuntime = time.Hour })
	c.fail("Create=UNAVAILABLE")
	id := c.submit("succeed")
	_, err := c.b.Status(t.Context(), id)
	require.Equal(t, fault.Unavailable, fault.KindOf(err))
	c.clock.advance(time.Hour + time.Minute)
	s := c.until(id, over)
	require.Equal(t, "gave_up", s.Code)
	require.Equal(t, ports.BackendFault, s.Failure)
}

// TestQuotaIsWaitedFor: with room for one job, the second waits and says why.
func TestQuotaIsWaitedFor(t *testing.T) {
	c := newCase(t, emulator.Options{MaxJobs: 1}, nil)
	first := c.submit("wait")
	c.until(first, waits)
	input := filepath.Join(t.TempDir(), "input.zip")
	require.NoError(t, os.WriteFile(input, []byte("succeed"), 0o600))
	second, err := c.b.Submit(t.Context(), ports.Run{TaskID: "second", Attempt: 1, Input: input})
	require.NoError(t, err)
	var s ports.RunStatus
	require.Eventually(t, func() bool {
		s, err = c.b.Status(t.Context(), second)
		return err == nil && strings.Contains(s.Message, "quota")
	}, 10*time.Second, time.Millisecond)
	require.Equal(t, ports.RunQueued, s.State)
	require.NoError(t, c.b.Cancel(t.Context(), first))
	c.until(first, over)
	require.Equal(t, ports.RunSucceeded, c.until(second, over).State)
	names := map[string]bool{}
	for _, j := range c.e.Jobs() {
		require.False(t, names[j.Name], "names are not used twice: %s", j.Name)
		names[j.Name] = true
	}
}

// TestCancelReachesTheCloud whatever happens to the call.
func TestCancelReachesTheCloud(t *testing.T) {
	for _, rules := range []string{"List:99=UNAVAILABLE", "Cancel:1-3=UNAVAILABLE", "Cancel:1=lost", "Cancel:1=UNAUTHENTICATED", "Operation=NOT_FOUND"} {
		t.Run(rules, func(t *testing.T) {
			t.Parallel()
			c := newCase(t, emulator.Options{}, nil)
			id := c.submit("wait")
			c.until(id, waits)
			c.fail(rules)
			require.NoError(t, c.b.Cancel(t.Context(), id))
			require.Equal(t, ports.RunCancelled, c.until(id, over).State)
			require.Equal(t, "CANCELLED", c.e.Jobs()[0].Status)
		})
	}
}

// TestStubbornJobIsKilled: one that does not heed the graceful cancel gets the
// hard one.
func TestStubbornJobIsKilled(t *testing.T) {
	c := newCase(t, emulator.Options{}, nil)
	id := c.submit("stubborn")
	c.until(id, waits)
	require.NoError(t, c.b.Cancel(t.Context(), id))
	s, err := c.b.Status(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, ports.RunRunning, s.State, "it has its grace")
	c.clock.advance(3 * grace)
	require.Equal(t, ports.RunCancelled, c.until(id, over).State)
}

// TestStoppedInTheConsole is a cancel, though not ours.
func TestStoppedInTheConsole(t *testing.T) {
	c := newCase(t, emulator.Options{}, nil)
	id := c.submit("wait")
	c.until(id, waits)
	require.NoError(t, c.b.cloud.cancel(t, c.e.Jobs()[0].ID))
	require.Equal(t, ports.RunCancelled, c.until(id, over).State)
}

func (c *cloud) cancel(t *testing.T, id string) error {
	_, err := ask(t.Context(), c, time.Minute, jobs.ProjectJobServiceClient.Cancel, &jobs.CancelProjectJobRequest{JobId: id})
	return err
}

// TestKilledProgramIsTheBackendsFault: a program that ends by a signal nobody
// of ours sent ran out of memory, or the machine went.
func TestKilledProgramIsTheBackendsFault(t *testing.T) {
	c := newCase(t, emulator.Options{}, func(o *Options) {
		require.NoError(t, os.WriteFile(o.Program, []byte("#!/bin/sh\nkill -9 $$\n"), 0o755))
	})
	s := c.until(c.submit("succeed"), over)
	require.Equal(t, ports.BackendFault, s.Failure)
	require.Contains(t, s.Reason, "137")
}

// TestDiscardLeavesNothingBehind: a job that runs is stopped, one that never
// ran is deleted, and a succeeded one's files go if so set.
func TestDiscardLeavesNothingBehind(t *testing.T) {
	c := newCase(t, emulator.Options{}, func(o *Options) { o.DeleteData = true })
	id := c.submit("stubborn")
	c.until(id, waits)
	c.fail("Cancel:1=UNAVAILABLE")
	require.NoError(t, c.b.Discard(t.Context(), id))
	require.NoDirExists(t, filepath.Join(c.options.Root, id))
	require.Eventually(t, func() bool { return c.e.Jobs()[0].Status == "CANCELLED" }, 10*time.Second, time.Millisecond)

	id = c.submit("succeed")
	require.Equal(t, ports.RunSucceeded, c.until(id, over).State)
	require.NoError(t, c.b.Discard(t.Context(), id))
	require.True(t, c.e.Jobs()[1].Cleared)

	c.e.Heal()
	c.fail("PUT=503")
	id = c.submit("succeed at last")
	_, err := c.b.Status(t.Context(), id)
	require.Error(t, err)
	require.Len(t, c.e.Jobs(), 3)
	require.NoError(t, c.b.Discard(t.Context(), id))
	require.Len(t, c.e.Jobs(), 2)
}

// TestDiscardKeepsWhatItCannotStop: a forgotten job would run on and cost.
func TestDiscardKeepsWhatItCannotStop(t *testing.T) {
	c := newCase(t, emulator.Options{}, func(o *Options) { o.CancelTimeout = 100 * time.Millisecond })
	id := c.submit("wait")
	c.until(id, waits)
	c.fail("Cancel=UNAVAILABLE")
	require.Equal(t, fault.Unavailable, fault.KindOf(c.b.Discard(t.Context(), id)))
	require.DirExists(t, filepath.Join(c.options.Root, id))
	c.e.Heal()
	require.NoError(t, c.b.Discard(t.Context(), id))
}

// TestFetchMendsWhatWasDamagedHere: the cloud still has it.
func TestFetchMendsWhatWasDamagedHere(t *testing.T) {
	c := newCase(t, emulator.Options{}, nil)
	id := c.submit("succeed")
	c.until(id, over)
	path, err := c.b.Fetch(t.Context(), id)
	require.NoError(t, err)
	good, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, good[1:], 0o600))
	c.fail("DownloadJobFiles:1=UNAVAILABLE,GET:1=corrupt")
	_, err = c.b.Fetch(t.Context(), id)
	require.NoError(t, err)
	again, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, good, again)
}

// TestDiagnosticsOfAFailureAreKept, twenty of them at most.
func TestDiagnosticsOfAFailureAreKept(t *testing.T) {
	dir := t.TempDir()
	for i := range maxDiagnostics {
		old := filepath.Join(dir, fmt.Sprint("old-", i))
		require.NoError(t, os.Mkdir(old, 0o700))
		require.NoError(t, os.Chtimes(old, time.Time{}, time.Now().Add(-time.Hour)))
	}
	c := newCase(t, emulator.Options{}, func(o *Options) { o.Diagnostics = dir })
	id := c.submit("fail")
	c.until(id, over)
	for _, name := range []string{"log.txt", "stdout.txt"} {
		text, err := os.ReadFile(filepath.Join(dir, id, name))
		require.NoError(t, err)
		require.Contains(t, string(text), "the loss is not a number")
	}
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, left, maxDiagnostics)
}

// TestLogOfManyPieces: half lines of both streams, mixed, come out whole.
func TestLogOfManyPieces(t *testing.T) {
	c := newCase(t, emulator.Options{}, func(o *Options) {
		require.NoError(t, os.WriteFile(o.Program, []byte(`#!/bin/sh
for i in 1 2 3 4 5 6; do printf "out-"; sleep 0.01; printf "err-" >&2; sleep 0.01; echo $i; sleep 0.01; echo $i >&2; done
printf "no end"
cp input.zip output.zip`), 0o755))
	})
	c.fail("ReadLogs:2=drop_1,ReadLogs:4=drop_0,ReadLogs:5=end_1")
	id := c.submit("x")
	c.until(id, over)
	lines, _, err := c.b.Logs(t.Context(), id, "")
	require.NoError(t, err)
	require.Len(t, lines, 13)
	for i := 1; i <= 6; i++ {
		require.Contains(t, lines, fmt.Sprint("out-", i))
		require.Contains(t, lines, fmt.Sprint("err-", i))
	}
	require.Contains(t, lines, "no end")
}

// TestProgramIsChecked: only this version's static linux/amd64 binary will do.
func TestProgramIsChecked(t *testing.T) {
	dir := t.TempDir()
	build := func(name string, env ...string) string {
		path := filepath.Join(dir, name)
		source := filepath.Join(dir, name+".go")
		require.NoError(t, os.WriteFile(source, []byte("package main\nfunc main() {}\n"), 0o600))
		cmd := exec.CommandContext(t.Context(), "go", "build", "-o", path, source)
		cmd.Env = append(os.Environ(), append([]string{"CGO_ENABLED=0"}, env...)...)
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
		return path
	}
	text := filepath.Join(dir, "text")
	require.NoError(t, os.WriteFile(text, []byte("#!/bin/sh"), 0o755))
	for path, says := range map[string]string{
		filepath.Join(dir, "none"): "cannot be read",
		text:                       "not a program for Linux",
		build("arm", "GOOS=linux", "GOARCH=arm64"):   "not for linux/amd64",
		build("other", "GOOS=linux", "GOARCH=amd64"): "another program",
		"/bin/sh": "not static",
	} {
		_, err := (&program{path: path}).file()
		require.ErrorContains(t, err, says, path)
		require.ErrorContains(t, err, "DATASPHERE_PROGRAM")
	}
}

func TestOptionsAreChecked(t *testing.T) {
	for what, change := range map[string]func(*Options){
		"DATASPHERE_PROJECT_ID":     func(o *Options) { o.ProjectID = "" },
		"DATASPHERE_INSTANCE_TYPES": func(o *Options) { o.InstanceTypes = nil },
		"DATASPHERE_PLAINTEXT":      func(o *Options) { o.Endpoints.IAM = "iam.api.cloud.yandex.net:443" },
		"DATASPHERE_ENDPOINT":       func(o *Options) { o.Endpoints.Jobs = "datasphere" },
	} {
		o := optionsAt("127.0.0.1:1", t.TempDir(), "x")
		change(&o)
		_, err := New(o)
		require.ErrorContains(t, err, what)
	}
}

// TestCheck: each thing that is missing is said, with what to do.
func TestCheck(t *testing.T) {
	for _, row := range []struct{ rules, folder, last, status, advice string }{
		{"", emulator.Folder, "quota", "ok", ""},
		{"", "other", "quota", "ok", ""},
		{"Token=UNAVAILABLE", "", "credentials", "error", "DATASPHERE_IAM_ENDPOINT"},
		{"Token=UNAUTHENTICATED", "", "credentials", "error", "YC_SERVICE_ACCOUNT_KEY_FILE"},
		{"Project=NOT_FOUND", "", "project", "error", "DATASPHERE_PROJECT_ID"},
		{"Project=PERMISSION_DENIED", "", "project", "error", submitRole},
		{"Project=UNAVAILABLE", "", "project", "error", "DATASPHERE_ENDPOINT"},
		{"List=PERMISSION_DENIED", "", "jobs", "error", submitRole},
		{"Bindings=PERMISSION_DENIED", "", "quota", "ok", ""},
	} {
		c := newCase(t, emulator.Options{}, nil)
		if row.rules != "" {
			c.fail(row.rules)
		}
		found := c.b.Check(t.Context(), row.folder)
		last := found[len(found)-1]
		require.Equal(t, row.last, last.Name, row.rules)
		require.Equal(t, row.status, last.Status, row.rules)
		require.Contains(t, last.Advice, row.advice)
		by := map[string]Finding{}
		for _, f := range found {
			by[f.Name] = f
		}
		if row.folder == "other" {
			require.Equal(t, "error", by["folder"].Status)
		}
		if row.rules == "Bindings=PERMISSION_DENIED" {
			require.Equal(t, "warning", by["role"].Status)
		}
	}
	c := newCase(t, emulator.Options{ServiceRoles: []string{"datasphere.user"}}, nil)
	for _, f := range c.b.Check(t.Context(), "") {
		if f.Name == "role" {
			require.Equal(t, "warning", f.Status)
			require.Contains(t, f.Advice, submitRole)
		}
	}
}

// TestLostRecordOfARun: what is in the folder is enough to know that the run is
// not there, and to begin it anew.
func TestLostRecordOfARun(t *testing.T) {
	c := newCase(t, emulator.Options{}, nil)
	require.NoError(t, taskrun.Folder(filepath.Join(c.options.Root, "job-1")).Make())
	_, err := c.b.Status(t.Context(), "job-1")
	require.Equal(t, fault.NotFound, fault.KindOf(err))
	require.Equal(t, ports.RunSucceeded, c.until(c.submit("succeed"), over).State)
}
