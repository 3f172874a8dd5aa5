package datasphere

import (
	"context"
	"time"

	jobs "github.com/yandex-cloud/go-genproto/yandex/cloud/datasphere/v2/jobs"
	"google.golang.org/grpc/codes"

	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/ports"
)

// Cancel has the run stopped, and returns when the cloud has been told. If it
// cannot be told now, looks at the run will.
func (b *Backend) Cancel(ctx context.Context, id string) error {
	folder, err := b.find(ctx, id)
	if err != nil {
		return err
	}
	r, err := load(folder, id)
	if err != nil || r.End != nil {
		return err
	}
	if err := folder.PutCancelled(b.options.Clock.Now()); err != nil {
		return err
	}
	unlock, ok, err := lock(ctx, folder, b.options.CancelTimeout)
	if err != nil || !ok {
		return err // whoever works on it sees the wish at its next step
	}
	defer unlock()
	b.hurry(id)
	return b.persist(ctx, b.options.CancelTimeout, "datasphere_cancel", func(ctx context.Context) error {
		r, err := load(folder, id)
		if err != nil || r.End != nil {
			return err
		}
		if !r.Executing {
			return b.withdraw(ctx, r)
		}
		return b.stop(ctx, r)
	})
}

// persist repeats what must not wait for the next look, while the errors can
// pass and there is time.
func (b *Backend) persist(ctx context.Context, limit time.Duration, name string, f func(context.Context) error) (err error) {
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	event := ports.RetryEvent{Operation: name}
	for wait := min(firstRetry, b.options.PollInterval); ; wait *= 2 {
		err = f(limited)
		if err == nil || fault.KindOf(err) != fault.Unavailable {
			break
		}
		event.Attempts, event.Error = event.Attempts+1, fault.CodeOf(err)
		select {
		case <-limited.Done():
		case <-time.After(wait):
		}
		if limited.Err() != nil {
			break
		}
	}
	if event.Attempts > 0 && b.options.Count != nil {
		event.At, event.Succeeded = b.options.Clock.Now(), err == nil
		b.options.Count(context.WithoutCancel(ctx), event)
	}
	if ctx.Err() == nil && fault.KindOf(err) == fault.Cancelled {
		err = fault.New(fault.Unavailable, "yc_unavailable", "DataSphere did not answer within %s", limit)
	}
	return err
}

// withdraw ends a run whose job was not started.
func (b *Backend) withdraw(ctx context.Context, r *run) error {
	if r.JobID == "" && r.Creating {
		found, err := b.search(ctx, r)
		if err != nil {
			return err
		}
		if found != nil && found.Status != jobs.JobStatus_CREATING {
			return b.adopt(ctx, r, found, nil)
		}
		if found != nil {
			r.JobID = found.Id
		}
	}
	if r.JobID != "" {
		if err := b.delete(ctx, r.JobID); err != nil && fault.KindOf(err) != fault.Invalid {
			return err
		}
	}
	return r.cancelled("the task was stopped before it began")
}

// stop tells a started job to end: gracefully first, hard when its time is up.
func (b *Backend) stop(ctx context.Context, r *run) error {
	now := b.options.Clock.Now()
	late := !r.CancelSent.IsZero() && now.Sub(r.CancelSent) > 2*grace
	if !r.CancelSent.IsZero() && (!late || r.Killed) {
		return nil
	}
	if err := b.cancelJob(ctx, r.JobID, !late); err != nil {
		return err
	}
	if r.CancelSent.IsZero() {
		r.CancelSent = now
	}
	r.Killed = late
	return b.save(r, "cancel sent")
}

// cancelJob is the call. One that has ended needs none.
func (b *Backend) cancelJob(ctx context.Context, jobID string, graceful bool) error {
	_, err := ask(ctx, b.cloud, b.options.CancelTimeout, jobs.ProjectJobServiceClient.Cancel, &jobs.CancelProjectJobRequest{JobId: jobID, Graceful: graceful})
	if c := codeOf(err); c == codes.NotFound || c == codes.FailedPrecondition {
		return nil
	}
	return translate(ctx, "stopping the job", err)
}

// Fetch is the path of the output, checked; one that was damaged or removed
// here is fetched again.
func (b *Backend) Fetch(ctx context.Context, id string) (string, error) {
	folder, err := b.find(ctx, id)
	if err != nil {
		return "", err
	}
	unlock, ok, err := lock(ctx, folder, b.options.DownloadTimeout)
	if err != nil {
		return "", err
	}
	defer unlock()
	r, err := load(folder, id)
	if err != nil {
		return "", err
	}
	if !ok || r.End == nil || r.End.State != ports.RunSucceeded {
		return "", fault.New(fault.Conflict, "run_not_succeeded", "the run %s has no output: it has not ended well", id)
	}
	if is, err := measure(folder.Output()); err == nil && is.Size == r.Output.Size && is.SHA256 == r.Output.SHA256 {
		return folder.Output(), nil
	}
	err = b.persist(ctx, b.options.DownloadTimeout, "datasphere_download", func(ctx context.Context) error {
		fresh := &run{folder: folder, record: r.record, id: id}
		if err := b.renew(ctx, fresh); err != nil {
			return err
		}
		if fresh.Output.URL == "" {
			return fault.New(fault.Invalid, "output_lost", "the output of the run %s is neither here nor in the cloud any more; run the task again", id)
		}
		_, err := download(ctx, b.client, b.options.DownloadTimeout, fresh.Output.URL, folder.Output(), *fresh.Output)
		return err
	})
	return folder.Output(), err
}

// Discard removes the run's folder, and, if so set, a succeeded job's files in
// the cloud. A job that still goes on is stopped first, hard; if that is not
// possible now, the folder stays, so that it is not forgotten.
func (b *Backend) Discard(ctx context.Context, id string) error {
	folder, there := b.runs.Folder(id)
	if !there {
		return nil
	}
	unlock, ok, err := lock(ctx, folder, b.options.CancelTimeout)
	if err != nil {
		return err
	}
	defer unlock()
	if !ok {
		return fault.New(fault.Conflict, "run_busy", "the run %s is being worked on; try again", id)
	}
	r, err := load(folder, id)
	if fault.KindOf(err) == fault.NotFound { // it was never written down
		return folder.Remove()
	}
	if err != nil {
		return err
	}
	err = b.persist(ctx, b.options.CancelTimeout, "datasphere_discard", func(ctx context.Context) error { return b.clear(ctx, r) })
	if err != nil {
		return err
	}
	b.mu.Lock()
	delete(b.paces, id)
	b.mu.Unlock()
	return folder.Remove()
}

// clear leaves nothing of the run in the cloud that costs.
func (b *Backend) clear(ctx context.Context, r *run) error {
	switch {
	case r.End == nil && !r.Executing:
		return b.withdraw(ctx, r)
	case r.End == nil:
		return b.cancelJob(ctx, r.JobID, false)
	case r.End.State != ports.RunSucceeded || !b.options.DeleteData:
		return nil
	}
	_, err := ask(ctx, b.cloud, b.options.StatusTimeout, jobs.ProjectJobServiceClient.DeleteData, &jobs.DeleteProjectJobDataRequest{JobId: r.JobID})
	if err != nil && !passing(err) { // it goes by itself, in time
		b.options.Log.Warn("the job's files in the cloud cannot be deleted", "run", r.id, "error", translate(ctx, "deleting them", err))
		return nil
	}
	return translate(ctx, "deleting the job's files", err)
}
