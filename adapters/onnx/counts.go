package onnx

import (
	"fmt"

	"github.com/plastinka/predictor/domain/regression"
)

// maxCount is the highest count that a quantile can be: as far as
// forecast.Distribution goes.
const maxCount = 4096

// tolerance is what a cumulative probability may be below a level and still
// reach it, as in forecast.Distribution.
const tolerance = 1e-12

// double is a float64 constant without a shape.
func (b *builder) double(v float64) string {
	return b.constant(doubleTensor(fmt.Sprintf("double/%g", v), []float64{v}))
}

// doubles is a vector of float64.
func (b *builder) doubles(name string, values []float64) string {
	return b.constant(doubleTensor("doubles/"+name, values, int64(len(values))))
}

// counts are the quantiles (batch, H, Q) of the mixture of the seeds' negative
// binomials, of mean μ = exp(clamp(o₁)) and size r = exp(clamp(o₂)), in whole
// copies; and the seeds' means and sizes (batch, H, seeds). In float64, with
//
//	log P(0)   = r·log(r/(r+μ))
//	log P(k+1) = log P(k) + log((k+r)/(k+1)) + log(μ/(r+μ))
//
// the quantile at q is the number of counts k with P(≤ k) < q.
func (b *builder) counts(outputs []string, levels []float64) (quantiles, mean, size string) {
	var means, sizes []string // (batch, H, 1)
	pmf := ""                 // (batch, H, maxCount), the sum over the seeds
	for _, o := range outputs {
		o = b.cast(o, typeDouble)
		m := b.clamped(o, 0, regression.MinLogMean, regression.MaxLogMean)
		r := b.clamped(o, 1, regression.MinLogSize, regression.MaxLogSize)
		means, sizes = append(means, m), append(sizes, r)
		if p := b.probabilities(m, r); pmf == "" {
			pmf = p
		} else {
			pmf = b.add(pmf, p)
		}
	}
	if n := len(outputs); n > 1 {
		pmf = b.div(pmf, b.double(float64(n)))
	}
	cdf := b.cumulative(pmf)
	short := make([]float64, len(levels))
	for i, q := range levels {
		short[i] = q - tolerance
	}
	below := b.op("Less", []string{b.unsqueeze(cdf, 2), b.unsqueeze(b.doubles("levels", short), 1)}) // (batch, H, Q, counts)
	quantiles = b.op("ReduceSum", []string{b.cast(below, typeFloat), b.ints(3)}, attribute{name: "keepdims", kind: attributeInt})
	return quantiles, b.cast(b.concat(2, means...), typeFloat), b.cast(b.concat(2, sizes...), typeFloat)
}

// clamped is exp(clamp(o[…, column], low, high)), (batch, H, 1).
func (b *builder) clamped(o string, column int, low, high float64) string {
	return b.op("Exp", []string{b.op("Clip", []string{b.slice(o, 2, column, column+1), b.double(low), b.double(high)})})
}

// probabilities are P(0) … P(maxCount−1), (batch, H, maxCount).
func (b *builder) probabilities(mean, size string) string {
	counts, next := make([]float64, maxCount-1), make([]float64, maxCount-1)
	for k := range counts {
		counts[k], next[k] = float64(k), float64(k+1)
	}
	sum := b.add(mean, size)
	first := b.mul(size, b.op("Log", []string{b.div(size, sum)}))
	ratio := b.div(b.add(b.doubles("counts", counts), size), b.doubles("next", next))
	steps := b.op("Log", []string{b.mul(ratio, b.div(mean, sum))})
	return b.op("Exp", []string{b.cumulative(b.concat(2, first, steps))})
}

// cumulative is the running sum along the last of three axes.
func (b *builder) cumulative(x string) string {
	return b.op("CumSum", []string{x, b.constant(intTensor("int/2", true, 2))})
}

