//go:build slow

package httpapi_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plastinka/predictor/adapters/httpapi"
	"github.com/plastinka/predictor/adapters/sqlite"
	"github.com/plastinka/predictor/app"
	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/catalog"
	"github.com/plastinka/predictor/domain/forecast"
	"github.com/plastinka/predictor/domain/job"
	"github.com/plastinka/predictor/domain/ledger"
	"github.com/plastinka/predictor/domain/panel"
	"github.com/plastinka/predictor/ports"
)

// BenchmarkPages: 20,000 products over 36 months, a forecast for each. A page
// costs the same at the beginning and at the end.
func BenchmarkPages(b *testing.B) {
	const products, months = 20_000, 36
	ctx := b.Context()
	db, err := sqlite.Open(ctx, filepath.Join(b.TempDir(), "a.db"), sqlite.Options{})
	require.NoError(b, err)
	defer db.Close()
	list := make([]catalog.Product, products)
	for i := range list {
		list[i] = catalog.Product{Barcode: fmt.Sprint(i), Artist: fmt.Sprint("Artist ", i%700), Album: fmt.Sprint("Album ", i), Style: "Rock", RecordingYear: 1980}
	}
	ids, err := db.Catalog().AddProducts(ctx, list)
	require.NoError(b, err)
	first := calendar.MonthOf(2023, time.January)
	d := forecast.NegativeBinomial(1.2, 0.8)
	for m := first; m < first+months; m++ {
		c := ports.MonthContent{Month: ledger.StoredMonth{Month: m, Digest: "d", RunID: "r", DaysObserved: m.Days()}}
		forecasts := make([]forecast.Forecast, products)
		for i, id := range ids {
			c.Features = append(c.Features, panel.Feature{Month: m, Product: id, Sales: i % 3, Availability: 1})
			forecasts[i] = forecast.Forecast{Product: id, Month: m, ModelID: "m", Method: "tide", Quantiles: d.Quantiles(), Distribution: d}
		}
		require.NoError(b, db.Facts().PutMonth(ctx, c))
		require.NoError(b, db.Forecasts().Put(ctx, forecasts))
	}
	log := slog.New(slog.DiscardHandler)
	s := httpapi.New(&app.App{DB: db, Clock: &clock{}, Log: log, History: &app.History{DB: db}, Products: &app.Products{DB: db}},
		httpapi.Options{APIKeyHash: hash(b, apiKey), Log: log, Refractory: func(job.Type) time.Duration { return 0 }})
	for _, path := range []string{
		"/api/v1/predictions/history?limit=50",
		"/api/v1/predictions/history?limit=50&cursor=19900",
		"/api/v1/predictions/history?limit=50&prediction_month_from=2025-12-01",
		"/api/v1/predictions/history?multiindex_id=15000",
		"/api/v1/predictions/history",
		"/api/v1/products?limit=50",
		"/api/v1/products?limit=50&cursor=19900",
		"/api/v1/products?search=artist+699",
	} {
		b.Run(path, func(b *testing.B) {
			for b.Loop() {
				r := httptest.NewRequestWithContext(ctx, "GET", path, nil)
				r.Header.Set("X-API-Key", apiKey)
				w := &discard{ResponseRecorder: httptest.NewRecorder()}
				s.ServeHTTP(w, r)
				require.Equal(b, 200, w.Code)
				b.SetBytes(w.n)
			}
		})
	}
}

// discard counts an answer and forgets it.
type discard struct {
	*httptest.ResponseRecorder
	n int64
}

func (d *discard) Write(p []byte) (int, error) {
	d.n += int64(len(p))
	return io.Discard.Write(p)
}
