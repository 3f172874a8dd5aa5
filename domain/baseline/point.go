package baseline

import (
	"math"

	"github.com/plastinka/predictor/domain/forecast"
	"github.com/plastinka/predictor/domain/panel"
)

// seen is what a point method gets of a product: its sales in the available
// months before the origin, oldest first, with their columns.
type seen struct {
	sales  []float64
	share  []float64 // of the month that it was available
	months []int
}

// pointMethod is the mean that is expected in column month.
type pointMethod func(s seen, month int) float64

// point gives a point method the Poisson quantiles of its mean: a point alone
// would flatter those that compare themselves with it.
func point(method pointMethod) func(p *panel.Panel, origin, horizon int) []forecast.Distribution {
	return func(p *panel.Panel, origin, horizon int) []forecast.Distribution {
		out := make([]forecast.Distribution, p.N()*horizon)
		var s seen
		for i := range p.N() {
			s = look(p, i, origin, s)
			for k := range horizon {
				out[i*horizon+k] = forecast.Poisson(math.Max(method(s, origin+k), 0))
			}
		}
		return out
	}
}

// look collects product i's available months before origin, into the slices of
// reuse.
func look(p *panel.Panel, i, origin int, reuse seen) seen {
	s := seen{sales: reuse.sales[:0], share: reuse.share[:0], months: reuse.months[:0]}
	for t := range origin {
		if at := p.At(i, t); p.Availability[at] > 0 {
			s.sales = append(s.sales, float64(p.Sales[at]))
			s.share = append(s.share, float64(p.Availability[at]))
			s.months = append(s.months, t)
		}
	}
	return s
}

func zero(seen, int) float64 { return 0 }

func lastMonth(s seen, _ int) float64 {
	if len(s.sales) == 0 {
		return 0
	}
	return s.sales[len(s.sales)-1]
}

// meanOf is what a fully available month sold in the last n available ones.
func meanOf(n int) pointMethod {
	return func(s seen, _ int) float64 {
		from := max(0, len(s.sales)-n)
		if months := sum(s.share[from:]); months > 0 {
			return sum(s.sales[from:]) / months
		}
		return 0
	}
}

// seasonalNaive is the newest available same month of an earlier year, else the
// mean of the last 12 months.
func seasonalNaive(s seen, month int) float64 {
	for j := len(s.months) - 1; j >= 0; j-- {
		if (month-s.months[j])%12 == 0 {
			return s.sales[j]
		}
	}
	return meanOf(12)(s, month)
}

// croston forecasts the size of a sale over the interval between sales, both
// smoothed by alpha (Croston 1972); factor 1 − alpha/2 is the correction of
// Syntetos and Boylan (2005).
func croston(alpha, factor float64) pointMethod {
	return func(s seen, _ int) float64 {
		var size, interval float64
		last := -1
		for j, y := range s.sales {
			if y == 0 {
				continue
			}
			gap := float64(j - last)
			if last < 0 {
				size, interval = y, gap
			} else {
				size += alpha * (y - size)
				interval += alpha * (gap - interval)
			}
			last = j
		}
		if last < 0 {
			return 0
		}
		return factor * size / interval
	}
}

// tsb smooths the size of a sale and the probability of one (Teunter, Syntetos
// and Babai 2011); the probability decays in months without a sale.
func tsb(alphaSize, alphaProbability float64) pointMethod {
	return func(s seen, _ int) float64 {
		var size, probability float64
		sold := false
		for j, y := range s.sales {
			hit := 0.0
			if y != 0 {
				hit = 1
				if sold {
					size += alphaSize * (y - size)
				} else {
					size, sold = y, true
				}
			}
			if j == 0 {
				probability = hit
			} else {
				probability += alphaProbability * (hit - probability)
			}
		}
		return size * probability
	}
}

func sum(x []float64) (total float64) {
	for _, v := range x {
		total += v
	}
	return total
}
