package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"time"

	"golang.org/x/text/unicode/norm"

	"github.com/plastinka/predictor/adapters/bundle"
	"github.com/plastinka/predictor/adapters/cli"
	"github.com/plastinka/predictor/adapters/clock"
	"github.com/plastinka/predictor/adapters/compute/inprocess"
	"github.com/plastinka/predictor/adapters/compute/local"
	"github.com/plastinka/predictor/adapters/export"
	"github.com/plastinka/predictor/adapters/files"
	"github.com/plastinka/predictor/adapters/onnx"
	"github.com/plastinka/predictor/adapters/report"
	"github.com/plastinka/predictor/adapters/settings"
	"github.com/plastinka/predictor/adapters/sqlite"
	"github.com/plastinka/predictor/adapters/support/safefile"
	"github.com/plastinka/predictor/adapters/tables"
	"github.com/plastinka/predictor/app"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/forecast"
	"github.com/plastinka/predictor/domain/job"
	"github.com/plastinka/predictor/ports"
)

// version is set by the build: -ldflags "-X main.version=1.2.3".
var version string

func programVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "devel"
}

// house is what the commands are given.
func house(getenv func(string) string) cli.House {
	load := func(flags map[string]string) (*settings.Settings, error) {
		return settings.Load(settings.Sources{Flags: flags, Getenv: getenv})
	}
	return cli.House{
		Version: programVersion(),
		Settings: func(flags map[string]string) ([]cli.Setting, []string, error) {
			set, err := load(flags)
			if err != nil {
				return nil, nil, err
			}
			values := make([]cli.Setting, len(set.Values))
			for i, v := range set.Values {
				values[i] = cli.Setting(v)
			}
			return values, set.Warnings, nil
		},
		Open: func(ctx context.Context, flags map[string]string, log func(slog.Level) *slog.Logger) (*cli.Installation, error) {
			set, err := load(flags)
			if err != nil {
				return nil, err
			}
			level := slog.LevelWarn
			if flags["API_LOG_LEVEL"] != "" {
				level = logLevel(set.LogLevel)
			}
			return open(ctx, set, log(level), &memoryToken{token: set.DataSphere.OAuthToken})
		},
		Doctor: func(ctx context.Context, flags map[string]string) []cli.Check { return diagnose(ctx, load, flags) },
		Serve: func(ctx context.Context, flags map[string]string, s cli.Streams) error {
			return serve(ctx, load, flags, s)
		},
		Restore: func(ctx context.Context, flags map[string]string, file string) (string, error) {
			set, err := load(flags)
			if err != nil {
				return "", err
			}
			return restore(ctx, set, file)
		},
		OpenAPI:  openAPI,
		Simulate: simulateShop,
		Task: func(ctx context.Context, flags map[string]string, input, output string, s cli.Streams) (int, error) {
			set, err := load(flags)
			if err != nil {
				return 0, err
			}
			return runTask(ctx, set, input, output, s), nil
		},
		Evaluate: func(ctx context.Context, flags map[string]string, files cli.PanelFiles, q app.Evaluation, progress func(float64, string)) (*app.Evaluated, error) {
			set, err := load(flags)
			if err != nil {
				return nil, err
			}
			return evaluate(ctx, set.Threads, files, q, progress)
		},
		Emulator: emulate,
		Predict: func(ctx context.Context, flags map[string]string, files cli.PredictFiles, w io.Writer) error {
			set, err := load(flags)
			if err != nil {
				return err
			}
			return predict(ctx, set, files, w)
		},
		WriteScores: func(w io.Writer, rows []forecast.BacktestRow) error { return export.Rows(w, "csv", rows) },
		Create:      create,
	}
}

func logLevel(name string) slog.Level {
	switch name {
	case "DEBUG":
		return slog.LevelDebug
	case "WARNING":
		return slog.LevelWarn
	case "ERROR":
		return slog.LevelError
	}
	return slog.LevelInfo
}

