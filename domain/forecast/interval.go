package forecast

import "math"

// IntervalScores judge the interval [q05, q95] on the scaled target (§2.4).
// MIWS and MIC are the weighted harmonic means over samples without and with
// sales; Ratio is MIWS_MIC_Ratio, lower is better.
type IntervalScores struct{ MIWS, MIC, Ratio float64 }

// The constants of §2.4.
const (
	outside      = 0.05 // miss by x costs x / outside
	target       = 0.8  // a class on its wrong side is penalised
	widthBase    = 6.0
	coverageBase = 4.0
	classBeta    = 4.0
	ratioBeta    = 2.0
)

// Intervals scores the closed intervals [lower[i], upper[i]] of actual[i];
// zero[i] says whether the sample is one without sales. All NaN if there is no
// sample.
func Intervals(lower, upper, actual []float64, zero []bool) IntervalScores {
	var width, covered, n [2]float64
	for i, y := range actual {
		class := 1
		if zero[i] {
			class = 0
		}
		n[class]++
		w := upper[i] - lower[i]
		switch {
		case y < lower[i]:
			w += (lower[i] - y) / outside
		case y > upper[i]:
			w += (y - upper[i]) / outside
		default:
			covered[class]++
		}
		width[class] += w
	}
	var widthPenalty, coveragePenalty float64
	for class := range n {
		width[class] /= n[class] // NaN: no such sample
		covered[class] /= n[class]
		if width[class] > target {
			widthPenalty += math.Pow(widthBase, width[class]-target) - 1
		}
		if covered[class] < target {
			coveragePenalty += math.Pow(coverageBase, target-covered[class]) - 1
		}
	}
	s := IntervalScores{MIWS: byClass(width), MIC: byClass(covered)}
	penalisedWidth := math.Max(s.MIWS+widthPenalty, 0)
	penalisedCoverage := math.Max(s.MIC-coveragePenalty, 0)
	s.Ratio = harmonic(penalisedWidth, 1/(penalisedCoverage+1e-10), ratioBeta)
	return s
}

// byClass combines the scores of the samples without and with sales; an absent
// class (NaN) leaves the other alone.
func byClass(score [2]float64) float64 {
	switch {
	case math.IsNaN(score[0]):
		return score[1]
	case math.IsNaN(score[1]):
		return score[0]
	}
	return harmonic(score[0], score[1], classBeta)
}

// harmonic is the weighted harmonic mean (β²+1)ab/(β²a+b), 0 when a or b is 0.
func harmonic(a, b, beta float64) float64 {
	square := beta * beta
	switch {
	case a == 0 || b == 0:
		return 0
	case math.IsInf(a, 1):
		return (square + 1) / square * b
	}
	return (square + 1) * a * b / (square*a + b)
}
