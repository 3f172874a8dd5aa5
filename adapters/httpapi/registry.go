package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/plastinka/predictor/app"
	"github.com/plastinka/predictor/ports"
)

func typeOf[T any]() reflect.Type { return reflect.TypeFor[T]() }

// Config is a stored training configuration.
type Config struct {
	ID        string          `json:"config_id" doc:"hash of the canonical JSON"`
	Config    json.RawMessage `json:"config"`
	Active    bool            `json:"is_active"`
	CreatedAt time.Time       `json:"created_at"`
}

func configView(c ports.StoredConfig) Config {
	return Config{ID: c.ID, Config: c.Config, Active: c.Active, CreatedAt: c.CreatedAt.UTC()}
}

type limitInput struct {
	Limit int `query:"limit" default:"100" minimum:"1" maximum:"1000"`
}

type recentInput struct {
	Limit int `query:"limit" default:"5" minimum:"1" maximum:"100"`
}

type bestInput struct {
	Metric string      `query:"metric_name" maxLength:"200" doc:"empty: the default metric and its direction"`
	Higher LenientBool `query:"higher_is_better" doc:"true if a metric is named and this is absent"`
}

type idInput struct {
	ID string `path:"id" maxLength:"200"`
}

type idsInput struct {
	Body struct {
		_   struct{} `json:"-" additionalProperties:"true"`
		IDs []string `json:"ids" maxItems:"1000"`
	}
}

type configUpload struct {
	Body struct {
		_       struct{}        `json:"-" additionalProperties:"true"`
		Payload json.RawMessage `json:"json_payload"`
		Active  *bool           `json:"is_active,omitempty" nullable:"true"`
	}
}

// Done is the answer of a step without a result of its own.
type Done struct {
	Success bool   `json:"success"`
	Message string `json:"message"`
}

func (s *Service) metric(in *bestInput) app.Metric {
	if in.Metric == "" {
		return s.app.Configs.Metric
	}
	return app.Metric{Name: in.Metric, Higher: in.Higher.Or(true)}
}

func (s *Service) registerConfigs() {
	const base = "/api/v1/models-configs/configs"
	tags := []string{"configs"}
	register := func(id, method, path, summary string, errors ...int) huma.Operation {
		return key(huma.Operation{OperationID: id, Method: method, Path: base + path, Tags: tags, Summary: summary, Errors: errors, DefaultStatus: http.StatusOK})
	}
	huma.Register(s.api, register("list-configs", http.MethodGet, "", "The configurations, newest first", http.StatusUnprocessableEntity),
		func(ctx context.Context, in *limitInput) (*Body[[]Config], error) {
			stored, err := s.app.DB.Configs().Configs(ctx, in.Limit)
			return answer(each(stored, configView), err)
		})
	huma.Register(s.api, register("active-config", http.MethodGet, "/active", "The active configuration", http.StatusNotFound),
		func(ctx context.Context, _ *struct{}) (*Body[Config], error) {
			c, err := s.app.DB.Configs().Active(ctx)
			return answer(configView(c), err)
		})
	huma.Register(s.api, register("best-config", http.MethodGet, "/best", "The configuration with the best metric", http.StatusNotFound, http.StatusUnprocessableEntity),
		func(ctx context.Context, in *bestInput) (*Body[Config], error) {
			c, err := s.app.Configs.Best(ctx, s.metric(in))
			return answer(configView(c), err)
		})
	huma.Register(s.api, register("activate-config", http.MethodPost, "/{id}/set-active", "Make it the one that trainings use", http.StatusNotFound),
		func(ctx context.Context, in *idInput) (*Body[Done], error) {
			return answer(Done{true, "configuration " + in.ID + " is active"}, s.app.Configs.SetActive(ctx, in.ID))
		})
	huma.Register(s.api, register("upload-config", http.MethodPost, "/upload", "Check and store a configuration", http.StatusUnprocessableEntity),
		func(ctx context.Context, in *configUpload) (*Body[Config], error) {
			c, _, err := s.app.Configs.Put(ctx, in.Body.Payload, in.Body.Active != nil && *in.Body.Active, "upload")
			return answer(configView(c), err)
		})
	huma.Register(s.api, register("delete-configs", http.MethodPost, "/delete", "Delete configurations; the active one stays", http.StatusBadRequest, http.StatusUnprocessableEntity),
		func(ctx context.Context, in *idsInput) (*Body[app.Deletion], error) {
			return answer(s.app.Configs.Delete(ctx, in.Body.IDs))
		})
}

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
	const base = "/api/v1/models-configs/models"
	tags := []string{"models"}
	register := func(id, method, path, summary string, errors ...int) huma.Operation {
		return key(huma.Operation{OperationID: id, Method: method, Path: base + path, Tags: tags, Summary: summary, Errors: errors, DefaultStatus: http.StatusOK})
	}
	huma.Register(s.api, register("list-models", http.MethodGet, "", "The models, newest first", http.StatusUnprocessableEntity),
		func(ctx context.Context, in *limitInput) (*Body[[]Model], error) {
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
		func(ctx context.Context, in *bestInput) (*Body[Model], error) {
			m, err := s.app.Models.Best(ctx, s.metric(in))
			return answer(modelView(m), err)
		})
	huma.Register(s.api, register("activate-model", http.MethodPost, "/{id}/set-active", "Make it the one whose forecasts are shown first", http.StatusNotFound),
		func(ctx context.Context, in *idInput) (*Body[Done], error) {
			return answer(Done{true, "model " + in.ID + " is active"}, s.app.Models.SetActive(ctx, in.ID))
		})
	huma.Register(s.api, register("delete-models", http.MethodPost, "/delete", "Delete models with their files; the active one stays", http.StatusBadRequest, http.StatusUnprocessableEntity),
		func(ctx context.Context, in *idsInput) (*Body[app.Deletion], error) {
			return answer(s.app.Models.Delete(ctx, in.Body.IDs))
		})
}

func each[T, U any](list []T, f func(T) U) []U {
	out := make([]U, len(list))
	for i, v := range list {
		out[i] = f(v)
	}
	return out
}

// Result is a job's result as kept.
type Result struct {
	ID        string             `json:"result_id"`
	JobID     string             `json:"job_id"`
	ModelID   string             `json:"model_id"`
	ConfigID  string             `json:"config_id"`
	Metrics   map[string]float64 `json:"metrics"`
	Body      json.RawMessage    `json:"result,omitempty"`
	Duration  float64            `json:"duration" doc:"seconds"`
	CreatedAt time.Time          `json:"created_at"`
}

func resultView(r ports.StoredResult) Result {
	v := Result{ID: r.ID, JobID: r.JobID, ModelID: r.ModelID, ConfigID: r.ConfigID, Metrics: r.Metrics, Duration: r.Duration, CreatedAt: r.CreatedAt.UTC()}
	if v.Metrics == nil {
		v.Metrics = map[string]float64{}
	}
	return v
}
