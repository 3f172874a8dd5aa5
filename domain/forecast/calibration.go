package forecast

import "math"

// Calibration corrects how wide forecasts are, by what they missed. It is a
// conformal adjustment (Vovk et al. 2005; for quantiles Romano et al. 2019) with
// one number, the spread, found so that months that were forecast and have come
// fall into the 90 % interval nine times of ten. What is corrected is the width
// alone: where the last few months lay higher or lower than forecast, that is
// more often a season than an error, and the next month would pay for it.
//
// Counts of slow sellers fill their intervals too well by nature: [0, 1] holds
// 95 of 100 and nothing narrower holds 90. Coverage is therefore that of the
// randomised interval: a count at its end is inside with the probability that
// makes the interval hold 90 % exactly (the probability integral transform of
// Czado, Gneiting and Held 2009, in expectation, so that nothing is drawn).
type Calibration struct {
	// Spread widens (> 1) or narrows (< 1) forecasts about their mean; 0 and 1
	// leave them as they are.
	Spread float64
}

// The interval that is judged, and when it is found wanting: its coverage is off
// by more than the tolerance and by more than twice its standard error.
const (
	lowLevel, highLevel = 0.05, 0.95
	nominal             = highLevel - lowLevel
	tolerance           = 0.03
	errorsOff           = 2
	widest              = 8.0
)

// Apply is the forecast with its spread corrected and its mean kept. The
// cumulative probabilities F of counts become Φ((Φ⁻¹(F) + b) / Spread), b such
// that the mean stays; a quantile function is stretched about its mean, clipped
// at zero copies.
func (c Calibration) Apply(d Distribution) Distribution {
	switch {
	case c.Spread == 0 || c.Spread == 1:
		return d
	case d.Levels != nil:
		return c.stretch(d)
	case len(d.Probs) < 2 || !(d.Expected > 0):
		return d
	}
	z := normalScores(d.Probs)
	shift := c.shift(z, d.Expected)
	probs := make([]float64, len(d.Probs))
	below := 0.0
	for k := range z {
		f := normal((z[k] + shift) / c.Spread)
		probs[k] = f - below
		below = f
	}
	probs[len(probs)-1] = 1 - below
	return Distribution{Probs: probs, Expected: d.Expected}
}

func (c Calibration) stretch(d Distribution) Distribution {
	values := make([]float64, len(d.Values))
	for i, v := range d.Values {
		values[i] = math.Max(0, d.Expected+c.Spread*(v-d.Expected))
	}
	return Distribution{Levels: d.Levels, Values: values, Expected: d.Expected}
}

// normalScores are Φ⁻¹ of the cumulative probabilities of all counts but the
// last, beyond which there is nothing.
func normalScores(probs []float64) []float64 {
	z := make([]float64, len(probs)-1)
	above := 1.0
	for k := range z {
		above = math.Max(above-probs[k], 1e-12)
		z[k] = math.Sqrt2 * math.Erfinv(1-2*above)
	}
	return z
}

func normal(z float64) float64 { return math.Erfc(-z/math.Sqrt2) / 2 }

// shift is b of Apply: the mean Σ (1 − F(k)) falls with it. Newton's steps, kept
// within the interval that holds the answer, find it in a handful.
func (c Calibration) shift(z []float64, mean float64) (b float64) {
	low, high := -8*c.Spread-8, 8*c.Spread+8
	for range 60 {
		var sum, slope float64
		for _, x := range z {
			u := (x + b) / c.Spread
			sum += normal(-u)
			slope += math.Exp(-u*u/2) / (math.Sqrt(2*math.Pi) * c.Spread)
		}
		if sum > mean {
			low = b
		} else {
			high = b
		}
		next := b + (sum-mean)/slope
		if !(next > low && next < high) {
			next = (low + high) / 2
		}
		if math.Abs(next-b) < 1e-9 {
			break
		}
		b = next
	}
	return b
}

