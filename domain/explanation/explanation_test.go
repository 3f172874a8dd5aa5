package explanation

import (
	"context"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plastinka/predictor/domain/catalog"
	"github.com/plastinka/predictor/domain/panel"
)

// TestShapleyOfKnownGames: by the formula's own examples.
func TestShapleyOfKnownGames(t *testing.T) {
	for name, c := range map[string]struct{ values, want []float64 }{
		"one player":                      {[]float64{2, 5}, []float64{3}},
		"sums":                            {[]float64{0, 1, 10, 11, 100, 101, 110, 111}, []float64{1, 10, 100}},
		"a left glove and two right":      {[]float64{0, 0, 0, 1, 0, 1, 0, 1}, []float64{2. / 3, 1. / 6, 1. / 6}},
		"nothing without everybody":       {[]float64{0, 0, 0, 0, 0, 0, 0, 6}, []float64{2, 2, 2}},
		"one who adds nothing (and bias)": {[]float64{4, 7, 4, 7}, []float64{3, 0}},
	} {
		t.Run(name, func(t *testing.T) { require.InDeltaSlice(t, c.want, Shapley(c.values), 1e-12) })
	}
}

// TestShapleyIsTheMeanOverOrders: against the definition, spelt out.
func TestShapleyIsTheMeanOverOrders(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	const n = 5
	values := make([]float64, 1<<n)
	for s := range values {
		values[s] = rng.NormFloat64()
	}
	want, orders := make([]float64, n), 0.0
	var visit func(order []int, set int)
	visit = func(order []int, set int) {
		if len(order) == n {
			orders++
			s := 0
			for _, i := range order {
				want[i] += values[s|1<<i] - values[s]
				s |= 1 << i
			}
		}
		for i := range n {
			if set>>i&1 == 0 {
				visit(append(append([]int{}, order...), i), set|1<<i)
			}
		}
	}
	visit(nil, 0)
	for i := range want {
		want[i] /= orders
	}
	require.InDeltaSlice(t, want, Shapley(values), 1e-12)
	var sum float64
	for _, v := range Shapley(values) {
		sum += v
	}
	require.InDelta(t, values[1<<n-1]-values[0], sum, 1e-12)
}

// product is a model of which an influence multiplies: what it says of a case is
// the product number times the origin.
type product struct{}

func (product) Influences() []string { return []string{"number", "origin"} }
func (product) Coalitions(_ context.Context, _ *panel.Panel, of Case, against []Case) ([]float64, error) {
	values := make([]float64, 4)
	for s := range values {
		for _, b := range against {
			if s&1 == 1 {
				b.Product = of.Product
			}
			if s&2 == 2 {
				b.Origin = of.Origin
			}
			values[s] += float64(b.Product*b.Origin) / float64(len(against))
		}
	}
	return values, nil
}

func TestExplain(t *testing.T) {
	p := &panel.Panel{T: 20, Products: make([]catalog.Product, 40), Availability: make([]float32, 800)}
	for i := range p.Availability {
		p.Availability[i] = float32(i / 20 % 2) // products of odd numbers
	}
	e, err := Explain(t.Context(), product{}, p, Case{39, 20})
	require.NoError(t, err)
	require.InDelta(t, 39*20, e.Expected, 1e-9)
	require.Equal(t, "number", e.Parts[0].Influence, "the largest first")
	require.InDelta(t, e.Expected-e.Usual, e.Parts[0].Copies+e.Parts[1].Copies, 1e-9)
	_, err = Explain(t.Context(), product{}, p, Case{40, 20})
	require.Error(t, err)
	clear(p.Availability)
	_, err = Explain(t.Context(), product{}, p, Case{0, 20})
	require.ErrorContains(t, err, "nothing was available")
}

// TestUsual: available product-months of each of the twelve months before, and
// many products among them.
func TestUsual(t *testing.T) {
	p := &panel.Panel{T: 20, Products: make([]catalog.Product, 40), Availability: make([]float32, 800)}
	for i := range p.Availability {
		p.Availability[i] = float32(i / 20 % 2)
	}
	cases := Usual(p, 18)
	require.Len(t, cases, usualCases)
	months, products := map[int]int{}, map[int]bool{}
	for _, c := range cases {
		require.Positive(t, p.Availability[p.At(c.Product, c.Origin)])
		months[c.Origin]++
		products[c.Product] = true
	}
	for m := 6; m < 18; m++ {
		require.Equal(t, 3, months[m])
	}
	require.Greater(t, len(products), 10)
	require.Len(t, Usual(p, 2), 3)
}
