package datasphere

import (
	"context"
	"errors"
	"fmt"
	"time"

	jobs "github.com/yandex-cloud/go-genproto/yandex/cloud/datasphere/v2/jobs"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/grpc/codes"

	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/ports"
)

// How many jobs that could not be started a run may have before it is given up,
// and how long to wait for room.
const (
	maxSubmissions = 5
	firstQuota     = time.Minute
	maxQuota       = 15 * time.Minute
)

// advance moves a run on until it has to wait for somebody, or has ended. A
// wait that lasts longer than a job may is given up.
func (b *Backend) advance(ctx context.Context, r *run) error {
	for more := true; more && r.End == nil; {
		var err error
		if more, err = b.step(ctx, r); err != nil {
			return b.patient(ctx, r, err)
		}
	}
	if !r.FailedSince.IsZero() {
		r.FailedSince = time.Time{}
		return r.save()
	}
	return nil
}

func (b *Backend) patient(ctx context.Context, r *run, err error) error {
	now := b.options.Clock.Now()
	switch {
	case ctx.Err() != nil:
		return err
	case r.FailedSince.IsZero():
		r.FailedSince = now
		if e := r.save(); e != nil {
			return e
		}
	case now.Sub(r.FailedSince) > b.options.MaxRuntime:
		return r.failed("gave_up", fmt.Sprintf("nothing could be done for %s: %v", b.options.MaxRuntime, err))
	}
	return err
}

// step does the next thing; more says that there is another one to do at once.
func (b *Backend) step(ctx context.Context, r *run) (more bool, err error) {
	switch {
	case r.Output != nil:
		return true, b.fetch(ctx, r)
	case r.asked && !r.Executing:
		return true, b.withdraw(ctx, r)
	case r.JobID == "":
		return b.create(ctx, r)
	case len(r.Uploads) > 0:
		return true, b.upload(ctx, r)
	case r.Operation == "" && r.State == "":
		return true, b.execute(ctx, r)
	case r.asked || r.GaveUp:
		if err := b.stop(ctx, r); err != nil {
			return false, err
		}
	case b.options.Clock.Now().Sub(r.ExecutedAt) > b.options.MaxRuntime:
		r.GaveUp = true
		return true, b.save(r, "gave up")
	}
	return b.follow(ctx, r)
}

// create makes the job, or finds the one that was made.
func (b *Backend) create(ctx context.Context, r *run) (more bool, err error) {
	if now := b.options.Clock.Now(); now.Before(r.QuotaNext) {
		r.Message = "the project's quota of jobs is used up; trying again at " + r.QuotaNext.UTC().Format("15:04:05 MST")
		return false, nil
	}
	if r.CreateOperation != "" {
		op, err := b.cloud.operation(ctx, b.options.StatusTimeout, r.CreateOperation)
		if codeOf(err) == codes.NotFound {
			r.CreateOperation = "" // the search will find the job, if there is one
			return true, b.save(r, "operation of create lost")
		}
		if err != nil {
			return false, translate(ctx, "making the job", err)
		}
		return b.created(r, op)
	}
	if r.Creating {
		if found, err := b.search(ctx, r); found != nil || err != nil {
			return true, b.adopt(ctx, r, found, err)
		}
	}
	request, err := b.options.request(r)
	if err != nil {
		return false, err
	}
	r.Creating, r.Message = true, "making the job"
	if err := b.save(r, "creating"); err != nil {
		return false, err
	}
	op, err := ask(ctx, b.cloud, b.options.StatusTimeout, jobs.ProjectJobServiceClient.Create, request)
	switch {
	case err == nil:
		r.CreateOperation = op.Id
		if err := b.save(r, "create called"); err != nil {
			return false, err
		}
		return b.created(r, op)
	case ctx.Err() != nil || passing(err):
		return false, translate(ctx, "making the job", err)
	}
	return true, r.failed("submission_refused", translate(ctx, "making the job", err).Error())
}

// created reads Create's operation.
func (b *Backend) created(r *run, op *operation.Operation) (more bool, err error) {
	if failure := op.GetError(); failure != nil {
		if codes.Code(failure.Code) == codes.ResourceExhausted {
			return true, b.noRoom(r)
		}
		return true, r.failed("submission_refused", "making the job: DataSphere refuses ("+failure.Message+")")
	}
	if !op.Done {
		return false, nil
	}
	var answer jobs.CreateProjectJobResponse
	if err := op.GetResponse().UnmarshalTo(&answer); err != nil {
		return true, r.failed("submission_refused", "making the job: the answer cannot be read: "+err.Error())
	}
	r.JobID = answer.JobId
	for _, wanted := range answer.UploadFiles {
		f, known := map[string]file{r.Program.Path: r.Program, r.Input.Path: r.Input}[wanted.GetFile().GetDesc().GetPath()]
		if known && wanted.Url != "" {
			f.URL = wanted.Url
			r.Uploads = append(r.Uploads, f)
		}
	}
	return true, b.save(r, "created")
}

