package app

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/job"
	"github.com/plastinka/predictor/ports"
)

// Sweep is the use case of a program's start: it removes the files of jobs that
// have ended, or never began, which processes that died have left behind.
type Sweep struct {
	DB        ports.Database
	Clock     ports.Clock
	Artifacts ports.Artifacts
	Compute   ports.Compute
	Log       *slog.Logger
	// Orphan reports whether whoever made a file is gone for certain; nil: one
	// never knows.
	Orphan func(ports.Place, string) bool
}

// abandoned is how old a file that nothing names must be to go, where its maker
// may still live: a younger one may belong to a submission just being made.
const abandoned = 24 * time.Hour

// Run removes what is left over. What cannot be removed now is left to the next
// start.
func (s *Sweep) Run(ctx context.Context) error {
	if err := s.uploads(ctx); err != nil {
		return fault.Wrap("app.Sweep", err)
	}
	return fault.Wrap("app.Sweep", s.tasks(ctx))
}

// uploads removes the kept files of uploads. One without a job was received but
// never submitted.
func (s *Sweep) uploads(ctx context.Context) error {
	kept, err := s.Artifacts.List(ports.Uploads)
	if err != nil {
		return err
	}
	for _, f := range kept {
		j, known, err := s.job(ctx, f.Name[:max(0, strings.LastIndexByte(f.Name, '-'))]) // of keptName
		if err != nil {
			return err
		}
		gone := s.Clock.Now().Sub(f.Modified) > abandoned || s.Orphan != nil && s.Orphan(ports.Uploads, f.Name)
		if known && !j.Status.Ended() || !known && !gone {
			continue
		}
		if err := s.Artifacts.Remove(ports.Uploads, f.Name); err != nil {
			return err
		}
	}
	return nil
}

// tasks removes the inputs of tasks whose jobs have ended, what is left of
// their runs, and their unpacked results.
func (s *Sweep) tasks(ctx context.Context) error {
	for _, place := range []ports.Place{ports.TaskInputs, ports.TaskOutputs} {
		kept, err := s.Artifacts.List(place)
		if err != nil {
			return err
		}
		for _, f := range kept {
			j, known, err := s.jobOfTask(ctx, strings.TrimSuffix(f.Name, taskSuffix))
			if err != nil {
				return err
			}
			if !known || !j.Status.Ended() {
				continue
			}
			if err := s.discard(ctx, j); err != nil {
				s.Log.Warn("what is left of a run could not be removed; the next start will try again", "job", j.ID, "error", err)
				continue
			}
			if err := s.Artifacts.Remove(place, f.Name); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Sweep) discard(ctx context.Context, j job.Job) error {
	var state remoteJob
	if err := (&JobRun{Job: j}).State(&state); err != nil {
		return err
	}
	for _, t := range state.Tasks {
		if t.RunID == "" {
			continue
		}
		if err := s.Compute.Discard(ctx, t.RunID); err != nil {
			return err
		}
	}
	return nil
}

// jobOfTask is the job whose task has the id: its own, or with a number.
func (s *Sweep) jobOfTask(ctx context.Context, id string) (j job.Job, known bool, err error) {
	if j, known, err = s.job(ctx, id); known || err != nil {
		return j, known, err
	}
	return s.job(ctx, id[:max(0, strings.LastIndexByte(id, '-'))])
}

func (s *Sweep) job(ctx context.Context, id string) (j job.Job, known bool, err error) {
	j, err = s.DB.Jobs().Job(ctx, id)
	if fault.KindOf(err) == fault.NotFound {
		return j, false, nil
	}
	return j, err == nil, err
}
