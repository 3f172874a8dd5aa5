package baseline_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/plastinka/predictor/domain/baseline"
	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/catalog"
	"github.com/plastinka/predictor/domain/forecast"
	"github.com/plastinka/predictor/domain/panel"
	"github.com/plastinka/predictor/domain/training"
	"github.com/stretchr/testify/require"
)

const missing = -1

// of is a panel of the given rows from January 2020 on; missing months have no
// availability.
func of(rows ...[]float32) *panel.Panel {
	p := &panel.Panel{First: calendar.MonthOf(2020, 1), T: len(rows[0])}
	for _, row := range rows {
		p.Products = append(p.Products, catalog.Product{})
		for _, y := range row {
			a := float32(1)
			if y == missing {
				y, a = 0, 0
			}
			p.Sales, p.Availability = append(p.Sales, y), append(p.Availability, a)
			p.Confidence = append(p.Confidence, a)
		}
	}
	return p
}

func run(t *testing.T, method string, p *panel.Panel, horizon int) []forecast.Distribution {
	t.Helper()
	e, err := baseline.NewEngine(method)
	require.NoError(t, err)
	m, _, err := e.Fit(t.Context(), p, training.Fit{Config: training.DefaultStandard(), Origin: p.T, Horizon: horizon, Threads: 2}, nil)
	require.NoError(t, err)
	ds, err := m.Forecast(t.Context(), p, p.T, horizon)
	require.NoError(t, err)
	require.Len(t, ds, p.N()*horizon)
	return ds
}

