package report

import (
	"math"

	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/forecast"
)

// scored is the availability from which on a product-month is compared with its
// forecast: what was not on the shelf could not be sold.
const scored = 0.9

// nominal are the probabilities at which calibration is looked at.
var nominal = [9]float64{0.05, 0.1, 0.25, 0.4, 0.5, 0.6, 0.75, 0.9, 0.95}

// Scores compare forecasts with what was sold, over product-months available at
// least 90 % of the month.
type Scores struct {
	Cells      int     `json:"cells"`
	Sold       int     `json:"sold"`     // copies
	Forecast   float64 `json:"forecast"` // copies, sum of the means
	Pinball    float64 `json:"pinball"`  // copies, mean over the five levels
	Coverage50 float64 `json:"coverage_50"`
	Coverage90 float64 `json:"coverage_90"`
	WAPE       float64 `json:"wape"` // Σ|sold − mean| / Σ sold; 0 if nothing was sold
	Bias       float64 `json:"bias"` // (forecast − sold) / sold; 0 if nothing was sold
}

// MonthScores are the scores of a month, with the interval of its total.
type MonthScores struct {
	Month calendar.Month `json:"month"`
	Scores
	Total Sum `json:"total"`
}

// CalibrationPoint is how often demand stayed within what was forecast with
// probability Nominal. For counts it is the mean of the non-randomised
// probability integral transform (Czado, Gneiting and Held 2009), so that a
// right forecast lies on the diagonal in spite of its steps.
type CalibrationPoint struct {
	Nominal  float64 `json:"nominal"`
	Observed float64 `json:"observed"`
}

// Accuracy is how good past forecasts were.
type Accuracy struct {
	Scores      `json:"overall"`
	Months      []MonthScores      `json:"months"` // ascending
	Calibration []CalibrationPoint `json:"calibration"`
	Unavailable int                `json:"unavailable_cells"` // left out: on the shelf for less than 90 % of the month
}

// tally gathers the scores of a set of product-months.
type tally struct {
	cells, sold, in50, in90   int
	forecast, pinball, errors float64
}

func (t *tally) add(f *forecast.Forecast, mean float64, sold int) {
	y := float64(sold)
	t.cells++
	t.sold += sold
	t.forecast += mean
	t.errors += math.Abs(y - mean)
	for i, q := range forecast.Levels {
		t.pinball += forecast.Pinball(q, y, f.Quantiles[i]) / float64(len(forecast.Levels))
	}
	if f.Quantiles[1] <= y && y <= f.Quantiles[3] {
		t.in50++
	}
	if f.Quantiles[0] <= y && y <= f.Quantiles[4] {
		t.in90++
	}
}

func (t *tally) scores() Scores {
	if t == nil || t.cells == 0 {
		return Scores{}
	}
	n := float64(t.cells)
	s := Scores{Cells: t.cells, Sold: t.sold, Forecast: t.forecast, Pinball: t.pinball / n,
		Coverage50: float64(t.in50) / n, Coverage90: float64(t.in90) / n}
	if t.sold > 0 {
		s.WAPE = t.errors / float64(t.sold)
		s.Bias = (t.forecast - float64(t.sold)) / float64(t.sold)
	}
	return s
}

// pit adds to each of nominal how far the transform of y has got there:
// (u − F(y−1)) / (F(y) − F(y−1)), held within 0 and 1.
func (s *spread) pit(y int, sums *[len(nominal)]float64) {
	var below float64
	for k := 0; k < min(y, len(s.probs)); k++ {
		below += s.probs[k]
	}
	at := 0.0
	if y < len(s.probs) {
		at = s.probs[y]
	}
	for i, u := range nominal {
		switch {
		case u <= below:
		case at > 0 && u < below+at:
			sums[i] += (u - below) / at
		default:
			sums[i]++
		}
	}
}
