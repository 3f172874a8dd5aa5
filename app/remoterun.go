package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/ports"
)

// remoteRun is runAll at work.
type remoteRun struct {
	*remote
	j     *JobRun
	state remoteJob
	show  func(percent float64, message string) (float64, string)
	done  []float64 // 0–100 by task
}

// forget removes what is left of tasks that are not wanted any more: their
// results were kept by a process that died before it had cleaned up.
func (w *remoteRun) forget(ctx context.Context, tasks []remoteTask) {
	for id := range w.state.Tasks {
		if !slices.ContainsFunc(tasks, func(t remoteTask) bool { return t.id == id }) {
			w.discard(ctx, id)
		}
	}
}

// keep makes what is known of a task durable.
func (w *remoteRun) keep(ctx context.Context, id string, s remoteState) error {
	w.state.Tasks[id] = s
	return w.j.Keep(ctx, w.state)
}

// say records how far task i is.
func (w *remoteRun) say(ctx context.Context, i int, percent float64, message string) error {
	w.done[i] = percent
	var sum float64
	for _, p := range w.done {
		sum += p
	}
	percent, message = w.show(sum/float64(len(w.done)), message)
	if message == w.j.Job.Message && percent-w.j.Job.Progress < 1 {
		return nil
	}
	return w.j.Progress(ctx, percent, message)
}

// advance takes a task one step further and says whether it has ended well.
// Submitting the same attempt again is the same run, so a death between the
// submission and keep costs nothing.
func (w *remoteRun) advance(ctx context.Context, i int, t remoteTask) (ended bool, err error) {
	s := w.state.Tasks[t.id]
	input, err := w.Artifacts.Path(ports.TaskInputs, t.id+taskSuffix)
	if err != nil {
		return false, err
	}
	if !s.Prepared {
		if err := w.prepare(ctx, i, t, input); err != nil {
			return false, err
		}
		s.Prepared = true
		if err := w.keep(ctx, t.id, s); err != nil {
			return false, err
		}
	}
	if s.RunID == "" {
		s.Attempt++
		if s.RunID, err = w.Compute.Submit(ctx, ports.Run{TaskID: t.id, Attempt: s.Attempt, Input: input}); err != nil {
			return false, fault.Wrap("app.advance", err)
		}
		if err := w.keep(ctx, t.id, s); err != nil {
			return false, err
		}
	}
	status, err := w.look(ctx, s.RunID)
	if err != nil {
		return false, err
	}
	switch status.State {
	case ports.RunSucceeded:
		return true, w.collect(ctx, i, t, s)
	case ports.RunCancelled:
		return false, fault.New(fault.Cancelled, "cancelled", "the training was cancelled")
	case ports.RunFailed:
		return false, w.again(ctx, t.id, s, status)
	}
	return false, w.say(ctx, i, max(2, min(98, status.Progress)), message(status))
}

func (w *remoteRun) prepare(ctx context.Context, i int, t remoteTask, input string) error {
	if err := w.say(ctx, i, 1, "preparing the data"); err != nil {
		return err
	}
	task, err := t.prepare(ctx)
	if err != nil {
		return err
	}
	return fault.Wrap("app.prepare", w.Bundle.WriteTask(ctx, input, task))
}

// look is one look at a run.
func (w *remoteRun) look(ctx context.Context, runID string) (ports.RunStatus, error) {
	status, err := w.Compute.Status(ctx, runID)
	switch fault.KindOf(err) {
	case "":
		return status, nil
	case fault.Unavailable, fault.Unauthenticated:
		// The backend cannot be asked now; the training is not lost by that.
		return ports.RunStatus{State: ports.RunRunning, Progress: w.j.Job.Progress, Message: "waiting: " + err.Error()}, nil
	case fault.NotFound:
		// Somebody removed it, or a process died after it had cleaned up and
		// before it had said how the job ended.
		return ports.RunStatus{State: ports.RunFailed, Failure: ports.BackendFault, Code: runLost, Reason: err.Error()}, nil
	}
	return status, fault.Wrap("app.look", err)
}

