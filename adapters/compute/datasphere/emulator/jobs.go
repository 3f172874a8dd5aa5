package emulator

import (
	"context"
	"slices"
	"strconv"
	"strings"

	jobs "github.com/yandex-cloud/go-genproto/yandex/cloud/datasphere/v2/jobs"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// jobService is ProjectJobService.
type jobService struct {
	jobs.UnimplementedProjectJobServiceServer
	e *Emulator
}

func (s *jobService) Create(_ context.Context, req *jobs.CreateProjectJobRequest) (*operation.Operation, error) {
	e := s.e
	if e.options.Project != "" && req.ProjectId != e.options.Project {
		return nil, status.Errorf(codes.NotFound, "Project %s not found", req.ProjectId)
	}
	if err := checkParameters(req.JobParameters); err != nil {
		return nil, err
	}
	j := e.newJob(req.ProjectId, req.Name, req.Desc, req.Config, req.JobParameters, req.DataTtl)
	return e.created(j, &jobs.CreateProjectJobMetadata{ProjectId: req.ProjectId, JobId: j.Id},
		&jobs.CreateProjectJobResponse{JobId: j.Id, UploadFiles: e.uploads(j)})
}

func (s *jobService) Clone(_ context.Context, req *jobs.CloneProjectJobRequest) (*operation.Operation, error) {
	e := s.e
	source, err := e.job(req.SourceJobId)
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	p := proto.Clone(source.JobParameters).(*jobs.JobParameters)
	config := source.Config
	e.mu.Unlock()
	override(p, req.JobParametersOverrides)
	if err := checkParameters(p); err != nil {
		return nil, err
	}
	j := e.newJob(source.ProjectId, req.Name, req.Desc, config, p, req.DataTtl)
	j.parent = source.Id
	return e.created(j, &jobs.CloneProjectJobMetadata{ProjectId: j.ProjectId, JobId: j.Id},
		&jobs.CloneProjectJobResponse{JobId: j.Id, UploadFiles: e.uploads(j)})
}

// override lays a clone's own parameters over its source's: files by their
// path, everything else as a whole.
func override(p, by *jobs.JobParameters) {
	if by == nil {
		return
	}
	files := p.InputFiles
	for _, f := range by.InputFiles {
		at := slices.IndexFunc(files, func(old *jobs.File) bool {
			return old.Desc.Path == f.Desc.Path || f.Desc.Var != "" && old.Desc.Var == f.Desc.Var
		})
		if at < 0 {
			files = append(files, f)
			continue
		}
		files[at] = f
	}
	rest := proto.Clone(by).(*jobs.JobParameters)
	rest.InputFiles = nil
	if len(rest.CloudInstanceTypes) > 0 {
		p.CloudInstanceTypes = nil
	}
	if len(rest.OutputFiles) > 0 {
		p.OutputFiles = nil
	}
	if len(rest.Arguments) > 0 {
		p.Arguments = nil
	}
	proto.Merge(p, rest)
	p.InputFiles = files
}

// uploads are the inputs that are not held yet.
func (e *Emulator) uploads(j *job) (list []*jobs.StorageFile) {
	for _, f := range j.JobParameters.InputFiles {
		if !e.holds(f.Sha256) {
			list = append(list, &jobs.StorageFile{File: f, Url: e.link(f.Sha256, true)})
		}
	}
	return list
}

// created is the operation that made a job.
func (e *Emulator) created(j *job, meta, response proto.Message) (*operation.Operation, error) {
	op, err := e.newOperation("Create job", meta)
	if err != nil {
		return nil, err
	}
	if err := op.respond(response); err != nil {
		return nil, err
	}
	op.doneAt = e.options.Now().Add(e.options.LateCreate)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.jobs[j.Id], e.order = j, append(e.order, j)
	e.operations[op.Id] = op
	return e.shown(op), nil
}

func (s *jobService) Get(_ context.Context, req *jobs.GetProjectJobRequest) (*jobs.Job, error) {
	j, err := s.e.job(req.JobId)
	if err != nil {
		return nil, err
	}
	s.e.mu.Lock()
	defer s.e.mu.Unlock()
	return proto.Clone(j.Job).(*jobs.Job), nil
}

func (e *Emulator) job(id string) (*job, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	j, ok := e.jobs[id]
	if !ok {
		return nil, status.Errorf(codes.NotFound, "Job %s not found", id)
	}
	return j, nil
}

// List shows the newest jobs first. A page's token is where the next begins.
func (s *jobService) List(_ context.Context, req *jobs.ListProjectJobRequest) (*jobs.ListProjectJobResponse, error) {
	wanted, err := statuses(req.Filter)
	if err != nil {
		return nil, err
	}
	size := int(req.PageSize)
	if size <= 0 || size > 1000 {
		size = 50
	}
	from := 0
	if req.PageToken != "" {
		if from, err = strconv.Atoi(req.PageToken); err != nil || from < 0 {
			return nil, status.Error(codes.InvalidArgument, "page_token: not one of ours")
		}
	}
	s.e.mu.Lock()
	defer s.e.mu.Unlock()
	var all []*jobs.Job
	for _, j := range slices.Backward(s.e.order) {
		if j.ProjectId == req.ProjectId && (wanted == nil || slices.Contains(wanted, j.Status.String())) {
			all = append(all, proto.Clone(j.Job).(*jobs.Job))
		}
	}
	page := &jobs.ListProjectJobResponse{Jobs: all[min(from, len(all)):min(from+size, len(all))]}
	if from+size < len(all) {
		page.NextPageToken = strconv.Itoa(from + size)
	}
	return page, nil
}

// statuses reads the only filter there is: status IN (A, B).
func statuses(filter string) ([]string, error) {
	if filter == "" {
		return nil, nil
	}
	inner, ok := strings.CutPrefix(strings.TrimSpace(filter), "status IN (")
	inner, closed := strings.CutSuffix(inner, ")")
	if !ok || !closed {
		return nil, status.Error(codes.InvalidArgument, "filter: only status IN (…) is known")
	}
	list := []string{}
	for name := range strings.SplitSeq(inner, ",") {
		list = append(list, strings.Trim(strings.TrimSpace(name), `"'`))
	}
	return list, nil
}

// SetDataTtl sets when the job's data goes; without a duration, never.
func (s *jobService) SetDataTtl(_ context.Context, req *jobs.SetProjectJobDataTtlRequest) (*jobs.SetProjectJobDataTtlResponse, error) {
	j, err := s.e.job(req.JobId)
	if err != nil {
		return nil, err
	}
	s.e.mu.Lock()
	defer s.e.mu.Unlock()
	j.DataExpiresAt = s.e.expiry(req.Ttl)
	return &jobs.SetProjectJobDataTtlResponse{}, nil
}

func (e *Emulator) expiry(ttl *durationpb.Duration) *timestamppb.Timestamp {
	if ttl == nil {
		return nil
	}
	return timestamppb.New(e.options.Now().Add(ttl.AsDuration()))
}

func (s *jobService) Delete(_ context.Context, req *jobs.DeleteProjectJobRequest) (*operation.Operation, error) {
	j, err := s.e.job(req.JobId)
	if err != nil {
		return nil, err
	}
	return s.finish("Delete job", &jobs.DeleteProjectJobMetadata{JobId: j.Id}, &emptypb.Empty{}, func() { s.e.forget(j) })
}

func (s *jobService) DeleteData(_ context.Context, req *jobs.DeleteProjectJobDataRequest) (*operation.Operation, error) {
	j, err := s.e.job(req.JobId)
	if err != nil {
		return nil, err
	}
	return s.finish("Delete job data", &jobs.DeleteProjectJobDataMetadata{JobId: j.Id}, &jobs.DeleteProjectJobDataResponse{}, func() { j.DataCleared = true })
}

// finish is an operation that is done at once.
func (s *jobService) finish(what string, meta, response proto.Message, effect func()) (*operation.Operation, error) {
	op, err := s.e.newOperation(what, meta)
	if err == nil {
		err = op.respond(response)
	}
	if err != nil {
		return nil, err
	}
	s.e.mu.Lock()
	defer s.e.mu.Unlock()
	effect()
	s.e.operations[op.Id] = op
	return s.e.shown(op), nil
}

// DownloadJobFiles gives out addresses of the job's outputs, logs and
// diagnostics, by their paths.
func (s *jobService) DownloadJobFiles(_ context.Context, req *jobs.DownloadProjectJobFilesRequest) (*jobs.DownloadProjectJobFilesResponse, error) {
	j, err := s.e.job(req.JobId)
	if err != nil {
		return nil, err
	}
	s.e.mu.Lock()
	files := slices.Concat(j.OutputFiles, j.LogFiles, j.DiagnosticFiles)
	cleared := j.DataCleared
	s.e.mu.Unlock()
	if cleared {
		return nil, status.Error(codes.FailedPrecondition, "The job's data was deleted")
	}
	answer := &jobs.DownloadProjectJobFilesResponse{}
	for _, want := range req.Files {
		at := slices.IndexFunc(files, func(f *jobs.File) bool { return f.Desc.Path == want.GetDesc().GetPath() })
		if at < 0 {
			return nil, status.Errorf(codes.NotFound, "File %s not found", want.GetDesc().GetPath())
		}
		answer.DownloadFiles = append(answer.DownloadFiles, &jobs.StorageFile{File: files[at], Url: s.e.link(j.blobs[files[at].Desc.Path], false)})
	}
	return answer, nil
}
