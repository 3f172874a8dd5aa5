package app_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plastinka/predictor/adapters/files"
	"github.com/plastinka/predictor/app"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/job"
	"github.com/plastinka/predictor/domain/panel"
	"github.com/plastinka/predictor/domain/training"
	"github.com/plastinka/predictor/ports"
)

// trials are some of different learning rates, which tunable tells apart.
func trials(rates ...float64) *training.Task {
	k := &training.Task{SchemaVersion: 1, Kind: training.Trials, Engine: "tide", Panel: madeUp(20, 30, 1), Horizon: 1, Origins: 3, Seed: 42}
	for i, lr := range rates {
		c := training.DefaultStandard()
		c.Optimizer.LR = lr
		k.Trials = append(k.Trials, training.Trial{ID: i, Config: c, Epochs: 3})
	}
	return k
}

// TestTrialsSideBySide: how many are judged at once changes no score, nor the
// order of the answer.
func TestTrialsSideBySide(t *testing.T) {
	var want []training.TrialScore
	for _, threads := range []int{1, 3, 16} {
		tasks := &app.Tasks{Engines: []ports.Engine{tunable{}}, Clock: fixedClock{}, Threads: threads}
		last := 0.0
		r, err := tasks.Do(t.Context(), trials(1e-4, 1e-3, 3e-3, 1e-2, 1e-1), "", func(p training.Progress) {
			require.GreaterOrEqual(t, p.Fraction, last, "progress only rises")
			last = p.Fraction
		})
		require.NoError(t, err)
		require.Len(t, r.Scores, 5)
		if want == nil {
			want = r.Scores
		}
		require.Equal(t, want, r.Scores, "%d threads", threads)
		for i, s := range r.Scores {
			require.Equal(t, i, s.ID)
			require.GreaterOrEqual(t, s.Relative, r.Scores[2].Relative)
		}
		require.InDelta(t, 1, last, 1e-9)
	}
}

// patient is an engine that waits for its context's end where the learning rate
// is large.
type patient struct {
	tunable
	waits chan struct{} // gets one when it begins to wait; may be nil
}

func (e patient) Fit(ctx context.Context, p *panel.Panel, f training.Fit, progress func(training.Progress)) (training.Model, training.FitReport, error) {
	if f.Config.Optimizer.LR >= 0.1 || e.waits != nil {
		if e.waits != nil {
			e.waits <- struct{}{}
		}
		<-ctx.Done()
		return nil, training.FitReport{}, ctx.Err()
	}
	return e.tunable.Fit(ctx, p, f, progress)
}

// TestTrialsWithinTheirTime: when the time is over the answer is what there is.
func TestTrialsWithinTheirTime(t *testing.T) {
	tasks := &app.Tasks{Engines: []ports.Engine{patient{}}, Clock: fixedClock{}, Threads: 1}
	k := trials(1e-3, 0.5, 1e-4)
	k.Limit = 0.5
	r, err := tasks.Do(t.Context(), k, "", nil)
	require.NoError(t, err)
	require.Len(t, r.Scores, 1)
	require.Equal(t, 0, r.Scores[0].ID)
	require.Empty(t, r.Scores[0].Error)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = tasks.Do(ctx, k, "", nil)
	require.Equal(t, fault.Cancelled, fault.KindOf(err), "a cancelled task has no answer")
}

// TestCancelledTuning stops its tasks and leaves no files of them.
func TestCancelledTuning(t *testing.T) {
	waits := make(chan struct{}, 99)
	s := newStudio(t, patient{waits: waits}, fixedClock{})
	sub, err := s.Submit(t.Context(), app.TuneRequest{}, false)
	require.NoError(t, err)
	var ended job.Job
	done := make(chan error)
	go func() {
		var err error
		ended, err = s.worker.RunJob(t.Context(), sub.Job.ID, nil)
		done <- err
	}()
	<-waits
	<-waits
	_, err = s.db.Jobs().RequestCancel(t.Context(), sub.Job.ID, fixedClock{}.Now())
	require.NoError(t, err)
	require.NoError(t, <-done)
	require.Equal(t, job.Cancelled, ended.Status)
	s.clean(t)
}

// clean requires that no file of any task is left.
func (s *studio) clean(t *testing.T) {
	t.Helper()
	for _, place := range []ports.Place{ports.TaskInputs, ports.TaskOutputs} {
		left, err := s.Training.Artifacts.List(place)
		require.NoError(t, err)
		require.Empty(t, left)
	}
	runs, err := filepath.Glob(filepath.Join(s.root, "runs", "[^.]*"))
	require.NoError(t, err)
	require.Empty(t, runs)
}

// looked is a compute backend whose user dies at the first look at a run after
// two were submitted: both are known durably by then.
type looked struct {
	ports.Compute
	submitted int
	die       func()
}

func (l *looked) Submit(ctx context.Context, r ports.Run) (string, error) {
	l.submitted++
	return l.Compute.Submit(ctx, r)
}

func (l *looked) Status(ctx context.Context, id string) (ports.RunStatus, error) {
	if l.submitted == 2 {
		l.die()
	}
	return l.Compute.Status(ctx, id)
}

// TestSweepOfTuning: what a search left whose worker died, and which was ended
// by somebody else, goes at the next start: all its tasks' inputs and runs.
func TestSweepOfTuning(t *testing.T) {
	s := newStudio(t, patient{waits: make(chan struct{}, 99)}, fixedClock{})
	ctx, die := context.WithCancel(t.Context())
	s.Training.Compute = &looked{Compute: s.backend, die: die}
	sub, err := s.Submit(t.Context(), app.TuneRequest{}, false)
	require.NoError(t, err)
	_, err = s.worker.RunJob(ctx, sub.Job.ID, nil)
	require.Error(t, err)
	left, err := s.Training.Artifacts.List(ports.TaskInputs)
	require.NoError(t, err)
	require.Len(t, left, 2, "the runs go on")
	store := s.Training.Artifacts.(*files.Store)
	sweep := app.Sweep{DB: s.db, Clock: fixedClock{}, Artifacts: store, Compute: s.backend, Log: s.Training.Log}
	require.NoError(t, sweep.Run(t.Context()))
	still, err := store.List(ports.TaskInputs)
	require.NoError(t, err)
	require.Equal(t, left, still, "they are somebody's")
	_, err = s.db.Jobs().RequestCancel(t.Context(), sub.Job.ID, fixedClock{}.Now())
	require.NoError(t, err)
	require.NoError(t, sweep.Run(t.Context()))
	s.clean(t)
}
