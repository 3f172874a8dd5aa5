package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"iter"
	"math"
	"strconv"

	"github.com/uptrace/bun"

	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/forecast"
	"github.com/plastinka/predictor/ports"
)

// Forecasts is ports.Forecasts.
type Forecasts struct{ s *session }

var _ ports.Forecasts = (*Forecasts)(nil)

const forecastColumns = "multiindex_id, prediction_month, model_id, quantile_05, quantile_25, quantile_50, quantile_75, quantile_95, " +
	"method, mean, size, distribution"

// Put keeps forecasts, in place of ones of the same product, month and model.
func (f *Forecasts) Put(ctx context.Context, list []forecast.Forecast) error {
	texts := make([]string, len(list))
	for i := range list {
		text, err := encodeDistribution(list[i].Distribution)
		if err != nil {
			return translate(ctx, "PutForecasts", err)
		}
		texts[i] = text
	}
	return f.s.change(ctx, "PutForecasts", func(tx bun.Tx) error {
		return bulk(ctx, tx, "INSERT OR REPLACE INTO fact_predictions ("+forecastColumns+")", 12, len(list), func(i int, row []any) {
			x := &list[i]
			row[0], row[1], row[2] = int64(x.Product), x.Month.String(), x.ModelID
			for k, q := range x.Quantiles {
				row[3+k] = q
			}
			row[8], row[9], row[10], row[11] = x.Method, x.Distribution.Expected, x.Distribution.Size, texts[i]
		})
	})
}

// shape is a distribution as stored: without the mean and the size, which have
// columns of their own.
type shape struct {
	Probs  []short `json:"probs,omitempty"`
	Levels []short `json:"levels,omitempty"`
	Values []short `json:"values,omitempty"`
}

// short is a number of six significant digits: probabilities are not known
// better, and thousands of products times several models shall stay small.
type short float64

func (x short) MarshalJSON() ([]byte, error) {
	if math.IsNaN(float64(x)) || math.IsInf(float64(x), 0) {
		return nil, fault.New(fault.Internal, "internal_error", "a forecast has a probability or value that is no number")
	}
	return strconv.AppendFloat(nil, float64(x), 'g', 6, 64), nil
}

func encodeDistribution(d forecast.Distribution) (string, error) {
	b, err := json.Marshal(shape{shorten(d.Probs), shorten(d.Levels), shorten(d.Values)})
	return string(b), err
}

func shorten(x []float64) []short {
	y := make([]short, len(x))
	for i, v := range x {
		y[i] = short(v)
	}
	return y
}

// Months are those with forecasts, ascending.
func (f *Forecasts) Months(ctx context.Context) ([]calendar.Month, error) {
	q := f.s.read.NewSelect().TableExpr("fact_predictions").ColumnExpr("DISTINCT prediction_month").OrderExpr("prediction_month")
	found, err := collect(stream(ctx, f.s, "ForecastMonths", q, scanDay))
	months := make([]calendar.Month, len(found))
	for i, day := range found {
		months[i] = day.Month()
	}
	return months, err
}

// Forecasts yields forecasts by month, product and model; modelID "" is all.
func (f *Forecasts) Forecasts(ctx context.Context, from, to calendar.Month, modelID string) iter.Seq2[forecast.Forecast, error] {
	q := f.s.read.NewSelect().TableExpr("fact_predictions").ColumnExpr(forecastColumns).
		Where("prediction_month BETWEEN ? AND ?", from.String(), to.String()).
		OrderExpr("prediction_month, multiindex_id, model_id")
	if modelID != "" {
		q = q.Where("model_id = ?", modelID)
	}
	return stream(ctx, f.s, "Forecasts", q, func() func(*sql.Rows) (forecast.Forecast, error) {
		var days days
		return func(rows *sql.Rows) (x forecast.Forecast, err error) {
			var month string
			var text sql.RawBytes
			d, v := &x.Distribution, &x.Quantiles
			if err = rows.Scan(&x.Product, &month, &x.ModelID, &v[0], &v[1], &v[2], &v[3], &v[4], &x.Method, &d.Expected, &d.Size, &text); err != nil {
				return x, err
			}
			if err := decode("a distribution", string(text), d); err != nil {
				return x, err
			}
			x.Month, err = days.month(month)
			return x, err
		}
	})
}

// RemoveBefore removes the forecasts of the months before m.
func (f *Forecasts) RemoveBefore(ctx context.Context, m calendar.Month) (removed int, err error) {
	err = f.s.change(ctx, "RemoveForecasts", func(tx bun.Tx) error {
		res, err := tx.NewDelete().Table("fact_predictions").Where("prediction_month < ?", m.String()).Exec(ctx)
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		removed = int(n)
		return err
	})
	return removed, err
}
