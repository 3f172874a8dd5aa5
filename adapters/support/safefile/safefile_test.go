package safefile_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plastinka/predictor/adapters/support/safefile"
	"github.com/plastinka/predictor/domain/fault"
)

func text(s string) func(io.Writer) error {
	return func(w io.Writer) error { _, err := io.WriteString(w, s); return err }
}

func names(t *testing.T, dir string) (found []string) {
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, e := range entries {
		found = append(found, e.Name())
	}
	return found
}

func TestWriteReplacesWhole(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.csv")
	require.NoError(t, safefile.Write(path, 0o600, text("one")))
	require.NoError(t, safefile.Write(path, 0o640, text("second")))
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "second", string(b))
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, fs.FileMode(0o640), info.Mode().Perm())
	require.Equal(t, []string{"a.csv"}, names(t, dir))
}

func TestFailedWriteLeavesWhatWasThere(t *testing.T) {
	theirs := fault.New(fault.Conflict, "x", "x")
	for name, c := range map[string]struct {
		err  error
		kind fault.Kind
		code string
	}{
		"the writer's own error": {theirs, fault.Conflict, "x"},
		"a full disk":            {&fs.PathError{Op: "write", Err: syscall.ENOSPC}, fault.Unavailable, "disk_full"},
		"a file size limit":      {syscall.EFBIG, fault.Unavailable, "disk_full"},
		"anything else":          {errors.New("odd"), fault.Internal, "internal_error"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "a.csv")
			require.NoError(t, safefile.Write(path, 0o600, text("old")))
			err := safefile.Write(path, 0o600, func(w io.Writer) error {
				_, _ = io.WriteString(w, "half")
				require.True(t, safefile.Partial(names(t, dir)[0]), "what is there meanwhile is recognised")
				return c.err
			})
			require.Equal(t, c.kind, fault.KindOf(err))
			require.Equal(t, c.code, fault.CodeOf(err))
			require.ErrorIs(t, err, c.err)
			require.Equal(t, []string{"a.csv"}, names(t, dir))
			b, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Equal(t, "old", string(b))
		})
	}
}

func TestPanickingWriteLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	require.Panics(t, func() {
		_ = safefile.Write(filepath.Join(dir, "a"), 0o600, func(io.Writer) error { panic("defect") })
	})
	require.Empty(t, names(t, dir))
}

func TestWriteWhereItCannot(t *testing.T) {
	dir := t.TempDir()
	err := safefile.Write(filepath.Join(dir, "none", "a"), 0o600, text("x"))
	require.Equal(t, "not_writable", fault.CodeOf(err))
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "folder", "full"), 0o700))
	err = safefile.Write(filepath.Join(dir, "folder"), 0o600, text("x"))
	require.Equal(t, "not_writable", fault.CodeOf(err))
	require.Equal(t, []string{"folder"}, names(t, dir))
}

func TestTemporaryIsCompletedByCommit(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "copy.db")
	tmp, err := safefile.Temporary(path)
	require.NoError(t, err)
	require.True(t, safefile.Partial(filepath.Base(tmp)))
	require.True(t, safefile.Partial(filepath.Base(tmp)+"-journal"))
	for _, name := range []string{"copy.db", ".hidden", "a.partial", ""} {
		require.False(t, safefile.Partial(name), name)
	}
	require.NoError(t, os.WriteFile(tmp, []byte("x"), 0o600))
	require.NoError(t, safefile.Commit(tmp, path))
	require.Equal(t, []string{"copy.db"}, names(t, dir))
}
