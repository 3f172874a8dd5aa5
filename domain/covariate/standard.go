// Package covariate computes what a forecaster is told beside the sales
// themselves: the standard features, chosen by measurement on intermittent
// sales, and the classic ones. Every value for a target month comes from the
// months before it.
package covariate

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/panel"
)

// Clip is how many standard deviations a standardised feature may lie from its
// mean.
const Clip = 6

// The widths of the features that are known in advance: sin and cos of the
// month, and the age of the product.
const (
	MonthWidth  = 4
	AgeWidth    = 8
	FutureWidth = MonthWidth + AgeWidth
)

// FirstTarget is the first month whose cells are trained on: earlier ones have
// next to no history.
const FirstTarget = 2

// Standard is the standard feature set, fitted: all constants that were learnt
// from the training months. It is complete in JSON and read-only once fitted
// or read; a forecast from a stored one has the same features to the last bit.
//
// An available month is one with availability > 0; any other is missing and
// adds nothing anywhere. A fully available month counts 1 in the weights, a
// partly available one availability^Gamma.
type Standard struct {
	Gamma float64 `json:"gamma"` // exponent γ of the exposure
	// Rate is g, the mean sales of an available training cell, copies.
	Rate       float64     `json:"rate"`
	Attributes []Attribute `json:"attributes"` // one-hot, in the order of the features
	Styles     []string    `json:"styles"`     // with a level of their own; none if fewer than two
	Stock      bool        `json:"stock"`      // stock on hand was known
	Expected   Expected    `json:"expected"`
	Mean       []float64   `json:"mean"`  // of each feature over the training cells
	Scale      []float64   `json:"scale"` // its standard deviation; 0: constant, always 0
}

// Attribute is one product attribute with its categories in byte order. A
// product whose value is not among them has zeros.
type Attribute struct {
	Name   string   `json:"name"`
	Values []string `json:"values"`
}

// FitStandard learns the standard features from months [0, months) of p. gamma
// is the exponent of the exposure (Config.DataSet.Exposure).
func FitStandard(p *panel.Panel, months int, gamma float64) (*Standard, error) {
	if months < 0 || months > p.T {
		return nil, fault.New(fault.Internal, "internal_error",
			"features cannot be learnt from %d months of a panel of %d", months, p.T)
	}
	s := &Standard{Gamma: gamma, Stock: p.Stock != nil}
	var sold, weight float64
	seen := make([]bool, p.N())
	for i := range p.N() {
		for t := range months {
			if a := p.Availability[p.At(i, t)]; a > 0 {
				seen[i] = true
				sold += float64(p.Sales[p.At(i, t)])
				weight += s.exposure(a)
			}
		}
	}
	// A shop that sold nothing at all still needs logarithms.
	s.Rate = math.Max(sold/math.Max(weight, 1), 1e-4)
	s.learnAttributes(p, seen)
	s.Expected = fitExpected(p, months, s)
	s.Mean, s.Scale = make([]float64, s.width()), make([]float64, s.width())
	s.standardise(p, months)
	return s, nil
}

// standardise learns the features' means and deviations on the training cells.
func (s *Standard) standardise(p *panel.Panel, months int) {
	sum, squares := make([]float64, s.width()), make([]float64, s.width())
	var shift []float64 // the first row, against cancellation
	var n float64
	w := s.newWalk(p)
	for t := range months {
		if t >= FirstTarget {
			w.levels()
			for i := range p.N() {
				if p.Availability[p.At(i, t)] <= 0 {
					continue
				}
				row := w.features(i, t)
				if shift == nil {
					shift = append(shift, row...)
				}
				n++
				for j, v := range row {
					d := v - shift[j]
					sum[j] += d
					squares[j] += d * d
				}
			}
		}
		w.take(t)
	}
	if n == 0 {
		return
	}
	for j := range sum {
		m := sum[j] / n
		s.Mean[j] = shift[j] + m
		if sd := math.Sqrt(math.Max(squares[j]/n-m*m, 0)); sd > 1e-6 {
			s.Scale[j] = sd
		}
	}
}

// SwitchOff makes the features of groups (named by the beginnings of their
// names; attr is those of the attributes) constant: a forecaster is told nothing
// by them, here and in what is known in advance.
func (s *Standard) SwitchOff(groups []string) {
	for j, name := range s.Names() {
		group, _, _ := strings.Cut(name, "_")
		if strings.Contains(name, "=") {
			group = "attr"
		}
		if group == "shop" {
			group = "style"
		}
		if slices.Contains(groups, group) {
			s.Scale[j] = 0
		}
	}
}

