package app

import (
	"math/rand/v2"
	"testing"

	"github.com/plastinka/predictor/domain/catalog"
	"github.com/plastinka/predictor/domain/panel"
	"github.com/plastinka/predictor/domain/training"
	"github.com/stretchr/testify/require"
)

// TestTooLowAForecastDoesNotWinBySoldOutMonths: with one copy a month, a fully
// available month is one without a sale. A member that forecasts next to nothing
// wins those, and yet the one that knows the demand is mixed in.
func TestTooLowAForecastDoesNotWinBySoldOutMonths(t *testing.T) {
	const products, months, mean = 400, 20, 0.8
	r := rand.New(rand.NewPCG(3, 3))
	p := &panel.Panel{T: months, Products: make([]catalog.Product, products)}
	for range products * months {
		if sold := r.ExpFloat64() / mean; sold < 1 {
			p.Sales, p.Availability = append(p.Sales, 1), append(p.Availability, float32(sold))
		} else {
			p.Sales, p.Availability = append(p.Sales, 0), append(p.Availability, 1)
		}
	}
	p.Confidence = p.Availability
	means := func(m float64) []float64 {
		out := make([]float64, products)
		for i := range out {
			out[i] = m
		}
		return out
	}
	parts := []part{{name: "low", model: clairvoyant{means(0.05), 100}}, {name: "right", model: clairvoyant{means(mean), 100}}}
	f := training.Fit{Config: training.DefaultStandard(), Origin: months, Horizon: 1, Validation: 3}
	v, err := validate(t.Context(), p, f, parts)
	require.NoError(t, err)
	require.Greater(t, chooseWeights(v.members, v.sold)[0], 0.5, "by the fully available months alone")
	require.GreaterOrEqual(t, v.weights()[1], 0.5)
	require.Less(t, len(v.sold), 3*products, "scored are the fully available months alone")
}
