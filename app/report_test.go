package app_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plastinka/predictor/adapters/clock"
	"github.com/plastinka/predictor/adapters/sqlite"
	"github.com/plastinka/predictor/app"
	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/catalog"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/forecast"
	"github.com/plastinka/predictor/domain/job"
	"github.com/plastinka/predictor/domain/ledger"
	"github.com/plastinka/predictor/domain/panel"
	"github.com/plastinka/predictor/domain/report"
	"github.com/plastinka/predictor/ports"
)

// reported is a database with two products, fourteen months, and forecasts of
// two models for October (both) and November (the newer one only, and an older).
func reported(t *testing.T) (*app.Reports, []catalog.ID, calendar.Month) {
	t.Helper()
	ctx := t.Context()
	db, err := sqlite.OpenMemory(ctx)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	ids, err := db.Catalog().AddProducts(ctx, []catalog.Product{
		{Artist: "B", Album: "b", Style: "Jazz", RecordingDecade: "1970s", RecordingYear: 1971},
		{Artist: "A", Album: "a", Style: "Rock", RecordingDecade: "1980s", RecordingYear: 1981}})
	require.NoError(t, err)
	november := calendar.MonthOf(2026, time.November)
	for m := november - 14; m < november; m++ {
		require.NoError(t, db.Facts().PutMonth(ctx, ports.MonthContent{
			Month: ledger.StoredMonth{Month: m, Digest: m.String(), DaysObserved: m.Days(), Rows: 3},
			Features: []panel.Feature{
				{Month: m, Product: ids[0], Sales: 3, Availability: 1, Confidence: 0.5, Price: 2000, DaysObserved: m.Days()},
				{Month: m, Product: ids[1], Sales: m.Number(), Availability: 0.95, Price: 1000, LostSalesRub: 70, DaysObserved: m.Days()}}}))
	}
	require.NoError(t, db.Facts().PutSnapshot(ctx, (november-3).First(), "old", []ledger.Holding{{Product: ids[0], Value: 50}}))
	require.NoError(t, db.Facts().PutSnapshot(ctx, november.First(), "new", []ledger.Holding{{Product: ids[0], Value: 1}}))
	at := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
	for i, id := range []string{"older", "newer"} {
		created := at.AddDate(0, i, 0)
		require.NoError(t, db.Jobs().Create(ctx, job.Job{ID: "job-" + id, Type: job.Training, Status: job.Pending, CreatedAt: created, UpdatedAt: created}))
		require.NoError(t, db.Models().Add(ctx, ports.StoredModel{ID: id, JobID: "job-" + id, Metadata: json.RawMessage("{}"), CreatedAt: created}))
		require.NoError(t, db.Results().Add(ctx, ports.StoredResult{ID: "result-" + id, Kind: job.Prediction, JobID: "job-" + id, ModelID: id,
			Metrics: map[string]float64{}, CreatedAt: created}))
	}
	require.NoError(t, db.Forecasts().Put(ctx, []forecast.Forecast{
		predicted(ids[0], november-1, "older", 9), predicted(ids[1], november-1, "older", 9),
		predicted(ids[0], november-1, "newer", 3), predicted(ids[1], november-1, "newer", 10),
		predicted(ids[0], november, "older", 8),
		predicted(ids[0], november, "newer", 4), predicted(ids[1], november, "newer", 2)}))
	return &app.Reports{DB: db, Clock: clock.System{}}, ids, november
}

func predicted(id catalog.ID, m calendar.Month, model string, mean float64) forecast.Forecast {
	d := forecast.Poisson(mean)
	return forecast.Forecast{Product: id, Month: m, ModelID: model, Quantiles: d.Quantiles(), Method: "tide", Distribution: d}
}

func TestReportOfTheLatestMonth(t *testing.T) {
	reports, ids, november := reported(t)
	r, err := reports.Report(t.Context(), app.ReportRequest{})
	require.NoError(t, err)
	require.Equal(t, november, r.Month)
	require.Equal(t, "newer", r.ModelID, "the newest, while none is active")
	require.Equal(t, "result-newer", r.ResultID)
	require.Equal(t, november.First(), r.StockDay)
	require.Len(t, r.Rows, 2)
	rock, jazz := r.Rows[0], r.Rows[1]
	require.Equal(t, ids[1], rock.ID)
	require.Equal(t, 10, *rock.SalesLast)
	require.Equal(t, 11, *rock.SalesYear)
	require.Equal(t, 0, *rock.Stock)
	require.Equal(t, 3, *rock.Restock)
	require.Equal(t, 1, *jazz.Stock)
	require.Equal(t, 4, *jazz.Restock, "⌈5⌉ − 1")
	require.Equal(t, 70.0, r.Totals.LostRub)
	require.Len(t, r.History, 14)
	require.Equal(t, 2, r.Accuracy.Cells)
	require.InDelta(t, 13, r.Accuracy.Forecast, 1e-3, "October by the model that counts, once")
	require.Nil(t, r.Backtest)
}

