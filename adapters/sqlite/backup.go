package sqlite

import (
	"context"
	"errors"
	"net/url"
	"os"
	"path/filepath"

	"github.com/plastinka/predictor/adapters/support/safefile"
	"github.com/plastinka/predictor/domain/fault"
)

// Backup writes a consistent copy to path, whole or not at all. SQLite makes
// it (VACUUM INTO) from a snapshot, while others read and write: the file
// itself must not be copied, its newest pages may be in the WAL.
func (d *Database) Backup(ctx context.Context, path string) (err error) {
	path, err = filepath.Abs(path)
	if err != nil {
		return translate(ctx, "Backup", err)
	}
	if path == d.path {
		return translate(ctx, "Backup", fault.New(fault.Invalid, "invalid_path", "%s is the database itself; give the copy another name", path))
	}
	partial, err := safefile.Temporary(path)
	if err != nil {
		return translate(ctx, "Backup", err)
	}
	defer func() {
		if err != nil {
			os.Remove(partial)
		}
	}()
	if err := d.vacuumInto(ctx, partial); err != nil {
		return translate(ctx, "Backup", err)
	}
	return translate(ctx, "Backup", safefile.Commit(partial, path))
}

// vacuumInto uses a connection of its own: readers may only query, and the
// writer has other things to do.
func (d *Database) vacuumInto(ctx context.Context, path string) (err error) {
	conn, err := d.reader.DB.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() {
		// Back to the pool only as it came; the context may be over by now.
		_, back := conn.ExecContext(context.WithoutCancel(ctx), "PRAGMA query_only(1)")
		err = errors.Join(err, back, conn.Close())
	}()
	if _, err := conn.ExecContext(ctx, "PRAGMA query_only(0)"); err != nil {
		return err
	}
	target := url.URL{Scheme: "file", Path: filepath.ToSlash(path)}
	if d.path == "" {
		target.RawQuery = "vfs=unix" // out of memory, into a file
	}
	_, err = conn.ExecContext(ctx, "VACUUM INTO ?", target.String())
	return err
}
