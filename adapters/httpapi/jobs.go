package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/job"
)

// Job is a job as clients see it.
type Job struct {
	ID        string          `json:"job_id"`
	Type      string          `json:"job_type" enum:"data_upload,training,tuning,backtest,report,prediction,manual_upload"`
	Status    string          `json:"status" enum:"pending,running,completed,failed,cancelled"`
	CreatedAt time.Time       `json:"created_at"`
	UpdatedAt time.Time       `json:"updated_at"`
	Progress  float64         `json:"progress" minimum:"0" maximum:"100"`
	Message   string          `json:"status_message"`
	Result    json.RawMessage `json:"result" doc:"only when completed; its members depend on the type"`
	Err       *JobError       `json:"error" doc:"only when failed"`
}

// JobError is why a job failed.
type JobError struct {
	_       struct{}       `nullable:"true"`
	Code    string         `json:"code"`
	Message string         `json:"message"`
	Details map[string]any `json:"details"`
}

func jobView(j job.Job, withResult bool) Job {
	v := Job{ID: j.ID, Type: string(j.Type), Status: string(j.Status), CreatedAt: j.CreatedAt.UTC(), UpdatedAt: j.UpdatedAt.UTC(),
		Progress: j.Progress, Message: j.Message, Result: json.RawMessage("null")}
	if withResult && len(j.Result) > 0 {
		v.Result = j.Result
	}
	if j.Error != nil {
		v.Err = &JobError{Code: j.Error.Code, Message: j.Error.Message, Details: nonNilMap(j.Error.Details)}
	}
	return v
}

// Submitted is the answer to a submission.
type Submitted struct {
	JobID  string `json:"job_id"`
	Status string `json:"status" enum:"pending,running,completed,failed,cancelled"`
}

// JobList is a page of jobs.
type JobList struct {
	Jobs       []Job  `json:"jobs"`
	Total      int    `json:"total" doc:"jobs in this answer"`
	Matching   int    `json:"total_matching"`
	NextCursor string `json:"next_cursor" doc:"empty on the last page"`
}

type jobInput struct {
	JobID string `path:"job_id" maxLength:"100"`
}

type jobsInput struct {
	Type   string `query:"job_type" enum:"data_upload,training,tuning,backtest,report,prediction,manual_upload"`
	Status string `query:"status" enum:"pending,running,completed,failed,cancelled"`
	Limit  int    `query:"limit" default:"100" minimum:"1" maximum:"1000"`
	Cursor string `query:"cursor" maxLength:"200"`
}

func (s *Service) registerJobs() {
	tags := []string{"jobs"}
	huma.Register(s.api, key(huma.Operation{OperationID: "list-jobs", Method: http.MethodGet, Path: "/api/v1/jobs", Tags: tags,
		Summary: "The jobs, newest first", Errors: []int{http.StatusUnprocessableEntity}}),
		func(ctx context.Context, in *jobsInput) (*Body[JobList], error) {
			jobs, matching, err := s.app.DB.Jobs().Jobs(ctx, job.Query{Type: job.Type(in.Type), Status: job.Status(in.Status), Limit: in.Limit + 1, Cursor: in.Cursor})
			if in.Cursor != "" && fault.KindOf(err) == fault.NotFound {
				return nil, invalid(Violation{Loc: []any{"query", "cursor"}, Msg: "is not a next_cursor that was answered before", Type: "value_error"})
			}
			list := JobList{Matching: matching}
			if len(jobs) > in.Limit { // there is a next page
				jobs = jobs[:in.Limit]
				list.NextCursor = jobs[in.Limit-1].ID
			}
			list.Jobs, list.Total = each(jobs, func(j job.Job) Job { return jobView(j, false) }), len(jobs)
			return answer(list, err)
		})
	huma.Register(s.api, key(huma.Operation{OperationID: "get-job", Method: http.MethodGet, Path: "/api/v1/jobs/{job_id}", Tags: tags,
		Summary: "A job with its result", Errors: []int{http.StatusNotFound}}),
		func(ctx context.Context, in *jobInput) (*Body[Job], error) {
			j, err := s.app.DB.Jobs().Job(ctx, in.JobID)
			return answer(jobView(j, true), err)
		})
	huma.Register(s.api, key(huma.Operation{OperationID: "cancel-job", Method: http.MethodPost, Path: "/api/v1/jobs/{job_id}/cancel", Tags: tags,
		Summary: "Cancel a job, in the backend too", Errors: []int{http.StatusNotFound, http.StatusConflict}}),
		func(ctx context.Context, in *jobInput) (*Body[Submitted], error) {
			j, err := s.app.DB.Jobs().RequestCancel(ctx, in.JobID, s.app.Clock.Now())
			return answer(Submitted{JobID: j.ID, Status: string(j.Status)}, err)
		})
	huma.Register(s.api, key(huma.Operation{OperationID: "job-logs", Method: http.MethodGet, Path: "/api/v1/jobs/{job_id}/logs", Tags: tags,
		Summary: "What the job has said while it ran", Errors: []int{http.StatusNotFound}}),
		func(ctx context.Context, in *jobInput) (*Body[JobLog], error) {
			log, err := s.app.Training.JobLog(ctx, in.JobID)
			return answer(JobLog{JobID: in.JobID, Events: each(log.Events, eventView), Lines: log.Lines}, err)
		})
	s.registerEvents()
}

// JobLog is what a job has said.
type JobLog struct {
	JobID  string     `json:"job_id"`
	Events []JobEvent `json:"events" doc:"every change and step of progress, oldest first"`
	Lines  []string   `json:"lines" doc:"what its tasks print, while they run; of a failed job, the end of it"`
}

// JobEvent is one change of a job.
type JobEvent struct {
	Sequence int64     `json:"sequence"`
	Status   string    `json:"status"`
	Progress float64   `json:"progress"`
	Message  string    `json:"status_message"`
	At       time.Time `json:"timestamp"`
}