// TestPointMethods: means by hand. Missing months count for nothing.
func TestPointMethods(t *testing.T) {
	const m = missing
	for _, c := range []struct {
		method string
		sales  []float32
		want   float64
	}{
		{"zero", []float32{5, 5}, 0},
		{"last", []float32{1, 7, m}, 7},
		{"last", []float32{m, m}, 0},
		{"mean-3", []float32{9, 1, 2, m, 6}, 3},
		{"mean-12", []float32{2, m, 4}, 3},
		{"seasonal-naive", []float32{4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 4},
		{"seasonal-naive", []float32{5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, m, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 5},
		{"seasonal-naive", []float32{m, 6, 0}, 3},
		// Sizes 2, 4: 2 + 0.1·2 = 2.2; intervals 2, 3: 2 + 0.1·1 = 2.1.
		{"croston", []float32{0, 2, 0, 0, 4, 0}, 2.2 / 2.1},
		{"croston", []float32{0, 2, m, 0, 0, m, 4, 0}, 2.2 / 2.1},
		{"croston", []float32{0, 0}, 0},
		{"sba", []float32{0, 2, 0, 0, 4, 0}, 0.95 * 2.2 / 2.1},
		// Size 3 → 3 + 0.1·(5 − 3) = 3.2; probability 1, 0.9, 0.91.
		{"tsb", []float32{3, 0, 5}, 3.2 * 0.91},
		{"tsb", []float32{0, 0}, 0},
		// Interval 4/2 = 2: sums 1, 3, alpha 0.3 at its bound or below: the level
		// stays between them, and one step cannot tell alpha: any is as good.
		{"adida", []float32{2, 2, 2, 2}, 2},
		{"imapa", []float32{0, 2, 0, 2}, (smoothedHand(0, 2, 0, 2) + 1) / 2},
	} {
		ds := run(t, c.method, of(c.sales), 1)
		require.InDelta(t, c.want, ds[0].Expected, 2e-3, "%s of %v", c.method, c.sales)
		require.Equal(t, forecast.Poisson(ds[0].Expected), ds[0], c.method)
	}
}

// smoothedHand is simple exponential smoothing with the alpha of a fine grid
// that has the least one-step error.
func smoothedHand(x ...float64) float64 {
	best, level := math.Inf(1), 0.0
	for alpha := 0.1; alpha <= 0.3; alpha += 1e-4 {
		l, squares := x[0], 0.0
		for _, y := range x[1:] {
			squares += (y - l) * (y - l)
			l += alpha * (y - l)
		}
		if squares < best {
			best, level = squares, l
		}
	}
	return level
}

func TestOwnHistory(t *testing.T) {
	row := append(slices.Repeat([]float32{9}, 30), slices.Repeat([]float32{0, missing, 1}, 12)...)
	p := of(row)
	require.Equal(t, forecast.Counts([]float64{6, 6}), run(t, "own-12", p, 1)[0])
	require.Equal(t, forecast.Counts([]float64{12, 12}), run(t, "own-24", p, 2)[1])
	all := run(t, "own-all", p, 1)[0]
	require.InDelta(t, 30.0/54, all.Probs[9], 1e-12)
	require.Equal(t, forecast.Distribution{}, run(t, "own-12", of([]float32{missing, missing}), 1)[0])
}

// TestPartlyAvailableMonthsCountByTheirShare: two of them, half available each,
// weigh as much as a full one.
func TestPartlyAvailableMonthsCountByTheirShare(t *testing.T) {
	p := of([]float32{4, 1, 1})
	p.Availability[1], p.Availability[2] = 0.5, 0.5
	require.InDelta(t, 6.0/2, run(t, "mean-3", p, 1)[0].Expected, 1e-12)
	require.Equal(t, forecast.Counts([]float64{0, 1, 0, 0, 1}), run(t, "own-12", p, 1)[0])
	shrunk := run(t, baseline.ShrunkHistogram, p, 1)[0]
	own := 0.9*0.9 + 0.5*0.9 + 0.5
	require.InDelta(t, 0.9*0.9/(own+12), shrunk.Probs[4], 1e-12)
}

// random is a panel with missing cells, late launches and attributes.
func random(products, months int, seed uint64) *panel.Panel {
	r := rand.New(rand.NewPCG(seed, 7))
	p := &panel.Panel{First: calendar.MonthOf(2019, 4), T: months}
	for i := range products {
		p.Products = append(p.Products, catalog.Product{Style: []string{"Rock", "Jazz", "Rock/Pop"}[i%3], CoverType: []string{"Sealed", "Used"}[i%2]})
		rate, launch := math.Exp(r.NormFloat64()-0.7), 0
		if i%3 == 0 {
			launch = r.IntN(months)
		}
		for t := range months {
			a, y := float32(0), float32(0)
			if t >= launch && r.IntN(6) > 0 {
				a = float32(1+r.IntN(4)) / 4
				mean := rate * float64(a) * r.ExpFloat64()
				if t-launch < 2 && launch > 0 {
					mean = mean*3 + 2
				}
				for x := r.ExpFloat64(); x < mean; x += r.ExpFloat64() {
					y++
				}
			}
			p.Sales, p.Availability = append(p.Sales, y), append(p.Availability, a)
			p.Confidence, p.Stock = append(p.Confidence, a), append(p.Stock, 5*a)
		}
	}
	return p
}

// TestForecastsSeeNothingAfterTheOrigin: with everything from the origin on
// corrupted, all methods forecast the same to the last bit.
func TestForecastsSeeNothingAfterTheOrigin(t *testing.T) {
	const origin, horizon = 20, 3
	clean, dirty := random(60, 26, 3), random(60, 26, 3)
	r := rand.New(rand.NewPCG(1, 1))
	for i := range dirty.N() {
		for m := origin; m < dirty.T; m++ {
			at := dirty.At(i, m)
			dirty.Sales[at], dirty.Availability[at] = float32(r.IntN(50)), r.Float32()
			dirty.Confidence[at], dirty.Stock[at] = r.Float32(), float32(r.IntN(50))
		}
	}
	for _, m := range baseline.Methods() {
		forecastOf := func(p *panel.Panel) []forecast.Distribution {
			e, err := baseline.NewEngine(m.Name)
			require.NoError(t, err)
			fit := training.Fit{Config: training.DefaultStandard(), Origin: origin, Horizon: horizon}
			model, _, err := e.Fit(t.Context(), p, fit, nil)
			require.NoError(t, err)
			ds, err := model.Forecast(t.Context(), p, origin, horizon)
			require.NoError(t, err)
			return ds
		}
		want := forecastOf(clean.Until(origin))
		require.Equal(t, want, forecastOf(clean), "%s: the cut panel and the whole one", m.Name)
		require.Equal(t, want, forecastOf(dirty), "%s: the corrupted future", m.Name)
	}
}

// TestEveryMethodOnLittle: next to no history is no reason to fail, and every
// forecast is a distribution.
func TestEveryMethodOnLittle(t *testing.T) {
	const m = missing
	for name, p := range map[string]*panel.Panel{
		"one month":       of([]float32{3}, []float32{0}),
		"two months":      of([]float32{0, 2}, []float32{m, 1}),
		"never available": of([]float32{m, m, m}, []float32{m, m, m}),
		"never sold":      of(make([]float32, 30), make([]float32, 30)),
		"newly launched":  of(slices.Repeat([]float32{1, 0}, 10), append(slices.Repeat([]float32{m}, 19), 8)),
		"a huge sale":     of(append(make([]float32, 15), 100000)),
		"some months":     random(7, 9, 5),
	} {
		for _, method := range baseline.Methods() {
			for i, d := range run(t, method.Name, p, 2) {
				q := d.Quantiles()
				require.True(t, slices.IsSorted(q[:]) && q[0] >= 0, "%s, %s: %v", name, method.Name, q)
				require.False(t, math.IsNaN(d.Expected) || math.IsInf(d.Expected, 0), "%s, %s, forecast %d", name, method.Name, i)
				var sum float64
				for _, prob := range d.Probs {
					require.GreaterOrEqual(t, prob, 0.0)
					sum += prob
				}
				require.LessOrEqual(t, sum, 1+1e-9, "%s, %s", name, method.Name)
				if d.Probs != nil && name != "a huge sale" { // of counts beyond 4,096 no distribution tells
					require.InDelta(t, 1, sum, 1e-3, "%s, %s", name, method.Name)
				}
			}
		}
	}
}

// TestShrunkHistogramByHand: two products of one level each; the own months
// weigh 0.9^age, the group's histogram 12 months.
func TestShrunkHistogramByHand(t *testing.T) {
	d := run(t, baseline.ShrunkHistogram, of([]float32{0, 1, missing, 2}), 1)[0]
	// Start is column 2 of four months: levels of columns 2 and 3; what followed
	// on column 2 is the 2 of column 3.
	own := []float64{0.9 * 0.9 * 0.9, 0.9 * 0.9, 1}
	sum := own[0] + own[1] + own[2] + 12
	require.InDelta(t, own[0]/sum, d.Probs[0], 1e-12)
	require.InDelta(t, own[1]/sum, d.Probs[1], 1e-12)
	require.InDelta(t, (own[2]+12)/sum, d.Probs[2], 1e-12)
}

// TestShrunkHistogramKnowsLaunches: a product that nobody has sold yet is
// expected to sell as products did in their first month, not as old ones.
func TestShrunkHistogramKnowsLaunches(t *testing.T) {
	var rows [][]float32
	const months = 24
	for i := range 400 {
		row := make([]float32, months)
		if i%2 == 1 {
			launch := 1 + i%(months-2)
			for j := range launch {
				row[j] = missing
			}
			row[launch] = 6
		}
		rows = append(rows, row)
	}
	rows = append(rows, slices.Repeat([]float32{missing}, months))
	p := of(rows...)
	ds := run(t, baseline.ShrunkHistogram, p, 1)
	require.Equal(t, 6.0, ds[400].Quantile(0.5), "not launched yet")
	require.Equal(t, 0.0, ds[0].Quantile(0.75), "old")
	require.Greater(t, ds[400].Expected, 5.0)
}

// TestUnseenProductsAreLikeAll: where nothing was ever launched, a product
// without a history is expected to sell as the others do on average.
func TestUnseenProductsAreLikeAll(t *testing.T) {
	var rows [][]float32
	for range 30 {
		rows = append(rows, make([]float32, 20), slices.Repeat([]float32{3, 5}, 10))
	}
	rows = append(rows, slices.Repeat([]float32{missing}, 20))
	for _, method := range []string{baseline.ShrunkHistogram, "level-group", "gamma-poisson"} {
		ds := run(t, method, of(rows...), 2)
		require.InDelta(t, 2, ds[2*60].Expected, 0.01, method)
		require.InDelta(t, 2, ds[2*60+1].Expected, 0.01, method)
	}
}

func TestGammaPoissonTellsSteadyFromWild(t *testing.T) {
	var rows [][]float32
	for i := range 60 {
		if i%2 == 0 {
			rows = append(rows, slices.Repeat([]float32{2, 3, 2, 3}, 10))
		} else {
			rows = append(rows, slices.Repeat([]float32{0, 0, 0, 10}, 10))
		}
	}
	ds := run(t, "gamma-poisson", of(rows...), 1)
	steady, wild := ds[0], ds[1]
	require.InDelta(t, 2.5, steady.Expected, 0.3)
	require.Less(t, steady.Quantile(0.95)-steady.Quantile(0.05), wild.Quantile(0.95)-wild.Quantile(0.05))
	require.Greater(t, wild.Probs[0], 4*steady.Probs[0])
}

// TestRegressionFindsTheSeason: sales that swing with the year, seen one and
// seven months ahead.
func TestRegressionFindsTheSeason(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	var rows [][]float32
	for range 150 {
		row := make([]float32, 35) // up to November
		for m := range row {
			mean := math.Exp(1.2 * math.Cos(2*math.Pi*float64(m-11)/12))
			for x := r.ExpFloat64(); x < mean; x += r.ExpFloat64() {
				row[m]++
			}
		}
		rows = append(rows, row)
	}
	ds := run(t, baseline.Regression, of(rows...), 7)
	var december, june float64
	for i := range rows {
		december += ds[7*i].Expected / float64(len(rows))
		june += ds[7*i+6].Expected / float64(len(rows))
	}
	require.InDelta(t, math.Exp(1.2), december, 0.35)
	require.InDelta(t, math.Exp(-1.2), june, 0.1)
}

// TestRegressionForecastsFullAvailability: products that could be bought half of
// every month sell one copy, and would sell two; with exposure 0 nobody asks.
func TestRegressionForecastsFullAvailability(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	p := &panel.Panel{First: calendar.MonthOf(2020, 1), T: 30}
	for range 200 {
		p.Products = append(p.Products, catalog.Product{})
		for range p.T {
			y := float32(0)
			for x := r.ExpFloat64(); x < 1; x += r.ExpFloat64() {
				y++
			}
			p.Sales, p.Availability = append(p.Sales, y), append(p.Availability, 0.5)
		}
	}
	for exposure, want := range map[float64]float64{1: 2, 0: 1} {
		config := training.DefaultStandard()
		config.DataSet.Exposure = exposure
		e, err := baseline.NewEngine(baseline.Regression)
		require.NoError(t, err)
		m, _, err := e.Fit(t.Context(), p, training.Fit{Config: config, Origin: p.T, Horizon: 1}, nil)
		require.NoError(t, err)
		ds, err := m.Forecast(t.Context(), p, p.T, 1)
		require.NoError(t, err)
		mean := 0.0
		for _, d := range ds {
			mean += d.Expected / float64(len(ds))
		}
		require.InDelta(t, want, mean, 0.15*want, "exposure %v", exposure)
	}
}

// TestRegressionDoesNotDependOnThreads: the same bits on any number.
func TestRegressionDoesNotDependOnThreads(t *testing.T) {
	p := random(200, 30, 9)
	var first []forecast.Distribution
	for threads := 1; threads <= 4; threads++ {
		e, err := baseline.NewEngine(baseline.Regression)
		require.NoError(t, err)
		m, report, err := e.Fit(t.Context(), p, training.Fit{Config: training.DefaultStandard(), Origin: p.T, Horizon: 1, Threads: threads}, nil)
		require.NoError(t, err)
		require.Positive(t, report.Samples)
		ds, err := m.Forecast(t.Context(), p, p.T, 1)
		require.NoError(t, err)
		if first == nil {
			first = ds
		}
		require.Equal(t, first, ds, "%d threads", threads)
	}
}
