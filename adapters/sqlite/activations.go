package sqlite

import (
	"context"
	"database/sql"

	"github.com/plastinka/predictor/ports"
)

// Activations are the changes of the active configuration, newest first.
func (s *Configs) Activations(ctx context.Context, limit int) ([]ports.Activation, error) {
	return s.s.activations(ctx, "config", limit)
}

// Activations are the changes of the active model, newest first.
func (s *Models) Activations(ctx context.Context, limit int) ([]ports.Activation, error) {
	return s.s.activations(ctx, "model", limit)
}

func (s *session) activations(ctx context.Context, kind string, limit int) ([]ports.Activation, error) {
	q := s.read.NewSelect().TableExpr("activation_history").ColumnExpr("id, activated_at").Where("kind = ?", kind).OrderExpr("sequence DESC")
	if limit > 0 {
		q = q.Limit(int64(limit))
	}
	return collect(stream(ctx, s, "Activations", q, func() func(*sql.Rows) (ports.Activation, error) {
		return func(rows *sql.Rows) (a ports.Activation, err error) {
			var at string
			if err = rows.Scan(&a.ID, &at); err == nil {
				a.At, err = parseInstant(at)
			}
			return a, err
		}
	}))
}
