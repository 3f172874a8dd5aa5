package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/ports"
)

// Models is ports.Models.
type Models struct{ s *session }

var _ ports.Models = (*Models)(nil)

type modelRow struct {
	bun.BaseModel `bun:"table:models"`
	Sequence      int64  `bun:",pk,autoincrement"`
	ID            string `bun:"model_id"`
	Path          string `bun:"model_path"`
	JobID         string `bun:"job_id"`
	Active        bool   `bun:"is_active"`
	Metadata      string
	CreatedAt     string
}

func (r *modelRow) model() (ports.StoredModel, error) {
	at, err := parseInstant(r.CreatedAt)
	return ports.StoredModel{ID: r.ID, Path: r.Path, JobID: r.JobID, Active: r.Active, Metadata: raw(r.Metadata), CreatedAt: at}, err
}

// Add keeps a new model, as the active one if m.Active is set.
func (s *Models) Add(ctx context.Context, m ports.StoredModel) error {
	return s.s.change(ctx, "AddModel", func(tx bun.Tx) error {
		row := &modelRow{ID: m.ID, Path: m.Path, JobID: m.JobID, Metadata: string(m.Metadata), CreatedAt: instant(m.CreatedAt)}
		if _, err := tx.NewInsert().Model(row).Exec(ctx); err != nil {
			return unique(err, fault.New(fault.Conflict, "model_exists", "there is a model %q already; nothing was overwritten: give the new one another id", m.ID).With("model_id", m.ID))
		}
		if !m.Active {
			return nil
		}
		return activate(ctx, tx, "model", m.ID, m.CreatedAt)
	})
}

// Model is one model.
func (s *Models) Model(ctx context.Context, id string) (ports.StoredModel, error) {
	return s.one(ctx, "Model", unknown("model", id), "model_id = ?", id)
}

// Active is the active model.
func (s *Models) Active(ctx context.Context) (ports.StoredModel, error) {
	return s.one(ctx, "ActiveModel", noneActive("model"), "is_active = 1")
}

func (s *Models) one(ctx context.Context, op string, none *fault.Error, where string, args ...any) (ports.StoredModel, error) {
	var row modelRow
	err := s.s.read.NewSelect().Model(&row).Where(where, args...).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		err = none
	}
	if err != nil {
		return ports.StoredModel{}, translate(ctx, op, err)
	}
	m, err := row.model()
	return m, translate(ctx, op, err)
}

// Models are the newest models first; limit 0 is all.
func (s *Models) Models(ctx context.Context, limit int) (models []ports.StoredModel, err error) {
	var rows []modelRow
	if err := newest(s.s.read.NewSelect().Model(&rows), limit).Scan(ctx); err != nil {
		return nil, translate(ctx, "Models", err)
	}
	for i := range rows {
		m, err := rows[i].model()
		if err != nil {
			return nil, translate(ctx, "Models", err)
		}
		models = append(models, m)
	}
	return models, nil
}

// SetActive makes a model the active one.
func (s *Models) SetActive(ctx context.Context, id string, at time.Time) error {
	return s.s.change(ctx, "SetActiveModel", func(tx bun.Tx) error { return activate(ctx, tx, "model", id, at) })
}

// SetPath says where the model's file is; "" when it is gone.
func (s *Models) SetPath(ctx context.Context, id, path string) error {
	return s.s.change(ctx, "SetPath", func(tx bun.Tx) error {
		res, err := tx.NewUpdate().Table("models").Set("model_path = ?", path).Where("model_id = ?", id).Exec(ctx)
		return orUnknown(res, err, "model", id)
	})
}

// Remove deletes a model's row; its forecasts stay.
func (s *Models) Remove(ctx context.Context, id string) error {
	return s.s.change(ctx, "RemoveModel", func(tx bun.Tx) error {
		res, err := tx.NewDelete().Table("models").Where("model_id = ?", id).Exec(ctx)
		return orUnknown(res, err, "model", id)
	})
}

// orUnknown is NotFound if a statement met no row.
func orUnknown(res sql.Result, err error, kind, id string) error {
	if err != nil {
		return err
	}
	n, err := res.RowsAffected()
	if err == nil && n == 0 {
		return unknown(kind, id)
	}
	return err
}
