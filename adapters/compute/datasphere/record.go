package datasphere

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/plastinka/predictor/adapters/support/safefile"
	"github.com/plastinka/predictor/adapters/support/taskrun"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/ports"
)

// file is a file of a job.
type file struct {
	Path   string `json:"path"`            // in the job's folder
	Local  string `json:"local,omitempty"` // on this machine
	SHA256 string `json:"sha256"`          // lower-case hexadecimal digits; "" where the service gave none
	Size   int64  `json:"size"`            // bytes
	URL    string `json:"url,omitempty"`   // while it is to be transferred
}

// record is what is durable of a run: record.json in its folder. It is written
// before and after every call that has an effect, so that a process that finds
// it knows which calls may have been made.
type record struct {
	Task        string    `json:"task"`
	Attempt     int       `json:"attempt"`
	SubmittedAt time.Time `json:"submitted_at"`
	Program     file      `json:"program"`
	Input       file      `json:"input"`

	Submission      int       `json:"submission"` // of how many jobs made for this run the current one is
	Abandoned       int       `json:"abandoned"`  // of them, those that could not be started
	Creating        bool      `json:"creating"`   // Create was called for it
	CreateOperation string    `json:"create_operation,omitempty"`
	JobID           string    `json:"job_id,omitempty"`
	Uploads         []file    `json:"uploads,omitempty"` // still to be made
	Executing       bool      `json:"executing"`         // Execute was called
	ExecutedAt      time.Time `json:"executed_at"`
	Operation       string    `json:"operation,omitempty"` // of the execution

	QuotaSince  time.Time `json:"quota_since"` // since when there has been no room, if so
	QuotaNext   time.Time `json:"quota_next"`  // when it is tried again
	FailedSince time.Time `json:"failed_since"`
	CancelSent  time.Time `json:"cancel_sent"`
	Killed      bool      `json:"killed"`   // the hard cancel was sent too
	GaveUp      bool      `json:"gave_up"`  // it is cancelled because it took too long
	Progress    float64   `json:"progress"` // 0–100
	Message     string    `json:"message,omitempty"`
	State       string    `json:"state,omitempty"` // queued or running, as the service sees it

	LogOffset int64             `json:"log_offset"` // the service's, of what was read
	LogSize   int64             `json:"log_size"`   // bytes of the log file that count
	LogRest   map[string][]byte `json:"log_rest,omitempty"`
	LogTries  int               `json:"log_tries"` // how often its end could not be read
	LogWhole  bool              `json:"log_whole"`

	Output  *file            `json:"output,omitempty"` // of a success
	Damaged int              `json:"damaged"`          // how often it arrived otherwise
	End     *ports.RunStatus `json:"end,omitempty"`
}

// run is a run that is being worked on: its folder and record.
type run struct {
	record
	folder taskrun.Folder
	id     string
	asked  bool // somebody wants it to stop
}

func recordFile(f taskrun.Folder) string { return filepath.Join(string(f), "record.json") }

// load reads a run's record; it is NotFound without one.
func load(f taskrun.Folder, id string) (*run, error) {
	r := &run{folder: f, id: id}
	b, err := os.ReadFile(recordFile(f))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, taskrun.Unknown(id)
	}
	if err == nil {
		err = json.Unmarshal(b, &r.record)
	}
	if err != nil {
		return nil, fault.New(fault.Unavailable, "run_folder", "the record of the run %s cannot be read: %v; check the disk and its permissions", id, err).Because(err)
	}
	_, r.asked, err = f.Cancelled()
	return r, err
}

// save makes the record durable.
func (r *run) save() error {
	b, err := json.Marshal(r.record)
	if err != nil {
		return fault.Wrap("datasphere.save", err)
	}
	return safefile.Write(recordFile(r.folder), 0o600, func(w io.Writer) error {
		_, err := w.Write(b)
		return err
	})
}

// name is the job's name in the project: of the second and later jobs made for
// one run it says so.
func (r *record) name() string {
	name := "plastinka-" + r.runID()
	if r.Submission > 1 {
		name += "-" + itoa(r.Submission)
	}
	return name
}

func (r *record) runID() string { return r.Task + "-" + itoa(r.Attempt) }

// anew forgets the current job, so that another is made.
func (r *record) anew() {
	r.Submission++
	r.Creating, r.CreateOperation, r.JobID, r.Uploads = false, "", "", nil
	r.Executing, r.ExecutedAt, r.Operation = false, time.Time{}, ""
	r.LogOffset, r.LogRest, r.LogWhole, r.LogTries = 0, nil, false, 0
	r.Progress, r.Message, r.State = 0, "", ""
}

// status is what the record says.
func (r *record) status() ports.RunStatus {
	switch {
	case r.End != nil:
		return *r.End
	case r.State == string(ports.RunRunning):
		return ports.RunStatus{State: ports.RunRunning, Progress: r.Progress, Message: r.Message}
	}
	return ports.RunStatus{State: ports.RunQueued, Message: r.Message}
}

// finish ends the run.
func (r *run) finish(s ports.RunStatus) error {
	r.End = &s
	return r.save()
}

// failed ends the run with a failure of the backend, after which another
// attempt is made.
func (r *run) failed(code, reason string) error {
	return r.finish(ports.RunStatus{State: ports.RunFailed, Failure: ports.BackendFault, Code: code, Reason: reason, Progress: r.Progress})
}

// cancelled ends the run as one that somebody stopped.
func (r *run) cancelled(message string) error {
	return r.finish(ports.RunStatus{State: ports.RunCancelled, Message: message})
}
