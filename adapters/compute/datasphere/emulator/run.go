package emulator

import (
	"archive/zip"
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	jobs "github.com/yandex-cloud/go-genproto/yandex/cloud/datasphere/v2/jobs"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// job is a job with what only the service knows of it. All is guarded by the
// emulator's mu.
type job struct {
	*jobs.Job
	parent     string
	folder     string
	execution  *longOperation // the last one
	executions int
	blobs      map[string]string // hashes of outputs, logs and diagnostics, by path
	logs       []*jobs.LogMessage
	changed    chan struct{} // closed when there is news, and then another one
	process    *os.Process   // while it runs
	cancelled  bool
	progress   *jobs.JobProgress
}

func (e *Emulator) newJob(project, name, desc, config string, p *jobs.JobParameters, ttl *durationpb.Duration) *job {
	id := random("bt1jb")
	return &job{folder: filepath.Join(e.options.Root, "jobs", id), changed: make(chan struct{}), blobs: map[string]string{},
		Job: &jobs.Job{Id: id, Name: name, Desc: desc, ProjectId: project, Config: config, JobParameters: p, Status: jobs.JobStatus_CREATING,
			CreatedAt: timestamppb.New(e.options.Now()), CreatedById: "ajeemulator", DataExpiresAt: e.expiry(ttl)}}
}

// news wakes whoever waits for the job; mu is held.
func (j *job) news() {
	close(j.changed)
	j.changed = make(chan struct{})
}

func (j *job) ended() bool {
	return j.Status == jobs.JobStatus_SUCCESS || j.Status == jobs.JobStatus_ERROR || j.Status == jobs.JobStatus_CANCELLED
}

func (j *job) active() bool { return !j.ended() && j.Status != jobs.JobStatus_CREATING }

// kill kills the job's processes; mu is held.
func (j *job) kill() { j.signal(syscall.SIGKILL) }

func (j *job) signal(s syscall.Signal) {
	if j.process != nil {
		_ = syscall.Kill(-j.process.Pid, s)
	}
}

// forget makes the job unknown; mu is held.
func (e *Emulator) forget(j *job) {
	j.kill()
	delete(e.jobs, j.Id)
	for i, other := range e.order {
		if other == j {
			e.order = append(e.order[:i:i], e.order[i+1:]...)
			break
		}
	}
	for id, op := range e.operations {
		if op.job == j {
			delete(e.operations, id)
		}
	}
	j.news()
}

// Lose makes a job vanish without a word, with its operations.
func (e *Emulator) Lose(jobID string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if j := e.jobs[jobID]; j != nil {
		e.forget(j)
	}
}

// Seen is what a test may want to know of a job.
type Seen struct {
	ID, Name   string
	Status     string
	Executions int
	Cleared    bool
	Parameters *jobs.JobParameters
	Config     string
}

// Jobs are all jobs, oldest first.
func (e *Emulator) Jobs() (list []Seen) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, j := range e.order {
		list = append(list, Seen{j.Id, j.Name, j.Status.String(), j.executions, j.DataCleared, j.JobParameters, j.Config})
	}
	return list
}

