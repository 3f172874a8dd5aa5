package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/unicode/norm"

	"github.com/plastinka/predictor/adapters/files"
	"github.com/plastinka/predictor/adapters/sqlite"
	"github.com/plastinka/predictor/adapters/tables"
	"github.com/plastinka/predictor/app"
	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/catalog"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/intake"
	"github.com/plastinka/predictor/domain/job"
	"github.com/plastinka/predictor/domain/ledger"
	"github.com/plastinka/predictor/ports"
)

// uploadClock stands still.
type uploadClock struct{ now time.Time }

func (c *uploadClock) Now() time.Time      { return c.now }
func (c *uploadClock) Today() calendar.Day { return calendar.DayIn(c.now) }

// bench is an upload on real adapters: a database in memory, files in a
// temporary folder.
type bench struct {
	*app.Upload
	clock  *uploadClock
	store  *files.Store
	worker *app.Worker
}

func newBench(t *testing.T) *bench {
	t.Helper()
	db, err := sqlite.OpenMemory(t.Context())
	require.NoError(t, err)
	store, err := files.Open(t.Context(), t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, errors.Join(db.Close(), store.Close())) })
	u := newUpload(db, store)
	return &bench{u, u.Clock.(*uploadClock), store, newWorker(u)}
}

func newUpload(db ports.Database, store *files.Store) *app.Upload {
	return &app.Upload{DB: db, Clock: &uploadClock{time.Date(2024, time.June, 15, 12, 0, 0, 0, time.UTC)}, Tables: tables.Reader{},
		Artifacts: store, Log: slog.New(slog.DiscardHandler), Normalise: norm.NFC.String, Cores: 2}
}

func newWorker(u *app.Upload) *app.Worker {
	return &app.Worker{DB: u.DB, Clock: u.Clock, Log: u.Log, Owner: "test", Lease: time.Hour, Poll: time.Millisecond,
		Handlers: map[job.Type]app.Handler{job.Upload: u.Handle}}
}

func resultOf(t testing.TB, j job.Job) (r app.UploadResult) {
	t.Helper()
	require.Equal(t, job.Completed, j.Status, "%+v", j.Error)
	require.NoError(t, json.Unmarshal(j.Result, &r))
	return r
}

// process receives, submits and runs an upload, and returns the job's end.
func (b *bench) process(t *testing.T, req app.UploadRequest) job.Job {
	t.Helper()
	r, err := b.Receive(t.Context(), req)
	require.NoError(t, err)
	a, err := b.Submit(t.Context(), r, app.UploadSubmission{})
	require.NoError(t, err)
	require.Equal(t, job.Pending, a.Status)
	j, err := b.worker.RunJob(t.Context(), a.JobID, nil)
	require.NoError(t, err)
	require.Empty(t, b.kept(t), "the files go with the job's end")
	return j
}

// done is process of an upload that succeeds.
func (b *bench) done(t *testing.T, req app.UploadRequest) app.UploadResult {
	t.Helper()
	return resultOf(t, b.process(t, req))
}

func (b *bench) kept(t *testing.T) []ports.Artifact {
	t.Helper()
	list, err := b.store.List(ports.Uploads)
	require.NoError(t, err)
	return list
}

const (
	columns    = "Штрихкод;Исполнитель;Альбом;Конверт;Цена, руб.;Тип;Год записи;Год выпуска;Стиль;Дата создания;"
	stockHead  = columns + "Экземпляры\n"
	salesHead  = columns + "Дата заказа\n"
	groupBlood = "46;Кино;Группа крови;SS;2990;Переиздание;1988;2015;Rock;"
	night      = "47;Кино;Ночь;;2990;Переиздание;1986;;Rock;"
)

// file is an incoming file with this content.
func file(name, content string) app.IncomingFile {
	return app.IncomingFile{Name: name, Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(content)), nil }}
}

// sales are copies of a record sold on these days of a month, arrived in January.
func sales(record, month string, days ...int) string {
	var b strings.Builder
	for _, d := range days {
		fmt.Fprintf(&b, "%s05.01.2024;%02d.%s\n", record, d, month)
	}
	return b.String()
}

