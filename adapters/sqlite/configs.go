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

// Configs is ports.Configs.
type Configs struct{ s *session }

var _ ports.Configs = (*Configs)(nil)

type configRow struct {
	bun.BaseModel `bun:"table:configs"`
	Sequence      int64  `bun:",pk,autoincrement"`
	ID            string `bun:"config_id"`
	Config        string
	Active        bool `bun:"is_active"`
	CreatedAt     string
	Source        string
}

func (r *configRow) config() (ports.StoredConfig, error) {
	at, err := parseInstant(r.CreatedAt)
	return ports.StoredConfig{ID: r.ID, Config: raw(r.Config), Active: r.Active, CreatedAt: at, Source: r.Source}, err
}

// Put keeps a configuration. One that is known stays as it is; either becomes
// the active one if c.Active is set.
func (s *Configs) Put(ctx context.Context, c ports.StoredConfig) error {
	return s.s.change(ctx, "PutConfig", func(tx bun.Tx) error {
		row := &configRow{ID: c.ID, Config: string(c.Config), CreatedAt: instant(c.CreatedAt), Source: c.Source}
		if _, err := tx.NewInsert().Model(row).On("CONFLICT (config_id) DO NOTHING").Exec(ctx); err != nil || !c.Active {
			return err
		}
		return activate(ctx, tx, "config", c.ID, c.CreatedAt)
	})
}

// activate makes the row of a kind the only active one.
func activate(ctx context.Context, tx bun.Tx, kind, id string, at time.Time) error {
	table := kind + "s"
	if _, err := tx.NewUpdate().Table(table).Set("is_active = 0").Where("is_active = 1").Exec(ctx); err != nil {
		return err
	}
	res, err := tx.NewUpdate().Table(table).Set("is_active = 1").Where("? = ?", bun.Ident(kind+"_id"), id).Exec(ctx)
	if err := orUnknown(res, err, kind, id); err != nil {
		return err
	}
	_, err = tx.NewRaw("INSERT INTO activation_history (kind, id, activated_at) VALUES (?, ?, ?)", kind, id, instant(at)).Exec(ctx)
	return err
}

// unknown is config_not_found or model_not_found.
func unknown(kind, id string) *fault.Error {
	return fault.New(fault.NotFound, kind+"_not_found", "there is no %s %.100q", kind, id).With(kind+"_id", id)
}

func noneActive(kind string) *fault.Error {
	return fault.New(fault.NotFound, "no_active_"+kind, "no %s is active; activate one first", kind)
}

// Config is one configuration.
func (s *Configs) Config(ctx context.Context, id string) (ports.StoredConfig, error) {
	return s.one(ctx, "Config", unknown("config", id), "config_id = ?", id)
}

// Active is the active configuration.
func (s *Configs) Active(ctx context.Context) (ports.StoredConfig, error) {
	return s.one(ctx, "ActiveConfig", noneActive("config"), "is_active = 1")
}

func (s *Configs) one(ctx context.Context, op string, none *fault.Error, where string, args ...any) (ports.StoredConfig, error) {
	var row configRow
	err := s.s.read.NewSelect().Model(&row).Where(where, args...).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		err = none
	}
	if err != nil {
		return ports.StoredConfig{}, translate(ctx, op, err)
	}
	c, err := row.config()
	return c, translate(ctx, op, err)
}

// Configs are the newest configurations first; limit 0 is all.
func (s *Configs) Configs(ctx context.Context, limit int) (configs []ports.StoredConfig, err error) {
	var rows []configRow
	if err := newest(s.s.read.NewSelect().Model(&rows), limit).Scan(ctx); err != nil {
		return nil, translate(ctx, "Configs", err)
	}
	for i := range rows {
		c, err := rows[i].config()
		if err != nil {
			return nil, translate(ctx, "Configs", err)
		}
		configs = append(configs, c)
	}
	return configs, nil
}

// newest orders by age, the newest first, and limits if limit is not 0.
func newest(q *bun.SelectQuery, limit int) *bun.SelectQuery {
	if limit > 0 {
		q = q.Limit(int64(limit))
	}
	return q.OrderExpr("created_at DESC, sequence DESC")
}

// SetActive makes a configuration the active one.
func (s *Configs) SetActive(ctx context.Context, id string, at time.Time) error {
	return s.s.change(ctx, "SetActiveConfig", func(tx bun.Tx) error { return activate(ctx, tx, "config", id, at) })
}

// Remove deletes a configuration that is neither active nor in use: one that
// an unfinished job names in its input is.
func (s *Configs) Remove(ctx context.Context, id string) error {
	return s.s.change(ctx, "RemoveConfig", func(tx bun.Tx) error {
		var row configRow
		err := tx.NewSelect().Model(&row).Where("config_id = ?", id).Scan(ctx)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return unknown("config", id)
		case err != nil:
			return err
		case row.Active:
			return fault.New(fault.Conflict, "conflict", "the active configuration is not deleted; activate another one first")
		}
		user, err := unfinishedUser(ctx, tx, "config_id", id)
		if err != nil {
			return err
		}
		if user != "" {
			return fault.New(fault.Conflict, "conflict", "in use by the unfinished job %s", user)
		}
		_, err = tx.NewDelete().Model(&row).WherePK().Exec(ctx)
		return err
	})
}

// unfinishedUser is an unfinished job whose input's member names the id; ""
// if there is none.
func unfinishedUser(ctx context.Context, tx bun.Tx, member, id string) (jobID string, err error) {
	err = tx.NewSelect().TableExpr("jobs").Column("job_id").
		Where("status IN ('pending', 'running')").
		Where("json_valid(input) AND json_extract(input, ?) = ?", "$."+member, id).Limit(1).Scan(ctx, &jobID)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return jobID, err
}
