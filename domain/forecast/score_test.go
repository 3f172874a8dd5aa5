package forecast_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/plastinka/predictor/domain/forecast"
	"github.com/stretchr/testify/require"
)

func TestScaleOf(t *testing.T) {
	sales := make([]float32, 26)
	sales[0], sales[12], sales[24] = 1, 4, 2
	// Seasonal pairs (0,12), …, (13,25): |3| + |2| over 14.
	s := forecast.ScaleOf(sales, nil)
	require.InDelta(t, 5.0/14, s.Seasonal, 1e-12)
	// Steps: 1, 4, 4, 2, 2 over 25.
	require.InDelta(t, 13.0/25, s.Step, 1e-12)
	require.InDelta(t, (1+16+16+4+4)/25.0, s.Square, 1e-12)

	availability := make([]float32, 26)
	for i := range availability {
		availability[i] = 1
	}
	availability[12] = 0 // (0,12), (12,24), and the steps to and from it
	s = forecast.ScaleOf(sales, availability)
	require.Zero(t, s.Seasonal)
	require.InDelta(t, 5.0/23, s.Step, 1e-12)
	require.Equal(t, forecast.Scale{}, forecast.ScaleOf([]float32{3}, nil))
}

// TestTallyByHand: two product-months, every score worked out on paper.
func TestTallyByHand(t *testing.T) {
	var tally forecast.Tally
	// Quantiles of {0: ½, 2: ½}: 0 up to the median, then 2. Mean 1.
	d := forecast.Counts([]float64{1, 0, 1})
	require.Equal(t, [5]float64{0, 0, 0, 2, 2}, d.Quantiles())
	scale := forecast.Scale{Seasonal: 2, Step: 0.5, Square: 4}
	// y = 3: losses 0.15, 0.75, 1.5, 0.75, 0.95, mean 0.82.
	require.InDelta(t, 0.82, tally.Add(d, 3, scale), 1e-12)
	// y = 0: losses 0, 0, 0, 0.5, 0.1, mean 0.12; no scale.
	require.InDelta(t, 0.12, tally.Add(d, 0, forecast.Scale{}), 1e-12)
	require.Equal(t, 2, tally.Cells())
	r := tally.Row("m", "c")
	require.Equal(t, "m c 2", r.Method+" "+r.Class+" "+string(rune('0'+r.Cells)))
	require.InDelta(t, 0.47, r.Pinball, 1e-12)
	// Deciles 0 0 0 0 0 2 2 2 2. y = 3: 3·(0.1+…+0.5) + (0.6+…+0.9) = 7.5;
	// y = 0: 2·(0.4+0.3+0.2+0.1) = 2. 2·9.5/9 over 3 sold.
	require.InDelta(t, 2*9.5/9/3, r.WQL, 1e-12)
	require.InDelta(t, 0.5, r.Coverage50, 1e-12)
	require.InDelta(t, 0.5, r.Coverage90, 1e-12)
	require.InDelta(t, 3.0/3, r.WAPE, 1e-12)
	require.InDelta(t, -0.5, r.Bias, 1e-12)
	require.InDelta(t, 1, r.WAPEMedian, 1e-12)
	require.InDelta(t, -1.5, r.BiasMedian, 1e-12)
	require.InDelta(t, 1.5, r.MASE, 1e-12)
	require.InDelta(t, 0.82/0.5, r.Scaled, 1e-12)
	require.InDelta(t, 1, r.RMSSE, 1e-12)
	require.Equal(t, forecast.BacktestRow{}, new(forecast.Tally).Row("", ""))
}

// TestPinballIsLeastAtTheQuantile: no other forecast of a quantile has a lower
// mean loss under the distribution.
func TestPinballIsLeastAtTheQuantile(t *testing.T) {
	d := forecast.NegativeBinomial(2.3, 0.8)
	loss := func(q, f float64) (sum float64) {
		for k, p := range d.Probs {
			sum += p * forecast.Pinball(q, float64(k), f)
		}
		return sum
	}
	for _, q := range forecast.Levels {
		best := loss(q, d.Quantile(q))
		for f := 0.0; f < 20; f++ {
			require.LessOrEqual(t, best, loss(q, f)+1e-9, "quantile %v, forecast %v", q, f)
		}
	}
}

func TestAtAgreesWithQuantile(t *testing.T) {
	levels := []float64{0, 0.01, 0.05, 0.25, 0.5, 0.5, 0.75, 0.95, 0.9999, 1}
	for _, d := range []forecast.Distribution{{}, forecast.Poisson(0.3), forecast.NegativeBinomial(4, 0.2), forecast.Counts([]float64{0, 0, 1}),
		forecast.QuantileFunction([]float64{0.05, 0.5, 0.95}, []float64{1, 2, 9})} {
		got := make([]float64, len(levels))
		d.At(got, levels)
		for i, q := range levels {
			require.Equal(t, d.Quantile(q), got[i], "level %v", q)
		}
	}
}

