package sqlite_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plastinka/predictor/adapters/sqlite"
	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/catalog"
	"github.com/plastinka/predictor/domain/fault"
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
