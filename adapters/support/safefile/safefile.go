// Package safefile writes files that are whole or absent (§4.1): into a
// partial file beside the final name, synced, renamed, and the folder synced,
// so that neither a kill nor a power cut leaves half a file under the final
// name. What a killed process leaves is a partial file, which Partial
// recognises. It is a leaf: every adapter that writes a file uses it.
package safefile

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/plastinka/predictor/domain/fault"
)

// suffix marks a file that is being written; the dot before its name keeps it
// out of people's sight.
const suffix = ".partial"

// Partial reports whether name is that of a file that was never completed, or
// of something that its writer keeps beside it, such as a database's journal.
func Partial(name string) bool {
	return strings.HasPrefix(name, ".") && strings.Contains(name, suffix)
}

// Write gives path the content that write produces, with the permissions mode,
// replacing what was there. If write fails or panics, path stays as it was.
func Write(path string, mode fs.FileMode, write func(io.Writer) error) (err error) {
	f, err := create(path)
	if err != nil {
		return err
	}
	whole := false
	defer func() {
		if !whole { // also on a panic of write
			f.Close()
			os.Remove(f.Name())
		}
	}()
	if err := write(f); err != nil {
		return translate(path, err)
	}
	if err := f.Chmod(mode); err != nil {
		return translate(path, err)
	}
	if err := f.Close(); err != nil {
		return translate(path, err)
	}
	if err := Commit(f.Name(), path); err != nil {
		return err
	}
	whole = true
	return nil
}

// Temporary makes an empty partial file beside path and returns its name, for
// a writer that wants a name instead of a stream. Commit completes it; else the
// caller removes it.
func Temporary(path string) (name string, err error) {
	f, err := create(path)
	if err != nil {
		return "", err
	}
	return f.Name(), translate(path, f.Close())
}

// Commit gives the complete file at from the name path, replacing what was
// there; on return both the content and the name are on the disk. Both must be
// on one file system. If it fails, from is still there.
func Commit(from, path string) error {
	if err := sync(from); err != nil {
		return translate(path, err)
	}
	if err := os.Rename(from, path); err != nil {
		return translate(path, err)
	}
	return translate(path, sync(filepath.Dir(path)))
}

func create(path string) (*os.File, error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*"+suffix)
	return f, translate(path, err)
}

// sync brings a file's content, or a folder's names, to the disk.
func sync(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	err = f.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
		err = nil // some file systems cannot sync a folder; the rename is still atomic
	}
	return errors.Join(err, f.Close())
}

// translate says what went wrong with path in our words. An error that has
// been translated before, such as one of the caller's write, stays.
func translate(path string, err error) error {
	if err == nil {
		return nil
	}
	if _, ours := errors.AsType[*fault.Error](err); ours {
		return fault.Wrap("safefile.Write", err)
	}
	e := fault.New(fault.Internal, "internal_error", "%s cannot be written: %v", path, err)
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), errors.Is(err, syscall.EFBIG):
		e = fault.New(fault.Unavailable, "disk_full", "%s cannot be written: the disk is full; free some space and try again", path)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		e = fault.New(fault.Invalid, "not_writable", "%s cannot be written: no permission; check the owner and mode of its folder", path)
	case errors.Is(err, fs.ErrNotExist):
		e = fault.New(fault.Invalid, "not_writable", "%s cannot be written: its folder does not exist; make it first", path)
	case errors.Is(err, syscall.EISDIR), errors.Is(err, syscall.ENOTDIR), errors.Is(err, fs.ErrExist):
		e = fault.New(fault.Invalid, "not_writable", "%s cannot be written: there is a folder of that name, or a file where a folder should be", path)
	}
	if e.Kind == fault.Internal {
		return fault.Wrap("safefile.Write", e.Because(err))
	}
	return e.With("path", path).Because(err)
}
