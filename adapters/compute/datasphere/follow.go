package datasphere

import (
	"context"
	"errors"
	"fmt"
	"slices"

	jobs "github.com/yandex-cloud/go-genproto/yandex/cloud/datasphere/v2/jobs"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/plastinka/predictor/adapters/support/taskrun"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/ports"
)

// maxDamaged is how often an output may arrive damaged.
const maxDamaged = 3

// follow looks at a job that was started: by its operation, which alone has the
// return code and the output's address, or by itself if that is not known.
func (b *Backend) follow(ctx context.Context, r *run) (more bool, err error) {
	if r.Operation == "" {
		return b.followJob(ctx, r)
	}
	op, err := b.cloud.operation(ctx, b.options.StatusTimeout, r.Operation)
	switch {
	case codeOf(err) == codes.NotFound:
		r.Operation = ""
		return true, b.save(r, "operation lost")
	case err != nil:
		return false, translate(ctx, "looking at the job", err)
	case op.Done || op.GetError() != nil:
		return true, b.settle(ctx, r, op)
	}
	var meta jobs.ExecuteProjectJobMetadata
	if op.Metadata != nil && op.Metadata.UnmarshalTo(&meta) == nil {
		state := meta.GetMetadata().GetStatus()
		if state == jobs.JobStatus_JOB_STATUS_UNSPECIFIED {
			//lint:ignore SA1019 what a server says that does not fill the new member yet
			state = meta.GetJob().GetStatus()
		}
		r.shown(state)
		if p := meta.Progress; p != nil {
			r.State, r.Progress, r.Message = string(ports.RunRunning), float64(min(max(p.Progress, 0), 100)), p.Message
		}
	}
	return false, b.look(ctx, r)
}

// shown takes over the job's status.
func (r *run) shown(s jobs.JobStatus) {
	r.State = string(ports.RunRunning)
	switch s {
	case jobs.JobStatus_EXECUTING:
		r.Message = "running"
	case jobs.JobStatus_UPLOADING_OUTPUT:
		r.Message = "storing the result"
	case jobs.JobStatus_CANCELLING:
		r.Message = "stopping"
	default:
		r.State, r.Message = string(ports.RunQueued), "a machine is being prepared"
	}
}

// look reads what is new in the log. That it cannot be read now is no reason to
// think anything of the job.
func (b *Backend) look(ctx context.Context, r *run) error {
	err := b.pull(ctx, r, false)
	if err == nil {
		return r.save()
	}
	if ctx.Err() != nil {
		return fault.Wrap("datasphere.look", ctx.Err())
	}
	b.options.Log.Warn("the job's log cannot be read now", "run", r.id, "error", err)
	return r.save()
}

// followJob looks at the job itself.
func (b *Backend) followJob(ctx context.Context, r *run) (more bool, err error) {
	j, err := ask(ctx, b.cloud, b.options.StatusTimeout, jobs.ProjectJobServiceClient.Get, &jobs.GetProjectJobRequest{JobId: r.JobID})
	if codeOf(err) == codes.NotFound {
		return true, r.failed("run_lost", lostJob)
	}
	if err != nil {
		return false, translate(ctx, "looking at the job", err)
	}
	switch j.Status {
	case jobs.JobStatus_SUCCESS:
		if err := b.drain(ctx, r, false); err != nil {
			return false, err
		}
		files := make([]*jobs.StorageFile, len(j.OutputFiles))
		for i, f := range j.OutputFiles {
			files[i] = &jobs.StorageFile{File: f}
		}
		return true, b.succeeded(r, files)
	case jobs.JobStatus_CANCELLED:
		return true, b.wasCancelled(ctx, r)
	case jobs.JobStatus_ERROR:
		if err := b.drain(ctx, r, true); err != nil {
			return false, err
		}
		if end, ok := r.said(); ok {
			return true, b.programFailed(ctx, r, end)
		}
		reason := j.StatusDetails
		if reason == "" {
			reason = "the job failed without a reason"
		}
		return true, b.backendFailed(ctx, r, "job_failed", reason)
	}
	r.shown(j.Status)
	if err := b.look(ctx, r); err != nil {
		return false, err
	}
	if last, err := r.folder.LastProgress(); err == nil && last.Message != "" && r.State == string(ports.RunRunning) {
		r.Progress, r.Message = last.Progress, last.Message
	}
	return false, r.save()
}

