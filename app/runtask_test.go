package app_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/plastinka/predictor/app"
	"github.com/plastinka/predictor/domain/baseline"
	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/catalog"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/forecast"
	"github.com/plastinka/predictor/domain/network"
	"github.com/plastinka/predictor/domain/panel"
	"github.com/plastinka/predictor/domain/training"
	"github.com/stretchr/testify/require"
)

// madeUp is a panel of products of several styles and rates, some launched
// later, some out of stock for a while.
func madeUp(products, months int, seed uint64) *panel.Panel {
	r := rand.New(rand.NewPCG(seed, 1))
	p := &panel.Panel{First: calendar.MonthOf(2020, 1), T: months}
	for i := range products {
		p.Products = append(p.Products, catalog.Product{Barcode: fmt.Sprint(i), Style: []string{"Rock", "Pop", "Jazz"}[i%3]})
		p.IDs = append(p.IDs, catalog.ID(i+1))
		rate, launch := math.Exp(r.NormFloat64()-0.5), 0
		if r.IntN(4) == 0 {
			launch = r.IntN(months)
		}
		for t := range months {
			a, y := float32(0), float32(0)
			if t >= launch && r.IntN(8) > 0 {
				a = 1
				if r.IntN(6) == 0 {
					a = 0.5
				}
				mean := rate * float64(a) * (1 + 0.5*math.Cos(2*math.Pi*float64(t)/12)) * r.ExpFloat64()
				for x := r.ExpFloat64(); x < mean; x += r.ExpFloat64() {
					y++
				}
			}
			p.Sales, p.Availability = append(p.Sales, y), append(p.Availability, a)
			p.Confidence, p.Stock = append(p.Confidence, a), append(p.Stock, 3*a)
		}
	}
	return p
}

type fixedClock struct{}

func (fixedClock) Now() time.Time      { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }
func (fixedClock) Today() calendar.Day { return calendar.DayOf(2026, 1, 2) }

// learning is an engine that learns: a real one of the domain under the
// network's name, with epochs and a network to keep. broken changes what it
// forecasts.
type learning struct {
	*baseline.Engine
	fits   []training.Fit
	asked  *[][3]int // of every forecast: the panel's months, the origin, the horizon
	err    error
	broken func(forecast.Distribution) forecast.Distribution
}

func newLearning(t *testing.T) *learning {
	e, err := baseline.NewEngine(baseline.Regression)
	require.NoError(t, err)
	return &learning{Engine: e, asked: new([][3]int)}
}

func (l *learning) Name() string   { return "tide" }
func (l *learning) Method() string { return "tide" }

func (l *learning) Fit(ctx context.Context, p *panel.Panel, fit training.Fit, progress func(training.Progress)) (training.Model, training.FitReport, error) {
	l.fits = append(l.fits, fit)
	if l.err != nil {
		return nil, training.FitReport{}, l.err
	}
	m, report, err := l.Engine.Fit(ctx, p, fit, progress)
	report.Epochs, report.TrainLoss = 10, 0.5
	if fit.Validation > 0 {
		report.BestEpoch, report.ValLoss = 19, 0.75
	}
	return &learnt{m, l.asked, l.broken}, report, err
}

type learnt struct {
	training.Model
	asked  *[][3]int
	broken func(forecast.Distribution) forecast.Distribution
}

func (m *learnt) Forecast(ctx context.Context, p *panel.Panel, origin, horizon int) ([]forecast.Distribution, error) {
	*m.asked = append(*m.asked, [3]int{p.T, origin, horizon})
	ds, err := m.Model.Forecast(ctx, p, origin, horizon)
	for i := range ds {
		if m.broken != nil {
			ds[i] = m.broken(ds[i])
		}
	}
	return ds, err
}

func (m *learnt) Network() *network.Network { return &network.Network{Months: 7} }

// memoryBundle is a bundle whose files are values.
type memoryBundle struct {
	task   *training.Task
	err    error
	result *training.Result
}

