package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"github.com/plastinka/predictor/adapters/support/filelock"
	"github.com/plastinka/predictor/adapters/support/safefile"
	"github.com/plastinka/predictor/domain/fault"
)

// Restore puts a copy of the database file from in the place of the one at
// path, and keeps the old one as aside. Nobody may have the database at path
// open. from is looked through before anything is changed: it must be whole,
// ours, and not newer than this program.
func Restore(ctx context.Context, from, path, aside string) error {
	return translate(ctx, "Restore", restore(ctx, from, path, aside))
}

func restore(ctx context.Context, from, path, aside string) (err error) {
	if !exists(from) {
		return fault.New(fault.Invalid, "file_not_found", "there is no backup %s, or it is empty", from)
	}
	steps, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	if _, err := lookAt(ctx, from, steps); err != nil {
		return err
	}
	lock, err := filelock.Open(path + ".lock")
	if err != nil {
		return notWritable(path, err)
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	if alone, err := lock.Exclusive(ctx, 0); err != nil {
		return err
	} else if !alone {
		return fault.New(fault.Conflict, "database_in_use", "another program has the database %s open; stop it first", path)
	}
	partial, err := safefile.Temporary(path)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(partial)
		}
	}()
	if err := copyWhole(ctx, from, partial); err != nil {
		return err
	}
	if err := setAside(ctx, path, aside); err != nil {
		return err
	}
	return safefile.Commit(partial, path)
}

// copyWhole copies a database into a file, page by page, if all of it is sound.
func copyWhole(ctx context.Context, from, to string) (err error) {
	db, err := sql.Open("sqlite", dsn(from, defaultBusy, "mode=ro"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	found, err := texts(ctx, db, "PRAGMA quick_check(1)")
	if err != nil {
		return err
	}
	if len(found) != 1 || found[0] != "ok" {
		return fault.New(fault.Invalid, "database_corrupt", "the backup %s is damaged; choose another one", from).With("found", found)
	}
	target := url.URL{Scheme: "file", Path: filepath.ToSlash(to)}
	_, err = db.ExecContext(ctx, "VACUUM INTO ?", target.String())
	return err
}

// setAside gives the database at path the name aside as well, so that there is
// one at path at any moment. What is in its WAL goes into the file first; if
// that cannot be (the file may be damaged, hence the restore), the WAL goes
// with it: beside another database it would be poison.
func setAside(ctx context.Context, path, aside string) error {
	if !exists(path) {
		return nil
	}
	if db, err := sql.Open("sqlite", dsn(path, defaultBusy)); err == nil {
		_, _ = db.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)")
		db.Close()
	}
	for _, suffix := range []string{"-wal", "-shm"} {
		if err := os.Rename(path+suffix, aside+suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return notWritable(aside, err)
		}
	}
	if err := os.Link(path, aside); err != nil {
		return notWritable(aside, err)
	}
	return nil
}
