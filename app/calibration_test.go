package app

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/catalog"
	"github.com/plastinka/predictor/domain/forecast"
	"github.com/plastinka/predictor/domain/panel"
	"github.com/plastinka/predictor/domain/training"
	"github.com/plastinka/predictor/ports"
	"github.com/stretchr/testify/require"
)

// clairvoyant knows the mean of every product and believes in a size.
type clairvoyant struct {
	means []float64
	size  float64
}

func (c clairvoyant) Name() string { return "clairvoyant" }

func (c clairvoyant) Fit(context.Context, *panel.Panel, training.Fit, func(training.Progress)) (ports.Model, training.FitReport, error) {
	return c, training.FitReport{}, nil
}

func (c clairvoyant) Forecast(_ context.Context, _ *panel.Panel, _, horizon int) (out []forecast.Distribution, err error) {
	for _, mean := range c.means {
		for range horizon {
			out = append(out, forecast.NegativeBinomial(mean, c.size))
		}
	}
	return out, nil
}

// steady is a panel of products that sell with size 1.2 about their means.
func steady(products, months int) (*panel.Panel, []float64) {
	r := rand.New(rand.NewPCG(4, 4))
	p, means := &panel.Panel{First: calendar.MonthOf(2021, 1), T: months}, make([]float64, products)
	for i := range products {
		means[i] = math.Exp(0.9*r.NormFloat64() - 0.2)
		truth := forecast.NegativeBinomial(means[i], 1.2)
		p.Products = append(p.Products, catalog.Product{Barcode: fmt.Sprint(i)})
		for range months {
			p.Sales = append(p.Sales, float32(truth.Quantile(r.Float64())))
			p.Availability, p.Confidence = append(p.Availability, 1), append(p.Confidence, 1)
		}
	}
	return p, means
}

// TestBrokenDispersionIsAdjusted (§2.7): an engine whose forecasts are too narrow
// or too wide covers 90 % again in the months after its training; one that is
// right is left as it is, to the last bit.
func TestBrokenDispersionIsAdjusted(t *testing.T) {
	p, means := steady(1200, 36)
	for size, broken := range map[float64]bool{100: true, 0.2: true, 1.2: false} {
		c := training.DefaultClassic()
		c.ValidationMonths = 3
		engine := clairvoyant{means, size}
		l, err := newLearner(engine, c, true)
		require.NoError(t, err)
		f, err := l.fit(t.Context(), p.Until(30), training.Fit{Config: c, Origin: 30, Horizon: 1}, nil)
		require.NoError(t, err)
		var before, after []forecast.Outcome
		for month := 30; month < p.T; month++ {
			raw, err := engine.Forecast(t.Context(), p, month, 1)
			require.NoError(t, err)
			got, err := f.model.Forecast(t.Context(), p, month, 1)
			require.NoError(t, err)
			if !broken {
				require.Equal(t, raw, got)
			}
			for i := range means {
				y := float64(p.Sales[p.At(i, month)])
				before = append(before, forecast.Outcome{Forecast: raw[i], Sold: y, Product: i, Month: month})
				after = append(after, forecast.Outcome{Forecast: got[i], Sold: y, Product: i, Month: month})
			}
		}
		was, _ := forecast.Coverage(before)
		is, _ := forecast.Coverage(after)
		require.Equal(t, broken, math.Abs(was-0.9) > 0.03, "size %v: %.3f", size, was)
		require.InDelta(t, 0.9, is, 0.03, "size %v", size)
		if broken {
			require.Equal(t, fmt.Sprintf("clairvoyant, spread × %.2f", f.metrics["calibration_spread"]), f.method)
			require.InDelta(t, 0.9, f.metrics["val_adjusted_coverage_90"], 0.01)
			continue
		}
		require.Equal(t, "clairvoyant", f.method)
		require.Equal(t, 1.0, f.metrics["calibration_spread"])
	}
}
