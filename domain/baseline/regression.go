package baseline

import (
	"context"
	"math"

	"github.com/plastinka/predictor/domain/covariate"
	"github.com/plastinka/predictor/domain/forecast"
	"github.com/plastinka/predictor/domain/panel"
	"github.com/plastinka/predictor/domain/regression"
)

// The constants of the regression (§2.7), and how many rows it learns from at
// most: with more, the oldest months are left out, then products in turn.
const (
	regressionPenalty    = 3e-3
	regressionIterations = 80
	regressionRows       = 400_000
)

// fitted is the negative-binomial regression on the standard features, those of
// how many months ahead beside them if it is to look further than one.
type fitted struct {
	features *covariate.Standard
	model    regression.Model
	horizon  int
}

// fitRegression learns from months [0, months) of p; rows is from how many
// product-months.
func fitRegression(ctx context.Context, p *panel.Panel, months, horizon int, gamma float64, threads int) (f *fitted, rows int, err error) {
	f = &fitted{horizon: horizon}
	if f.features, err = covariate.FitStandard(p, months, gamma); err != nil {
		return nil, 0, err
	}
	from, stride, rows := bound(p, months, horizon)
	d := regression.Data{Width: f.width(), X: make([]float32, 0, rows*f.width()),
		Y: make([]int32, 0, rows), Exposure: make([]float32, 0, rows)}
	f.features.Ahead(p, from, months, horizon, func(origin, step int, x []float32) {
		t := origin + step
		if t >= months || ctx.Err() != nil {
			return
		}
		w := f.features.Width()
		for i := (origin + step) % stride; i < p.N(); i += stride {
			at := p.At(i, t)
			a := p.Availability[at]
			if a <= 0 {
				continue
			}
			d.X = f.appendRow(d.X, x[i*w:(i+1)*w], step)
			d.Y = append(d.Y, int32(count(p.Sales[at])))
			d.Exposure = append(d.Exposure, float32(math.Pow(float64(a), gamma)))
		}
	})
	f.model, err = regression.Fit(ctx, d, regressionPenalty, regressionIterations, threads)
	return f, len(d.Y), err
}

// bound is the first origin, and one in how many products, that keep the rows
// within regressionRows, and about how many rows that makes.
func bound(p *panel.Panel, months, horizon int) (from, stride, rows int) {
	for from = months; from > covariate.FirstTarget; from-- {
		more := 0
		for t := from - 1; t < min(from-1+horizon, months); t++ {
			for i := range p.N() {
				if p.Availability[p.At(i, t)] > 0 {
					more++
				}
			}
		}
		const year = 12
		if rows+more > regressionRows && from <= months-year {
			break
		}
		rows += more
	}
	stride = 1 + rows/(regressionRows+1)
	return from, stride, rows / stride
}

func (f *fitted) width() int {
	if f.horizon > 1 {
		return f.features.Width() + 2
	}
	return f.features.Width()
}

func (f *fitted) appendRow(dst, x []float32, step int) []float32 {
	dst = append(dst, x...)
	if f.horizon > 1 {
		ahead := float64(step) / float64(f.horizon-1)
		dst = append(dst, float32(2*ahead-1), float32(2*math.Log1p(float64(step))/math.Log(float64(f.horizon))-1))
	}
	return dst
}

// forecast is for the months from origin on.
func (f *fitted) forecast(p *panel.Panel, origin, horizon int) []forecast.Distribution {
	out := make([]forecast.Distribution, p.N()*horizon)
	w := f.features.Width()
	var row []float32
	f.features.Ahead(p, origin, origin+1, horizon, func(_, step int, x []float32) {
		for i := range p.N() {
			row = f.appendRow(row[:0], x[i*w:(i+1)*w], min(step, f.horizon-1))
			out[i*horizon+step] = forecast.NegativeBinomial(f.model.At(row))
		}
	})
	return out
}
