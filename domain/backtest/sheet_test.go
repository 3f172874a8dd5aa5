package backtest_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/plastinka/predictor/domain/backtest"
	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/catalog"
	"github.com/plastinka/predictor/domain/forecast"
	"github.com/plastinka/predictor/domain/panel"
	"github.com/stretchr/testify/require"
)

// of is a panel of the given rows; availability is 1 but where told otherwise
// by product and month.
func of(rows [][]float32, availability map[[2]int]float32) *panel.Panel {
	p := &panel.Panel{First: calendar.MonthOf(2024, 1), T: len(rows[0])}
	for i, row := range rows {
		p.Products = append(p.Products, catalog.Product{})
		for t, y := range row {
			a, ok := availability[[2]int{i, t}]
			if !ok {
				a = 1
			}
			p.Sales, p.Availability = append(p.Sales, y), append(p.Availability, a)
		}
	}
	return p
}

func find(b *forecast.Backtest, method, class string) *forecast.BacktestRow {
	for i := range b.Rows {
		if b.Rows[i].Method == method && b.Rows[i].Class == class {
			return &b.Rows[i]
		}
	}
	return nil
}

// constant forecasts k copies for sure.
func constant(n, k int) []forecast.Distribution {
	out := make([]forecast.Distribution, n)
	for i := range out {
		probs := make([]float64, k+1)
		probs[k] = 1
		out[i] = forecast.Counts(probs)
	}
	return out
}

// TestClasses: each product's demand by Syntetos, Boylan and Croston; new
// products and partly available months apart.
func TestClasses(t *testing.T) {
	p := of([][]float32{
		{2, 2, 3, 2, 2, 3, 2, 2, 1, 1}, // sells always, evenly
		{1, 9, 1, 9, 1, 9, 1, 9, 1, 1}, // always, wildly: mean 5, variation 16/25
		{0, 2, 0, 2, 0, 2, 0, 2, 1, 1}, // every other month, evenly
		{0, 1, 0, 9, 0, 1, 0, 9, 1, 1}, // every other month, wildly
		{0, 0, 0, 0, 0, 0, 0, 0, 1, 1}, // never
		{0, 0, 0, 5, 5, 5, 5, 5, 1, 1}, // launched in month 3: new in month 8, six months old in 9
		{2, 2, 2, 2, 2, 2, 2, 2, 1, 1}, // half available in month 8, not at all in 9
	}, map[[2]int]float32{{5, 0}: 0, {5, 1}: 0, {5, 2}: 0, {6, 8}: 0.5, {6, 9}: 0})
	s := backtest.NewSheet(p, 8)
	for origin := 8; origin < 10; origin++ {
		s.Add("one", backtest.Role{Simple: true, Keep: true}, origin, 1, constant(p.N(), 1))
	}
	b := s.Table("one", 1)
	require.Equal(t, []calendar.Month{p.Month(8), p.Month(9)}, b.Origins)
	require.Equal(t, 12, b.Cells)
	for class, cells := range map[string]int{backtest.All: 12, backtest.Smooth: 3, backtest.Erratic: 2,
		backtest.Intermittent: 4, backtest.Lumpy: 2, backtest.New: 1, backtest.Partly: 1} {
		row := find(b, "one", class)
		require.NotNil(t, row, class)
		require.Equal(t, cells, row.Cells, class)
		if class == backtest.Partly { // one copy in a whole month is half a copy in half of one
			require.InDelta(t, -0.5, row.Bias, 1e-12)
			continue
		}
		require.Zero(t, row.Pinball, class)
	}
	require.Len(t, b.Forecasts, 13)
	require.Equal(t, forecast.BacktestForecast{Product: 6, Month: p.Month(8), Method: "one",
		Quantiles: [5]float64{1, 1, 1, 1, 1}, Mean: 1, Actual: 1}, b.Forecasts[6])
}

// TestHorizon: months several steps ahead are scored, those beyond the panel
// are not.
func TestHorizon(t *testing.T) {
	p := of([][]float32{{0, 0, 0, 4, 6}}, nil)
	s := backtest.NewSheet(p, 3)
	s.Add("m", backtest.Role{}, 3, 3, []forecast.Distribution{constant(1, 4)[0], constant(1, 7)[0], constant(1, 9)[0]})
	b := s.Table("m", 1)
	require.Equal(t, 2, b.Cells)
	require.InDelta(t, 0.5, find(b, "m", backtest.All).Bias, 1e-12)
	require.Empty(t, b.Best, "no simple method was there")
	require.True(t, math.IsNaN(s.Pinball("nobody")))
}

// TestDifferencesAreAgainstTheBestSimpleMethod, with the standard error that
// theory gives a mean of independent products.
func TestDifferencesAreAgainstTheBestSimpleMethod(t *testing.T) {
	const n, first = 400, 3
	r := rand.New(rand.NewPCG(1, 1))
	rows := make([][]float32, n)
	for i := range rows {
		rows[i] = []float32{1, 1, 1, float32(r.IntN(5))}
	}
	p := of(rows, nil)
	s := backtest.NewSheet(p, first)
	s.Add("network", backtest.Role{}, first, 1, constant(n, 2))
	s.Add("zero", backtest.Role{Simple: true}, first, 1, constant(n, 0))
	s.Add("one", backtest.Role{Simple: true}, first, 1, constant(n, 1))
	b := s.Table("network", 7)
	require.Equal(t, "one", b.Best)
	one, network, zero := find(b, "one", backtest.All), find(b, "network", backtest.All), find(b, "zero", backtest.All)
	require.Zero(t, one.Difference)
	require.Zero(t, one.DifferenceError)
	require.InDelta(t, network.Pinball-one.Pinball, network.Difference, 1e-12)
	require.Positive(t, zero.Difference)

	var mean, square float64
	for _, row := range rows {
		d := 0.5 * (math.Abs(2-float64(row[first])) - math.Abs(1-float64(row[first]))) // both are points
		mean += d / n
		square += d * d / n
	}
	require.InDelta(t, mean, network.Difference, 1e-9)
	require.InEpsilon(t, math.Sqrt((square-mean*mean)/n), network.DifferenceError, 0.15)
	require.Equal(t, b, s.Table("network", 7), "the same seed gives the same errors")
}
