package sqlite

import (
	"context"
	"database/sql"
	"errors"

	"github.com/uptrace/bun"

	"github.com/plastinka/predictor/ports"
)

// Settings is ports.Settings.
type Settings struct{ s *session }

var _ ports.Settings = (*Settings)(nil)

type settingRow struct {
	bun.BaseModel `bun:"table:settings"`
	Name          string `bun:",pk"`
	Value         string
}

// Setting is the value kept under name.
func (s *Settings) Setting(ctx context.Context, name string) (value string, ok bool, err error) {
	var row settingRow
	err = s.s.read.NewSelect().Model(&row).Where("name = ?", name).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return "", false, nil
	}
	return row.Value, err == nil, translate(ctx, "Setting", err)
}

// SetSetting keeps value under name, in place of what was there.
func (s *Settings) SetSetting(ctx context.Context, name, value string) error {
	return s.s.change(ctx, "SetSetting", func(tx bun.Tx) error {
		_, err := tx.NewInsert().Model(&settingRow{Name: name, Value: value}).
			On("CONFLICT (name) DO UPDATE").Set("value = EXCLUDED.value").Exec(ctx)
		return err
	})
}