func (b *memoryBundle) WriteTask(_ context.Context, _ string, t *training.Task) error {
	b.task = t
	return nil
}
func (b *memoryBundle) ReadTask(context.Context, string) (*training.Task, error) {
	return b.task, b.err
}
func (b *memoryBundle) WriteResult(_ context.Context, _ string, r *training.Result) error {
	b.result = r
	return nil
}
func (b *memoryBundle) ReadResult(context.Context, string, string) (*training.Result, error) {
	return b.result, nil
}

// modelFiles keeps what was written where.
type modelFiles map[string]*network.Network

func (f modelFiles) Write(_ context.Context, path string, n *network.Network) error {
	f[filepath.Base(path)] = n
	return nil
}
func (f modelFiles) Read(_ context.Context, path string) (*network.Network, error) {
	return f[filepath.Base(path)], nil
}

func task(kind training.TaskKind, engine string, p *panel.Panel) *training.Task {
	return &training.Task{SchemaVersion: 1, Kind: kind, Engine: engine, Config: training.DefaultStandard(), Panel: p, Horizon: 1, Seed: 42}
}

// runTask runs a task as a backend would and checks that progress only rises.
func runTask(t *testing.T, tasks *app.Tasks, task *training.Task) (*training.Result, error) {
	t.Helper()
	b := &memoryBundle{task: task}
	tasks.Bundle, tasks.Clock = b, fixedClock{}
	last := 0.0
	err := tasks.RunTask(t.Context(), "input.zip", filepath.Join(t.TempDir(), "output.zip"), func(f float64, message string) {
		require.GreaterOrEqual(t, f, last, message)
		require.LessOrEqual(t, f, 1.0)
		last = f
	})
	if err == nil {
		require.Greater(t, last, 0.9)
	}
	return b.result, err
}

func TestTrainBaseline(t *testing.T) {
	r, err := runTask(t, &app.Tasks{}, task(training.Train, "baseline", madeUp(80, 30, 1)))
	require.NoError(t, err)
	require.Equal(t, training.Train, r.Kind)
	require.Len(t, r.Forecasts, 80)
	require.Equal(t, calendar.MonthOf(2022, 7), r.Month)
	require.Equal(t, "shrunk-histogram", r.Method)
	require.Empty(t, r.ModelFile)
	require.Empty(t, r.Warnings)
	require.Equal(t, catalog.ID(80), r.Forecasts[79].Product)
	for _, name := range []string{"val_pinball", "val_MIWS", "val_MIC", "val_MIWS_MIC_Ratio", "train_pinball", "training_duration_seconds"} {
		require.Contains(t, r.Metrics, name)
	}
	require.NotContains(t, r.Metrics, "val_loss", "nothing was lost by an engine without a loss")
	require.Equal(t, 1.0, r.Metrics["val_relative_pinball"])
}

// TestTrainInTwoPhases: §2.2: validation first, then anew from all months for
// 1.1 times the best number of epochs.
func TestTrainInTwoPhases(t *testing.T) {
	engine, written := newLearning(t), modelFiles{}
	r, err := runTask(t, &app.Tasks{Engines: []engineOf{engine}, Models: written, Threads: 2}, task(training.Train, "tide", madeUp(80, 30, 1)))
	require.NoError(t, err)
	require.Len(t, engine.fits, 2)
	require.Equal(t, 3, engine.fits[0].Validation)
	require.Equal(t, 0, engine.fits[0].Epochs)
	require.Equal(t, 0, engine.fits[1].Validation)
	require.Equal(t, 20, engine.fits[1].Epochs, "⌊1.1·19⌋")
	for _, f := range engine.fits {
		require.Equal(t, []int{30, 1, 2, 42}, []int{f.Origin, f.Horizon, f.Threads, int(f.Seed)})
	}
	require.Equal(t, 20.0, r.Metrics["effective_epochs"])
	require.Equal(t, 0.75, r.Metrics["val_loss"])
	require.Equal(t, 0.5, r.Metrics["train_loss"])
	require.Equal(t, "model.onnx", filepath.Base(r.ModelFile))
	require.Equal(t, r.Metrics["val_pinball"], written["model.onnx"].Metrics["val_pinball"])
	require.Contains(t, r.Metrics, "val_ensemble_relative_pinball")
	require.True(t, strings.HasPrefix(r.Method, "ensemble("), r.Method)
	require.Equal(t, r.Method, r.Forecasts[0].Method)
}