// again makes the next attempt of a failed task possible, or is its error.
func (w *remoteRun) again(ctx context.Context, id string, s remoteState, status ports.RunStatus) error {
	if status.Failure != ports.BackendFault || s.Attempt >= maxAttempts {
		return w.failed(ctx, s, status)
	}
	w.Log.Warn("the backend failed; trying again", "job", w.j.Job.ID, "task", id, "attempt", s.Attempt, "reason", status.Reason)
	w.countRetry(ctx, w.j, status)
	_ = w.Compute.Discard(ctx, s.RunID)
	s.RunID = ""
	s.Prepared = status.Code != runLost // its input may have gone with it
	return w.keep(ctx, id, s)
}

func message(s ports.RunStatus) string {
	if s.Message != "" {
		return s.Message
	}
	return string(s.State)
}

// abandon cleans up after what ended the job's tasks. If they failed or the job
// was cancelled, the backend's runs are stopped and what they left goes. In
// every other case they go on, and whoever takes the job over finds them.
func (w *remoteRun) abandon(ctx context.Context, err error) error {
	cancelled := errors.Is(context.Cause(ctx), errCancelRequested)
	if ctx.Err() != nil && !cancelled || fault.KindOf(err) == fault.Conflict {
		return err
	}
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer stop()
	for id, s := range w.state.Tasks {
		if s.RunID == "" || w.stop(ctx, s.RunID) {
			w.discard(ctx, id)
		}
	}
	return err
}

// stop cancels a run and waits for its end: its files go once it has stopped.
func (w *remoteRun) stop(ctx context.Context, runID string) bool {
	for asked := false; ctx.Err() == nil; asked = true {
		s, err := w.Compute.Status(ctx, runID)
		if err != nil || s.State != ports.RunQueued && s.State != ports.RunRunning {
			return true
		}
		if !asked {
			if err := w.Compute.Cancel(ctx, runID); err != nil {
				w.Log.Warn("the backend's run could not be cancelled", "run", runID, "error", err)
				return false
			}
		}
		pause(ctx, w.Poll)
	}
	return true
}

func (w *remoteRun) collect(ctx context.Context, i int, t remoteTask, s remoteState) error {
	if err := w.say(ctx, i, 98, "fetching the result"); err != nil {
		return err
	}
	output, err := w.Compute.Fetch(ctx, s.RunID)
	if err != nil {
		return fault.Wrap("app.collect", err)
	}
	dir, err := w.Artifacts.Path(ports.TaskOutputs, t.id)
	if err != nil {
		return err
	}
	result, err := w.Bundle.ReadResult(ctx, output, dir)
	if err != nil {
		return fault.Wrap("app.collect", err)
	}
	if err := t.collect(ctx, result); err != nil {
		return err
	}
	w.discard(ctx, t.id)
	return w.j.remember(w.state)
}

// discard removes a task's input and what its run left, and then the task from
// the job's state. What cannot be removed now is no reason to lose a result; it
// stays in the state, and the next call of runAll tries again.
func (w *remoteRun) discard(ctx context.Context, id string) {
	if run := w.state.Tasks[id].RunID; run != "" {
		if err := w.Compute.Discard(ctx, run); err != nil {
			w.Log.Warn("the run's files could not be removed", "run", run, "error", err)
			return
		}
	}
	for place, name := range map[ports.Place]string{ports.TaskInputs: id + taskSuffix, ports.TaskOutputs: id} {
		if err := w.Artifacts.Remove(place, name); err != nil {
			w.Log.Warn("a file of a task could not be removed", "task", id, "place", place, "error", err)
			return
		}
	}
	delete(w.state.Tasks, id)
}

// failed is the error of a run that has failed for good, with the end of its
// log.
func (r *remote) failed(ctx context.Context, state remoteState, s ports.RunStatus) error {
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
	return failure
}

func (r *remote) countRetry(ctx context.Context, j *JobRun, s ports.RunStatus) {
	event := ports.RetryEvent{Operation: "compute_run", Error: string(s.Failure), Attempts: 1, At: j.clock.Now()}
	if err := r.DB.Results().CountRetry(ctx, event); err != nil {
		r.Log.Warn("a retry could not be counted", "error", err)
	}
}
