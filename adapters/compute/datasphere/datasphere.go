// Package datasphere runs tasks as jobs of Yandex DataSphere (§5.2): with this
// very program as one of the job's inputs, so that a plain environment runs it.
//
// A run is a folder with a record (record.go). Submit only makes it; every look
// at the run (Status) moves it on by as many steps as it can: make the job,
// upload what the project does not hold, execute, follow, read the log, fetch
// and check the output. Each step writes down what it is about to do and what it
// has done, so that any process can go on after the death of another, at any
// point, without running a job twice:
//
//   - Create has no idempotency key. If its answer may have been lost, the jobs
//     are searched for the name; one that never ran is deleted (its upload
//     addresses are lost with the answer), one that did is joined.
//   - Execute is called again only while the job is certain not to have run: on
//     one that has ended it would run, and cost, again. A job whose operation is
//     not known is followed by itself.
//   - The output is fetched before the run counts as succeeded.
//
// A look that meets an error which can pass says so by an Unavailable or
// Unauthenticated error, and for a while, which grows, looks do not try again
// but say the same: this is the retry. It is counted when it is over. A lock in
// the folder lets one process at a time work on a run; nobody else waits for it.
//
// go-sdk gives connections and reads keys; its authentication and its retries
// are not used (see connect.go). go-genproto has the messages; yaml.v3 writes
// the job's description for people.
package datasphere

import (
	"context"
	"log/slog"
	"net/http"
	"path/filepath"
	"sync"
	"time"

	"github.com/plastinka/predictor/adapters/support/filelock"
	"github.com/plastinka/predictor/adapters/support/taskrun"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/ports"
)

var _ ports.Compute = (*Backend)(nil)

// Options say what a Backend runs, where, and how patiently. Durations that are
// 0 have the defaults of §4.3.
type Options struct {
	Root          string // the folder of the runs' folders
	ProjectID     string
	Endpoints     Endpoints
	Credentials   Credentials
	InstanceTypes []string // in order of preference
	Program       string   // path of the static linux/amd64 binary
	Arguments     []string // of the program; --input and --output are added
	Env           map[string]string
	Version       string // of the program, for people
	Diagnostics   string // the folder that keeps logs of failed runs; "": nobody does
	KeepOfSuccess bool   // keep those of others too
	DeleteData    bool   // delete a succeeded job's files in the cloud when the run is discarded

	PollInterval                                                             time.Duration // between two looks, in the long run
	LogPause                                                                 time.Duration // how long a log is waited for
	MaxRuntime, SubmitTimeout, StatusTimeout, DownloadTimeout, CancelTimeout time.Duration

	Clock ports.Clock
	Log   *slog.Logger
	// Count is told of what had to be tried again; nil: nobody is.
	Count func(context.Context, ports.RetryEvent)
}

// Backend is ports.Compute in the cloud. Close must be called.
type Backend struct {
	options Options
	runs    taskrun.Runs
	cloud   *cloud
	client  *http.Client
	program program
	reached func(step string) // tests end the process here

	mu    sync.Mutex
	paces map[string]*pace
}

// New checks the options and makes the root, if need be. Nothing is dialled.
func New(options Options) (*Backend, error) {
	if err := options.fill(); err != nil {
		return nil, err
	}
	runs, err := taskrun.OpenRuns(options.Root)
	if err != nil {
		return nil, err
	}
	b := &Backend{options: options, runs: runs, client: transferClient(), program: program{path: options.Program},
		paces: map[string]*pace{}, reached: func(string) {}}
	b.cloud = &cloud{endpoints: options.Endpoints}
	b.cloud.tokens = &tokens{from: options.Credentials, clock: options.Clock, log: options.Log, exchange: b.cloud.exchange,
		http: &http.Client{Transport: &http.Transport{}}, bad: map[string]bool{}}
	return b, nil
}

func (o *Options) fill() error {
	switch {
	case o.Clock == nil || o.Log == nil || o.Program == "" || len(o.Arguments) == 0:
		return fault.New(fault.Internal, "internal_error", "the backend datasphere was given no clock, log or program")
	case o.ProjectID == "":
		return fault.New(fault.Invalid, "invalid_settings", "DATASPHERE_PROJECT_ID is not set: give the id of the project that runs the jobs")
	case len(o.InstanceTypes) == 0:
		return fault.New(fault.Invalid, "invalid_settings", "DATASPHERE_INSTANCE_TYPES is empty: give at least one, such as c1.8")
	}
	for _, d := range []struct {
		at    *time.Duration
		usual time.Duration
	}{{&o.PollInterval, 30 * time.Second}, {&o.LogPause, logPause}, {&o.MaxRuntime, 6 * time.Hour}, {&o.SubmitTimeout, 5 * time.Minute},
		{&o.StatusTimeout, 30 * time.Second}, {&o.DownloadTimeout, 5 * time.Minute}, {&o.CancelTimeout, time.Minute}} {
		if *d.at == 0 {
			*d.at = d.usual
		}
	}
	return o.Endpoints.check()
}