// inside is the probability that the randomised 90 % interval holds y copies.
func inside(d Distribution, y float64) float64 {
	from, to := d.step(y)
	if to <= from { // the forecast excluded y
		if from >= lowLevel && from <= highLevel {
			return 1
		}
		return 0
	}
	return math.Max(0, math.Min(to, highLevel)-math.Max(from, lowLevel)) / (to - from)
}

// step are the cumulative probabilities just before and at y copies.
func (d Distribution) step(y float64) (before, at float64) {
	for k, p := range d.counts() {
		if before = at; float64(k) > y {
			return before, before
		}
		if at += p; float64(k) >= y {
			return before, at
		}
	}
	return 1, 1
}

// Outcome is a forecast of a product-month that has come.
type Outcome struct {
	Forecast Distribution
	Sold     float64 // copies
	Product  int     // the months of one product are no independent witnesses
	Month    int
}

// Coverage is the share of the outcomes in the randomised 90 % interval, with
// its standard error over products. Not a number without outcomes.
func Coverage(outcomes []Outcome) (share, deviation float64) { return Calibration{}.coverage(outcomes) }

func (c Calibration) coverage(outcomes []Outcome) (share, deviation float64) {
	n := float64(len(outcomes))
	hits := make([]float64, len(outcomes))
	for i, o := range outcomes {
		hits[i] = inside(c.Apply(o.Forecast), o.Sold)
		share += hits[i] / n
	}
	if n == 0 {
		return math.NaN(), math.NaN()
	}
	byProduct := map[int]float64{}
	for i, o := range outcomes {
		byProduct[o.Product] += hits[i] - share
	}
	// In the outcomes' order: a map's own would change the last bits.
	for _, o := range outcomes {
		if sum, ok := byProduct[o.Product]; ok {
			deviation += sum * sum
			delete(byProduct, o.Product)
		}
	}
	return share, math.Sqrt(deviation) / n
}

// Calibrate finds the spread that the outcomes ask for: 1, which leaves every
// forecast as it is, unless the coverage is off by more than the tolerance, by
// more than chance, and in every one of the months. Where no spread brings it
// back, something else is wrong, and it is left alone too.
func Calibrate(outcomes []Outcome) Calibration {
	share, deviation := Coverage(outcomes)
	off := share - nominal
	if !(math.Abs(off) > math.Max(tolerance, errorsOff*deviation)) || !sameInEveryMonth(outcomes, off > 0) {
		return Calibration{Spread: 1}
	}
	some := sample(outcomes)
	low, high := 1/widest, widest // coverage grows with the spread
	for range 14 {
		middle := math.Sqrt(low * high)
		if share, _ := (Calibration{middle}).coverage(some); share < nominal {
			low = middle
		} else {
			high = middle
		}
	}
	c := Calibration{math.Sqrt(low * high)}
	if share, _ := c.coverage(some); math.Abs(share-nominal) > tolerance {
		return Calibration{Spread: 1}
	}
	return c
}

func sameInEveryMonth(outcomes []Outcome, above bool) bool {
	type sum struct{ inside, cells float64 }
	months := map[int]sum{}
	for _, o := range outcomes {
		m := months[o.Month]
		months[o.Month] = sum{m.inside + inside(o.Forecast, o.Sold), m.cells + 1}
	}
	for _, m := range months {
		if (m.inside/m.cells > nominal) != above {
			return false
		}
	}
	return true
}

// enough outcomes find one number; a large shop has more.
const enough = 10_000

// sample takes every so many of the outcomes.
func sample(outcomes []Outcome) []Outcome {
	step := (len(outcomes) + enough - 1) / enough
	if step <= 1 {
		return outcomes
	}
	some := make([]Outcome, 0, enough)
	for i := 0; i < len(outcomes); i += step {
		some = append(some, outcomes[i])
	}
	return some
}
