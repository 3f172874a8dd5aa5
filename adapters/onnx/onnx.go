// Package onnx keeps trained networks as ONNX files (§2.6): model.onnx runs in
// any ONNX runtime, and holds in its metadata all that a forecast needs besides
// a panel, so that Read gives the network back exactly.
//
// The graph. Inputs x_past (batch, L, 1 + past + future), x_future (batch, H,
// future) and x_static (batch, static), those of width 0 left out; what becomes
// of a panel to fill them is the features' definition, in the metadata. Output
// quantiles (batch, H, 1, Q). The network of every seed is written out once
// (tide.go). A network for counts also has the outputs mean and size (batch, H,
// seeds), the parameters of every seed's negative binomial; its quantiles are
// whole copies, computed in the graph in float64 up to maxCount (counts.go).
// Several seeds are mixed: the mean of their distributions, not of their
// quantiles.
//
// The file is the network's own word: dropout is off, and the weights that a
// stored forecast may have been mixed with in an ensemble are not in it. Its
// documentation string says so.
//
// The format is protobuf after the published onnx.proto3, of which a small part
// is used. It is written with protowire, the wire format of the official
// library, without generated messages: those would be some 10,000 lines for the
// forty fields that occur here, and reading foreign files with a field-by-field
// parser keeps memory bounded by the file.
package onnx

import (
	"context"
	"encoding/json"
	"io"
	"os"

	"github.com/plastinka/predictor/adapters/support/safefile"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/network"
	"github.com/plastinka/predictor/domain/training"
	"github.com/plastinka/predictor/ports"
)

var _ ports.ModelFile = Files{}

// Files is ports.ModelFile as ONNX files.
type Files struct{}

// The versions that the file declares: opset 17 is the first with
// LayerNormalization, and IR 8 belongs to it.
const (
	irVersion     = 8
	opsetVersion  = 17
	formatVersion = "1"
)

// maxFile bounds the size of a file that is read, in bytes.
const maxFile = 1 << 30

// document is the file's documentation string.
const document = "A TiDE network of Plastinka. quantiles are the network's own forecast: without Monte-Carlo dropout, " +
	"and without the weights of an ensemble. Inputs are features as the metadata defines them."

// Write writes n as an ONNX file, whole or not at all. Equal networks give
// equal bytes.
func (Files) Write(ctx context.Context, path string, n *network.Network) error {
	if err := ctx.Err(); err != nil {
		return fault.Wrap("onnx.Write", err)
	}
	if err := check(n); err != nil {
		return fault.Wrap("onnx.Write", err)
	}
	properties, err := describe(n)
	if err != nil {
		return fault.Wrap("onnx.Write", err)
	}
	model := model{properties: properties, graph: build(n)}
	return safefile.Write(path, 0o600, func(w io.Writer) error {
		_, err := w.Write(model.encode())
		return err
	})
}

