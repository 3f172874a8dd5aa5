package app

import (
	"math/rand/v2"
	"testing"

	"github.com/plastinka/predictor/domain/forecast"
	"github.com/stretchr/testify/require"
)

// TestChooseWeights: the equal mixture of the first two members stays unless
// another is better beyond chance on what was sold.
func TestChooseWeights(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	const cells = 2000
	sold := make([]float64, cells)
	right, noisy, wild := make([]forecast.Distribution, cells), make([]forecast.Distribution, cells), make([]forecast.Distribution, cells)
	for i := range sold {
		mean := r.ExpFloat64() * 2
		for x := r.ExpFloat64(); x < mean; x += r.ExpFloat64() {
			sold[i]++
		}
		right[i] = forecast.Poisson(mean)
		noisy[i] = forecast.Poisson(mean * (0.3 + 1.4*r.Float64()))
		wild[i] = forecast.Poisson(30 * r.Float64())
	}
	type members = [][]forecast.Distribution
	require.Equal(t, []float64{1}, chooseWeights(members{wild}, sold), "nothing to choose")
	require.Equal(t, []float64{0.5, 0.5, 0}, chooseWeights(members{right, right, right}, sold), "all are equal")
	require.Equal(t, []float64{0.5, 0.5}, chooseWeights(members{wild, right}, nil), "nothing known")
	require.Equal(t, []float64{0, 1}, chooseWeights(members{wild, right}, sold))
	require.Equal(t, []float64{0, 0, 1}, chooseWeights(members{wild, wild, right}, sold))
	w := chooseWeights(members{noisy, right, wild}, sold)
	require.GreaterOrEqual(t, w[1], 0.8, "%v", w)
	require.Zero(t, w[2])
	few := chooseWeights(members{noisy[:12], right[:12]}, sold[:12])
	require.Equal(t, []float64{0.5, 0.5}, few, "a dozen cells are chance")
}

func TestCompositions(t *testing.T) {
	n := 0
	compositions(3, steps, func(parts []int) {
		n++
		require.Equal(t, steps, parts[0]+parts[1]+parts[2])
	})
	require.Equal(t, 21, n)
}
