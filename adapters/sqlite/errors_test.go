package sqlite

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/plastinka/predictor/domain/fault"
)

func TestErrorsAreTranslated(t *testing.T) {
	for _, c := range []struct {
		code int
		kind fault.Kind
		word string
	}{
		{sqlite3.SQLITE_BUSY, fault.Unavailable, "database_busy"},
		{sqlite3.SQLITE_BUSY_SNAPSHOT, fault.Unavailable, "database_busy"},
		{sqlite3.SQLITE_LOCKED_SHAREDCACHE, fault.Unavailable, "database_busy"},
		{sqlite3.SQLITE_FULL, fault.Unavailable, "disk_full"},
		{sqlite3.SQLITE_IOERR_WRITE, fault.Unavailable, "disk_full"},
		{sqlite3.SQLITE_IOERR_SHMSIZE, fault.Unavailable, "disk_full"},
		{sqlite3.SQLITE_IOERR_READ, fault.Unavailable, "database_io"},
		{sqlite3.SQLITE_CORRUPT, fault.Internal, "database_corrupt"},
		{sqlite3.SQLITE_CORRUPT_INDEX, fault.Internal, "database_corrupt"},
		{sqlite3.SQLITE_IOERR_CORRUPTFS, fault.Internal, "database_corrupt"},
		{sqlite3.SQLITE_NOTADB, fault.Internal, "database_corrupt"},
		{sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY, fault.Conflict, "conflict"},
		{sqlite3.SQLITE_READONLY_DBMOVED, fault.Unavailable, "database_not_writable"},
		{sqlite3.SQLITE_CANTOPEN, fault.Unavailable, "database_not_writable"},
		{sqlite3.SQLITE_NOMEM, fault.Unavailable, "out_of_memory"},
		{sqlite3.SQLITE_TOOBIG, fault.TooLarge, "too_large"},
		{sqlite3.SQLITE_ERROR, fault.Internal, "internal_error"},
	} {
		e := said(c.code)
		require.Equal(t, c.kind, e.Kind, "code %d", c.code)
		require.Equal(t, c.word, e.Code, "code %d", c.code)
		require.NotEmpty(t, e.Message)
	}
}

func TestWhatIsOursStaysAsItIs(t *testing.T) {
	ours := fault.New(fault.NotFound, "job_not_found", "there is no such job")
	require.Equal(t, "job_not_found", fault.CodeOf(translate(t.Context(), "Job", ours)))
	require.NoError(t, translate(t.Context(), "Job", nil))
	ended, end := context.WithCancel(t.Context())
	end()
	require.Equal(t, fault.Cancelled, fault.KindOf(translate(ended, "Job", errors.New("interrupted"))))
	require.Equal(t, fault.Internal, fault.KindOf(translate(t.Context(), "Job", errors.New("odd"))))
}