// Execute begins an execution, or answers with the one that goes on.
func (s *jobService) Execute(_ context.Context, req *jobs.ExecuteProjectJobRequest) (*operation.Operation, error) {
	e := s.e
	j, err := e.job(req.JobId)
	if err != nil {
		return nil, err
	}
	for _, f := range j.JobParameters.InputFiles {
		if !e.holds(f.Sha256) {
			return nil, status.Errorf(codes.FailedPrecondition, "File %s was not uploaded", f.Desc.Path)
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if j.active() {
		return e.shown(j.execution), nil
	}
	//lint:ignore SA1019 Yandex's own client reads the old member
	op, err := e.newOperation("Execute job", &jobs.ExecuteProjectJobMetadata{Job: j.Job})
	if err != nil {
		return nil, err
	}
	op.job, j.execution = j, op
	e.operations[op.Id] = op
	j.executions++
	rule, disturbed := e.faults.meet("Job")
	if busy := e.busy(); disturbed && rule.Effect == "quota" || e.options.MaxJobs > 0 && busy >= e.options.MaxJobs {
		j.Status = jobs.JobStatus_ERROR
		op.fail(codes.ResourceExhausted, "Job execution quota exhausted")
		return e.shown(op), nil
	}
	j.Status, j.cancelled, j.logs = jobs.JobStatus_PREPARING, false, nil
	e.group.Go(func() { e.run(j, op) })
	if disturbed && rule.Effect == "vanish" {
		answer := e.shown(op)
		e.forget(j)
		return answer, nil
	}
	return e.shown(op), nil
}

// busy counts the jobs that run; mu is held.
func (e *Emulator) busy() (n int) {
	for _, j := range e.jobs {
		if j.active() {
			n++
		}
	}
	return n
}

// run is an execution, from its inputs to its outputs.
func (e *Emulator) run(j *job, op *longOperation) {
	cmd, err := e.prepare(j)
	if err == nil {
		err = e.begin(j, cmd)
	}
	if err != nil {
		e.end(j, op, func() { j.Status = jobs.JobStatus_ERROR; op.fail(codes.Internal, err.Error()) })
		return
	}
	err = cmd.Wait()
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // what it left in its group
	e.mu.Lock()
	j.process = nil
	cancelled := j.cancelled
	if !cancelled {
		j.Status = jobs.JobStatus_UPLOADING_OUTPUT
	}
	e.mu.Unlock()
	if exit := new(exec.ExitError); err != nil && !errors.As(err, &exit) && !errors.Is(err, exec.ErrWaitDelay) {
		e.end(j, op, func() { j.Status = jobs.JobStatus_ERROR; op.fail(codes.Internal, err.Error()) })
		return
	}
	result := &jobs.JobResult{ReturnCode: int64(returnCode(cmd.ProcessState))}
	response := e.collect(j, result, !cancelled)
	e.end(j, op, func() {
		switch {
		case cancelled:
			j.Status = jobs.JobStatus_CANCELLED
			op.fail(codes.Canceled, "Job was cancelled")
			return
		case result.ReturnCode != 0:
			j.Status, j.StatusDetails = jobs.JobStatus_ERROR, "the program's return code is not 0"
		default:
			j.Status = jobs.JobStatus_SUCCESS
		}
		if err := op.respond(response); err != nil {
			op.fail(codes.Internal, err.Error())
		}
	})
}

// returnCode is a shell's: 128 and the signal for a process that one ended.
func returnCode(s *os.ProcessState) int {
	if w, ok := s.Sys().(syscall.WaitStatus); ok && w.Signaled() {
		return 128 + int(w.Signal())
	}
	return s.ExitCode()
}

func (e *Emulator) end(j *job, op *longOperation, how func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	how()
	j.FinishedAt = timestamppb.New(e.options.Now())
	e.noteMetadata(j, op)
	j.news()
}

// prepare lays out the job's folder.
func (e *Emulator) prepare(j *job) (*exec.Cmd, error) {
	p := j.JobParameters
	work := filepath.Join(j.folder, "work")
	if err := os.RemoveAll(j.folder); err != nil { // of an execution before
		return nil, err
	}
	values := map[string]string{}
	for _, f := range p.InputFiles {
		path := filepath.Join(work, j.place(f.Desc))
		if f.CompressionType == jobs.FileCompressionType_ZIP {
			if err := unzip(e.blob(f.Sha256), path); err != nil {
				return nil, err
			}
		} else if err := copyFile(e.blob(f.Sha256), path); err != nil {
			return nil, err
		}
		values[f.Desc.Var] = path
	}
	for _, d := range p.OutputFiles {
		path := filepath.Join(work, j.place(d))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return nil, err
		}
		values[d.Var] = path
	}
	for _, a := range p.Arguments {
		values[a.Name] = a.Value
	}
	delete(values, "")
	line := p.Cmd
	for name, value := range values {
		line = strings.ReplaceAll(line, "${"+name+"}", value)
	}
	cmd := exec.Command("sh", "-c", line)
	cmd.Dir = work
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + j.folder, "JOB_PROGRESS_FILENAME=" + filepath.Join(j.folder, progressFile)}
	for name, value := range p.Env.GetVars() {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.WaitDelay = time.Second
	cmd.Stdout, cmd.Stderr = &logWriter{e, j, jobs.StandardStream_OUT}, &logWriter{e, j, jobs.StandardStream_ERR}
	return cmd, os.MkdirAll(work, 0o755)
}

// place is where a file lies below the working folder; one of a variable may
// have any path where it came from.
func (j *job) place(d *jobs.FileDesc) string {
	if filepath.IsLocal(d.Path) {
		return d.Path
	}
	return filepath.Join(".files", d.Var, filepath.Base(d.Path))
}

func (e *Emulator) begin(j *job, cmd *exec.Cmd) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if j.cancelled || e.jobs[j.Id] != j || e.running.Err() != nil {
		cmd.Args[len(cmd.Args)-1] = "exit 130" // cancelled before it began
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	j.process = cmd.Process
	if !j.cancelled {
		j.Status = jobs.JobStatus_EXECUTING
	}
	j.news()
	return nil
}

// collect keeps the job's outputs, logs and diagnostics.
func (e *Emulator) collect(j *job, result *jobs.JobResult, outputs bool) *jobs.ExecuteProjectJobResponse {
	response := &jobs.ExecuteProjectJobResponse{Result: result}
	rule, disturbed := e.faults.meet("Output")
	missing := func(d *jobs.FileDesc) *jobs.FileUploadError {
		return &jobs.FileUploadError{FileType: &jobs.FileUploadError_OutputFileDesc{OutputFileDesc: d}, Type: jobs.FileUploadError_NOT_FOUND, Description: "file not found"}
	}
	var files []*jobs.File
	for _, d := range j.JobParameters.OutputFiles {
		if !outputs {
			break
		}
		hash, size, packed, err := e.keepFile(filepath.Join(j.folder, "work", j.place(d)))
		if err != nil || disturbed && rule.Effect == "missing" {
			response.OutputFilesErrors = append(response.OutputFilesErrors, missing(d))
			continue
		}
		file := &jobs.File{Desc: d, Sha256: hash, SizeBytes: size, CompressionType: packed}
		if disturbed && rule.Effect == "nohash" {
			file.Sha256 = ""
		}
		if disturbed && rule.Effect == "wronghash" {
			file.Sha256 = strings.Repeat("0", 64)
		}
		j.keepName(e, d.Path, hash)
		files = append(files, file)
		response.OutputFiles = append(response.OutputFiles, &jobs.StorageFile{File: file, Url: e.link(hash, false)})
	}
	logs := e.keepLogs(j)
	e.mu.Lock()
	defer e.mu.Unlock()
	j.OutputFiles, j.LogFiles, j.FileErrors = files, logs, response.OutputFilesErrors
	return response
}

func (j *job) keepName(e *Emulator, path, hash string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	j.blobs[path] = hash
}

func copyFile(from, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o755)
	if err != nil {
		return err
	}
	if _, err = dst.ReadFrom(src); err == nil {
		err = dst.Chmod(0o755)
	}
	return errors.Join(err, dst.Close())
}

// unzip unpacks an input folder, whose own name the names in the file begin
// with, executable as all inputs are.
func unzip(from, to string) error {
	z, err := zip.OpenReader(from)
	if err != nil {
		return err
	}
	defer z.Close()
	if err := os.CopyFS(filepath.Dir(to), z); err != nil {
		return err
	}
	return filepath.WalkDir(to, func(path string, _ fs.DirEntry, err error) error {
		return errors.Join(err, os.Chmod(path, 0o755))
	})
}