// spring is an upload of three months and the stock at the start of June.
func spring() app.UploadRequest {
	return app.UploadRequest{
		Stock: file("stock.csv", stockHead+groupBlood+"01.02.2024;3\n"+night+"01.05.2024;1\n"),
		Sales: []app.IncomingFile{
			file("march.csv", salesHead+sales(groupBlood, "03.2024", 1, 2, 2, 30)),
			file("april.csv", salesHead+sales(groupBlood, "04.2024", 5, 28)+sales(night, "04.2024", 9)),
			file("may.csv", salesHead+sales(night, "05.2024", 3, 31)),
		},
	}
}

func months(t *testing.T, names ...string) []calendar.Month {
	t.Helper()
	list := []calendar.Month{}
	for _, n := range names {
		m, err := calendar.ParseMonth(n)
		require.NoError(t, err)
		list = append(list, m)
	}
	return list
}

// dump is all that uploads store, without the runs' ids and the jobs.
func dump(t *testing.T, db ports.Database) string {
	t.Helper()
	var b bytes.Buffer
	all, err := db.Facts().Months(t.Context())
	require.NoError(t, err)
	for _, m := range all {
		fmt.Fprintln(&b, m.Month, m.Digest, m.DaysObserved, m.Rows)
		held, err := db.Facts().Openings(t.Context(), m.Month)
		require.NoError(t, err)
		fmt.Fprintln(&b, "opening", held)
		for f, err := range db.Facts().Sales(t.Context(), m.Month, m.Month) {
			require.NoError(t, err)
			fmt.Fprintln(&b, "sales", f)
		}
		for f, err := range db.Facts().Movements(t.Context(), m.Month, m.Month) {
			require.NoError(t, err)
			fmt.Fprintln(&b, "movement", f)
		}
		for f, err := range db.Facts().Features(t.Context(), m.Month, m.Month) {
			require.NoError(t, err)
			fmt.Fprintln(&b, "feature", f)
		}
	}
	days, err := db.Facts().Snapshots(t.Context())
	require.NoError(t, err)
	for _, s := range days {
		held, err := db.Facts().Snapshot(t.Context(), s)
		require.NoError(t, err)
		fmt.Fprintln(&b, "snapshot", s, held)
	}
	for r, err := range db.Catalog().Records(t.Context()) {
		require.NoError(t, err)
		fmt.Fprintln(&b, "record", r)
	}
	bins, _, err := db.Settings().Setting(t.Context(), "price_category_bins")
	require.NoError(t, err)
	results, err := db.Results().Results(t.Context(), job.Upload, 0)
	require.NoError(t, err)
	fmt.Fprintln(&b, bins, len(results))
	return b.String()
}

