package files_test

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plastinka/predictor/adapters/files"
	"github.com/plastinka/predictor/adapters/support/safefile"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/ports"
	"github.com/plastinka/predictor/ports/porttest"
)

func open(t *testing.T, root string) *files.Store {
	t.Helper()
	s, err := files.Open(t.Context(), root)
	require.NoError(t, err)
	t.Cleanup(func() { s.Close() })
	return s
}

func TestArtifacts(t *testing.T) {
	porttest.Artifacts(t, func(t *testing.T) ports.Artifacts { return open(t, t.TempDir()) })
}

// TestLayout: the folders of §4.1, for their owner alone.
func TestLayout(t *testing.T) {
	root := filepath.Join(t.TempDir(), "new", "root")
	s := open(t, root)
	for _, dir := range []string{"", "database", "models", "datasphere_input", "datasphere_output", "predictions", "reports", "logs", "backups", "uploads"} {
		info, err := os.Stat(filepath.Join(root, dir))
		require.NoError(t, err)
		require.True(t, info.IsDir())
		require.Equal(t, fs.FileMode(0o700), info.Mode().Perm(), "the mode of %q", dir)
	}
	require.Equal(t, filepath.Join(root, "database", "plastinka.db"), s.Database())
	require.NoError(t, s.Save(ports.ReportFiles, "r.html", func(w io.Writer) error { _, err := io.WriteString(w, "x"); return err }))
	info, err := os.Stat(filepath.Join(root, "reports", "r.html"))
	require.NoError(t, err)
	require.Equal(t, fs.FileMode(0o600), info.Mode().Perm())
}

func TestFailedSaveLeavesNothing(t *testing.T) {
	s := open(t, t.TempDir())
	err := s.Save(ports.Uploads, "a", func(w io.Writer) error {
		_, _ = io.WriteString(w, "half")
		return syscall.ENOSPC
	})
	require.Equal(t, fault.Unavailable, fault.KindOf(err))
	require.Equal(t, "disk_full", fault.CodeOf(err))
	list, err := s.List(ports.Uploads)
	require.NoError(t, err)
	require.Empty(t, list)
}

// TestPartialFilesOfDeadProcesses go at a start with nobody else about, and
// are never listed.
func TestPartialFilesOfDeadProcesses(t *testing.T) {
	root := t.TempDir()
	alive := open(t, root)
	partial, err := safefile.Temporary(filepath.Join(root, "uploads", "a.csv"))
	require.NoError(t, err)
	list, err := alive.List(ports.Uploads)
	require.NoError(t, err)
	require.Empty(t, list)

	second := open(t, root)
	require.FileExists(t, partial, "the process that writes it may be alive")
	require.NoError(t, alive.Close())
	require.NoError(t, second.Close())
	open(t, root)
	require.NoFileExists(t, partial)
}

func TestRootThatCannotBe(t *testing.T) {
	taken := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(taken, nil, 0o600))
	_, err := files.Open(t.Context(), filepath.Join(taken, "root"))
	require.Equal(t, "not_writable", fault.CodeOf(err))
	require.Contains(t, err.Error(), "DATA_ROOT_DIR")

	_, err = files.Open(t.Context(), "/proc/none/root") // where nobody can make a folder
	require.Equal(t, "not_writable", fault.CodeOf(err))
	require.Contains(t, err.Error(), "DATA_ROOT_DIR")
}

// TestAdoptAcrossFileSystems: a rename cannot do it.
func TestAdoptAcrossFileSystems(t *testing.T) {
	root := t.TempDir()
	other, err := os.MkdirTemp("/dev/shm", "adopt")
	if err != nil {
		t.Skip("there is no second file system at /dev/shm to adopt from")
	}
	defer os.RemoveAll(other)
	from := filepath.Join(other, "a")
	require.NoError(t, os.WriteFile(from, []byte("content"), 0o644))
	if err := os.Rename(from, filepath.Join(root, "probe")); err == nil {
		t.Skip("/dev/shm is on the file system of the temporary folder")
	}
	s := open(t, root)
	require.NoError(t, s.Adopt(from, ports.ModelFiles, "a"))
	require.NoFileExists(t, from)
	path, err := s.Path(ports.ModelFiles, "a")
	require.NoError(t, err)
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "content", string(b))
}

// TestOrphans: what was there when a process had the root to itself was made by
// one that is gone.
func TestOrphans(t *testing.T) {
	root := t.TempDir()
	save := func(s *files.Store, name string) {
		require.NoError(t, s.Save(ports.Uploads, name, func(w io.Writer) error { _, err := io.WriteString(w, "x"); return err }))
	}
	first := open(t, root)
	save(first, "old")
	require.False(t, first.Orphan(ports.Uploads, "old"), "its own")
	beside := open(t, root)
	require.False(t, beside.Orphan(ports.Uploads, "old"), "its maker lives")
	require.NoError(t, beside.Close())
	require.NoError(t, first.Close())
	next := open(t, root)
	save(next, "new")
	require.True(t, next.Orphan(ports.Uploads, "old"))
	require.False(t, next.Orphan(ports.Uploads, "new"))
	require.False(t, next.Orphan(ports.ModelFiles, "old"))
}