// create begins a file that appears whole or not at all.
func create(path string) (io.Writer, func(error) error, error) {
	if dir := filepath.Dir(path); dir != "." {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, nil, fault.New(fault.Invalid, "file_not_writable", "the folder of %s cannot be made: %v", path, err)
		}
	}
	name, err := safefile.Temporary(path)
	if err != nil {
		return nil, nil, err
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_TRUNC, 0)
	if err == nil {
		err = f.Chmod(0o644) // a temporary file is its maker's alone, a result is not
	}
	if err != nil {
		os.Remove(name)
		return nil, nil, fault.New(fault.Invalid, "file_not_writable", "%s cannot be written: %v", path, err)
	}
	return f, func(err error) error {
		if e := f.Close(); err == nil && e != nil {
			err = fault.New(fault.Unavailable, "disk_full", "%s cannot be written: %v; free some space and try again", path, e)
		}
		if err == nil {
			err = safefile.Commit(name, path)
		}
		if err != nil {
			os.Remove(name)
		}
		return err
	}, nil
}

// worker's pace: how often a worker looks for work, and how often a job may kill
// its worker.
const (
	poll        = 200 * time.Millisecond
	maxAttempts = 5
)

// open opens an installation: files, database, compute, use cases.
func open(ctx context.Context, set *settings.Settings, log *slog.Logger, oauth *memoryToken) (_ *cli.Installation, err error) {
	var closers []func() error
	closeAll := func() error {
		var errs []error
		for i := len(closers) - 1; i >= 0; i-- {
			errs = append(errs, closers[i]())
		}
		return errors.Join(errs...)
	}
	defer func() {
		if err != nil {
			_ = closeAll()
		}
	}()
	store, err := files.Open(ctx, set.DataRoot)
	if err != nil {
		return nil, err
	}
	closers = append(closers, store.Close)
	backups, err := store.Path(ports.Backups, "x")
	if err != nil {
		return nil, err
	}
	db, err := sqlite.Open(ctx, store.Database(), sqlite.Options{Backups: filepath.Dir(backups)})
	if err != nil {
		return nil, err
	}
	closers = append(closers, db.Close)
	if _, _, err := app.PriceBins(ctx, db.Settings(), set.PriceBins); err != nil {
		return nil, err
	}
	now := clock.System{Zone: set.Zone, Fixed: set.Today}
	compute, closeCompute, err := backend(set, store, now, cloud{log, oauth, db.Results().CountRetry})
	if err != nil {
		return nil, err
	}
	closers = append(closers, closeCompute)
	out := outside{db, store, compute}.withKillPoints()
	sweep := app.Sweep{DB: out.db, Clock: now, Artifacts: out.files, Compute: out.compute, Log: log, Orphan: store.Orphan}
	if err := sweep.Run(ctx); err != nil {
		log.Warn("leftovers of earlier jobs could not be removed; the next start will try again", "error", err)
	}
	warnings := set.Warnings
	if set.Today != nil {
		warnings = append(warnings, "today is fixed to "+set.Today.String()+" by PLASTINKA_TODAY")
	}
	return &cli.Installation{App: useCases(set, log, out, now), Root: store.Root(), Warnings: warnings,
		Renderer: report.Renderer{},
		WriteTable: func(ctx context.Context, w io.Writer, table, format string) error {
			return export.Table(ctx, w, app.Export{DB: db}, table, format)
		},
		ServiceRuns: func(ctx context.Context) error { return serviceRuns(ctx, store.Root()) },
		Close:       closeAll}, nil
}

// outside is what the use cases reach the outside by.
type outside struct {
	db      ports.Database
	files   app.UploadFiles
	compute ports.Compute
}

