package onnx

import (
	"fmt"

	"github.com/plastinka/predictor/domain/forecast"
	"github.com/plastinka/predictor/domain/network"
	"github.com/plastinka/predictor/domain/training"
)

// builder adds nodes to a graph. Its methods return the names of what they make.
type builder struct {
	graph
	constants map[string]bool
}

// op adds a node with one output.
func (b *builder) op(kind string, in []string, attributes ...attribute) string {
	out := fmt.Sprintf("%s_%d", kind, len(b.nodes))
	b.nodes = append(b.nodes, node{kind, in, []string{out}, attributes})
	return out
}

// constant adds a constant, once for each name.
func (b *builder) constant(t tensor) string {
	if !b.constants[t.name] {
		b.constants[t.name] = true
		b.tensors = append(b.tensors, t)
	}
	return t.name
}

func (b *builder) ints(values ...int64) string {
	return b.constant(intTensor(fmt.Sprintf("ints/%v", values), false, values...))
}

// number32 is a float32 without a shape.
func (b *builder) number32(v float32) string {
	return b.constant(floatTensor(fmt.Sprintf("float/%g", v), nil, []float32{v}))
}

func (b *builder) add(x, y string) string { return b.op("Add", []string{x, y}) }
func (b *builder) sub(x, y string) string { return b.op("Sub", []string{x, y}) }
func (b *builder) mul(x, y string) string { return b.op("Mul", []string{x, y}) }
func (b *builder) div(x, y string) string { return b.op("Div", []string{x, y}) }

// slice is x[from:to] along an axis.
func (b *builder) slice(x string, axis, from, to int) string {
	return b.op("Slice", []string{x, b.ints(int64(from)), b.ints(int64(to)), b.ints(int64(axis))})
}

func (b *builder) concat(axis int64, parts ...string) string {
	if len(parts) == 1 {
		return parts[0]
	}
	return b.op("Concat", parts, attribute{name: "axis", integer: axis, kind: attributeInt})
}

// flatten is (batch, …) as (batch, everything else).
func (b *builder) flatten(x string) string {
	return b.op("Flatten", []string{x}, attribute{name: "axis", integer: 1, kind: attributeInt})
}

// reshape is x with its batch kept and the other dimensions as given.
func (b *builder) reshape(x string, dims ...int) string {
	shape := []int64{0}
	for _, d := range dims {
		shape = append(shape, int64(d))
	}
	return b.op("Reshape", []string{x, b.ints(shape...)})
}

func (b *builder) unsqueeze(x string, axes ...int64) string {
	return b.op("Unsqueeze", []string{x, b.ints(axes...)})
}

func (b *builder) squeeze(x string, axes ...int64) string {
	return b.op("Squeeze", []string{x, b.ints(axes...)})
}

func (b *builder) cast(x string, to int64) string {
	return b.op("Cast", []string{x}, attribute{name: "to", integer: to, kind: attributeInt})
}

// name is the last step: x, of float32, under the name of an output.
func (b *builder) name(x, as string, dims ...int64) {
	b.nodes = append(b.nodes, node{"Identity", []string{x}, []string{as}, nil})
	b.outputs = append(b.outputs, value{as, typeFloat, dims})
}

// build is the graph of a network.
func build(n *network.Network) graph {
	s := n.Shape
	b := &builder{constants: map[string]bool{}}
	b.inputs = []value{{"x_past", typeFloat, []int64{0, int64(s.Lookback), int64(1 + s.Past + s.Future)}}}
	if s.Future > 0 {
		b.inputs = append(b.inputs, value{"x_future", typeFloat, []int64{0, int64(s.Horizon), int64(s.Future)}})
	}
	if s.Static > 0 {
		b.inputs = append(b.inputs, value{"x_static", typeFloat, []int64{0, int64(s.Static)}})
	}
	var outputs []string // (batch, H, P) of every seed
	for seed, tensors := range n.Seeds {
		for _, t := range tensors {
			b.tensors = append(b.tensors, floatTensor(initializer(seed, t.Name), t.Shape, t.Data))
		}
		outputs = append(outputs, (&tide{b, s, seed}).forward())
	}
	levels := levelsOf(n)
	horizon, q, seeds := int64(s.Horizon), int64(len(levels)), int64(len(n.Seeds))
	switch {
	case n.Likelihood == training.NegativeBinomial:
		quantiles, mean, size := b.counts(outputs, levels)
		b.name(b.unsqueeze(quantiles, 2), "quantiles", 0, horizon, 1, q)
		b.name(mean, "mean", 0, horizon, seeds)
		b.name(size, "size", 0, horizon, seeds)
	case len(outputs) > 1:
		b.name(b.unsqueeze(b.mixedQuantiles(outputs, levels), 2), "quantiles", 0, horizon, 1, q)
	default:
		b.name(b.unsqueeze(outputs[0], 2), "quantiles", 0, horizon, 1, q)
	}
	return b.graph
}

