package bundle

import (
	"archive/zip"
	"context"
	"encoding/csv"
	"io"
	"iter"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/plastinka/predictor/adapters/support/parquet"
	"github.com/plastinka/predictor/adapters/support/safefile"
	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/catalog"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/forecast"
	"github.com/plastinka/predictor/domain/training"
)

// resultManifest is the manifest of output.zip.
type resultManifest struct {
	SchemaVersion int                `json:"schema_version"`
	Task          training.TaskKind  `json:"task"`
	Month         calendar.Month     `json:"month"`
	Products      int                `json:"products"`
	Method        string             `json:"method"`
	Warnings      []training.Warning `json:"warnings"`
	Model         bool               `json:"model"` // there is a model.onnx
}

// forecastRow is a row of forecasts.parquet: a forecast with its distribution.
type forecastRow struct {
	ID      int64     `json:"multiindex_id"`
	Month   int32     `parquet:"prediction_month,date"`
	ModelID string    `json:"model_id"`
	Method  string    `json:"method"`
	Q05     float64   `json:"0.05"`
	Q25     float64   `json:"0.25"`
	Q50     float64   `json:"0.5"`
	Q75     float64   `json:"0.75"`
	Q95     float64   `json:"0.95"`
	Mean    float64   `json:"mean"`
	Size    float64   `json:"size"`
	Probs   []float64 `json:"probabilities"` // of 0, 1, … copies
	Levels  []float64 `json:"levels"`        // or a quantile function: levels
	Values  []float64 `json:"values"`        // and its values
}

// WriteResult writes output.zip.
func (Files) WriteResult(ctx context.Context, path string, r *training.Result) error {
	return write(ctx, path, func(w writer) error {
		m := resultManifest{SchemaVersion: schemaVersion, Task: r.Kind, Month: r.Month, Products: len(r.Products),
			Method: r.Method, Warnings: r.Warnings, Model: r.ModelFile != ""}
		if err := w.json(manifestFile, m); err != nil {
			return err
		}
		if err := w.metrics(r.Metrics); err != nil {
			return err
		}
		switch r.Kind {
		case training.Train:
			return w.training(r)
		case training.Trials:
			return w.json(scoresFile, r.Scores)
		case training.Backtest:
			return w.backtest(r.Backtest)
		}
		return fault.New(fault.Internal, "internal_error", "a result of the kind %q cannot be written", r.Kind)
	})
}

func (w writer) metrics(metrics map[string]float64) error {
	for _, name := range slices.Sorted(maps.Keys(metrics)) {
		if v := metrics[name]; !finite(v) {
			return fault.New(fault.Internal, "not_finite", "%s cannot be written: the metric %s is %v", metricsFile, name, v)
		}
	}
	return w.json(metricsFile, metrics)
}

func (w writer) training(r *training.Result) error {
	if len(r.Forecasts) != len(r.Products) {
		return fault.New(fault.Internal, "internal_error", "a result has %d forecasts for %d products", len(r.Forecasts), len(r.Products))
	}
	if err := w.add(productsFile, zip.Store, func(out io.Writer) error { return parquet.Write(out, productRows(r.Products, nil)) }); err != nil {
		return err
	}
	if err := w.add(predictions, zip.Deflate, func(out io.Writer) error { return writePredictions(out, r) }); err != nil {
		return err
	}
	if err := w.add(forecastsFile, zip.Store, func(out io.Writer) error { return parquet.Write(out, forecastRows(r.Forecasts)) }); err != nil {
		return err
	}
	if r.ModelFile == "" {
		return nil
	}
	return w.add(modelFile, zip.Deflate, func(out io.Writer) error {
		in, err := os.Open(r.ModelFile)
		if err != nil {
			return fault.New(fault.Internal, "internal_error", "the model file cannot be read: %v", err).Because(err)
		}
		defer in.Close()
		_, err = io.Copy(out, in)
		return err
	})
}

// writePredictions writes predictions.csv: the ten product columns, then the
// quantiles.
func writePredictions(out io.Writer, r *training.Result) error {
	w := csv.NewWriter(out)
	header := catalog.Attributes()
	for _, q := range forecast.Levels {
		header = append(header, number(q))
	}
	if err := w.Write(header); err != nil {
		return err
	}
	for i, p := range r.Products {
		row := p.Values()
		for _, v := range r.Forecasts[i].Quantiles {
			row = append(row, number(v))
		}
		if err := w.Write(row); err != nil {
			return err
		}
	}
	w.Flush()
	return w.Error()
}

// number is x in the fewest digits that read back as x.
func number(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }

