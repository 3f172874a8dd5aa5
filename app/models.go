package app

import (
	"context"
	"encoding/json"
	"math"
	"path"

	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/ports"
)

// ModelMetadata is what is kept about a model.
type ModelMetadata struct {
	Description  string             `json:"description"`
	Version      string             `json:"version"`
	Tags         []string           `json:"tags"`
	Metrics      map[string]float64 `json:"training_metrics"`
	SourceJobID  string             `json:"source_job_id"`
	ConfigID     string             `json:"config_id,omitempty"`
	Method       string             `json:"method,omitempty"`
	DatasetStart string             `json:"dataset_start,omitempty"`
	DatasetEnd   string             `json:"dataset_end,omitempty"`
}

// Models is the registry of models.
type Models struct {
	DB        ports.Database
	Clock     ports.Clock
	Artifacts ports.Artifacts
	Files     ports.ModelFile // looks into files that somebody brings
	Metric    Metric
}

// Best is the model with the best metric of its training.
func (m *Models) Best(ctx context.Context, metric Metric) (ports.StoredModel, error) {
	models, err := m.DB.Models().Models(ctx, 0)
	if err != nil {
		return ports.StoredModel{}, fault.Wrap("app.Best", err)
	}
	found, best := -1, math.NaN()
	for i, model := range models {
		if v, ok := modelMetrics(model)[metric.Name]; ok && metric.better(v, best) {
			found, best = i, v
		}
	}
	if found < 0 {
		return ports.StoredModel{}, fault.New(fault.NotFound, "no_models_found",
			"no model has the metric %q; train one first, or name another metric", metric.Name)
	}
	return models[found], nil
}

func modelMetrics(m ports.StoredModel) map[string]float64 {
	var meta ModelMetadata
	if json.Unmarshal(m.Metadata, &meta) != nil {
		return nil
	}
	return meta.Metrics
}

// SetActive makes a model the one whose forecasts are shown first.
func (m *Models) SetActive(ctx context.Context, id string) error {
	if _, err := m.DB.Models().Model(ctx, id); err != nil {
		return err
	}
	return fault.Wrap("app.SetActive", m.DB.Models().SetActive(ctx, id, m.Clock.Now()))
}

// Delete removes models with their files; the active one stays.
func (m *Models) Delete(ctx context.Context, ids []string) (Deletion, error) {
	return deleteEach(ids, func(id string) error {
		model, err := m.DB.Models().Model(ctx, id)
		if err != nil {
			return err
		}
		if model.Active {
			return fault.New(fault.Conflict, "conflict", "the active model is not deleted; activate another one first")
		}
		if err := inUse(ctx, m.DB, "model_id", id); err != nil {
			return err
		}
		// The row first: a file without a row is only litter, a row without its
		// file would be a promise.
		if err := m.DB.Models().Remove(ctx, id); err != nil {
			return err
		}
		if model.Path == "" {
			return nil
		}
		return m.Artifacts.Remove(ports.ModelFiles, path.Base(model.Path))
	})
}

// File is the path of a model's file.
func (m *Models) File(ctx context.Context, id string) (string, error) {
	model, err := m.DB.Models().Model(ctx, id)
	if err != nil {
		return "", err
	}
	if model.Path == "" {
		return "", fault.New(fault.NotFound, "not_found", "the model %s has no file", id)
	}
	return m.Artifacts.Path(ports.ModelFiles, path.Base(model.Path))
}
