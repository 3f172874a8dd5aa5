package app_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/plastinka/predictor/app"
	"github.com/plastinka/predictor/domain/baseline"
	"github.com/plastinka/predictor/domain/forecast"
	"github.com/plastinka/predictor/domain/training"
	"github.com/plastinka/predictor/ports"
	"github.com/stretchr/testify/require"
)

type engineOf = ports.Engine

func TestBacktest(t *testing.T) {
	p := madeUp(80, 30, 1)
	engine := newLearning(t)
	r, err := runTask(t, &app.Tasks{Engines: []engineOf{engine}}, task(training.Backtest, "tide", p))
	require.NoError(t, err)
	b := r.Backtest
	require.Len(t, b.Origins, 6)
	require.Equal(t, p.Month(24), b.Origins[0])
	require.Equal(t, p.Month(29), b.Origins[5])
	require.Equal(t, "ensemble", b.Chosen)
	for _, f := range engine.fits {
		require.Equal(t, 24, f.Origin, "fitted before the first origin alone")
	}
	var methods []string
	cells := map[string]int{}
	for _, row := range b.Rows {
		if row.Class == "all" {
			methods = append(methods, row.Method)
			require.Equal(t, b.Cells, row.Cells)
		}
		if row.Method == "tide" && row.Class != "all" {
			cells[row.Class] = row.Cells
		}
	}
	require.Equal(t, []string{"ensemble", "tide", "regression", "shrunk-histogram", "zero"}, methods[:5])
	require.Len(t, methods, 2+len(baseline.Methods()))
	require.Contains(t, methods, b.Best)
	require.NotContains(t, []string{"ensemble", "tide", "regression"}, b.Best)
	sum := 0
	for class, n := range cells {
		if class != "partly_available" {
			sum += n
		}
	}
	require.Equal(t, b.Cells, sum)
	full, partly := 0, 0
	for i := range p.N() {
		for m := 24; m < 30; m++ {
			switch a := p.Availability[p.At(i, m)]; {
			case a >= 0.9:
				full++
			case a > 0:
				partly++
			}
		}
	}
	require.Equal(t, full, b.Cells)
	require.Equal(t, partly, cells["partly_available"])
	kept := 0
	for _, f := range b.Forecasts {
		if f.Method == "tide" {
			kept++
		}
	}
	require.Equal(t, full+partly, kept)
}

// TestBacktestSeesNothingAfterTheOrigin: with everything from the second origin
// on corrupted, the forecasts of the first two months, the last of them made
// from that origin, are the same to the last bit.
func TestBacktestSeesNothingAfterTheOrigin(t *testing.T) {
	forecasts := func(corrupt bool) (out []forecast.BacktestForecast) {
		p := madeUp(60, 30, 2)
		if corrupt {
			r := rand.New(rand.NewPCG(9, 9))
			for i := range p.N() {
				for m := 25; m < p.T; m++ {
					at := p.At(i, m)
					p.Sales[at], p.Availability[at] = float32(r.IntN(90)), 1
					p.Confidence[at], p.Stock[at] = r.Float32(), float32(r.IntN(90))
				}
			}
		}
		r, err := runTask(t, &app.Tasks{Engines: []engineOf{newLearning(t)}}, task(training.Backtest, "tide", p))
		require.NoError(t, err)
		for _, f := range r.Backtest.Forecasts {
			if f.Month <= p.Month(25) {
				f.Actual = 0
				out = append(out, f)
			}
		}
		return out
	}
	clean, dirty := forecasts(false), forecasts(true)
	in := map[[2]int]map[string]forecast.BacktestForecast{}
	for _, f := range dirty {
		key := [2]int{f.Product, int(f.Month)}
		if in[key] == nil {
			in[key] = map[string]forecast.BacktestForecast{}
		}
		in[key][f.Method] = f
	}
	require.NotEmpty(t, clean)
	for _, f := range clean {
		require.Equal(t, f, in[[2]int{f.Product, int(f.Month)}][f.Method])
	}
}

func TestBacktestIsDeterministic(t *testing.T) {
	run := func(threads int) *forecast.Backtest {
		r, err := runTask(t, &app.Tasks{Engines: []engineOf{newLearning(t)}, Threads: threads}, task(training.Backtest, "tide", madeUp(60, 30, 2)))
		require.NoError(t, err)
		return r.Backtest
	}
	require.Equal(t, run(1), run(3))
}

func TestBacktestOfTheBaselineEngine(t *testing.T) {
	k := task(training.Backtest, "baseline", madeUp(60, 30, 2))
	k.Origins = 3
	r, err := runTask(t, &app.Tasks{}, k)
	require.NoError(t, err)
	require.Len(t, r.Backtest.Origins, 3)
	require.Equal(t, "shrunk-histogram", r.Backtest.Chosen)

	// The regression beside it is fitted to all that was known at the first origin.
	e, err := baseline.NewEngine(baseline.Regression)
	require.NoError(t, err)
	known := k.Panel.Until(27)
	m, _, err := e.Fit(t.Context(), known, training.Fit{Config: k.Config, Origin: 27, Horizon: 1}, nil)
	require.NoError(t, err)
	ds, err := m.Forecast(t.Context(), known, 27, 1)
	require.NoError(t, err)
	compared := 0
	for _, f := range r.Backtest.Forecasts {
		if f.Method == baseline.Regression && f.Month == k.Panel.Month(27) {
			require.Equal(t, ds[f.Product].Expected, f.Mean)
			compared++
		}
	}
	require.Positive(t, compared)
}

// BenchmarkBacktest: six months of all simple methods and the regression, by
// the size of the shop.
func BenchmarkBacktest(b *testing.B) {
	for _, size := range [][2]int{{400, 30}, {10_000, 60}} {
		b.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(b *testing.B) {
			k := task(training.Backtest, "baseline", madeUp(size[0], size[1], 1))
			tasks := &app.Tasks{Clock: fixedClock{}}
			for b.Loop() {
				_, err := tasks.Do(b.Context(), k, "", nil)
				require.NoError(b, err)
			}
		})
	}
}
