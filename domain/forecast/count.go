package forecast

import (
	"math"
	"slices"
	"sort"
)

// tail is the probability that a cut-off count distribution may leave above its
// last count, and largest the count beyond which none is kept.
const (
	tail    = 1e-6
	largest = 4096
)

// NegativeBinomial is the count distribution of the given mean ≥ 0 in copies
// and size r > 0 (variance mean + mean²/r), by the recurrence
// P(k+1) = P(k)·(k+r)/(k+1)·mean/(mean+r). An infinite size is the Poisson
// distribution. Of a mean or size that is not a number it has only the mean,
// which is not a number either, so that nobody takes it for a forecast of zero.
func NegativeBinomial(mean, size float64) Distribution {
	switch {
	case math.IsNaN(mean+size) || math.IsInf(mean, 0):
		return Distribution{Expected: math.NaN()}
	case mean <= 0:
		return Distribution{}
	case math.IsInf(size, 1):
		return Poisson(mean)
	}
	p := mean / (mean + size)
	d := recurrence(size*math.Log1p(-p), func(k float64) float64 { return (k + size) / (k + 1) * p })
	d.Expected, d.Size = mean, size
	return d
}

// Poisson is the Poisson distribution of the given mean ≥ 0 in copies; a mean
// that is not a number stays one, as in NegativeBinomial.
func Poisson(mean float64) Distribution {
	switch {
	case math.IsNaN(mean) || math.IsInf(mean, 0):
		return Distribution{Expected: math.NaN()}
	case mean <= 0:
		return Distribution{}
	}
	d := recurrence(-mean, func(k float64) float64 { return mean / (k + 1) })
	d.Expected = mean
	return d
}

// recurrence builds the counts from log P(0) and the ratios P(k+1)/P(k), in
// logarithms so that a large mean does not start from zero.
func recurrence(logP0 float64, ratio func(k float64) float64) Distribution {
	var probs []float64
	logP, sum := logP0, 0.0
	for k := 0; k <= largest; k++ {
		p := math.Exp(logP)
		probs = append(probs, p)
		if sum += p; sum >= 1-tail {
			break
		}
		logP += math.Log(ratio(float64(k)))
	}
	return Distribution{Probs: probs}
}

// Counts is the distribution with probability probs[k] of k copies. probs must
// not be negative; they are scaled to sum 1. The slice is kept.
func Counts(probs []float64) Distribution {
	var sum, mean float64
	for k, p := range probs {
		sum += p
		mean += float64(k) * p
	}
	if !(sum > 0) {
		return Distribution{}
	}
	for k := range probs {
		probs[k] /= sum
	}
	return Distribution{Probs: probs, Expected: mean / sum}
}

// QuantileFunction is the distribution whose quantiles at the ascending levels
// are values: linear between, flat beyond the outer ones. Values that cross are
// sorted. The slices are kept.
func QuantileFunction(levels, values []float64) Distribution {
	slices.Sort(values)
	d := Distribution{Levels: levels, Values: values}
	n := len(levels)
	if n == 0 {
		return d
	}
	d.Expected = levels[0]*values[0] + (1-levels[n-1])*values[n-1]
	for i := 1; i < n; i++ {
		d.Expected += (levels[i] - levels[i-1]) * (values[i] + values[i-1]) / 2
	}
	return d
}

// Quantile is the smallest count k with P(≤ k) ≥ q; of a quantile function, its
// value at q.
func (d Distribution) Quantile(q float64) float64 {
	if d.Levels != nil {
		return interpolate(d.Levels, d.Values, q)
	}
	var sum float64
	for k, p := range d.Probs {
		if sum += p; sum >= q-1e-12 {
			return float64(k)
		}
	}
	return float64(max(len(d.Probs)-1, 0))
}

// Quantiles are the quantiles at Levels.
func (d Distribution) Quantiles() (values [5]float64) {
	d.At(values[:], Levels[:])
	return values
}

// At writes the quantiles at the ascending levels to dst (len(levels)), in one
// pass over the counts.
func (d Distribution) At(dst, levels []float64) {
	if d.Levels != nil || len(d.Probs) == 0 {
		for i, q := range levels {
			dst[i] = d.Quantile(q)
		}
		return
	}
	k, sum := 0, d.Probs[0]
	for i, q := range levels {
		for sum < q-1e-12 && k < len(d.Probs)-1 {
			k++
			sum += d.Probs[k]
		}
		dst[i] = float64(k)
	}
}

