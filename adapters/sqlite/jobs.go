package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/job"
	"github.com/plastinka/predictor/ports"
)

// Jobs is ports.Jobs.
type Jobs struct{ s *session }

var _ ports.Jobs = (*Jobs)(nil)

type jobRow struct {
	bun.BaseModel   `bun:"table:jobs"`
	Sequence        int64  `bun:",pk,autoincrement"`
	ID              string `bun:"job_id"`
	Type            string `bun:"job_type"`
	Status          string
	CreatedAt       string
	UpdatedAt       string
	Progress        float64
	Message         string `bun:"status_message"`
	Result          string
	Error           string
	Input           string
	State           string
	Owner           string
	LeaseUntil      string
	Attempt         int
	CancelRequested bool
}

type eventRow struct {
	bun.BaseModel `bun:"table:job_status_history"`
	Sequence      int64  `bun:",pk,autoincrement"`
	JobID         string `bun:"job_id"`
	Status        string
	Progress      float64
	Message       string `bun:"status_message"`
	At            string `bun:"timestamp"`
}

func (r *jobRow) job() (j job.Job, err error) {
	j = job.Job{ID: r.ID, Type: job.Type(r.Type), Status: job.Status(r.Status), Progress: r.Progress, Message: r.Message,
		Result: raw(r.Result), Input: raw(r.Input), State: raw(r.State), Owner: r.Owner, Attempt: r.Attempt, CancelRequested: r.CancelRequested}
	if r.Error != "" {
		j.Error = &job.Failure{}
		if err := decode("a job's error", r.Error, j.Error); err != nil {
			return j, err
		}
	}
	for _, t := range []struct {
		text string
		into *time.Time
	}{{r.CreatedAt, &j.CreatedAt}, {r.UpdatedAt, &j.UpdatedAt}, {r.LeaseUntil, &j.LeaseUntil}} {
		if *t.into, err = parseInstant(t.text); err != nil {
			return j, err
		}
	}
	return j, nil
}

func jobNotFound(id string) *fault.Error {
	return fault.New(fault.NotFound, "job_not_found", "there is no job %.100q", id).With("job_id", id)
}

// Create stores a new job and the beginning of its history.
func (s *Jobs) Create(ctx context.Context, j job.Job) error {
	return s.s.change(ctx, "CreateJob", func(tx bun.Tx) error {
		failure, err := encodeFailure(j.Error)
		if err != nil {
			return err
		}
		row := &jobRow{ID: j.ID, Type: string(j.Type), Status: string(j.Status), CreatedAt: instant(j.CreatedAt), UpdatedAt: instant(j.UpdatedAt),
			Progress: j.Progress, Message: j.Message, Result: string(j.Result), Error: failure, Input: string(j.Input), State: string(j.State),
			Owner: j.Owner, LeaseUntil: instant(j.LeaseUntil), Attempt: j.Attempt, CancelRequested: j.CancelRequested}
		if _, err := tx.NewInsert().Model(row).Exec(ctx); err != nil {
			return unique(err, fault.New(fault.Conflict, "conflict", "there is a job %s already", j.ID))
		}
		return record(ctx, tx, row)
	})
}

// record adds the job as it now is to its history.
func record(ctx context.Context, tx bun.Tx, row *jobRow) error {
	_, err := tx.NewInsert().Model(&eventRow{JobID: row.ID, Status: row.Status, Progress: row.Progress, Message: row.Message, At: row.UpdatedAt}).Exec(ctx)
	return err
}

func encodeFailure(f *job.Failure) (string, error) {
	if f == nil {
		return "", nil
	}
	b, err := json.Marshal(f)
	return string(b), err
}

// Job is one job, complete.
func (s *Jobs) Job(ctx context.Context, id string) (job.Job, error) {
	row, err := find(ctx, s.s.read, id)
	if err != nil {
		return job.Job{}, translate(ctx, "Job", err)
	}
	j, err := row.job()
	return j, translate(ctx, "Job", err)
}

func find(ctx context.Context, db bun.IDB, id string) (*jobRow, error) {
	row := new(jobRow)
	err := db.NewSelect().Model(row).Where("job_id = ?", id).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, jobNotFound(id)
	}
	return row, err
}

// Jobs are the selected ones, newest first.
func (s *Jobs) Jobs(ctx context.Context, q job.Query) (jobs []job.Job, matching int, err error) {
	var rows []jobRow
	sel := s.s.read.NewSelect().Model(&rows).ExcludeColumn("result")
	if q.Type != "" {
		sel = sel.Where("job_type = ?", string(q.Type))
	}
	if q.Status != "" {
		sel = sel.Where("status = ?", string(q.Status))
	}
	count, err := sel.Clone().Count(ctx)
	if err != nil {
		return nil, 0, translate(ctx, "Jobs", err)
	}
	if q.Cursor != "" {
		last, err := find(ctx, s.s.read, q.Cursor)
		if err != nil {
			return nil, 0, translate(ctx, "Jobs", err)
		}
		sel = sel.Where("(created_at, sequence) < (?, ?)", last.CreatedAt, last.Sequence)
	}
	if q.Limit > 0 {
		sel = sel.Limit(int64(q.Limit))
	}
	if err = sel.OrderExpr("created_at DESC, sequence DESC").Scan(ctx); err != nil {
		return nil, 0, translate(ctx, "Jobs", err)
	}
	for i := range rows {
		j, err := rows[i].job()
		if err != nil {
			return nil, 0, translate(ctx, "Jobs", err)
		}
		jobs = append(jobs, j)
	}
	return jobs, int(count), nil
}

// History is what happened after a sequence, oldest first.
func (s *Jobs) History(ctx context.Context, id string, after int64) ([]job.Event, error) {
	var rows []eventRow
	err := s.s.read.NewSelect().Model(&rows).Where("job_id = ?", id).Where("sequence > ?", after).OrderExpr("sequence").Scan(ctx)
	if err != nil {
		return nil, translate(ctx, "History", err)
	}
	events := make([]job.Event, len(rows))
	for i, r := range rows {
		at, err := parseInstant(r.At)
		if err != nil {
			return nil, translate(ctx, "History", err)
		}
		events[i] = job.Event{Sequence: r.Sequence, JobID: r.JobID, Status: job.Status(r.Status), Progress: r.Progress, Message: r.Message, At: at}
	}
	return events, nil
}

// Remove deletes a job that has ended, with its history.
func (s *Jobs) Remove(ctx context.Context, id string) error {
	return s.s.change(ctx, "RemoveJob", func(tx bun.Tx) error {
		row, err := find(ctx, tx, id)
		if err != nil {
			return err
		}
		if !job.Status(row.Status).Ended() {
			return fault.New(fault.Conflict, "conflict", "the job %s has not ended; cancel it first", id)
		}
		_, err = tx.NewDelete().Model(row).WherePK().Exec(ctx)
		return err
	})
}
