package app

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/plastinka/predictor/domain/forecast"
	"github.com/plastinka/predictor/domain/panel"
	"github.com/plastinka/predictor/ports"
)

// mixture forecasts with the members' mixed distributions.
type mixture []part

// Forecast is a ports.Model's.
func (m mixture) Forecast(ctx context.Context, p *panel.Panel, origin, horizon int) ([]forecast.Distribution, error) {
	var members [][]forecast.Distribution
	var weights []float64
	for _, q := range m {
		if q.weight == 0 {
			continue
		}
		ds, err := q.forecast(ctx, p, origin, horizon)
		if err != nil {
			return nil, err
		}
		members, weights = append(members, ds), append(weights, q.weight)
	}
	return mix(members, weights), nil
}

// adjusted forecasts with a mixture whose spread is corrected.
type adjusted struct {
	mixture
	spread forecast.Calibration
}

// Forecast is a ports.Model's.
func (a adjusted) Forecast(ctx context.Context, p *panel.Panel, origin, horizon int) ([]forecast.Distribution, error) {
	ds, err := a.mixture.Forecast(ctx, p, origin, horizon)
	return calibrated(ds, a.spread), err
}

// calibrated are ds with their spread corrected, ds itself if there is nothing to
// correct.
func calibrated(ds []forecast.Distribution, c forecast.Calibration) []forecast.Distribution {
	if c.Spread == 0 || c.Spread == 1 {
		return ds
	}
	out := make([]forecast.Distribution, len(ds))
	for i, d := range ds {
		out[i] = c.Apply(d)
	}
	return out
}

var _ ports.Model = adjusted{}

// forecast is the member's own, checked: a network can go astray.
func (q part) forecast(ctx context.Context, p *panel.Panel, origin, horizon int) ([]forecast.Distribution, error) {
	ds, err := q.model.Forecast(ctx, p, origin, horizon)
	if err != nil {
		return nil, failedTraining(q.name, err)
	}
	for _, d := range ds {
		if math.IsNaN(d.Expected) || math.IsInf(d.Expected, 0) {
			return nil, failedTraining(q.name, errors.New("a forecast is not a number; a lower learning rate may help"))
		}
	}
	return ds, nil
}

// mix mixes the members' distributions, one by one.
func mix(members [][]forecast.Distribution, weights []float64) []forecast.Distribution {
	if len(members) == 1 {
		return members[0]
	}
	out := make([]forecast.Distribution, len(members[0]))
	ds := make([]forecast.Distribution, len(members))
	for i := range out {
		for j := range members {
			ds[j] = members[j][i]
		}
		out[i] = forecast.Mix(ds, weights)
	}
	return out
}

// describe says what makes the forecasts, e.g. "ensemble(tide 0.50,
// regression 0.50)", with ", spread × 1.25" if that was corrected.
func describe(parts []part, spread forecast.Calibration) string {
	correction := ""
	if spread.Spread != 0 && spread.Spread != 1 {
		correction = fmt.Sprintf(", spread × %.2f", spread.Spread)
	}
	var used []string
	for _, q := range parts {
		if q.weight > 0 {
			used = append(used, fmt.Sprintf("%s %.2f", q.name, q.weight))
		}
	}
	if len(used) == 1 {
		return strings.TrimSuffix(used[0], " 1.00") + correction
	}
	return Ensemble + "(" + strings.Join(used, ", ") + ")" + correction
}

// steps is into how many parts the weights of a mixture are divided.
const steps = 5

// chooseWeights are the weights, in steps of 1/5, whose mixture has the least
// mean pinball loss on the cells sold: members[j][i] is member j's distribution
// of cell i. Mixing saves choosing more than it gains, so the equal mixture of
// the first two stays unless another is better by more than chance: by more
// than the standard error of the difference.
func chooseWeights(members [][]forecast.Distribution, sold []float64) []float64 {
	n := len(members)
	if n == 1 {
		return []float64{1}
	}
	best := make([]float64, n)
	best[0], best[1] = 0.5, 0.5
	if len(sold) == 0 {
		return best
	}
	usual, gain := losses(mixNonzero(members, best), sold), 0.0
	compositions(n, steps, func(parts []int) {
		weights := make([]float64, n)
		for j, k := range parts {
			weights[j] = float64(k) / steps
		}
		better, deviation := advantage(usual, losses(mixNonzero(members, weights), sold))
		if better > deviation && better > gain {
			best, gain = weights, better
		}
	})
	return best
}

// losses are the pinball losses of the cells, the mean over the five levels.
func losses(ds []forecast.Distribution, sold []float64) []float64 {
	out := make([]float64, len(sold))
	for i, d := range ds {
		q := d.Quantiles()
		for k, level := range forecast.Levels {
			out[i] += forecast.Pinball(level, sold[i], q[k]) / float64(len(forecast.Levels))
		}
	}
	return out
}

// mixNonzero mixes the members that have a weight.
func mixNonzero(members [][]forecast.Distribution, weights []float64) []forecast.Distribution {
	var some [][]forecast.Distribution
	var w []float64
	for j, m := range members {
		if weights[j] > 0 {
			some, w = append(some, m), append(w, weights[j])
		}
	}
	return mix(some, w)
}

// advantage is the mean of a − b and its standard error.
func advantage(a, b []float64) (mean, deviation float64) {
	n := float64(len(a))
	var squares float64
	for i := range a {
		d := a[i] - b[i]
		mean += d / n
		squares += d * d
	}
	return mean, math.Sqrt(math.Max(squares/n-mean*mean, 0) / n)
}

// compositions visits every way to write total as n numbers from 0 on.
func compositions(n, total int, visit func(parts []int)) {
	parts := make([]int, 0, n)
	var add func(left int)
	add = func(left int) {
		if len(parts) == n-1 {
			visit(append(slices.Clone(parts), left))
			return
		}
		for k := 0; k <= left; k++ {
			parts = append(parts, k)
			add(left - k)
			parts = parts[:len(parts)-1]
		}
	}
	add(total)
}
