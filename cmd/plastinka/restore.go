package main

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/plastinka/predictor/adapters/clock"
	"github.com/plastinka/predictor/adapters/files"
	"github.com/plastinka/predictor/adapters/httpapi"
	"github.com/plastinka/predictor/adapters/settings"
	"github.com/plastinka/predictor/adapters/sqlite"
	"github.com/plastinka/predictor/app"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/job"
)

// restore puts a backup in the database's place, unless a service runs.
func restore(ctx context.Context, set *settings.Settings, file string) (aside string, err error) {
	store, err := files.Open(ctx, set.DataRoot)
	if err != nil {
		return "", err
	}
	defer store.Close()
	if serviceRuns(ctx, store.Root()) == nil {
		return "", fault.New(fault.Conflict, "service_runs", "a service works on this data root; stop it before you restore a backup")
	}
	if file, err = filepath.Abs(file); err != nil {
		return "", fault.Wrap("main.restore", err)
	}
	path := store.Database()
	aside = path + ".before-restore-" + time.Now().UTC().Format("20060102-150405.000")
	if _, err := os.Stat(path); os.IsNotExist(err) {
		return "", sqlite.Restore(ctx, file, path, aside)
	}
	return aside, sqlite.Restore(ctx, file, path, aside)
}

// openAPI is the description of the HTTP API. It needs no installation: the
// service behind it is never called.
func openAPI(format, version string) ([]byte, error) {
	s := httpapi.New(&app.App{Clock: clock.System{}, Log: slog.New(slog.DiscardHandler)}, httpapi.Options{Version: programVersion(),
		Log: slog.New(slog.DiscardHandler), Refractory: func(job.Type) time.Duration { return 0 }})
	text, err := s.Describe(format, version)
	return text, fault.Wrap("main.openAPI", err)
}
