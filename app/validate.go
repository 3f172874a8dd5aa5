package app

import (
	"context"
	"math"
	"slices"

	"github.com/plastinka/predictor/domain/baseline"
	"github.com/plastinka/predictor/domain/forecast"
	"github.com/plastinka/predictor/domain/panel"
	"github.com/plastinka/predictor/domain/training"
)

// validation is what the members forecast for the last months, beside what was
// sold: the product-months that were available at least 90 % of the month.
//
// Those that were available in a part of it are kept apart, with the forecasts
// thinned to that part. They decide on the weights together with the others:
// where single copies sell out, the fully available months are those in which
// little was sold, and whoever forecasts too little would win them.
type validation struct {
	months    int
	round     bool
	sold      []float64
	cells     [][2]int // product and month
	scale     []forecast.Scale
	members   [][]forecast.Distribution // by member, then cell
	shrunk    []forecast.Distribution   // the yardstick's
	partly    thinned
	low, high float64 // the classic scaler's bounds of log1p(sales)
}

// thinned are partly available product-months, as in a validation.
type thinned struct {
	sold    []float64
	cells   [][2]int
	members [][]forecast.Distribution
}

// validate lets the members forecast each of the last f.Validation months
// before f.Origin, and those up to f.Horizon ahead, from the months before it.
func validate(ctx context.Context, p *panel.Panel, f training.Fit, parts []part) (*validation, error) {
	start := f.Origin - f.Validation
	v := &validation{months: f.Validation, round: f.Config.RoundQuantiles, members: make([][]forecast.Distribution, len(parts))}
	v.partly.members = make([][]forecast.Distribution, len(parts))
	v.low, v.high = bounds(p, start)
	scale := make([]forecast.Scale, p.N())
	for i := range scale {
		from, to := p.At(i, 0), p.At(i, 0)+start
		scale[i] = forecast.ScaleOf(p.Sales[from:to], p.Availability[from:to])
	}
	yardstick, err := baseline.Find(baseline.ShrunkHistogram)
	if err != nil {
		return nil, err
	}
	for origin := start; origin < f.Origin; origin++ {
		horizon := min(f.Horizon, f.Origin-origin)
		var cells, partly []int
		var share []float64
		for i := range p.N() {
			for step := range horizon {
				at := p.At(i, origin+step)
				switch a := p.Availability[at]; {
				case a >= forecast.FullyAvailable:
					cells = append(cells, i*horizon+step)
					v.sold = append(v.sold, float64(p.Sales[at]))
					v.cells = append(v.cells, [2]int{i, origin + step})
					v.scale = append(v.scale, scale[i])
				case a > 0:
					partly, share = append(partly, i*horizon+step), append(share, float64(a))
					v.partly.sold = append(v.partly.sold, float64(p.Sales[at]))
					v.partly.cells = append(v.partly.cells, [2]int{i, origin + step})
				}
			}
		}
		known := p.Until(origin)
		shrunk := yardstick.Forecast(known, origin, horizon)
		v.shrunk = pick(v.shrunk, shrunk, cells)
		for j, q := range parts {
			all := shrunk
			if q.name != baseline.ShrunkHistogram {
				if all, err = q.forecast(ctx, known, origin, horizon); err != nil {
					return nil, err
				}
			}
			v.members[j] = pick(v.members[j], all, cells)
			for k, c := range partly {
				v.partly.members[j] = append(v.partly.members[j], forecast.Thin(all[c], share[k]))
			}
		}
	}
	return v, ctx.Err()
}

func pick(dst, from []forecast.Distribution, cells []int) []forecast.Distribution {
	for _, c := range cells {
		dst = append(dst, from[c])
	}
	return dst
}

// bounds are the least and the largest log1p(sales) of months [0, months).
func bounds(p *panel.Panel, months int) (low, high float64) {
	low = math.Inf(1)
	for i := range p.N() {
		for t := range months {
			z := math.Log1p(math.Max(float64(p.Sales[p.At(i, t)]), 0))
			low, high = math.Min(low, z), math.Max(high, z)
		}
	}
	return math.Min(low, high), high
}

