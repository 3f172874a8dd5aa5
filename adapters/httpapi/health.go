package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/plastinka/predictor/app"
	"github.com/plastinka/predictor/domain/fault"
)

// Component is the state of one part of the service.
type Component struct {
	Status  string         `json:"status" enum:"healthy,degraded,unhealthy"`
	Details map[string]any `json:"details"`
}

// Health is how the service is.
type Health struct {
	Status     string               `json:"status" enum:"healthy,degraded,unhealthy"`
	Version    string               `json:"version"`
	Timestamp  time.Time            `json:"timestamp"`
	Uptime     float64              `json:"uptime_seconds"`
	Components map[string]Component `json:"components"`
	Err        *ProblemBody         `json:"error,omitempty" doc:"only when unhealthy"`
}

type healthOutput struct {
	Status int
	Body   Health
}

// Root is what the service says of itself.
type Root struct {
	Message string            `json:"message"`
	Docs    string            `json:"docs"`
	Version string            `json:"version"`
	Links   map[string]string `json:"links"`
}

type withContext struct{ ctx huma.Context }

// Resolve keeps Huma's context, for handlers that need the request itself.
func (w *withContext) Resolve(ctx huma.Context) []error {
	w.ctx = ctx
	return nil
}

func (s *Service) registerHealth() {
	huma.Register(s.api, open(huma.Operation{OperationID: "root", Method: http.MethodGet, Path: "/", Tags: []string{"health"},
		Summary: "What this is"}),
		func(context.Context, *struct{}) (*Body[Root], error) {
			return answer(Root{Message: "Plastinka: forecasts for shops with many slow-moving items", Docs: "/docs", Version: s.opts.Version,
				Links: map[string]string{"health": "/health", "openapi": "/openapi.json"}}, nil)
		})
	huma.Register(s.api, open(huma.Operation{OperationID: "health", Method: http.MethodGet, Path: "/health", Tags: []string{"health"},
		Summary: "How the service is", Description: "Without credentials the components' details are empty. Unhealthy answers with 503 and the same members.",
		Responses: map[string]*huma.Response{"503": {Description: "unhealthy", Content: map[string]*huma.MediaType{"application/json": {
			Schema: &huma.Schema{Ref: "#/components/schemas/Health"}}}}}}),
		s.health)
	huma.Register(s.api, open(huma.Operation{OperationID: "live", Method: http.MethodGet, Path: "/health/live", Tags: []string{"health"},
		Summary: "Whether the process runs"}),
		func(context.Context, *struct{}) (*Body[map[string]string], error) {
			return answer(map[string]string{"status": "alive"}, nil)
		})
	huma.Register(s.api, open(huma.Operation{OperationID: "ready", Method: http.MethodGet, Path: "/health/ready", Tags: []string{"health"},
		Summary: "Whether requests can be served", Errors: []int{http.StatusServiceUnavailable}}),
		func(ctx context.Context, _ *struct{}) (*Body[map[string]string], error) {
			select {
			case <-s.opts.Stopping:
				return nil, problem(fault.New(fault.Unavailable, "shutting_down", "the service is stopping"))
			default:
			}
			if _, err := s.app.DB.Facts().Months(ctx); err != nil {
				return nil, problem(err)
			}
			return answer(map[string]string{"status": "ready"}, nil)
		})
}

type healthInput struct {
	withContext
}

func (s *Service) health(ctx context.Context, in *healthInput) (*healthOutput, error) {
	components := s.components(ctx)
	h := Health{Status: app.Healthy, Version: s.opts.Version, Timestamp: s.app.Clock.Now().UTC(),
		Uptime: s.app.Clock.Now().Sub(s.started).Seconds(), Components: components}
	for _, name := range []string{"api", "database", "config", "compute", "active_model_metric"} {
		c := components[name]
		switch {
		case c.Status == app.Unhealthy:
			h.Status = app.Unhealthy
		case c.Status == app.Degraded && h.Status == app.Healthy:
			h.Status = app.Degraded
		}
	}
	out := &healthOutput{Status: http.StatusOK}
	if h.Status == app.Unhealthy {
		out.Status = http.StatusServiceUnavailable
		h.Err = &ProblemBody{Code: "unhealthy", Message: "a component is unhealthy; see components", Details: map[string]any{},
			RequestID: in.ctx.Header(requestIDHeader)}
	}
	if !s.trusted(in.ctx) {
		for name, c := range components {
			components[name] = Component{Status: c.Status, Details: map[string]any{}}
		}
	}
	out.Body = h
	return out, nil
}

func (s *Service) components(ctx context.Context) map[string]Component {
	found := map[string]Component{"api": {Status: app.Healthy, Details: map[string]any{}}}
	for name, c := range s.app.Health(ctx, s.opts.Threshold) {
		found[name] = Component{Status: c.Status, Details: c.Details}
	}
	found["compute"] = Component{Status: app.Healthy, Details: map[string]any{"backend": s.opts.Backend}}
	return found
}
