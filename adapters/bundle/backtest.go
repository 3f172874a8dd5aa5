package bundle

import (
	"archive/zip"
	"fmt"
	"io"

	"github.com/plastinka/predictor/adapters/support/parquet"
	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/forecast"
	"github.com/plastinka/predictor/domain/training"
)

// backtestRow is a row of backtest_forecasts.parquet.
type backtestRow struct {
	Product int32   `json:"product"`
	Month   int32   `parquet:"month,date"`
	Method  string  `json:"method"`
	Q05     float64 `json:"0.05"`
	Q25     float64 `json:"0.25"`
	Q50     float64 `json:"0.5"`
	Q75     float64 `json:"0.75"`
	Q95     float64 `json:"0.95"`
	Mean    float64 `json:"mean"`
	Actual  float64 `json:"actual"`
}

func (w writer) backtest(b *forecast.Backtest) error {
	if b == nil {
		return fault.New(fault.Internal, "internal_error", "the result of a back-test has no table")
	}
	if err := w.json(backtestFile, b); err != nil {
		return err
	}
	return w.add(backtestRows, zip.Store, func(out io.Writer) error {
		return parquet.Write(out, func(yield func(backtestRow, error) bool) {
			for i, f := range b.Forecasts {
				q := f.Quantiles
				row := backtestRow{int32(f.Product), int32(f.Month.First()), f.Method, q[0], q[1], q[2], q[3], q[4], f.Mean, f.Actual}
				var err error
				if !finite(append(q[:], f.Mean, f.Actual)...) {
					err = fault.New(fault.Internal, "not_finite", "forecast %d of the back-test (product %d, %s, %s) has a value that is no finite number",
						i, f.Product, f.Month.Short(), f.Method)
				}
				if !yield(row, err) {
					return
				}
			}
		})
	})
}

func (r reader) backtest(result *training.Result) error {
	result.Backtest = &forecast.Backtest{}
	if err := r.json(backtestFile, result.Backtest); err != nil {
		return err
	}
	rows, err := table[backtestRow](r, backtestRows, maxCells, 256)
	if err != nil {
		return err
	}
	for i, row := range rows {
		f := forecast.BacktestForecast{Product: int(row.Product), Month: calendar.Day(row.Month).Month(), Method: row.Method,
			Quantiles: [5]float64{row.Q05, row.Q25, row.Q50, row.Q75, row.Q95}, Mean: row.Mean, Actual: row.Actual}
		if row.Product < 0 || !finite(append(f.Quantiles[:], f.Mean, f.Actual)...) {
			return corrupt(backtestRows, "row %d is not a forecast: %s", i, fmt.Sprint(f))
		}
		result.Backtest.Forecasts = append(result.Backtest.Forecasts, f)
	}
	return nil
}
