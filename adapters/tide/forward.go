package tide

import (
	"math"

	"github.com/plastinka/predictor/adapters/tide/kernel"
)

const (
	normEpsilon    = 1e-5  // of layer norm and RIN
	inverseEpsilon = 1e-10 // of RIN's inverse
)

// input is where a source writes one sample: covariates go to rows of their own
// when they pass a projection, straight into the encoder's input when not.
type input struct {
	Lookback                 []float32 // L
	past, future             []float32
	pastStride, futureStride int
	pastWidth, futureWidth   int
	Static                   []float32
	Target, Weight, LogA     []float32 // H: y, weight, log of the exposure
}

// Past is the row of past covariates of lookback month i, 0 … L−1.
func (in *input) Past(i int) []float32 {
	return in.past[i*in.pastStride:][:in.pastWidth]
}

// Future is the row of future covariates of month i, 0 … L+H−1.
func (in *input) Future(i int) []float32 {
	return in.future[i*in.futureStride:][:in.futureWidth]
}

// source is where samples come from. fill writes all of sample i; it is called
// from several threads at once.
type source interface {
	fill(in *input, i int)
}

// slot is where sample number i of the batch is to be written.
func (b *workspace) slot(i int) input {
	x, h := b.encoders[0].x.row(i), b.Horizon
	in := input{Lookback: b.raw.row(i), Static: x[b.static:],
		past: x[b.pastAt:b.futureAt], pastStride: b.Past, pastWidth: b.Past,
		future: x[b.futureAt:b.static], futureStride: b.Future, futureWidth: b.Future,
		Target: b.target[i*h : (i+1)*h], Weight: b.weight[i*h : (i+1)*h], LogA: b.loga[i*h : (i+1)*h]}
	if b.past != nil {
		m := b.past.x
		in.past, in.pastStride = m.data[i*b.Lookback*m.stride:], m.stride
	}
	if b.future != nil {
		m := b.future.x
		in.future, in.futureStride = m.data[i*(b.Lookback+b.Horizon)*m.stride:], m.stride
	}
	return in
}

// forward computes the outputs of samples from … to−1, whose inputs are there.
func (b *workspace) forward(s *kernel.Scratch, from, to int) {
	b.normalise(from, to)
	if b.past != nil {
		b.forwardStage(s, b.past, from, to)
	}
	if b.future != nil {
		b.forwardStage(s, b.future, from, to)
	}
	b.gather(from, to)
	for _, e := range b.encoders {
		b.forwardStage(s, e, from, to)
	}
	for _, d := range b.decoders {
		b.forwardStage(s, d, from, to)
	}
	b.spreadSteps(from, to)
	b.forwardStage(s, b.temporal, from, to)
	b.finish(s, from, to)
}

// normalise makes the lookback that the network sees: RIN's
// (x − mean)/√(var + ε)·weight + bias over the sample's own lookback, or x.
func (b *workspace) normalise(from, to int) {
	for i := from; i < to; i++ {
		raw, x := b.raw.row(i), b.lookbackX.row(i)
		copy(x, raw)
		if b.affine < 0 {
			continue
		}
		mean, inverse := moments(raw)
		b.level[i], b.spread[i] = float32(mean), float32(1/inverse)
		gain, shift := b.params[b.affine], b.params[b.affine+kernel.Panel]
		for j, v := range raw {
			x[j] = (v-b.level[i])*float32(inverse)*gain + shift
		}
	}
}

// moments are the mean of x and 1/√(biased variance + ε).
func moments(x []float32) (mean, inverse float64) {
	for _, v := range x {
		mean += float64(v)
	}
	mean /= float64(len(x))
	var squares float64
	for _, v := range x {
		d := float64(v) - mean
		squares += d * d
	}
	return mean, 1 / math.Sqrt(squares/float64(len(x))+normEpsilon)
}