// levelsOf are the levels of the output quantiles of n's file: the network's own,
// of a network for counts the configuration's, else those of every forecast.
func levelsOf(n *network.Network) []float64 {
	switch {
	case len(n.Quantiles) > 0:
		return n.Quantiles
	case len(n.Config.Quantiles) > 0:
		return n.Config.Quantiles
	}
	return forecast.Levels[:]
}

// tide writes out the network of one seed.
type tide struct {
	*builder
	shape network.Shape
	seed  int
}

// forward is the network's output (batch, H, P), step by step as Das et al.
// 2023 (arXiv:2304.08424) in the variant of Darts.
func (t *tide) forward() string {
	s := t.shape
	column := t.slice("x_past", 2, 0, 1) // (batch, L, 1): the target
	lookback := t.squeeze(column, 2)     // (batch, L)
	var norm *instanceNorm
	if s.InstanceNorm {
		norm = t.normalise(lookback)
		lookback = norm.out
	}
	parts := []string{lookback}
	if s.Past > 0 {
		past := t.slice("x_past", 2, 1, 1+s.Past)
		if projectsPast(s) {
			past = t.block("past_cov_projection", past)
		}
		parts = append(parts, t.flatten(past))
	}
	decoded := "" // the output months' future covariates
	if s.Future > 0 {
		future := t.concat(1, t.slice("x_past", 2, 1+s.Past, 1+s.Past+s.Future), "x_future")
		if projectsFuture(s) {
			future = t.block("future_cov_projection", future)
		}
		parts = append(parts, t.flatten(future))
		decoded = t.slice(future, 1, s.Lookback, s.Lookback+s.Horizon)
	}
	if s.Static > 0 {
		parts = append(parts, "x_static")
	}
	x := t.concat(1, parts...)
	for i := range s.EncoderLayers {
		x = t.block(fmt.Sprintf("encoders.%d", i), x)
	}
	for i := range s.DecoderLayers {
		x = t.block(fmt.Sprintf("decoders.%d", i), x)
	}
	x = t.reshape(x, s.Horizon, s.DecoderOutput*s.Outputs)
	if decoded != "" {
		x = t.concat(2, x, decoded)
	}
	x = t.block("temporal_decoder", x)
	y := t.add(x, t.reshape(t.linear("lookback_skip", lookback), s.Horizon, s.Outputs))
	if norm != nil {
		y = t.denormalise(y, norm)
	}
	return y
}

func (t *tide) weight(name string) string { return initializer(t.seed, name) }

// linear is x·Wᵀ + b over the last axis. Runtimes transpose a constant once.
func (t *tide) linear(name, x string) string {
	w := t.op("Transpose", []string{t.weight(name + ".weight")}, attribute{name: "perm", list: []int64{1, 0}, kind: attributeInts})
	return t.add(t.op("MatMul", []string{x, w}), t.weight(name+".bias"))
}

// block is a residual block over the last axis.
func (t *tide) block(name, x string) string {
	hidden := t.op("Relu", []string{t.linear(name+".dense.0", x)})
	y := t.add(t.linear(name+".dense.2", hidden), t.linear(name+".skip", x))
	if !t.shape.LayerNorm {
		return y
	}
	return t.op("LayerNormalization", []string{y, t.weight(name + ".layer_norm.weight"), t.weight(name + ".layer_norm.bias")},
		attribute{name: "axis", integer: -1, kind: attributeInt}, attribute{name: "epsilon", float: 1e-5, kind: attributeFloat})
}

// instanceNorm is the lookback normalised, with what it takes to go back.
type instanceNorm struct{ out, mean, deviation string }

// normalise is (x − mean)/√(variance + 1e-5)·weight + bias over the months.
func (t *tide) normalise(x string) *instanceNorm {
	months := []attribute{{name: "axes", list: []int64{1}, kind: attributeInts}, {name: "keepdims", integer: 1, kind: attributeInt}}
	mean := t.op("ReduceMean", []string{x}, months...)
	centred := t.sub(x, mean)
	variance := t.op("ReduceMean", []string{t.mul(centred, centred)}, months...)
	deviation := t.op("Sqrt", []string{t.add(variance, t.number32(1e-5))})
	scaled := t.mul(t.div(centred, deviation), t.weight("rin.affine_weight"))
	return &instanceNorm{t.add(scaled, t.weight("rin.affine_bias")), mean, deviation}
}

func (t *tide) denormalise(y string, n *instanceNorm) string {
	weight := t.add(t.weight("rin.affine_weight"), t.number32(1e-10))
	y = t.div(t.sub(y, t.weight("rin.affine_bias")), weight)
	return t.add(t.mul(y, t.unsqueeze(n.deviation, 2)), t.unsqueeze(n.mean, 2))
}
