// Package backtest scores forecasts of rolling origins beside each other: all
// methods on the same product-months, by class of demand, with standard errors
// of their differences.
//
// Who forecasts, and from what, is not its business: a Sheet takes the
// distributions that a method gave at an origin and compares them with what was
// sold. Product-months that were available less than 90 % of the month are kept
// apart: what was sold in them is not the demand that is forecast, and the
// forecast is thinned to the share of the month. Neither half is the whole
// truth: where single copies sell out, the fully available months are those of
// low sales, and a forecast of the true demand looks too high in them.
package backtest

import (
	"math"
	"slices"

	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/forecast"
	"github.com/plastinka/predictor/domain/panel"
)

// Sheet collects the scores of methods. It is not safe for concurrent use.
type Sheet struct {
	p       *panel.Panel
	scale   []forecast.Scale // from the months before the first origin
	demand  []string         // by product, likewise
	months  []calendar.Month // that were forecast
	methods []*method
}

// method is one method's column.
type method struct {
	name   string
	simple bool
	keep   bool
	by     map[string]*forecast.Tally
	loss   map[string][]float64 // pinball by product, summed over its cells
	cells  map[string][]float64
	kept   []forecast.BacktestForecast
}

// NewSheet is an empty sheet for forecasts of months from column first of p on.
func NewSheet(p *panel.Panel, first int) *Sheet {
	s := &Sheet{p: p, scale: make([]forecast.Scale, p.N()), demand: make([]string, p.N())}
	for i := range p.N() {
		from, to := p.At(i, 0), p.At(i, 0)+first
		s.scale[i] = forecast.ScaleOf(p.Sales[from:to], p.Availability[from:to])
		s.demand[i] = demand(p, i, first)
	}
	return s
}

// Role says what a method is in the comparison.
type Role struct {
	Simple bool // a simple baseline: the others are compared with the best of these
	Keep   bool // its forecasts are kept
}

// Add scores what the method gave at origin: N·horizon distributions, index
// product·horizon + step. Months beyond the panel are left out.
func (s *Sheet) Add(name string, role Role, origin, horizon int, ds []forecast.Distribution) {
	m := s.method(name, role)
	for step := range min(horizon, s.p.T-origin) {
		t := origin + step
		if month := s.p.Month(t); !slices.Contains(s.months, month) {
			s.months = append(s.months, month)
		}
		for i := range s.p.N() {
			at := s.p.At(i, t)
			if s.p.Availability[at] <= 0 {
				continue
			}
			s.score(m, i, t, ds[i*horizon+step])
		}
	}
}

func (s *Sheet) score(m *method, i, t int, d forecast.Distribution) {
	at := s.p.At(i, t)
	y := float64(s.p.Sales[at])
	if m.keep {
		m.kept = append(m.kept, forecast.BacktestForecast{Product: i, Month: s.p.Month(t), Method: m.name,
			Quantiles: d.Quantiles(), Mean: d.Expected, Actual: y})
	}
	if s.p.Availability[at] < forecast.FullyAvailable {
		s.add(m, Partly, i, y, forecast.Thin(d, float64(s.p.Availability[at])))
		return
	}
	s.add(m, All, i, y, d)
	class := s.demand[i]
	if first := launched(s.p, i, t); first > 0 && t-first < youngMonths {
		class = New
	}
	s.add(m, class, i, y, d)
}

func (s *Sheet) add(m *method, class string, i int, y float64, d forecast.Distribution) {
	if m.by[class] == nil {
		m.by[class] = &forecast.Tally{}
		m.loss[class], m.cells[class] = make([]float64, s.p.N()), make([]float64, s.p.N())
	}
	m.loss[class][i] += m.by[class].Add(d, y, s.scale[i])
	m.cells[class][i]++
}

func (s *Sheet) method(name string, role Role) *method {
	for _, m := range s.methods {
		if m.name == name {
			return m
		}
	}
	m := &method{name: name, simple: role.Simple, keep: role.Keep, by: map[string]*forecast.Tally{},
		loss: map[string][]float64{}, cells: map[string][]float64{}}
	s.methods = append(s.methods, m)
	return m
}

// Pinball is the mean pinball loss of a method over all fully available
// product-months; not a number if it scored none.
func (s *Sheet) Pinball(name string) float64 {
	for _, m := range s.methods {
		if t := m.by[All]; m.name == name && t != nil {
			return t.Row("", "").Pinball
		}
	}
	return math.NaN()
}

// Table is the result: the methods in the order they were added, within each
// class. chosen names the product's own choice, seed the bootstrap's draws.
func (s *Sheet) Table(chosen string, seed uint64) *forecast.Backtest {
	b := &forecast.Backtest{Origins: s.months, Chosen: chosen}
	slices.Sort(b.Origins)
	var best *method
	for _, m := range s.methods {
		if m.simple && m.by[All] != nil && (best == nil || s.Pinball(m.name) < s.Pinball(best.name)) {
			best = m
		}
		b.Forecasts = append(b.Forecasts, m.kept...)
	}
	if best != nil {
		b.Best = best.name
	}
	for _, class := range Classes() {
		errors := s.differences(class, best, seed)
		for j, m := range s.methods {
			t := m.by[class]
			if t == nil {
				continue
			}
			row := t.Row(m.name, class)
			if best != nil && best.by[class] != nil {
				row.Difference = row.Pinball - best.by[class].Row("", "").Pinball
				row.DifferenceError = errors[j]
			}
			b.Rows = append(b.Rows, row)
			if class == All {
				b.Cells = row.Cells
			}
		}
	}
	return b
}