// CDF is the probability of at most x copies.
func (d Distribution) CDF(x float64) float64 {
	if d.Levels != nil {
		return inverse(d.Levels, d.Values, x)
	}
	if len(d.Probs) == 0 {
		if x >= 0 {
			return 1
		}
		return 0
	}
	var sum float64
	for k, p := range d.Probs {
		if float64(k) > x {
			break
		}
		sum += p
	}
	return math.Min(sum, 1)
}

// Mix is the mixture of ds with the given weights (nil: equal), which need not
// sum to 1. The mixture of counts is exact; as soon as one of them is a
// quantile function, its probability is spread over whole copies.
func Mix(ds []Distribution, weights []float64) Distribution {
	var total float64
	weight := func(i int) float64 {
		if weights == nil {
			return 1
		}
		return weights[i]
	}
	for i := range ds {
		total += weight(i)
	}
	if !(total > 0) {
		return Distribution{}
	}
	counts, longest := make([][]float64, len(ds)), 0
	for i, d := range ds {
		if weight(i) > 0 {
			counts[i] = d.counts()
			longest = max(longest, len(counts[i]))
		}
	}
	probs := make([]float64, longest)
	var mean float64
	for i, d := range ds {
		w := weight(i) / total
		mean += w * d.Expected
		for k, p := range counts[i] {
			probs[k] += w * p
		}
	}
	return Distribution{Probs: probs, Expected: mean}
}

// Thin is the distribution of the copies that are left when each is kept with
// the probability share in [0, 1]: what sells of a month's demand d in that
// share of the month. A negative binomial keeps its size, exactly.
func Thin(d Distribution, share float64) Distribution {
	switch {
	case share >= 1:
		return d
	case !(share > 0):
		return Distribution{}
	case d.Size > 0:
		return NegativeBinomial(d.Expected*share, d.Size)
	}
	counts := d.counts()
	probs := make([]float64, len(counts))
	odds := share / (1 - share)
	for n, p := range counts {
		kept := p * math.Pow(1-share, float64(n)) // binomial, from none kept upwards
		for k := 0; k <= n && kept > 0; k++ {
			probs[k] += kept
			kept *= odds * float64(n-k) / float64(k+1)
		}
	}
	return Distribution{Probs: probs, Expected: d.Expected * share}
}

// counts are the probabilities of whole copies.
func (d Distribution) counts() []float64 {
	if d.Levels == nil {
		if len(d.Probs) == 0 {
			return []float64{1}
		}
		return d.Probs
	}
	top := int(math.Ceil(math.Max(0, d.Values[len(d.Values)-1])))
	probs := make([]float64, min(top, largest)+1)
	below := 0.0
	for k := range probs {
		c := d.CDF(float64(k) + 0.5)
		if k == len(probs)-1 {
			c = 1
		}
		probs[k] = c - below
		below = c
	}
	return probs
}

// interpolate is the piecewise-linear function through (xs, ys), flat outside.
func interpolate(xs, ys []float64, x float64) float64 {
	i := sort.SearchFloat64s(xs, x)
	switch {
	case i == 0:
		return ys[0]
	case i == len(xs):
		return ys[i-1]
	}
	return ys[i-1] + (ys[i]-ys[i-1])*(x-xs[i-1])/(xs[i]-xs[i-1])
}

// inverse is the level at which the quantile function reaches x: 0 below its
// lowest value, 1 from its highest on.
func inverse(levels, values []float64, x float64) float64 {
	i := sort.Search(len(values), func(i int) bool { return values[i] > x })
	switch i {
	case 0:
		return 0
	case len(values):
		return 1
	}
	return levels[i-1] + (levels[i]-levels[i-1])*(x-values[i-1])/(values[i]-values[i-1])
}

// Pinball is the pinball loss of the forecast f of the quantile q when y came:
// q·(y − f) if y ≥ f, else (1 − q)·(f − y).
func Pinball(q, y, f float64) float64 {
	if y >= f {
		return q * (y - f)
	}
	return (1 - q) * (f - y)
}
