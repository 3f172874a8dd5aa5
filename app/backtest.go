package app

import (
	"context"
	"fmt"

	"github.com/plastinka/predictor/domain/backtest"
	"github.com/plastinka/predictor/domain/baseline"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/forecast"
	"github.com/plastinka/predictor/domain/panel"
	"github.com/plastinka/predictor/domain/training"
	"github.com/plastinka/predictor/ports"
)

// rolling forecasts the last months of a panel from rolling origins, as if it
// had been done then: what forecasts from month t sees a copy of the months
// before t and nothing else.
type rolling struct {
	p       *panel.Panel
	horizon int
	origins int
	every   bool // refit at every origin, not only before the first
	fit     training.Fit
	learner *learner
	chosen  func(origin int, ds []forecast.Distribution) // sees the chosen forecasts; may be nil
	way     *backtest.Way                                // sees all of them; may be nil
}

// first is the column of the first origin.
func (r *rolling) first() int { return r.p.T - r.horizon - r.origins + 1 }

func (r *rolling) run(ctx context.Context, progress func(training.Progress)) (*forecast.Backtest, *fitted, error) {
	first := r.first()
	if first < 1 {
		return nil, nil, fault.New(fault.Invalid, "not_enough_history",
			"%d origins of %d months ahead need more than %d months of history; ask for fewer", r.origins, r.horizon, r.p.T).
			With("months", r.p.T)
	}
	sheet := backtest.NewSheet(r.p, first)
	var now *fitted
	for origin := first; origin <= r.p.T-r.horizon; origin++ {
		known := r.p.Until(origin)
		share := float64(origin-first) / float64(r.origins)
		if now == nil || r.every {
			low, high := 0.0, 0.9
			if r.every {
				low, high = share, share+1/float64(r.origins)
			}
			var err error
			if now, err = r.learn(ctx, known, within(progress, low, high)); err != nil {
				return nil, nil, err
			}
		}
		if !r.every {
			progress(training.Progress{Fraction: 0.9 + 0.1*share, Message: fmt.Sprintf("forecasting %s", r.p.Month(origin).Short())})
		}
		if err := r.score(ctx, sheet, known, now); err != nil {
			return nil, nil, err
		}
	}
	return sheet.Table(now.chosen(), r.fit.Seed), now, nil
}

// learn fits the learner and, to stand beside it, the regression.
func (r *rolling) learn(ctx context.Context, known *panel.Panel, progress func(training.Progress)) (*fitted, error) {
	f := r.fit
	f.Origin, f.Horizon = known.T, r.horizon
	out, err := r.learner.fit(ctx, known, f, progress)
	if err != nil {
		return nil, err
	}
	for _, q := range out.parts {
		if q.name == baseline.Regression {
			return out, nil
		}
	}
	e, err := baseline.NewEngine(baseline.Regression)
	if err != nil {
		return nil, err
	}
	f.Validation = 0
	m, _, err := e.Fit(ctx, known, f, nil)
	if err != nil {
		return nil, err
	}
	out.parts = append(out.parts, part{name: baseline.Regression, model: m})
	return out, nil
}

// chosen is the method that the product itself would use, under its name in the
// table.
func (f *fitted) chosen() string {
	if f.mixed {
		return Ensemble
	}
	return f.parts[0].name
}

// score adds the forecasts of one origin, the end of known, to the sheet: the
// mixture, its members, then the simple methods.
func (r *rolling) score(ctx context.Context, sheet *backtest.Sheet, known *panel.Panel, now *fitted) error {
	origin := known.T
	var members [][]forecast.Distribution
	weights := make([]float64, len(now.parts))
	done := map[string]bool{}
	for i, q := range now.parts {
		ds, err := q.forecast(ctx, known, origin, r.horizon)
		if err != nil {
			return err
		}
		members, weights[i] = append(members, ds), q.weight
	}
	chosen := calibrated(mixNonzero(members, weights), now.spread)
	if !now.mixed {
		members[0] = chosen
	}
	if r.chosen != nil {
		r.chosen(origin, chosen)
	}
	if now.mixed {
		r.add(sheet, Ensemble, backtest.Role{Keep: true}, origin, chosen)
	}
	for i, q := range now.parts {
		r.add(sheet, q.name, backtest.Role{Keep: true, Simple: simple(q.name)}, origin, members[i])
		done[q.name] = true
	}
	for _, m := range baseline.Methods() {
		if m.Forecast == nil || done[m.Name] {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		r.add(sheet, m.Name, backtest.Role{Simple: true}, origin, m.Forecast(known, origin, r.horizon))
	}
	return nil
}

func (r *rolling) add(sheet *backtest.Sheet, name string, role backtest.Role, origin int, ds []forecast.Distribution) {
	sheet.Add(name, role, origin, r.horizon, ds)
	if r.way != nil {
		r.way.Add(name, origin, r.horizon, ds)
	}
}

// simple says whether a method needs no fit: a baseline that the others must
// beat.
func simple(name string) bool {
	m, err := baseline.Find(name)
	return err == nil && m.Forecast != nil
}

var _ ports.Engine = (*baseline.Engine)(nil)
