package ports

import "context"

// RunState is where a submitted run stands.
type RunState string

// The states of a run.
const (
	RunQueued    RunState = "queued"
	RunRunning   RunState = "running"
	RunSucceeded RunState = "succeeded"
	RunFailed    RunState = "failed"
	RunCancelled RunState = "cancelled"
)

// FailureKind says whose fault a failed run is.
type FailureKind string

// The kinds of failure: a task's own is final, a backend's is tried again as
// the next attempt.
const (
	TaskFault    FailureKind = "task"
	BackendFault FailureKind = "backend"
)

// Run is what a backend is asked to do: run the task program on Input
// (input.zip). The same TaskID and Attempt submitted twice is one run.
type Run struct {
	TaskID  string
	Attempt int
	Input   string // path of input.zip
}

// RunStatus is one look at a run.
type RunStatus struct {
	State    RunState
	Progress float64 // 0–100
	Message  string
	Failure  FailureKind // of a failed run
	Code     string      // of a failed run: the task program's error code, if it gave one
	Reason   string      // of a failed run, for a person
}

// Compute runs the task program somewhere. A run id is durable: another
// process may ask for it later. All methods are safe for concurrent use.
type Compute interface {
	Submit(ctx context.Context, run Run) (runID string, err error)
	Status(ctx context.Context, runID string) (RunStatus, error)
	// Logs returns the log after cursor ("" from the start) and the next cursor.
	Logs(ctx context.Context, runID, cursor string) (lines []string, next string, err error)
	// Fetch returns the path of the verified output.zip of a succeeded run.
	Fetch(ctx context.Context, runID string) (path string, err error)
	Cancel(ctx context.Context, runID string) error
	// Discard removes what the run left behind; twice is as good as once.
	Discard(ctx context.Context, runID string) error
}

// TaskProgram is the function that every backend runs: it reads input, writes
// output whole or not at all, and reports progress lines. app.Tasks.RunTask is
// it.
type TaskProgram func(ctx context.Context, input, output string, progress func(fraction float64, message string)) error