func TestUploadEndToEnd(t *testing.T) {
	b := newBench(t)
	j := b.process(t, spring())
	r := resultOf(t, j)
	require.Equal(t, 100.0, j.Progress)

	report := func(name string, role intake.Role, rows int) intake.FileReport {
		return intake.FileReport{Name: name, Role: role, Format: "csv", RowsRead: rows, RowsAccepted: rows,
			RowsRejected: map[string]int{}, Examples: []intake.Example{}}
	}
	require.Equal(t, app.UploadResult{
		Files: []intake.FileReport{report("stock.csv", intake.StockFile, 2), report("march.csv", intake.SalesFile, 4),
			report("april.csv", intake.SalesFile, 3), report("may.csv", intake.SalesFile, 2)},
		Warnings: []intake.Warning{}, Snapshot: calendar.DayOf(2024, time.June, 1), SnapshotInferred: true,
		MonthsStored: months(t, "2024-03", "2024-04", "2024-05"), MonthsUnchanged: months(t), MonthsCompleted: months(t),
		Products: 2, ProductsNew: 2, RecordsProcessed: 11, RunID: j.ID,
		FeaturesGenerated: []string{"sales", "availability", "confidence", "masked_mean_sales_items", "masked_mean_sales_rub",
			"lost_sales", "lost_sales_items", "price", "days_observed", "extrapolated_sales"},
	}, r)
	for _, member := range []string{`"rows_rejected":{}`, `"examples":[]`, `"warnings":[]`, `"months_unchanged":[]`,
		`"snapshot_date":"2024-06-01"`, `"months_stored":["2024-03-01"`} {
		require.Contains(t, string(j.Result), member)
	}

	var products []catalog.Product
	for p, err := range b.DB.Catalog().Products(t.Context()) {
		require.NoError(t, err)
		products = append(products, p.Product)
	}
	require.Equal(t, "Группа крови", products[0].Album, "ids follow the attributes")
	require.Equal(t, catalog.Product{Barcode: "47", Artist: "Кино", Album: "Ночь", CoverType: "Opened", PriceCategory: "(2490.0, 3990.0]",
		ReleaseType: "Переиздание", RecordingDecade: "1980s", ReleaseDecade: "2000s", Style: "Rock", RecordingYear: 1986}, products[1])
	held, err := b.DB.Facts().Openings(t.Context(), months(t, "2024-03")[0])
	require.NoError(t, err)
	require.Equal(t, []ledger.Holding{{Product: 1, Value: 9}, {Product: 2, Value: 3}}, held)
	held, err = b.DB.Facts().Snapshot(t.Context(), r.Snapshot)
	require.NoError(t, err)
	require.Equal(t, []ledger.Holding{{Product: 1, Value: 3}, {Product: 2, Value: 1}}, held)
	stored, err := b.DB.Results().Result(t.Context(), job.Upload, j.ID)
	require.NoError(t, err)
	require.JSONEq(t, string(j.Result), string(stored.Body))
}

func TestUploadDryRunAnswersTheSameAndStoresNothing(t *testing.T) {
	b := newBench(t)
	before := dump(t, b.DB)
	var said []string
	dry, err := b.DryRun(t.Context(), spring(), func(_ float64, message string) { said = append(said, message) })
	require.NoError(t, err)
	require.Equal(t, before, dump(t, b.DB))
	require.Empty(t, b.kept(t))
	require.Contains(t, said, "read april.csv")
	_, err = b.DryRun(t.Context(), spring(), nil)
	require.NoError(t, err)

	wet := b.done(t, spring())
	dry.RunID = wet.RunID
	require.Equal(t, wet, dry)

	changed := spring()
	changed.Sales[0] = file("march.csv", salesHead+sales(groupBlood, "03.2024", 1))
	_, err = b.DryRun(t.Context(), changed, nil)
	require.Equal(t, "months_exist", fault.CodeOf(err))
}

func TestUploadWithoutAJobStoresTheSame(t *testing.T) {
	with, without := newBench(t), newBench(t)
	with.done(t, spring())
	r, err := without.Run(t.Context(), spring(), nil)
	require.NoError(t, err)
	require.Equal(t, 2, r.ProductsNew)
	require.Equal(t, dump(t, with.DB), dump(t, without.DB))
	require.Empty(t, without.kept(t))
}

func TestUploadAgain(t *testing.T) {
	b := newBench(t)
	b.done(t, spring())
	whole := dump(t, b.DB)

	same := b.done(t, spring())
	require.Equal(t, months(t, "2024-03", "2024-04", "2024-05"), same.MonthsUnchanged)
	require.Empty(t, same.MonthsStored)
	require.Empty(t, same.FeaturesGenerated)
	require.Zero(t, same.ProductsNew)
	require.Equal(t, 2, same.Products)
	require.Equal(t, strings.Replace(whole, ",inf 1\n", ",inf 2\n", 1), dump(t, b.DB), "only its result is new")

	changed := spring()
	changed.Sales[1] = file("april.csv", salesHead+sales(groupBlood, "04.2024", 7))
	j := b.process(t, changed)
	require.Equal(t, "months_exist", j.Error.Code)
	require.Len(t, j.Error.Details["files"], 4)

	changed.Options.Overwrite = true
	over := b.done(t, changed)
	require.Equal(t, months(t, "2024-03", "2024-04", "2024-05"), over.MonthsStored)
	fresh := newBench(t)
	changed.Options.Overwrite = false
	fresh.done(t, changed)
	require.NotEqual(t, whole, dump(t, fresh.DB))
	facts := func(s string) string { return s[:strings.Index(s, "record")] }
	require.Equal(t, facts(dump(t, fresh.DB)), facts(dump(t, b.DB)), "as if it had been the first")
}