// settle reads how the execution ended.
func (b *Backend) settle(ctx context.Context, r *run, op *operation.Operation) error {
	if failure := op.GetError(); failure != nil {
		switch codes.Code(failure.Code) {
		case codes.ResourceExhausted:
			if r.asked {
				return b.wasCancelled(ctx, r)
			}
			return b.noRoom(r)
		case codes.Canceled:
			return b.wasCancelled(ctx, r)
		}
		if err := b.drain(ctx, r, false); err != nil {
			return err
		}
		return b.backendFailed(ctx, r, "job_failed", "DataSphere could not run the job: "+status.FromProto(failure).Message())
	}
	var answer jobs.ExecuteProjectJobResponse
	if err := op.GetResponse().UnmarshalTo(&answer); err != nil {
		return b.backendFailed(ctx, r, "job_failed", "the end of the job cannot be read: "+err.Error())
	}
	code := int(answer.GetResult().GetReturnCode())
	if err := b.drain(ctx, r, code != taskrun.ExitDone); err != nil {
		return err
	}
	if code == taskrun.ExitDone {
		if len(answer.OutputFiles) == 0 && len(answer.OutputFilesErrors) > 0 {
			return b.backendFailed(ctx, r, "output_missing", "DataSphere did not keep the output: "+answer.OutputFilesErrors[0].Description)
		}
		return b.succeeded(r, answer.OutputFiles)
	}
	if r.asked || r.GaveUp {
		if code == taskrun.ExitCancelled || code > 128 {
			return b.wasCancelled(ctx, r)
		}
	}
	end, ok := r.said()
	if end.Exit = code; !ok {
		end.Message = fmt.Sprintf("the program ended with code %d and did not say why", code)
	}
	if code == taskrun.ExitCancelled { // nobody of ours asked for it
		return b.backendFailed(ctx, r, "interrupted", "the job was interrupted by DataSphere")
	}
	return b.programFailed(ctx, r, end)
}

// succeeded takes note of the output; it is fetched next.
func (b *Backend) succeeded(r *run, files []*jobs.StorageFile) error {
	at := slices.IndexFunc(files, func(f *jobs.StorageFile) bool { return f.GetFile().GetDesc().GetPath() == outputName })
	if at < 0 {
		return r.failed("output_missing", "the job ended well but left no "+outputName)
	}
	f := files[at].File
	r.Output = &file{Path: outputName, SHA256: f.Sha256, Size: f.SizeBytes, URL: files[at].Url}
	r.State, r.Message, r.Progress = string(ports.RunRunning), "fetching the result", 100
	return b.save(r, "ended")
}

// maxLogTries is how many looks the end of a failed job's log is worth.
const maxLogTries = 5

// drain reads the log to its end. Of a failed program it says why it failed, so
// that an outage is waited for, though not for long, and a log that does not say
// it, which may have been cut off, is read on. Of others it is only nice to have.
func (b *Backend) drain(ctx context.Context, r *run, failed bool) error {
	err := b.pull(ctx, r, true)
	if _, said := r.said(); err == nil && failed && !said {
		r.LogWhole = false
		err = b.pull(ctx, r, true)
	}
	if err == nil {
		return nil
	}
	if ctx.Err() == nil {
		b.options.Log.Warn("the end of the job's log cannot be read", "run", r.id, "error", err)
	}
	if ctx.Err() != nil || !failed || r.LogTries >= maxLogTries {
		return ctx.Err()
	}
	r.LogTries++
	if e := r.save(); e != nil {
		return e
	}
	return err
}

