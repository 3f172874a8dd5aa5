package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/migrate"

	"github.com/plastinka/predictor/adapters/support/filelock"
	"github.com/plastinka/predictor/domain/fault"
)

// The tables in which Bun remembers what it has done; by these names a
// database is known as ours.
const (
	migrationsTable = "plastinka_migrations"
	locksTable      = "plastinka_migration_locks"
)

// foreign is the code of a database that is not ours.
const foreign = "database_foreign"

// prepare looks at the database file before anything may change it, refuses
// what is not ours, and migrates it if needed. It returns the lock that all who
// have the database open share; who migrates holds it alone.
func prepare(ctx context.Context, path string, o Options, steps fs.FS) (_ *filelock.Lock, err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, notWritable(path, err)
	}
	lock, err := filelock.Open(path + ".lock")
	if err != nil {
		return nil, notWritable(path, err)
	}
	defer func() {
		if err == nil {
			return
		}
		if fault.CodeOf(err) == foreign && lock.Made() {
			os.Remove(path + ".lock") // what is not ours stays as it was found
		}
		err = errors.Join(err, lock.Close())
	}()
	// Who waits for the exclusive lock holds none: of several that start at
	// once one migrates, and the others then find nothing to do.
	for range 10 {
		if err := share(ctx, lock, path, o); err != nil {
			return nil, err
		}
		pending, err := lookAt(ctx, path, steps)
		if err != nil || len(pending) == 0 {
			return lock, err
		}
		alone, err := lock.Exclusive(ctx, o.Busy/100)
		if err != nil {
			return nil, err
		}
		if alone {
			if err := bringUp(ctx, path, o, steps); err != nil {
				return nil, err
			}
			return lock, share(ctx, lock, path, o)
		}
	}
	return nil, fault.New(fault.Unavailable, "database_in_use",
		"the database %s has to be brought to this program's version, but another program has it open; stop that one first", path)
}

func share(ctx context.Context, lock *filelock.Lock, path string, o Options) error {
	ok, err := lock.Shared(ctx, o.Busy)
	if err == nil && !ok {
		err = fault.New(fault.Unavailable, "database_busy",
			"another program is bringing the database %s to a new version; try again when it is done", path)
	}
	return err
}

// lookAt reads which migrations the database has, without changing a byte, and
// returns the names of those it lacks. No file is a database that lacks all.
func lookAt(ctx context.Context, path string, steps fs.FS) (pending []string, err error) {
	known, err := stepsIn(steps)
	if err != nil {
		return nil, err
	}
	for _, m := range known.Sorted() {
		pending = append(pending, m.Name)
	}
	if !exists(path) {
		return pending, nil
	}
	tables, applied, err := inside(ctx, path)
	if err != nil || len(tables) == 0 {
		return pending, err
	}
	if !slices.Contains(tables, migrationsTable) {
		return nil, fault.New(fault.Conflict, foreign,
			"%s is the database of another program (such as the earlier Python service), it was not touched; move it away, or set DATA_ROOT_DIR to another folder, and upload the files again", path)
	}
	for _, name := range applied {
		i := slices.Index(pending, name)
		if i < 0 {
			return nil, fault.New(fault.Conflict, "database_newer",
				"the database %s was made by a newer version of this program (it knows %q), it was not touched; use that version, or put back a copy from the backups folder that is as old as this one", path, name)
		}
		pending = slices.Delete(pending, i, i+1)
	}
	return pending, nil
}

// inside reads which tables a database has, and which migrations if it is ours.
func inside(ctx context.Context, path string) (tables, applied []string, err error) {
	read := func(source ...string) error {
		db, err := sql.Open("sqlite", dsn(path, defaultBusy, append(source, "mode=ro")...))
		if err != nil {
			return err
		}
		defer db.Close()
		tables, err = texts(ctx, db, "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
		if err == nil && slices.Contains(tables, migrationsTable) {
			applied, err = texts(ctx, db, "SELECT name FROM "+migrationsTable+" ORDER BY name")
		}
		return err
	}
	if _, err := os.Stat(path + "-wal"); errors.Is(err, fs.ErrNotExist) {
		// Nobody has it open: it can be read like a file that never changes,
		// without even the WAL's files beside it. If that fails, somebody has
		// just begun to change it.
		if read("immutable=1") == nil {
			return tables, applied, nil
		}
	}
	err = read()
	return tables, applied, err
}

// bringUp migrates a database that nobody else has open, after a copy if there
// is anything in it.
func bringUp(ctx context.Context, path string, o Options, steps fs.FS) (err error) {
	pending, err := lookAt(ctx, path, steps)
	if err != nil || len(pending) == 0 {
		return err // somebody was faster
	}
	if !exists(path) {
		// SQLite would make it readable for all.
		f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			return notWritable(path, err)
		}
		if err := f.Close(); err != nil {
			return notWritable(path, err)
		}
	}
	db, err := connect(ctx, path, o.Busy)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	filled, err := hasRows(ctx, db.reader)
	if err != nil {
		return err
	}
	if filled {
		if err := os.MkdirAll(o.Backups, 0o700); err != nil {
			return notWritable(o.Backups, err)
		}
		if err := db.Backup(ctx, filepath.Join(o.Backups, "plastinka-before-"+pending[0]+".db")); err != nil {
			return err
		}
	}
	return migrateTo(ctx, db.writer, steps)
}

// migrateTo runs the steps that the database lacks. Each is one transaction
// together with the mark that it is done; Bun's own mark, which it sets after
// the transaction, finds it there.
func migrateTo(ctx context.Context, db *bun.DB, steps fs.FS) error {
	known, err := stepsIn(steps)
	if err != nil {
		return err
	}
	mark := func(ctx context.Context, tx bun.IConn, m *migrate.Migration) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO "+migrationsTable+" (name, group_id) VALUES (?, ?)", m.Name, m.GroupID)
		return err
	}
	migrator := migrate.NewMigrator(db, known, migrate.WithTableName(migrationsTable), migrate.WithLocksTableName(locksTable),
		migrate.WithMarkAppliedOnSuccess(true), migrate.WithUpsert(true), migrate.AfterMigration(mark))
	if err := migrator.Init(ctx); err != nil {
		return err
	}
	_, err = migrator.Migrate(ctx)
	return err
}

func stepsIn(steps fs.FS) (*migrate.Migrations, error) {
	known := migrate.NewMigrations()
	return known, known.Discover(steps)
}

// hasRows reports whether any table of ours has a row.
func hasRows(ctx context.Context, db *bun.DB) (bool, error) {
	tables, err := texts(ctx, db.DB, "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT IN (?, ?)", migrationsTable, locksTable)
	if err != nil {
		return false, err
	}
	for _, table := range tables {
		some, err := db.NewSelect().Table(table).Exists(ctx)
		if err != nil || some {
			return some, err
		}
	}
	return false, nil
}

// texts are the values of a query's one column.
func texts(ctx context.Context, db *sql.DB, query string, args ...any) (values []string, err error) {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var v string
		if err := rows.Scan(&v); err != nil {
			return nil, err
		}
		values = append(values, v)
	}
	return values, rows.Err()
}

func notWritable(path string, err error) error {
	return said(cantOpen).With("path", path).Because(err)
}