func forecastRows(forecasts []forecast.Forecast) iter.Seq2[forecastRow, error] {
	return func(yield func(forecastRow, error) bool) {
		for i, f := range forecasts {
			d, q := f.Distribution, f.Quantiles
			row := forecastRow{int64(f.Product), int32(f.Month.First()), f.ModelID, f.Method, q[0], q[1], q[2], q[3], q[4],
				d.Expected, d.Size, d.Probs, d.Levels, d.Values}
			if !yield(row, row.check(i)) {
				return
			}
		}
	}
}

// check refuses what is not finite, and a distribution of no form.
func (r forecastRow) check(i int) error {
	if !finite(r.Q05, r.Q25, r.Q50, r.Q75, r.Q95, r.Mean, r.Size) || !finite(r.Probs...) || !finite(r.Levels...) || !finite(r.Values...) {
		return fault.New(fault.Internal, "not_finite", "forecast %d (product %d) has a value that is no finite number", i, r.ID)
	}
	if len(r.Levels) != len(r.Values) || len(r.Levels) > 0 && len(r.Probs) > 0 {
		return fault.New(fault.Internal, "internal_error", "forecast %d (product %d) is neither counts nor a quantile function", i, r.ID)
	}
	return nil
}

func finite(values ...float64) bool {
	for _, v := range values {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return false
		}
	}
	return true
}

// ReadResult reads output.zip, and unpacks the model file, if there is one, into
// dir.
func (Files) ReadResult(ctx context.Context, path, dir string) (result *training.Result, err error) {
	err = read(ctx, path, func(r reader) error {
		result, err = r.result(dir)
		return err
	})
	if err != nil {
		return nil, fault.Wrap("bundle.ReadResult", err)
	}
	return result, nil
}

func (r reader) result(dir string) (*training.Result, error) {
	var m resultManifest
	if err := r.json(manifestFile, &m); err != nil {
		return nil, err
	}
	if m.Products < 0 || m.Products > maxProducts {
		return nil, corrupt(manifestFile, "products is %d, must be between 0 and %d", m.Products, maxProducts)
	}
	if m.SchemaVersion != schemaVersion {
		return nil, fault.New(fault.Invalid, "unsupported_schema", "%s: its schema_version is %d; this program reads %d: use programs of one version on both sides",
			manifestFile, m.SchemaVersion, schemaVersion)
	}
	result := &training.Result{Kind: m.Task, Month: m.Month, Method: m.Method, Warnings: m.Warnings}
	if err := r.json(metricsFile, &result.Metrics); err != nil {
		return nil, err
	}
	switch m.Task {
	case training.Train:
		return result, r.training(m, result, dir)
	case training.Trials:
		return result, r.json(scoresFile, &result.Scores)
	case training.Backtest:
		return result, r.backtest(result)
	}
	return nil, corrupt(manifestFile, "task is %.80q, not train, trials or backtest", m.Task)
}

func (r reader) training(m resultManifest, result *training.Result, dir string) (err error) {
	if result.Products, _, err = r.products(m.Products, false); err != nil {
		return err
	}
	rows, err := table[forecastRow](r, forecastsFile, m.Products, 1<<16)
	if err != nil {
		return err
	}
	if len(rows) != m.Products || !r.has(predictions) {
		return corrupt(forecastsFile, "it has %d forecasts for %d products, or %s is missing", len(rows), m.Products, predictions)
	}
	result.Forecasts = make([]forecast.Forecast, len(rows))
	for i, row := range rows {
		if err := row.check(i); err != nil {
			return corrupt(forecastsFile, "%v", err)
		}
		result.Forecasts[i] = row.forecast()
	}
	if !m.Model {
		return nil
	}
	result.ModelFile, err = r.unpackModel(dir)
	return err
}

// forecast is a row's forecast. Lists without a value are absent.
func (r forecastRow) forecast() forecast.Forecast {
	list := func(x []float64) []float64 {
		if len(x) == 0 {
			return nil
		}
		return x
	}
	return forecast.Forecast{Product: catalog.ID(r.ID), Month: calendar.Day(r.Month).Month(), ModelID: r.ModelID, Method: r.Method,
		Quantiles: [5]float64{r.Q05, r.Q25, r.Q50, r.Q75, r.Q95},
		Distribution: forecast.Distribution{Probs: list(r.Probs), Levels: list(r.Levels), Values: list(r.Values),
			Expected: r.Mean, Size: r.Size}}
}

func (r reader) unpackModel(dir string) (string, error) {
	content, err := r.bytes(modelFile, maxModel)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fault.New(fault.Unavailable, "not_writable", "the folder %s cannot be made: %v", dir, err).Because(err)
	}
	path := filepath.Join(dir, modelFile)
	return path, safefile.Write(path, 0o600, func(w io.Writer) error {
		_, err := w.Write(content)
		return err
	})
}
