package app_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plastinka/predictor/adapters/bundle"
	"github.com/plastinka/predictor/adapters/compute/inprocess"
	"github.com/plastinka/predictor/adapters/files"
	"github.com/plastinka/predictor/adapters/sqlite"
	"github.com/plastinka/predictor/app"
	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/catalog"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/forecast"
	"github.com/plastinka/predictor/domain/job"
	"github.com/plastinka/predictor/domain/ledger"
	"github.com/plastinka/predictor/domain/panel"
	"github.com/plastinka/predictor/domain/training"
	"github.com/plastinka/predictor/ports"
)

// tunable is an engine that needs no time and is good with a learning rate of
// 3e-3, and after many epochs; with fails it is an error.
type tunable struct{ fails error }

func (tunable) Name() string { return "tide" }

func (e tunable) Fit(_ context.Context, p *panel.Panel, f training.Fit, _ func(training.Progress)) (training.Model, training.FitReport, error) {
	if e.fails != nil {
		return nil, training.FitReport{}, e.fails
	}
	off := math.Abs(math.Log10(f.Config.Optimizer.LR/3e-3)) + 1/float64(f.Epochs)
	return skewed(1 + off), training.FitReport{Epochs: f.Epochs, BestEpoch: f.Epochs}, nil
}

// skewed forecasts the mean of the product's past, times itself.
type skewed float64

func (m skewed) Forecast(_ context.Context, p *panel.Panel, origin, horizon int) ([]forecast.Distribution, error) {
	var ds []forecast.Distribution
	for i := range p.N() {
		var sum float64
		for t := range origin {
			sum += float64(p.Sales[p.At(i, t)])
		}
		for range horizon {
			ds = append(ds, forecast.NegativeBinomial(float64(m)*sum/float64(origin), 2))
		}
	}
	return ds, nil
}

// mortal is a compute backend whose user dies at its n-th call, counted from 1.
type mortal struct {
	ports.Compute
	calls int
	n     int
	die   func()
}

func (m *mortal) call() {
	if m.calls++; m.calls == m.n {
		m.die()
	}
}

func (m *mortal) Submit(ctx context.Context, r ports.Run) (string, error) {
	m.call()
	defer m.call()
	return m.Compute.Submit(ctx, r)
}

func (m *mortal) Fetch(ctx context.Context, id string) (string, error) {
	m.call()
	return m.Compute.Fetch(ctx, id)
}

func (m *mortal) Discard(ctx context.Context, id string) error {
	m.call()
	return m.Compute.Discard(ctx, id)
}

// studio is an installation that can tune.
type studio struct {
	*app.Tuning
	db      *sqlite.Database
	worker  *app.Worker
	backend ports.Compute
	root    string
}

func newStudio(t *testing.T, e ports.Engine, clock ports.Clock) *studio {
	t.Helper()
	ctx := t.Context()
	db, err := sqlite.OpenMemory(ctx)
	require.NoError(t, err)
	root := t.TempDir()
	store, err := files.Open(ctx, root)
	require.NoError(t, err)
	tasks := &app.Tasks{Bundle: bundle.Files{}, Engines: []ports.Engine{e}, Clock: clock, Threads: 2}
	backend, err := inprocess.New(filepath.Join(root, "runs"), tasks.RunTask, clock)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, errors.Join(backend.Close(), db.Close(), store.Close())) })
	keepPanel(t, db, madeUp(12, 30, 5))
	log := slog.New(slog.DiscardHandler)
	configs := &app.Configs{DB: db, Clock: clock}
	s := &studio{db: db, backend: backend, root: root, Tuning: &app.Tuning{Engine: "tide", Activate: true,
		Training: &app.Training{DB: db, Clock: clock, Compute: backend, Bundle: bundle.Files{}, Artifacts: store, Configs: configs, Log: log, Poll: time.Millisecond},
		Options:  app.TuningOptions{Mode: app.Lite, SamplesLite: 14, SamplesFull: 14, Keep: 5, Seeds: 2, AtOnce: 4, Tasks: 2}}}
	s.worker = &app.Worker{DB: db, Clock: clock, Log: log, Owner: "test", Lease: time.Hour, Poll: time.Millisecond, MaxAttempts: 99,
		Handlers: map[job.Type]app.Handler{job.Tuning: s.Handle}}
	text, err := training.DefaultStandard().Canonical()
	require.NoError(t, err)
	_, _, err = configs.Put(ctx, text, true, "test")
	require.NoError(t, err)
	return s
}