func TestReportPrefersTheActiveModel(t *testing.T) {
	reports, _, november := reported(t)
	require.NoError(t, reports.DB.Models().SetActive(t.Context(), "older", time.Now()))
	r, err := reports.Report(t.Context(), app.ReportRequest{})
	require.NoError(t, err)
	require.Equal(t, "older", r.ModelID)
	require.Equal(t, november, r.Month)
	require.Len(t, r.Rows, 1, "one model's forecasts, never two of a product")
	require.InDelta(t, 18, r.Accuracy.Forecast, 1e-3)
}

func TestReportAsAsked(t *testing.T) {
	reports, ids, november := reported(t)
	october := november - 1
	r, err := reports.Report(t.Context(), app.ReportRequest{Month: &october, ModelID: "older", Level: 0.95, Filters: report.Filters{"style": "Jazz"}})
	require.NoError(t, err)
	require.Equal(t, october, r.Month)
	require.Len(t, r.Rows, 1)
	require.Equal(t, ids[0], r.Rows[0].ID)
	require.Equal(t, 50, *r.Rows[0].Stock, "as it was before that month ended")
	require.Equal(t, (november - 3).First(), r.StockDay)
	require.Equal(t, 3, *r.Rows[0].Sold)
	require.Zero(t, *r.Rows[0].Restock)
	require.Zero(t, r.Accuracy.Cells)
}

func TestReportWithTheBacktest(t *testing.T) {
	reports, _, _ := reported(t)
	table := forecast.Backtest{Cells: 7, Chosen: "tide", Rows: []forecast.BacktestRow{{Method: "tide", Class: "all", Pinball: 0.25}}}
	body, err := json.Marshal(table)
	require.NoError(t, err)
	require.NoError(t, reports.DB.Results().Add(t.Context(), ports.StoredResult{ID: "b", Kind: job.Backtest, JobID: "job-newer", Metrics: map[string]float64{}, Body: body, CreatedAt: time.Now()}))
	r, err := reports.Report(t.Context(), app.ReportRequest{})
	require.NoError(t, err)
	require.Equal(t, table.Rows, r.Backtest.Rows)
}

func TestReportWithoutPredictions(t *testing.T) {
	reports, _, november := reported(t)
	march := november - 8
	for name, q := range map[string]app.ReportRequest{
		"month":   {Month: &march},
		"model":   {ModelID: "nobody"},
		"both":    {Month: &november, ModelID: "nobody"},
		"filters": {Filters: report.Filters{"style": "Polka"}},
	} {
		_, err := reports.Report(t.Context(), q)
		require.Equal(t, fault.NotFound, fault.KindOf(err), name)
		require.Equal(t, "no_predictions_found", fault.CodeOf(err), name)
	}
	_, err := reports.Report(t.Context(), app.ReportRequest{Level: 1.5})
	require.Equal(t, fault.Invalid, fault.KindOf(err))
}

// From a database of 20,000 products with 36 months to the report's model.
func BenchmarkReport20000(b *testing.B) {
	ctx := b.Context()
	db, err := sqlite.OpenMemory(ctx)
	require.NoError(b, err)
	defer db.Close()
	products := make([]catalog.Product, 20000)
	for i := range products {
		products[i] = catalog.Product{Artist: string(rune('A' + i%26)), Album: time.Duration(i).String(), Style: string(rune('a' + i%15)), RecordingDecade: "1970s"}
	}
	ids, err := db.Catalog().AddProducts(ctx, products)
	require.NoError(b, err)
	november := calendar.MonthOf(2026, time.November)
	for m := november - 36; m < november; m++ {
		features := make([]panel.Feature, len(ids))
		for i, id := range ids {
			features[i] = panel.Feature{Month: m, Product: id, Sales: i % 3, Availability: 1, Price: 2000, DaysObserved: m.Days()}
		}
		require.NoError(b, db.Facts().PutMonth(ctx, ports.MonthContent{Month: ledger.StoredMonth{Month: m, DaysObserved: m.Days()}, Features: features}))
	}
	forecasts := make([]forecast.Forecast, len(ids))
	for i, id := range ids {
		forecasts[i] = predicted(id, november, "m", 0.7)
	}
	require.NoError(b, db.Forecasts().Put(ctx, forecasts))
	reports := &app.Reports{DB: db, Clock: clock.System{}}
	for b.Loop() {
		_, err := reports.Report(ctx, app.ReportRequest{})
		require.NoError(b, err)
	}
}