// search looks for a job of the run's name.
func (b *Backend) search(ctx context.Context, r *run) (*jobs.Job, error) {
	request := &jobs.ListProjectJobRequest{ProjectId: b.options.ProjectID, PageSize: 100}
	for {
		page, err := ask(ctx, b.cloud, b.options.StatusTimeout, jobs.ProjectJobServiceClient.List, request)
		if err != nil {
			return nil, translate(ctx, "looking for the job", err)
		}
		for _, j := range page.Jobs {
			if j.Name == r.name() {
				return j, nil
			}
		}
		if request.PageToken = page.NextPageToken; request.PageToken == "" {
			return nil, nil
		}
	}
}

// adopt takes over what a call did whose answer was lost. A job that never ran
// has to go: where its files would be uploaded to nobody knows any more.
func (b *Backend) adopt(ctx context.Context, r *run, found *jobs.Job, err error) error {
	if err != nil {
		return err
	}
	if found.Status == jobs.JobStatus_CREATING || found.Status == jobs.JobStatus_JOB_STATUS_UNSPECIFIED {
		if err := b.delete(ctx, found.Id); err != nil {
			return err
		}
		r.Creating = false
		return b.save(r, "orphan deleted")
	}
	r.JobID, r.Executing, r.ExecutedAt = found.Id, true, b.options.Clock.Now()
	return b.save(r, "adopted")
}

// delete removes a job that never ran.
func (b *Backend) delete(ctx context.Context, jobID string) error {
	_, err := ask(ctx, b.cloud, b.options.StatusTimeout, jobs.ProjectJobServiceClient.Delete, &jobs.DeleteProjectJobRequest{JobId: jobID})
	if codeOf(err) == codes.NotFound {
		return nil
	}
	return translate(ctx, "deleting a job that never ran", err)
}

// upload transfers the next file.
func (b *Backend) upload(ctx context.Context, r *run) error {
	f := r.Uploads[0]
	r.Message = "uploading " + f.Path
	err := upload(ctx, b.client, b.options.SubmitTimeout, f, f.URL)
	switch {
	case err == nil:
		r.Uploads = r.Uploads[1:]
		return b.save(r, "uploaded "+f.Path)
	case ctx.Err() != nil:
		return fault.Wrap("datasphere.upload", ctx.Err())
	case errors.Is(err, errExpired):
		return b.again(ctx, r, "the address of an upload has expired")
	case fault.KindOf(err) == fault.NotFound:
		return r.failed("run_lost", err.Error()) // whoever made the input makes it again
	case fault.KindOf(err) == fault.Unavailable:
		return err
	}
	return r.failed("submission_refused", err.Error())
}

// again gives the job up for another one.
func (b *Backend) again(ctx context.Context, r *run, why string) error {
	if r.Abandoned++; r.Abandoned >= maxSubmissions {
		return r.failed("submission_refused", fmt.Sprintf("%s, %d times", why, r.Abandoned))
	}
	if err := b.delete(ctx, r.JobID); err != nil && fault.KindOf(err) != fault.Invalid {
		return err
	}
	r.anew()
	return b.save(r, "begun again")
}

// noRoom waits for the project's other jobs, and then makes another job.
func (b *Backend) noRoom(r *run) error {
	now := b.options.Clock.Now()
	if r.QuotaSince.IsZero() {
		r.QuotaSince = now
	}
	waited := now.Sub(r.QuotaSince)
	if waited > b.options.MaxRuntime {
		return r.failed("quota", fmt.Sprintf("the project's quota of jobs has been used up for %s; raise it, or stop other jobs", waited.Round(time.Minute)))
	}
	r.QuotaNext = now.Add(min(max(firstQuota, waited), maxQuota))
	r.anew()
	return b.save(r, "no room")
}

// execute starts the job, unless it may have been started before: then the job
// itself says how far it is.
func (b *Backend) execute(ctx context.Context, r *run) error {
	if r.Executing {
		j, err := ask(ctx, b.cloud, b.options.StatusTimeout, jobs.ProjectJobServiceClient.Get, &jobs.GetProjectJobRequest{JobId: r.JobID})
		switch {
		case codeOf(err) == codes.NotFound:
			return r.failed("run_lost", lostJob)
		case err != nil:
			return translate(ctx, "looking at the job", err)
		case j.Status != jobs.JobStatus_CREATING:
			r.State = string(ports.RunQueued)
			return b.save(r, "joined")
		}
	}
	r.Executing, r.Message = true, "starting"
	if r.ExecutedAt.IsZero() {
		r.ExecutedAt = b.options.Clock.Now()
	}
	if err := b.save(r, "executing"); err != nil {
		return err
	}
	op, err := ask(ctx, b.cloud, b.options.StatusTimeout, jobs.ProjectJobServiceClient.Execute, &jobs.ExecuteProjectJobRequest{JobId: r.JobID})
	switch code := codeOf(err); {
	case err == nil:
		r.Operation, r.State = op.Id, string(ports.RunQueued)
		return b.save(r, "executed")
	case code == codes.NotFound:
		return r.failed("run_lost", lostJob)
	case code == codes.FailedPrecondition: // an upload that did not arrive
		return b.again(ctx, r, "DataSphere does not start the job: "+translate(ctx, "starting it", err).Error())
	case ctx.Err() != nil || passing(err) || code == codes.PermissionDenied:
		return translate(ctx, "starting the job", err)
	}
	return r.failed("submission_refused", translate(ctx, "starting the job", err).Error())
}

const lostJob = "DataSphere does not know the job any more: it was deleted, or lost"
