package emulator

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"time"

	jobs "github.com/yandex-cloud/go-genproto/yandex/cloud/datasphere/v2/jobs"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// progressFile is where a job's program says how far it is.
const progressFile = "job_progress.jsonl"

// logWriter makes messages of what a program prints, as it comes: half lines
// and many at once.
type logWriter struct {
	e      *Emulator
	job    *job
	stream jobs.StandardStream
}

func (w *logWriter) Write(p []byte) (int, error) {
	w.e.mu.Lock()
	defer w.e.mu.Unlock()
	w.job.logs = append(w.job.logs, &jobs.LogMessage{Content: bytes.Clone(p), CreatedAt: timestamppb.New(w.e.options.Now()),
		Source: &jobs.LogMessage_StandardStream{StandardStream: w.stream}})
	w.job.news()
	return len(p), nil
}

// ReadLogs sends what is there and what comes, until the job has ended. An
// offset of -1 begins now.
func (s *jobService) ReadLogs(req *jobs.ReadProjectJobLogsRequest, out grpc.ServerStreamingServer[jobs.ReadProjectJobLogsResponse]) error {
	j, err := s.e.job(req.JobId)
	if err != nil {
		return err
	}
	at := int(req.Offset)
	for {
		s.e.mu.Lock()
		if at < 0 {
			at = len(j.logs)
		}
		news := j.logs[min(at, len(j.logs)):]
		known, ended, changed := s.e.jobs[j.Id] == j, j.ended(), j.changed
		s.e.mu.Unlock()
		for _, m := range news {
			at++
			if err := out.Send(&jobs.ReadProjectJobLogsResponse{Logs: []*jobs.LogMessage{m}, Offset: int64(at)}); err != nil {
				return err
			}
		}
		switch {
		case len(news) > 0:
			continue
		case !known:
			return status.Errorf(codes.NotFound, "Job %s not found", req.JobId)
		case ended:
			return nil
		}
		select {
		case <-changed:
		case <-out.Context().Done():
			return status.FromContextError(out.Context().Err()).Err()
		case <-s.e.running.Done():
			return status.Error(codes.Unavailable, "the server goes away")
		}
	}
}

// keepLogs keeps the job's log as the files that can be downloaded later.
func (e *Emulator) keepLogs(j *job) (files []*jobs.File) {
	e.mu.Lock()
	text := map[string]*bytes.Buffer{"stdout.txt": {}, "stderr.txt": {}}
	for _, m := range j.logs {
		name := "stdout.txt"
		if m.GetStandardStream() == jobs.StandardStream_ERR {
			name = "stderr.txt"
		}
		text[name].Write(m.Content)
	}
	e.mu.Unlock()
	for _, name := range []string{"stdout.txt", "stderr.txt"} {
		path := filepath.Join(j.folder, name)
		if os.WriteFile(path, text[name].Bytes(), 0o600) != nil {
			continue
		}
		hash, size, packed, err := e.keepFile(path)
		if err != nil {
			continue
		}
		j.keepName(e, name, hash)
		files = append(files, &jobs.File{Desc: &jobs.FileDesc{Path: name}, Sha256: hash, SizeBytes: size, CompressionType: packed})
	}
	return files
}

// noteMetadata brings an operation's metadata up to date; mu is held.
func (e *Emulator) noteMetadata(j *job, op *longOperation) {
	if p := lastProgress(filepath.Join(j.folder, progressFile)); p != nil {
		j.progress = p
	}
	shown := proto.Clone(j.Job).(*jobs.Job)
	//lint:ignore SA1019 Yandex's own client reads the old member
	meta := &jobs.ExecuteProjectJobMetadata{Job: shown, Progress: j.progress, Metadata: &jobs.JobMetadata{Id: j.Id, Name: j.Name,
		Status: j.Status, StatusDetails: j.StatusDetails, ProjectId: j.ProjectId, ParentJobId: j.parent, CreatedAt: j.CreatedAt, FinishedAt: j.FinishedAt}}
	if packed, err := anypb.New(meta); err == nil {
		op.Metadata, op.ModifiedAt = packed, timestamppb.New(e.options.Now())
	}
}

// lastProgress is the last whole line of a progress file.
func lastProgress(path string) *jobs.JobProgress {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	var line struct {
		Progress float64   `json:"progress"`
		Message  string    `json:"message"`
		At       time.Time `json:"create_time"`
	}
	lines := strings.Split(string(text), "\n")
	for i := len(lines) - 2; i >= 0; i-- { // the last one is not whole, or empty
		if json.Unmarshal([]byte(lines[i]), &line) == nil {
			return &jobs.JobProgress{Message: line.Message, Progress: int64(line.Progress), CreateTime: timestamppb.New(line.At)}
		}
	}
	return nil
}

// Cancel stops a job: with the signal it asked for and its time, if the cancel
// is a graceful one, else at once.
func (s *jobService) Cancel(_ context.Context, req *jobs.CancelProjectJobRequest) (*emptypb.Empty, error) {
	e := s.e
	j, err := e.job(req.JobId)
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if j.ended() {
		return nil, status.Errorf(codes.FailedPrecondition, "Job %s has ended", j.Id)
	}
	if j.Status == jobs.JobStatus_CREATING {
		j.Status = jobs.JobStatus_CANCELLED
		return &emptypb.Empty{}, nil
	}
	j.cancelled, j.Status = true, jobs.JobStatus_CANCELLING
	p := j.JobParameters.GracefulShutdownParameters
	if !req.Graceful || p == nil || j.process == nil {
		j.kill()
		return &emptypb.Empty{}, nil
	}
	j.graceful = true
	j.signal(signalOf(p))
	e.group.Go(func() { e.killAfter(j, j.execution, p.Timeout.AsDuration()) })
	return &emptypb.Empty{}, nil
}

// killAfter kills an execution that does not heed its signal.
func (e *Emulator) killAfter(j *job, of *longOperation, grace time.Duration) {
	late := time.After(grace)
	for {
		e.mu.Lock()
		over, changed := of.Done || j.execution != of, j.changed
		e.mu.Unlock()
		if over {
			return
		}
		select {
		case <-changed:
		case <-e.running.Done():
			return
		case <-late:
			e.mu.Lock()
			j.kill()
			e.mu.Unlock()
			return
		}
	}
}
