package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/plastinka/predictor/app"
	"github.com/plastinka/predictor/domain/job"
)

// tuningBody is the request of a tuning; every member is optional.
type tuningBody struct {
	Mode   *string  `json:"mode,omitempty" nullable:"true" enum:"lite,light,full" doc:"lite (the same as light) leaves the network's shape as it is; as configured if absent" example:"lite"`
	Budget *float64 `json:"time_budget_s,omitempty" nullable:"true" exclusiveMinimum:"0" maximum:"604800" doc:"seconds; 3600 for lite and 7200 for full if absent" example:"1800"`
	Start  *string  `json:"dataset_start_date,omitempty" nullable:"true" maxLength:"40" doc:"YYYY-MM-DD; earlier months are left out" example:"2023-01-01"`
	End    *string  `json:"dataset_end_date,omitempty" nullable:"true" maxLength:"40" doc:"YYYY-MM-DD; later months are left out" example:"2025-12-31"`
}

type tuningInput struct {
	Idempotency string      `header:"Idempotency-Key" maxLength:"255" doc:"makes the submission safe to repeat: it returns the first answer"`
	Body        *tuningBody `required:"false"`
}

func (s *Service) registerTuning() {
	huma.Register(s.api, key(huma.Operation{OperationID: "submit-tuning", Method: http.MethodPost, Path: "/api/v1/jobs/tuning", Tags: []string{"jobs"},
		Summary:       "Search for a better training configuration",
		Description:   "The best configurations are stored with their metrics; the best one becomes active if it is better than the active one on the same months.",
		Errors:        []int{http.StatusBadRequest, http.StatusNotFound, http.StatusConflict, http.StatusUnprocessableEntity},
		DefaultStatus: http.StatusOK}), s.submitTuning)
}

func (s *Service) submitTuning(ctx context.Context, in *tuningInput) (*Body[Submitted], error) {
	body := tuningBody{}
	if in.Body != nil {
		body = *in.Body
	}
	var req app.TuneRequest
	var err error
	if req.From, err = day("dataset_start_date", body.Start); err != nil {
		return nil, err
	}
	if req.To, err = day("dataset_end_date", body.End); err != nil {
		return nil, err
	}
	if body.Mode != nil {
		req.Mode = *body.Mode
	}
	if body.Budget != nil {
		req.Budget = max(time.Duration(*body.Budget*float64(time.Second)), 1)
	}
	a, err := s.app.Tuning.SubmitOnce(ctx, req, s.repeat(job.Tuning, in.Idempotency))
	s.wake(err)
	return answer(Submitted{JobID: a.JobID, Status: string(a.Status)}, err)
}
