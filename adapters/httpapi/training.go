package httpapi

import (
	"context"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/plastinka/predictor/app"
	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/job"
)

// trainingBody is the request of a training; every member is optional.
type trainingBody struct {
	_     struct{} `json:"-" additionalProperties:"true"`
	Start *string  `json:"dataset_start_date,omitempty" nullable:"true" maxLength:"40" doc:"YYYY-MM-DD; earlier months are left out"`
	End   *string  `json:"dataset_end_date,omitempty" nullable:"true" maxLength:"40" doc:"YYYY-MM-DD; later months are left out"`
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
	_        struct{} `json:"-" additionalProperties:"true"`
	Months   *int     `json:"months,omitempty" nullable:"true" minimum:"1" maximum:"36" doc:"how many months are forecast again; 6 if absent"`
	ConfigID *string  `json:"config_id,omitempty" nullable:"true" maxLength:"200"`
}

type backtestInput struct {
	Idempotency string        `header:"Idempotency-Key" maxLength:"255"`
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
	return once(ctx, s, job.Training, in.Idempotency, body, func() (TrainingSubmitted, error) {
		sub, err := s.app.Training.Submit(ctx, job.Training, req, false)
		return TrainingSubmitted{JobID: sub.Job.ID, Status: string(sub.Job.Status), ConfigID: sub.ConfigID, Active: sub.Active, SetID: sub.ConfigID}, err
	})
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
	return once(ctx, s, job.Backtest, in.Idempotency, body, func() (Submitted, error) {
		sub, err := s.app.Training.Submit(ctx, job.Backtest, req, false)
		return Submitted{JobID: sub.Job.ID, Status: string(sub.Job.Status)}, err
	})
}

// once makes a submission under the refractory period and the client's
// idempotency key, and wakes the worker.
func once[T any](ctx context.Context, s *Service, kind job.Type, idempotency string, request any, submit func() (T, error)) (*Body[T], error) {
	v, err := app.Once(ctx, s.app.DB, s.app.Clock, app.OnceRequest{Type: kind, Key: idempotency, Request: request, Refractory: s.opts.Refractory(kind)}, submit)
	if err == nil && s.opts.Wake != nil {
		s.opts.Wake()
	}
	return answer(v, err)
}

// day reads a date as old clients write it: a day, also with midnight and Z.
func day(field string, text *string) (*calendar.Day, error) {
	if text == nil || *text == "" {
		return nil, nil
	}
	t := strings.TrimSuffix(strings.TrimSuffix(*text, "Z"), "T00:00:00")
	d, err := calendar.ParseDay(t)
	if err != nil {
		return nil, invalid(Violation{Loc: []any{"body", field}, Msg: err.Error(), Type: "date_parsing"})
	}
	return &d, nil
}
