package app

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"github.com/plastinka/predictor/domain/training"
	"github.com/plastinka/predictor/ports"
)

// maxAttempts is how often a task is tried when its backend fails.
const maxAttempts = 3

// taskSuffix ends the names of tasks' inputs, which begin with their jobs' ids.
const taskSuffix = ".zip"

// runLost is the code of a run that its backend does not know any more.
const runLost = "run_lost"

// remote runs the tasks of a job on a compute backend and survives the death of
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

// remoteTask is one task of a job.
type remoteTask struct {
	id      string // the job's, of its only task, or with "-" and a number
	prepare func(context.Context) (*training.Task, error)
	collect func(context.Context, *training.Result) error
}

// remoteState is what is durable of a task.
type remoteState struct {
	Prepared bool   `json:"prepared"` // input.zip is complete
	Attempt  int    `json:"attempt"`
	RunID    string `json:"run_id,omitempty"`
}

// remoteJob is what is durable of a job: its tasks by id, and what its use case
// keeps beside them.
type remoteJob struct {
	Tasks map[string]remoteState `json:"tasks,omitempty"`
	Own   json.RawMessage        `json:"own,omitempty"`
}

// run runs the only task of a job: it makes the task by prepare (once), submits
// it, follows it, and hands its result to collect.
func (r *remote) run(ctx context.Context, j *JobRun, prepare func(context.Context) (*training.Task, error),
	collect func(context.Context, *training.Result) (any, error)) (answer any, err error) {
	task := remoteTask{id: j.Job.ID, prepare: prepare, collect: func(ctx context.Context, result *training.Result) (err error) {
		answer, err = collect(ctx, result)
		return err
	}}
	err = r.runAll(ctx, j, []remoteTask{task}, 1, func(percent float64, message string) (float64, string) { return percent, message })
	return answer, err
}

// runAll runs tasks of a job, some at once, and hands each result to its
// collect, one at a time. What is left of a run goes when collect has returned
// without an error; what is left of tasks that are not among these goes first.
// The first task that fails for good ends the others. show makes the job's
// progress of how far the tasks are, 1–98, and what one says.
func (r *remote) runAll(ctx context.Context, j *JobRun, tasks []remoteTask, parallel int,
	show func(percent float64, message string) (float64, string)) error {
	w := &remoteRun{remote: r, j: j, show: show, done: make([]float64, len(tasks))}
	if err := j.State(&w.state); err != nil {
		return err
	}
	if w.state.Tasks == nil {
		w.state.Tasks = map[string]remoteState{}
	}
	w.forget(ctx, tasks)
	open := make([]int, len(tasks))
	for i := range open {
		open[i] = i
	}
	for len(open) > 0 {
		var still []int
		at := open[:min(max(parallel, 1), len(open))]
		for _, i := range at {
			ended, err := w.advance(ctx, i, tasks[i])
			if err != nil {
				return w.abandon(ctx, err)
			}
			if !ended {
				still = append(still, i)
			}
		}
		if len(still) == len(at) {
			pause(ctx, r.Poll)
		}
		open = append(still, open[len(at):]...)
		if ctx.Err() != nil && len(open) > 0 {
			return w.abandon(ctx, context.Cause(ctx))
		}
	}
	return nil
}
