package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"math"
	"time"

	"github.com/uptrace/bun"

	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/job"
	"github.com/plastinka/predictor/domain/training"
	"github.com/plastinka/predictor/ports"
)

// Results is ports.Results.
type Results struct{ s *session }

var _ ports.Results = (*Results)(nil)

type resultRow struct {
	bun.BaseModel `bun:"table:training_results,alias:r"` // and its sisters, named per query
	Sequence      int64                                  `bun:",pk,autoincrement"`
	ID            string                                 `bun:"result_id"`
	JobID         string                                 `bun:"job_id"`
	ModelID       string                                 `bun:"model_id"`
	ConfigID      string                                 `bun:"config_id"`
	Metrics       string
	Body          string
	Duration      float64
	CreatedAt     string
}

// resultTable is the table of a kind of job.
func resultTable(kind job.Type) (bun.Ident, error) {
	switch kind {
	case job.Upload, job.Training, job.Tuning, job.Backtest, job.Prediction, job.Report:
		return bun.Ident(string(kind) + "_results"), nil
	}
	return "", fault.New(fault.Internal, "internal_error", "results of %q jobs are not kept", kind)
}

func (r *resultRow) result(kind job.Type) (x ports.StoredResult, err error) {
	x = ports.StoredResult{ID: r.ID, Kind: kind, JobID: r.JobID, ModelID: r.ModelID, ConfigID: r.ConfigID, Body: raw(r.Body), Duration: r.Duration}
	if err = decode("a result's metrics", r.Metrics, &x.Metrics); err == nil {
		x.CreatedAt, err = parseInstant(r.CreatedAt)
	}
	return x, err
}

// Add keeps a result. A metric that is no number is left out.
func (s *Results) Add(ctx context.Context, r ports.StoredResult) error {
	return s.s.change(ctx, "AddResult", func(tx bun.Tx) error {
		table, err := resultTable(r.Kind)
		if err != nil {
			return err
		}
		metrics, err := encodeMetrics(r.Metrics)
		if err != nil {
			return err
		}
		row := &resultRow{ID: r.ID, JobID: r.JobID, ModelID: r.ModelID, ConfigID: r.ConfigID, Metrics: metrics,
			Body: string(r.Body), Duration: r.Duration, CreatedAt: instant(r.CreatedAt)}
		_, err = tx.NewInsert().Model(row).ModelTableExpr("?", table).Exec(ctx)
		return unique(err, fault.New(fault.Conflict, "conflict", "there is a result %s already", r.ID))
	})
}

// Result is one result of a kind.
func (s *Results) Result(ctx context.Context, kind job.Type, id string) (x ports.StoredResult, err error) {
	table, err := resultTable(kind)
	if err != nil {
		return x, translate(ctx, "Result", err)
	}
	var row resultRow
	err = s.s.read.NewSelect().Model(&row).ModelTableExpr("? AS r", table).Where("result_id = ?", id).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		err = fault.New(fault.NotFound, "not_found", "there is no %s result %.100q", kind, id)
	}
	if err == nil {
		x, err = row.result(kind)
	}
	return x, translate(ctx, "Result", err)
}

// Results are a kind's newest results first; limit 0 is all.
func (s *Results) Results(ctx context.Context, kind job.Type, limit int) (results []ports.StoredResult, err error) {
	table, err := resultTable(kind)
	if err != nil {
		return nil, translate(ctx, "Results", err)
	}
	var rows []resultRow
	if err := newest(s.s.read.NewSelect().Model(&rows).ModelTableExpr("? AS r", table), limit).Scan(ctx); err != nil {
		return nil, translate(ctx, "Results", err)
	}
	for i := range rows {
		x, err := rows[i].result(kind)
		if err != nil {
			return nil, translate(ctx, "Results", err)
		}
		results = append(results, x)
	}
	return results, nil
}

type trialRow struct {
	bun.BaseModel   `bun:"table:tuning_trials"`
	JobID           string `bun:"job_id,pk"`
	Rung            int    `bun:",pk"`
	TrialID         int    `bun:"trial_id,pk"`
	Epochs          int
	Config          string
	Pinball         sql.NullFloat64
	RelativePinball sql.NullFloat64
	Metrics         string
	Seconds         float64
	Error           string
}