// TestUploadKeepsIdentities: a later upload with other votes does not move what
// was decided.
func TestUploadKeepsIdentities(t *testing.T) {
	b := newBench(t)
	b.done(t, spring())
	punk := strings.ReplaceAll(night, "Rock", "Punk")
	next := app.UploadRequest{
		Stock: file("stock.csv", stockHead+night+"01.05.2024;1\n"+strings.Repeat(punk+"01.05.2024;1\n", 20)),
		Sales: []app.IncomingFile{file("june.csv", salesHead+sales(night, "06.2024", 1, 2, 14))},
	}
	r := b.done(t, next)
	require.Equal(t, 2, r.Products)
	require.Equal(t, 1, r.ProductsNew)
	styles := map[string]catalog.ID{}
	for rec, err := range b.DB.Catalog().Records(t.Context()) {
		require.NoError(t, err)
		if rec.Raw.Album == "Ночь" {
			styles[rec.Raw.Style+"→"+rec.Product.Style] = rec.ID
		}
	}
	require.Equal(t, map[string]catalog.ID{"Rock→Rock": 2, "Punk→Punk": 3}, styles)
}

// TestR12UploadOrderOfFilesAndRows: the same rows in other files and another
// order make the same database.
func TestR12UploadOrderOfFilesAndRows(t *testing.T) {
	a, b := newBench(t), newBench(t)
	a.done(t, spring())
	turned := spring()
	turned.Stock = file("s.csv", stockHead+night+"01.05.2024;1\n"+groupBlood+"01.02.2024;3\n")
	turned.Sales = []app.IncomingFile{
		file("b.csv", salesHead+sales(night, "05.2024", 31, 3)+sales(night, "04.2024", 9)),
		file("a.csv", salesHead+sales(groupBlood, "04.2024", 28, 5)+sales(groupBlood, "03.2024", 30, 2, 1, 2)),
	}
	b.done(t, turned)
	require.Equal(t, dump(t, a.DB), dump(t, b.DB))
}

