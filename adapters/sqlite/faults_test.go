package sqlite_test

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
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
	"github.com/plastinka/predictor/domain/job"
	"github.com/plastinka/predictor/domain/ledger"
	"github.com/plastinka/predictor/domain/panel"
	"github.com/plastinka/predictor/ports"
)

// The test binary is its own child: with these set it is a process that
// uploads, to be killed or starved.
const (
	childPath  = "PLASTINKA_TEST_DATABASE" // the database
	childWaits = "PLASTINKA_TEST_WAITS"    // the step at which it stands still
	childLimit = "PLASTINKA_TEST_LIMIT"    // RLIMIT_FSIZE, bytes
)

func TestMain(m *testing.M) {
	if path := os.Getenv(childPath); path != "" {
		os.Exit(child(path, os.Getenv(childWaits), os.Getenv(childLimit)))
	}
	os.Exit(m.Run())
}

// shop is what one upload stores.
type shop struct{ products, months, sales, features int }

// small is enough to spill out of SQLite's cache into the files before the
// transaction ends.
func small() shop { return shop{products: 3000, months: 3, sales: 3000, features: 2500} }

// upload stores a shop in one transaction, as an upload does, with its job's
// end; step hears how far it is.
func upload(ctx context.Context, db ports.Database, s shop, step func(string)) error {
	err := db.Atomically(ctx, func(st ports.Stores) error {
		step("begun")
		products, records := make([]catalog.Product, s.products), make([]catalog.Record, s.products)
		for i := range products {
			products[i] = catalog.Product{Barcode: fmt.Sprint(4600000000000 + i), Artist: fmt.Sprintf("Исполнитель %d", i/7), Album: fmt.Sprintf("Album %d", i/2),
				CoverType: "Sealed", PriceCategory: "(2490.0, 3990.0]", ReleaseType: "Оригинал", RecordingDecade: "1970s", ReleaseDecade: "1980s",
				Style: "Rock", RecordingYear: 1975}
		}
		ids, err := st.Catalog().AddProducts(ctx, products)
		if err != nil {
			return err
		}
		for i, p := range products {
			records[i] = catalog.Record{ID: ids[i], Raw: catalog.Raw{Barcode: p.Barcode, Artist: p.Artist, Album: p.Album, PriceCategory: p.PriceCategory,
				ReleaseType: p.ReleaseType, RecordingYear: "1975", ReleaseYear: "1981", Style: p.Style}}
		}
		if err := st.Catalog().AddRecords(ctx, records); err != nil {
			return err
		}
		step("catalog")
		for n := range s.months {
			if err := st.Facts().PutMonth(ctx, s.month(n, ids)); err != nil {
				return err
			}
			step(fmt.Sprint("month ", n))
		}
		if err := st.Facts().PutSnapshot(ctx, calendar.DayOf(2025, 1, 1), "run", []ledger.Holding{{Product: ids[0], Value: 1}}); err != nil {
			return err
		}
		if err := st.Jobs().Change(ctx, job.Change{ID: "upload", Attempt: 1, Status: job.Completed, Progress: 100, At: time.Unix(1e9, 0)}); err != nil {
			return err
		}
		step("done")
		return nil
	})
	if err == nil {
		step("committed")
	}
	return err
}

// month is the n-th month: sales facts of different products and days, as many
// movements, and features.
func (s shop) month(n int, ids []catalog.ID) ports.MonthContent {
	m := calendar.MonthOf(2024, 1) + calendar.Month(n)
	c := ports.MonthContent{Month: ledger.StoredMonth{Month: m, Digest: "d", RunID: "run", DaysObserved: m.Days(), Rows: s.sales}}
	for i := range s.sales {
		f := ledger.Fact{Product: ids[i%len(ids)], Day: m.First() + calendar.Day(i*28/s.sales), Value: 1 + i%3}
		c.Sales, c.Movements = append(c.Sales, f), append(c.Movements, f)
	}
	for i := range s.features {
		c.Openings = append(c.Openings, ledger.Holding{Product: ids[i], Value: 1 + i%9})
		c.Features = append(c.Features, panel.Feature{Month: m, Product: ids[i], Sales: i % 4, Availability: float64(i%7) / 7, Confidence: float64(i%11) / 11,
			MaskedMeanItems: 0.1, MaskedMeanRub: 299, Price: 2990, DaysObserved: m.Days()})
	}
	return c
}

// prepared is a database with an upload's job that runs.
func prepared(t testing.TB, db ports.Database) {
	t.Helper()
	require.NoError(t, db.Jobs().Create(t.Context(), job.Job{ID: "upload", Type: job.Upload, Status: job.Pending}))
	_, ok, err := db.Jobs().Claim(t.Context(), "child", nil, nil, time.Unix(1e9, 0), time.Minute)
	require.NoError(t, err)
	require.True(t, ok)
}

// whole says whether the upload is all there (true) or not at all (false), and
// fails on anything between.
func whole(t *testing.T, db *sqlite.Database, s shop) bool {
	t.Helper()
	ctx := t.Context()
	require.NoError(t, db.Check(ctx))
	j, err := db.Jobs().Job(ctx, "upload")
	require.NoError(t, err)
	months, err := db.Facts().Months(ctx)
	require.NoError(t, err)
	days, err := db.Facts().Snapshots(ctx)
	require.NoError(t, err)
	got := []int{count(t, db.Catalog().Products(ctx)), count(t, db.Catalog().Records(ctx)), len(months),
		count(t, db.Facts().Sales(ctx, 0, 99999)), count(t, db.Facts().Features(ctx, 0, 99999)), len(days)}
	if j.Status == job.Completed {
		require.Equal(t, []int{s.products, s.products, s.months, s.months * s.sales, s.months * s.features, 1}, got)
		return true
	}
	require.Equal(t, job.Running, j.Status)
	require.Equal(t, []int{0, 0, 0, 0, 0, 0}, got)
	return false
}

func count[T any](t *testing.T, rows func(func(T, error) bool)) (n int) {
	t.Helper()
	for _, err := range rows {
		require.NoError(t, err)
		n++
	}
	return n
}

// child is the process that uploads. It prints every step it has reached.
func child(path, waits, limit string) int {
	ctx := context.Background()
	db, err := sqlite.Open(ctx, path, sqlite.Options{})
	if err == nil && limit != "" {
		var bytes uint64
		fmt.Sscan(limit, &bytes)
		err = syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: bytes, Max: bytes})
	}
	if err == nil {
		err = upload(ctx, db, small(), func(step string) {
			fmt.Println(step)
			if step == waits {
				io.Copy(io.Discard, os.Stdin) // for ever: its other end is never closed
			}
		})
	}
	if err != nil {
		fmt.Println("failed", fault.KindOf(err), fault.CodeOf(err))
		return 1
	}
	return 0
}

// run starts a child and hands every step that it prints to at; if that says
// so, it is killed there and then. by is the signal that ended it.
func run(t *testing.T, path, waits, limit string, at func(step string) (kill bool)) (steps []string, by syscall.Signal) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childPath+"="+path, childWaits+"="+waits, childLimit+"="+limit)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	defer in.Close()
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	for lines := bufio.NewScanner(out); lines.Scan(); {
		steps = append(steps, lines.Text())
		if at(lines.Text()) {
			require.NoError(t, cmd.Process.Kill()) // SIGKILL
		}
	}
	if exit, ok := errors.AsType[*exec.ExitError](cmd.Wait()); ok && exit.Sys().(syscall.WaitStatus).Signaled() {
		by = exit.Sys().(syscall.WaitStatus).Signal()
	}
	return steps, by
}

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
