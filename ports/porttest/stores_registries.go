package porttest

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plastinka/predictor/domain/job"
	"github.com/plastinka/predictor/domain/training"
	"github.com/plastinka/predictor/ports"
)

func nan() float64 { return math.NaN() }

func testRegistries(t *testing.T, u StoresUnderTest) {
	ctx := t.Context()
	t.Run("configurations", func(t *testing.T) {
		db := u.Open(t)
		c := db.Configs()
		_, err := c.Active(ctx)
		notFound(t, "no_active_config", err)
		one := ports.StoredConfig{ID: "c1", Config: json.RawMessage(`{"lags":12,"lr":0.001,"seed":18446744073709551615}`), CreatedAt: at(1), Source: "tuning"}
		two := ports.StoredConfig{ID: "c2", Config: json.RawMessage(`{"lags":6}`), CreatedAt: at(2), Active: true}
		require.NoError(t, c.Put(ctx, one))
		require.NoError(t, c.Put(ctx, two))
		got, err := c.Config(ctx, "c1")
		require.NoError(t, err)
		require.Equal(t, one, got)
		got, err = c.Active(ctx)
		require.NoError(t, err)
		require.Equal(t, two, got)

		known := one
		known.Config, known.CreatedAt, known.Source = json.RawMessage(`{}`), at(9), "other"
		require.NoError(t, c.Put(ctx, known))
		list, err := c.Configs(ctx, 0)
		require.NoError(t, err)
		require.Equal(t, []ports.StoredConfig{two, one}, list, "one that is known stays, and the newest is first")
		known.Active = true
		require.NoError(t, c.Put(ctx, known))
		one.Active, two.Active = true, false
		list, err = c.Configs(ctx, 1)
		require.NoError(t, err)
		require.Equal(t, []ports.StoredConfig{two}, list)
		got, err = c.Active(ctx)
		require.NoError(t, err)
		require.Equal(t, one, got, "at most one is active")
		known.Active = false
		require.NoError(t, c.Put(ctx, known))
		got, err = c.Active(ctx)
		require.NoError(t, err)
		require.Equal(t, one, got, "putting it once more does not deactivate it")

		conflict(t, "conflict", c.Remove(ctx, "c1"))
		require.NoError(t, c.SetActive(ctx, "c2", at(3)))
		require.NoError(t, db.Jobs().Create(ctx, newJob("user", 0))) // its input names c1
		conflict(t, "conflict", c.Remove(ctx, "c1"))
		_, err = db.Jobs().RequestCancel(ctx, "user", at(1))
		require.NoError(t, err)
		require.NoError(t, c.Remove(ctx, "c1"))
		notFound(t, "config_not_found", c.Remove(ctx, "c1"))
		notFound(t, "config_not_found", c.SetActive(ctx, "c1", at(4)))
		_, err = c.Config(ctx, "c1")
		notFound(t, "config_not_found", err)
		got, err = c.Active(ctx)
		require.NoError(t, err)
		require.Equal(t, "c2", got.ID, "a failed activation leaves the active one")
	})
	t.Run("models", func(t *testing.T) {
		db := u.Open(t)
		m := db.Models()
		_, err := m.Active(ctx)
		notFound(t, "no_active_model", err)
		one := ports.StoredModel{ID: "м 1", Path: "models/1.onnx", JobID: "j", Metadata: json.RawMessage(`{"tags":[]}`), CreatedAt: at(1)}
		two := ports.StoredModel{ID: "m2", Metadata: json.RawMessage(`{}`), CreatedAt: at(1), Active: true}
		require.NoError(t, m.Add(ctx, one))
		require.NoError(t, m.Add(ctx, two))
		again := one
		again.Path, again.Active = "other", true
		conflict(t, "model_exists", m.Add(ctx, again))
		list, err := m.Models(ctx, 0)
		require.NoError(t, err)
		require.Equal(t, []ports.StoredModel{two, one}, list)
		require.NoError(t, m.SetActive(ctx, one.ID, at(2)))
		got, err := m.Active(ctx)
		require.NoError(t, err)
		one.Active = true
		require.Equal(t, one, got)
		require.NoError(t, m.SetPath(ctx, one.ID, ""))
		got, err = m.Model(ctx, one.ID)
		require.NoError(t, err)
		require.Empty(t, got.Path)
		require.NoError(t, m.Remove(ctx, "m2"))
		_, err = m.Model(ctx, "m2")
		notFound(t, "model_not_found", err)
		notFound(t, "model_not_found", m.Remove(ctx, "m2"))
		notFound(t, "model_not_found", m.SetActive(ctx, "m2", at(3)))
		notFound(t, "model_not_found", m.SetPath(ctx, "m2", "x"))
	})
}

