package app

import (
	"context"
	"os"
	"path/filepath"

	"github.com/plastinka/predictor/domain/baseline"
	"github.com/plastinka/predictor/domain/catalog"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/forecast"
	"github.com/plastinka/predictor/domain/training"
	"github.com/plastinka/predictor/ports"
)

// Tasks runs the tasks of compute backends (§5.1). Its methods are safe for
// concurrent use.
type Tasks struct {
	Bundle  ports.Bundle
	Models  ports.ModelFile // nil: no model file is written
	Engines []ports.Engine  // beside the baseline, which is always there
	Clock   ports.Clock
	Threads int // 0: all cores
}

// defaultOrigins is how many months a back-test goes back that does not say.
const defaultOrigins = 6

// RunTask is a ports.TaskProgram: it reads the task at input, does it, and
// writes the result to output, whole or not at all. An error of the kind
// Invalid is the input's fault, Cancelled that of whoever ended ctx; any other
// means that the training failed.
func (t *Tasks) RunTask(ctx context.Context, input, output string, progress func(fraction float64, message string)) error {
	task, err := t.Bundle.ReadTask(ctx, input)
	if err != nil {
		return fault.Wrap("app.RunTask", err)
	}
	if progress == nil {
		progress = func(float64, string) {}
	}
	dir, err := os.MkdirTemp(filepath.Dir(output), ".model-")
	if err != nil {
		return fault.New(fault.Unavailable, "disk_error",
			"the folder of %s cannot be written to: %v", output, err).Because(err)
	}
	defer os.RemoveAll(dir)
	result, err := t.Do(ctx, task, filepath.Join(dir, "model.onnx"), func(q training.Progress) {
		progress(0.98*q.Fraction, q.Message)
	})
	if err != nil {
		return fault.Wrap("app.RunTask", err)
	}
	progress(0.98, "writing the result")
	return fault.Wrap("app.RunTask", t.Bundle.WriteResult(ctx, output, result))
}

var _ ports.TaskProgram = (*Tasks)(nil).RunTask

// Do runs a task in memory; the model, if there is one, is written to
// modelFile ("": not at all). progress may be nil.
func (t *Tasks) Do(ctx context.Context, task *training.Task, modelFile string, progress func(training.Progress)) (*training.Result, error) {
	if progress == nil {
		progress = func(training.Progress) {}
	}
	if task.Panel == nil || task.Panel.N() == 0 || task.Panel.T == 0 {
		return nil, fault.New(fault.Invalid, "no_data", "the task has no products or no months; upload sales first")
	}
	if err := task.Config.Validate(); err != nil && task.Kind != training.Trials {
		return nil, err
	}
	engine, err := t.engine(task.Engine)
	if err != nil {
		return nil, err
	}
	begin := t.Clock.Now()
	var result *training.Result
	switch task.Kind {
	case training.Train:
		result, err = t.train(ctx, task, engine, modelFile, progress)
	case training.Trials:
		result, err = t.trials(ctx, task, engine, progress)
	case training.Backtest:
		result, err = t.backtest(ctx, task, engine, progress)
	default:
		return nil, fault.New(fault.Invalid, "unknown_task",
			"there is no task %q; it must be train, trials or backtest", task.Kind)
	}
	if err != nil {
		return nil, err
	}
	result.Kind = task.Kind
	result.Metrics["training_duration_seconds"] = t.Clock.Now().Sub(begin).Seconds()
	return result, nil
}

func (t *Tasks) engine(name string) (ports.Engine, error) {
	names := baseline.Name
	for _, e := range t.Engines {
		if e.Name() == name {
			return e, nil
		}
		names += ", " + e.Name()
	}
	if name == baseline.Name {
		return baseline.NewEngine("")
	}
	return nil, fault.New(fault.Invalid, "unknown_engine", "there is no engine %q; the engines are %s", name, names)
}

func (t *Tasks) settings(task *training.Task) training.Fit {
	return training.Fit{Config: task.Config, Origin: task.Panel.T, Horizon: max(task.Horizon, 1), Seed: task.Seed, Threads: t.Threads}
}

// train forecasts the month after the last (R22).
func (t *Tasks) train(ctx context.Context, task *training.Task, engine ports.Engine, modelFile string, progress func(training.Progress)) (*training.Result, error) {
	l, err := newLearner(engine, task.Config, true)
	if err != nil {
		return nil, err
	}
	p := task.Panel
	f, err := l.fit(ctx, p, t.settings(task), within(progress, 0, 0.97))
	if err != nil {
		return nil, err
	}
	progress(training.Progress{Fraction: 0.97, Message: "forecasting " + p.Month(p.T).Short()})
	ds, err := f.model.Forecast(ctx, p, p.T, max(task.Horizon, 1))
	if err != nil {
		return nil, err
	}
	r := &training.Result{Products: p.Products, Month: p.Month(p.T), Metrics: f.metrics, Method: f.method}
	if f.warning != nil {
		r.Warnings = append(r.Warnings, *f.warning)
	}
	r.Forecasts = make([]forecast.Forecast, p.N())
	for i := range r.Forecasts {
		d := ds[i*max(task.Horizon, 1)]
		q := d.Quantiles()
		r.Forecasts[i] = forecast.Forecast{Month: r.Month, Quantiles: q, Method: f.method, Distribution: d}
		if p.IDs != nil {
			r.Forecasts[i].Product = catalog.ID(p.IDs[i])
		}
	}
	if f.network != nil && t.Models != nil && modelFile != "" {
		f.network.Metrics = f.metrics
		if err := t.Models.Write(ctx, modelFile, f.network); err != nil {
			return nil, fault.Wrap("app.train", err)
		}
		r.ModelFile = modelFile
	}
	return r, nil
}

// backtest scores the engine beside the simple methods on the last months.
func (t *Tasks) backtest(ctx context.Context, task *training.Task, engine ports.Engine, progress func(training.Progress)) (*training.Result, error) {
	l, err := newLearner(engine, task.Config, true)
	if err != nil {
		return nil, err
	}
	r := &rolling{p: task.Panel, horizon: max(task.Horizon, 1), origins: task.Origins, fit: t.settings(task), learner: l}
	if r.origins == 0 {
		r.origins = defaultOrigins
	}
	table, f, err := r.run(ctx, progress)
	if err != nil {
		return nil, err
	}
	result := &training.Result{Backtest: table, Method: f.method, Metrics: f.metrics}
	if f.warning != nil {
		result.Warnings = append(result.Warnings, *f.warning)
	}
	return result, nil
}
