package report

import (
	"math"

	"github.com/plastinka/predictor/domain/forecast"
)

// normal are the standard normal quantiles at forecast.Levels.
var normal = [5]float64{-1.6448536269514722, -0.6744897501960817, 0, 0.6744897501960817, 1.6448536269514722}

// affordable is how many multiplications an exact sum may cost; beyond it there
// are so many products that three moments are as good.
const affordable = 4_000_000

// spread is a product's demand as probabilities of whole copies, with its first
// three moments.
type spread struct {
	probs           []float64
	mean            float64
	variance, third float64 // central moments, copies², copies³
}

// spreadOf prepares a forecast for summing. A forecast that carries its
// quantiles only is the straight line between them.
func spreadOf(f *forecast.Forecast) spread {
	d := f.Distribution
	if d.Levels == nil && len(d.Probs) == 0 {
		switch {
		case d.Expected > 0 && d.Size > 0:
			d = forecast.NegativeBinomial(d.Expected, d.Size)
		case f.Quantiles[4] > 0:
			values := f.Quantiles
			d = forecast.QuantileFunction(forecast.Levels[:], values[:])
		}
	}
	s := spread{probs: d.Probs, mean: d.Expected}
	if d.Levels != nil {
		s.probs = forecast.Mix([]forecast.Distribution{d}, nil).Probs
	}
	if len(s.probs) == 0 {
		s.probs = []float64{1}
	}
	for k, p := range s.probs {
		x := float64(k) - s.mean
		s.variance += p * x * x
		s.third += p * x * x * x
	}
	return s
}

// sold is the expected number of copies sold when stock copies are there:
// E[min(demand, stock)] = Σ_{k<stock} P(demand > k).
func (s *spread) sold(stock int) float64 {
	var below, sum float64
	for k := range stock {
		if k >= len(s.probs) {
			break
		}
		below += s.probs[k]
		sum += math.Max(0, 1-below)
	}
	return math.Min(sum, s.mean)
}

// sumOf adds independent spreads.
func sumOf(spreads []*spread) Sum {
	if !cheap(spreads) {
		var m moments
		for _, s := range spreads {
			m.add(s, 1)
		}
		return m.sum().whole()
	}
	total := Sum{Method: "convolution"}
	probs := []float64{1}
	for _, s := range spreads {
		total.Mean += s.mean
		probs = convolve(probs, s.probs)
	}
	total.Quantiles = forecast.Counts(probs).Quantiles()
	return total
}

// cheap reports whether an exact sum is affordable.
func cheap(spreads []*spread) bool {
	width, cost := 1, 0
	for _, s := range spreads {
		cost += width * len(s.probs)
		width += len(s.probs) - 1
		if cost > affordable {
			return false
		}
	}
	return true
}

// moments are the mean and the central moments of a sum of independent spreads.
type moments struct{ mean, variance, third float64 }

// add adds f copies' worth of s: f is 1, or a price.
func (m *moments) add(s *spread, f float64) {
	m.mean += f * s.mean
	m.variance += f * f * s.variance
	m.third += f * f * f * s.third
}

// sum has the quantiles x_q = μ + σ·(z + (z² − 1)·γ/6), γ the skewness, never
// below zero.
func (m *moments) sum() Sum {
	total := Sum{Mean: m.mean, Method: "moments"}
	if !(m.variance > 0) {
		total.Quantiles = [5]float64{m.mean, m.mean, m.mean, m.mean, m.mean}
		return total
	}
	deviation := math.Sqrt(m.variance)
	skewness := m.third / (m.variance * deviation)
	highest := 0.0
	for i, z := range normal {
		// The expansion may fall where it is far from normal; quantiles may not.
		highest = math.Max(highest, m.mean+deviation*(z+(z*z-1)*skewness/6))
		total.Quantiles[i] = highest
	}
	return total
}

// whole rounds the quantiles to copies.
func (s Sum) whole() Sum {
	for i, q := range s.Quantiles {
		s.Quantiles[i] = math.Round(q)
	}
	return s
}

// convolve is the distribution of the sum of two independent counts; a tail too
// thin to matter is cut.
func convolve(a, b []float64) []float64 {
	sum := make([]float64, len(a)+len(b)-1)
	for i, p := range a {
		if p == 0 {
			continue
		}
		for j, q := range b {
			sum[i+j] += p * q
		}
	}
	end := len(sum)
	for end > 1 && sum[end-1] < 1e-15 {
		end--
	}
	return sum[:end]
}
