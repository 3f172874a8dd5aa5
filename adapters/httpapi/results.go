package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/job"
	"github.com/plastinka/predictor/ports"
)

type tuningResultsInput struct {
	BestQuery
	LimitQuery
}

func (s *Service) tuningResults(ctx context.Context, in *tuningResultsInput) (*Body[[]Result], error) {
	results, err := s.app.TuningResults(ctx, s.metric(&in.BestQuery), in.Limit)
	if fault.CodeOf(err) == "validation_error" {
		return nil, invalid(Violation{Loc: []any{"query", "metric_name"}, Msg: err.Error(), Type: "value_error"})
	}
	return answer(each(results, resultView), err)
}

type resultInput struct {
	ID string `path:"id" maxLength:"200"`
}

func (s *Service) registerResults() {
	for _, kind := range []job.Type{job.Training, job.Tuning, job.Backtest} {
		base := "/api/v1/results/" + string(kind)
		if kind == job.Tuning {
			huma.Register(s.api, key(huma.Operation{OperationID: "list-results-tuning", Method: http.MethodGet, Path: base, Tags: []string{"results"},
				Summary: "The results of tuning jobs, best first by a metric, then newest first", Errors: []int{http.StatusUnprocessableEntity}}), s.tuningResults)
		} else {
			huma.Register(s.api, key(huma.Operation{OperationID: "list-results-" + string(kind), Method: http.MethodGet, Path: base, Tags: []string{"results"},
				Summary: "The results of " + string(kind) + " jobs, newest first", Errors: []int{http.StatusUnprocessableEntity}}),
				func(ctx context.Context, in *LimitQuery) (*Body[[]Result], error) {
					stored, err := s.app.DB.Results().Results(ctx, kind, in.Limit)
					return answer(each(stored, resultView), err)
				})
		}
		huma.Register(s.api, key(huma.Operation{OperationID: "get-result-" + string(kind), Method: http.MethodGet, Path: base + "/{id}", Tags: []string{"results"},
			Summary: "A result of a " + string(kind) + " job", Errors: []int{http.StatusNotFound}}),
			func(ctx context.Context, in *resultInput) (*Body[Result], error) {
				r, err := s.app.DB.Results().Result(ctx, kind, in.ID)
				v := resultView(r)
				v.Body = r.Body
				return answer(v, err)
			})
	}
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
