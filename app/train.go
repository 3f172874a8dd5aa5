package app

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/forecast"
	"github.com/plastinka/predictor/domain/job"
	"github.com/plastinka/predictor/domain/training"
	"github.com/plastinka/predictor/ports"
)

// Training is the use case of training a model and forecasting the next month,
// and of the back-test, which differs in its task alone.
type Training struct {
	DB        ports.Database
	Clock     ports.Clock
	Compute   ports.Compute
	Bundle    ports.Bundle
	Artifacts ports.Artifacts
	Configs   *Configs
	Log       *slog.Logger
	Poll      time.Duration // between two looks at a run

	Engine          string // "tide", "baseline": of jobs that do not say
	FillMissingDays bool   // R22
	AutoSelect      bool   // activate a model that is better than the active one
}

// TrainRequest is what a training or a back-test is asked to do.
type TrainRequest struct {
	From, To *calendar.Day // months outside are left out; nil: no bound
	ConfigID string        // "": the active, else the best, else the default configuration
	Engine   string        // "": the one of the settings
	Origins  int           // back-test: how many months; 0: six
	Seed     *uint64       // nil: the configuration's
}

// trainInput is all that a training job needs.
type trainInput struct {
	ConfigID string          `json:"config_id"`
	Config   json.RawMessage `json:"config"`
	Engine   string          `json:"engine"`
	From     *calendar.Month `json:"from,omitempty"`
	To       *calendar.Month `json:"to,omitempty"`
	Origins  int             `json:"origins,omitempty"`
	Seed     uint64          `json:"seed"`
	Active   bool            `json:"using_active"`
}

// Submission is the answer to a submitted training.
type Submission struct {
	Job      job.Job
	ConfigID string
	Active   bool // the active configuration is used
	Joined   bool // an unfinished job of the same request was there already
}

// maxSpan is the longest range of days that may be asked for.
const maxSpan = 1825

// Submit accepts a training (job.Training) or a back-test (job.Backtest). join
// makes it answer with an unfinished job of the same request, if there is one.
func (t *Training) Submit(ctx context.Context, kind job.Type, req TrainRequest, join bool) (Submission, error) {
	input, err := t.check(ctx, kind, req)
	if err != nil {
		return Submission{}, err
	}
	s := Submission{ConfigID: input.ConfigID, Active: input.Active}
	if join {
		if s.Job, s.Joined, err = Unfinished(ctx, t.DB, kind, input); err != nil || s.Joined {
			return s, err
		}
	}
	s.Job, err = submit(ctx, t.DB, t.Clock, newID(), kind, input)
	return s, err
}

// AcceptedTraining is the answer to a submission that may be repeated.
type AcceptedTraining struct {
	Accepted
	ConfigID string `json:"config_id"`
	Active   bool   `json:"using_active_parameters"`
}

// SubmitOnce accepts a training or a back-test as Submit does, for callers that
// may repeat themselves.
func (t *Training) SubmitOnce(ctx context.Context, kind job.Type, req TrainRequest, r Repeat) (AcceptedTraining, error) {
	return Once(ctx, t.DB, t.Clock, OnceRequest{Type: kind, Request: req, Repeat: r}, func() (func(ports.Stores) (AcceptedTraining, error), error) {
		input, err := t.check(ctx, kind, req)
		return func(s ports.Stores) (AcceptedTraining, error) {
			j, err := submit(ctx, s, t.Clock, newID(), kind, input)
			return AcceptedTraining{Accepted{JobID: j.ID, Status: j.Status}, input.ConfigID, input.Active}, err
		}, err
	})
}

// check makes a request the input of a job, if there is anything to train on.
func (t *Training) check(ctx context.Context, kind job.Type, req TrainRequest) (trainInput, error) {
	input, err := t.input(ctx, kind, req)
	if err != nil {
		return input, err
	}
	_, err = trainingMonths(ctx, t.DB, input.From, input.To)
	return input, err
}

func (t *Training) input(ctx context.Context, kind job.Type, req TrainRequest) (trainInput, error) {
	input := trainInput{Engine: req.Engine}
	if input.Engine == "" {
		input.Engine = t.Engine
	}
	if err := checkRange(req.From, req.To, t.Clock.Today()); err != nil {
		return input, err
	}
	if req.From != nil {
		m := req.From.Month()
		input.From = &m
	}
	if req.To != nil {
		m := req.To.Month()
		input.To = &m
	}
	if kind == job.Backtest {
		if input.Origins = req.Origins; input.Origins == 0 {
			input.Origins = 6
		}
		if input.Origins < 1 || input.Origins > 36 {
			return input, fault.New(fault.Invalid, "validation_error", "a back-test takes 1 to 36 months, not %d", req.Origins)
		}
	}
	var stored ports.StoredConfig
	var err error
	if req.ConfigID != "" {
		stored, err = t.DB.Configs().Config(ctx, req.ConfigID)
	} else {
		stored, input.Active, err = t.Configs.Choose(ctx)
	}
	if err != nil {
		return input, err
	}
	config, _, err := training.ParseConfig(stored.Config)
	if err != nil {
		return input, err
	}
	input.ConfigID, input.Config, input.Seed = stored.ID, stored.Config, config.Seed
	if req.Seed != nil {
		input.Seed = *req.Seed
	}
	return input, nil
}

