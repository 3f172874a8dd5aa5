// Package baseline has the simple forecasters that a network must beat, and
// the two that often serve in its place: the shrunk histogram, which needs no
// training, and negative-binomial regression.
//
// A month without availability is missing for all of them, never a month with
// zero sales. A partly available one counts by its availability in means and
// histograms: what was sold in a week says less than what was sold in a month.
// (On a made-up shop with out-of-stocks that takes the shrunk histogram's pinball
// loss from 0.2451 to 0.2412 and nearly halves its bias.) Every forecast is made for full availability from the months
// before its origin alone; methods other than the regression learn nothing
// beforehand, but pool what they need from the panel when they forecast.
package baseline

import (
	"slices"

	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/forecast"
	"github.com/plastinka/predictor/domain/panel"
)

// The names of the methods that others refer to.
const (
	ShrunkHistogram = "shrunk-histogram"
	Regression      = "regression"
)

// Method is one simple forecaster. Forecast gives N·horizon distributions for
// the months origin … origin+horizon−1, index product·horizon + step, from
// months [0, origin) of p. It is nil for a method that must be fitted first.
type Method struct {
	Name     string
	Title    string
	Forecast func(p *panel.Panel, origin, horizon int) []forecast.Distribution
}

// Methods are all methods, the simplest first.
func Methods() []Method {
	return []Method{
		{"zero", "nothing sells", point(zero)},
		{"last", "the last month", point(lastMonth)},
		{"mean-3", "mean of the last 3 months", point(meanOf(3))},
		{"mean-12", "mean of the last 12 months", point(meanOf(12))},
		{"seasonal-naive", "the same month of the last year", point(seasonalNaive)},
		{"croston", "Croston", point(croston(0.1, 1))},
		{"sba", "Syntetos–Boylan", point(croston(0.1, 0.95))},
		{"tsb", "Teunter–Syntetos–Babai", point(tsb(0.1, 0.1))},
		{"adida", "ADIDA", point(adida)},
		{"imapa", "IMAPA", point(imapa)},
		{"own-12", "own last 12 months", ownHistory(12)},
		{"own-24", "own last 24 months", ownHistory(24)},
		{"own-all", "own history", ownHistory(0)},
		{"level-group", "products of the same level", levelGroup},
		{"gamma-poisson", "gamma–Poisson", gammaPoisson},
		{ShrunkHistogram, "shrunk histogram", shrunkHistogram},
		{Regression, "negative-binomial regression", nil},
	}
}

// Find returns the method of that name.
func Find(name string) (Method, error) {
	var names []string
	for _, m := range Methods() {
		if m.Name == name {
			return m, nil
		}
		names = append(names, m.Name)
	}
	return Method{}, fault.New(fault.Invalid, "validation_error",
		"there is no method %q; the methods are %s", name, list(names)).With("method", name)
}

func list(names []string) string {
	slices.Sort(names)
	text := ""
	for i, n := range names {
		if i > 0 {
			text += ", "
		}
		text += n
	}
	return text
}
