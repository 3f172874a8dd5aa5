// Package job is the state machine of a job: a row before it is a goroutine.
//
//	pending → running → completed | failed | cancelled
//	pending → cancelled
//	running → pending          (its worker died: the lease ran out, or it was handed back)
//
// A worker claims a job by a lease; the job's Attempt is the fencing token: a
// change made with an older attempt than the stored one is refused, so that a
// worker that was thought dead can do no harm.
package job

import (
	"encoding/json"
	"time"
)

// Type says what a job does.
type Type string

// The types.
const (
	Upload     Type = "data_upload"
	Training   Type = "training"
	Tuning     Type = "tuning"
	Backtest   Type = "backtest"
	Report     Type = "report"
	Prediction Type = "prediction"
	Manual     Type = "manual_upload"
)

// Status is a job's state.
type Status string

// The states.
const (
	Pending   Status = "pending"
	Running   Status = "running"
	Completed Status = "completed"
	Failed    Status = "failed"
	Cancelled Status = "cancelled"
)

// Ended reports whether the status is final.
func (s Status) Ended() bool { return s == Completed || s == Failed || s == Cancelled }

// Job is one job as stored. All that is needed to run it is in Input, all that
// a later process needs to go on with it in State.
type Job struct {
	ID        string          `json:"job_id"`
	Type      Type            `json:"job_type"`
	Status    Status          `json:"status"`
	CreatedAt time.Time       `json:"created_at"`
	UpdatedAt time.Time       `json:"updated_at"`
	Progress  float64         `json:"progress"` // 0–100
	Message   string          `json:"status_message"`
	Result    json.RawMessage `json:"result"` // only when completed
	Error     *Failure        `json:"error"`  // only when failed

	Input           json.RawMessage `json:"-"` // the request, complete
	State           json.RawMessage `json:"-"` // what the worker has durably reached, e.g. the compute run's id
	Owner           string          `json:"-"` // the worker that holds the lease
	LeaseUntil      time.Time       `json:"-"`
	Attempt         int             `json:"-"` // grows with every claim: the fencing token
	CancelRequested bool            `json:"-"`
}

// Failure is why a job failed, in the words of fault.Error.
type Failure struct {
	Code    string         `json:"code"`
	Message string         `json:"message"`
	Details map[string]any `json:"details,omitempty"`
}

// Change is one step of a job, made by the worker that holds Attempt, and one
// entry of its history. Zero members other than Progress leave the stored
// value as it is.
type Change struct {
	ID       string
	Attempt  int
	Status   Status // "": unchanged
	Progress float64
	Message  string
	State    json.RawMessage
	Result   json.RawMessage
	Error    *Failure
	At       time.Time
}

// Event is an entry of a job's history. Sequence grows within a job.
type Event struct {
	Sequence int64     `json:"sequence"`
	JobID    string    `json:"job_id"`
	Status   Status    `json:"status"`
	Progress float64   `json:"progress"`
	Message  string    `json:"status_message"`
	At       time.Time `json:"timestamp"`
}

// Query selects jobs, newest first. Empty members select all.
type Query struct {
	Type   Type
	Status Status
	Limit  int    // 0: no limit
	Cursor string // the ID of the last job of the page before
}

// transitions says which state may follow which.
var transitions = map[Status][]Status{
	Pending: {Running, Cancelled},
	Running: {Running, Pending, Completed, Failed, Cancelled},
}

// MayBecome reports whether a job in state s may change to next.
func (s Status) MayBecome(next Status) bool {
	for _, t := range transitions[s] {
		if t == next {
			return true
		}
	}
	return false
}
