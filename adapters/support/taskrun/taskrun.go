// Package taskrun is the agreement between the task program and whoever runs
// it (§5.1), in one place for both sides: exit codes, lines of progress, the
// line that says why it failed, and the folder of a run on this machine.
//
// Both kinds of lines are JSON objects on standard output; every other line is
// log. A run's folder holds
//
//	process.json  who runs it: written by the program before anything else
//	cancel.json   that, and when, somebody asked it to stop
//	log           standard output and error
//	output.zip    the output, whole or absent
//	end.json      how it ended: written by the program after everything else
//
// so that a program that outlives whoever started it can be found again, and
// one that vanished is told from one that ended: by the missing end.json. Each
// file is whole or absent. It is a leaf that the compute adapters share.
package taskrun

import (
	"encoding/json"
	"math"
	"strings"
	"time"

	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/ports"
)

// The exit codes of the task program.
const (
	ExitDone      = 0
	ExitBadInput  = 2
	ExitFailed    = 3
	ExitCancelled = 130
)

// Progress is a line of progress.
type Progress struct {
	Progress   float64   `json:"progress"` // 0–100
	Message    string    `json:"message"`
	CreateTime time.Time `json:"create_time"`
}

// ParseProgress reads a line of progress; ok is false for every other line.
func ParseProgress(line string) (p Progress, ok bool) {
	if !strings.HasPrefix(line, `{"progress":`) || json.Unmarshal([]byte(line), &p) != nil {
		return Progress{}, false
	}
	if !(p.Progress >= 0) {
		p.Progress = 0
	}
	p.Progress = math.Min(p.Progress, 100)
	return p, true
}

// End is how the task program ended.
type End struct {
	Exit    int        `json:"exit"`
	Kind    fault.Kind `json:"kind,omitempty"` // of a failure
	Code    string     `json:"code,omitempty"`
	Message string     `json:"message,omitempty"`
	Output  *Output    `json:"output,omitempty"` // of a success
	At      time.Time  `json:"at"`
}

// Output says what the output file was when the program completed it.
type Output struct {
	Size   int64  `json:"size"`   // bytes
	SHA256 string `json:"sha256"` // lower-case hexadecimal digits
}

// endLine is the line that says why a program failed.
type endLine struct {
	Error *End `json:"error"`
}

// ParseFailure reads the line that says why the program failed; ok is false
// for every other line.
func ParseFailure(line string) (e End, ok bool) {
	var l endLine
	if !strings.HasPrefix(line, `{"error":`) || json.Unmarshal([]byte(line), &l) != nil || l.Error == nil {
		return End{}, false
	}
	return *l.Error, true
}

// EndOf is the end that a program's error means: its exit code and its words.
func EndOf(err error, at time.Time) End {
	if err == nil {
		return End{Exit: ExitDone, At: at}
	}
	e := fault.Wrap("taskrun", err).(*fault.Error)
	end := End{Exit: ExitFailed, Kind: e.Kind, Code: e.Code, Message: e.Message, At: at}
	switch e.Kind {
	case fault.Cancelled:
		end.Exit = ExitCancelled
	case fault.Invalid, fault.TooLarge:
		end.Exit = ExitBadInput
	}
	return end
}

// Status is what a run that ended so has come to. A failure is the task's own,
// unless it said that something it needs was not there (a full disk, say) or
// its exit code is none of the program's.
func (e End) Status() ports.RunStatus {
	s := ports.RunStatus{State: ports.RunFailed, Failure: ports.TaskFault, Code: e.Code, Reason: e.Message}
	switch {
	case e.Exit == ExitDone:
		return ports.RunStatus{State: ports.RunSucceeded, Progress: 100}
	case e.Exit == ExitCancelled:
		return ports.RunStatus{State: ports.RunCancelled, Message: e.Message}
	case e.Exit != ExitBadInput && e.Exit != ExitFailed, e.Kind == fault.Unavailable:
		s.Failure = ports.BackendFault
	}
	return s
}