func TestUploadErrorsInTheirOrder(t *testing.T) {
	bad := file("bad.csv", "nothing known\n1\n")
	rejected := file("rejected.csv", salesHead+"46;Кино;Ночь;SS;?;Переиздание;1988;;;05.01.2024;01.03.2024\n")
	html := file("page.xls", "<html><table></table></html>")
	may := spring().Sales[2]
	for name, test := range map[string]struct {
		change func(*app.UploadRequest)
		code   string
		file   string // "": none
		index  int
		seen   bool // already when the files are received
	}{
		"the same file twice, before all else":                {func(r *app.UploadRequest) { r.Stock = bad; r.Sales = append(r.Sales, html, may) }, "duplicate_file", "may.csv", 5, true},
		"stock before sales":                                  {func(r *app.UploadRequest) { r.Stock = bad; r.Sales[0] = html }, "missing_columns", "bad.csv", 0, true},
		"file by file":                                        {func(r *app.UploadRequest) { r.Sales[1] = html; r.Sales[2] = bad }, "unsupported_format", "page.xls", 2, true},
		"an earlier file's rows before a later one's columns": {func(r *app.UploadRequest) { r.Sales[0] = rejected; r.Sales[2] = bad }, "no_rows_accepted", "rejected.csv", 1, true},
		"an earlier file's end before a later one's container": {func(r *app.UploadRequest) {
			r.Stock = file("stock.csv", stockHead+groupBlood+"01.02.2024;3\n\"never closed")
			r.Sales[2] = html
		}, "corrupt_file", "stock.csv", 0, true},
		"no rows": {func(r *app.UploadRequest) { r.Sales[1] = rejected; delete1(r, 2) }, "no_rows_accepted", "rejected.csv", 2, false},
		"a gap before the snapshot": {func(r *app.UploadRequest) {
			r.Sales[1] = r.Sales[2]
			r.Sales = r.Sales[:2]
			r.Options.Snapshot = day(2024, 1, 1)
		}, "months_not_contiguous", "", 0, false},
		"the snapshot": {func(r *app.UploadRequest) { r.Options.Snapshot = day(2024, 5, 31) }, "snapshot_incoherent", "", 0, false},
		"no stock":     {func(r *app.UploadRequest) { r.Stock = app.IncomingFile{} }, "validation_error", "", 0, true},
		"no sales":     {func(r *app.UploadRequest) { r.Sales = nil }, "validation_error", "", 0, true},
		"an unreadable file": {func(r *app.UploadRequest) {
			r.Sales[0].Open = func() (io.ReadCloser, error) { return nil, io.ErrUnexpectedEOF }
		}, "file_unreadable", "march.csv", 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			before := dump(t, b.DB)
			req := spring()
			test.change(&req)
			r, err := b.Receive(t.Context(), req)
			require.Equal(t, test.seen, err != nil, "%v", err)
			var code, message string
			var details map[string]any
			if test.seen {
				e := fault.Wrap("", err).(*fault.Error)
				code, message, details = e.Code, e.Message, e.Details
			} else {
				a, err := b.Submit(t.Context(), r, app.UploadSubmission{})
				require.NoError(t, err)
				j, err := b.worker.RunJob(t.Context(), a.JobID, nil)
				require.NoError(t, err)
				require.Equal(t, job.Failed, j.Status)
				code, message, details = j.Error.Code, j.Error.Message, j.Error.Details
				read := 4
				if test.code == "no_rows_accepted" {
					read = 3 // the stock, march, and the file itself
				}
				require.Len(t, details["files"], min(read, 1+len(req.Sales)), "the accounting of what was read")
			}
			require.Equal(t, test.code, code)
			if test.file != "" {
				require.Equal(t, test.file, details["filename"])
				require.EqualValues(t, test.index, details["index"])
				require.Contains(t, message, test.file)
			}
			require.Equal(t, before, dump(t, b.DB))
			require.Empty(t, b.kept(t))
		})
	}
}

func delete1(r *app.UploadRequest, i int) { r.Sales = append(r.Sales[:i], r.Sales[i+1:]...) }

func day(y int, m time.Month, d int) *calendar.Day {
	x := calendar.DayOf(y, m, d)
	return &x
}

func TestUploadTooManyFiles(t *testing.T) {
	b := newBench(t)
	b.MaxFiles = 3
	_, err := b.Receive(t.Context(), spring())
	require.Equal(t, "too_many_files", fault.CodeOf(err))
	b.MaxFiles = 4
	r, err := b.Receive(t.Context(), spring())
	require.NoError(t, err)
	b.Discard(r)
	require.Empty(t, b.kept(t))
}

func TestR8UploadTooLarge(t *testing.T) {
	b := newBench(t)
	b.MaxBytes = 0
	for _, f := range append(spring().Sales, spring().Stock) {
		r, err := f.Open()
		require.NoError(t, err)
		n, err := io.Copy(io.Discard, r)
		require.NoError(t, err)
		b.MaxBytes += n
	}
	r, err := b.Receive(t.Context(), spring())
	require.NoError(t, err)
	b.Discard(r)
	b.MaxBytes--
	_, err = b.Receive(t.Context(), spring())
	require.Equal(t, "upload_too_large", fault.CodeOf(err))
	require.Equal(t, fault.TooLarge, fault.KindOf(err))
	require.Empty(t, b.kept(t))
}

