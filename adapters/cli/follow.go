package cli

import (
	"context"

	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/job"
)

// follow runs a job, or watches it while another process runs it, with a
// progress bar, and returns it when it has ended well. A failed job is its
// error.
func (s *session) follow(ctx context.Context, in *Installation, what, id string) (job.Job, error) {
	p := s.term.Start(what)
	defer p.Finish()
	j, err := in.Worker.RunJob(ctx, id, func(j job.Job) {
		if !j.Status.Ended() {
			p.Update(j.Progress, j.Message)
		}
	})
	if err != nil {
		return j, err
	}
	switch {
	case j.Status == job.Cancelled:
		return j, fault.New(fault.Cancelled, "cancelled", "the job %s was cancelled", j.ID)
	case j.Error != nil:
		e := fault.New(kindOf(j.Error.Code), j.Error.Code, "%s", j.Error.Message)
		e.Details = j.Error.Details
		return j, e
	}
	return j, nil
}

// kindOf tells failures of the input, which the caller can mend, from others:
// the kind itself is not stored with a job.
func kindOf(code string) fault.Kind {
	switch code {
	case "internal_error", "training_failed", "compute_failed", "worker_died", "disk_full", "database_corrupt":
		return fault.Internal
	}
	return fault.Invalid
}