// checkRange refuses a range of days that cannot be meant.
func checkRange(from, to *calendar.Day, today calendar.Day) error {
	refuse := func(format string, args ...any) error {
		return fault.New(fault.Invalid, "invalid_date_range", format, args...)
	}
	first := calendar.DayOf(1950, time.January, 1)
	for _, d := range []*calendar.Day{from, to} {
		if d != nil && (*d < first || *d > today) {
			return refuse("%s is not between %s and today, %s", d, first, today)
		}
	}
	if from != nil && to != nil {
		if *from > *to {
			return refuse("the range ends (%s) before it begins (%s)", to, from)
		}
		if *to-*from > maxSpan {
			return refuse("the range spans %d days; at most %d are allowed", *to-*from, maxSpan)
		}
	}
	return nil
}

// TrainResult is the result of a training job.
type TrainResult struct {
	ModelID    string             `json:"model_id"`
	Metrics    map[string]float64 `json:"metrics"`
	Parameters json.RawMessage    `json:"parameters"`
	ConfigID   string             `json:"config_id"`
	Duration   float64            `json:"duration"` // seconds
	Month      calendar.Month     `json:"prediction_month"`
	Forecasts  int                `json:"forecasts"` // products
	Method     string             `json:"method"`
	Engine     string             `json:"engine"`
	Active     bool               `json:"is_active"`
	Warnings   []training.Warning `json:"warnings"`
}

// Handle runs a training job.
func (t *Training) Handle(ctx context.Context, run *JobRun) (any, error) {
	var input trainInput
	if err := run.Input(&input); err != nil {
		return nil, err
	}
	return t.remote().run(ctx, run,
		func(ctx context.Context) (*training.Task, error) { return t.task(ctx, training.Train, input) },
		func(ctx context.Context, r *training.Result) (any, error) { return t.store(ctx, run, input, r) })
}

// HandleBacktest runs a back-test job.
func (t *Training) HandleBacktest(ctx context.Context, run *JobRun) (any, error) {
	var input trainInput
	if err := run.Input(&input); err != nil {
		return nil, err
	}
	return t.remote().run(ctx, run,
		func(ctx context.Context) (*training.Task, error) { return t.task(ctx, training.Backtest, input) },
		func(ctx context.Context, r *training.Result) (any, error) { return t.storeBacktest(ctx, run, input, r) })
}

func (t *Training) remote() *remote {
	return &remote{Compute: t.Compute, Bundle: t.Bundle, Artifacts: t.Artifacts, DB: t.DB, Log: t.Log, Poll: t.Poll}
}

func (t *Training) task(ctx context.Context, kind training.TaskKind, input trainInput) (*training.Task, error) {
	config, _, err := training.ParseConfig(input.Config)
	if err != nil {
		return nil, err
	}
	p, err := LoadPanel(ctx, t.DB, input.From, input.To, t.FillMissingDays)
	if err != nil {
		return nil, err
	}
	return &training.Task{SchemaVersion: 1, Kind: kind, Engine: input.Engine, Config: config, Panel: p,
		Horizon: 1, Origins: input.Origins, Seed: input.Seed}, nil
}