// keepPanel stores a panel as an upload would have.
func keepPanel(t *testing.T, db *sqlite.Database, p *panel.Panel) {
	t.Helper()
	products := make([]catalog.Product, p.N())
	copy(products, p.Products)
	ids, err := db.Catalog().AddProducts(t.Context(), products)
	require.NoError(t, err)
	for c := range p.T {
		m := p.Month(c)
		content := ports.MonthContent{Month: ledger.StoredMonth{Month: m, Digest: "d", RunID: "r", DaysObserved: m.Days(), Rows: 1}}
		for i, id := range ids {
			at := p.At(i, c)
			content.Features = append(content.Features, panel.Feature{Month: m, Product: id, Sales: int(p.Sales[at]), Availability: float64(p.Availability[at]), Confidence: 1, DaysObserved: m.Days()})
		}
		require.NoError(t, db.Facts().PutMonth(t.Context(), content))
	}
}

func (s *studio) tune(t *testing.T, req app.TuneRequest) (string, app.TuneResult, *job.Failure) {
	t.Helper()
	sub, err := s.Submit(t.Context(), req, false)
	require.NoError(t, err)
	j, err := s.worker.RunJob(t.Context(), sub.Job.ID, nil)
	require.NoError(t, err)
	var r app.TuneResult
	if j.Status == job.Completed {
		require.NoError(t, json.Unmarshal(j.Result, &r))
	}
	return sub.Job.ID, r, j.Error
}

// trialsOf are a job's trials without what depends on the clock.
func (s *studio) trialsOf(t *testing.T, id string) []ports.StoredTrial {
	t.Helper()
	trials, err := s.db.Results().Trials(t.Context(), id)
	require.NoError(t, err)
	for i := range trials {
		trials[i].JobID, trials[i].Score.Seconds = "", 0
	}
	return trials
}

// TestTuningFindsStoresAndActivates (§2.5): a lite search leaves the network as
// it is, its best five configurations are stored with their metrics, and the
// best becomes active because it is better than the active one on the same
// months.
func TestTuningFindsStoresAndActivates(t *testing.T) {
	s := newStudio(t, tunable{}, fixedClock{})
	id, r, failure := s.tune(t, app.TuneRequest{Samples: 30})
	require.Nil(t, failure)
	require.Equal(t, app.Lite, r.Mode)
	require.Equal(t, "samples", r.Ended)
	require.Zero(t, r.Failed)
	require.Len(t, r.Best, 5)
	for i, b := range r.Best {
		require.Equal(t, training.DefaultStandard().Model, b.Config.Model, "lite leaves nn_model_config as it is")
		require.Equal(t, 10, b.Epochs, "the best have learnt to the end")
		if i > 0 {
			require.GreaterOrEqual(t, b.Relative, r.Best[i-1].Relative)
		}
		stored, err := s.db.Configs().Config(t.Context(), b.ConfigID)
		require.NoError(t, err)
		require.Equal(t, b.ConfigID == r.ActiveID, stored.Active)
		kept, err := s.db.Results().Result(t.Context(), job.Tuning, b.ResultID)
		require.NoError(t, err)
		require.Equal(t, b.Metrics, kept.Metrics)
		require.Equal(t, b.Relative, kept.Metrics["val_relative_pinball"])
		require.Equal(t, id, kept.JobID)
		require.Equal(t, b.ConfigID, kept.ConfigID)
	}
	require.InDelta(t, math.Log10(3e-3), math.Log10(r.Best[0].Config.Optimizer.LR), 0.2, "the good learning rate is found")
	require.Less(t, r.Best[0].Relative, r.Yardstick)
	require.Equal(t, r.Best[0].ConfigID, r.ActiveID)
	trials := s.trialsOf(t, id)
	require.Len(t, trials, r.Trials)
	rungs := map[int]int{}
	for _, x := range trials {
		rungs[x.Rung]++
		require.Equal(t, []int{4, 10}[x.Rung], x.Trial.Epochs)
	}
	require.Equal(t, 30, rungs[0])
	require.InDelta(t, 11, rungs[1], 3, "a third climbs, and the yardstick")

	_, again, failure := s.tune(t, app.TuneRequest{Samples: 3})
	require.Nil(t, failure)
	require.Equal(t, r.ActiveID, again.StartID, "the next search begins from there")
	require.InDelta(t, r.Best[0].Relative, again.Yardstick, 1e-12, "and finds it as good on the same months")
}

