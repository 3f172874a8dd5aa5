package baseline

import (
	"github.com/plastinka/predictor/domain/forecast"
	"github.com/plastinka/predictor/domain/panel"
)

// The constants of the shrunk histogram (§2.7).
const (
	shrunkDecay  = 0.9
	shrunkPseudo = 12
	shrunkGroups = 30
)

// shrunkHistogram counts the product's own available months, weighted 0.9^age,
// and adds 12 pseudo-months of the histogram of its level group. Products that
// were launched after the data began are grouped by their age too.
func shrunkHistogram(p *panel.Panel, origin, horizon int) []forecast.Distribution {
	own := make([][]float64, p.N())
	for i := range own {
		weight := 1.0
		for t := origin - 1; t >= 0; t-- {
			if at := p.At(i, t); p.Availability[at] > 0 {
				own[i] = add(own[i], count(p.Sales[at]), weight*float64(p.Availability[at]))
			}
			weight *= shrunkDecay
		}
	}
	g := pooling{groups: shrunkGroups, byAge: true, least: groupCells}
	return g.forecast(p, origin, horizon, func(i int, hist []float64) forecast.Distribution {
		var sum float64
		for _, n := range hist {
			sum += n
		}
		probs := make([]float64, max(len(hist), len(own[i])))
		copy(probs, own[i])
		for k, n := range hist {
			probs[k] += shrunkPseudo * n / sum
		}
		return forecast.Counts(probs)
	})
}
