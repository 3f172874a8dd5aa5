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

// LimitQuery is how many of a list. Huma looks into embedded types that are
// exported only, as BestQuery and DryRunQuery are too.
type LimitQuery struct {
	Limit int `query:"limit" default:"100" minimum:"1" maximum:"1000"`
}

type recentInput struct {
	Limit int `query:"limit" default:"5" minimum:"1" maximum:"100"`
}

// BestQuery is by which metric.
type BestQuery struct {
	Metric string      `query:"metric_name" maxLength:"200" doc:"empty: the default metric and its direction"`
	Higher LenientBool `query:"higher_is_better" doc:"true if a metric is named and this is absent"`
}

type idInput struct {
	ID string `path:"id" maxLength:"200"`
}

type idsInput struct {
	Body struct {
		IDs []string `json:"ids" maxItems:"1000" doc:"what to delete" example:"[\"a\",\"b\"]"`
	}
}

type configUpload struct {
	Body struct {
		Payload json.RawMessage `json:"json_payload" doc:"the configuration; all of its groups are optional" example:"{\"lags\":12}"`
		Active  *bool           `json:"is_active,omitempty" nullable:"true" doc:"make it the active one; false if absent"`
	}
}

// Done is the answer of a step without a result of its own.
type Done struct {
	Success bool   `json:"success"`
	Message string `json:"message"`
}

func (s *Service) metric(in *BestQuery) app.Metric {
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
		func(ctx context.Context, in *LimitQuery) (*Body[[]Config], error) {
			stored, err := s.app.DB.Configs().Configs(ctx, in.Limit)
			return answer(each(stored, configView), err)
		})
	huma.Register(s.api, register("active-config", http.MethodGet, "/active", "The active configuration", http.StatusNotFound),
		func(ctx context.Context, _ *struct{}) (*Body[Config], error) {
			c, err := s.app.DB.Configs().Active(ctx)
			return answer(configView(c), err)
		})
	huma.Register(s.api, register("best-config", http.MethodGet, "/best", "The configuration with the best metric", http.StatusNotFound, http.StatusUnprocessableEntity),
		func(ctx context.Context, in *BestQuery) (*Body[Config], error) {
			c, err := s.app.Configs.Best(ctx, s.metric(in))
			return answer(configView(c), err)
		})
	huma.Register(s.api, register("activate-config", http.MethodPost, "/{id}/set-active", "Make it the one that trainings use", http.StatusNotFound),
		func(ctx context.Context, in *idInput) (*Body[Done], error) {
			return answer(Done{true, "configuration " + in.ID + " is active"}, s.app.Configs.SetActive(ctx, in.ID))
		})
	huma.Register(s.api, register("config-activations", http.MethodGet, "/activations", "Which configuration was made active when, newest first", http.StatusUnprocessableEntity),
		func(ctx context.Context, in *LimitQuery) (*Body[[]Activation], error) {
			list, err := s.app.Configs.Activations(ctx, in.Limit)
			return answer(each(list, activationView), err)
		})
	huma.Register(s.api, register("rollback-config", http.MethodPost, "/rollback", "Make the configuration active that was so before", http.StatusNotFound),
		func(ctx context.Context, _ *struct{}) (*Body[Done], error) {
			id, err := s.app.Configs.Rollback(ctx)
			return answer(Done{true, "configuration " + id + " is active again"}, err)
		})
	huma.Register(s.api, register("upload-config", http.MethodPost, "/upload", "Check and store a configuration", http.StatusUnprocessableEntity),
		func(ctx context.Context, in *configUpload) (*Body[Config], error) {
			c, _, err := s.app.Configs.Put(ctx, in.Body.Payload, in.Body.Active != nil && *in.Body.Active, "upload")
			if err != nil {
				return nil, problem(below(err, "body", "json_payload"))
			}
			return answer(configView(c), nil)
		})
	huma.Register(s.api, register("delete-configs", http.MethodPost, "/delete", "Delete configurations; the active one stays", http.StatusBadRequest, http.StatusUnprocessableEntity),
		func(ctx context.Context, in *idsInput) (*Body[app.Deletion], error) {
			return answer(s.app.Configs.Delete(ctx, in.Body.IDs))
		})
}

// Activation is a change of what is active.
type Activation struct {
	ID string    `json:"id" doc:"it may be deleted by now"`
	At time.Time `json:"activated_at"`
}

func activationView(a ports.Activation) Activation { return Activation{a.ID, a.At.UTC()} }

func each[T, U any](list []T, f func(T) U) []U {
	out := make([]U, len(list))
	for i, v := range list {
		out[i] = f(v)
	}
	return out
}
