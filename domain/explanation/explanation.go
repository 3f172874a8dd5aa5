// Package explanation says what moved a forecast: how many copies of the
// difference between what is expected of a product and of a usual one come from
// its own sales, its attributes, the season, and so on.
//
// The parts are Shapley values (Shapley 1953; Lundberg, Lee 2017): a model is
// asked what it would expect if some of the product's influences were its own
// and the others those of other product-months, for every choice of influences,
// and each influence gets the mean of what it adds over all orders in which they
// can come. There are few influences, so that this is exact, not sampled, and
// the parts add up to the difference.
package explanation

import (
	"cmp"
	"context"
	"math"
	"math/bits"
	"slices"

	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/panel"
)

// Case is a product at an origin: forecast from the months before it.
type Case struct{ Product, Origin int }

// Model is a fitted model that can be explained.
type Model interface {
	// Influences are the names of what the model is told, in groups; at most
	// most.
	Influences() []string
	// Coalitions says, for every set of influences, what would be expected of
	// the case's next month, in copies, if those were its own and the others
	// those of a case of against; the mean over against. Bit i of the index is
	// influence i. The last value is what the model expects of the case itself.
	Coalitions(ctx context.Context, p *panel.Panel, of Case, against []Case) ([]float64, error)
}

// most is how many influences can be explained exactly.
const most = 10

// Explanation is what moved one forecast.
type Explanation struct {
	Usual    float64 `json:"usual"`    // copies expected of a usual product-month
	Expected float64 `json:"expected"` // copies expected of this one
	Parts    []Part  `json:"parts"`    // the largest first; they add up to Expected − Usual
}

// Part is what one influence did.
type Part struct {
	Influence string  `json:"influence"`
	Copies    float64 `json:"copies"`
}

// Explain says what moved the forecast of a case.
func Explain(ctx context.Context, m Model, p *panel.Panel, of Case) (*Explanation, error) {
	names := m.Influences()
	if of.Product < 0 || of.Product >= p.N() || of.Origin < 1 || of.Origin > p.T || len(names) > most {
		return nil, fault.New(fault.Internal, "internal_error",
			"product %d at month %d with %d influences cannot be explained on a panel of %d × %d", of.Product, of.Origin, len(names), p.N(), p.T)
	}
	against := Usual(p, of.Origin)
	if len(against) == 0 {
		return nil, fault.New(fault.Invalid, "not_enough_history", "there is no product-month to compare with: nothing was available in the last year")
	}
	values, err := m.Coalitions(ctx, p, of, against)
	if err != nil {
		return nil, err
	}
	e := &Explanation{Usual: values[0], Expected: values[len(values)-1]}
	for i, copies := range Shapley(values) {
		e.Parts = append(e.Parts, Part{names[i], copies})
	}
	slices.SortStableFunc(e.Parts, func(a, b Part) int { return cmp.Compare(math.Abs(b.Copies), math.Abs(a.Copies)) })
	return e, nil
}

// The product-months that make what is usual: how many, and out of how many
// months before the origin, so that every season is among them.
const (
	usualCases = 36
	usualSpan  = 12
)

// Usual are the cases that a case at an origin is compared with: available
// product-months of the year before, evenly taken, three from each month.
func Usual(p *panel.Panel, origin int) []Case {
	var cases []Case
	for t := max(origin-usualSpan, 1); t < origin; t++ {
		var available []Case
		for i := range p.N() {
			if p.Availability[p.At(i, t)] > 0 {
				available = append(available, Case{i, t})
			}
		}
		n := min(usualCases/usualSpan, len(available))
		for k := range n {
			// Shifted from month to month, so that not the same products come up.
			at := (2*k + 1) * len(available) / (2 * n)
			cases = append(cases, available[(at+t*7919)%len(available)])
		}
	}
	return cases
}

// Shapley are the Shapley values of the players of a game: values[s] is what the
// players in s (bit i: player i) get together, 2ⁿ of them. They add up to
// values[2ⁿ−1] − values[0].
func Shapley(values []float64) []float64 {
	n := bits.Len(uint(len(values))) - 1
	if len(values) != 1<<n {
		panic("explanation: the values of a game are not 2ⁿ")
	}
	weight := make([]float64, n) // of a player who joins k others: k!(n−1−k)!/n!
	for k := range weight {
		weight[k] = 1 / float64(n)
		for i := 1; i <= k; i++ {
			weight[k] *= float64(i) / float64(n-i)
		}
	}
	out := make([]float64, n)
	for s, v := range values {
		for i := range n {
			if s>>i&1 == 0 {
				out[i] += weight[bits.OnesCount(uint(s))] * (values[s|1<<i] - v)
			}
		}
	}
	return out
}