func TestUploadPriceBins(t *testing.T) {
	b := newBench(t)
	asked := "0,1000,inf"
	b.PriceBins = &asked
	b.done(t, spring())
	for p, err := range b.DB.Catalog().Products(t.Context()) {
		require.NoError(t, err)
		require.Equal(t, "(1000.0, inf]", p.PriceCategory)
	}
	bins, stored, err := app.PriceBins(t.Context(), b.DB.Settings(), nil)
	require.NoError(t, err)
	require.True(t, stored)
	require.Equal(t, "0.0,1000.0,inf", bins.String(), "without a wish the database's own")

	other := "0,2000,inf"
	_, _, err = app.PriceBins(t.Context(), b.DB.Settings(), &other)
	require.Equal(t, "price_bins_differ", fault.CodeOf(err))
	require.Equal(t, fault.Conflict, fault.KindOf(err))
	b.PriceBins = &other
	j := b.process(t, spring())
	require.Equal(t, "price_bins_differ", j.Error.Code)
	spelt := "0.0, 1000.00"
	b.PriceBins = &spelt
	b.done(t, spring())
}

func TestUploadSubmittedAgain(t *testing.T) {
	b := newBench(t)
	submit := func(req app.UploadRequest, s app.UploadSubmission) (app.Accepted, error) {
		r, err := b.Receive(t.Context(), req)
		require.NoError(t, err)
		return b.Submit(t.Context(), r, s)
	}
	first, err := submit(spring(), app.UploadSubmission{Repeat: app.Repeat{Key: "k", Refractory: time.Minute}})
	require.NoError(t, err)
	require.Len(t, b.kept(t), 4)

	again, err := submit(spring(), app.UploadSubmission{Repeat: app.Repeat{Key: "k", Refractory: time.Minute}})
	require.NoError(t, err)
	require.Equal(t, first.JobID, again.JobID, "the first answer")
	joined, err := submit(spring(), app.UploadSubmission{Join: true})
	require.NoError(t, err)
	require.Equal(t, first.JobID, joined.JobID)
	require.True(t, joined.Joined)

	renamed := spring()
	renamed.Stock.Name = "other.csv"
	renamed.Sales[0], renamed.Sales[1] = renamed.Sales[1], renamed.Sales[0]
	_, err = submit(renamed, app.UploadSubmission{Repeat: app.Repeat{Refractory: time.Minute}})
	require.Equal(t, "job_refractory_active", fault.CodeOf(err), "the same content under other names")
	renamed.Options.Overwrite = true
	second, err := submit(renamed, app.UploadSubmission{Repeat: app.Repeat{Refractory: time.Minute}})
	require.NoError(t, err, "another request")
	require.NotEqual(t, first.JobID, second.JobID)
	require.Len(t, b.kept(t), 8, "what was not accepted is not kept")
}

// TestUploadInterrupted: a process that stops in the middle hands the job back
// with its files, and another one finishes it.
func TestUploadInterrupted(t *testing.T) {
	b := newBench(t)
	before := dump(t, b.DB)
	r, err := b.Receive(t.Context(), spring())
	require.NoError(t, err)
	a, err := b.Submit(t.Context(), r, app.UploadSubmission{})
	require.NoError(t, err)

	ctx, stop := context.WithCancel(t.Context())
	real := b.Tables
	b.Tables = opening{real, func() { stop() }}
	_, err = b.worker.RunJob(ctx, a.JobID, nil)
	require.Equal(t, fault.Cancelled, fault.KindOf(err))
	j, err := b.DB.Jobs().Job(t.Context(), a.JobID)
	require.NoError(t, err)
	require.Equal(t, job.Pending, j.Status)
	require.Len(t, b.kept(t), 4)
	require.Equal(t, before, dump(t, b.DB))
	require.NoError(t, b.sweep(t))
	require.Len(t, b.kept(t), 4, "those of an unfinished job stay")

	b.Tables = real
	j, err = b.worker.RunJob(t.Context(), a.JobID, nil)
	require.NoError(t, err)
	require.Equal(t, job.Completed, j.Status)
	require.Empty(t, b.kept(t))
}

// opening tells when a file is opened.
type opening struct {
	ports.Tables
	tell func()
}

func (o opening) Open(ctx context.Context, path string, l ports.TableLimits) (ports.Workbook, error) {
	o.tell()
	if err := ctx.Err(); err != nil {
		return nil, fault.Wrap("test", err)
	}
	return o.Tables.Open(ctx, path, l)
}

