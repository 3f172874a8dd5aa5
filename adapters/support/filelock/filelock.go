// Package filelock says which processes use something that is kept in files: a
// shared lock is held by all that use it, an exclusive one by whoever changes
// its foundations. The kernel drops a dead process's locks. Locks are flock's,
// of an open file, not of a process: two in one process exclude each other as
// well, and closing another descriptor of the file drops none. It is a leaf
// for the adapters that keep files.
package filelock

import (
	"context"
	"errors"
	"os"
	"syscall"
	"time"
)

// Lock is a lock on a file. It is not safe for concurrent use.
type Lock struct {
	file *os.File
	made bool
}

// Open opens the file path, which it makes if there is none; nothing is locked
// yet.
func Open(path string) (*Lock, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	made := err == nil
	if errors.Is(err, os.ErrExist) {
		f, err = os.OpenFile(path, os.O_RDWR, 0)
	}
	if err != nil {
		return nil, err
	}
	return &Lock{f, made}, nil
}

// Made reports whether Open made the file.
func (l *Lock) Made() bool { return l.made }

// Shared takes the lock together with others, in exchange for an exclusive one
// if that is held. It waits for up to patience while somebody holds it
// exclusively; ok says whether it got it.
func (l *Lock) Shared(ctx context.Context, patience time.Duration) (ok bool, err error) {
	return l.take(ctx, syscall.LOCK_SH, patience)
}

// Exclusive takes the lock alone, in exchange for a shared one if that is held
// (which is lost if ok is false). It waits for up to patience while somebody
// else holds it.
func (l *Lock) Exclusive(ctx context.Context, patience time.Duration) (ok bool, err error) {
	return l.take(ctx, syscall.LOCK_EX, patience)
}

func (l *Lock) take(ctx context.Context, how int, patience time.Duration) (bool, error) {
	const step = 20 * time.Millisecond
	for waited := time.Duration(0); ; waited += step {
		err := syscall.Flock(int(l.file.Fd()), how|syscall.LOCK_NB)
		if err == nil {
			return true, nil
		}
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return false, err
		}
		if waited >= patience {
			return false, nil
		}
		select {
		case <-ctx.Done():
			return false, ctx.Err()
		case <-time.After(step):
		}
	}
}

// Close releases the lock; the file stays.
func (l *Lock) Close() error { return l.file.Close() }
