package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/training"
	"github.com/plastinka/predictor/ports"
)

// maxAttempts is how often a task is tried when its backend fails.
const maxAttempts = 3

// taskSuffix ends the names of tasks' inputs, which begin with their jobs' ids.
const taskSuffix = ".zip"

// runLost is the code of a run that its backend does not know any more.
const runLost = "run_lost"

// remote runs one task of a job on a compute backend and survives the death of
// this process at any point: what it has reached is in the job's state, and
// every step may be repeated.
type remote struct {
	Compute   ports.Compute
	Bundle    ports.Bundle
	Artifacts ports.Artifacts
	DB        ports.Database
	Log       *slog.Logger
	Poll      time.Duration
}

// remoteState is what is durable of a task.
type remoteState struct {
	Prepared bool   `json:"prepared"` // input.zip is complete
	Attempt  int    `json:"attempt"`
	RunID    string `json:"run_id,omitempty"`
	Cursor   string `json:"cursor,omitempty"` // of the log
}

// run makes the task by prepare (once), submits it, follows it, and hands its
// result to collect. What is left of the run goes when collect has returned
// without an error.
func (r *remote) run(ctx context.Context, j *JobRun, prepare func(context.Context) (*training.Task, error),
	collect func(context.Context, *training.Result) (any, error)) (any, error) {
	var state remoteState
	if err := j.State(&state); err != nil {
		return nil, err
	}
	name := j.Job.ID + taskSuffix
	input, err := r.Artifacts.Path(ports.TaskInputs, name)
	if err != nil {
		return nil, err
	}
	for {
		if !state.Prepared {
			if err := r.prepare(ctx, j, input, &state, prepare); err != nil {
				return nil, err
			}
		}
		status, err := r.follow(ctx, j, input, &state)
		if err != nil {
			return nil, r.interrupted(ctx, state, name, err)
		}
		switch {
		case status.State == ports.RunSucceeded:
			return r.collect(ctx, j, state, name, collect)
		case status.State == ports.RunCancelled:
			r.discard(ctx, state, name)
			return nil, fault.New(fault.Cancelled, "cancelled", "the training was cancelled")
		case status.Failure == ports.BackendFault && state.Attempt < maxAttempts:
			r.Log.Warn("the backend failed; trying again", "job", j.Job.ID, "attempt", state.Attempt, "reason", status.Reason)
			r.countRetry(ctx, j, status)
			_ = r.Compute.Discard(ctx, state.RunID)
			state.RunID, state.Cursor = "", ""
			state.Prepared = status.Code != runLost // its input may have gone with it
			if err := j.Keep(ctx, state); err != nil {
				return nil, err
			}
		default:
			return nil, r.failed(ctx, state, name, status)
		}
	}
}

func (r *remote) prepare(ctx context.Context, j *JobRun, input string, state *remoteState,
	prepare func(context.Context) (*training.Task, error)) error {
	if err := j.Progress(ctx, 1, "preparing the data"); err != nil {
		return err
	}
	task, err := prepare(ctx)
	if err != nil {
		return err
	}
	if err := r.Bundle.WriteTask(ctx, input, task); err != nil {
		return fault.Wrap("app.prepare", err)
	}
	state.Prepared = true
	return j.Keep(ctx, *state)
}

// follow submits the run, unless that has been done, and returns its end.
// Submitting the same attempt again is the same run, so a death between the
// submission and Keep costs nothing.
func (r *remote) follow(ctx context.Context, j *JobRun, input string, state *remoteState) (ports.RunStatus, error) {
	if state.RunID == "" {
		state.Attempt++
		id, err := r.Compute.Submit(ctx, ports.Run{TaskID: j.Job.ID, Attempt: state.Attempt, Input: input})
		if err != nil {
			return ports.RunStatus{}, fault.Wrap("app.follow", err)
		}
		state.RunID = id
		if err := j.Keep(ctx, *state); err != nil {
			return ports.RunStatus{}, err
		}
	}
	for {
		status, err := r.Compute.Status(ctx, state.RunID)
		switch fault.KindOf(err) {
		case "":
		case fault.Unavailable, fault.Unauthenticated:
			// The backend cannot be asked now; the training is not lost by that.
			status = ports.RunStatus{State: ports.RunRunning, Progress: j.Job.Progress, Message: "waiting: " + err.Error()}
		case fault.NotFound:
			// Somebody removed it, or a process died after it had cleaned up and
			// before it had said how the job ended.
			status = ports.RunStatus{State: ports.RunFailed, Failure: ports.BackendFault, Code: runLost, Reason: err.Error()}
		default:
			return status, fault.Wrap("app.follow", err)
		}
		switch status.State {
		case ports.RunSucceeded, ports.RunFailed, ports.RunCancelled:
			return status, nil
		}
		percent := max(2, min(98, status.Progress))
		if message := message(status); message != j.Job.Message || percent-j.Job.Progress >= 1 {
			if err := j.Progress(ctx, percent, message); err != nil {
				return status, err
			}
		}
		pause(ctx, r.Poll)
		if ctx.Err() != nil {
			return status, context.Cause(ctx)
		}
	}
}

