package porttest

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plastinka/predictor/domain/catalog"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/forecast"
	"github.com/plastinka/predictor/domain/panel"
	"github.com/plastinka/predictor/domain/training"
	"github.com/plastinka/predictor/ports"
)

// engineMonths, engineOrigin and engineHorizon are the size of the suite's task:
// some months of the panel lie after the origin.
const engineMonths, engineOrigin, engineHorizon = 34, 28, 2

// Engine is the suite of ports.Engine. config must train in a second or so.
func Engine(t *testing.T, e ports.Engine, config training.Config) {
	fit := training.Fit{Config: config, Origin: engineOrigin, Horizon: engineHorizon, Validation: 3, Seed: 5, Threads: 1}
	p := enginePanel(60, engineMonths)
	before := clonePanel(p)
	m, report := engineFit(t, e, p, fit)
	want := engineForecast(t, m, p, engineOrigin, engineHorizon)

	t.Run("distributions are proper", func(t *testing.T) {
		require.NotEmpty(t, e.Name())
		for _, d := range want {
			q := d.Quantiles()
			require.True(t, slices.IsSorted(q[:]) && q[0] >= 0, "%v", q)
			require.False(t, !(d.Expected >= 0) || math.IsInf(d.Expected, 0), "%v", d.Expected)
		}
	})
	t.Run("fewer months are the first ones", func(t *testing.T) {
		for i, d := range engineForecast(t, m, p, engineOrigin, 1) {
			require.Equal(t, want[i*engineHorizon], d)
		}
	})
	t.Run("the result depends on the arguments alone", func(t *testing.T) {
		var all sync.WaitGroup
		models, reports := make([]ports.Model, 3), make([]training.FitReport, 3)
		for k := range models {
			all.Go(func() {
				f := fit
				f.Threads = k // 0: all cores
				models[k], reports[k], _ = e.Fit(context.Background(), p, f, func(training.Progress) {})
			})
		}
		all.Wait()
		for k, other := range models {
			require.NotNil(t, other)
			require.Equal(t, report, reports[k])
			require.Equal(t, want, engineForecast(t, other, p, engineOrigin, engineHorizon))
		}
	})
	t.Run("nothing from the origin on is seen", func(t *testing.T) {
		broken := clonePanel(p)
		for i := range p.N() {
			for u := engineOrigin; u < p.T; u++ {
				at := p.At(i, u)
				broken.Sales[at], broken.Availability[at] = float32(i*u%5), float32(u%2)
				broken.Confidence[at], broken.Stock[at] = 0.3, 7
			}
		}
		other, again := engineFit(t, e, broken, fit)
		require.Equal(t, report, again)
		require.Equal(t, want, engineForecast(t, other, broken, engineOrigin, engineHorizon))
		// Neither is it when an earlier month is asked for.
		require.Equal(t, engineForecast(t, m, p.Until(engineOrigin-3), engineOrigin-3, 1), engineForecast(t, m, p, engineOrigin-3, 1))
	})
	t.Run("a cancelled context ends it", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, _, err := e.Fit(ctx, p, fit, nil)
		require.Equal(t, fault.Cancelled, fault.KindOf(err))
		_, err = m.Forecast(ctx, p, engineOrigin, 1)
		require.Equal(t, fault.Cancelled, fault.KindOf(err))
	})
	t.Run("what makes no sense is refused", func(t *testing.T) {
		for name, change := range map[string]func(*training.Fit){
			"origin": func(f *training.Fit) { f.Origin = engineMonths + 1 }, "horizon": func(f *training.Fit) { f.Horizon = 0 },
			"validation": func(f *training.Fit) { f.Validation = engineOrigin + 1 },
		} {
			f := fit
			change(&f)
			_, _, err := e.Fit(t.Context(), p, f, nil)
			require.Error(t, err, name)
		}
		_, err := m.Forecast(t.Context(), p, engineMonths+1, 1)
		require.Error(t, err)
		_, err = m.Forecast(t.Context(), p, engineOrigin, 0)
		require.Error(t, err)
	})
	require.Equal(t, before, p, "the panel is read-only")
}

func engineFit(t *testing.T, e ports.Engine, p *panel.Panel, f training.Fit) (ports.Model, training.FitReport) {
	t.Helper()
	m, report, err := e.Fit(t.Context(), p, f, nil)
	require.NoError(t, err)
	return m, report
}

func engineForecast(t *testing.T, m ports.Model, p *panel.Panel, origin, horizon int) []forecast.Distribution {
	t.Helper()
	ds, err := m.Forecast(t.Context(), p, origin, horizon)
	require.NoError(t, err)
	require.Len(t, ds, p.N()*horizon)
	return ds
}

// enginePanel is a small shop: different levels, some products launched later,
// some months sold out or available in part.
func enginePanel(n, months int) *panel.Panel {
	rng := rand.New(rand.NewPCG(8, 9))
	p := &panel.Panel{First: 24240, T: months}
	for i := range n {
		p.Products = append(p.Products, catalog.Product{Style: []string{"Jazz", "Rock", "Rock/Pop"}[i%3], CoverType: []string{"Sealed", "Opened"}[i%2],
			PriceCategory: []string{"low", "high"}[i/2%2], RecordingDecade: []string{"1960s", "1970s"}[i/3%2], RecordingYear: 1960 + i%20})
		first, level := 0, math.Exp(rng.NormFloat64())
		if i%4 == 1 {
			first = rng.IntN(months)
		}
		for t := range months {
			var sales, available float32
			if t >= first && rng.Float64() > 0.15 {
				available = 1 - 0.5*float32(rng.IntN(4)/3)
				sales = float32(int(level * rng.ExpFloat64() * float64(available)))
			}
			p.Sales, p.Availability = append(p.Sales, sales), append(p.Availability, available)
			p.Confidence, p.Stock = append(p.Confidence, available*rng.Float32()), append(p.Stock, float32(rng.IntN(9)))
		}
	}
	return p
}

func clonePanel(p *panel.Panel) *panel.Panel {
	q := *p
	q.Products = slices.Clone(p.Products)
	for _, series := range []*[]float32{&q.Sales, &q.Availability, &q.Confidence, &q.Stock} {
		*series = slices.Clone(*series)
	}
	return &q
}
