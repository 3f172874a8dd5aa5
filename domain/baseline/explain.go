package baseline

import (
	"context"

	"github.com/plastinka/predictor/domain/covariate"
	"github.com/plastinka/predictor/domain/explanation"
	"github.com/plastinka/predictor/domain/panel"
)

var _ explanation.Model = (*fitted)(nil)

// Influences are what the regression is told of, but for the single months,
// which it is not.
func (f *fitted) Influences() []string { return covariate.InfluenceNames()[1:] }

// Coalitions: see explanation.Model.
func (f *fitted) Coalitions(ctx context.Context, p *panel.Panel, of explanation.Case, against []explanation.Case) ([]float64, error) {
	if err := within(p, of.Origin, 1); err != nil {
		return nil, err
	}
	first := covariate.First(p)
	blender := f.features.Blender()
	cases := append([]explanation.Case{of}, against...)
	from, to := of.Origin, of.Origin
	for _, c := range cases {
		from, to = min(from, c.Origin), max(to, c.Origin)
	}
	described := make([]covariate.Described, len(cases))
	w := f.features.Width()
	f.features.Origins(p, from, to+1, func(t int, x []float32) {
		for k, c := range cases {
			if c.Origin == t {
				row := append([]float32(nil), x[c.Product*w:(c.Product+1)*w]...)
				described[k] = blender.Describe(row, p.Products[c.Product], p.Month(t).Number(), covariate.AgeAt(first[c.Product], t))
			}
		}
	})
	values := make([]float64, 1<<len(f.Influences()))
	row, blended := make([]float32, 0, f.width()), make([]float32, w)
	for kept := range values {
		for _, other := range described[1:] {
			blender.Blend(blended, described[0], other, uint(kept)<<1)
			row = f.appendRow(row[:0], blended, 0)
			mean, _ := f.model.At(row)
			values[kept] += mean / float64(len(against))
		}
	}
	return values, ctx.Err()
}