func message(s ports.RunStatus) string {
	if s.Message != "" {
		return s.Message
	}
	return string(s.State)
}

// interrupted stops the backend's run if the job was cancelled. In every other
// case the run goes on, and whoever takes the job over finds it.
func (r *remote) interrupted(ctx context.Context, state remoteState, name string, err error) error {
	if !errors.Is(context.Cause(ctx), errCancelRequested) {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	if state.RunID != "" {
		if e := r.Compute.Cancel(ctx, state.RunID); e != nil {
			r.Log.Warn("the backend's run could not be cancelled", "run", state.RunID, "error", e)
			return err
		}
		for ctx.Err() == nil { // its files go once it has stopped
			s, e := r.Compute.Status(ctx, state.RunID)
			if e != nil || s.State != ports.RunQueued && s.State != ports.RunRunning {
				break
			}
			pause(ctx, r.Poll)
		}
	}
	r.discard(ctx, state, name)
	return err
}

func (r *remote) collect(ctx context.Context, j *JobRun, state remoteState, name string,
	collect func(context.Context, *training.Result) (any, error)) (any, error) {
	if err := j.Progress(ctx, 98, "fetching the result"); err != nil {
		return nil, err
	}
	output, err := r.Compute.Fetch(ctx, state.RunID)
	if err != nil {
		return nil, fault.Wrap("app.collect", err)
	}
	dir, err := r.Artifacts.Path(ports.TaskOutputs, j.Job.ID)
	if err != nil {
		return nil, err
	}
	result, err := r.Bundle.ReadResult(ctx, output, dir)
	if err != nil {
		return nil, fault.Wrap("app.collect", err)
	}
	answer, err := collect(ctx, result)
	if err != nil {
		return nil, err
	}
	r.discard(ctx, state, name)
	if err := r.Artifacts.Remove(ports.TaskOutputs, j.Job.ID); err != nil {
		r.Log.Warn("the unpacked result could not be removed", "job", j.Job.ID, "error", err)
	}
	return answer, nil
}

// discard removes the input and what the run left; what cannot be removed now
// is no reason to lose a result.
func (r *remote) discard(ctx context.Context, state remoteState, name string) {
	if state.RunID != "" {
		if err := r.Compute.Discard(ctx, state.RunID); err != nil {
			r.Log.Warn("the run's files could not be removed", "run", state.RunID, "error", err)
		}
	}
	if err := r.Artifacts.Remove(ports.TaskInputs, name); err != nil {
		r.Log.Warn("the task's input could not be removed", "file", name, "error", err)
	}
}

// failed is the error of a run that has failed for good, with the end of its
// log.
func (r *remote) failed(ctx context.Context, state remoteState, name string, s ports.RunStatus) error {
	code := s.Code
	if code == "" {
		code = "training_failed"
	}
	kind := fault.Invalid
	if s.Failure == ports.BackendFault {
		kind, code = fault.Unavailable, "compute_failed"
	}
	reason := s.Reason
	if reason == "" {
		reason = "no reason was given"
	}
	failure := fault.New(kind, code, "the training failed: %s", reason)
	if state.Attempt > 1 {
		failure.Message += fmt.Sprintf(" (attempt %d)", state.Attempt)
	}
	if lines, _, err := r.Compute.Logs(ctx, state.RunID, ""); err == nil && len(lines) > 0 {
		failure = failure.With("log", lines[max(0, len(lines)-20):])
	}
	r.discard(ctx, state, name)
	return failure
}

func (r *remote) countRetry(ctx context.Context, j *JobRun, s ports.RunStatus) {
	event := ports.RetryEvent{Operation: "compute_run", Error: string(s.Failure), Attempts: 1, At: j.clock.Now()}
	if err := r.DB.Results().CountRetry(ctx, event); err != nil {
		r.Log.Warn("a retry could not be counted", "error", err)
	}
}
