package sqlite

import (
	"database/sql"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plastinka/predictor/domain/fault"
)

// versions are our migrations and some that may come.
func versions(t *testing.T, more map[string]string) fs.FS {
	t.Helper()
	ours, err := migrations.ReadFile("migrations/0001_stores.tx.up.sql")
	require.NoError(t, err)
	steps := fstest.MapFS{"0001_stores.tx.up.sql": {Data: ours}}
	for name, text := range more {
		steps[name+".tx.up.sql"] = &fstest.MapFile{Data: []byte(text)}
	}
	return steps
}

// quick waits for nobody: in these tests whoever is in the way stays there.
func quick(dir string) Options {
	return Options{Backups: filepath.Join(dir, "backups"), Busy: 50 * time.Millisecond}
}

// snapshot is every file below dir with its content.
func snapshot(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	require.NoError(t, filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			var b []byte
			b, err = os.ReadFile(path)
			files[path] = string(b)
		}
		return err
	}))
	return files
}

// script runs statements on a file as another program would.
func script(t *testing.T, path, statements string) {
	t.Helper()
	db, err := sql.Open("sqlite", dsn(path, time.Second))
	require.NoError(t, err)
	_, err = db.Exec(statements)
	require.NoError(t, err)
	require.NoError(t, db.Close())
}

// python is the beginning of a database of the Python service.
const python = "CREATE TABLE dim_multiindex_mapping (multiindex_id INTEGER PRIMARY KEY, barcode TEXT); INSERT INTO dim_multiindex_mapping VALUES (1, 'x')"

func TestForeignDatabasesAreRefusedUntouched(t *testing.T) {
	for name, make := range map[string]func(path string){
		"the Python service's":         func(path string) { script(t, path, python) },
		"the Python service's, in WAL": func(path string) { script(t, path, "PRAGMA journal_mode=WAL; "+python) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "plastinka.db")
			make(path)
			before := snapshot(t, dir)
			_, err := Open(t.Context(), path, quick(dir))
			require.Equal(t, fault.Conflict, fault.KindOf(err))
			require.Equal(t, "database_foreign", fault.CodeOf(err))
			require.Contains(t, err.Error(), path)
			require.Contains(t, err.Error(), "DATA_ROOT_DIR")
			require.Equal(t, before, snapshot(t, dir))
		})
	}
}

// TestForeignDatabaseInUse: its newest tables are in its WAL only.
func TestForeignDatabaseInUse(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "plastinka.db")
	other, err := sql.Open("sqlite", dsn(path, time.Second, "_pragma=journal_mode(WAL)"))
	require.NoError(t, err)
	defer other.Close()
	_, err = other.Exec(python)
	require.NoError(t, err)
	before := snapshot(t, dir)
	require.NotEmpty(t, before[path+"-wal"])
	_, err = Open(t.Context(), path, quick(dir))
	require.Equal(t, "database_foreign", fault.CodeOf(err))
	after := snapshot(t, dir)
	delete(before, path+"-shm") // in which readers leave their marks
	delete(after, path+"-shm")
	require.Equal(t, before, after)
	_, err = other.Exec("INSERT INTO dim_multiindex_mapping VALUES (2, 'y')")
	require.NoError(t, err)
}

func TestWhatIsNoDatabaseIsRefusedUntouched(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "plastinka.db")
	require.NoError(t, os.WriteFile(path, []byte("this is a letter, and a long one, to nobody in particular"), 0o600))
	before := snapshot(t, dir)
	_, err := Open(t.Context(), path, quick(dir))
	require.Equal(t, "database_corrupt", fault.CodeOf(err))
	require.Contains(t, err.Error(), "backups")
	require.Equal(t, before[path], snapshot(t, dir)[path])
}

func TestNewerDatabaseIsRefusedUntouched(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "plastinka.db")
	db, err := open(t.Context(), path, quick(dir), versions(t, map[string]string{"0002_more": "CREATE TABLE more (x)"}))
	require.NoError(t, err)
	require.NoError(t, db.Close())
	before := snapshot(t, dir)
	_, err = Open(t.Context(), path, quick(dir))
	require.Equal(t, "database_newer", fault.CodeOf(err))
	require.Contains(t, err.Error(), "0002")
	require.Equal(t, before, snapshot(t, dir))
}

