package app_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plastinka/predictor/adapters/files"
	"github.com/plastinka/predictor/adapters/sqlite"
	"github.com/plastinka/predictor/app"
	"github.com/plastinka/predictor/domain/baseline"
	"github.com/plastinka/predictor/domain/catalog"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/forecast"
	"github.com/plastinka/predictor/domain/job"
	"github.com/plastinka/predictor/domain/network"
	"github.com/plastinka/predictor/domain/training"
	"github.com/plastinka/predictor/ports"
)

// TestExplain: the active model explains what it expects of a product in the
// month after its own, from those months alone, beside what was stored.
func TestExplain(t *testing.T) {
	ctx := t.Context()
	db, err := sqlite.OpenMemory(ctx)
	require.NoError(t, err)
	store, err := files.Open(ctx, t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, errors.Join(db.Close(), store.Close())) })
	p := madeUp(20, 30, 5)
	keepPanel(t, db, p)
	whole, err := app.LoadPanel(ctx, db, nil, nil, true)
	require.NoError(t, err)
	p = whole.Until(28)
	engine, err := baseline.NewEngine(baseline.Regression)
	require.NoError(t, err)
	model, _, err := engine.Fit(ctx, p, training.Fit{Config: training.DefaultStandard(), Origin: 28, Horizon: 1}, nil)
	require.NoError(t, err)
	kept := modelFiles{"m.onnx": {First: p.First, Months: 28}, "long.onnx": {First: p.First, Months: 31}}
	u := &app.Explanations{DB: db, Revive: func(*network.Network) (ports.Model, error) { return model, nil },
		Models: &app.Models{DB: db, Clock: fixedClock{}, Artifacts: store, Files: kept}}

	_, err = u.Explain(ctx, 1, "")
	require.Equal(t, "no_active_model", fault.CodeOf(err))
	at := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	require.NoError(t, db.Jobs().Create(ctx, job.Job{ID: "j", Type: job.Training, Status: job.Pending, CreatedAt: at, UpdatedAt: at}))
	for id, path := range map[string]string{"m": "models/m.onnx", "long": "models/long.onnx", "bare": ""} {
		require.NoError(t, db.Models().Add(ctx, ports.StoredModel{ID: id, Path: path, JobID: "j", Metadata: json.RawMessage("{}"), CreatedAt: at}))
	}
	require.NoError(t, db.Models().SetActive(ctx, "m", at))

	ds, err := model.Forecast(ctx, p, 28, 1)
	require.NoError(t, err)
	for i, id := range p.IDs {
		x, err := u.Explain(ctx, id, "")
		require.NoError(t, err)
		require.Equal(t, p.Products[i], x.Metadata)
		require.Equal(t, p.Month(28), x.Month)
		require.InDelta(t, ds[i].Expected, x.Expected, 1e-6)
		sum := 0.0
		for _, part := range x.Parts {
			sum += part.Copies
		}
		require.InDelta(t, x.Expected-x.Usual, sum, 1e-9)
		require.Nil(t, x.Stored)
	}
	require.NoError(t, db.Forecasts().Put(ctx, []forecast.Forecast{{Product: p.IDs[2], Month: p.Month(28), ModelID: "m", Method: "mixture", Distribution: ds[2]}}))
	x, err := u.Explain(ctx, p.IDs[2], "m")
	require.NoError(t, err)
	require.Equal(t, "mixture", x.Stored.Method)

	for name, c := range map[string]struct {
		product catalog.ID
		model   string
		code    string
	}{
		"no such product":      {999, "m", "not_found"},
		"no such model":        {p.IDs[0], "x", "model_not_found"},
		"a model with no file": {p.IDs[0], "bare", "not_found"},
		"months that are gone": {p.IDs[0], "long", "missing_months"},
	} {
		_, err := u.Explain(ctx, c.product, c.model)
		require.Equal(t, c.code, fault.CodeOf(err), name)
	}
	u.Revive = func(*network.Network) (ports.Model, error) { return skewed(1), nil }
	_, err = u.Explain(ctx, p.IDs[0], "m")
	require.Equal(t, "not_explainable", fault.CodeOf(err))
}