// AddTrial keeps a judged trial, in place of one of the same job, rung and id:
// a search that goes on after a kill may judge its last one again.
func (s *Results) AddTrial(ctx context.Context, t ports.StoredTrial) error {
	return s.s.change(ctx, "AddTrial", func(tx bun.Tx) error {
		config, err := json.Marshal(t.Trial.Config)
		if err != nil {
			return err
		}
		metrics, err := encodeMetrics(t.Score.Metrics)
		if err != nil {
			return err
		}
		_, err = tx.NewInsert().Model(&trialRow{JobID: t.JobID, Rung: t.Rung, TrialID: t.Trial.ID, Epochs: t.Trial.Epochs, Config: string(config),
			Pinball: number(t.Score.Pinball), RelativePinball: number(t.Score.Relative), Metrics: metrics,
			Seconds: t.Score.Seconds, Error: t.Score.Error}).Replace().Exec(ctx)
		return err
	})
}

// number is NULL for what is no number: the score of a trial that failed.
func number(x float64) sql.NullFloat64 {
	return sql.NullFloat64{Float64: x, Valid: !math.IsNaN(x) && !math.IsInf(x, 0)}
}

func orNaN(x sql.NullFloat64) float64 {
	if !x.Valid {
		return math.NaN()
	}
	return x.Float64
}

// Trials are the judged trials of a job by rung and id.
func (s *Results) Trials(ctx context.Context, jobID string) ([]ports.StoredTrial, error) {
	var rows []trialRow
	err := s.s.read.NewSelect().Model(&rows).Where("job_id = ?", jobID).OrderExpr("rung, trial_id").Scan(ctx)
	if err != nil {
		return nil, translate(ctx, "Trials", err)
	}
	trials := make([]ports.StoredTrial, len(rows))
	for i, r := range rows {
		t := ports.StoredTrial{JobID: r.JobID, Rung: r.Rung, Trial: training.Trial{ID: r.TrialID, Epochs: r.Epochs},
			Score: training.TrialScore{ID: r.TrialID, Pinball: orNaN(r.Pinball), Relative: orNaN(r.RelativePinball), Seconds: r.Seconds, Error: r.Error}}
		err := decode("a trial's configuration", r.Config, &t.Trial.Config)
		if err == nil {
			err = decode("a trial's metrics", r.Metrics, &t.Score.Metrics)
		}
		if err != nil {
			return nil, translate(ctx, "Trials", err)
		}
		trials[i] = t
	}
	return trials, nil
}

type retryRow struct {
	bun.BaseModel `bun:"table:retry_events"`
	Sequence      int64 `bun:",pk,autoincrement"`
	Operation     string
	Error         string
	Attempts      int
	Succeeded     bool
	At            string
}

// CountRetry adds to the statistics of retried operations.
func (s *Results) CountRetry(ctx context.Context, r ports.RetryEvent) error {
	return s.s.change(ctx, "CountRetry", func(tx bun.Tx) error {
		_, err := tx.NewInsert().Model(&retryRow{Operation: r.Operation, Error: r.Error, Attempts: r.Attempts, Succeeded: r.Succeeded, At: instant(r.At)}).Exec(ctx)
		return err
	})
}

// Retries are the counted retries, oldest first.
func (s *Results) Retries(ctx context.Context) ([]ports.RetryEvent, error) {
	var rows []retryRow
	if err := s.s.read.NewSelect().Model(&rows).OrderExpr("sequence").Scan(ctx); err != nil {
		return nil, translate(ctx, "Retries", err)
	}
	events := make([]ports.RetryEvent, len(rows))
	for i, r := range rows {
		var at time.Time
		at, err := parseInstant(r.At)
		if err != nil {
			return nil, translate(ctx, "Retries", err)
		}
		events[i] = ports.RetryEvent{Operation: r.Operation, Error: r.Error, Attempts: r.Attempts, Succeeded: r.Succeeded, At: at}
	}
	return events, nil
}

// ResetRetries forgets the counted retries.
func (s *Results) ResetRetries(ctx context.Context) error {
	return s.s.change(ctx, "ResetRetries", func(tx bun.Tx) error {
		_, err := tx.NewRaw("DELETE FROM retry_events").Exec(ctx)
		return err
	})
}
