package sqlite_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plastinka/predictor/adapters/sqlite"
	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/catalog"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/forecast"
	"github.com/plastinka/predictor/ports"
)

// TestR18KilledAtEveryStep: a real process is killed by SIGKILL at each step of
// an upload, standing there and running on; afterwards all of it is there or
// nothing, and it can be done again.
func TestR18KilledAtEveryStep(t *testing.T) {
	spilled := false
	for _, c := range []struct {
		step   string
		stands bool // still when the kill comes; else it runs on into what follows
	}{{"begun", true}, {"catalog", false}, {"month 0", true}, {"month 2", true}, {"month 2", false}, {"done", true}, {"done", false}, {"committed", true}} {
		t.Run(fmt.Sprintf("%s, standing %t", c.step, c.stands), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "plastinka.db")
			db := openFile(t, path)
			prepared(t, db)
			require.NoError(t, db.Close())
			waits := ""
			if c.stands {
				waits = c.step
			}
			steps, by := run(t, path, waits, "", func(at string) bool {
				if info, err := os.Stat(path + "-wal"); err == nil && at == c.step && at != "committed" {
					spilled = spilled || info.Size() > 256<<10
				}
				return at == c.step
			})
			require.Contains(t, steps, c.step, "the kill point is reached")
			db = openFile(t, path)
			if c.stands {
				require.Equal(t, syscall.SIGKILL, by)
				require.Equal(t, c.step == "committed", whole(t, db, small()), "only the commit counts")
			}
			if !whole(t, db, small()) {
				require.NoError(t, upload(t.Context(), db, small(), func(string) {}))
				require.True(t, whole(t, db, small()), "done again, nothing is doubled")
			}
		})
	}
	require.True(t, spilled, "at least one kill came when half the upload was in the files already")
}

// TestFullDisk: a real process may write no further; it says so, and nothing
// is half there.
func TestFullDisk(t *testing.T) {
	for _, limit := range []int{240 << 10, 700 << 10, 2 << 20} {
		t.Run(fmt.Sprint(limit), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "plastinka.db")
			db := openFile(t, path)
			prepared(t, db)
			require.NoError(t, db.Close())
			info, err := os.Stat(path)
			require.NoError(t, err)
			require.Less(t, info.Size(), int64(limit), "the database as it is fits")
			steps, _ := run(t, path, "", fmt.Sprint(limit), func(string) bool { return false })
			require.Equal(t, "failed unavailable disk_full", steps[len(steps)-1])
			db = openFile(t, path)
			require.False(t, whole(t, db, small()))
			require.NoError(t, upload(t.Context(), db, small(), func(string) {}), "with space it works")
			require.True(t, whole(t, db, small()))
		})
	}
}

// TestBusyWithAnotherProcess: another program that does not let go is named,
// after the time-out, and does not stop readers.
func TestBusyWithAnotherProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "plastinka.db")
	db, err := sqlite.Open(t.Context(), path, sqlite.Options{Busy: 30 * time.Millisecond})
	require.NoError(t, err)
	defer db.Close()
	other, err := sql.Open("sqlite", "file:"+path+"?_txlock=immediate")
	require.NoError(t, err)
	defer other.Close()
	tx, err := other.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	err = db.Settings().SetSetting(t.Context(), "k", "v")
	require.Equal(t, fault.Unavailable, fault.KindOf(err))
	require.Equal(t, "database_busy", fault.CodeOf(err))
	_, ok, err := db.Settings().Setting(t.Context(), "k")
	require.NoError(t, err)
	require.False(t, ok)
	_, ok, err = db.Jobs().Claim(t.Context(), "w", nil, nil, time.Unix(1e9, 0), time.Minute)
	require.NoError(t, err, "looking for work where there is none needs no lock")
	require.False(t, ok)
	require.NoError(t, tx.Rollback())
	require.NoError(t, db.Settings().SetSetting(t.Context(), "k", "v"))
}

// TestDamage: a database with overwritten pages is told by Check.
func TestDamage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "plastinka.db")
	db := openFile(t, path)
	prepared(t, db)
	require.NoError(t, upload(t.Context(), db, small(), func(string) {}))
	require.NoError(t, db.Check(t.Context()))
	require.NoError(t, db.Close())
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	require.NoError(t, err)
	info, err := f.Stat()
	require.NoError(t, err)
	_, err = f.WriteAt([]byte(strings.Repeat("damage! ", 64<<10/8)), info.Size()/2/4096*4096)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	db = openFile(t, path)
	err = db.Check(t.Context())
	require.Equal(t, "database_corrupt", fault.CodeOf(err))
	require.Contains(t, err.Error(), "backups folder")
}