// Read reads the network from an ONNX file that Write has written.
func (Files) Read(ctx context.Context, path string) (*network.Network, error) {
	if err := ctx.Err(); err != nil {
		return nil, fault.Wrap("onnx.Read", err)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, fault.New(fault.NotFound, "model_file_missing", "the model file %s cannot be opened: %v", path, err).Because(err)
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil {
		return nil, fault.New(fault.Unavailable, "model_file_unreadable", "the model file %s cannot be read: %v", path, err).Because(err)
	}
	if len(content) > maxFile {
		return nil, fault.New(fault.TooLarge, "too_large", "the model file %s has more than %d bytes, the most that is read", path, maxFile)
	}
	n, err := decode(content)
	if err != nil {
		return nil, fault.Wrap("onnx.Read", err)
	}
	return n, nil
}

// decode is the network of an ONNX file's content.
func decode(content []byte) (*network.Network, error) {
	var m model
	if err := m.decode(content); err != nil {
		return nil, err
	}
	n, seeds, err := recall(m.properties)
	if err != nil {
		return nil, err
	}
	if err := plausible(n.Shape); err != nil {
		return nil, err
	}
	weights := map[string]tensor{}
	for _, t := range m.graph.tensors {
		weights[t.name] = t
	}
	for seed := range seeds {
		tensors, err := weightsOf(n.Shape, seed, weights)
		if err != nil {
			return nil, err
		}
		n.Seeds = append(n.Seeds, tensors)
	}
	return n, check(n)
}

// weightsOf are a seed's tensors, in Darts' order.
func weightsOf(s network.Shape, seed int, weights map[string]tensor) ([]network.Tensor, error) {
	var tensors []network.Tensor
	for _, want := range layout(s) {
		t, ok := weights[initializer(seed, want.Name)]
		if !ok {
			return nil, corrupt("the tensor %s of seed %d is missing", want.Name, seed)
		}
		values, err := t.floats()
		if err != nil {
			return nil, err
		}
		tensors = append(tensors, network.Tensor{Name: want.Name, Shape: t.shape(), Data: values})
	}
	return tensors, nil
}

// The keys of the metadata; their values are JSON.
const (
	keyFormat     = "plastinka.format"
	keyShape      = "plastinka.shape"
	keyLikelihood = "plastinka.likelihood"
	keyQuantiles  = "plastinka.quantiles"
	keySeeds      = "plastinka.seeds"
	keyFeatureSet = "plastinka.feature_set"
	keyFeatures   = "plastinka.features" // scaler, categories, constants
	keyMonths     = "plastinka.months"
	keyConfig     = "plastinka.config"
	keyMetrics    = "plastinka.metrics"
)

// months is the value of keyMonths.
type months struct {
	First string `json:"first"`
	Count int    `json:"count"`
}

// describe is the metadata of a network.
func describe(n *network.Network) ([]property, error) {
	first, err := n.First.MarshalText()
	if err != nil {
		return nil, err
	}
	properties := []property{{keyFormat, formatVersion}}
	for _, p := range []struct {
		key   string
		value any
	}{
		{keyShape, n.Shape}, {keyLikelihood, n.Likelihood}, {keyQuantiles, n.Quantiles}, {keySeeds, len(n.Seeds)},
		{keyFeatureSet, n.FeatureSet}, {keyMonths, months{string(first), n.Months}}, {keyMetrics, n.Metrics},
	} {
		text, err := json.Marshal(p.value)
		if err != nil {
			return nil, fault.New(fault.Internal, "not_finite", "%s of a model cannot be written: %v", p.key, err).Because(err)
		}
		properties = append(properties, property{p.key, string(text)})
	}
	if n.Features != nil {
		properties = append(properties, property{keyFeatures, string(n.Features)})
	}
	if n.Config.Lags != 0 { // else there is none
		config, err := n.Config.Canonical()
		if err != nil {
			return nil, err
		}
		properties = append(properties, property{keyConfig, string(config)})
	}
	return properties, nil
}

// recall is the network of the metadata, without its weights, and how many
// seeds it has.
func recall(properties []property) (n *network.Network, seeds int, err error) {
	values := map[string]string{}
	for _, p := range properties {
		if _, twice := values[p.key]; twice {
			return nil, 0, corrupt("its metadata has %.80q twice", p.key)
		}
		values[p.key] = p.value
	}
	switch values[keyFormat] {
	case formatVersion:
	case "":
		return nil, 0, fault.New(fault.Invalid, "foreign_model", "the model file was not written by this program: its metadata has no %s", keyFormat)
	default:
		return nil, 0, fault.New(fault.Invalid, "unsupported_schema", "the model file is of the format %.20q; this program reads %s: use the program that wrote it",
			values[keyFormat], formatVersion)
	}
	n = &network.Network{}
	var m months
	for key, to := range map[string]any{keyShape: &n.Shape, keyLikelihood: &n.Likelihood, keyQuantiles: &n.Quantiles, keySeeds: &seeds,
		keyFeatureSet: &n.FeatureSet, keyMonths: &m, keyMetrics: &n.Metrics} {
		if err := json.Unmarshal([]byte(values[key]), to); err != nil {
			return nil, 0, corrupt("its metadata %s cannot be read: %v", key, err)
		}
	}
	if err := n.First.UnmarshalText([]byte(m.First)); err != nil {
		return nil, 0, corrupt("its metadata %s cannot be read: %v", keyMonths, err)
	}
	n.Months = m.Count
	if features, ok := values[keyFeatures]; ok {
		if !json.Valid([]byte(features)) {
			return nil, 0, corrupt("its metadata %s is not JSON", keyFeatures)
		}
		n.Features = json.RawMessage(features)
	}
	if config, ok := values[keyConfig]; ok {
		if n.Config, _, err = training.ParseConfig([]byte(config)); err != nil {
			return nil, 0, corrupt("its metadata %s cannot be read: %v", keyConfig, err)
		}
	}
	if seeds < 1 || seeds > maxSeeds || n.Months < 0 {
		return nil, 0, corrupt("its metadata speaks of %d seeds and %d months", seeds, n.Months)
	}
	return n, seeds, nil
}

func corrupt(format string, args ...any) *fault.Error {
	e := fault.New(fault.Invalid, "corrupt_model", format, args...)
	e.Message = "the model file is damaged or foreign: " + e.Message
	return e
}