func TestMix(t *testing.T) {
	a, b := forecast.Counts([]float64{1, 1}), forecast.Counts([]float64{0, 0, 0, 1})
	require.Equal(t, forecast.Distribution{Probs: []float64{0.25, 0.25, 0, 0.5}, Expected: 1.75}, forecast.Mix([]forecast.Distribution{a, b}, nil))
	require.Equal(t, a.Probs, forecast.Mix([]forecast.Distribution{a, b}, []float64{3, 0}).Probs)
	require.Equal(t, forecast.Distribution{}, forecast.Mix([]forecast.Distribution{a}, []float64{0}))
	half := forecast.Mix([]forecast.Distribution{a, {}}, nil) // the zero distribution is certain zero
	require.Equal(t, []float64{0.75, 0.25}, half.Probs)
	spread := forecast.Mix([]forecast.Distribution{forecast.QuantileFunction([]float64{0.05, 0.95}, []float64{1, 1}), a}, nil)
	require.InDelta(t, 0.75, spread.Probs[1], 1e-12)
	require.InDelta(t, 0.25, spread.Probs[0], 1e-12)
}

// TestMixtureOfRandomCounts: the cumulative distribution of a mixture is the
// mixture of the cumulative distributions.
func TestMixtureOfRandomCounts(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		ds, ws := make([]forecast.Distribution, 3), make([]float64, 3)
		total := 0.0
		for i := range ds {
			ds[i], ws[i] = forecast.NegativeBinomial(r.ExpFloat64()*3, 0.1+r.Float64()*4), r.Float64()
			total += ws[i]
		}
		m := forecast.Mix(ds, ws)
		for x := range 12 {
			want := 0.0
			for i, d := range ds {
				want += ws[i] / total * d.CDF(float64(x))
			}
			require.InDelta(t, want, m.CDF(float64(x)), 1e-12)
		}
	}
}

func TestRestock(t *testing.T) {
	for _, c := range []struct {
		quantile     float64
		stock, order int
	}{{3, 1, 2}, {3, 5, 0}, {2.2, 0, 3}, {0, 0, 0}, {math.Nextafter(3, 4), 0, 3}, {4, -2, 6}} {
		require.Equal(t, c.order, forecast.Restock(c.quantile, c.stock), "%v", c)
	}
}

// TestCountsOfKnownDistributions: mean, variance and mass of the recurrences.
func TestCountsOfKnownDistributions(t *testing.T) {
	for _, c := range []struct {
		d              forecast.Distribution
		mean, variance float64
	}{
		{forecast.Poisson(0.7), 0.7, 0.7}, {forecast.Poisson(900), 900, 900},
		{forecast.NegativeBinomial(2, 0.5), 2, 10}, {forecast.NegativeBinomial(50, 20), 50, 175},
	} {
		var mass, mean, square float64
		for k, p := range c.d.Probs {
			mass += p
			mean += p * float64(k)
			square += p * float64(k) * float64(k)
		}
		require.InDelta(t, 1, mass, 2e-6)
		require.InEpsilon(t, c.mean, mean, 1e-3)
		require.InEpsilon(t, c.variance, square-mean*mean, 1e-2)
	}
}

// TestNotANumberIsNotZero: a network that has gone astray must not look like a
// forecast of nothing.
func TestNotANumberIsNotZero(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for _, d := range []forecast.Distribution{forecast.Poisson(nan), forecast.Poisson(inf), forecast.NegativeBinomial(nan, 1),
		forecast.NegativeBinomial(1, nan), forecast.NegativeBinomial(inf, 1)} {
		require.True(t, math.IsNaN(d.Expected))
		require.Empty(t, d.Probs)
	}
	require.Equal(t, forecast.Poisson(2), forecast.NegativeBinomial(2, inf))
	require.Equal(t, forecast.Distribution{}, forecast.NegativeBinomial(0, 3))
	require.Equal(t, forecast.Distribution{}, forecast.Poisson(-1))
}

// TestThin: by hand, and a negative binomial's own way agrees with the general
// one.
func TestThin(t *testing.T) {
	require.InDeltaSlice(t, []float64{0.25*1 + 0.75*0.25, 0.75 * 0.5, 0.75 * 0.25}, forecast.Thin(forecast.Counts([]float64{1, 0, 3}), 0.5).Probs, 1e-12)
	nb := forecast.NegativeBinomial(3, 0.7)
	general := nb
	general.Size = 0
	short, long := forecast.Thin(nb, 0.3), forecast.Thin(general, 0.3)
	require.InDelta(t, 0.9, short.Expected, 1e-12)
	require.InDelta(t, 0.9, long.Expected, 1e-12)
	for k := range 8 {
		require.InDelta(t, short.Probs[k], long.Probs[k], 1e-5)
	}
	require.Equal(t, nb, forecast.Thin(nb, 1))
	require.Equal(t, forecast.Distribution{}, forecast.Thin(nb, 0))
}
