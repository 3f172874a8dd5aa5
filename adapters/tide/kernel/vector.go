package kernel

import "math"

// AddReLU is x = max(x + bias, 0), in place. len(bias) ≥ len(x).
func (p Path) AddReLU(x, bias []float32) {
	bias = bias[:len(x)]
	n := p.whole(len(x))
	if n > 0 {
		addReLU256(&x[0], &bias[0], n)
	}
	for i := n; i < len(x); i++ {
		x[i] = max(x[i]+bias[i], 0)
	}
}

// ReLUGradient clears d where h, what came out of the ReLU, is not positive.
func (p Path) ReLUGradient(d, h []float32) {
	h = h[:len(d)]
	n := p.whole(len(d))
	if n > 0 {
		reluGradient256(&d[0], &h[0], n)
	}
	for i := n; i < len(d); i++ {
		if !(h[i] > 0) {
			d[i] = 0
		}
	}
}

// Add is dst += x. len(x) ≥ len(dst).
func (p Path) Add(dst, x []float32) {
	x = x[:len(dst)]
	n := p.whole(len(dst))
	if n > 0 {
		add256(&dst[0], &x[0], n)
	}
	for i := n; i < len(dst); i++ {
		dst[i] += x[i]
	}
}

// Dropping is the dropout of one row: element i is kept if the random number
// of counter Key + i is not below Threshold, and then scaled by Scale. The
// same Dropping always keeps the same elements, in whatever order and on
// whatever path it is asked.
type Dropping struct {
	Key, Threshold uint32
	Scale          float32
}

func (d Dropping) keeps(i int) bool { return hash(d.Key+uint32(i)) >= d.Threshold }

// hash is a bijection of 32 bits whose output passes for random when fed with a
// counter: the mixer lowbias32 of Chris Wellons' hash prospector.
func hash(x uint32) uint32 {
	x ^= x >> 16
	x *= 0x7feb352d
	x ^= x >> 15
	x *= 0x846ca68b
	return x ^ x>>16
}

// Dropout is x = keep·(x + before)·scale + after, in place: a linear layer's
// bias and dropout, then another's bias.
func (p Path) Dropout(x, before, after []float32, d Dropping) {
	before, after = before[:len(x)], after[:len(x)]
	n := p.whole(len(x))
	if n > 0 {
		dropout256(&x[0], &before[0], &after[0], n, d.Key, d.Threshold, d.Scale)
	}
	for i := n; i < len(x); i++ {
		v := float32(0)
		if d.keeps(i) {
			v = float32((x[i] + before[i]) * d.Scale)
		}
		x[i] = v + after[i]
	}
}

// Mask is dst = keep·x·scale: the gradient of Dropout by its x. They may be the
// same slice.
func (p Path) Mask(dst, x []float32, d Dropping) {
	x = x[:len(dst)]
	n := p.whole(len(dst))
	if n > 0 {
		mask256(&dst[0], &x[0], n, d.Key, d.Threshold, d.Scale)
	}
	for i := n; i < len(dst); i++ {
		if d.keeps(i) {
			dst[i] = float32(x[i] * d.Scale)
		} else {
			dst[i] = 0
		}
	}
}

// AdamStep are the factors of one step of Adam, worked out once for all
// parameters.
type AdamStep struct {
	Clip         float32 // what gradients are multiplied by first
	Decay        float32 // λ: g += λ·p
	Keep1, Take1 float32 // m = Keep1·m + Take1·g
	Keep2, Take2 float32 // v = Keep2·v + Take2·g²
	Rate         float32 // lr/(1 − β₁ᵗ)
	Root         float32 // 1/√(1 − β₂ᵗ)
	Epsilon      float32
}

// Adam is one step of Adam (Kingma and Ba 2015, algorithm 1) with L2 decay:
// p −= Rate·m/(√v·Root + ε). All slices have len(p) values. All paths agree to
// the last bit.
func (p Path) Adam(params, g, m, v []float32, step *AdamStep) {
	g, m, v = g[:len(params)], m[:len(params)], v[:len(params)]
	n := p.whole(len(params))
	if n > 0 {
		adam256(&params[0], &g[0], &m[0], &v[0], n, &step.Clip)
	}
	for i := n; i < len(params); i++ {
		grad := float32(g[i]*step.Clip) + float32(step.Decay*params[i])
		m[i] = float32(step.Keep1*m[i]) + float32(step.Take1*grad)
		v[i] = float32(step.Keep2*v[i]) + float32(step.Take2*float32(grad*grad))
		params[i] -= float32(step.Rate*m[i]) / (float32(float32(math.Sqrt(float64(v[i])))*step.Root) + step.Epsilon)
	}
}

// whole is how many of n values the assembly takes.
func (p Path) whole(n int) int {
	if p == Portable {
		return 0
	}
	return n &^ 7
}