func TestBackup(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "plastinka.db")
	db := openFile(t, path)
	prepared(t, db)
	require.NoError(t, upload(t.Context(), db, small(), func(string) {}))
	memory, err := sqlite.OpenMemory(t.Context())
	require.NoError(t, err)
	defer memory.Close()
	prepared(t, memory)
	require.NoError(t, upload(t.Context(), memory, small(), func(string) {}))
	for name, from := range map[string]*sqlite.Database{"file": db, "memory": memory} {
		t.Run(name, func(t *testing.T) {
			copied := filepath.Join(t.TempDir(), "копия ?.db")
			require.NoError(t, os.WriteFile(copied, []byte("an older one"), 0o600))
			require.NoError(t, from.Backup(t.Context(), copied))
			require.True(t, whole(t, openFile(t, copied), small()))
			require.Equal(t, "not_writable", fault.CodeOf(from.Backup(t.Context(), filepath.Join(dir, "none", "x.db"))))
			cancelled, cancel := context.WithCancel(t.Context())
			cancel()
			dead := filepath.Join(t.TempDir(), "dead.db")
			require.Equal(t, fault.Cancelled, fault.KindOf(from.Backup(cancelled, dead)))
			left, err := os.ReadDir(filepath.Dir(dead))
			require.NoError(t, err)
			require.Empty(t, left, "whole or not at all")
			require.NoError(t, from.Settings().SetSetting(t.Context(), "k", "v"))
		})
	}
	require.Equal(t, fault.Invalid, fault.KindOf(db.Backup(t.Context(), path)), "not over itself")
	require.True(t, whole(t, db, small()))
}

// TestForecastsStaySmall: 4,000 products in five models.
func TestForecastsStaySmall(t *testing.T) {
	path := filepath.Join(t.TempDir(), "plastinka.db")
	db := openFile(t, path)
	ctx := t.Context()
	products := make([]catalog.Product, 4000)
	for i := range products {
		products[i].Barcode = fmt.Sprint(i)
	}
	ids, err := db.Catalog().AddProducts(ctx, products)
	require.NoError(t, err)
	for _, model := range []string{"a", "b", "c", "d", "e"} {
		list := make([]forecast.Forecast, len(ids))
		for i, id := range ids {
			d := forecast.NegativeBinomial(0.05+float64(i%40)/20, 0.8)
			list[i] = forecast.Forecast{Product: id, Month: calendar.MonthOf(2026, 1), ModelID: model, Quantiles: d.Quantiles(), Method: "tide", Distribution: d}
		}
		require.NoError(t, db.Forecasts().Put(ctx, list))
	}
	require.NoError(t, db.Close())
	info, err := os.Stat(path)
	require.NoError(t, err)
	t.Logf("%d forecasts take %.1f MB", 20000, float64(info.Size())/1e6)
	require.Less(t, info.Size(), int64(12<<20))
}

// BenchmarkUpload stores 28,000 products, 120,000 sales and as many movements,
// 100,000 features and openings in one transaction (goal: 3 s), and overwrites
// them.
func BenchmarkUpload(b *testing.B) {
	big := shop{products: 28000, months: 12, sales: 10000, features: 8400}
	for b.Loop() {
		db, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "plastinka.db"), sqlite.Options{})
		require.NoError(b, err)
		prepared(b, db)
		start := time.Now()
		require.NoError(b, upload(b.Context(), db, big, func(string) {}))
		b.ReportMetric(time.Since(start).Seconds(), "s/first")
		start = time.Now()
		require.NoError(b, db.Atomically(b.Context(), func(s ports.Stores) error {
			var ids []catalog.ID
			for e, err := range s.Catalog().Products(b.Context()) {
				if err != nil {
					return err
				}
				ids = append(ids, e.ID)
			}
			for n := range big.months {
				if err := s.Facts().PutMonth(b.Context(), big.month(n, ids)); err != nil {
					return err
				}
			}
			return nil
		}))
		b.ReportMetric(time.Since(start).Seconds(), "s/overwrite")
		require.NoError(b, db.Close())
	}
}
