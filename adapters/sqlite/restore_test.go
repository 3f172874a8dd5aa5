package sqlite_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plastinka/predictor/adapters/sqlite"
	"github.com/plastinka/predictor/domain/fault"
)

// settingOf opens the database at path and reads a setting.
func settingOf(t *testing.T, path string) string {
	t.Helper()
	db, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	require.NoError(t, err)
	defer db.Close()
	v, _, err := db.Settings().Setting(t.Context(), "name")
	require.NoError(t, err)
	return v
}

func TestRestore(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	path, backup, aside := filepath.Join(dir, "a.db"), filepath.Join(dir, "backup.db"), filepath.Join(dir, "old.db")
	db, err := sqlite.Open(ctx, path, sqlite.Options{})
	require.NoError(t, err)
	require.NoError(t, db.Settings().SetSetting(ctx, "name", "before"))
	require.NoError(t, db.Backup(ctx, backup))
	require.NoError(t, db.Settings().SetSetting(ctx, "name", "after"))

	err = sqlite.Restore(ctx, backup, path, aside)
	require.Equal(t, "database_in_use", fault.CodeOf(err), "it is open")
	require.NoFileExists(t, aside)
	require.NoError(t, db.Close())

	broken := filepath.Join(dir, "broken.db")
	whole, err := os.ReadFile(backup)
	require.NoError(t, err)
	for name, content := range map[string][]byte{"empty": {}, "no database": []byte("hello, this is some text that is no database at all"),
		"cut": whole[:len(whole)/2]} {
		require.NoError(t, os.WriteFile(broken, content, 0o600))
		require.Error(t, sqlite.Restore(ctx, broken, path, aside), name)
		require.NoFileExists(t, aside, name)
		require.Equal(t, "after", settingOf(t, path), name)
	}
	err = sqlite.Restore(ctx, filepath.Join(dir, "none.db"), path, aside)
	require.Equal(t, "file_not_found", fault.CodeOf(err))

	require.NoError(t, sqlite.Restore(ctx, backup, path, aside))
	require.Equal(t, "before", settingOf(t, path))
	require.Equal(t, "after", settingOf(t, aside), "the old database is kept, whole")
	left, err := filepath.Glob(filepath.Join(dir, ".*partial*"))
	require.NoError(t, err)
	require.Empty(t, left)
}

// TestRestoreOverADamagedDatabase: the reason why somebody restores.
func TestRestoreOverADamagedDatabase(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	path, backup := filepath.Join(dir, "a.db"), filepath.Join(dir, "backup.db")
	db, err := sqlite.Open(ctx, path, sqlite.Options{})
	require.NoError(t, err)
	require.NoError(t, db.Settings().SetSetting(ctx, "name", "before"))
	require.NoError(t, db.Backup(ctx, backup))
	require.NoError(t, db.Close())
	garbage := []byte("what a failing disk left of it, which is not much")
	require.NoError(t, os.WriteFile(path, garbage, 0o600))
	require.NoError(t, os.WriteFile(path+"-wal", garbage, 0o600))
	require.NoError(t, sqlite.Restore(ctx, backup, path, filepath.Join(dir, "old.db")))
	require.Equal(t, "before", settingOf(t, path))
	kept, err := os.ReadFile(filepath.Join(dir, "old.db"))
	require.NoError(t, err)
	require.Equal(t, garbage, kept)

	fresh := filepath.Join(dir, "fresh.db") // nothing there yet
	require.NoError(t, sqlite.Restore(ctx, backup, fresh, filepath.Join(dir, "none.db")))
	require.Equal(t, "before", settingOf(t, fresh))
	require.NoFileExists(t, filepath.Join(dir, "none.db"))
}