// TestKilledTuningEndsInTheSameTrials: a search of a fixed number of trials that
// dies at a call of the backend is taken up, and its trials, scores
// and best configurations are those of one that lived.
func TestKilledTuningEndsInTheSameTrials(t *testing.T) {
	s := newStudio(t, tunable{}, fixedClock{})
	s.Activate, s.Options.Seeds = false, 0 // every search begins from the same
	m := &mortal{Compute: s.backend}
	s.Training.Compute = m
	id, want, failure := s.tune(t, app.TuneRequest{})
	require.Nil(t, failure)
	trials, calls := s.trialsOf(t, id), m.calls
	require.Greater(t, calls, 30)
	for n := 1; n <= calls; n += 1 + n%5 {
		sub, err := s.Submit(t.Context(), app.TuneRequest{}, false)
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		m.calls, m.n, m.die = 0, n, cancel
		_, err = s.worker.RunJob(ctx, sub.Job.ID, nil)
		require.Error(t, err, "it dies at call %d", n)
		j, err := s.worker.RunJob(t.Context(), sub.Job.ID, nil)
		require.NoError(t, err)
		require.Equal(t, job.Completed, j.Status, "%+v", j.Error)
		require.Equal(t, trials, s.trialsOf(t, sub.Job.ID), "killed at call %d", n)
		var r app.TuneResult
		require.NoError(t, json.Unmarshal(j.Result, &r))
		for i := range r.Best {
			require.Equal(t, want.Best[i].ConfigID, r.Best[i].ConfigID)
		}
		s.clean(t)
	}
}

// TestTuningNeverWorse: a search that finds nothing better leaves the active
// configuration alone.
func TestTuningNeverWorse(t *testing.T) {
	s := newStudio(t, tunable{}, fixedClock{})
	c := training.DefaultStandard()
	c.Optimizer.LR = 3e-3
	text, err := c.Canonical()
	require.NoError(t, err)
	best, _, err := s.Training.Configs.Put(t.Context(), text, true, "test")
	require.NoError(t, err)
	_, r, failure := s.tune(t, app.TuneRequest{})
	require.Nil(t, failure)
	require.Empty(t, r.ActiveID)
	active, err := s.db.Configs().Active(t.Context())
	require.NoError(t, err)
	require.Equal(t, best.ID, active.ID)
}

// ticking is a clock on which every look takes a second.
type ticking struct{ seconds *atomic.Int64 }

func (c ticking) Now() time.Time {
	return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).Add(time.Duration(c.seconds.Add(1)) * time.Second)
}
func (ticking) Today() calendar.Day { return calendar.DayOf(2026, 1, 2) }

// TestTuningKeepsToItsTime: when the time is over no new trial begins, and the
// best so far are stored.
func TestTuningKeepsToItsTime(t *testing.T) {
	s := newStudio(t, tunable{}, ticking{new(atomic.Int64)})
	s.worker.Lease = 24 * time.Hour
	_, r, failure := s.tune(t, app.TuneRequest{Budget: 200 * time.Second, Samples: 5000})
	require.Nil(t, failure)
	require.Equal(t, "time_budget", r.Ended)
	require.NotEmpty(t, r.Best)
	require.Less(t, r.Trials, 500)
}

// TestTuningThatCannot: wrong wishes are refused, and a search of which every
// trial fails says why.
func TestTuningThatCannot(t *testing.T) {
	s := newStudio(t, tunable{fails: fault.New(fault.Invalid, "bad", "the moon is wrong")}, fixedClock{})
	for _, req := range []app.TuneRequest{{Mode: "heavy"}, {Budget: -1}, {Budget: 1000 * time.Hour}, {Samples: -1}, {Samples: 10001}} {
		_, err := s.Submit(t.Context(), req, false)
		require.Equal(t, "validation_error", fault.CodeOf(err), "%+v", req)
	}
	_, _, failure := s.tune(t, app.TuneRequest{Mode: "light"})
	require.NotNil(t, failure)
	require.Equal(t, "tuning_failed", failure.Code)
	require.Contains(t, failure.Message, "the moon is wrong")
	to := calendar.DayOf(2020, 8, 31)
	_, err := s.Submit(t.Context(), app.TuneRequest{TrainRequest: app.TrainRequest{To: &to}}, false)
	require.Equal(t, "not_enough_history", fault.CodeOf(err))
}
