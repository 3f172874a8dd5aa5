// Package sqlite keeps everything in one SQLite database (§4.2).
//
// SQLite needs no server and survives a kill at any moment; Bun writes its
// statements and maps its rows; modernc.org/sqlite is SQLite without cgo. The
// stores speak domain types, and no type of these libraries leaves here.
//
// A database has one writer, a pool of one connection whose transactions begin
// IMMEDIATE: they wait for other processes at their start and never fail
// half-way for a lock. Readers have a pool of their own; in WAL mode they see
// the last committed state and wait for nobody. What the driver sets per
// connection (time-outs, foreign keys) stands in the data source name, which
// reaches every connection.
//
// Statements with few values are Bun's, which writes values into the text;
// bulk writes are prepared once and bound row by row.
//
// A database in memory (OpenMemory) is the same schema and code over SQLite's
// memdb. It has no WAL, so that a reader in the middle of its rows would hold up
// the writer; there, rows are gathered before they are handed out.
package sqlite

import (
	"context"
	"crypto/rand"
	"database/sql"
	"embed"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/plastinka/predictor/adapters/support/filelock"
	"github.com/plastinka/predictor/ports"
)

// Options are how a database is opened. The zero value is good.
type Options struct {
	// Backups is the folder for the copy that is made before a migration;
	// "": the database's own folder.
	Backups string
	// Busy is how long to wait for another process's work; 0: 15 s.
	Busy time.Duration
}

const defaultBusy = 15 * time.Second

// Database is an open database. It is safe for concurrent use.
type Database struct {
	session
	reader *bun.DB
	writer *bun.DB
	lock   *filelock.Lock // nil in memory
	anchor *sql.Conn      // keeps a database in memory alive; else nil
	path   string         // "" in memory
}

var _ ports.Database = (*Database)(nil)

//go:embed migrations/*.sql
var migrations embed.FS

// Open opens the database file path, makes it if there is none, and brings it
// to this program's version. A database of a newer version or of another
// program is refused and stays as it is.
func Open(ctx context.Context, path string, o Options) (*Database, error) {
	steps, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, translate(ctx, "Open", err)
	}
	return open(ctx, path, o, steps)
}

// open is Open with the given migrations.
func open(ctx context.Context, path string, o Options, steps fs.FS) (_ *Database, err error) {
	if o.Busy <= 0 {
		o.Busy = defaultBusy
	}
	if path, err = filepath.Abs(path); err != nil {
		return nil, translate(ctx, "Open", err)
	}
	if o.Backups == "" {
		o.Backups = filepath.Dir(path)
	}
	lock, err := prepare(ctx, path, o, steps)
	if err != nil {
		return nil, translate(ctx, "Open", err)
	}
	db, err := connect(ctx, path, o.Busy)
	if err != nil {
		return nil, translate(ctx, "Open", errors.Join(err, lock.Close()))
	}
	db.lock = lock
	return db, nil
}

// OpenMemory makes an empty database that lives in memory until it is closed.
func OpenMemory(ctx context.Context) (*Database, error) {
	steps, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, translate(ctx, "OpenMemory", err)
	}
	d := &Database{}
	name := "/" + rand.Text() // memdb databases of one name are one, within the process
	source := func(more ...string) string { return dsn(name, defaultBusy, append(more, "vfs=memdb")...) }
	if err := d.pools(source("_txlock=immediate"), source("_pragma=query_only(1)")); err != nil {
		return nil, translate(ctx, "OpenMemory", err)
	}
	d.session.gather = true
	err = func() error {
		if d.anchor, err = d.reader.DB.Conn(ctx); err != nil {
			return err
		}
		if err := d.anchor.PingContext(ctx); err != nil {
			return err
		}
		return migrateTo(ctx, d.writer, steps)
	}()
	if err != nil {
		return nil, translate(ctx, "OpenMemory", errors.Join(err, d.Close()))
	}
	return d, nil
}

// connect opens the pools of a database file that has been prepared.
func connect(ctx context.Context, path string, busy time.Duration) (*Database, error) {
	d := &Database{path: path}
	err := d.pools(
		dsn(path, busy, "_pragma=journal_mode(WAL)", "_pragma=synchronous(FULL)",
			"_pragma=journal_size_limit(67108864)", "_txlock=immediate"),
		dsn(path, busy, "_pragma=query_only(1)"))
	if err != nil {
		return nil, err
	}
	if err := errors.Join(d.writer.PingContext(ctx), d.reader.PingContext(ctx)); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// pools makes the two pools over the data sources; nothing is opened yet.
func (d *Database) pools(write, read string) error {
	w, err := sql.Open("sqlite", write)
	if err != nil {
		return err
	}
	r, err := sql.Open("sqlite", read)
	if err != nil {
		return err
	}
	w.SetMaxOpenConns(1)
	r.SetMaxOpenConns(32)
	r.SetMaxIdleConns(4)
	d.writer = bun.NewDB(w, dialect{sqlitedialect.New()})
	d.reader = bun.NewDB(r, dialect{sqlitedialect.New()})
	d.session = session{read: d.reader, writer: d.writer}
	return nil
}

// dsn is the driver's name for a database. The path is escaped: a question
// mark in it is not the start of parameters.
func dsn(path string, busy time.Duration, more ...string) string {
	u := url.URL{Scheme: "file", Path: filepath.ToSlash(path)}
	u.RawQuery = "_pragma=busy_timeout(" + strconv.FormatInt(busy.Milliseconds(), 10) + ")&_pragma=foreign_keys(1)"
	for _, m := range more {
		u.RawQuery += "&" + m
	}
	return u.String()
}

// Atomically runs f in one write transaction. It is never called twice: the
// wait for other writers comes before it.
func (d *Database) Atomically(ctx context.Context, f func(ports.Stores) error) error {
	return d.session.change(ctx, "Atomically", func(tx bun.Tx) error {
		return f(&session{read: tx, tx: tx, gather: true})
	})
}

// Check reads the whole database and reports damage.
func (d *Database) Check(ctx context.Context) error {
	var found string
	if err := d.reader.NewRaw("PRAGMA quick_check(1)").Scan(ctx, &found); err != nil {
		return translate(ctx, "Check", err)
	}
	if found != "ok" {
		return translate(ctx, "Check", corrupt().With("found", found))
	}
	return nil
}

// Close ends all connections; transactions that still run fail. The writer
// goes last and brings what is in the WAL into the file.
func (d *Database) Close() error {
	var errs []error
	if d.anchor != nil {
		errs = append(errs, d.anchor.Close())
	}
	errs = append(errs, d.reader.Close(), d.writer.Close())
	if d.lock != nil {
		errs = append(errs, d.lock.Close())
	}
	return translate(context.Background(), "Close", errors.Join(errs...))
}

// exists reports whether there is something at path. It must not open it: to
// close a descriptor of a database that this process has open elsewhere would
// drop SQLite's own locks.
func exists(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Size() > 0
}