func useCases(set *settings.Settings, log *slog.Logger, out outside, now ports.Clock) *app.App {
	metric := app.Metric{Name: set.DefaultMetric, Higher: set.DefaultMetricHigher}
	configs := &app.Configs{DB: out.db, Clock: now, Metric: metric}
	uploads := &app.Upload{DB: out.db, Clock: now, Tables: tables.Reader{}, Artifacts: out.files, Log: log, Normalise: norm.NFC.String,
		Limits:   ports.TableLimits{UnpackedBytes: set.MaxUnpackedSize, Rows: set.MaxRows, Columns: set.MaxColumns, CellCharacters: set.MaxCellCharacters},
		MaxFiles: set.MaxFiles, MaxBytes: set.MaxUploadSize, PriceBins: set.PriceBins, Cores: runtime.NumCPU()}
	training := &app.Training{DB: out.db, Clock: now, Compute: out.compute, Bundle: bundle.Files{}, Artifacts: out.files, Configs: configs, Log: log,
		Poll: poll, Engine: set.Engine, FillMissingDays: set.FillMissingDays, AutoSelect: set.AutoSelectModel}
	tuning := search(set, training)
	models := &app.Models{DB: out.db, Clock: now, Artifacts: out.files, Files: onnx.Files{}, Metric: metric}
	host, _ := os.Hostname()
	worker := &app.Worker{DB: out.db, Clock: now, Log: log, Owner: fmt.Sprintf("%s/%d/%d", host, os.Getpid(), time.Now().UnixNano()),
		Handlers: map[job.Type]app.Handler{job.Upload: uploads.Handle, job.Training: training.Handle, job.Backtest: training.HandleBacktest, job.Tuning: tuning.Handle},
		Parallel: set.MaxParallel + 1, Lease: lease, Poll: poll, MaxAttempts: maxAttempts}
	return &app.App{DB: out.db, Clock: now, Log: log, Artifacts: out.files, Uploads: uploads, Training: training, Tuning: tuning, Configs: configs,
		Models: models, Explanations: explanations(set, out.db, models),
		Reports: &app.Reports{DB: out.db, Clock: now}, History: &app.History{DB: out.db}, Products: &app.Products{DB: out.db},
		Retain: &app.Retention{DB: out.db, Clock: now, Artifacts: out.files, Log: log, Policy: retention(set.Retention)},
		Export: app.Export{DB: out.db}, Worker: worker}
}

// retention is what the settings want to keep; 0 days of facts are all.
func retention(r settings.Retention) app.RetentionPolicy {
	days := func(n int) *int {
		if n == 0 {
			return nil
		}
		return &n
	}
	return app.RetentionPolicy{SalesDays: days(r.SalesDays), StockDays: days(r.StockDays), ForecastDays: r.PredictionDays,
		ModelsToKeep: r.ModelsToKeep, InactiveDays: r.InactiveModelDays, BackupDays: r.BackupDays}
}

// backend is the compute backend of the settings.
func backend(set *settings.Settings, store *files.Store, now ports.Clock, c cloud) (ports.Compute, func() error, error) {
	root, err := store.Path(ports.TaskOutputs, "runs")
	if err != nil {
		return nil, nil, err
	}
	none := func() error { return nil }
	switch set.ComputeBackend {
	case "local":
		exe, err := os.Executable()
		if err != nil {
			return nil, nil, fault.New(fault.Internal, "internal_error", "the program's own path is not known: %v", err)
		}
		b, err := local.New(local.Options{Root: root, Command: []string{exe, "task", "run"}, Clock: now,
			Env: append(os.Environ(), fmt.Sprintf("COMPUTE_THREADS=%d", threads(set)))})
		return b, none, err
	case "inprocess":
		b, err := inprocess.New(root, tasks(threads(set)).RunTask, now)
		if err != nil {
			return nil, nil, err
		}
		return b, b.Close, nil
	}
	b, err := dataSphere(set, root, filepath.Join(store.Logs(), "datasphere"), now, c)
	if err != nil {
		return nil, nil, err
	}
	return b, b.Close, nil
}
