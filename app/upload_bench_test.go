package app_test

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plastinka/predictor/adapters/files"
	"github.com/plastinka/predictor/adapters/simulate"
	"github.com/plastinka/predictor/adapters/sqlite"
	"github.com/plastinka/predictor/app"
	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/simulation"
)

// BenchmarkUpload is an upload of a year of a large shop, from files to a
// database on the disk. CSV files take the reader out of the picture.
func BenchmarkUpload(b *testing.B) {
	for _, format := range []simulate.Format{simulate.CSV, simulate.XLSX} {
		b.Run(string(format), func(b *testing.B) {
			first := calendar.MonthOf(2023, 6)
			shop, err := simulation.New(simulation.Options{Products: 28_000, Months: 12, First: first, Seed: 1})
			require.NoError(b, err)
			written, err := simulate.Write(b.Context(), filepath.Join(b.TempDir(), "shop"), shop, shop.Until(), format)
			require.NoError(b, err)
			shop = nil
			req := app.UploadRequest{Stock: onDisk(written.Stock)}
			for _, path := range written.Sales {
				req.Sales = append(req.Sales, onDisk(path))
			}
			rows := 0
			for b.Loop() {
				rows = uploadOnDisk(b, req).RecordsProcessed
			}
			b.ReportMetric(float64(rows), "rows")
		})
	}
}

func onDisk(path string) app.IncomingFile {
	return app.IncomingFile{Name: filepath.Base(path), Open: func() (io.ReadCloser, error) { return os.Open(path) }}
}

// uploadOnDisk stores an upload in a new database file.
func uploadOnDisk(b *testing.B, req app.UploadRequest) app.UploadResult {
	root := b.TempDir()
	db, err := sqlite.Open(b.Context(), filepath.Join(root, "plastinka.db"), sqlite.Options{})
	require.NoError(b, err)
	store, err := files.Open(b.Context(), root)
	require.NoError(b, err)
	defer func() { require.NoError(b, db.Close()); require.NoError(b, store.Close()) }()
	u := newUpload(db, store)
	r, err := u.Receive(b.Context(), req)
	require.NoError(b, err)
	a, err := u.Submit(b.Context(), r, app.UploadSubmission{})
	require.NoError(b, err)
	j, err := newWorker(u).RunJob(b.Context(), a.JobID, nil)
	require.NoError(b, err)
	return resultOf(b, j)
}
