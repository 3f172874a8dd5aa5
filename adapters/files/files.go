// Package files keeps what the system makes under the data root (§4.1), one
// folder a place, readable by its owner alone. A file appears under its final
// name only when it is complete (the leaf safefile). A name is one path
// element; nothing that somebody sent becomes a path.
//
// A process that was killed leaves partial files. They go at the next start,
// unless another process uses the data root: then they may be its own, and the
// start after that removes them. Who uses a root holds its lock, shared.
package files

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/plastinka/predictor/adapters/support/filelock"
	"github.com/plastinka/predictor/adapters/support/safefile"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/ports"
)

// longest is how many bytes a name may have: file systems allow 255, and a
// partial file's name is longer than its final one.
const longest = 200

// Store is the files of a data root. It is safe for concurrent use.
type Store struct {
	root  string
	lock  *filelock.Lock
	found map[ports.Place][]string // complete when nobody else used the root
}

var _ ports.Artifacts = (*Store)(nil)

// Open makes the folders of the data root that are not there, and removes
// partial files if nobody else uses it.
func Open(ctx context.Context, root string) (_ *Store, err error) {
	if root, err = filepath.Abs(root); err != nil {
		return nil, fault.Wrap("files.Open", err)
	}
	for _, dir := range folders() {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o700); err != nil {
			return nil, unmade(root, translate("Open", filepath.Join(root, dir), err))
		}
	}
	lock, err := filelock.Open(filepath.Join(root, ".lock"))
	if err != nil {
		return nil, translate("Open", root, err)
	}
	s := &Store{root: root, lock: lock}
	if err := s.enter(ctx); err != nil {
		return nil, fault.Wrap("files.Open", errors.Join(err, lock.Close()))
	}
	return s, nil
}

// folders are those of a data root: a place's, and two that others write into.
func folders() []string {
	dirs := []string{"database", "logs"}
	for _, p := range places() {
		dirs = append(dirs, string(p))
	}
	return dirs
}

func places() []ports.Place {
	return []ports.Place{ports.ModelFiles, ports.TaskInputs, ports.TaskOutputs, ports.ForecastFiles, ports.ReportFiles, ports.Uploads, ports.Backups}
}

// enter takes the lock, and on the way, if it can be had alone, cleans up.
func (s *Store) enter(ctx context.Context) error {
	alone, err := s.lock.Exclusive(ctx, 0)
	if err != nil {
		return err
	}
	if alone {
		if err := s.removePartial(); err != nil {
			return err
		}
		if err := s.take(); err != nil {
			return err
		}
	}
	// Others hold it exclusively only for the moment of their start.
	ok, err := s.lock.Shared(ctx, patience)
	if err == nil && !ok {
		err = fault.New(fault.Unavailable, "data_root_busy", "another program is cleaning up %s; try again in a moment", s.root)
	}
	return err
}

func (s *Store) removePartial() error {
	for _, place := range places() {
		dir := filepath.Join(s.root, string(place))
		entries, err := os.ReadDir(dir)
		if err != nil {
			return translate("Open", dir, err)
		}
		for _, e := range entries {
			if !safefile.Partial(e.Name()) {
				continue
			}
			if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
				return translate("Open", filepath.Join(dir, e.Name()), err)
			}
		}
	}
	return nil
}

// take notes what is there, while nobody else uses the root.
func (s *Store) take() error {
	s.found = map[ports.Place][]string{}
	for _, place := range places() {
		files, err := s.List(place)
		if err != nil {
			return err
		}
		for _, f := range files {
			s.found[place] = append(s.found[place], f.Name)
		}
	}
	return nil
}

// Orphan reports whether the file was there at a moment of Open at which nobody
// else used the data root: the process that made it is gone.
func (s *Store) Orphan(place ports.Place, name string) bool {
	return slices.Contains(s.found[place], name)
}

// Root is the data root's absolute path.
func (s *Store) Root() string { return s.root }