func TestMigrationComesAfterABackup(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "plastinka.db")
	second := versions(t, map[string]string{"0002_more": "CREATE TABLE more (x TEXT NOT NULL);\n--bun:split\nINSERT INTO more VALUES ('y');"})

	db, err := Open(t.Context(), path, quick(dir))
	require.NoError(t, err)
	require.NoError(t, db.Close())
	db, err = open(t.Context(), path, quick(dir), second)
	require.NoError(t, err)
	require.NoError(t, db.Close())
	require.NoDirExists(t, filepath.Join(dir, "backups"), "of nothing no backup is made")
	require.NoError(t, os.Remove(path))

	db, err = Open(t.Context(), path, quick(dir))
	require.NoError(t, err)
	require.NoError(t, db.Settings().SetSetting(t.Context(), "k", "v"))
	require.NoError(t, db.Close())
	for range 2 { // the second time there is nothing to do
		db, err = open(t.Context(), path, quick(dir), second)
		require.NoError(t, err)
		v, _, err := db.Settings().Setting(t.Context(), "k")
		require.NoError(t, err)
		require.Equal(t, "v", v)
		found, err := texts(t.Context(), db.reader.DB, "SELECT x FROM more")
		require.NoError(t, err)
		require.Equal(t, []string{"y"}, found)
		require.NoError(t, db.Close())
	}
	old, err := Open(t.Context(), filepath.Join(dir, "backups", "plastinka-before-0002.db"), quick(dir))
	require.NoError(t, err, "the backup is of the version before")
	v, _, err := old.Settings().Setting(t.Context(), "k")
	require.NoError(t, err)
	require.Equal(t, "v", v)
	require.NoError(t, old.Close())
}

func TestFailedMigrationChangesNothing(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "plastinka.db")
	db, err := Open(t.Context(), path, quick(dir))
	require.NoError(t, err)
	require.NoError(t, db.Settings().SetSetting(t.Context(), "k", "v"))
	require.NoError(t, db.Close())
	_, err = open(t.Context(), path, quick(dir), versions(t, map[string]string{"0002_more": "CREATE TABLE more (x);\n--bun:split\nINSERT INTO nowhere VALUES (1);"}))
	require.Error(t, err)
	db, err = open(t.Context(), path, quick(dir), versions(t, map[string]string{"0002_more": "CREATE TABLE more (x);"}))
	require.NoError(t, err, "nothing of the failed step is in the way of the right one")
	require.NoError(t, db.Close())
}

// TestMigrationIsMarkedInItsTransaction: a kill between the two would run the
// step again.
func TestMigrationIsMarkedInItsTransaction(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "plastinka.db")
	db, err := open(t.Context(), path, quick(dir), versions(t, map[string]string{
		"0002_more": "CREATE TABLE seen AS SELECT name FROM " + migrationsTable,
		"0003_more": "CREATE TABLE seen_later AS SELECT name FROM " + migrationsTable}))
	require.NoError(t, err)
	defer db.Close()
	for table, want := range map[string][]string{"seen": {"0001"}, "seen_later": {"0001", "0002"}, migrationsTable: {"0001", "0002", "0003"}} {
		found, err := texts(t.Context(), db.reader.DB, "SELECT name FROM "+table+" ORDER BY name")
		require.NoError(t, err)
		require.Equal(t, want, found)
	}
	_, err = db.writer.Exec("INSERT INTO " + migrationsTable + " (name, group_id) VALUES ('0003', 9)")
	require.Error(t, err, "a step is marked once")
}

func TestNoMigrationOfADatabaseThatAnotherHolds(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "plastinka.db")
	next := versions(t, map[string]string{"0002_more": "CREATE TABLE more (x);"})
	holder, err := Open(t.Context(), path, quick(dir))
	require.NoError(t, err)
	second, err := Open(t.Context(), path, quick(dir))
	require.NoError(t, err, "several of one version share it")
	require.NoError(t, second.Close())

	_, err = open(t.Context(), path, quick(dir), next)
	require.Equal(t, fault.Unavailable, fault.KindOf(err))
	require.Equal(t, "database_in_use", fault.CodeOf(err))
	require.NoError(t, holder.Settings().SetSetting(t.Context(), "k", "v"), "the holder is not disturbed")
	require.NoError(t, holder.Close())

	db, err := open(t.Context(), path, quick(dir), next)
	require.NoError(t, err)
	require.NoError(t, db.Close())
}

func TestManyStartsAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "plastinka.db")
	var wg sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		wg.Go(func() {
			db, err := Open(t.Context(), path, Options{})
			if errs[i] = err; err == nil {
				errs[i] = db.Close()
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, fs.FileMode(0o600), info.Mode().Perm(), "readable by its owner alone")
}

// TestSchema holds the tables and columns that other programs read (§4.2).
func TestSchema(t *testing.T) {
	db, err := OpenMemory(t.Context())
	require.NoError(t, err)
	defer db.Close()
	const ten = "barcode TEXT|artist TEXT|album TEXT|cover_type TEXT|price_category TEXT|release_type TEXT|recording_decade TEXT|release_decade TEXT|style TEXT|recording_year INTEGER"
	want := map[string]string{
		"dim_multiindex_mapping": "multiindex_id INTEGER|" + ten,
		"raw_records":            "barcode TEXT|artist TEXT|album TEXT|cover TEXT|price_category TEXT|release_type TEXT|recording_year TEXT|release_year TEXT|style TEXT|multiindex_id INTEGER",
		"fact_sales":             "multiindex_id INTEGER|data_date TEXT|value INTEGER",
		"fact_stock_movement":    "multiindex_id INTEGER|data_date TEXT|value INTEGER",
		"stock_openings":         "month TEXT|multiindex_id INTEGER|value INTEGER",
		"stock_snapshots":        "snapshot_date TEXT|multiindex_id INTEGER|value INTEGER|run_id TEXT",
		"report_features": "data_date TEXT|multiindex_id INTEGER|sales INTEGER|availability REAL|confidence REAL|masked_mean_sales_items REAL|" +
			"masked_mean_sales_rub REAL|lost_sales REAL|lost_sales_items REAL|price REAL|extrapolated_sales INTEGER|days_observed INTEGER|created_at TEXT",
		"upload_months": "month TEXT|content_digest TEXT|run_id TEXT|days_observed INTEGER|rows INTEGER",
		"fact_predictions": "multiindex_id INTEGER|prediction_month TEXT|model_id TEXT|quantile_05 REAL|quantile_25 REAL|quantile_50 REAL|" +
			"quantile_75 REAL|quantile_95 REAL|method TEXT|mean REAL|size REAL",
	}
	for table, columns := range want {
		var got string
		require.NoError(t, db.reader.QueryRow("SELECT group_concat(name || ' ' || type, '|') FROM pragma_table_info(?)", table).Scan(&got))
		require.True(t, len(got) >= len(columns) && got[:len(columns)] == columns, "%s has %s", table, got)
	}
	var names []string
	names, err = texts(t.Context(), db.reader.DB, "SELECT name FROM sqlite_master WHERE type = 'table'")
	require.NoError(t, err)
	require.Subset(t, names, []string{"processing_runs", "jobs", "job_status_history", "job_submission_locks", "idempotency_keys", "data_upload_results",
		"configs", "models", "training_results", "tuning_results", "tuning_trials", "backtest_results", "prediction_results", "report_results",
		"retry_events", "activation_history", "settings"})
	require.Subset(t, names, slices.Collect(maps.Keys(want)))
	for table, expect := range map[string]struct{ key, rowid string }{
		"fact_sales": {"multiindex_id,data_date", "WITHOUT ROWID"}, "fact_stock_movement": {"multiindex_id,data_date", "WITHOUT ROWID"},
		"fact_predictions": {"multiindex_id,prediction_month,model_id", ""}, "dim_multiindex_mapping": {"multiindex_id", ""}} {
		var key, text string
		require.NoError(t, db.reader.QueryRow("SELECT group_concat(name) FROM (SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk)", table).Scan(&key))
		require.Equal(t, expect.key, key, table)
		require.NoError(t, db.reader.QueryRow("SELECT sql FROM sqlite_master WHERE name = ?", table).Scan(&text))
		require.Contains(t, text, expect.rowid)
	}
}

// TestFullDatabase: SQLite's own word for a full disk.
func TestFullDatabase(t *testing.T) {
	db, err := Open(t.Context(), filepath.Join(t.TempDir(), "plastinka.db"), Options{})
	require.NoError(t, err)
	defer db.Close()
	_, err = db.writer.Exec("PRAGMA max_page_count = 60")
	require.NoError(t, err)
	err = db.Settings().SetSetting(t.Context(), "k", strings.Repeat("x", 1<<20))
	require.Equal(t, fault.Unavailable, fault.KindOf(err))
	require.Equal(t, "disk_full", fault.CodeOf(err))
	require.NoError(t, db.Check(t.Context()))
	require.NoError(t, db.Settings().SetSetting(t.Context(), "k", "v"))
}