// TestValidationSeesWhatWasKnownThen: each of the last V months is forecast
// from a panel that ends before it, and scored where it was available at least
// 90 % of the month.
func TestValidationSeesWhatWasKnownThen(t *testing.T) {
	engine, p := newLearning(t), madeUp(60, 30, 1)
	engine.broken = func(forecast.Distribution) forecast.Distribution { return forecast.Distribution{} }
	k := task(training.Train, "tide", p)
	k.Horizon = 2
	r, err := runTask(t, &app.Tasks{Engines: []engineOf{engine}}, k)
	require.NoError(t, err)
	require.Equal(t, [][3]int{{27, 27, 2}, {28, 28, 2}, {29, 29, 1}}, (*engine.asked)[:3])
	var sold, cells float64
	for i := range p.N() {
		for _, month := range []int{27, 28, 28, 29, 29} { // one month ahead, and two
			if at := p.At(i, month); p.Availability[at] >= 0.9 {
				sold += float64(p.Sales[at])
				cells++
			}
		}
	}
	require.InDelta(t, sold/cells/2, r.Metrics["val_pinball"], 1e-12, "the loss of a forecast of nothing")
	require.InDelta(t, 1, r.Metrics["val_wql"], 1e-12)
}

// TestClassicNetworkStandsAlone: what the service did is not mixed with
// anything.
func TestClassicNetworkStandsAlone(t *testing.T) {
	k := task(training.Train, "tide", madeUp(40, 30, 1))
	k.Config = training.DefaultClassic()
	r, err := runTask(t, &app.Tasks{Engines: []engineOf{newLearning(t)}}, k)
	require.NoError(t, err)
	require.Equal(t, "tide", r.Method)
	require.NotContains(t, r.Metrics, "val_ensemble_pinball")
}

// TestEnsembleLeavesOutWhatIsBad: a network that forecasts nonsense gets no
// weight in the mixture.
func TestEnsembleLeavesOutWhatIsBad(t *testing.T) {
	engine := newLearning(t)
	engine.broken = func(forecast.Distribution) forecast.Distribution { return forecast.Poisson(40) }
	r, err := runTask(t, &app.Tasks{Engines: []engineOf{engine}}, task(training.Train, "tide", madeUp(80, 30, 1)))
	require.NoError(t, err)
	require.NotContains(t, r.Method, "tide")
	require.Less(t, r.Metrics["val_ensemble_relative_pinball"], 1.2)
	require.Greater(t, r.Metrics["val_relative_pinball"], 5.0, "the metrics are the network's own")
}

// TestShortHistory: with fewer than L + V + 1 months, or without a sale, the
// task completes with the shrunk histogram and says so.
func TestShortHistory(t *testing.T) {
	unsold := madeUp(20, 30, 1)
	clear(unsold.Sales)
	for name, p := range map[string]*panel.Panel{"15 months": madeUp(20, 15, 1), "nothing sold": unsold} {
		r, err := runTask(t, &app.Tasks{Engines: []engineOf{newLearning(t)}}, task(training.Train, "tide", p))
		require.NoError(t, err, name)
		require.Len(t, r.Warnings, 1)
		require.Equal(t, "short_history", r.Warnings[0].Code)
		require.Equal(t, "shrunk-histogram", r.Method)
		require.Len(t, r.Forecasts, 20)
	}
	r, err := runTask(t, &app.Tasks{Engines: []engineOf{newLearning(t)}}, task(training.Train, "tide", madeUp(20, 16, 1)))
	require.NoError(t, err)
	require.Empty(t, r.Warnings, "12 + 3 + 1 months are enough")
}

