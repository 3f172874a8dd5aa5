package baseline

import (
	"context"

	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/forecast"
	"github.com/plastinka/predictor/domain/panel"
	"github.com/plastinka/predictor/domain/training"
)

// Name is the engine's.
const Name = "baseline"

// Engine runs one of the methods as an engine (ports.Engine). It is safe for
// concurrent use.
type Engine struct{ method Method }

// NewEngine returns an engine that runs the method of that name; "" is the
// shrunk histogram.
func NewEngine(method string) (*Engine, error) {
	if method == "" {
		method = ShrunkHistogram
	}
	m, err := Find(method)
	return &Engine{m}, err
}

// Name is "baseline".
func (e *Engine) Name() string { return Name }

// Method is the name of the method.
func (e *Engine) Method() string { return e.method.Name }

// Fit learns what the method must learn beforehand; for most that is nothing.
func (e *Engine) Fit(ctx context.Context, p *panel.Panel, fit training.Fit, progress func(training.Progress)) (training.Model, training.FitReport, error) {
	if fit.Origin < 0 || fit.Origin > p.T || fit.Horizon < 1 || fit.Validation < 0 || fit.Validation > fit.Origin {
		return nil, training.FitReport{}, fault.New(fault.Internal, "internal_error",
			"a fit up to month %d with %d months kept back, %d ahead, does not suit a panel of %d months",
			fit.Origin, fit.Validation, fit.Horizon, p.T)
	}
	if e.method.Forecast != nil {
		return known{e.method}, training.FitReport{}, ctx.Err()
	}
	if progress != nil {
		progress(training.Progress{Message: e.method.Title})
	}
	f, rows, err := fitRegression(ctx, p, fit.Origin-fit.Validation, fit.Horizon, fit.Config.DataSet.Exposure, fit.Threads)
	if err != nil {
		return nil, training.FitReport{}, fault.Wrap("baseline.Fit", err)
	}
	if progress != nil {
		progress(training.Progress{Fraction: 1, Message: e.method.Title})
	}
	return f, training.FitReport{Samples: rows}, nil
}

// known is a method that needs no fit, as a model.
type known struct{ method Method }

func (k known) Forecast(ctx context.Context, p *panel.Panel, origin, horizon int) ([]forecast.Distribution, error) {
	if err := within(p, origin, horizon); err != nil {
		return nil, err
	}
	return k.method.Forecast(p, origin, horizon), ctx.Err()
}

// Forecast is the regression's.
func (f *fitted) Forecast(ctx context.Context, p *panel.Panel, origin, horizon int) ([]forecast.Distribution, error) {
	if err := within(p, origin, horizon); err != nil {
		return nil, err
	}
	return f.forecast(p, origin, horizon), ctx.Err()
}

func within(p *panel.Panel, origin, horizon int) error {
	if origin < 0 || origin > p.T || horizon < 1 {
		return fault.New(fault.Internal, "internal_error",
			"a forecast of %d months from month %d does not suit a panel of %d months", horizon, origin, p.T)
	}
	return nil
}
