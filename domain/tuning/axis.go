package tuning

import (
	"math"
	"math/rand/v2"
	"strconv"
)

// kind is how the values of an axis lie.
type kind int

const (
	linear  kind = iota // numbers between low and high
	logged              // the same, by their logarithm
	stepped             // low, low + step, … high
	doubled             // low, 2·low, … high
	unlike              // 0 … high without an order
)

// axis is one dimension of a search: where its values lie. A coordinate is
// where a value stands on it: 0–1 on the continuous kinds, the number of the
// value from 0 on the others.
type axis struct {
	kind            kind
	low, high, step float64
}

// count is how many values a discrete axis has, 0 of a continuous one.
func (a axis) count() int {
	switch a.kind {
	case stepped:
		return int(math.Round((a.high-a.low)/a.step)) + 1
	case doubled:
		return int(math.Round(math.Log2(a.high/a.low))) + 1
	case unlike:
		return int(a.high) + 1
	}
	return 0
}

// value is what stands at a coordinate. Continuous values have three digits:
// more would say nothing, and people read them.
func (a axis) value(x float64) float64 {
	switch a.kind {
	case linear:
		return round(a.low + x*(a.high-a.low))
	case logged:
		return math.Min(math.Max(round(a.low*math.Pow(a.high/a.low, x)), a.low), a.high)
	case stepped:
		return a.low + x*a.step
	case doubled:
		return a.low * math.Exp2(x)
	}
	return x
}

// coordinate is where a value stands, or the nearest that the axis has.
func (a axis) coordinate(v float64) float64 {
	var x float64
	switch a.kind {
	case linear:
		x = (v - a.low) / (a.high - a.low)
	case logged:
		x = math.Log(math.Max(v, a.low)/a.low) / math.Log(a.high/a.low)
	case stepped:
		x = math.Round((v - a.low) / a.step)
	case doubled:
		x = math.Round(math.Log2(math.Max(v, a.low) / a.low))
	default:
		x = math.Round(v)
	}
	last := 1.0
	if n := a.count(); n > 0 {
		last = float64(n - 1)
	}
	return math.Min(math.Max(x, 0), last)
}

// round keeps three significant digits.
func round(v float64) float64 {
	short, err := strconv.ParseFloat(strconv.FormatFloat(v, 'e', 2, 64), 64)
	if err != nil {
		return v // not a number, which no axis gives
	}
	return short
}

// at is the coordinate at the share u of the axis, 0 ≤ u < 1.
func (a axis) at(u float64) float64 {
	if n := a.count(); n > 0 {
		return math.Min(math.Floor(u*float64(n)), float64(n-1))
	}
	return u
}

// share is the middle of what a coordinate takes of the axis: the inverse of at.
func (a axis) share(x float64) float64 {
	if n := a.count(); n > 0 {
		return (x + 0.5) / float64(n)
	}
	return x
}

// likeness is how much of a choice's kernel goes to the values that are not its
// centre.
const likeness = 0.3

// draw is a random coordinate near centre: of a normal of the deviation sigma
// (a share of the axis), cut off at the ends; of a choice mostly centre itself.
func (a axis) draw(centre, sigma float64, rng *rand.Rand) float64 {
	if a.kind == unlike {
		if rng.Float64() < likeness {
			return a.at(rng.Float64())
		}
		return centre
	}
	mu := a.share(centre)
	low, high := normalCDF((0-mu)/sigma), normalCDF((1-mu)/sigma)
	p := low + rng.Float64()*(high-low)
	u := mu - sigma*math.Sqrt2*math.Erfcinv(2*p)
	return a.at(math.Min(math.Max(u, 0), 1-1e-12))
}

// density is the logarithm of draw's density at x, per share of the axis; on a
// discrete axis the mean over what x takes of it.
func (a axis) density(x, centre, sigma float64) float64 {
	n := a.count()
	if a.kind == unlike {
		p := likeness / float64(n)
		if x == centre {
			p += 1 - likeness
		}
		return math.Log(p * float64(n))
	}
	mu := a.share(centre)
	whole := normalCDF((1-mu)/sigma) - normalCDF((0-mu)/sigma)
	if n == 0 {
		z := (x - mu) / sigma
		return -z*z/2 - math.Log(sigma*math.Sqrt(2*math.Pi)*whole)
	}
	left, right := x/float64(n), (x+1)/float64(n)
	p := normalCDF((right-mu)/sigma) - normalCDF((left-mu)/sigma)
	return math.Log(math.Max(p, 1e-300) * float64(n) / whole)
}

// normalCDF is Φ(z) of the standard normal distribution.
func normalCDF(z float64) float64 { return math.Erfc(-z/math.Sqrt2) / 2 }