// gather puts the encoder's input together: lookback | past | future | static.
// Raw covariates and the static input stand there already.
func (b *workspace) gather(from, to int) {
	for i := from; i < to; i++ {
		x := b.encoders[0].x.row(i)
		copy(x, b.lookbackX.row(i))
		if b.past != nil {
			collect(x[b.pastAt:b.futureAt], b.past.y, i*b.Lookback)
		}
		if b.future != nil {
			collect(x[b.futureAt:b.static], b.future.y, i*(b.Lookback+b.Horizon))
		}
	}
}

// collect writes the rows of m from row on, one after the other, until dst is full.
func collect(dst []float32, m matrix, row int) {
	for len(dst) > 0 {
		n := copy(dst, m.row(row))
		dst = dst[n:]
		row++
	}
}

// forwardStage is y = norm(drop(W₂·relu(W₁·x + b₁) + b₂) + Wₛ·x + bₛ).
func (b *workspace) forwardStage(s *kernel.Scratch, st *stage, from, to int) {
	from, to = from*st.perSample, to*st.perSample
	m, x := to-from, st.x.left(from)
	h, y := st.h.data[from*st.h.stride:], st.y.data[from*st.y.stride:]
	b.path.Multiply(s, h, st.h.stride, x, st.first.forward, m, st.first.out, st.first.in, false)
	bias := b.bias(st.first.linear)
	for i := from; i < to; i++ {
		b.path.AddReLU(st.h.row(i), bias)
	}
	b.path.Multiply(s, y, st.y.stride, st.h.left(from), st.second.forward, m, st.second.out, st.second.in, false)
	before, after := b.bias(st.second.linear), b.bias(st.skip.linear)
	for i := from; i < to; i++ {
		if b.active {
			b.path.Dropout(st.y.row(i), before, after, b.dropping(st, i))
		} else {
			b.path.Add(st.y.row(i), st.both)
		}
	}
	b.path.Multiply(s, y, st.y.stride, x, st.skip.forward, m, st.skip.out, st.skip.in, true)
	if st.norm {
		for i := from; i < to; i++ {
			b.layerNorm(st, i)
		}
	}
}

func (b *workspace) layerNorm(st *stage, i int) {
	y, centred := st.y.row(i), st.centred.row(i)
	gain, shift := b.params[st.gain:][:len(y)], b.params[st.shift:][:len(y)]
	mean, inverse := moments(y)
	st.inverse[i] = float32(inverse)
	for j, v := range y {
		centred[j] = float32((float64(v) - mean) * inverse)
		y[j] = centred[j]*gain[j] + shift[j]
	}
}

// spreadSteps gives every output step its row of the temporal decoder's input:
// its part of the decoder's output | its future covariates.
func (b *workspace) spreadSteps(from, to int) {
	width, future := b.stepWidth(), b.futureWidth()
	last := b.decoders[len(b.decoders)-1].y
	for i := from; i < to; i++ {
		y, known := last.row(i), b.encoders[0].x.row(i)[b.futureAt+b.Lookback*future:b.static]
		for h := range b.Horizon {
			x := b.temporal.x.row(i*b.Horizon + h)
			copy(x, y[h*width:(h+1)*width])
			copy(x[width:], known[h*future:(h+1)*future])
		}
	}
}

// finish adds the lookback skip to the temporal decoder's output and undoes RIN:
// (y − bias)/(weight + ε)·√(var + ε) + mean.
func (b *workspace) finish(s *kernel.Scratch, from, to int) {
	b.path.Multiply(s, b.out.data[from*b.out.stride:], b.out.stride, b.lookbackX.left(from), b.weights.lookback.forward,
		to-from, b.out.width, b.Lookback, false)
	bias := b.bias(b.weights.lookback.linear)
	for i := from; i < to; i++ {
		y := b.out.row(i)
		b.path.Add(y, bias)
		for h := range b.Horizon {
			b.path.Add(y[h*b.Outputs:(h+1)*b.Outputs], b.temporal.y.row(i*b.Horizon+h))
		}
		if b.affine < 0 {
			continue
		}
		gain, shift := b.params[b.affine], b.params[b.affine+kernel.Panel]
		for j, v := range y {
			y[j] = (v-shift)/(gain+inverseEpsilon)*b.spread[i] + b.level[i]
		}
	}
}