// Close ends the connections. Jobs go on.
func (b *Backend) Close() error {
	b.client.CloseIdleConnections()
	return b.cloud.close()
}

// Submit writes the run down. It is an error if it cannot become a job: the
// program is not the right one, or the input cannot be read.
func (b *Backend) Submit(ctx context.Context, sub ports.Run) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", fault.Wrap("datasphere.Submit", err)
	}
	id, err := taskrun.RunID(sub)
	if err != nil {
		return "", err
	}
	folder, _ := b.runs.Folder(id)
	if err := folder.Make(); err != nil {
		return "", err
	}
	unlock, _, err := lock(ctx, folder, b.options.SubmitTimeout)
	if err != nil {
		return "", err
	}
	defer unlock()
	if _, err := load(folder, id); fault.KindOf(err) != fault.NotFound {
		return id, err // it is there
	}
	prog, err := b.program.file()
	if err != nil {
		return "", err
	}
	path, err := filepath.Abs(sub.Input)
	if err != nil {
		return "", fault.Wrap("datasphere.Submit", err)
	}
	input, err := measure(path)
	if err != nil || input.Size == 0 {
		return "", fault.New(fault.Invalid, "invalid_input", "the task's input %s is not there or empty: %v", path, err)
	}
	input.Path = inputName
	r := &run{folder: folder, id: id, record: record{Task: sub.TaskID, Attempt: sub.Attempt, SubmittedAt: b.options.Clock.Now(),
		Program: prog, Input: input, Submission: 1, Message: "submitted"}}
	return id, b.save(r, "submitted")
}

// save makes a step durable.
func (b *Backend) save(r *run, step string) error {
	b.reached("before " + step)
	if err := r.save(); err != nil {
		return err
	}
	b.reached(step)
	return nil
}

// lock lets one work on a run; ok is false if somebody else does.
func lock(ctx context.Context, folder taskrun.Folder, patience time.Duration) (unlock func(), ok bool, err error) {
	l, err := filelock.Open(filepath.Join(string(folder), "lock"))
	if err == nil {
		if ok, err = l.Exclusive(ctx, patience); err != nil || !ok {
			l.Close()
		}
	}
	switch {
	case ctx.Err() != nil:
		return func() {}, false, fault.Wrap("datasphere.lock", ctx.Err())
	case err != nil:
		return func() {}, false, fault.New(fault.Unavailable, "run_folder", "the lock of a run cannot be taken: %v; check the disk and its permissions", err).Because(err)
	case !ok:
		return func() {}, false, nil
	}
	return func() { l.Close() }, true, nil
}

// find is a run's folder, or the error that there is none.
func (b *Backend) find(ctx context.Context, id string) (taskrun.Folder, error) {
	if err := ctx.Err(); err != nil {
		return "", fault.Wrap("datasphere.find", err)
	}
	folder, there := b.runs.Folder(id)
	if !there {
		return "", taskrun.Unknown(id)
	}
	return folder, nil
}

// Status moves the run on, if it is time to, and says where it stands.
func (b *Backend) Status(ctx context.Context, id string) (ports.RunStatus, error) {
	folder, err := b.find(ctx, id)
	if err != nil {
		return ports.RunStatus{}, err
	}
	if p, wait := b.waiting(id); wait {
		return p.status, p.err
	}
	unlock, ok, err := lock(ctx, folder, 0)
	if err != nil {
		return ports.RunStatus{}, err
	}
	defer unlock()
	r, err := load(folder, id)
	if err != nil {
		return ports.RunStatus{}, err
	}
	if !ok || r.End != nil {
		return r.status(), nil // somebody else moves it on, or nothing can
	}
	err = b.advance(ctx, r)
	if ctx.Err() != nil {
		return ports.RunStatus{}, fault.Wrap("datasphere.Status", ctx.Err())
	}
	b.paced(ctx, r, err)
	return r.status(), err
}

// Logs returns the log's lines after cursor, as far as the service shows them.
func (b *Backend) Logs(ctx context.Context, id, cursor string) (lines []string, next string, err error) {
	folder, err := b.find(ctx, id)
	if err != nil {
		return nil, "", err
	}
	unlock, ok, err := lock(ctx, folder, 0)
	if err != nil {
		return nil, "", err
	}
	defer unlock()
	r, err := load(folder, id)
	if err != nil {
		return nil, "", err
	}
	if ok {
		if err := b.pull(ctx, r, r.End != nil); err != nil && ctx.Err() == nil {
			b.options.Log.Warn("the job's log cannot be read now", "run", id, "error", err)
		}
	}
	return folder.Logs(cursor, r.LogWhole || r.End != nil)
}
