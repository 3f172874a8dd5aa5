package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"github.com/plastinka/predictor/ports"
)

// Submissions is ports.Submissions.
type Submissions struct{ s *session }

var _ ports.Submissions = (*Submissions)(nil)

type answerRow struct {
	bun.BaseModel `bun:"table:idempotency_keys"`
	Key           string `bun:"idempotency_key,pk"`
	Request       string
	Answer        string
	CreatedAt     string
}

// Lock takes the lock key until the given time, if it is free.
func (s *Submissions) Lock(ctx context.Context, key string, now, until time.Time) (ok bool, free time.Time, err error) {
	err = s.s.change(ctx, "Lock", func(tx bun.Tx) error {
		var held string
		err := tx.NewRaw("SELECT locked_until FROM job_submission_locks WHERE lock_key = ?", key).Scan(ctx, &held)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if held > instant(now) {
			free, err = parseInstant(held)
			return err
		}
		ok = true
		_, err = tx.NewRaw("INSERT INTO job_submission_locks (lock_key, locked_until) VALUES (?, ?) "+
			"ON CONFLICT DO UPDATE SET locked_until = EXCLUDED.locked_until", key, instant(until)).Exec(ctx)
		return err
	})
	return ok && err == nil, free, err
}

// Answer is the first answer kept under a key.
func (s *Submissions) Answer(ctx context.Context, key string) (request string, answer json.RawMessage, ok bool, err error) {
	var row answerRow
	err = s.s.read.NewSelect().Model(&row).Where("idempotency_key = ?", key).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil, false, nil
	}
	return row.Request, raw(row.Answer), err == nil, translate(ctx, "Answer", err)
}

// KeepAnswer keeps the answer to a request; the first one under a key stays.
func (s *Submissions) KeepAnswer(ctx context.Context, key, request string, answer json.RawMessage, at time.Time) error {
	return s.s.change(ctx, "KeepAnswer", func(tx bun.Tx) error {
		_, err := tx.NewInsert().Model(&answerRow{Key: key, Request: request, Answer: string(answer), CreatedAt: instant(at)}).
			On("CONFLICT DO NOTHING").Exec(ctx)
		return err
	})
}
