package simulation

import (
	"math"
	"math/rand/v2"

	"github.com/plastinka/predictor/domain/calendar"
)

// nature is what makes an edition sell.
type nature struct {
	rate    float64 // mean copies a month, long after the launch, in a plain month
	style   int     // index into styles()
	launch  int     // month in which the shop first has it; the first warm-up month is 0
	novelty float64 // the launch multiplies the rate by 1 + novelty, fading
	hit     int     // month in which a hit begins; negative: never
	height  float64 // a hit multiplies the rate by 1 + height, fading
	used    bool    // bought from people, copy by copy; nothing to order
}

// market is what all editions share, by month from the first warm-up month on.
type market struct {
	months []calendar.Month
	season []float64
	style  [][]float64 // [style][month]: its share, drifting about 1
}

func newMarket(o Options) *market {
	rng := stream(o.Seed, 0)
	year := [12]float64{0.78, 0.84, 0.95, 1.12, 0.96, 0.84, 0.78, 0.84, 0.98, 1.06, 1.25, 1.95}
	m := &market{style: make([][]float64, len(styles()))}
	for i := range warmUp + o.Months {
		month := o.First + calendar.Month(i-warmUp)
		m.months = append(m.months, month)
		m.season = append(m.season, year[month.Number()-1])
	}
	for k := range m.style {
		level := 0.2 * rng.NormFloat64()
		for range m.months {
			level = 0.97*level + 0.1*rng.NormFloat64()
			m.style[k] = append(m.style[k], math.Exp(level))
		}
	}
	return m
}

// mean is the mean demand for an edition in a month, in copies.
func (m *market) mean(n nature, month int) float64 {
	age := float64(month - n.launch)
	if age < 0 {
		return 0
	}
	mean := n.rate * m.season[month] * m.style[n.style][month] * (1 + n.novelty*math.Exp(-age/2.5))
	if n.hit >= 0 && month >= n.hit {
		mean *= 1 + n.height*math.Exp(-float64(month-n.hit)/3.5)
	}
	return mean
}

// newNature draws what an edition is like. pull is what its artist and style
// add to the log of its rate.
func newNature(o Options, style int, used bool, pull float64, rng *rand.Rand) nature {
	n := nature{style: style, used: used, hit: -1}
	n.rate = math.Exp(-1.4 + pull + 0.55*rng.NormFloat64())
	if rng.Float64() < min(0.012*float64(o.Months), 0.3) { // a launch while we look on; the others are older
		n.launch = warmUp + rng.IntN(o.Months)
		n.novelty = 2 + 6*rng.Float64()
	}
	if rng.Float64() < 0.08 {
		n.hit = n.launch + rng.IntN(warmUp+o.Months-n.launch)
		n.height = 3 + 8*rng.Float64()
	}
	return n
}

// poisson draws from a Poisson distribution: counting arrivals of rate 1, in
// pieces so small that exp(−mean) is a number.
func poisson(mean float64, rng *rand.Rand) int {
	n := 0
	for ; mean > 20; mean -= 20 {
		n += poisson(20, rng)
	}
	for p, floor := rng.Float64(), math.Exp(-mean); p > floor; p *= rng.Float64() {
		n++
	}
	return n
}

// gamma draws from a gamma distribution of the given shape and mean 1
// (Marsaglia and Tsang, 2000).
func gamma(shape float64, rng *rand.Rand) float64 {
	if shape < 1 {
		return (shape + 1) / shape * gamma(shape+1, rng) * math.Pow(1-rng.Float64(), 1/shape)
	}
	d := shape - 1.0/3
	for {
		x := rng.NormFloat64()
		v := 1 + x/math.Sqrt(9*d)
		if v <= 0 {
			continue
		}
		v *= v * v
		if math.Log(1-rng.Float64()) < 0.5*x*x+d*(1-v+math.Log(v)) {
			return d * v / shape
		}
	}
}
