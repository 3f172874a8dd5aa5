package emulator

import (
	"os"
	"path/filepath"
	"syscall"

	jobs "github.com/yandex-cloud/go-genproto/yandex/cloud/datasphere/v2/jobs"
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
	graceful   bool // by a signal, not yet by force
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
func (j *job) kill() {
	j.graceful = false
	j.signal(syscall.SIGKILL)
}

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
