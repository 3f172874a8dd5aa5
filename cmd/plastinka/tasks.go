package main

import (
	"context"
	"io"
	"os"

	"github.com/plastinka/predictor/adapters/bundle"
	"github.com/plastinka/predictor/adapters/cli"
	"github.com/plastinka/predictor/adapters/clock"
	"github.com/plastinka/predictor/adapters/export"
	"github.com/plastinka/predictor/adapters/onnx"
	"github.com/plastinka/predictor/adapters/settings"
	"github.com/plastinka/predictor/adapters/support/taskrun"
	"github.com/plastinka/predictor/adapters/tide"
	"github.com/plastinka/predictor/app"
	"github.com/plastinka/predictor/domain/backtest"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/network"
	"github.com/plastinka/predictor/domain/panel"
	"github.com/plastinka/predictor/domain/training"
	"github.com/plastinka/predictor/ports"
)

// tasks are what compute backends run, with every engine of this program.
func tasks(threads int) *app.Tasks {
	return &app.Tasks{Bundle: bundle.Files{}, Models: onnx.Files{}, Clock: clock.System{}, Threads: threads,
		Engines: []ports.Engine{tide.New(tide.Options{Threads: threads})}}
}

// runTask is the task program as a process of its own.
func runTask(ctx context.Context, set *settings.Settings, input, output string, s cli.Streams) int {
	return taskrun.Program{Task: tasks(set.Threads).RunTask, Input: input, Output: output, Stdout: s.Out, Stderr: s.Err,
		Clock: clock.System{}}.Main(ctx, s.Getenv)
}

func evaluate(ctx context.Context, threads int, files cli.PanelFiles, q app.Evaluation, progress func(float64, string)) (*app.Evaluated, error) {
	p, err := readPanel(files)
	if err != nil {
		return nil, err
	}
	q.Panel = p
	if files.Truth != "" {
		f, err := openInput(files.Truth)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		if q.Truth, err = backtest.ReadTruth(f, files.Truth, p); err != nil {
			return nil, err
		}
	}
	return tasks(threads).Evaluate(ctx, q, func(p training.Progress) { progress(100*p.Fraction, p.Message) })
}

func readPanel(files cli.PanelFiles) (*panel.Panel, error) {
	wide, err := openInput(files.Panel)
	if err != nil {
		return nil, err
	}
	defer wide.Close()
	if files.Products == "" {
		return app.ReadPanel(wide, files.Panel, nil, "")
	}
	products, err := openInput(files.Products)
	if err != nil {
		return nil, err
	}
	defer products.Close()
	return app.ReadPanel(wide, files.Panel, products, files.Products)
}

func openInput(path string) (io.ReadCloser, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fault.New(fault.Invalid, "file_not_found", "the file cannot be read: %v", err)
	}
	return f, nil
}

// maxTable is the largest exported table that is read back, bytes.
const maxTable = 2 << 30

func predict(ctx context.Context, set *settings.Settings, files cli.PredictFiles, w io.Writer) error {
	products, err := readTable[app.ProductRow](files.Products)
	if err != nil {
		return err
	}
	monthly, err := readTable[app.MonthlyRow](files.Monthly)
	if err != nil {
		return err
	}
	engine := tide.New(tide.Options{Threads: set.Threads})
	u := app.Predict{Files: onnx.Files{}, FillMissingDays: set.FillMissingDays,
		Revive: func(n *network.Network) (ports.Model, error) { return engine.FromNetwork(n) }}
	rows, err := u.Run(ctx, files.Model, products, monthly)
	if err != nil {
		return err
	}
	return export.Rows(w, "csv", rows)
}

func readTable[T any](path string) ([]T, error) {
	f, err := openInput(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, maxTable+1))
	if err != nil {
		return nil, fault.New(fault.Invalid, "file_unreadable", "%s cannot be read: %v", path, err)
	}
	if len(content) > maxTable {
		return nil, fault.New(fault.TooLarge, "upload_too_large", "%s is larger than %d bytes", path, maxTable)
	}
	return export.Read[T](content, path)
}
