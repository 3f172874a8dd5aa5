package forecast

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// shopMonths draws what a shop sells in some months and what a forecaster says
// about it: the true means, and the size that say gives to a product of a mean.
func shopMonths(seed uint64, months int, say func(mean float64) Distribution) (out []Outcome) {
	r := rand.New(rand.NewPCG(seed, 1))
	const size = 1.2
	for i := range 1500 {
		mean := math.Exp(0.9*r.NormFloat64() - 0.2)
		truth := NegativeBinomial(mean, size)
		for m := range months {
			out = append(out, Outcome{say(mean), truth.Quantile(r.Float64()), i, m})
		}
	}
	return out
}

func sized(size float64) func(float64) Distribution {
	return func(mean float64) Distribution { return NegativeBinomial(mean, size) }
}

// quantilesOf is a forecast as a quantile network gives it.
func quantilesOf(size, spread float64) func(float64) Distribution {
	return func(mean float64) Distribution {
		q := NegativeBinomial(mean, size).Quantiles()
		d := QuantileFunction(Levels[:], q[:])
		return Calibration{spread}.Apply(d)
	}
}

// TestBrokenDispersionReturns (§2.7): forecasts broken on purpose cover 87 to
// 93 % of months that the adjustment did not see.
func TestBrokenDispersionReturns(t *testing.T) {
	for name, c := range map[string]struct {
		say    func(float64) Distribution
		narrow bool
	}{
		"Poisson":      {func(mean float64) Distribution { return Poisson(mean) }, true},
		"size tenfold": {sized(12), true},
		"size a fifth": {sized(0.24), false},
		"size a tenth": {sized(0.12), false},
		"mixture, narrow": {func(mean float64) Distribution {
			return Mix([]Distribution{Poisson(mean), NegativeBinomial(mean, 8)}, nil)
		}, true},
		"quantiles, narrow": {quantilesOf(1.2, 0.4), true},
	} {
		t.Run(name, func(t *testing.T) {
			before, _ := Coverage(shopMonths(2, 6, c.say))
			require.Equal(t, c.narrow, before < nominal)
			require.Greater(t, math.Abs(before-nominal), tolerance, "broken enough to matter")
			k := Calibrate(shopMonths(1, 3, c.say))
			require.Equal(t, c.narrow, k.Spread > 1)
			later := shopMonths(2, 6, func(mean float64) Distribution { return k.Apply(c.say(mean)) })
			after, _ := Coverage(later)
			require.InDelta(t, nominal, after, 0.03, "%.3f before, spread %.2f", before, k.Spread)
		})
	}
}

// TestCalibratedForecastsAreLeftAsTheyAre, to the last bit, for any draw.
func TestCalibratedForecastsAreLeftAsTheyAre(t *testing.T) {
	for seed := range uint64(5) {
		outcomes := shopMonths(seed, 3, sized(1.2))
		k := Calibrate(outcomes)
		require.Equal(t, Calibration{Spread: 1}, k)
		for _, o := range outcomes[:100] {
			require.Equal(t, o.Forecast, k.Apply(o.Forecast))
		}
	}
	require.Equal(t, Calibration{Spread: 1}, Calibrate(nil))
}

// TestChanceAndSeasonsAreNotMiscalibration: neither a handful of products nor
// one strange month of three asks for an adjustment.
func TestChanceAndSeasonsAreNotMiscalibration(t *testing.T) {
	few := shopMonths(1, 3, func(mean float64) Distribution { return Poisson(mean) })[:30]
	require.Equal(t, 1.0, Calibrate(few).Spread)
	strange := shopMonths(1, 3, sized(1.2))
	for i := range strange {
		if strange[i].Month == 2 {
			strange[i].Sold = 3*strange[i].Sold + 2
		}
	}
	share, _ := Coverage(strange)
	require.Less(t, share, nominal-tolerance)
	require.Equal(t, 1.0, Calibrate(strange).Spread)
}

// TestWhatNoSpreadMendsIsLeftAlone: a forecaster of the wrong products.
func TestWhatNoSpreadMendsIsLeftAlone(t *testing.T) {
	lost := shopMonths(1, 3, sized(1.2))
	for i := range lost {
		lost[i].Forecast = Counts([]float64{0.999, 0.001})
		lost[i].Sold += 2
	}
	require.Equal(t, 1.0, Calibrate(lost).Spread)
}

// TestApplyKeepsTheMean: of every form, and gives a distribution.
func TestApplyKeepsTheMean(t *testing.T) {
	for _, spread := range []float64{0.5, 0.8, 1.3, 2} {
		for _, d := range []Distribution{NegativeBinomial(0.1, 1), NegativeBinomial(3, 0.7), Poisson(25), Counts([]float64{4, 2, 0, 1, 0, 0, 1, 0.01})} {
			got := Calibration{spread}.Apply(d)
			var sum, mean float64
			for k, p := range got.Probs {
				require.GreaterOrEqual(t, p, -1e-12)
				sum += p
				mean += float64(k) * p
			}
			require.InDelta(t, 1, sum, 1e-9)
			require.InEpsilon(t, d.Expected, mean, 0.01)
			require.Equal(t, d.Expected, got.Expected)
			high := d.Quantile(0.95)
			require.Equal(t, spread > 1, got.CDF(high) < d.CDF(high), "%v of %v", spread, d.Expected)
		}
	}
	require.Equal(t, Distribution{}, Calibration{2}.Apply(Distribution{}))
}

// TestCoverageOfTheTruth: the truth covers 90 %, though [q05, q95] holds more.
func TestCoverageOfTheTruth(t *testing.T) {
	outcomes := shopMonths(3, 6, sized(1.2))
	share, deviation := Coverage(outcomes)
	require.InDelta(t, nominal, share, 4*deviation)
	closed := 0.0
	for _, o := range outcomes {
		if q := o.Forecast.Quantiles(); q[0] <= o.Sold && o.Sold <= q[4] {
			closed++
		}
	}
	require.Greater(t, closed/float64(len(outcomes)), 0.94)
	share, deviation = Coverage(nil)
	require.True(t, math.IsNaN(share+deviation))
}
