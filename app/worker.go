package app

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/job"
	"github.com/plastinka/predictor/ports"
)

// Handler does the work of one type of job and returns its result, which is
// stored as JSON. It is called again with the same job, in this or another
// process, when its worker died; what it reached before is in run.State.
type Handler func(ctx context.Context, run *JobRun) (result any, err error)

// Worker claims jobs and runs them. Several workers, also of several
// processes, share one database: the lease decides who runs what, the attempt
// keeps a worker that was thought dead from writing.
type Worker struct {
	DB       ports.Database
	Clock    ports.Clock
	Log      *slog.Logger
	Owner    string // unique per process
	Handlers map[job.Type]Handler
	// Parallel is how many jobs may run at once; at least 1.
	Parallel int
	// Lease is how long a job stays with a silent worker; a third of it is the
	// heartbeat.
	Lease time.Duration
	// Poll is the pause between looks for work.
	Poll time.Duration
	// MaxAttempts ends a job that has been claimed that often: it kills its
	// workers.
	MaxAttempts int
	// Wake, if not nil, is a hint that there may be work now.
	Wake <-chan struct{}
}

// The causes for which a running job's context ends.
var (
	errCancelRequested = errors.New("cancel requested")
	errLeaseLost       = errors.New("lease lost")
)

// JobRun is a claimed job in work.
type JobRun struct {
	Job   job.Job
	db    ports.Database
	clock ports.Clock
}

// Input decodes what the job was submitted with.
func (r *JobRun) Input(into any) error {
	if err := json.Unmarshal(r.Job.Input, into); err != nil {
		return fault.New(fault.Internal, "internal_error", "the job's stored input cannot be read: %v", err)
	}
	return nil
}

// State decodes what an earlier attempt has durably reached; nothing is left
// as it is.
func (r *JobRun) State(into any) error {
	if len(r.Job.State) == 0 {
		return nil
	}
	if err := json.Unmarshal(r.Job.State, into); err != nil {
		return fault.New(fault.Internal, "internal_error", "the job's stored state cannot be read: %v", err)
	}
	return nil
}

// Progress records how far the job is, 0 to 100.
func (r *JobRun) Progress(ctx context.Context, percent float64, message string) error {
	return r.change(ctx, job.Change{Progress: percent, Message: message})
}

// remember is Keep, but durable with the next Keep only.
func (r *JobRun) remember(state any) error {
	b, err := json.Marshal(state)
	if err != nil {
		return fault.Wrap("app.remember", err)
	}
	r.Job.State = b
	return nil
}

// Keep records durably what the job has reached, for a later attempt.
func (r *JobRun) Keep(ctx context.Context, state any) error {
	if err := r.remember(state); err != nil {
		return err
	}
	return r.change(ctx, job.Change{Progress: r.Job.Progress, Message: r.Job.Message, State: r.Job.State})
}

func (r *JobRun) change(ctx context.Context, c job.Change) error {
	c.ID, c.Attempt, c.At = r.Job.ID, r.Job.Attempt, r.clock.Now()
	if err := r.db.Jobs().Change(ctx, c); err != nil {
		return err
	}
	r.Job.Progress, r.Job.Message = c.Progress, c.Message
	return nil
}

// Completion is the last step of the job as a change, for a handler that must
// make it in the same transaction as its own writes (Stores.Jobs().Change). A
// handler that has done so returns Done.
func (r *JobRun) Completion(result any) (job.Change, error) {
	b, err := json.Marshal(result)
	if err != nil {
		return job.Change{}, fault.Wrap("app.Completion", err)
	}
	return job.Change{ID: r.Job.ID, Attempt: r.Job.Attempt, At: r.clock.Now(),
		Status: job.Completed, Progress: 100, Message: "completed", Result: b}, nil
}

// Done is the result of a handler that has made its Completion itself.
type Done struct{}

// Run claims and runs jobs until ctx ends, then hands back what it has not
// finished and returns when all its jobs have stopped.
func (w *Worker) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	free := make(chan struct{}, max(1, w.Parallel))
	for range cap(free) {
		free <- struct{}{}
	}
	types := make([]job.Type, 0, len(w.Handlers))
	for t := range w.Handlers {
		types = append(types, t)
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-free:
		}
		j, ok, err := w.DB.Jobs().Claim(ctx, w.Owner, types, nil, w.Clock.Now(), w.Lease)
		if err != nil && ctx.Err() == nil {
			w.Log.Warn("looking for jobs failed; trying again", "error", err)
		}
		if err != nil || !ok {
			free <- struct{}{}
			select {
			case <-ctx.Done():
				return nil
			case <-w.Wake:
			case <-time.After(w.Poll):
			}
			continue
		}
		wg.Go(func() {
			defer func() { free <- struct{}{} }()
			w.run(ctx, j)
		})
	}
}

// RunJob runs the one job, or follows it while another worker has it, until it
// has ended; watch (may be nil) sees every change of it. A ctx that ends hands
// the job back and returns ctx's error.
func (w *Worker) RunJob(ctx context.Context, id string, watch func(job.Job)) (job.Job, error) {
	done := make(chan struct{})
	var wg sync.WaitGroup
	defer wg.Wait()
	defer close(done)
	if watch != nil {
		wg.Go(func() { w.watch(ctx, id, done, watch) })
	}
	for {
		j, ok, err := w.DB.Jobs().Claim(ctx, w.Owner, nil, []string{id}, w.Clock.Now(), w.Lease)
		if err != nil && fault.KindOf(err) != fault.Unavailable {
			return job.Job{}, err
		}
		if ok {
			w.run(ctx, j)
		}
		if ctx.Err() != nil {
			return job.Job{}, fault.Wrap("app.RunJob", ctx.Err())
		}
		if j, err = w.DB.Jobs().Job(ctx, id); err != nil || j.Status.Ended() {
			return j, err
		}
		if !ok {
			pause(ctx, w.Poll)
		}
	}
}

