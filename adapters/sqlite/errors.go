package sqlite

import (
	"context"
	"errors"

	driver "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/plastinka/predictor/domain/fault"
)

// translate says in our words what the database said, once, at this edge. op
// is the method. A context that has ended is the reason whatever the driver
// made of it.
func translate(ctx context.Context, op string, err error) error {
	if err == nil {
		return nil
	}
	op = "sqlite." + op
	if _, ours := errors.AsType[*fault.Error](err); ours {
		return fault.Wrap(op, err)
	}
	if ctx.Err() != nil {
		return fault.Wrap(op, ctx.Err())
	}
	foreign, ok := errors.AsType[*driver.Error](err)
	if !ok {
		return fault.Wrap(op, err)
	}
	return fault.Wrap(op, said(foreign.Code()).Because(err))
}

// cantOpen is the code for what cannot be opened.
const cantOpen = sqlite3.SQLITE_CANTOPEN

// said is the failure behind an (extended) result code of SQLite.
func said(code int) *fault.Error {
	switch code {
	case sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_FSYNC, sqlite3.SQLITE_IOERR_TRUNCATE,
		sqlite3.SQLITE_IOERR_SHMSIZE, sqlite3.SQLITE_IOERR_SHMMAP:
		return fault.New(fault.Unavailable, "disk_full",
			"the database could not be written: the disk is full, a limit on file sizes was reached, or the disk is failing; nothing was changed; free some space and try again")
	case sqlite3.SQLITE_IOERR_CORRUPTFS:
		return corrupt()
	}
	switch code & 0xff {
	case sqlite3.SQLITE_FULL:
		return fault.New(fault.Unavailable, "disk_full",
			"the database could not grow: the disk is full; nothing was changed; free some space and try again")
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL:
		return fault.New(fault.Unavailable, "database_busy",
			"the database is busy with another program's work; try again in a moment")
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return corrupt()
	case sqlite3.SQLITE_CONSTRAINT:
		return fault.New(fault.Conflict, "conflict", "this contradicts what is stored; nothing was changed")
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH:
		return fault.New(fault.Unavailable, "database_not_writable",
			"the database cannot be opened for writing; check the owner and the mode of its file and folder")
	case sqlite3.SQLITE_IOERR:
		return fault.New(fault.Unavailable, "database_io",
			"the disk did not give or take the database's data; check the disk and the system's log, then try again")
	case sqlite3.SQLITE_NOMEM:
		return fault.New(fault.Unavailable, "out_of_memory", "there was not enough memory for the database's work; try again")
	case sqlite3.SQLITE_TOOBIG:
		return fault.New(fault.TooLarge, "too_large", "a text is too long to be stored")
	}
	return fault.New(fault.Internal, "internal_error", "the database refused a statement of this program")
}

func corrupt() *fault.Error {
	return fault.New(fault.Internal, "database_corrupt",
		"the database file is damaged or is no database; stop the program, keep the file, and put the newest copy from the backups folder in its place")
}

// unique turns a broken UNIQUE or PRIMARY KEY into the given failure.
func unique(err error, instead *fault.Error) error {
	if e, ok := errors.AsType[*driver.Error](err); ok &&
		(e.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE || e.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY) {
		return instead.Because(err)
	}
	return err
}
