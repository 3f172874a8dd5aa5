package app

import (
	"context"
	"errors"

	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/catalog"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/intake"
	"github.com/plastinka/predictor/domain/ledger"
	"github.com/plastinka/predictor/ports"
)

// UploadResult is what became of an upload.
type UploadResult struct {
	Files             []intake.FileReport `json:"files"`
	Warnings          []intake.Warning    `json:"warnings"`
	Snapshot          calendar.Day        `json:"snapshot_date"`
	SnapshotInferred  bool                `json:"snapshot_inferred"`
	MonthsStored      []calendar.Month    `json:"months_stored"`
	MonthsUnchanged   []calendar.Month    `json:"months_unchanged"`
	MonthsCompleted   []calendar.Month    `json:"months_completed"`
	Products          int                 `json:"products"`     // of the upload's rows
	ProductsNew       int                 `json:"products_new"` // never seen before
	RecordsProcessed  int                 `json:"records_processed"`
	FeaturesGenerated []string            `json:"features_generated"`
	RunID             string              `json:"processing_run_id"`
}

// Handle is the Handler of job.Upload. It processes the job's kept files and
// removes them when the job has ended.
func (u *Upload) Handle(ctx context.Context, run *JobRun) (any, error) {
	var input uploadInput
	if err := run.Input(&input); err != nil {
		return nil, err
	}
	p := processing{Upload: u, id: run.Job.ID, input: input,
		progress: func(percent float64, message string) error { return run.Progress(ctx, percent, message) },
		finish: func(s ports.Stores, r UploadResult) error {
			c, err := run.Completion(r)
			if err != nil {
				return err
			}
			return s.Jobs().Change(ctx, c)
		}}
	if _, err := p.run(ctx); err != nil {
		if ended(ctx, err) {
			u.discard(run.Job.ID, len(input.Files))
		}
		return nil, err
	}
	u.discard(run.Job.ID, len(input.Files))
	return Done{}, nil
}

// ended reports whether a job ends with err. If it was interrupted, or another
// worker has taken it over, somebody still needs its files.
func ended(ctx context.Context, err error) bool {
	if fault.CodeOf(err) == "lease_lost" {
		return false
	}
	return ctx.Err() == nil || errors.Is(context.Cause(ctx), errCancelRequested)
}

// Run processes an upload at once, without a job: for programs that use this
// one as a library. progress may be nil.
func (u *Upload) Run(ctx context.Context, req UploadRequest, progress func(percent float64, message string)) (UploadResult, error) {
	return u.atOnce(ctx, req, progress, nil)
}

// DryRun answers what the upload would answer, and stores nothing.
func (u *Upload) DryRun(ctx context.Context, req UploadRequest, progress func(percent float64, message string)) (UploadResult, error) {
	undo := errors.New("dry run")
	result, err := u.atOnce(ctx, req, progress, undo)
	if errors.Is(err, undo) {
		err = nil
	}
	return result, err
}

// atOnce receives and processes an upload; end is how its transaction ends.
func (u *Upload) atOnce(ctx context.Context, req UploadRequest, progress func(float64, string), end error) (UploadResult, error) {
	r, err := u.Receive(ctx, req)
	if err != nil {
		return UploadResult{}, err
	}
	defer u.Discard(r)
	p := processing{Upload: u, id: r.id, input: r.input,
		progress: func(percent float64, message string) error {
			if progress != nil {
				progress(percent, message)
			}
			return nil
		},
		finish: func(ports.Stores, UploadResult) error { return end }}
	return p.run(ctx)
}

// processing is one upload on its way from files to the store.
type processing struct {
	*Upload
	id       string
	input    uploadInput
	progress func(percent float64, message string) error
	// finish is the last step of the transaction; its error undoes all.
	finish func(ports.Stores, UploadResult) error
}

// run is the way of the data. A failure carries the accounting of the files
// read so far in its details.
func (p *processing) run(ctx context.Context) (UploadResult, error) {
	bins, _, err := PriceBins(ctx, p.DB.Settings(), p.PriceBins)
	if err != nil {
		return UploadResult{}, err
	}
	rows, plan, reports, err := p.read(ctx, bins)
	if err != nil {
		return UploadResult{}, accounted(err, reports)
	}
	if err := p.progress(70, "storing"); err != nil {
		return UploadResult{}, err
	}
	var result UploadResult
	err = p.DB.Atomically(ctx, func(s ports.Stores) (err error) {
		w := writing{processing: p, stores: s, rows: rows.Clone(), plan: plan, bins: bins}
		if result, err = w.run(ctx); err != nil {
			return err
		}
		return p.finish(s, result)
	})
	if err != nil {
		return result, accounted(err, rows.Files)
	}
	return result, nil
}

func accounted(err error, reports []intake.FileReport) error {
	e := fault.Wrap("app.Upload", err).(*fault.Error)
	if len(reports) == 0 || e.Kind == fault.Cancelled {
		return e
	}
	return e.With("files", reports)
}

// read reads the files and plans the upload by their rows alone. reports are
// of the files before the one that failed, and of that one if it was read.
func (p *processing) read(ctx context.Context, bins catalog.Bins) (rows *intake.Rows, plan *ledger.Plan, reports []intake.FileReport, err error) {
	if err := p.progress(1, "reading the files"); err != nil {
		return nil, nil, nil, err
	}
	files, reports, err := p.readFiles(ctx, p.id, p.input.Files, bins, func(name string, done int) error {
		return p.progress(1+64*float64(done)/float64(len(p.input.Files)), "read "+name)
	})
	if err != nil {
		return nil, nil, reports, err
	}
	rows = intake.Merge(files)
	ledger.RejectStray(rows)
	plan, err = ledger.NewPlan(rows, ledger.Options{Today: p.Clock.Today(), Snapshot: p.input.Options.Snapshot,
		EmptyMonths: p.input.Options.EmptyMonths, AllowLate: p.input.Options.AllowLate})
	return rows, plan, rows.Files, err
}