func (b *Backend) programFailed(ctx context.Context, r *run, end taskrun.End) error {
	s := end.Status()
	s.Progress = r.Progress
	return b.ended(ctx, r, s)
}

func (b *Backend) backendFailed(ctx context.Context, r *run, code, reason string) error {
	return b.ended(ctx, r, ports.RunStatus{State: ports.RunFailed, Failure: ports.BackendFault, Code: code, Reason: reason, Progress: r.Progress})
}

// wasCancelled ends a run whose job was stopped: by us, or in the console.
func (b *Backend) wasCancelled(ctx context.Context, r *run) error {
	if err := b.drain(ctx, r, false); err != nil {
		return err
	}
	if r.GaveUp && !r.asked {
		return b.ended(ctx, r, ports.RunStatus{State: ports.RunFailed, Failure: ports.TaskFault, Code: "runtime_exceeded", Progress: r.Progress,
			Reason: fmt.Sprintf("the training ran for more than %s and was stopped; raise DATASPHERE_MAX_RUNTIME, or train less", b.options.MaxRuntime)})
	}
	return r.cancelled("the task was stopped")
}

// ended ends a run that ran, and keeps what a person may want to see of it.
func (b *Backend) ended(ctx context.Context, r *run, s ports.RunStatus) error {
	if s.State == ports.RunFailed || b.options.KeepOfSuccess {
		if err := b.keepDiagnostics(ctx, r); err != nil {
			b.options.Log.Warn("what the job left behind cannot be kept", "run", r.id, "error", err)
		}
	}
	if err := ctx.Err(); err != nil {
		return fault.Wrap("datasphere.ended", err)
	}
	b.reached("before settled")
	if err := r.finish(s); err != nil {
		return err
	}
	b.reached("settled")
	return nil
}

// fetch gets the output and checks it.
func (b *Backend) fetch(ctx context.Context, r *run) error {
	if r.Output.URL == "" {
		if err := b.renew(ctx, r); err != nil || r.End != nil {
			return err
		}
	}
	is, err := download(ctx, b.client, b.options.DownloadTimeout, r.Output.URL, r.folder.Output(), *r.Output)
	switch {
	case err == nil:
		r.Output.SHA256, r.Output.URL = is.SHA256, ""
		return b.ended(ctx, r, ports.RunStatus{State: ports.RunSucceeded, Progress: 100})
	case ctx.Err() != nil:
		return fault.Wrap("datasphere.fetch", ctx.Err())
	case errors.Is(err, errExpired):
		r.Output.URL = ""
		r.Damaged++ // an address that is refused again and again is as bad
	case fault.CodeOf(err) == "output_damaged":
		r.Damaged++
	default:
		return err
	}
	if r.Damaged >= maxDamaged {
		return b.backendFailed(ctx, r, "output_damaged", fmt.Sprintf("the output cannot be fetched: %v", err))
	}
	return r.save()
}

// renew asks for the output's address.
func (b *Backend) renew(ctx context.Context, r *run) error {
	wanted := &jobs.File{Desc: &jobs.FileDesc{Path: outputName}, Sha256: r.Output.SHA256, SizeBytes: r.Output.Size, CompressionType: jobs.FileCompressionType_NONE}
	answer, err := ask(ctx, b.cloud, b.options.StatusTimeout, jobs.ProjectJobServiceClient.DownloadJobFiles,
		&jobs.DownloadProjectJobFilesRequest{JobId: r.JobID, Files: []*jobs.File{wanted}})
	switch code := codeOf(err); {
	case err == nil && len(answer.DownloadFiles) == 1 && answer.DownloadFiles[0].Url != "":
		r.Output.URL = answer.DownloadFiles[0].Url
		return nil
	case err == nil, code == codes.NotFound, code == codes.FailedPrecondition:
		return b.backendFailed(ctx, r, "output_missing", "the job's output is not in the cloud any more")
	}
	return translate(ctx, "asking for the output", err)
}