// watch tells watch of the job's changes until done is closed, and the last
// one after that.
func (w *Worker) watch(ctx context.Context, id string, done <-chan struct{}, watch func(job.Job)) {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	var last time.Time
	for {
		if j, err := w.DB.Jobs().Job(ctx, id); err == nil && j.UpdatedAt.After(last) {
			last = j.UpdatedAt
			watch(j)
		}
		select {
		case <-done:
			return
		case <-tick.C:
		}
	}
}

// run does one claimed job and records its end.
func (w *Worker) run(ctx context.Context, j job.Job) {
	log := w.Log.With("job", j.ID, "type", j.Type, "attempt", j.Attempt)
	r := &JobRun{Job: j, db: w.DB, clock: w.Clock}
	if w.MaxAttempts > 0 && j.Attempt > w.MaxAttempts {
		w.end(ctx, log, r, nil, fault.New(fault.Internal, "worker_died",
			"the job was started %d times and its worker died each time; see the log, then submit it again", j.Attempt-1))
		return
	}
	handle, ok := w.Handlers[j.Type]
	if !ok {
		w.end(ctx, log, r, nil, fault.New(fault.Internal, "internal_error", "this program cannot run jobs of type %s", j.Type))
		return
	}
	jobCtx, cancel := context.WithCancelCause(ctx)
	var wg sync.WaitGroup
	stop := make(chan struct{})
	wg.Go(func() { w.heartbeat(jobCtx, log, j, cancel, stop) })
	log.Info("job started")
	result, err := w.safely(jobCtx, handle, r)
	close(stop)
	wg.Wait()
	cause := context.Cause(jobCtx)
	cancel(nil)
	switch {
	case err == nil:
		w.end(ctx, log, r, result, nil)
	case errors.Is(cause, errLeaseLost):
		log.Warn("another worker has taken the job over; this one lets go")
	case errors.Is(cause, errCancelRequested):
		w.end(ctx, log, r, nil, fault.New(fault.Cancelled, "cancelled", "cancelled by request"))
	case ctx.Err() != nil:
		w.handBack(log, r)
	default:
		w.end(ctx, log, r, nil, err)
	}
}

// safely turns a handler's panic into an Internal error: one bad job must not
// take the service down.
func (w *Worker) safely(ctx context.Context, handle Handler, r *JobRun) (result any, err error) {
	defer func() {
		if p := recover(); p != nil {
			w.Log.Error("job panicked", "job", r.Job.ID, "panic", p, "stack", stack())
			err = fault.New(fault.Internal, "internal_error", "the job met a defect of this program; its log has the details")
		}
	}()
	return handle(ctx, r)
}

// heartbeat keeps the lease until stop is closed, and ends the job's context
// when the lease is lost or a cancel was asked for.
func (w *Worker) heartbeat(ctx context.Context, log *slog.Logger, j job.Job, cancel context.CancelCauseFunc, stop <-chan struct{}) {
	tick := time.NewTicker(min(w.Lease/3, time.Second))
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		asked, err := w.DB.Jobs().Heartbeat(ctx, j.ID, j.Attempt, w.Clock.Now().Add(w.Lease))
		switch {
		case fault.KindOf(err) == fault.Conflict:
			cancel(errLeaseLost)
			return
		case err != nil && ctx.Err() == nil:
			log.Warn("heartbeat failed; trying again", "error", err)
		case asked:
			cancel(errCancelRequested)
			return
		}
	}
}

// end records how the job ended. It outlives ctx: a result that is there must
// not be lost to a shutdown that begins in this moment.
func (w *Worker) end(ctx context.Context, log *slog.Logger, r *JobRun, result any, failure error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	if _, done := result.(Done); done {
		log.Info("job completed")
		return
	}
	c, err := r.Completion(result)
	if failure == nil {
		failure = err
	}
	if failure != nil {
		c = failed(r.Job, failure)
		c.At = w.Clock.Now()
	}
	if err := w.DB.Jobs().Change(ctx, c); err != nil {
		log.Error("the job's end could not be stored; its lease will lapse and it will run again", "status", c.Status, "error", err)
		return
	}
	log.Info("job ended", "status", c.Status, "message", c.Message)
}

// failed is the change that ends j because of err.
func failed(j job.Job, err error) job.Change {
	e := fault.Wrap("", err).(*fault.Error)
	c := job.Change{ID: j.ID, Attempt: j.Attempt, Status: job.Failed, Progress: j.Progress, Message: e.Message,
		Error: &job.Failure{Code: e.Code, Message: e.Message, Details: e.Details}}
	if e.Kind == fault.Cancelled {
		c.Status, c.Error = job.Cancelled, nil
	}
	return c
}

// handBack returns the job to the queue, for the next start.
func (w *Worker) handBack(log *slog.Logger, r *JobRun) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	err := w.DB.Jobs().Change(ctx, job.Change{ID: r.Job.ID, Attempt: r.Job.Attempt, Status: job.Pending,
		Progress: r.Job.Progress, Message: "interrupted; goes on at the next start", At: w.Clock.Now()})
	if err != nil {
		log.Warn("the job could not be handed back; its lease will lapse", "error", err)
		return
	}
	log.Info("job handed back")
}

// pause waits for d or for ctx's end, whichever comes first.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
