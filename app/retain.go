package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path"
	"slices"
	"time"

	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/job"
	"github.com/plastinka/predictor/domain/ledger"
	"github.com/plastinka/predictor/domain/training"
	"github.com/plastinka/predictor/ports"
)

// Retention removes what is older than somebody wants to keep (§4.3), and never
// what is in use. All of it can be tried before: a dry run does the same work,
// answers the same, and undoes it.
type Retention struct {
	DB        ports.Database
	Clock     ports.Clock
	Artifacts ports.Artifacts
	Log       *slog.Logger
	Policy    RetentionPolicy
}

// RetentionPolicy is what the settings want.
type RetentionPolicy struct {
	SalesDays, StockDays *int // nil: keep all
	ForecastDays         int
	ModelsToKeep         int
	InactiveDays         int // of models that are not active
	BackupDays           int
}

// Cleanup is what a clean-up removed, or would remove.
type Cleanup struct {
	DryRun    bool         `json:"dry_run"`
	Facts     RemovedFacts `json:"facts"`
	Forecasts int          `json:"forecasts"`
	Models    []string     `json:"models"` // whose files went
	Backups   []string     `json:"backups"`
}

// RemovedFacts counts removed daily facts.
type RemovedFacts struct {
	Months   []calendar.Month `json:"months"`
	Sales    int              `json:"sales"`
	Stock    int              `json:"stock"` // of months' openings
	Movement int              `json:"stock_movement"`
	// Kept says why months that are old enough stay; "" if none do.
	Kept string `json:"kept,omitempty"`
}

// errDryRun undoes a transaction that was only tried.
var errDryRun = errors.New("dry run")

func dry(dryRun bool) error {
	if dryRun {
		return errDryRun
	}
	return nil
}

func unlessDry(op string, err error) error {
	if errors.Is(err, errDryRun) {
		return nil
	}
	return fault.Wrap(op, err)
}

// Clean does all that the policy wants.
func (r *Retention) Clean(ctx context.Context, dryRun bool) (c Cleanup, err error) {
	c.DryRun = dryRun
	p := r.Policy
	if c.Facts, err = r.CleanFacts(ctx, p.SalesDays, p.StockDays, dryRun); err != nil {
		return c, err
	}
	if c.Forecasts, err = r.CleanForecasts(ctx, p.ForecastDays, dryRun); err != nil {
		return c, err
	}
	if c.Models, err = r.CleanModels(ctx, p.ModelsToKeep, p.InactiveDays, dryRun); err != nil {
		return c, err
	}
	c.Backups, err = r.PruneBackups(ctx, p.BackupDays, dryRun)
	return c, err
}

// CleanFacts removes the daily facts of whole months, from the oldest on, that
// ended more than the given days ago. A month's sales and stock are one: the
// longer of both wishes counts, nil being forever. The monthly features stay;
// so do the months that the configured lookback needs, and all of them while a
// job is not finished.
func (r *Retention) CleanFacts(ctx context.Context, salesDays, stockDays *int, dryRun bool) (removed RemovedFacts, err error) {
	removed.Months = []calendar.Month{}
	if salesDays == nil || stockDays == nil {
		return removed, nil
	}
	before := r.Clock.Today() - calendar.Day(max(*salesDays, *stockDays))
	err = r.DB.Atomically(ctx, func(s ports.Stores) error {
		removed = RemovedFacts{Months: []calendar.Month{}}
		months, err := s.Facts().Months(ctx)
		if err != nil {
			return err
		}
		old, kept, err := r.oldMonths(ctx, s, months, before)
		if err != nil {
			return err
		}
		removed.Kept = kept
		for _, m := range old {
			if err := removed.remove(ctx, s, m); err != nil {
				return err
			}
		}
		return dry(dryRun)
	})
	return removed, unlessDry("app.CleanFacts", err)
}

// oldMonths are the months, a beginning of the stored ones, that may go.
func (r *Retention) oldMonths(ctx context.Context, s ports.Stores, months []ledger.StoredMonth, before calendar.Day) (old []calendar.Month, kept string, err error) {
	for _, m := range months {
		if m.Month.Last() >= before {
			break
		}
		old = append(old, m.Month)
	}
	if len(old) == 0 {
		return nil, "", nil
	}
	if busy, err := unfinished(ctx, s); err != nil || busy != "" {
		return nil, busy, err
	}
	needed, err := neededMonths(ctx, s)
	if err != nil {
		return nil, "", err
	}
	if most := max(0, len(months)-needed); len(old) > most {
		old = old[:most]
		kept = fmt.Sprintf("the last %d months stay: the configuration in use needs them", needed)
	}
	return old, kept, nil
}

// unfinished says which job needs what is stored; "" if none does.
func unfinished(ctx context.Context, s ports.Stores) (string, error) {
	for _, status := range []job.Status{job.Running, job.Pending} {
		jobs, _, err := s.Jobs().Jobs(ctx, job.Query{Status: status, Limit: 1})
		if err != nil {
			return "", err
		}
		if len(jobs) > 0 {
			return fmt.Sprintf("nothing is removed while the %s job %s is not finished", jobs[0].Type, jobs[0].ID), nil
		}
	}
	return "", nil
}

