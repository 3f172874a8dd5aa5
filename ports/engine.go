package ports

import (
	"context"

	"github.com/plastinka/predictor/domain/network"
	"github.com/plastinka/predictor/domain/panel"
	"github.com/plastinka/predictor/domain/training"
)

// Engine learns to forecast. Implementations are safe for concurrent use; what
// they return depends on their arguments alone, not on the number of threads.
type Engine interface {
	Name() string
	// Fit learns from months [0, fit.Origin) of p. progress may be nil; it is
	// called from the caller's goroutine.
	Fit(ctx context.Context, p *panel.Panel, fit training.Fit, progress func(training.Progress)) (Model, training.FitReport, error)
}

// Model is something that was fitted and can forecast; see training.Model.
type Model = training.Model

// Networked is a Model that is a network and can be kept as a file.
type Networked interface {
	Network() *network.Network
}

// ModelFile writes and reads networks as files (model.onnx).
type ModelFile interface {
	Write(ctx context.Context, path string, n *network.Network) error
	Read(ctx context.Context, path string) (*network.Network, error)
}

// Bundle keeps the exchange formats out of compute backends: what a task and
// its result look like as files (§2.6). Files appear whole or not at all.
type Bundle interface {
	WriteTask(ctx context.Context, path string, t *training.Task) error
	ReadTask(ctx context.Context, path string) (*training.Task, error)
	WriteResult(ctx context.Context, path string, r *training.Result) error
	// ReadResult unpacks the model file, if there is one, into dir.
	ReadResult(ctx context.Context, path, dir string) (*training.Result, error)
}