// Database is the path of the database file.
func (s *Store) Database() string { return filepath.Join(s.root, "database", "plastinka.db") }

// Logs is the path of the folder of the logs.
func (s *Store) Logs() string { return filepath.Join(s.root, "logs") }

// Close gives the data root's lock back.
func (s *Store) Close() error { return s.lock.Close() }

// Path is where the file is, or will be once complete.
func (s *Store) Path(place ports.Place, name string) (string, error) {
	if !slices.Contains(places(), place) {
		return "", fault.New(fault.Invalid, "invalid_name", "%.100q is no folder of the data root", place)
	}
	if err := check(name); err != nil {
		return "", err
	}
	return filepath.Join(s.root, string(place), name), nil
}

// check refuses a name that is more than one plain path element, on any
// system, or that a partial file might have.
func check(name string) error {
	odd := strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f || strings.ContainsRune(`/\:`, r) })
	if name == "" || name == "." || name == ".." || odd || len(name) > longest || safefile.Partial(name) {
		return fault.New(fault.Invalid, "invalid_name",
			"%.100q cannot be a file's name: it must be one plain name of at most %d bytes, without slashes, colons and control characters", name, longest)
	}
	return nil
}

// Save gives the name the content that write writes: whole or not at all.
func (s *Store) Save(place ports.Place, name string, write func(io.Writer) error) error {
	path, err := s.Path(place, name)
	if err != nil {
		return err
	}
	return fault.Wrap("files.Save", safefile.Write(path, 0o600, write))
}

// Adopt gives the complete file at path its final name. The file is moved; one
// on another file system is copied, and removed there.
func (s *Store) Adopt(path string, place ports.Place, name string) error {
	final, err := s.Path(place, name)
	if err != nil {
		return err
	}
	info, err := os.Lstat(path)
	if err != nil {
		return translate("Adopt", path, err)
	}
	if !info.Mode().IsRegular() {
		return fault.New(fault.Invalid, "invalid_file", "%s is no file", path)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return translate("Adopt", path, err)
	}
	if err := safefile.Commit(path, final); !errors.Is(err, syscall.EXDEV) {
		return fault.Wrap("files.Adopt", err)
	}
	from, err := os.Open(path)
	if err != nil {
		return translate("Adopt", path, err)
	}
	defer from.Close()
	err = safefile.Write(final, 0o600, func(to io.Writer) error { _, err := io.Copy(to, from); return err })
	if err != nil {
		return fault.Wrap("files.Adopt", err)
	}
	return translate("Adopt", path, os.Remove(path))
}

// Remove deletes the file, or the folder with all in it; none is no error.
func (s *Store) Remove(place ports.Place, name string) error {
	path, err := s.Path(place, name)
	if err != nil {
		return err
	}
	return translate("Remove", path, os.RemoveAll(path))
}

// List is what is complete in a place, by name; a folder has the size of all
// in it.
func (s *Store) List(place ports.Place) ([]ports.Artifact, error) {
	if !slices.Contains(places(), place) {
		return nil, fault.New(fault.Invalid, "invalid_name", "%.100q is no folder of the data root", place)
	}
	dir := filepath.Join(s.root, string(place))
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, translate("List", dir, err)
	}
	var found []ports.Artifact
	for _, e := range entries {
		if check(e.Name()) != nil {
			continue
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // removed meanwhile
		}
		size := int64(0)
		if err == nil {
			size, err = sizeOf(filepath.Join(dir, e.Name()))
		}
		if err != nil {
			return nil, translate("List", dir, err)
		}
		found = append(found, ports.Artifact{Name: e.Name(), Size: size, Modified: info.ModTime()})
	}
	return found, nil
}

func sizeOf(path string) (size int64, err error) {
	err = filepath.WalkDir(path, func(_ string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() {
			var info fs.FileInfo
			if info, err = e.Info(); err == nil {
				size += info.Size()
			}
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil // removed meanwhile
		}
		return err
	})
	return size, err
}
