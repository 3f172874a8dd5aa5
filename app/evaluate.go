package app

import (
	"cmp"
	"context"
	"encoding/csv"
	"io"
	"slices"
	"strconv"

	"github.com/plastinka/predictor/domain/backtest"
	"github.com/plastinka/predictor/domain/baseline"
	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/forecast"
	"github.com/plastinka/predictor/domain/panel"
	"github.com/plastinka/predictor/domain/training"
)

// Refit says when an evaluation learns anew.
type Refit string

// RefitOnce fits before the first origin, RefitEvery at each.
const (
	RefitOnce  Refit = "once"
	RefitEvery Refit = "every"
)

// Evaluation compares the engine with the simple methods on any monthly panel:
// the last Horizon + Origins − 1 months are held out and forecast.
type Evaluation struct {
	Panel     *panel.Panel
	Config    training.Config
	Engine    string    // "baseline", "ensemble", or an engine's name
	Method    string    // of the engine baseline; "": the shrunk histogram
	Horizon   int       // months ahead, from 1
	Origins   int       // from 1
	Refit     Refit     // "": once
	Quantiles []float64 // of the forecasts; empty: the configuration's
	Seed      uint64
	Truth     backtest.Truth // what is behind the panel, where it is made up; nil: unknown
}

// Evaluated is what an evaluation found. The rows of Table score all methods;
// Forecasts are the chosen one's.
type Evaluated struct {
	Table     *forecast.Backtest `json:"table"`
	Method    string             `json:"method"` // what made the forecasts
	Metrics   map[string]float64 `json:"metrics"`
	Warnings  []training.Warning `json:"warnings"`
	Quantiles []float64          `json:"quantiles"`
	// Ways are how far the chosen forecasts went from the best simple method's to
	// the truth, where that is known.
	Ways      []backtest.Share `json:"ways,omitempty"`
	Forecasts []SeriesForecast `json:"-"`
}

// SeriesForecast is one series' month: the quantiles at the levels asked for.
// Where several origins forecast a month, it is from the last of them.
type SeriesForecast struct {
	Series    string
	Month     calendar.Month
	Quantiles []float64
}

// ReadPanel reads the wide CSV of an evaluation and, if products is not nil,
// the attributes of its series.
func ReadPanel(wide io.Reader, wideName string, products io.Reader, productsName string) (*panel.Panel, error) {
	p, err := panel.ReadWide(wide, wideName)
	if err != nil || products == nil {
		return p, err
	}
	return p, p.ReadAttributes(products, productsName)
}

// Evaluate runs an evaluation. progress may be nil.
func (t *Tasks) Evaluate(ctx context.Context, e Evaluation, progress func(training.Progress)) (*Evaluated, error) {
	if progress == nil {
		progress = func(training.Progress) {}
	}
	l, err := t.evaluated(&e)
	if err != nil {
		return nil, err
	}
	out := &Evaluated{Quantiles: e.Quantiles}
	latest := map[[2]int]SeriesForecast{}
	r := &rolling{p: e.Panel, horizon: e.Horizon, origins: e.Origins, every: e.Refit == RefitEvery, learner: l,
		fit: training.Fit{Config: e.Config, Seed: e.Seed, Threads: t.Threads},
		chosen: func(origin int, ds []forecast.Distribution) {
			for i, d := range ds {
				product, month := i/e.Horizon, origin+i%e.Horizon
				f := SeriesForecast{e.Panel.Products[product].Barcode, e.Panel.Month(month), make([]float64, len(e.Quantiles))}
				d.At(f.Quantiles, e.Quantiles)
				latest[[2]int{product, month}] = f
			}
		}}
	if e.Truth != nil {
		r.way = backtest.NewWay(e.Panel, e.Truth)
	}
	table, f, err := r.run(ctx, progress)
	if err != nil {
		return nil, err
	}
	out.Table, out.Method, out.Metrics = table, f.method, f.metrics
	if r.way != nil {
		out.Ways = r.way.Shares(table.Best, table.Chosen)
	}
	if f.warning != nil {
		out.Warnings = append(out.Warnings, *f.warning)
	}
	for i := range e.Panel.N() {
		for month := r.first(); month < e.Panel.T; month++ {
			if f, ok := latest[[2]int{i, month}]; ok {
				out.Forecasts = append(out.Forecasts, f)
			}
		}
	}
	return out, nil
}

// evaluated completes the request and says who learns.
func (t *Tasks) evaluated(e *Evaluation) (*learner, error) {
	e.Refit = cmp.Or(e.Refit, RefitOnce)
	if len(e.Quantiles) == 0 {
		e.Quantiles = e.Config.Quantiles
	}
	e.Quantiles = slices.Clone(e.Quantiles)
	slices.Sort(e.Quantiles)
	switch {
	case e.Horizon < 1 || e.Origins < 1:
		return nil, fault.New(fault.Invalid, "validation_error",
			"horizon %d and origins %d must be at least 1", e.Horizon, e.Origins)
	case e.Refit != RefitOnce && e.Refit != RefitEvery:
		return nil, fault.New(fault.Invalid, "validation_error", "refit is %q, must be once or every", e.Refit)
	case e.Quantiles[0] <= 0 || e.Quantiles[len(e.Quantiles)-1] >= 1:
		return nil, fault.New(fault.Invalid, "validation_error", "every quantile must lie between 0 and 1, both excluded")
	}
	if err := e.Config.Validate(); err != nil {
		return nil, err
	}
	if e.Engine == baseline.Name {
		b, err := baseline.NewEngine(e.Method)
		if err != nil {
			return nil, err
		}
		return newLearner(b, e.Config, false)
	}
	if e.Method != "" {
		return nil, fault.New(fault.Invalid, "validation_error",
			"a method can be chosen with the engine %s only, not with %s", baseline.Name, e.Engine)
	}
	name := e.Engine
	if name == Ensemble {
		name = networkEngine
	}
	engine, err := t.engine(name)
	if err != nil {
		return nil, err
	}
	return newLearner(engine, e.Config, e.Engine == Ensemble)
}

// networkEngine is the engine whose network the ensemble has.
const networkEngine = "tide"

// WriteForecasts writes the forecasts as CSV: series, month, and one column per
// quantile.
func (e *Evaluated) WriteForecasts(w io.Writer) error {
	out := csv.NewWriter(w)
	row := []string{"series", "month"}
	for _, q := range e.Quantiles {
		row = append(row, number(q))
	}
	if err := out.Write(row); err != nil {
		return fault.Wrap("app.WriteForecasts", err)
	}
	for _, f := range e.Forecasts {
		row = append(row[:0], f.Series, f.Month.Short())
		for _, q := range f.Quantiles {
			row = append(row, number(q))
		}
		if err := out.Write(row); err != nil {
			return fault.Wrap("app.WriteForecasts", err)
		}
	}
	out.Flush()
	return fault.Wrap("app.WriteForecasts", out.Error())
}

func number(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }
