package app

import (
	"context"
	"log/slog"

	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/ports"
)

// App is all use cases over one database. The composition root makes it; the
// commands, the HTTP service and library users call it.
type App struct {
	DB        ports.Database
	Clock     ports.Clock
	Log       *slog.Logger
	Artifacts ports.Artifacts

	Uploads  *Upload
	Training *Training
	Configs  *Configs
	Models   *Models
	Reports  *Reports
	Export   Export
	Worker   *Worker
}

// Backup writes a consistent copy of the database into the data root and
// returns its path.
func (a *App) Backup(ctx context.Context) (string, error) {
	name := "plastinka-" + a.Clock.Now().UTC().Format("20060102-150405.000") + ".db"
	path, err := a.Artifacts.Path(ports.Backups, name)
	if err != nil {
		return "", err
	}
	if err := a.DB.Backup(ctx, path); err != nil {
		return "", fault.Wrap("app.Backup", err)
	}
	return path, nil
}