// TestUploadLosesItsLease: a worker that was thought dead can store nothing.
func TestUploadLosesItsLease(t *testing.T) {
	b := newBench(t)
	before := dump(t, b.DB)
	r, err := b.Receive(t.Context(), spring())
	require.NoError(t, err)
	a, err := b.Submit(t.Context(), r, app.UploadSubmission{})
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	handle := b.worker.Handlers[job.Upload]
	var outcome error
	b.worker.Handlers[job.Upload] = func(ctx context.Context, run *app.JobRun) (any, error) {
		defer stop()
		// While it reads, another worker claims the job.
		b.Tables = opening{b.Tables, sync.OnceFunc(func() {
			late := b.clock.now.Add(2 * b.worker.Lease)
			_, ok, err := b.DB.Jobs().Claim(ctx, "other", nil, []string{run.Job.ID}, late, time.Hour)
			require.True(t, ok && err == nil, "%v", err)
		})}
		_, outcome = handle(ctx, run)
		return nil, outcome
	}
	_, err = b.worker.RunJob(ctx, a.JobID, nil)
	require.Equal(t, fault.Cancelled, fault.KindOf(err))
	require.Equal(t, "lease_lost", fault.CodeOf(outcome))
	require.Len(t, b.kept(t), 4, "the other worker needs them")
	require.Equal(t, before, dump(t, b.DB))
}

// sweep is a start of the program on the bench; the makers of the named files
// are known to be gone.
func (b *bench) sweep(t *testing.T, orphans ...string) error {
	s := app.Sweep{DB: b.DB, Clock: b.clock, Artifacts: b.Artifacts,
		Orphan: func(place ports.Place, name string) bool {
			return place == ports.Uploads && slices.Contains(orphans, name)
		}}
	return s.Run(t.Context())
}

func TestUploadSweep(t *testing.T) {
	b := newBench(t)
	r, err := b.Receive(t.Context(), spring())
	require.NoError(t, err)
	_ = r // never submitted: its process died
	require.NoError(t, b.sweep(t))
	require.Len(t, b.kept(t), 4, "somebody may be submitting them now")
	require.NoError(t, b.sweep(t, b.kept(t)[0].Name))
	require.Len(t, b.kept(t), 3, "whoever submitted this one is gone")
	b.clock.now = time.Now().Add(25 * time.Hour)
	require.NoError(t, b.sweep(t))
	require.Empty(t, b.kept(t))

	b = newBench(t)
	r, err = b.Receive(t.Context(), spring())
	require.NoError(t, err)
	a, err := b.Submit(t.Context(), r, app.UploadSubmission{})
	require.NoError(t, err)
	_, err = b.DB.Jobs().RequestCancel(t.Context(), a.JobID, b.clock.now)
	require.NoError(t, err)
	require.NoError(t, b.sweep(t))
	require.Empty(t, b.kept(t), "the job was cancelled before it began")
}

func TestUploadWarnings(t *testing.T) {
	b := newBench(t)
	req := spring()
	req.Sales[0] = file("march.csv", salesHead+sales(groupBlood, "03.2024", 1, 2, 2, 30)+
		sales("4.6E+12;Кино;45;SS;990;Оригинал;1982;;;", "03.2024", 4)+
		sales(strings.ReplaceAll(groupBlood, "2990", "600"), "03.2024", 5))
	req.Options.Snapshot = day(2024, time.June, 4)
	r := b.done(t, req)
	var codes []string
	for _, w := range r.Warnings {
		codes = append(codes, w.Code)
		require.NotEmpty(t, w.Message)
	}
	require.Equal(t, []string{"barcode_digits_lost", "price_category_split", "snapshot_late"}, codes)
	require.False(t, r.SnapshotInferred)

	// Months stored before and after a gap: a warning, not an error (R15).
	gap := app.UploadRequest{Stock: file("stock.csv", stockHead+groupBlood+"01.01.2024;3\n"),
		Sales: []app.IncomingFile{file("january.csv", salesHead+sales(groupBlood, "01.2024", 6, 30))}}
	r = b.done(t, gap)
	require.Equal(t, "missing_months", r.Warnings[0].Code)
	require.Equal(t, months(t, "2024-02"), r.Warnings[0].Months)
}
