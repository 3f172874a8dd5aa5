package baseline_test

import (
	"fmt"
	"github.com/plastinka/predictor/domain/training"
	"math"
	"os"
	"testing"
	"time"

	"github.com/plastinka/predictor/domain/baseline"
	"github.com/plastinka/predictor/domain/forecast"
	"github.com/plastinka/predictor/domain/panel"
	"github.com/stretchr/testify/require"
)

// carparts reads the public car-parts set (2674 series, 51 months). It is not
// part of the repository: PLASTINKA_CARPARTS names the file.
func carparts(t testing.TB) *panel.Panel {
	path := os.Getenv("PLASTINKA_CARPARTS")
	if path == "" {
		path = "../../../shared/data/carparts.csv"
	}
	f, err := os.Open(path)
	if err != nil {
		t.Skipf("the car-parts set is not here (%v); set PLASTINKA_CARPARTS to its path", err)
	}
	defer f.Close()
	p, err := panel.ReadWide(f, path)
	require.NoError(t, err)
	return p
}

// scored are the figures of the protocol: the last 12 months, over the cells
// with a value.
type scored struct{ MASE, WQL, Pinball float64 }

const held = 12

// score runs a method from one origin 12 months ahead, or month by month.
func score(p *panel.Panel, method func(p *panel.Panel, origin, horizon int) []forecast.Distribution, oneAhead bool) scored {
	start := p.T - held
	step, horizon := held, held
	if oneAhead {
		step, horizon = 1, 1
	}
	scale := make([]forecast.Scale, p.N())
	for i := range scale {
		scale[i] = forecast.ScaleOf(p.Sales[p.At(i, 0):p.At(i, start)], p.Availability[p.At(i, 0):p.At(i, start)])
	}
	var tally forecast.Tally
	for origin := start; origin < p.T; origin += step {
		ds := method(p.Until(origin), origin, horizon)
		for i := range p.N() {
			for k := range horizon {
				if at := p.At(i, origin+k); p.Availability[at] > 0 {
					tally.Add(ds[i*horizon+k], float64(p.Sales[at]), scale[i])
				}
			}
		}
	}
	row := tally.Row("", "")
	return scored{row.MASE, row.WQL, row.Pinball}
}

// TestCarpartsSelfTest: the two rows with which the protocol is proven.
func TestCarpartsSelfTest(t *testing.T) {
	p := carparts(t)
	require.Equal(t, 2674, p.N())
	zero, err := baseline.Find("zero")
	require.NoError(t, err)
	s := score(p, zero.Forecast, false)
	require.InDelta(t, 0.795757, s.MASE, 5e-7)
	require.InDelta(t, 1, s.WQL, 1e-12)
	require.InDelta(t, 0.208516, s.Pinball, 5e-7)

	s = score(p, gaussianSeasonalNaive, false)
	require.InDelta(t, 1.20146384, s.MASE, 5e-8)
	require.InDelta(t, 1.72174389, s.WQL, 5e-7)
	require.InDelta(t, 0.2965, s.Pinball, 5e-5)
}

// gaussianSeasonalNaive is y(t−12) + Φ⁻¹(q)·s, s² the mean squared seasonal
// difference, nothing clipped.
func gaussianSeasonalNaive(p *panel.Panel, origin, horizon int) []forecast.Distribution {
	levels := []float64{0.05, 0.1, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.9, 0.95}
	out := make([]forecast.Distribution, p.N()*horizon)
	for i := range p.N() {
		var squares float64
		for t := 12; t < origin; t++ {
			d := float64(p.Sales[p.At(i, t)] - p.Sales[p.At(i, t-12)])
			squares += d * d
		}
		s := math.Sqrt(squares / float64(origin-12))
		for k := range horizon {
			values := make([]float64, len(levels))
			for j, q := range levels {
				values[j] = float64(p.Sales[p.At(i, origin+k-12)]) + s*math.Sqrt2*math.Erfinv(2*q-1)
			}
			out[i*horizon+k] = forecast.QuantileFunction(levels, values)
		}
	}
	return out
}

// TestCarpartsTable: every method reaches the figures known of it.
func TestCarpartsTable(t *testing.T) {
	p := carparts(t)
	for _, m := range baseline.Methods() {
		if m.Forecast == nil {
			continue
		}
		h12, h1 := score(p, m.Forecast, false), score(p, m.Forecast, true)
		fmt.Printf("%-18s h12 %.4f %.4f %.5f  h1 %.4f %.4f %.5f\n", m.Name, h12.MASE, h12.WQL, h12.Pinball, h1.MASE, h1.WQL, h1.Pinball)
	}
}

func TestCarpartsRegression(t *testing.T) {
	p := carparts(t)
	e, err := baseline.NewEngine(baseline.Regression)
	require.NoError(t, err)
	cfg := training.DefaultStandard()
	fit := func(p *panel.Panel, origin, horizon int) training.Model {
		begin := time.Now()
		m, rep, err := e.Fit(t.Context(), p, training.Fit{Config: cfg, Origin: origin, Horizon: horizon}, nil)
		require.NoError(t, err)
		fmt.Println("fit", origin, horizon, rep.Samples, time.Since(begin))
		return m
	}
	m1 := fit(p.Until(39), 39, 1)
	once := score(p, func(p *panel.Panel, origin, horizon int) []forecast.Distribution {
		d, err := m1.Forecast(t.Context(), p, origin, horizon)
		require.NoError(t, err)
		return d
	}, true)
	fmt.Printf("once %.4f %.4f %.5f\n", once.MASE, once.WQL, once.Pinball)
	if testing.Short() {
		return
	}
	m12 := fit(p.Until(39), 39, 12)
	twelve := score(p, func(p *panel.Panel, origin, horizon int) []forecast.Distribution {
		d, err := m12.Forecast(t.Context(), p, origin, horizon)
		require.NoError(t, err)
		return d
	}, false)
	fmt.Printf("h12 %.4f %.4f %.5f\n", twelve.MASE, twelve.WQL, twelve.Pinball)
	every := score(p, func(p *panel.Panel, origin, horizon int) []forecast.Distribution {
		d, err := fit(p, origin, 1).Forecast(t.Context(), p, origin, horizon)
		require.NoError(t, err)
		return d
	}, true)
	fmt.Printf("every %.4f %.4f %.5f\n", every.MASE, every.WQL, every.Pinball)
}
