package sqlite_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plastinka/predictor/adapters/sqlite"
	"github.com/plastinka/predictor/ports"
	"github.com/plastinka/predictor/ports/porttest"
)

func openFile(t *testing.T, path string) *sqlite.Database {
	t.Helper()
	db, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { db.Close() })
	return db
}

func TestStoresInAFile(t *testing.T) {
	paths := map[ports.Database]string{}
	porttest.Stores(t, porttest.StoresUnderTest{
		Open: func(t *testing.T) ports.Database {
			path := filepath.Join(t.TempDir(), "ein ?&%20#имя", "plastinka.db")
			db := openFile(t, path)
			paths[db] = path
			return db
		},
		Reopen: func(t *testing.T, db ports.Database) ports.Database {
			require.NoError(t, db.Close())
			return openFile(t, paths[db])
		},
	})
}

func TestStoresInMemory(t *testing.T) {
	porttest.Stores(t, porttest.StoresUnderTest{Open: func(t *testing.T) ports.Database {
		db, err := sqlite.OpenMemory(t.Context())
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, db.Close()) })
		return db
	}})
}