// neededMonths is how many months a training with the active configuration, or
// the default one, needs: a lookback before each validation month and one more.
func neededMonths(ctx context.Context, s ports.Stores) (int, error) {
	config := training.DefaultStandard()
	active, err := s.Configs().Active(ctx)
	switch {
	case err == nil:
		if config, _, err = training.ParseConfig(active.Config); err != nil {
			return 0, err
		}
	case fault.KindOf(err) != fault.NotFound:
		return 0, err
	}
	return config.Lags + config.ValidationMonths + 1, nil
}

func (f *RemovedFacts) remove(ctx context.Context, s ports.Stores, m calendar.Month) error {
	for _, err := range s.Facts().Sales(ctx, m, m) {
		if err != nil {
			return err
		}
		f.Sales++
	}
	for _, err := range s.Facts().Movements(ctx, m, m) {
		if err != nil {
			return err
		}
		f.Movement++
	}
	held, err := s.Facts().Openings(ctx, m)
	if err != nil {
		return err
	}
	f.Stock += len(held)
	f.Months = append(f.Months, m)
	return s.Facts().RemoveMonth(ctx, m, false)
}

// CleanForecasts removes the forecasts for months that ended more than the
// given days ago. The newest month with forecasts stays.
func (r *Retention) CleanForecasts(ctx context.Context, days int, dryRun bool) (removed int, err error) {
	before := (r.Clock.Today() - calendar.Day(days)).Month()
	err = r.DB.Atomically(ctx, func(s ports.Stores) error {
		removed = 0
		months, err := s.Forecasts().Months(ctx)
		if err != nil || len(months) == 0 {
			return err
		}
		if removed, err = s.Forecasts().RemoveBefore(ctx, min(before, months[len(months)-1])); err != nil {
			return err
		}
		return dry(dryRun)
	})
	return removed, unlessDry("app.CleanForecasts", err)
}

// CleanModels removes the files of models beyond the newest keep, and of those
// older than the given days; their rows stay. The active model's file stays, and
// one that an unfinished job names. Files that no row names go too, a day after
// they were made.
func (r *Retention) CleanModels(ctx context.Context, keep, inactiveDays int, dryRun bool) ([]string, error) {
	models, err := r.DB.Models().Models(ctx, 0)
	if err != nil {
		return nil, fault.Wrap("app.CleanModels", err)
	}
	now := r.Clock.Now()
	removed, known, files := []string{}, map[string]bool{}, 0
	for _, m := range models { // newest first
		if m.Path == "" {
			continue
		}
		known[path.Base(m.Path)] = true
		files++
		old := now.Sub(m.CreatedAt) > time.Duration(inactiveDays)*24*time.Hour
		if m.Active || files <= keep && !old {
			continue
		}
		if err := inUse(ctx, r.DB, "model_id", m.ID); fault.KindOf(err) == fault.Conflict {
			continue
		} else if err != nil {
			return removed, fault.Wrap("app.CleanModels", err)
		}
		if !dryRun {
			if err := r.dropFile(ctx, m); err != nil {
				return removed, fault.Wrap("app.CleanModels", err)
			}
		}
		removed = append(removed, m.ID)
	}
	return removed, fault.Wrap("app.CleanModels", r.sweepModels(known, now, dryRun))
}

// dropFile removes a model's file. The row first: a file without a row is only
// litter, a row without its file would be a promise.
func (r *Retention) dropFile(ctx context.Context, m ports.StoredModel) error {
	if err := r.DB.Models().SetPath(ctx, m.ID, ""); err != nil {
		return err
	}
	return r.Artifacts.Remove(ports.ModelFiles, path.Base(m.Path))
}

func (r *Retention) sweepModels(known map[string]bool, now time.Time, dryRun bool) error {
	files, err := r.Artifacts.List(ports.ModelFiles)
	if err != nil {
		return err
	}
	for _, f := range files {
		if known[f.Name] || now.Sub(f.Modified) < abandoned || dryRun {
			continue
		}
		r.Log.Info("a file that no model names is removed", "file", f.Name)
		if err := r.Artifacts.Remove(ports.ModelFiles, f.Name); err != nil {
			return err
		}
	}
	return nil
}

// PruneBackups removes backups older than the given days; the newest stays.
func (r *Retention) PruneBackups(ctx context.Context, days int, dryRun bool) ([]string, error) {
	removed := []string{}
	files, err := r.Artifacts.List(ports.Backups)
	if err != nil {
		return removed, fault.Wrap("app.PruneBackups", err)
	}
	slices.SortFunc(files, func(a, b ports.Artifact) int {
		return cmp.Or(b.Modified.Compare(a.Modified), cmp.Compare(b.Name, a.Name))
	})
	for i, f := range files {
		if i == 0 || r.Clock.Now().Sub(f.Modified) <= time.Duration(days)*24*time.Hour {
			continue
		}
		if err := ctx.Err(); err != nil {
			return removed, fault.Wrap("app.PruneBackups", err)
		}
		if !dryRun {
			if err := r.Artifacts.Remove(ports.Backups, f.Name); err != nil {
				return removed, fault.Wrap("app.PruneBackups", err)
			}
		}
		removed = append(removed, f.Name)
	}
	return removed, nil
}
