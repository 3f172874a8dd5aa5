// Package forecast says what a forecast is, how good one was, and what to
// order because of it.
package forecast

// Distribution is what may happen to one product in one month. It has one of
// two forms:
//
//   - counts: Probs[k] is the probability of k copies, k = 0 … len−1; what is
//     missing to 1 lies above. The usual form.
//   - a quantile function: Values at Levels, linear between, flat beyond the
//     outer ones; what a quantile network gives.
//
// The zero Distribution is certain zero. Distributions are values; nothing
// changes one once made.
type Distribution struct {
	Probs  []float64 `json:"probs,omitempty"`
	Levels []float64 `json:"levels,omitempty"`
	Values []float64 `json:"values,omitempty"`

	// Expected is the mean in copies, exact where the form is cut off.
	Expected float64 `json:"mean"`
	// Size is r of a single negative binomial with mean Expected (variance
	// Expected + Expected²/Size), 0 for every other distribution.
	Size float64 `json:"size,omitempty"`
}
