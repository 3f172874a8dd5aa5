package sqlite

import (
	"context"
	"database/sql"
	"iter"

	"github.com/uptrace/bun"

	"github.com/plastinka/predictor/ports"
)

// session is where statements go: to the pools, or all into one transaction.
type session struct {
	read   bun.IDB
	writer *bun.DB // nil in a transaction
	tx     bun.Tx  // of a transaction
	// gather makes streams read all their rows before the first is handed out:
	// where an open reader would be in the way of the writer (in memory), and in
	// a transaction, whose function may change what it is reading.
	gather bool
}

var _ ports.Stores = (*session)(nil)

func (s *session) Catalog() ports.Catalog         { return &Catalog{s} }
func (s *session) Facts() ports.Facts             { return &Facts{s} }
func (s *session) Jobs() ports.Jobs               { return &Jobs{s} }
func (s *session) Submissions() ports.Submissions { return &Submissions{s} }
func (s *session) Configs() ports.Configs         { return &Configs{s} }
func (s *session) Models() ports.Models           { return &Models{s} }
func (s *session) Forecasts() ports.Forecasts     { return &Forecasts{s} }
func (s *session) Results() ports.Results         { return &Results{s} }
func (s *session) Settings() ports.Settings       { return &Settings{s} }

// change makes one change, whole or not at all: in a transaction of its own,
// or under a savepoint of the one that s is, so that a function that goes on
// after an error keeps nothing half done.
func (s *session) change(ctx context.Context, op string, f func(tx bun.Tx) error) error {
	step := func(_ context.Context, tx bun.Tx) error { return f(tx) }
	if s.writer == nil {
		return translate(ctx, op, s.tx.RunInTx(ctx, nil, step))
	}
	return translate(ctx, op, s.writer.RunInTx(ctx, nil, step))
}

// stream yields the rows of a query. scan reads one row; it is made anew for
// every pass, so that it may remember things.
func stream[T any](ctx context.Context, s *session, op string, query *bun.SelectQuery, scanner func() func(*sql.Rows) (T, error)) iter.Seq2[T, error] {
	direct := func(yield func(T, error) bool) {
		var none T
		rows, err := query.Clone().Rows(ctx)
		if err != nil {
			yield(none, translate(ctx, op, err))
			return
		}
		defer rows.Close()
		scan := scanner()
		for rows.Next() {
			row, err := scan(rows)
			if err != nil {
				yield(none, translate(ctx, op, err))
				return
			}
			if !yield(row, nil) {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(none, translate(ctx, op, err))
		}
	}
	if !s.gather {
		return direct
	}
	return func(yield func(T, error) bool) {
		all, err := collect(direct)
		for _, row := range all {
			if !yield(row, nil) {
				return
			}
		}
		if err != nil {
			var none T
			yield(none, err)
		}
	}
}

// collect gathers a stream up to its first error.
func collect[T any](rows iter.Seq2[T, error]) (all []T, err error) {
	for row, err := range rows {
		if err != nil {
			return all, err
		}
		all = append(all, row)
	}
	return all, nil
}