// mixedQuantiles are the quantiles (batch, H, Q) of the mixture of the seeds'
// distributions, each of which is a quantile function: linear between its
// levels and flat beyond the outer ones, its values sorted.
//
// The mixture's cumulative distribution F is linear between the seeds' values
// x₁ ≤ x₂ ≤ … and may jump at them. With xⱼ the first at which F(xⱼ) ≥ q, the
// quantile at q is xⱼ if F reaches q only there, by a jump; else it lies on the
// line from (xⱼ₋₁, F(xⱼ₋₁)) to (xⱼ, F(xⱼ−)).
func (b *builder) mixedQuantiles(outputs []string, levels []float64) string {
	points := len(outputs) * len(levels)
	var sorted []string
	for _, o := range outputs {
		sorted = append(sorted, b.ascending(b.cast(o, typeDouble), len(levels)))
	}
	x := b.ascending(b.concat(2, sorted...), points) // (batch, H, points)
	var upTo, before string                          // F(x) and F(x−)
	for _, v := range sorted {
		u, w := b.reached(x, v, levels, "GreaterOrEqual"), b.reached(x, v, levels, "Greater")
		if upTo == "" {
			upTo, before = u, w
		} else {
			upTo, before = b.add(upTo, u), b.add(before, w)
		}
	}
	n := b.double(float64(len(outputs)))
	upTo, before = b.div(upTo, n), b.div(before, n)

	short := make([]float64, len(levels))
	for i, q := range levels {
		short[i] = q - tolerance
	}
	below := b.op("Less", []string{b.unsqueeze(upTo, 2), b.unsqueeze(b.doubles("levels", short), 1)}) // (batch, H, Q, points)
	first := b.op("ReduceSum", []string{b.cast(below, typeInt64), b.ints(3)}, attribute{name: "keepdims", kind: attributeInt})
	zero, last, one := b.integer(0), b.integer(int64(points-1)), b.integer(1)
	at := b.op("Clip", []string{first, zero, last})
	left := b.op("Clip", []string{b.sub(at, one), zero, last})
	xAt, xLeft := b.gather(x, at), b.gather(x, left)
	fAt, fLeft := b.gather(before, at), b.gather(upTo, left)
	q := b.doubles("levels exactly", levels)
	rise := b.sub(fAt, fLeft)
	line := b.op("And", []string{b.op("GreaterOrEqual", []string{fAt, q}), b.op("Greater", []string{rise, b.double(0)})})
	share := b.div(b.sub(q, fLeft), b.op("Where", []string{line, rise, b.double(1)}))
	onLine := b.add(xLeft, b.mul(share, b.sub(xAt, xLeft)))
	return b.cast(b.op("Where", []string{line, onLine, xAt}), typeFloat)
}

// ascending sorts along the last of three axes.
func (b *builder) ascending(x string, n int) string {
	out := b.op("TopK", []string{x, b.ints(int64(n))}, attribute{name: "axis", integer: 2, kind: attributeInt},
		attribute{name: "largest", kind: attributeInt}, attribute{name: "sorted", integer: 1, kind: attributeInt})
	sorter := &b.nodes[len(b.nodes)-1]
	sorter.out = append(sorter.out, out+"_places") // which nobody asks for
	return out
}

// gather is x[…, at] along the last of three axes.
func (b *builder) gather(x, at string) string {
	return b.op("GatherElements", []string{x, at}, attribute{name: "axis", integer: 2, kind: attributeInt})
}

func (b *builder) integer(v int64) string {
	return b.constant(intTensor(fmt.Sprintf("int/%d", v), true, v))
}

// reached is how much of one distribution lies below x: with "GreaterOrEqual"
// up to x itself, with "Greater" before it. v are its values at the levels.
func (b *builder) reached(x, v string, levels []float64, compare string) string {
	n := len(levels)
	jump := func(i int, weight float64) string {
		passed := b.op(compare, []string{x, b.slice(v, 2, i, i+1)})
		return b.mul(b.cast(passed, typeDouble), b.double(weight))
	}
	sum := b.add(jump(0, levels[0]), jump(n-1, 1-levels[n-1]))
	for i := range n - 1 {
		from := b.slice(v, 2, i, i+1)
		width := b.sub(b.slice(v, 2, i+1, i+2), from)
		weight := levels[i+1] - levels[i]
		isFlat := b.op("Equal", []string{width, b.double(0)})
		flat := b.cast(b.op(compare, []string{x, from}), typeDouble)
		divisor := b.op("Where", []string{isFlat, b.double(1), width})
		share := b.op("Clip", []string{b.div(b.sub(x, from), divisor), b.double(0), b.double(1)})
		sum = b.add(sum, b.mul(b.op("Where", []string{isFlat, flat, share}), b.double(weight)))
	}
	return sum
}
