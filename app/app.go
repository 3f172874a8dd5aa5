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
	Tuning   *Tuning
	Configs  *Configs
	Models   *Models
	Reports  *Reports
	History  *History
	Products *Products
	Retain   *Retention
	Export   Export
	Worker   *Worker
	// Explanations say what moved a forecast.
	Explanations *Explanations
}

// MakeBackup writes a consistent copy of the database into the data root.
func (a *App) MakeBackup(ctx context.Context) (ports.Artifact, error) {
	name := "plastinka-" + a.Clock.Now().UTC().Format("20060102-150405.000") + ".db"
	path, err := a.Artifacts.Path(ports.Backups, name)
	if err != nil {
		return ports.Artifact{}, err
	}
	if err := a.DB.Backup(ctx, path); err != nil {
		return ports.Artifact{}, fault.Wrap("app.Backup", err)
	}
	files, err := a.Artifacts.List(ports.Backups)
	if err != nil {
		return ports.Artifact{}, fault.Wrap("app.Backup", err)
	}
	for _, f := range files {
		if f.Name == name {
			return f, nil
		}
	}
	return ports.Artifact{}, fault.New(fault.Internal, "internal_error", "the backup %s was made and is gone", name)
}

// Backup is MakeBackup, and returns the copy's path.
func (a *App) Backup(ctx context.Context) (string, error) {
	made, err := a.MakeBackup(ctx)
	if err != nil {
		return "", err
	}
	return a.Artifacts.Path(ports.Backups, made.Name)
}
