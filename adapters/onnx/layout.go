package onnx

import (
	"fmt"
	"math"
	"slices"

	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/network"
	"github.com/plastinka/predictor/domain/training"
)

// maxWidth bounds every width, maxLayers the depth and maxSeeds the seeds of a
// network, so that no product of them overflows.
const (
	maxWidth  = 1 << 15
	maxLayers = 64
	maxSeeds  = 64
)

// plausible refuses shapes that no network has.
func plausible(s network.Shape) error {
	for _, d := range []struct {
		name      string
		value     int
		low, high int
	}{
		{"lookback", s.Lookback, 1, maxWidth}, {"horizon", s.Horizon, 1, maxWidth}, {"past", s.Past, 0, maxWidth},
		{"future", s.Future, 0, maxWidth}, {"static", s.Static, 0, maxWidth}, {"outputs", s.Outputs, 1, maxWidth},
		{"hidden_size", s.Hidden, 1, maxWidth}, {"num_encoder_layers", s.EncoderLayers, 1, maxLayers},
		{"num_decoder_layers", s.DecoderLayers, 1, maxLayers}, {"decoder_output_dim", s.DecoderOutput, 1, maxWidth},
		{"temporal_width_past", s.TemporalPast, 0, maxWidth}, {"temporal_width_future", s.TemporalFuture, 0, maxWidth},
		{"temporal_hidden_size_past", s.TemporalHidPast, 0, maxWidth}, {"temporal_hidden_size_future", s.TemporalHidFuture, 0, maxWidth},
		{"temporal_decoder_hidden", s.TemporalDecoder, 1, maxWidth},
	} {
		if d.value < d.low || d.value > d.high {
			return corrupt("%s is %d, must be between %d and %d", d.name, d.value, d.low, d.high)
		}
	}
	return nil
}

// check refuses a network that does not fit together.
func check(n *network.Network) error {
	if err := plausible(n.Shape); err != nil {
		return err
	}
	switch {
	case n.Likelihood == training.NegativeBinomial && n.Shape.Outputs == 2:
	case n.Likelihood == training.QuantileLoss && n.Shape.Outputs == len(n.Quantiles):
	default:
		return corrupt("a network for %.40q has %d outputs and %d quantiles", n.Likelihood, n.Shape.Outputs, len(n.Quantiles))
	}
	for i, q := range n.Quantiles {
		if !(q > 0 && q < 1) || i > 0 && q <= n.Quantiles[i-1] {
			return corrupt("its quantiles %v are not ascending between 0 and 1", n.Quantiles)
		}
	}
	if len(n.Seeds) < 1 || len(n.Seeds) > maxSeeds {
		return corrupt("it has the weights of %d seeds, must be 1 to %d", len(n.Seeds), maxSeeds)
	}
	want := layout(n.Shape)
	for seed, tensors := range n.Seeds {
		if len(tensors) != len(want) {
			return corrupt("seed %d has %d tensors, must have %d", seed, len(tensors), len(want))
		}
		for i, t := range tensors {
			if err := checkTensor(t, want[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

func checkTensor(t, want network.Tensor) error {
	size := 1
	for _, d := range want.Shape {
		size *= d
	}
	if t.Name != want.Name || !slices.Equal(t.Shape, want.Shape) || len(t.Data) != size {
		return corrupt("the tensor %s of shape %v with %d values stands where %s of shape %v must be", t.Name, t.Shape, len(t.Data), want.Name, want.Shape)
	}
	for i, v := range t.Data {
		if f := float64(v); math.IsNaN(f) || math.IsInf(f, 0) {
			return fault.New(fault.Invalid, "not_finite", "the tensor %s of a model has the value %v at %d: its training failed", t.Name, v, i)
		}
	}
	return nil
}

// layout are the tensors of a shape without their values, in Darts' state_dict
// order.
func layout(s network.Shape) (list []network.Tensor) {
	add := func(name string, shape ...int) { list = append(list, network.Tensor{Name: name, Shape: shape}) }
	linear := func(name string, in, out int) {
		add(name+".weight", out, in)
		add(name+".bias", out)
	}
	block := func(name string, in, hidden, out int) {
		linear(name+".dense.0", in, hidden)
		linear(name+".dense.2", hidden, out)
		linear(name+".skip", in, out)
		if s.LayerNorm {
			add(name+".layer_norm.weight", out)
			add(name+".layer_norm.bias", out)
		}
	}
	if s.InstanceNorm {
		add("rin.affine_weight", 1)
		add("rin.affine_bias", 1)
	}
	past, future := widths(s)
	if projectsPast(s) {
		block("past_cov_projection", s.Past, s.TemporalHidPast, past)
	}
	if projectsFuture(s) {
		block("future_cov_projection", s.Future, s.TemporalHidFuture, future)
	}
	in := s.Lookback*(1+past) + (s.Lookback+s.Horizon)*future + s.Static
	for i := range s.EncoderLayers {
		block(fmt.Sprintf("encoders.%d", i), in, s.Hidden, s.Hidden)
		in = s.Hidden
	}
	step := s.DecoderOutput * s.Outputs
	for i := range s.DecoderLayers {
		out := s.Hidden
		if i == s.DecoderLayers-1 {
			out = step * s.Horizon
		}
		block(fmt.Sprintf("decoders.%d", i), s.Hidden, s.Hidden, out)
	}
	block("temporal_decoder", step+future, s.TemporalDecoder, s.Outputs)
	linear("lookback_skip", s.Lookback, s.Horizon*s.Outputs)
	return list
}

func projectsPast(s network.Shape) bool   { return s.Past > 0 && s.TemporalPast > 0 }
func projectsFuture(s network.Shape) bool { return s.Future > 0 && s.TemporalFuture > 0 }

// widths are what a month's past and future covariates are to the encoder:
// projected, or as they are.
func widths(s network.Shape) (past, future int) {
	past, future = s.Past, s.Future
	if projectsPast(s) {
		past = s.TemporalPast
	}
	if projectsFuture(s) {
		future = s.TemporalFuture
	}
	return past, future
}

// initializer is the name of a seed's tensor in the graph.
func initializer(seed int, name string) string { return fmt.Sprintf("seed%d/%s", seed, name) }
