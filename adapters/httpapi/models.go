package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/plastinka/predictor/app"
	"github.com/plastinka/predictor/ports"
)

const modelsPath = "/api/v1/models-configs/models"

// Model is a stored model.
type Model struct {
	ID        string        `json:"model_id"`
	Path      string        `json:"model_path" doc:"relative to the data root"`
	Active    bool          `json:"is_active"`
	Metadata  ModelMetadata `json:"metadata"`
	CreatedAt time.Time     `json:"created_at"`
	JobID     string        `json:"job_id"`
}

// ModelMetadata is what is known about a model.
type ModelMetadata struct {
	Description string             `json:"description"`
	Version     string             `json:"version"`
	Tags        []string           `json:"tags"`
	Metrics     map[string]float64 `json:"training_metrics"`
	SourceJobID string             `json:"source_job_id"`
}

func modelView(m ports.StoredModel) Model {
	v := Model{ID: m.ID, Path: m.Path, Active: m.Active, CreatedAt: m.CreatedAt.UTC(), JobID: m.JobID}
	_ = json.Unmarshal(m.Metadata, &v.Metadata) // what cannot be read is left empty
	if v.Metadata.Tags == nil {
		v.Metadata.Tags = []string{}
	}
	if v.Metadata.Metrics == nil {
		v.Metadata.Metrics = map[string]float64{}
	}
	return v
}

func (s *Service) registerModels() {
	tags := []string{"models"}
	register := func(id, method, path, summary string, errors ...int) huma.Operation {
		return key(huma.Operation{OperationID: id, Method: method, Path: modelsPath + path, Tags: tags, Summary: summary, Errors: errors, DefaultStatus: http.StatusOK})
	}
	huma.Register(s.api, register("list-models", http.MethodGet, "", "The models, newest first", http.StatusUnprocessableEntity),
		func(ctx context.Context, in *LimitQuery) (*Body[[]Model], error) {
			stored, err := s.app.DB.Models().Models(ctx, in.Limit)
			return answer(each(stored, modelView), err)
		})
	huma.Register(s.api, register("recent-models", http.MethodGet, "/recent", "The newest models", http.StatusUnprocessableEntity),
		func(ctx context.Context, in *recentInput) (*Body[[]Model], error) {
			stored, err := s.app.DB.Models().Models(ctx, in.Limit)
			return answer(each(stored, modelView), err)
		})
	huma.Register(s.api, register("active-model", http.MethodGet, "/active", "The active model", http.StatusNotFound),
		func(ctx context.Context, _ *struct{}) (*Body[Model], error) {
			m, err := s.app.DB.Models().Active(ctx)
			return answer(modelView(m), err)
		})
	huma.Register(s.api, register("best-model", http.MethodGet, "/best", "The model with the best metric", http.StatusNotFound, http.StatusUnprocessableEntity),
		func(ctx context.Context, in *BestQuery) (*Body[Model], error) {
			m, err := s.app.Models.Best(ctx, s.metric(in))
			return answer(modelView(m), err)
		})
	huma.Register(s.api, register("activate-model", http.MethodPost, "/{id}/set-active", "Make it the one whose forecasts are shown first", http.StatusNotFound),
		func(ctx context.Context, in *idInput) (*Body[Done], error) {
			return answer(Done{true, "model " + in.ID + " is active"}, s.app.Models.SetActive(ctx, in.ID))
		})
	huma.Register(s.api, register("model-activations", http.MethodGet, "/activations", "Which model was made active when, newest first", http.StatusUnprocessableEntity),
		func(ctx context.Context, in *LimitQuery) (*Body[[]Activation], error) {
			list, err := s.app.Models.Activations(ctx, in.Limit)
			return answer(each(list, activationView), err)
		})
	huma.Register(s.api, register("rollback-model", http.MethodPost, "/rollback", "Make the model active that was so before", http.StatusNotFound),
		func(ctx context.Context, _ *struct{}) (*Body[Done], error) {
			id, err := s.app.Models.Rollback(ctx)
			return answer(Done{true, "model " + id + " is active again"}, err)
		})
	huma.Register(s.api, register("delete-models", http.MethodPost, "/delete", "Delete models with their files; the active one stays", http.StatusBadRequest, http.StatusUnprocessableEntity),
		func(ctx context.Context, in *idsInput) (*Body[app.Deletion], error) {
			return answer(s.app.Models.Delete(ctx, in.Body.IDs))
		})
	s.registerModelFiles()
}