func testResults(t *testing.T, u StoresUnderTest) {
	ctx := t.Context()
	t.Run("results by kind", func(t *testing.T) {
		db := u.Open(t)
		for _, kind := range []job.Type{job.Upload, job.Training, job.Tuning, job.Backtest, job.Prediction, job.Report} {
			one := ports.StoredResult{ID: "r1", Kind: kind, JobID: "j1", ModelID: "m", ConfigID: "c", Metrics: map[string]float64{"val": 1.0 / 3},
				Body: json.RawMessage(`{"x":1}`), Duration: 1.25, CreatedAt: at(1)}
			two := ports.StoredResult{ID: "r2", Kind: kind, JobID: "j2", Metrics: map[string]float64{}, CreatedAt: at(2)}
			require.NoError(t, db.Results().Add(ctx, one))
			require.NoError(t, db.Results().Add(ctx, two))
			conflict(t, "conflict", db.Results().Add(ctx, one))
			got, err := db.Results().Result(ctx, kind, "r1")
			require.NoError(t, err)
			require.Equal(t, one, got)
			list, err := db.Results().Results(ctx, kind, 0)
			require.NoError(t, err)
			require.Equal(t, []ports.StoredResult{two, one}, list)
			list, err = db.Results().Results(ctx, kind, 1)
			require.NoError(t, err)
			require.Equal(t, []ports.StoredResult{two}, list)
			_, err = db.Results().Result(ctx, kind, "r3")
			notFound(t, "not_found", err)
		}
		_, err := db.Results().Results(ctx, "jobs; --", 0)
		require.Error(t, err)
	})
	t.Run("a metric that is no number is none", func(t *testing.T) {
		db := u.Open(t)
		require.NoError(t, db.Results().Add(ctx, ports.StoredResult{ID: "r", Kind: job.Training,
			Metrics: map[string]float64{"good": 1, "nan": nan(), "inf": math.Inf(1)}}))
		got, err := db.Results().Result(ctx, job.Training, "r")
		require.NoError(t, err)
		require.Equal(t, map[string]float64{"good": 1}, got.Metrics)
	})
	t.Run("trials", func(t *testing.T) {
		db := u.Open(t)
		trial := func(rung, id int) ports.StoredTrial {
			config := training.DefaultStandard()
			config.Seed = math.MaxUint64
			return ports.StoredTrial{JobID: "j", Rung: rung, Trial: training.Trial{ID: id, Config: config, Epochs: 3},
				Score: training.TrialScore{ID: id, Pinball: 0.1 * float64(id), Relative: 0.9, Metrics: map[string]float64{"m": 1}, Seconds: 2.5}}
		}
		for _, x := range []ports.StoredTrial{trial(1, 2), trial(0, 2), trial(0, 1)} {
			require.NoError(t, db.Results().AddTrial(ctx, x))
		}
		other := trial(0, 1)
		other.JobID = "other"
		require.NoError(t, db.Results().AddTrial(ctx, other))
		again := trial(0, 2)
		again.Score.Pinball = 7
		require.NoError(t, db.Results().AddTrial(ctx, again), "judged again after a kill")
		got, err := db.Results().Trials(ctx, "j")
		require.NoError(t, err)
		require.Equal(t, []ports.StoredTrial{trial(0, 1), again, trial(1, 2)}, got)

		failed := trial(0, 3)
		failed.JobID = "failing"
		failed.Score = training.TrialScore{ID: 3, Pinball: nan(), Relative: math.Inf(1), Metrics: map[string]float64{}, Error: "diverged"}
		require.NoError(t, db.Results().AddTrial(ctx, failed))
		got, err = db.Results().Trials(ctx, "failing")
		require.NoError(t, err)
		require.Len(t, got, 1)
		require.True(t, math.IsNaN(got[0].Score.Pinball))
		require.Equal(t, "diverged", got[0].Score.Error)
	})
	t.Run("retries are counted until reset", func(t *testing.T) {
		db := u.Open(t)
		want := []ports.RetryEvent{
			{Operation: "submit", Error: "unavailable", Attempts: 3, Succeeded: true, At: at(2)},
			{Operation: "status", Error: "timeout", Attempts: 5, At: at(1)},
		}
		for _, e := range want {
			require.NoError(t, db.Results().CountRetry(ctx, e))
		}
		got, err := db.Results().Retries(ctx)
		require.NoError(t, err)
		require.Equal(t, want, got)
		require.NoError(t, db.Results().ResetRetries(ctx))
		got, err = db.Results().Retries(ctx)
		require.NoError(t, err)
		require.Empty(t, got)
	})
}
