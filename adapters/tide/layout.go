package tide

import (
	"fmt"

	"github.com/plastinka/predictor/adapters/tide/kernel"
	"github.com/plastinka/predictor/domain/network"
)

// linear is y = x·Wᵀ + b: W is out × in. w and b are where they stand among the
// parameters.
type linear struct {
	in, out int
	w, b    int
}

// block is a residual block; gain and shift are its layer norm's parameters.
type block struct {
	first, second, skip linear
	norm                bool
	gain, shift         int
	stream              int // its number among the blocks, for dropout
}

// tensor is one named parameter and where it stands.
type tensor struct {
	name   string
	shape  []int
	offset int
	bound  float64 // of its first values: uniform on ±bound; 0: all are start
	start  float32
}

func (t tensor) size() int {
	n := 1
	for _, d := range t.shape {
		n *= d
	}
	return n
}

// layout is where the parameters of a network of a shape stand in one array:
// the tensors in Darts' state_dict order, each at a multiple of 16 values. The
// values between are 0 and stay so.
type layout struct {
	network.Shape
	past, future       *block // projections; nil: the raw covariates, or none
	encoders, decoders []*block
	temporal           *block
	lookback           linear
	affine             int // RIN's affine weight, its bias 16 further on; −1 without
	tensors            []tensor
	size               int // of the array
	blocks             int
}

func newLayout(s network.Shape) *layout {
	l := &layout{Shape: s, affine: -1}
	if s.InstanceNorm {
		l.affine = l.constant("rin.affine_weight", 1, 1)
		l.constant("rin.affine_bias", 1, 0)
	}
	if s.Past > 0 && s.TemporalPast > 0 {
		l.past = l.block("past_cov_projection", s.Past, s.TemporalHidPast, s.TemporalPast)
	}
	if s.Future > 0 && s.TemporalFuture > 0 {
		l.future = l.block("future_cov_projection", s.Future, s.TemporalHidFuture, s.TemporalFuture)
	}
	in := l.encoderWidth()
	for i := range s.EncoderLayers {
		l.encoders = append(l.encoders, l.block(fmt.Sprintf("encoders.%d", i), in, s.Hidden, s.Hidden))
		in = s.Hidden
	}
	for i := range s.DecoderLayers {
		out := s.Hidden
		if i == s.DecoderLayers-1 {
			out = l.stepWidth() * s.Horizon
		}
		l.decoders = append(l.decoders, l.block(fmt.Sprintf("decoders.%d", i), s.Hidden, s.Hidden, out))
	}
	l.temporal = l.block("temporal_decoder", l.stepWidth()+l.futureWidth(), s.TemporalDecoder, s.Outputs)
	l.lookback = l.linear("lookback_skip", s.Lookback, s.Horizon*s.Outputs)
	return l
}

// stepWidth is D·P, what the decoder gives for each output step.
func (l *layout) stepWidth() int { return l.DecoderOutput * l.Outputs }

// pastWidth and futureWidth are what a month's covariates are to the encoder.
func (l *layout) pastWidth() int {
	if l.past != nil {
		return l.TemporalPast
	}
	return l.Past
}

func (l *layout) futureWidth() int {
	if l.future != nil {
		return l.TemporalFuture
	}
	return l.Future
}

func (l *layout) encoderWidth() int {
	return l.Lookback*(1+l.pastWidth()) + (l.Lookback+l.Horizon)*l.futureWidth() + l.Static
}

func (l *layout) block(name string, in, hidden, out int) *block {
	b := &block{stream: l.blocks, norm: l.LayerNorm}
	l.blocks++
	b.first = l.linear(name+".dense.0", in, hidden)
	b.second = l.linear(name+".dense.2", hidden, out)
	b.skip = l.linear(name+".skip", in, out)
	if b.norm {
		b.gain = l.constant(name+".layer_norm.weight", out, 1)
		b.shift = l.constant(name+".layer_norm.bias", out, 0)
	}
	return b
}

func (l *layout) linear(name string, in, out int) linear {
	bound := inverseRoot(in)
	return linear{in, out,
		l.add(tensor{name: name + ".weight", shape: []int{out, in}, bound: bound}),
		l.add(tensor{name: name + ".bias", shape: []int{out}, bound: bound})}
}

func (l *layout) constant(name string, n int, start float32) int {
	return l.add(tensor{name: name, shape: []int{n}, start: start})
}

func (l *layout) add(t tensor) int {
	t.offset = l.size
	l.size += kernel.Padded(t.size())
	l.tensors = append(l.tensors, t)
	return t.offset
}
