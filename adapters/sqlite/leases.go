package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/job"
)

func leaseLost(id string) *fault.Error {
	return fault.New(fault.Conflict, "lease_lost", "the job %.100q is no longer this worker's: it has ended, or another worker has taken it over", id)
}

// Claim leases the oldest job that may be run. Choosing and taking are one
// write transaction, so that two workers never get the same.
func (s *Jobs) Claim(ctx context.Context, owner string, types []job.Type, ids []string, now time.Time, lease time.Duration) (j job.Job, ok bool, err error) {
	// A worker looks again and again and mostly finds nothing: it must not
	// take the writer's turn for that.
	err = s.candidates(s.s.read, types, ids, now).Scan(ctx, new(int64))
	if errors.Is(err, sql.ErrNoRows) {
		return job.Job{}, false, nil
	}
	if err != nil {
		return job.Job{}, false, translate(ctx, "Claim", err)
	}
	err = s.s.change(ctx, "Claim", func(tx bun.Tx) error {
		row := new(jobRow)
		err := tx.NewSelect().Model(row).Where("sequence = (?)", s.candidates(tx, types, ids, now)).Scan(ctx)
		if errors.Is(err, sql.ErrNoRows) {
			return nil // somebody was faster
		}
		if err != nil {
			return err
		}
		row.Attempt++
		row.Status, row.Owner = string(job.Running), owner
		row.LeaseUntil, row.UpdatedAt = instant(now.Add(lease)), instant(now)
		row.Message = "started"
		if row.Attempt > 1 {
			row.Message = fmt.Sprintf("started again, attempt %d", row.Attempt)
		}
		if err := save(ctx, tx, row); err != nil {
			return err
		}
		ok = true
		j, err = row.job()
		return err
	})
	return j, ok && err == nil, err
}

// candidates selects the sequence of the oldest job that may be claimed.
func (s *Jobs) candidates(db bun.IDB, types []job.Type, ids []string, now time.Time) *bun.SelectQuery {
	q := db.NewSelect().TableExpr("jobs").Column("sequence").
		Where("status IN ('pending', 'running')").
		Where("(status = 'pending' OR lease_until <= ?)", instant(now))
	if len(types) > 0 {
		q = q.Where("job_type IN (?)", bun.List(types))
	}
	if len(ids) > 0 {
		q = q.Where("job_id IN (?)", bun.List(ids))
	}
	return q.OrderExpr("created_at, sequence").Limit(1)
}

// save stores the row and adds it to the history.
func save(ctx context.Context, tx bun.Tx, row *jobRow) error {
	if _, err := tx.NewUpdate().Model(row).WherePK().Exec(ctx); err != nil {
		return err
	}
	return record(ctx, tx, row)
}

// Heartbeat extends the lease of the job's attempt.
func (s *Jobs) Heartbeat(ctx context.Context, id string, attempt int, until time.Time) (cancelRequested bool, err error) {
	err = s.s.change(ctx, "Heartbeat", func(tx bun.Tx) error {
		err := tx.NewRaw("UPDATE jobs SET lease_until = ? WHERE job_id = ? AND attempt = ? AND status = 'running' RETURNING cancel_requested",
			instant(until), id, attempt).Scan(ctx, &cancelRequested)
		if errors.Is(err, sql.ErrNoRows) {
			return leaseLost(id)
		}
		return err
	})
	return cancelRequested, err
}

// Change makes one step of a job.
func (s *Jobs) Change(ctx context.Context, c job.Change) error {
	return s.s.change(ctx, "Change", func(tx bun.Tx) error {
		row, err := find(ctx, tx, c.ID)
		if fault.KindOf(err) == fault.NotFound {
			return leaseLost(c.ID)
		}
		if err != nil {
			return err
		}
		now := job.Status(row.Status)
		next := cmp.Or(c.Status, now)
		if row.Attempt != c.Attempt || !now.MayBecome(next) {
			return leaseLost(c.ID)
		}
		failure, err := encodeFailure(c.Error)
		if err != nil {
			return err
		}
		row.Status, row.Progress = string(next), c.Progress
		row.Message = cmp.Or(c.Message, row.Message)
		row.State = cmp.Or(string(c.State), row.State)
		row.Result = cmp.Or(string(c.Result), row.Result)
		row.Error = cmp.Or(failure, row.Error)
		row.UpdatedAt = cmp.Or(instant(c.At), row.UpdatedAt)
		if next != job.Running { // nobody holds it any more
			row.Owner, row.LeaseUntil = "", ""
		}
		return save(ctx, tx, row)
	})
}

// RequestCancel marks a running job, and cancels a pending one.
func (s *Jobs) RequestCancel(ctx context.Context, id string, now time.Time) (j job.Job, err error) {
	err = s.s.change(ctx, "RequestCancel", func(tx bun.Tx) error {
		row, err := find(ctx, tx, id)
		if err != nil {
			return err
		}
		switch status := job.Status(row.Status); {
		case status.Ended():
			return fault.New(fault.Conflict, "job_not_cancellable", "the job %s has ended already: it is %s", id, status).With("status", string(status))
		case row.CancelRequested && status == job.Running: // asked before
		default:
			row.CancelRequested, row.UpdatedAt, row.Message = true, instant(now), "cancel requested"
			if status == job.Pending {
				row.Status, row.Message = string(job.Cancelled), "cancelled by request"
			}
			if err := save(ctx, tx, row); err != nil {
				return err
			}
		}
		j, err = row.job()
		return err
	})
	return j, err
}