func (v *validation) weights() []float64 {
	members, sold, _ := v.all()
	return chooseWeights(members, sold)
}

// all are the fully and the partly available product-months.
func (v *validation) all() (members [][]forecast.Distribution, sold []float64, cells [][2]int) {
	members = make([][]forecast.Distribution, len(v.members))
	for j := range members {
		members[j] = slices.Concat(v.members[j], v.partly.members[j])
	}
	return members, slices.Concat(v.sold, v.partly.sold), slices.Concat(v.cells, v.partly.cells)
}

// calibration is what the mixture asks for.
func (v *validation) calibration(weights []float64) (c forecast.Calibration, before, after float64) {
	members, sold, cells := v.all()
	outcomes := make([]forecast.Outcome, len(sold))
	for i, d := range mixNonzero(members, weights) {
		outcomes[i] = forecast.Outcome{Forecast: d, Sold: sold[i], Product: cells[i][0], Month: cells[i][1]}
	}
	c = forecast.Calibrate(outcomes)
	before, _ = forecast.Coverage(outcomes)
	if c.Spread == 1 {
		return c, before, before
	}
	for i := range outcomes {
		outcomes[i].Forecast = c.Apply(outcomes[i].Forecast)
	}
	after, _ = forecast.Coverage(outcomes)
	return c, before, after
}

// report writes the metrics of §2.4 under their names with a prefix: those of
// the first member, which is what was trained, and the pinball losses of the
// mixture.
func (v *validation) report(metrics map[string]float64, prefix string, weights []float64) {
	if len(v.sold) == 0 {
		return
	}
	var trained, mixed, shrunk forecast.Tally
	lower, upper, scaled := make([]float64, len(v.sold)), make([]float64, len(v.sold)), make([]float64, len(v.sold))
	zero := make([]bool, len(v.sold))
	mixture := mixNonzero(v.members, weights)
	for i, y := range v.sold {
		trained.Add(v.members[0][i], y, v.scale[i])
		mixed.Add(mixture[i], y, v.scale[i])
		shrunk.Add(v.shrunk[i], y, v.scale[i])
		q := v.members[0][i].Quantiles()
		lower[i], upper[i], scaled[i], zero[i] = v.scaled(q[0]), v.scaled(q[4]), v.scaled(y), y == 0
	}
	s := forecast.Intervals(lower, upper, scaled, zero)
	row, yard := trained.Row("", ""), shrunk.Row("", "").Pinball
	for name, value := range map[string]float64{
		"MIWS": s.MIWS, "MIC": s.MIC, "MIWS_MIC_Ratio": s.Ratio,
		"pinball": row.Pinball, "wql": row.WQL, "coverage_50": row.Coverage50, "coverage_90": row.Coverage90,
		"wape": row.WAPE, "bias": row.Bias, "wape_median": row.WAPEMedian, "bias_median": row.BiasMedian,
		"rmsse": row.RMSSE, "scaled_pinball": row.Scaled, "mase": row.MASE,
		"shrunk_histogram_pinball": yard, "relative_pinball": row.Pinball / yard,
	} {
		put(metrics, prefix+name, value)
	}
	if len(v.members) > 1 {
		put(metrics, prefix+"ensemble_pinball", mixed.Row("", "").Pinball)
		put(metrics, prefix+"ensemble_relative_pinball", mixed.Row("", "").Pinball/yard)
	}
}

// scaled is copies on the classic scale, where 0 is the least and 1 the largest
// log1p(sales) of the training months (§2.1), rounded before where
// round_quantiles is on.
func (v *validation) scaled(copies float64) float64 {
	if v.round {
		copies = math.Round(copies)
	}
	width := v.high - v.low
	if width == 0 {
		width = 1
	}
	return (math.Log1p(math.Max(copies, 0)) - v.low) / width
}
