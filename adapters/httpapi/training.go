package httpapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/plastinka/predictor/app"
	"github.com/plastinka/predictor/domain/job"
)

// trainingBody is the request of a training; every member is optional.
type trainingBody struct {
	Start *string `json:"dataset_start_date,omitempty" nullable:"true" maxLength:"40" doc:"YYYY-MM-DD; earlier months are left out" example:"2023-01-01"`
	End   *string `json:"dataset_end_date,omitempty" nullable:"true" maxLength:"40" doc:"YYYY-MM-DD; later months are left out" example:"2025-12-31"`
}

type trainingInput struct {
	Idempotency string        `header:"Idempotency-Key" maxLength:"255" doc:"makes the submission safe to repeat: it returns the first answer"`
	Body        *trainingBody `required:"false"`
}

// TrainingSubmitted is the answer to a submitted training.
type TrainingSubmitted struct {
	JobID    string  `json:"job_id"`
	Status   string  `json:"status" enum:"pending,running,completed,failed,cancelled"`
	ModelID  *string `json:"model_id" doc:"null: there is none before the training has ended"`
	ConfigID string  `json:"config_id"`
	Active   bool    `json:"using_active_parameters"`
	SetID    string  `json:"parameter_set_id" doc:"the same as config_id"`
}

type backtestBody struct {
	Months   *int    `json:"months,omitempty" nullable:"true" minimum:"1" maximum:"36" doc:"how many months are forecast again; 6 if absent" example:"6"`
	ConfigID *string `json:"config_id,omitempty" nullable:"true" maxLength:"200" doc:"the active configuration if absent, else the best one, else the default"`
}

type backtestInput struct {
	Idempotency string        `header:"Idempotency-Key" maxLength:"255" doc:"makes the submission safe to repeat: it returns the first answer"`
	Body        *backtestBody `required:"false"`
}

func (s *Service) registerTraining() {
	tags := []string{"jobs"}
	errors := []int{http.StatusBadRequest, http.StatusNotFound, http.StatusConflict, http.StatusUnprocessableEntity}
	huma.Register(s.api, key(huma.Operation{OperationID: "submit-training", Method: http.MethodPost, Path: "/api/v1/jobs/training", Tags: tags,
		Summary: "Train a model and forecast the next month", Errors: errors, DefaultStatus: http.StatusOK}),
		s.submitTraining)
	huma.Register(s.api, key(huma.Operation{OperationID: "submit-backtest", Method: http.MethodPost, Path: "/api/v1/jobs/backtest", Tags: tags,
		Summary: "Forecast the last months again and compare with what was sold", Errors: errors, DefaultStatus: http.StatusOK}),
		s.submitBacktest)
}

func (s *Service) submitTraining(ctx context.Context, in *trainingInput) (*Body[TrainingSubmitted], error) {
	body := trainingBody{}
	if in.Body != nil {
		body = *in.Body
	}
	req := app.TrainRequest{}
	var err error
	if req.From, err = day("dataset_start_date", body.Start); err != nil {
		return nil, err
	}
	if req.To, err = day("dataset_end_date", body.End); err != nil {
		return nil, err
	}
	a, err := s.app.Training.SubmitOnce(ctx, job.Training, req, s.repeat(job.Training, in.Idempotency))
	s.wake(err)
	return answer(TrainingSubmitted{JobID: a.JobID, Status: string(a.Status), ConfigID: a.ConfigID, Active: a.Active, SetID: a.ConfigID}, err)
}

func (s *Service) submitBacktest(ctx context.Context, in *backtestInput) (*Body[Submitted], error) {
	body := backtestBody{}
	if in.Body != nil {
		body = *in.Body
	}
	req := app.TrainRequest{}
	if body.Months != nil {
		req.Origins = *body.Months
	}
	if body.ConfigID != nil {
		req.ConfigID = *body.ConfigID
	}
	a, err := s.app.Training.SubmitOnce(ctx, job.Backtest, req, s.repeat(job.Backtest, in.Idempotency))
	s.wake(err)
	return answer(Submitted{JobID: a.JobID, Status: string(a.Status)}, err)
}

// repeat is how a submission of a kind may be one that was made before.
func (s *Service) repeat(kind job.Type, idempotency string) app.Repeat {
	return app.Repeat{Key: idempotency, Refractory: s.opts.Refractory(kind)}
}

// wake tells the worker of a submission that was accepted.
func (s *Service) wake(err error) {
	if err == nil && s.opts.Wake != nil {
		s.opts.Wake()
	}
}
