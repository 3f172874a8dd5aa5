package baseline

import (
	"github.com/plastinka/predictor/domain/forecast"
	"github.com/plastinka/predictor/domain/panel"
)

// largestCount is the count from which on sales are taken as this many: it
// bounds what one absurd cell may cost.
const largestCount = 4096

// count is a cell's sales as a whole count.
func count(sales float32) int { return int(min(max(sales, 0), largestCount) + 0.5) }

// ownHistory is the distribution of the product's own last n available months
// (0: all); without any, zero.
func ownHistory(n int) func(p *panel.Panel, origin, horizon int) []forecast.Distribution {
	return func(p *panel.Panel, origin, horizon int) []forecast.Distribution {
		out := make([]forecast.Distribution, p.N()*horizon)
		for i := range p.N() {
			var probs []float64
			months := 0
			for t := origin - 1; t >= 0 && (n == 0 || months < n); t-- {
				at := p.At(i, t)
				if p.Availability[at] <= 0 {
					continue
				}
				months++
				probs = add(probs, count(p.Sales[at]), float64(p.Availability[at]))
			}
			fill(out[i*horizon:(i+1)*horizon], forecast.Counts(probs))
		}
		return out
	}
}

// add adds weight to the entry for k copies.
func add(probs []float64, k int, weight float64) []float64 {
	for len(probs) <= k {
		probs = append(probs, 0)
	}
	probs[k] += weight
	return probs
}

func fill(dst []forecast.Distribution, d forecast.Distribution) {
	for i := range dst {
		dst[i] = d
	}
}