// Width is F, the number of features.
func (s *Standard) Width() int { return len(s.Mean) }

func (s *Standard) width() int {
	n := len(spans) + 5 + AgeWidth + 1 + MonthWidth + s.attributeWidth() + 8 + 8 + 1 + 2
	if len(s.Styles) > 0 {
		n += 3
	}
	if s.Stock {
		n++
	}
	return n
}

// Names are the features' names, in order.
func (s *Standard) Names() []string {
	names := []string{"ewm_3", "ewm_6", "ewm_12", "ewm_24", "ewm_all",
		"wt_6", "wt_24", "wt_all", "wt_below_1", "wt_below_3"}
	names = append(names, FutureNames()[MonthWidth:]...)
	names = append(names, "age_decay_2.5_ewm_all")
	names = append(names, FutureNames()[:MonthWidth]...)
	for _, a := range s.Attributes {
		for _, v := range a.Values {
			names = append(names, a.Name+"="+v)
		}
	}
	names = append(names, "norm_expected", "norm_3", "norm_6", "norm_12", "norm_24", "norm_all",
		"norm_weight_24", "norm_weight_all")
	if len(s.Styles) > 0 {
		names = append(names, "style_4", "style_12", "shop_4")
	}
	for _, months := range []int{12, 24} {
		for _, sold := range []string{"0", "1", "2", "3_or_more"} {
			names = append(names, fmt.Sprintf("hist_%d_%s", months, sold))
		}
	}
	names = append(names, "rec", "disp", "disp_weight")
	if s.Stock {
		names = append(names, "stock")
	}
	return names
}

// Origin writes the standardised features of every product for target month t,
// from months before t, to dst (N × Width, row-major). t may be p.T.
func (s *Standard) Origin(dst []float32, p *panel.Panel, t int) {
	w := s.newWalk(p)
	for u := range t {
		w.take(u)
	}
	s.write(dst, w, t)
}

// Origins computes the features for the target months from … to−1 in one pass
// over the panel and calls visit with each: x is N × Width, row-major, as
// Origin writes it, and is overwritten for the next month.
func (s *Standard) Origins(p *panel.Panel, from, to int, visit func(t int, x []float32)) {
	w := s.newWalk(p)
	x := make([]float32, p.N()*s.Width())
	for t := range to {
		if t >= from {
			s.write(x, w, t)
			visit(t, x)
		}
		if t < p.T {
			w.take(t)
		}
	}
}

// Ahead computes the features for several months ahead: for every origin from …
// to−1, in one pass over the panel, it calls visit with those of the target
// months origin … origin+horizon−1, step counting from 0. x is as in Origins.
func (s *Standard) Ahead(p *panel.Panel, from, to, horizon int, visit func(origin, step int, x []float32)) {
	w := s.newWalk(p)
	x := make([]float32, p.N()*s.Width())
	for t := range to {
		if t >= from {
			for step := range horizon {
				s.write(x, w, t+step)
				visit(t, step, x)
			}
		}
		if t < p.T {
			w.take(t)
		}
	}
}

func (s *Standard) write(dst []float32, w *walk, t int) {
	f := s.Width()
	if len(dst) != w.p.N()*f {
		panic(fmt.Sprintf("covariate: features of %d × %d values for %d products", len(dst), f, w.p.N()))
	}
	w.levels()
	for i := range w.p.N() {
		row := dst[i*f : (i+1)*f]
		for j, v := range w.features(i, t) {
			row[j] = s.scaled(j, v)
		}
	}
}

// scaled is feature j standardised and clipped; not a number becomes the mean.
func (s *Standard) scaled(j int, v float64) float32 {
	if s.Scale[j] == 0 {
		return 0
	}
	z := (v - s.Mean[j]) / s.Scale[j]
	if math.IsNaN(z) {
		return 0
	}
	return float32(math.Min(math.Max(z, -Clip), Clip))
}

func (s *Standard) exposure(availability float32) float64 {
	if availability >= 1 || s.Gamma == 0 {
		return 1
	}
	return math.Pow(float64(availability), s.Gamma)
}
