package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Tests of processes that die, and of several on one data root.

// TestKilledBetweenThePhases: a training whose commands or processes die after
// the first phase still brings its result, once.
func TestKilledBetweenThePhases(t *testing.T) {
	t.Parallel()
	for _, victim := range []string{"the command", "the training's process", "both"} {
		t.Run(victim, func(t *testing.T) {
			t.Parallel()
			b := newKillBox(t)
			b.must(uploadOf(t, b.shop("shop", "--products", "200", "--months", "18", "--format", "csv"))...)
			train := b.start("train")
			run := b.secondPhase()
			if victim != "the command" {
				require.NoError(t, syscall.Kill(run.PID, syscall.SIGKILL))
			}
			if victim != "the training's process" {
				train.kill()
				if victim == "the command" {
					require.NoError(t, syscall.Kill(run.PID, 0), "the training goes on without the command")
				}
				o := b.run("train")
				require.Zero(t, o.code, o.err)
				require.Contains(t, o.err, "going on with the unfinished job "+run.job)
			} else {
				o := train.wait()
				require.Zero(t, o.code, o.err)
			}
			require.Len(t, b.models(), 1)
			require.Equal(t, run.job, b.models()[0]["job_id"])
			require.Len(t, b.exported("forecasts"), 200)
			require.Empty(t, b.unfinished())
			require.Empty(t, b.leftovers())
		})
	}
}

// TestKilledService: the training of a killed service goes on in its own
// process, and the next start of the service adopts it.
func TestKilledService(t *testing.T) {
	t.Parallel()
	b := newKillBox(t)
	b.must(uploadOf(t, b.shop("shop", "--products", "200", "--months", "18", "--format", "csv"))...)
	service := b.start("serve", "--port", "0")
	service.until("listens on")
	require.NotZero(t, b.run("restore", "nothing.db").code, "not while the service runs")
	b.must("train", "--detach")
	run := b.secondPhase()
	service.kill()
	require.NoError(t, syscall.Kill(run.PID, 0), "the training goes on without the service")
	service = b.start("serve", "--port", "0")
	require.Eventually(t, func() bool { return len(b.unfinished()) == 0 }, time.Minute, 50*time.Millisecond)
	require.Len(t, b.models(), 1)
	require.Equal(t, run.job, b.models()[0]["job_id"])
	require.Contains(t, string(b.must("jobs", "show", run.job)), "completed")
	require.NoError(t, service.cmd.Process.Signal(syscall.SIGTERM))
	require.Zero(t, service.wait().code, "a service that is told to stop ends well")
	require.Empty(t, b.leftovers())
}

// TestTwoProcesses: commands side by side on one data root join each other's
// job, or wait for each other.
func TestTwoProcesses(t *testing.T) {
	t.Parallel()
	b := newBox(t, "ENGINE=baseline")
	shop := b.shop("shop", "--products", "60", "--months", "5", "--format", "csv")
	several := func(args ...string) {
		var all []*process
		for range 4 {
			all = append(all, b.start(args...))
		}
		for _, p := range all {
			o := p.wait()
			require.Zero(t, o.code, o.err)
		}
	}
	several(uploadOf(t, shop)...)
	requireTruth(b, filepath.Join(shop, "truth"), "csv")
	several("train")
	models := len(b.models())
	require.LessOrEqual(t, models, 4)
	require.Len(t, b.exported("forecasts"), 60*models, "every training's forecasts are whole")
	require.Empty(t, b.unfinished())
	require.Empty(t, b.leftovers())
}

// TestInterrupted: an interrupt ends a command with 130, and the command can be
// repeated: it goes on with its job.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	b.must(uploadOf(t, b.shop("shop", "--products", "200", "--months", "18", "--format", "csv"))...)
	train := b.start("train", "--json")
	run := b.secondPhase()
	require.NoError(t, train.cmd.Process.Signal(os.Interrupt))
	o := train.wait()
	require.Equal(t, 130, o.code, o.err)
	require.JSONEq(t, `{"error": {"code": "interrupted", "message": "interrupted; repeat the command to go on where it stopped", "details": {}}}`, o.out)
	o = b.run("train")
	require.Zero(t, o.code, o.err)
	require.Contains(t, o.err, "going on with the unfinished job "+run.job)
	require.Len(t, b.models(), 1)
	require.Empty(t, b.leftovers())
}

// process is a started command.
type process struct {
	t         testing.TB
	cmd       *exec.Cmd
	out, errs lockedBuffer
}

// lockedBuffer is what a process has printed so far.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (b *box) start(args ...string) *process {
	b.Helper()
	p := &process{t: b, cmd: b.command(args...)}
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.errs
	require.NoError(b, p.cmd.Start())
	b.Cleanup(func() {
		if p.cmd.ProcessState == nil {
			p.kill()
		}
	})
	return p
}

func (p *process) wait() outcome {
	p.t.Helper()
	err := p.cmd.Wait()
	if exit := new(exec.ExitError); err != nil && !errors.As(err, &exit) {
		require.NoError(p.t, err)
	}
	return outcome{p.cmd.ProcessState.ExitCode(), p.out.String(), p.errs.String()}
}

func (p *process) kill() {
	p.t.Helper()
	require.NoError(p.t, p.cmd.Process.Kill())
	_ = p.cmd.Wait() // it was killed
}

// until waits for words on the process's standard output.
func (p *process) until(words string) {
	p.t.Helper()
	require.Eventually(p.t, func() bool { return strings.Contains(p.out.String(), words) }, time.Minute, 5*time.Millisecond, "%s", &p.errs)
}

// childRun is a training in its own process.
type childRun struct {
	job string
	PID int `json:"pid"`
}

// secondPhase waits until the one training that runs is past its first phase,
// which is the first half of it.
func (b *box) secondPhase() (run childRun) {
	b.Helper()
	var folder string
	require.Eventually(b, func() bool {
		logs, err := filepath.Glob(filepath.Join(b.root, "datasphere_output", "runs", "*", "log"))
		require.NoError(b, err)
		if len(logs) != 1 {
			return false
		}
		folder = filepath.Dir(logs[0])
		content, err := os.ReadFile(logs[0])
		return err == nil && bytes.Contains(content, []byte(`"validating"`))
	}, time.Minute, time.Millisecond, "no training has come to its second phase")
	content, err := os.ReadFile(filepath.Join(folder, "process.json"))
	require.NoError(b, err)
	require.NoError(b, json.Unmarshal(content, &run))
	run.job = strings.TrimSuffix(filepath.Base(folder), "-1")
	return run
}
