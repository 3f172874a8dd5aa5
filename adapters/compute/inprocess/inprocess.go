// Package inprocess runs tasks as functions of this process: for those who use
// Plastinka as a library, and for tests. A training that takes the memory takes
// the process with it; a service runs its tasks elsewhere.
//
// A run has the same folder as a run in a process of its own
// (adapters/support/taskrun): how it ended, its log and its output are there
// for a later process, and one that died in the middle is found out by its lock.
package inprocess

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/plastinka/predictor/adapters/support/taskrun"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/ports"
)

var _ ports.Compute = (*Backend)(nil)

// Backend is ports.Compute in this process.
type Backend struct {
	task  ports.TaskProgram
	runs  taskrun.Runs
	clock ports.Clock
	group sync.WaitGroup

	mu      sync.Mutex
	closed  bool
	running map[taskrun.Folder]running
}

// running is a run that goes on.
type running struct {
	stop context.CancelCauseFunc
	done chan struct{} // closed when it has ended
}

// New keeps the runs' folders below root. Close must be called.
func New(root string, task ports.TaskProgram, clock ports.Clock) (*Backend, error) {
	runs, err := taskrun.OpenRuns(root)
	if err != nil {
		return nil, err
	}
	return &Backend{task: task, runs: runs, clock: clock, running: map[taskrun.Folder]running{}}, nil
}

// Close interrupts what still runs and waits for it. Such runs have not ended:
// they count as vanished.
func (b *Backend) Close() error {
	b.mu.Lock()
	b.closed = true
	for _, r := range b.running {
		r.stop(taskrun.ErrInterrupted)
	}
	b.mu.Unlock()
	b.group.Wait()
	return nil
}

// Submit starts the task, unless this attempt has been started before. The task
// goes on when ctx ends.
func (b *Backend) Submit(ctx context.Context, run ports.Run) (string, error) {
	input, err := filepath.Abs(run.Input)
	if err != nil {
		return "", fault.Wrap("inprocess.Submit", err)
	}
	return b.runs.Submit(ctx, run, func(folder taskrun.Folder, lock *os.File) (bool, error) {
		log, err := os.OpenFile(folder.Log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return false, fault.New(fault.Unavailable, "run_folder", "the log of a run cannot be written: %v", err).Because(err)
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.closed {
			log.Close()
			return false, fault.New(fault.Unavailable, "closed", "this process is stopping; submit the task again after the next start")
		}
		ctx, stop := context.WithCancelCause(context.WithoutCancel(ctx))
		b.running[folder] = running{stop, make(chan struct{})}
		program := taskrun.Program{Task: b.task, Input: input, Output: folder.Output(), Stdout: log, Stderr: log, Clock: b.clock}
		b.group.Go(func() {
			defer b.forget(folder)
			defer lock.Close()
			defer log.Close()
			if _, err := program.In(ctx, folder); err != nil {
				fmt.Fprintln(log, "error:", err)
			}
		})
		return true, nil
	})
}

func (b *Backend) forget(folder taskrun.Folder) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.running[folder].stop(nil)
	close(b.running[folder].done)
	delete(b.running, folder)
}

// Status looks at the run.
func (b *Backend) Status(ctx context.Context, runID string) (ports.RunStatus, error) {
	look, err := b.runs.Look(ctx, runID)
	if err != nil {
		return ports.RunStatus{}, err
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

// Cancel tells the task to stop; it must heed its context. A run of another
// process reads the wish only if it is just starting.
func (b *Backend) Cancel(ctx context.Context, runID string) error {
	look, err := b.runs.Look(ctx, runID)
	if err != nil || !look.Alive {
		return err
	}
	if err := look.Folder.PutCancelled(b.clock.Now()); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if r, ok := b.running[look.Folder]; ok {
		r.stop(nil)
	}
	return nil
}

// Discard removes the run's folder. A run that still goes on is told to stop
// first, and waited for.
func (b *Backend) Discard(ctx context.Context, runID string) error {
	look, err := b.runs.Look(ctx, runID)
	if fault.KindOf(err) == fault.NotFound {
		return nil
	}
	if err == nil {
		err = b.Cancel(ctx, runID)
	}
	if err != nil {
		return err
	}
	b.mu.Lock()
	r, ok := b.running[look.Folder]
	b.mu.Unlock()
	if ok {
		select {
		case <-r.done:
		case <-ctx.Done():
			return fault.Wrap("inprocess.Discard", ctx.Err())
		}
	}
	return look.Folder.Remove()
}
