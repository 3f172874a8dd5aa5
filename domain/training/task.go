package training

import (
	"context"

	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/catalog"
	"github.com/plastinka/predictor/domain/forecast"
	"github.com/plastinka/predictor/domain/panel"
)

// Fit says how far an engine may look and how long it may learn.
//
// An engine sees months [0, Origin) of the panel and nothing later. With
// Validation = V > 0 (phase 1) it trains on samples whose target lies before
// month Origin−V, watches the loss on targets in the V months after that, up to
// Epochs epochs, and keeps its best weights; with V = 0 (phase 2) it trains on
// all months for exactly Epochs epochs.
type Fit struct {
	Config     Config
	Origin     int
	Horizon    int // H ≥ 1, months ahead
	Validation int
	Epochs     int // 0: Config.Model.Epochs
	Seed       uint64
	Threads    int // 0: all cores
}

// Model is something that was fitted and can forecast. It is safe for
// concurrent use. (It stands here, and not among the ports alone, so that a
// forecaster of the domain can be an engine.)
type Model interface {
	// Forecast says what it expects of every product of p in the months
	// origin … origin+horizon−1 of p, from months [0, origin) alone: N·horizon
	// distributions, index product·horizon + step. It is demand at full
	// availability. origin may be p.T (the months after the last) or any
	// earlier month from the first one that the fit did not train on:
	// Origin − Validation.
	Forecast(ctx context.Context, p *panel.Panel, origin, horizon int) ([]forecast.Distribution, error)
}

// FitReport is what a fit has to say about itself. An engine that does not
// learn by epochs leaves it zero.
type FitReport struct {
	Epochs    int     // run
	BestEpoch int     // counted from 1; 0: no validation
	TrainLoss float64 // mean over the last epoch
	ValLoss   float64 // the best one
	Samples   int     // training samples
}

// Progress is how far a fit or a task has come.
type Progress struct {
	Fraction float64 `json:"fraction"` // 0–1
	Message  string  `json:"message"`
	Epoch    int     `json:"epoch,omitempty"`
	Loss     float64 `json:"loss,omitempty"`
}

// TaskKind is what a compute backend is asked to do.
type TaskKind string

// The kinds of tasks.
const (
	Train    TaskKind = "train"
	Trials   TaskKind = "trials"
	Backtest TaskKind = "backtest"
)

// Task is all that a compute backend needs: input.zip as values (§2.6).
type Task struct {
	SchemaVersion int
	Kind          TaskKind
	Engine        string // "tide", "baseline"
	Config        Config
	Panel         *panel.Panel
	Horizon       int
	Origins       int // back-test and trials: how many rolling origins, the last months
	Seed          uint64
	Trials        []Trial // of a trials task
	Limit         float64 // of a trials task, seconds after which it answers with what it has; 0: none
}

// Trial is one configuration to be judged, and the epochs it may spend.
type Trial struct {
	ID     int    `json:"trial_id"`
	Config Config `json:"config"`
	Epochs int    `json:"epochs"`
}

// TrialScore is what a trial reached: mean validation pinball over its
// origins (copies; lower is better), relative to the shrunk histogram on the
// same months, and the metrics of §2.4.
type TrialScore struct {
	ID       int                `json:"trial_id"`
	Pinball  float64            `json:"pinball"`
	Relative float64            `json:"relative_pinball"`
	Metrics  map[string]float64 `json:"metrics"`
	Seconds  float64            `json:"seconds"`
	Error    string             `json:"error,omitempty"`
}

// Warning is something that went another way than asked for, with its code.
type Warning struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// Result is what a task brings back: output.zip as values (§2.6).
type Result struct {
	Kind      TaskKind
	Products  []catalog.Product   // training: the panel's, in its order
	Forecasts []forecast.Forecast // training: one per product, in the panel's order
	Month     calendar.Month      // the month they are for
	Metrics   map[string]float64  // val_*, train_*, training_duration_seconds, effective_epochs
	Method    string              // what made the forecasts, and with which weights
	Warnings  []Warning
	ModelFile string // path of model.onnx; "" where the engine writes none
	Scores    []TrialScore
	Backtest  *forecast.Backtest
}
