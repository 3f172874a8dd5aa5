package tide

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/plastinka/predictor/domain/baseline"
	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/catalog"
	"github.com/plastinka/predictor/domain/explanation"
	"github.com/plastinka/predictor/domain/panel"
	"github.com/plastinka/predictor/domain/training"
	"github.com/stretchr/testify/require"
)

// toyPanel is a shop where one covariate decides everything: sales are Poisson
// with the mean that rate gives of style and month.
func toyPanel(products, months int, rate func(style, month int) float64) *panel.Panel {
	r := rand.New(rand.NewPCG(8, 1))
	p := &panel.Panel{First: calendar.MonthOf(2020, time.January), T: months}
	for i := range products {
		p.Products = append(p.Products, catalog.Product{Barcode: fmt.Sprint(i), Style: []string{"Rock", "Jazz"}[i%2]})
		for t := range months {
			var y float32
			for x := r.ExpFloat64(); x < rate(i%2, p.Month(t).Number()); x += r.ExpFloat64() {
				y++
			}
			p.Sales, p.Availability, p.Confidence = append(p.Sales, y), append(p.Availability, 1), append(p.Confidence, 1)
		}
	}
	return p
}

func explain(t *testing.T, m explanation.Model, p *panel.Panel, product, origin int) *explanation.Explanation {
	t.Helper()
	e, err := explanation.Explain(context.Background(), m, p, explanation.Case{Product: product, Origin: origin})
	require.NoError(t, err)
	return e
}

// TestExplanationNamesTheCovariate: where the season decides everything, it
// carries at least 90 % of the difference to a usual month.
func TestExplanationNamesTheCovariate(t *testing.T) {
	p := toyPanel(150, 36, func(_, m int) float64 { return math.Exp(0.5 + 1.2*math.Cos(2*math.Pi*float64(m)/12)) })
	c := training.DefaultStandard()
	c.Optimizer.LR = 3e-3
	f := training.Fit{Config: c, Origin: 36, Horizon: 1, Seed: 1}
	network, _ := fitted(t, Options{}, p, f)
	e, err := baseline.NewEngine(baseline.Regression)
	require.NoError(t, err)
	regression, _, err := e.Fit(context.Background(), p, f, nil)
	require.NoError(t, err)
	const december = 35
	for name, m := range map[string]explanation.Model{"network": network, "regression": regression.(explanation.Model)} {
		t.Run(name, func(t *testing.T) {
			x := explain(t, m, p, 3, december)
			require.Greater(t, x.Expected-x.Usual, 2.0)
			require.Equal(t, "season", x.Parts[0].Influence)
			require.InDelta(t, 1, x.Parts[0].Copies/(x.Expected-x.Usual), 0.1, "%+v", x)
		})
	}
}

// TestExplanationsAddUp: the parts of an explanation add up to the difference
// between what is expected of the product, which is its forecast, and of a usual
// one, whatever the network was trained on and however it forecasts.
func TestExplanationsAddUp(t *testing.T) {
	p := shop(90, 30)
	for name, c := range kinds() {
		t.Run(name, func(t *testing.T) {
			c.NumSamples = 500
			m, _ := fitted(t, Options{}, p, training.Fit{Config: c, Origin: 28, Horizon: 2, Seed: 7})
			for _, origin := range []int{28, 30} {
				ds := forecasts(t, m, p, origin, 2)
				for _, product := range []int{0, 17, 89} {
					x := explain(t, m, p, product, origin)
					require.Len(t, x.Parts, len(m.Influences()))
					sum := x.Usual
					for _, part := range x.Parts {
						sum += part.Copies
					}
					require.InDelta(t, x.Expected, sum, 0.01*math.Abs(x.Expected-x.Usual)+1e-9)
					tolerance := 1e-6 // of sums in float32
					if c.MCDropout {
						tolerance = 0.1 // other passes
					}
					require.InDelta(t, ds[product*2].Expected, x.Expected, tolerance*(1+x.Expected), "product %d, origin %d", product, origin)
				}
			}
		})
	}
}

// TestExplanationDoesNotSeeTheFuture: what comes after the origin changes nothing.
func TestExplanationDoesNotSeeTheFuture(t *testing.T) {
	p := shop(60, 30)
	m, _ := fitted(t, Options{}, p, training.Fit{Config: small(training.DefaultStandard()), Origin: 26, Horizon: 1, Seed: 7})
	before := explain(t, m, p, 5, 26)
	for i := range p.N() {
		for t := 26; t < p.T; t++ {
			at := p.At(i, t)
			p.Sales[at], p.Availability[at], p.Confidence[at] = 99, 0.3, 0.1
			if p.Stock != nil {
				p.Stock[at] = 77
			}
		}
	}
	require.Equal(t, before, explain(t, m, p, 5, 26))
}

func BenchmarkExplain(b *testing.B) {
	p := shop(3000, 48)
	m, _, err := New(Options{}).Fit(context.Background(), p, training.Fit{Config: training.DefaultStandard(), Origin: 48, Horizon: 1, Epochs: 1}, nil)
	require.NoError(b, err)
	for b.Loop() {
		_, err := explanation.Explain(context.Background(), m.(*Model), p, explanation.Case{Product: 5, Origin: 48})
		require.NoError(b, err)
	}
}