// store keeps all that a training brought, in one transaction with the job's
// completion. The model's file comes first, under a name that is the job's
// own: a death in between leaves a file that the next attempt replaces.
func (t *Training) store(ctx context.Context, run *JobRun, input trainInput, r *training.Result) (any, error) {
	config, _, err := training.ParseConfig(input.Config)
	if err != nil {
		return nil, err
	}
	result := TrainResult{ModelID: modelID(config, input.Engine, run.Job), Metrics: r.Metrics, Parameters: input.Config,
		ConfigID: input.ConfigID, Month: r.Month, Forecasts: len(r.Forecasts), Method: r.Method, Engine: input.Engine,
		Duration: r.Metrics["training_duration_seconds"], Warnings: r.Warnings}
	now := t.Clock.Now()
	model := ports.StoredModel{ID: result.ModelID, JobID: run.Job.ID, CreatedAt: now}
	if r.ModelFile != "" {
		name := run.Job.ID + ".onnx"
		if err := t.Artifacts.Adopt(r.ModelFile, ports.ModelFiles, name); err != nil {
			return nil, fault.Wrap("app.store", err)
		}
		model.Path = string(ports.ModelFiles) + "/" + name
	}
	if model.Metadata, err = json.Marshal(ModelMetadata{Version: "1", Tags: []string{}, Metrics: r.Metrics,
		SourceJobID: run.Job.ID, ConfigID: input.ConfigID, Method: r.Method,
		Description: fmt.Sprintf("forecasts %s for %d products: %s", r.Month.Short(), len(r.Forecasts), r.Method)}); err != nil {
		return nil, fault.Wrap("app.store", err)
	}
	forecasts := make([]forecast.Forecast, len(r.Forecasts))
	for i, f := range r.Forecasts {
		f.ModelID = result.ModelID
		forecasts[i] = f
	}
	err = t.DB.Atomically(ctx, func(s ports.Stores) error {
		if err := s.Models().Add(ctx, model); err != nil {
			return err
		}
		if err := s.Forecasts().Put(ctx, forecasts); err != nil {
			return err
		}
		result.Active, err = t.activate(ctx, s, model)
		if err != nil {
			return err
		}
		body, err := json.Marshal(result)
		if err != nil {
			return err
		}
		for _, kind := range []job.Type{job.Training, job.Prediction} {
			if err := s.Results().Add(ctx, ports.StoredResult{ID: newID(), Kind: kind, JobID: run.Job.ID, ModelID: model.ID,
				ConfigID: input.ConfigID, Metrics: r.Metrics, Body: body, Duration: result.Duration, CreatedAt: now}); err != nil {
				return err
			}
		}
		return complete(ctx, s, run, result)
	})
	if err != nil {
		return nil, fault.Wrap("app.store", err)
	}
	return Done{}, nil
}

// complete ends the job within a transaction of its handler.
func complete(ctx context.Context, s ports.Stores, run *JobRun, result any) error {
	c, err := run.Completion(result)
	if err != nil {
		return err
	}
	return s.Jobs().Change(ctx, c)
}

// relative is the metric by which configurations are compared: mean validation
// pinball relative to the shrunk histogram's on the same months.
const relative = "val_relative_pinball"

// relativePinball is what models are compared by for activation: the mean
// validation pinball of what they forecast with, relative to the shrunk
// histogram's on the same months. ok is false where there was no validation.
func relativePinball(m ports.StoredModel) (v float64, ok bool) {
	metrics := modelMetrics(m)
	if v, ok = metrics["val_ensemble_relative_pinball"]; !ok {
		v, ok = metrics[relative]
	}
	return v, ok
}

// activate makes the model active if there is none, or if it is at least as
// good as the active one.
func (t *Training) activate(ctx context.Context, s ports.Stores, model ports.StoredModel) (bool, error) {
	active, err := s.Models().Active(ctx)
	switch {
	case fault.KindOf(err) == fault.NotFound:
	case err != nil:
		return false, err
	case !t.AutoSelect:
		return false, nil
	default:
		mine, ok := relativePinball(model)
		theirs, known := relativePinball(active)
		if known && (!ok || mine > theirs) {
			return false, nil
		}
	}
	return true, s.Models().SetActive(ctx, model.ID, model.CreatedAt)
}

// modelID names a model: the base name of the configuration, or the engine's,
// the time of the job, and enough of the job's id to be unique.
func modelID(c training.Config, engine string, j job.Job) string {
	base := c.ModelID
	if base == "" {
		base = engine
	}
	return fmt.Sprintf("%s_%s_%s", base, j.CreatedAt.UTC().Format("20060102-150405"), j.ID[:8])
}

// storeBacktest keeps the table of a back-test.
func (t *Training) storeBacktest(ctx context.Context, run *JobRun, input trainInput, r *training.Result) (any, error) {
	if r.Backtest == nil {
		return nil, fault.New(fault.Internal, "internal_error", "the back-test brought no table")
	}
	body, err := json.Marshal(r.Backtest)
	if err != nil {
		return nil, fault.Wrap("app.storeBacktest", err)
	}
	metrics := map[string]float64{}
	for _, row := range r.Backtest.Rows {
		if row.Method == r.Backtest.Chosen && row.Class == "all" {
			metrics["pinball"], metrics["wql"], metrics["coverage_90"] = row.Pinball, row.WQL, row.Coverage90
		}
	}
	id, now := newID(), t.Clock.Now()
	err = t.DB.Atomically(ctx, func(s ports.Stores) error {
		if err := s.Results().Add(ctx, ports.StoredResult{ID: id, Kind: job.Backtest, JobID: run.Job.ID, ConfigID: input.ConfigID,
			Metrics: metrics, Body: body, Duration: r.Metrics["training_duration_seconds"], CreatedAt: now}); err != nil {
			return err
		}
		return complete(ctx, s, run, struct {
			ResultID string `json:"result_id"`
			*forecast.Backtest
		}{id, r.Backtest})
	})
	if err != nil {
		return nil, fault.Wrap("app.storeBacktest", err)
	}
	return Done{}, nil
}
