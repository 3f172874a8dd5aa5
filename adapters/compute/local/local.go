// Package local runs tasks on this machine, each in a child process of its own,
// so that a crash or an out-of-memory kill of a training never takes the
// service down (§5).
//
// A run is a folder (adapters/support/taskrun) below a root; its name is the
// run's id. Everything that is known of a run is in its folder, so that any
// process may ask for it, also after whoever started it has died:
//
//   - The child is told apart from a process that merely got its pid by a lock:
//     it inherits the open, locked file and so holds the lock exactly as long as
//     it lives, whatever happens to its parent. No pid is ever signalled while
//     the lock is free, nor one whose start time is not the recorded one.
//   - The child is the leader of its own session, its output goes to a file:
//     nothing ties it to its parent. It lowers its own priority and writes its
//     own records.
//   - The lock free, a process.json but no end.json: the child vanished. That is
//     the backend's fault, unless the child had been told to stop.
//   - Cancel writes down the wish before it signals: a child that is just
//     starting reads it. A child that does not heed SIGTERM for the grace is
//     killed by the next look at it.
//
// Only flock, setsid and wait4 of Unix are used, from the standard library.
package local

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/plastinka/predictor/adapters/support/taskrun"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/ports"
)

var _ ports.Compute = (*Backend)(nil)

// Options say what a Backend runs, and where.
type Options struct {
	Root    string        // the folder of the runs' folders
	Command []string      // the task program; --input and --output are added
	Env     []string      // the child's environment; nil: this process's
	Grace   time.Duration // between SIGTERM and SIGKILL; 0: 30 s
	Clock   ports.Clock
}

// Backend is ports.Compute on this machine. It need not be closed: children
// live on, and another Backend with the same root finds them.
type Backend struct {
	options Options
	runs    taskrun.Runs

	mu       sync.Mutex
	children []int // started here and not yet collected
}

// New makes the root, if need be.
func New(options Options) (*Backend, error) {
	if len(options.Command) == 0 || options.Clock == nil {
		return nil, fault.New(fault.Internal, "internal_error", "the local backend was given no command or no clock")
	}
	if options.Grace == 0 {
		options.Grace = 30 * time.Second
	}
	if options.Env == nil {
		options.Env = os.Environ()
	}
	runs, err := taskrun.OpenRuns(options.Root)
	return &Backend{options: options, runs: runs}, err
}

// Submit starts the task program in a child process, unless this attempt has
// been started before.
func (b *Backend) Submit(ctx context.Context, run ports.Run) (string, error) {
	b.collect()
	input, err := filepath.Abs(run.Input)
	if err != nil {
		return "", fault.Wrap("local.Submit", err)
	}
	return b.runs.Submit(ctx, run, func(folder taskrun.Folder, lock *os.File) (bool, error) {
		defer lock.Close() // the child has its own copy, if there is one
		err := b.start(folder, lock, input)
		return err == nil, err
	})
}

// start starts the child, with the lock among its open files.
func (b *Backend) start(folder taskrun.Folder, lock *os.File, input string) error {
	log, err := os.OpenFile(folder.Log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fault.New(fault.Unavailable, "run_folder", "the log of a run cannot be written: %v", err).Because(err)
	}
	defer log.Close()
	args := append(slices.Clone(b.options.Command[1:]), "--input", input, "--output", folder.Output())
	cmd := exec.Command(b.options.Command[0], args...) // not CommandContext: the child outlives ctx
	cmd.Env = append(slices.Clone(b.options.Env), taskrun.EnvFolder+"="+string(folder))
	cmd.Stdout, cmd.Stderr = log, log
	cmd.ExtraFiles = []*os.File{lock}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return fault.New(fault.Unavailable, "cannot_start", "the task program %s cannot be started: %v", b.options.Command[0], err).Because(err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.children = append(b.children, cmd.Process.Pid)
	return fault.Wrap("local.start", cmd.Process.Release())
}

// Status looks at the run. A child that has not heeded SIGTERM for the grace is
// killed here, so that no goroutine need wait for it, nor this process live on.
func (b *Backend) Status(ctx context.Context, runID string) (ports.RunStatus, error) {
	b.collect()
	look, err := b.runs.Look(ctx, runID)
	if err != nil {
		return ports.RunStatus{}, err
	}
	if look.Asked && b.options.Clock.Now().Sub(look.Cancelled) >= b.options.Grace {
		signal(look, syscall.SIGKILL)
	}
	return look.Status()
}

// Logs returns the log's lines after cursor.
func (b *Backend) Logs(ctx context.Context, runID, cursor string) (lines []string, next string, err error) {
	look, err := b.runs.Look(ctx, runID)
	if err != nil {
		return nil, "", err
	}
	return look.Folder.Logs(cursor, !look.Alive)
}

// Fetch is the path of output.zip, its size and digest checked.
func (b *Backend) Fetch(ctx context.Context, runID string) (string, error) {
	look, err := b.runs.Look(ctx, runID)
	if err != nil {
		return "", err
	}
	return look.Folder.Fetch()
}

// Cancel tells the run to stop, and returns at once; a run that has ended stays
// as it is.
func (b *Backend) Cancel(ctx context.Context, runID string) error {
	look, err := b.runs.Look(ctx, runID)
	if err != nil || !look.Alive {
		return err
	}
	if err := look.Folder.PutCancelled(b.options.Clock.Now()); err != nil {
		return err
	}
	// Looked at again: a child that was just starting has either seen the wish
	// since, or said who it is.
	if look, err = b.runs.Look(ctx, runID); err == nil {
		signal(look, syscall.SIGTERM)
	}
	return err
}

// Discard removes the run's folder. A run that still goes on is killed first.
func (b *Backend) Discard(ctx context.Context, runID string) error {
	for {
		look, err := b.runs.Look(ctx, runID)
		switch {
		case fault.KindOf(err) == fault.NotFound:
			return nil
		case err != nil:
			return err
		case !look.Alive:
			return look.Folder.Remove()
		}
		signal(look, syscall.SIGKILL)
		select { // until it is gone: it could write into a folder that is being removed
		case <-ctx.Done():
			return fault.Wrap("local.Discard", ctx.Err())
		case <-time.After(5 * time.Millisecond):
		}
		b.collect()
	}
}

// signal signals the child's whole session, if it is still the child: its lock
// was held a moment ago, and its start time is the recorded one.
func signal(l taskrun.Look, s syscall.Signal) {
	pid := l.Process.PID
	if l.Alive && l.Started && pid > 1 && taskrun.StartOf(pid) == l.Process.Started {
		_ = syscall.Kill(-pid, s) // one that is gone by now needs no signal
	}
}

// collect takes note of the end of children of this process, so that they do
// not stay as zombies. There is nothing to wait for: what they did is in their
// folders.
func (b *Backend) collect() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.children = slices.DeleteFunc(b.children, func(pid int) bool {
		got, err := syscall.Wait4(pid, nil, syscall.WNOHANG, nil)
		return got == pid || errors.Is(err, syscall.ECHILD)
	})
}