// TestFailuresSayWhoseFaultTheyAre: §5.1: bad input, a failed training and a
// cancellation are told apart by the kind of the error.
func TestFailuresSayWhoseFaultTheyAre(t *testing.T) {
	p := madeUp(20, 30, 1)
	broken := newLearning(t)
	broken.err = fmt.Errorf("out of luck")
	endless := newLearning(t)
	endless.broken = func(d forecast.Distribution) forecast.Distribution { d.Expected = math.NaN(); return d }
	none := task(training.Train, "tide", &panel.Panel{})
	wrong := task(training.Train, "tide", p)
	wrong.Config.Lags = 0
	for name, c := range map[string]struct {
		task   *training.Task
		engine *learning
		kind   fault.Kind
		code   string
		text   string
	}{
		"engine fails":    {task(training.Train, "tide", p), broken, fault.Internal, "training_failed", "out of luck"},
		"not a number":    {task(training.Train, "tide", p), endless, fault.Internal, "training_failed", "not a number"},
		"backtest fails":  {task(training.Backtest, "tide", p), broken, fault.Internal, "training_failed", "out of luck"},
		"unknown engine":  {task(training.Train, "oracle", p), newLearning(t), fault.Invalid, "unknown_engine", `"oracle"; the engines are baseline, tide`},
		"unknown task":    {task("dream", "tide", p), newLearning(t), fault.Invalid, "unknown_task", "train, trials or backtest"},
		"no data":         {none, newLearning(t), fault.Invalid, "no_data", "no products"},
		"wrong settings":  {wrong, newLearning(t), fault.Invalid, "validation_error", "lags"},
		"too few origins": {task(training.Backtest, "tide", madeUp(5, 6, 1)), newLearning(t), fault.Invalid, "not_enough_history", "6 months of history"},
	} {
		_, err := runTask(t, &app.Tasks{Engines: []engineOf{c.engine}}, c.task)
		require.Equal(t, c.kind, fault.KindOf(err), name)
		require.Equal(t, c.code, fault.CodeOf(err), name)
		require.ErrorContains(t, err, c.text, name)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	tasks := &app.Tasks{Bundle: &memoryBundle{task: task(training.Train, "tide", p)}, Clock: fixedClock{}, Engines: []engineOf{newLearning(t)}}
	err := tasks.RunTask(ctx, "input.zip", filepath.Join(t.TempDir(), "output.zip"), nil)
	require.Equal(t, fault.Cancelled, fault.KindOf(err))
	tasks.Bundle = &memoryBundle{err: fault.New(fault.Invalid, "bad_input", "no manifest")}
	err = tasks.RunTask(t.Context(), "input.zip", filepath.Join(t.TempDir(), "output.zip"), nil)
	require.Equal(t, "bad_input", fault.CodeOf(err))
}

// TestTrials: each configuration is judged on the last months, a bad one alone
// fails.
func TestTrials(t *testing.T) {
	k := task(training.Trials, "tide", madeUp(60, 30, 1))
	good, bad := training.DefaultStandard(), training.DefaultStandard()
	bad.Model.Hidden = 0
	k.Origins, k.Trials = 4, []training.Trial{{ID: 7, Config: good, Epochs: 3}, {ID: 8, Config: bad, Epochs: 3}}
	engine := newLearning(t)
	r, err := runTask(t, &app.Tasks{Engines: []engineOf{engine}}, k)
	require.NoError(t, err)
	require.Len(t, r.Scores, 2)
	require.Len(t, engine.fits, 1)
	require.Equal(t, []int{4, 3, 30}, []int{engine.fits[0].Validation, engine.fits[0].Epochs, engine.fits[0].Origin})
	require.Equal(t, 7, r.Scores[0].ID)
	require.Positive(t, r.Scores[0].Pinball)
	require.InDelta(t, 1, r.Scores[0].Relative, 0.3)
	require.Equal(t, r.Scores[0].Pinball, r.Scores[0].Metrics["val_pinball"])
	require.Contains(t, r.Scores[1].Error, "hidden_size")
}
