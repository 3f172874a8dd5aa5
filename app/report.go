package app

import (
	"cmp"
	"context"
	"encoding/json"
	"iter"
	"math"
	"slices"

	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/forecast"
	"github.com/plastinka/predictor/domain/job"
	"github.com/plastinka/predictor/domain/ledger"
	"github.com/plastinka/predictor/domain/report"
	"github.com/plastinka/predictor/ports"
)

// Reports makes reports from what is stored. It writes nothing.
type Reports struct {
	DB    ports.Stores
	Clock ports.Clock
}

// ReportRequest asks for a report; its zero value for the latest one.
type ReportRequest struct {
	Month   *calendar.Month // nil: the latest with predictions
	ModelID string          // "": the active model, else the newest with predictions of the month
	Filters report.Filters
	Level   float64 // of demand that the restock covers; 0: report.DefaultLevel
}

// Report gathers and computes a report. Without predictions it is NotFound:
// no_predictions_found.
func (r *Reports) Report(ctx context.Context, q ReportRequest) (*report.Report, error) {
	made, err := r.gather(ctx, q)
	return made, fault.Wrap("app.Report", err)
}

func (r *Reports) gather(ctx context.Context, q ReportRequest) (*report.Report, error) {
	rank, err := r.ranking(ctx)
	if err != nil {
		return nil, err
	}
	f := report.Facts{Level: q.Level, Filters: q.Filters, GeneratedAt: r.Clock.Now()}
	if f.Month, f.ModelID, f.Forecasts, err = r.forecasts(ctx, q, rank); err != nil {
		return nil, err
	}
	if f.Products, err = collect(r.DB.Catalog().Products(ctx)); err != nil {
		return nil, err
	}
	if f.Months, err = r.DB.Facts().Months(ctx); err != nil {
		return nil, err
	}
	if f.StockDay, f.Stock, err = r.stock(ctx, f.Month); err != nil {
		return nil, err
	}
	if f.ResultID, f.Backtest, err = r.results(ctx, f.ModelID); err != nil {
		return nil, err
	}
	b, err := report.NewBuilder(f)
	if err != nil {
		return nil, err
	}
	for feature, err := range r.DB.Facts().Features(ctx, f.Month-report.Window, f.Month) {
		if err != nil {
			return nil, err
		}
		b.Feature(feature)
	}
	if err := r.past(ctx, f.Month, rank, b.Past); err != nil {
		return nil, err
	}
	return b.Report(), nil
}

// forecasts finds the month and the model to report on, and its forecasts.
func (r *Reports) forecasts(ctx context.Context, q ReportRequest, rank func(string) int) (calendar.Month, string, []forecast.Forecast, error) {
	months, err := r.DB.Forecasts().Months(ctx)
	if err != nil {
		return 0, "", nil, err
	}
	if q.Month != nil {
		months = []calendar.Month{*q.Month}
	}
	for _, m := range slices.Backward(months) {
		all, err := collect(r.DB.Forecasts().Forecasts(ctx, m, m, q.ModelID))
		if err != nil {
			return 0, "", nil, err
		}
		if len(all) == 0 {
			continue
		}
		best := slices.MinFunc(all, func(x, y forecast.Forecast) int {
			return cmp.Or(cmp.Compare(rank(x.ModelID), rank(y.ModelID)), cmp.Compare(x.ModelID, y.ModelID))
		}).ModelID
		return m, best, slices.DeleteFunc(all, func(f forecast.Forecast) bool { return f.ModelID != best }), nil
	}
	return 0, "", nil, noForecasts(q)
}

func noForecasts(q ReportRequest) error {
	what := "there are no forecasts yet"
	switch {
	case q.Month != nil && q.ModelID != "":
		what = "model " + q.ModelID + " has no forecasts for " + q.Month.Short()
	case q.Month != nil:
		what = "there are no forecasts for " + q.Month.Short()
	case q.ModelID != "":
		what = "model " + q.ModelID + " has no forecasts"
	}
	return fault.New(fault.NotFound, "no_predictions_found", "%s; train a model, or ask for another month", what)
}

// ranking prefers the active model, then newer ones, then unknown ones.
func (r *Reports) ranking(ctx context.Context) (func(modelID string) int, error) {
	models, err := r.DB.Models().Models(ctx, 0)
	if err != nil {
		return nil, err
	}
	ranks := make(map[string]int, len(models))
	for i, m := range models {
		if ranks[m.ID] = i + 1; m.Active {
			ranks[m.ID] = 0
		}
	}
	return func(id string) int {
		if rank, ok := ranks[id]; ok {
			return rank
		}
		return math.MaxInt
	}, nil
}

// stock is the last snapshot that was taken before the month ended, so that the
// report of a past month says what it said then; failing that, the last of all.
func (r *Reports) stock(ctx context.Context, m calendar.Month) (calendar.Day, []ledger.Holding, error) {
	days, err := r.DB.Facts().Snapshots(ctx)
	if err != nil || len(days) == 0 {
		return 0, nil, err
	}
	day := days[len(days)-1]
	for _, d := range slices.Backward(days) {
		if d <= m.Last() {
			day = d
			break
		}
	}
	held, err := r.DB.Facts().Snapshot(ctx, day)
	return day, held, err
}

// results finds the id of the result that brought the model's forecasts, and
// the newest back-test.
func (r *Reports) results(ctx context.Context, modelID string) (id string, b *forecast.Backtest, err error) {
	for _, kind := range []job.Type{job.Prediction, job.Training} {
		list, err := r.DB.Results().Results(ctx, kind, 0)
		if err != nil {
			return "", nil, err
		}
		if i := slices.IndexFunc(list, func(s ports.StoredResult) bool { return s.ModelID == modelID }); i >= 0 {
			id = list[i].ID
			break
		}
	}
	list, err := r.DB.Results().Results(ctx, job.Backtest, 1)
	if err != nil || len(list) == 0 || len(list[0].Body) == 0 {
		return id, nil, err
	}
	b = &forecast.Backtest{}
	if err := json.Unmarshal(list[0].Body, b); err != nil {
		return "", nil, fault.New(fault.Internal, "internal_error", "the stored back-test %s cannot be read; run it again", list[0].ID).Because(err)
	}
	if len(b.Rows) == 0 {
		b = nil
	}
	return id, b, nil
}

// past hands on, of the forecasts for the months before m, the best-ranked
// model's for each product.
func (r *Reports) past(ctx context.Context, m calendar.Month, rank func(string) int, use func(forecast.Forecast)) error {
	var kept forecast.Forecast
	some := false
	for f, err := range r.DB.Forecasts().Forecasts(ctx, m-report.Window, m-1, "") {
		if err != nil {
			return err
		}
		switch {
		case some && f.Month == kept.Month && f.Product == kept.Product:
			if rank(f.ModelID) < rank(kept.ModelID) {
				kept = f
			}
			continue
		case some:
			use(kept)
		}
		kept, some = f, true
	}
	if some {
		use(kept)
	}
	return nil
}

// collect gathers a series; its first error ends it.
func collect[T any](series iter.Seq2[T, error]) ([]T, error) {
	var all []T
	for v, err := range series {
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, nil
}
