package taskrun

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/ports"
)

// Runs are the runs whose folders lie below one root. Whoever runs the program
// of a folder holds its lock for as long as it lives: the system lets go of it
// when the process ends, however it ends. All looks at locks go through a gate,
// so that no look is mistaken for a program.
type Runs struct{ root string }

// OpenRuns makes the root, if need be.
func OpenRuns(root string) (Runs, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return Runs{}, fault.Wrap("taskrun.OpenRuns", err)
	}
	return Runs{root}, Folder(root).Make()
}

// Submit gives the run its folder and calls start with the folder's lock,
// unless this attempt has been started before. start says whether something
// that lives on has taken the lock over; it closes nothing.
//
// A run without a process.json was not started yet, or its program died before
// it did anything: starting it (again) is right in both cases. One with a
// process.json is never started again.
func (r Runs) Submit(ctx context.Context, run ports.Run, start func(folder Folder, lock *os.File) (taken bool, err error)) (id string, err error) {
	if err := ctx.Err(); err != nil {
		return "", fault.Wrap("taskrun.Submit", err)
	}
	if id, err = RunID(run); err != nil {
		return "", err
	}
	folder := Folder(filepath.Join(r.root, id))
	if err := folder.Make(); err != nil {
		return "", err
	}
	open, err := r.gate()
	if err != nil {
		return "", err
	}
	defer open()
	lock, held, err := folder.lock()
	if err != nil || held {
		return id, err // held: it runs
	}
	taken := false
	defer func() {
		if !taken {
			release(lock)
		}
	}()
	if _, started, err := folder.Process(); started || err != nil {
		return id, err
	}
	taken, err = start(folder, lock)
	return id, err
}

// Folder is the folder of a run, which may not be there (any more).
func (r Runs) Folder(runID string) (f Folder, there bool) {
	if !plain(runID) {
		return "", false
	}
	f = Folder(filepath.Join(r.root, runID))
	info, err := os.Stat(string(f))
	return f, err == nil && info.IsDir()
}

// Unknown is the error of a run that is not there.
func Unknown(runID string) error {
	return fault.New(fault.NotFound, "run_not_found", "there is no run %.200q; it was never submitted here, or has been discarded", runID)
}

// Look is what one look at a run shows.
type Look struct {
	Folder    Folder
	Process   Process
	End       End
	Cancelled time.Time // when it was asked to stop
	Started   bool      // there is a Process
	Ended     bool      // there is an End
	Asked     bool      // it was asked to stop
	Alive     bool      // its lock is held
}

// Look looks at a run. The lock is tried before the records are read: a program
// that ends in between has written its end before it let go of the lock.
func (r Runs) Look(ctx context.Context, runID string) (l Look, err error) {
	if err := ctx.Err(); err != nil {
		return l, fault.Wrap("taskrun.Look", err)
	}
	unknown := Unknown(runID)
	if !plain(runID) {
		return l, unknown
	}
	l.Folder = Folder(filepath.Join(r.root, runID))
	open, err := r.gate()
	if err != nil {
		return l, err
	}
	defer open()
	lock, held, err := l.Folder.lock()
	if errors.Is(err, os.ErrNotExist) {
		return l, unknown
	}
	if err != nil {
		return l, err
	}
	if l.Alive = held; !held {
		defer release(lock)
	}
	if l.Process, l.Started, err = l.Folder.Process(); err != nil {
		return l, err
	}
	if l.Cancelled, l.Asked, err = l.Folder.Cancelled(); err != nil {
		return l, err
	}
	l.End, l.Ended, err = l.Folder.End()
	return l, err
}

// Status is what a look means. A program that is gone without having said how
// it ended is the backend's fault, unless it had been told to stop.
func (l Look) Status() (ports.RunStatus, error) {
	switch {
	case l.Ended:
		return l.End.Status(), nil
	case l.Alive && !l.Started:
		return ports.RunStatus{State: ports.RunQueued, Message: "starting"}, nil
	case l.Alive:
		p, err := l.Folder.LastProgress()
		return ports.RunStatus{State: ports.RunRunning, Progress: p.Progress, Message: p.Message}, err
	case l.Asked:
		return ports.RunStatus{State: ports.RunCancelled, Message: "the task was stopped"}, nil
	}
	return ports.RunStatus{State: ports.RunFailed, Failure: ports.BackendFault, Code: "run_vanished",
		Reason: "the training's process vanished without a result: it was killed, ran out of memory, or the machine was restarted"}, nil
}

// gate is held while a run is looked at or started, by whichever process. It is
// never held for longer than a start takes.
func (r Runs) gate() (open func(), err error) {
	f, err := os.OpenFile(filepath.Join(r.root, ".gate"), os.O_CREATE|os.O_RDWR, 0o600)
	if err == nil {
		err = flock(f, syscall.LOCK_EX)
	}
	if err != nil {
		return nil, lockFault(err)
	}
	return func() { release(f) }, nil
}

// lock takes the lock of a run; held says that its program has it.
func (f Folder) lock() (lock *os.File, held bool, err error) {
	lock, err = os.OpenFile(f.file("lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, false, lockFault(err)
	}
	err = flock(lock, syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		return lock, false, nil
	}
	lock.Close()
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, true, nil
	}
	return nil, false, lockFault(err)
}

// release lets go of a lock before closing its file: closing alone would leave
// it held by the copy in a process that is being started at this moment.
func release(f *os.File) {
	_ = flock(f, syscall.LOCK_UN)
	f.Close()
}

// flock is the system call, begun again when a signal interrupts it.
func flock(f *os.File, how int) error {
	for {
		if err := syscall.Flock(int(f.Fd()), how); err != syscall.EINTR {
			return err
		}
	}
}

func lockFault(err error) error {
	return fault.New(fault.Unavailable, "run_folder", "a lock in the folder of the runs cannot be taken: %v; check the disk and its permissions", err).Because(err)
}
