package backtest

import (
	"math"
	"math/rand/v2"
)

// draws is how often the products are drawn anew.
const draws = 400

// differences are, for every method, the standard errors of the difference of
// its mean pinball loss to best's in the class: the products are drawn with
// replacement, the same ones for both, so that what makes a month hard for
// both does not count (a paired bootstrap).
func (s *Sheet) differences(class string, best *method, seed uint64) []float64 {
	out := make([]float64, len(s.methods))
	if best == nil || best.cells[class] == nil {
		return out
	}
	var products []int // that have a cell in the class
	for i, n := range best.cells[class] {
		if n > 0 {
			products = append(products, i)
		}
	}
	if len(products) == 0 {
		return out
	}
	random := rand.New(rand.NewPCG(seed, 0x9e3779b97f4a7c15))
	sum, squares := make([]float64, len(out)), make([]float64, len(out))
	times := make([]float64, s.p.N())
	for range draws {
		clear(times)
		for range products {
			times[products[random.IntN(len(products))]]++
		}
		var cells float64
		for _, i := range products {
			cells += times[i] * best.cells[class][i]
		}
		for j, m := range s.methods {
			if m.loss[class] == nil {
				continue
			}
			var d float64
			for _, i := range products {
				d += times[i] * (m.loss[class][i] - best.loss[class][i])
			}
			d /= cells
			sum[j] += d
			squares[j] += d * d
		}
	}
	for j := range out {
		mean := sum[j] / draws
		out[j] = math.Sqrt(math.Max(squares[j]/draws-mean*mean, 0) * draws / (draws - 1))
	}
	return out
}
