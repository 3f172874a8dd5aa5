package emulator

import (
	"archive/zip"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	jobs "github.com/yandex-cloud/go-genproto/yandex/cloud/datasphere/v2/jobs"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"
)

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
	j.Status, j.cancelled, j.graceful, j.logs = jobs.JobStatus_PREPARING, false, false, nil
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
	var heard func(patient bool)
	if err == nil {
		heard, err = e.begin(j, cmd)
	}
	if err != nil {
		e.end(j, op, func() { j.Status = jobs.JobStatus_ERROR; op.fail(codes.Internal, err.Error()) })
		return
	}
	err = cmd.Wait()
	e.mu.Lock()
	graceful := j.graceful
	e.mu.Unlock()
	if !graceful {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // what it left in its group
	}
	heard(graceful) // a shell that a signal ends is outlived by its program, which has its grace
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	e.mu.Lock()
	j.process = nil
	cancelled := j.cancelled
	if !cancelled {
		j.Status = jobs.JobStatus_UPLOADING_OUTPUT
	}
	e.mu.Unlock()
	if exit := new(exec.ExitError); err != nil && !errors.As(err, &exit) {
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

// begin starts the command; heard returns when all that it said is in the log,
// which is when its group has ended. If it is not patient, it takes what is
// there.
func (e *Emulator) begin(j *job, cmd *exec.Cmd) (heard func(patient bool), err error) {
	out, outEnd, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer outEnd.Close()
	errs, errsEnd, err := os.Pipe()
	if err != nil {
		out.Close()
		return nil, err
	}
	defer errsEnd.Close()
	cmd.Stdout, cmd.Stderr = outEnd, errsEnd
	var listening sync.WaitGroup
	listening.Go(func() { _, _ = io.Copy(&logWriter{e, j, jobs.StandardStream_OUT}, out) })
	listening.Go(func() { _, _ = io.Copy(&logWriter{e, j, jobs.StandardStream_ERR}, errs) })
	heard = func(patient bool) {
		for _, r := range []*os.File{out, errs} {
			if !patient {
				_ = r.SetReadDeadline(time.Now().Add(time.Second)) // somebody outside the group may hold the other end
			}
		}
		listening.Wait()
		out.Close()
		errs.Close()
	}
	if err := e.starting(j, cmd); err != nil {
		outEnd.Close()
		errsEnd.Close()
		heard(false)
		return nil, err
	}
	return heard, nil
}

func (e *Emulator) starting(j *job, cmd *exec.Cmd) error {
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
