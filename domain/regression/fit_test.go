package regression

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// planted are rows whose counts come from known coefficients.
func planted(rows int) (Data, Model) {
	r := rand.New(rand.NewPCG(4, 4))
	truth := Model{Mean: []float64{0.6, -0.4, 0, 0.3}, Size: []float64{0.3, 0, 0.2, 0.1}}
	d := Data{Width: 3}
	for range rows {
		x := []float32{float32(r.NormFloat64()), float32(r.NormFloat64()), float32(r.NormFloat64())}
		exposure := 0.25 + 0.75*r.Float32()
		mean, size := truth.At(x)
		d.X, d.Exposure = append(d.X, x...), append(d.Exposure, exposure)
		d.Y = append(d.Y, negativeBinomial(r, mean*float64(exposure), size))
	}
	return d, truth
}

// negativeBinomial draws by inversion of the recurrence.
func negativeBinomial(r *rand.Rand, mean, size float64) int32 {
	p := mean / (mean + size)
	prob := math.Exp(size * math.Log1p(-p))
	u, k := r.Float64(), int32(0)
	for u > prob && k < 10000 {
		u -= prob
		prob *= (float64(k) + size) / float64(k+1) * p
		k++
	}
	return k
}

func TestFitFindsPlantedCoefficients(t *testing.T) {
	d, truth := planted(40_000)
	m, err := Fit(t.Context(), d, 1e-6, 80, 0)
	require.NoError(t, err)
	for j := range truth.Mean {
		require.InDelta(t, truth.Mean[j], m.Mean[j], 0.04, "mean %d", j)
		require.InDelta(t, truth.Size[j], m.Size[j], 0.1, "size %d", j)
	}
}

func TestFitDoesNotDependOnThreads(t *testing.T) {
	d, _ := planted(5*blockRows + 17)
	one, err := Fit(t.Context(), d, 3e-3, 20, 1)
	require.NoError(t, err)
	for _, threads := range []int{2, 5, 50} {
		m, err := Fit(t.Context(), d, 3e-3, 20, threads)
		require.NoError(t, err)
		require.Equal(t, one, m)
	}
}

// TestObjectiveGradient: against central differences, intercepts unpenalised.
func TestObjectiveGradient(t *testing.T) {
	d, _ := planted(500)
	o := newObjective(t.Context(), d, 0.05, 2)
	x := []float64{0.1, -0.2, 0.3, 0.4, -0.1, 0.2, 0.5, -0.3}
	grad, scratch := make([]float64, len(x)), make([]float64, len(x))
	o.value(grad, x)
	for j := range x {
		const h = 1e-5
		x[j] += h
		up := o.value(scratch, x)
		x[j] -= 2 * h
		down := o.value(scratch, x)
		x[j] += h
		require.InDelta(t, (up-down)/(2*h), grad[j], 1e-6, "coefficient %d", j)
	}
}

func TestFitOfNothingAndUnderCancellation(t *testing.T) {
	m, err := Fit(t.Context(), Data{Width: 2}, 1e-3, 10, 1)
	require.NoError(t, err)
	mean, size := m.At([]float32{1, 1})
	require.Equal(t, [2]float64{1, 1}, [2]float64{mean, size})
	d, _ := planted(100)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = Fit(ctx, d, 1e-3, 10, 1)
	require.ErrorIs(t, err, context.Canceled)
}

func TestPenaltyShrinks(t *testing.T) {
	d, _ := planted(4000)
	loose, err := Fit(t.Context(), d, 1e-6, 40, 0)
	require.NoError(t, err)
	tight, err := Fit(t.Context(), d, 1, 40, 0)
	require.NoError(t, err)
	require.Less(t, math.Abs(tight.Mean[0]), math.Abs(loose.Mean[0])/2)
}
