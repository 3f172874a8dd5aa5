package taskrun_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plastinka/predictor/adapters/support/taskrun"
	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/ports"
)

type noon struct{}

func (noon) Now() time.Time      { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }
func (noon) Today() calendar.Day { return calendar.DayIn(noon{}.Now()) }

// main runs a task as a process would, without a folder unless env has one.
func main(t *testing.T, task ports.TaskProgram, env map[string]string) (code int, out string, output string) {
	output = filepath.Join(t.TempDir(), "output.zip")
	var stdout bytes.Buffer
	code = taskrun.Program{Task: task, Input: "input.zip", Output: output, Stdout: &stdout, Stderr: &stdout, Clock: noon{}}.
		Main(t.Context(), func(name string) string { return env[name] })
	return code, stdout.String(), output
}

func fails(err error) ports.TaskProgram {
	return func(_ context.Context, _, output string, progress func(float64, string)) error {
		progress(0.5, "half way")
		return errors.Join(os.WriteFile(output, []byte("half"), 0o600), err)
	}
}

func TestExitCodes(t *testing.T) {
	for _, c := range []struct {
		err   error
		code  int
		state ports.RunState
		blame ports.FailureKind
	}{
		{nil, 0, ports.RunSucceeded, ""},
		{fault.New(fault.Invalid, "corrupt_bundle", "manifest.json: it is missing"), 2, ports.RunFailed, ports.TaskFault},
		{fault.New(fault.TooLarge, "too_many_rows", "too many"), 2, ports.RunFailed, ports.TaskFault},
		{fault.New(fault.Internal, "training_failed", "the loss is NaN"), 3, ports.RunFailed, ports.TaskFault},
		{errors.New("a foreign error"), 3, ports.RunFailed, ports.TaskFault},
		{fault.New(fault.Unavailable, "disk_full", "the disk is full"), 3, ports.RunFailed, ports.BackendFault},
		{fault.New(fault.Cancelled, "cancelled", "stopped"), 130, ports.RunCancelled, ""},
		{context.Canceled, 130, ports.RunCancelled, ""},
	} {
		code, out, output := main(t, fails(c.err), nil)
		require.Equal(t, c.code, code, "%v", c.err)
		lines := strings.Split(strings.TrimSpace(out), "\n")
		p, ok := taskrun.ParseProgress(lines[0])
		require.True(t, ok)
		require.Equal(t, taskrun.Progress{Progress: 50, Message: "half way", CreateTime: noon{}.Now()}, p)
		if c.err == nil {
			require.FileExists(t, output)
			require.Len(t, lines, 1)
			continue
		}
		require.NoFileExists(t, output, "partial output is removed")
		end, ok := taskrun.ParseFailure(lines[1])
		require.True(t, ok, lines[1])
		require.Equal(t, c.code, end.Exit)
		status := end.Status()
		require.Equal(t, c.state, status.State)
		require.Equal(t, c.blame, status.Failure)
		require.Contains(t, c.err.Error(), status.Reason)
	}
}

// TestForeignExitCode: a code that is none of the program's is the backend's.
func TestForeignExitCode(t *testing.T) {
	for _, code := range []int{1, 137, 139} {
		require.Equal(t, ports.BackendFault, taskrun.End{Exit: code}.Status().Failure)
	}
}

// TestFailureIsSaidOnStandardError: in words, beside the line for programs.
func TestFailureIsSaidOnStandardError(t *testing.T) {
	for _, folder := range []string{"", t.TempDir()} {
		var stdout, stderr bytes.Buffer
		program := taskrun.Program{Task: fails(fault.New(fault.Invalid, "corrupt_bundle", "manifest.json: it is missing")),
			Output: filepath.Join(t.TempDir(), "output.zip"), Stdout: &stdout, Stderr: &stderr, Clock: noon{}}
		require.Equal(t, 2, program.Main(t.Context(), func(name string) string {
			return map[string]string{taskrun.EnvFolder: folder}[name]
		}))
		require.Contains(t, stdout.String(), `{"error":{"exit":2`)
		if folder == "" {
			require.Equal(t, "error: manifest.json: it is missing\n", stderr.String())
		} else {
			require.Empty(t, stderr.String(), "the folder's record says it, and both are one log")
		}
	}
}

func TestPanicIsAFailure(t *testing.T) {
	code, out, _ := main(t, func(context.Context, string, string, func(float64, string)) error { panic("ouch") }, nil)
	require.Equal(t, taskrun.ExitFailed, code)
	require.Contains(t, out, "panic: ouch\n")
	require.Contains(t, out, "taskrun_test.go", "the stack")
}

func TestSigtermCancels(t *testing.T) {
	code, _, output := main(t, func(ctx context.Context, _, output string, _ func(float64, string)) error {
		require.NoError(t, os.WriteFile(output, []byte("half"), 0o600))
		require.NoError(t, syscall.Kill(os.Getpid(), syscall.SIGTERM))
		<-ctx.Done()
		return fmt.Errorf("a library that hides it: %v", ctx.Err())
	}, nil)
	require.Equal(t, taskrun.ExitCancelled, code)
	require.NoFileExists(t, output)
}

func TestProgressFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "progress.jsonl")
	require.NoError(t, os.WriteFile(file, []byte("before\n"), 0o600))
	_, out, _ := main(t, func(_ context.Context, _, _ string, progress func(float64, string)) error {
		progress(0.21, "epoch 3")
		progress(math.NaN(), "no number")
		progress(7, "too far")
		return nil
	}, map[string]string{taskrun.EnvProgress: file})
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	want := `{"progress":21,"message":"epoch 3","create_time":"2026-03-01T12:00:00Z"}` + "\n" +
		`{"progress":100,"message":"too far","create_time":"2026-03-01T12:00:00Z"}` + "\n"
	require.Equal(t, "before\n"+want, string(text), "it is added to")
	require.Equal(t, want, out)

	code, out, _ := main(t, fails(nil), map[string]string{taskrun.EnvProgress: "/no/such/folder/x"})
	require.Equal(t, 0, code, "a file that cannot be written ends no training")
	require.Contains(t, out, "warning: progress is not written to a file")
}

func TestOtherLinesAreLog(t *testing.T) {
	for _, line := range []string{"", "{", `{"progress":`, `{"progress":"x"}`, ` {"progress":1}`, `{"message":"x"}`, `{"error":null}`, `{"error":7}`, `{"error":{"exit":"x"}}`} {
		_, ok := taskrun.ParseProgress(line)
		require.False(t, ok, line)
		_, ok = taskrun.ParseFailure(line)
		require.False(t, ok, line)
	}
	p, ok := taskrun.ParseProgress(`{"progress":-3}`)
	require.True(t, ok)
	require.Zero(t, p.Progress)
}

func TestLogs(t *testing.T) {
	f := taskrun.Folder(t.TempDir())
	put := func(text string) { require.NoError(t, os.WriteFile(f.Log(), []byte(text), 0o600)) }
	lines, next, err := f.Logs("", false)
	require.NoError(t, err)
	require.Empty(t, lines)
	require.Equal(t, "0", next)
	put("one\r\ntwo\nthr")
	lines, next, err = f.Logs("", false)
	require.NoError(t, err)
	require.Equal(t, []string{"one", "two"}, lines, "half a line waits")
	lines, _, err = f.Logs(next, true)
	require.NoError(t, err)
	require.Equal(t, []string{"thr"}, lines, "after the end there is no more to come")
	put("bad \xff\xfe\n" + strings.Repeat("x", 3<<20) + "\nlast\n")
	var all string
	for cursor := ""; ; cursor = next {
		lines, next, err = f.Logs(cursor, true)
		require.NoError(t, err)
		if len(lines) == 0 {
			break
		}
		all += strings.Join(lines, "")
	}
	require.Equal(t, "bad \uFFFD"+strings.Repeat("x", 3<<20)+"last", all, "a line longer than a part is cut, not lost")
	for _, bad := range []string{"x", "-1", "1e3"} {
		_, _, err = f.Logs(bad, false)
		require.Equal(t, fault.Invalid, fault.KindOf(err))
	}
}

func TestLastProgress(t *testing.T) {
	f := taskrun.Folder(t.TempDir())
	p, err := f.LastProgress()
	require.NoError(t, err)
	require.Zero(t, p)
	line := `{"progress":7,"message":"epoch 1"}` + "\n"
	require.NoError(t, os.WriteFile(f.Log(), []byte(strings.Repeat("noise\n", 1<<16)+line+"more noise\n"+`{"progress":99`), 0o600))
	p, err = f.LastProgress()
	require.NoError(t, err)
	require.Equal(t, 7.0, p.Progress)
}

// TestHalfWrittenRecord: a record is whole or absent; one that is neither was
// not written by the program, and is said to be damaged.
func TestHalfWrittenRecord(t *testing.T) {
	root := t.TempDir()
	runs, err := taskrun.OpenRuns(root)
	require.NoError(t, err)
	f := taskrun.Folder(filepath.Join(root, "job-1"))
	require.NoError(t, f.Make())
	require.NoError(t, os.WriteFile(filepath.Join(string(f), "end.json"), []byte(`{"exit":0,`), 0o600))
	_, err = runs.Look(t.Context(), "job-1")
	require.Equal(t, fault.Unavailable, fault.KindOf(err))
	require.ErrorContains(t, err, "the folder of a run cannot be used")
}

// TestNothingIsStartedTwice: whatever state a folder is in, only one that has
// no process.json and whose lock is free is started.
func TestNothingIsStartedTwice(t *testing.T) {
	runs, err := taskrun.OpenRuns(t.TempDir())
	require.NoError(t, err)
	starts := 0
	submit := func(start func(f taskrun.Folder, lock *os.File) bool) string {
		id, err := runs.Submit(t.Context(), ports.Run{TaskID: "job", Attempt: 1}, func(f taskrun.Folder, lock *os.File) (bool, error) {
			starts++
			return start(f, lock), nil
		})
		require.NoError(t, err)
		return id
	}
	status := func(id string) ports.RunStatus {
		look, err := runs.Look(t.Context(), id)
		require.NoError(t, err)
		s, err := look.Status()
		require.NoError(t, err)
		return s
	}
	id := submit(func(taskrun.Folder, *os.File) bool { return false }) // died before it did anything
	require.Equal(t, ports.BackendFault, status(id).Failure)
	var held *os.File
	submit(func(_ taskrun.Folder, lock *os.File) bool { held = lock; return true })
	require.Equal(t, ports.RunQueued, status(id).State)
	submit(nil) // it runs
	program := taskrun.Program{Task: fails(errors.New("no")), Stdout: &bytes.Buffer{}, Stderr: &bytes.Buffer{}, Clock: noon{},
		Output: filepath.Join(t.TempDir(), "output.zip")}
	look, err := runs.Look(t.Context(), id)
	require.NoError(t, err)
	_, err = program.In(t.Context(), look.Folder)
	require.NoError(t, err)
	require.NoError(t, held.Close())
	submit(nil) // it has ended
	require.Equal(t, ports.TaskFault, status(id).Failure)
	require.Equal(t, 2, starts)
}
