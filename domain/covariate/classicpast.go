package covariate

import (
	"math"

	"github.com/plastinka/predictor/domain/panel"
)

// ClassicHistory has the classic past covariates of every product and month.
// A row is safe to use for any forecast made after its month: averages are from
// that month and those before it. Only the months before a group's first value
// would take that value over, which is a look ahead; Row therefore does so only
// where the origin lies after it.
type ClassicHistory struct {
	months int
	rows   []float32             // (product·months + month) × ClassicPast
	first  [len(grouped)][]int32 // month of the first value of the product's groups
}

// History computes the past covariates of months [0, months) of p. In the
// order of a row: for each of release type, cover type, style and price
// category, the exponentially weighted mean and variance of the group's mean
// sales (a group being the products with the same value and recording decade,
// its mean over those available); the mean of the product's own sales; all of
// these scaled; availability; confidence.
func (c *Classic) History(p *panel.Panel, months int) *ClassicHistory {
	h := &ClassicHistory{months: months, rows: make([]float32, p.N()*months*ClassicPast)}
	for f, of := range grouped {
		members := map[[2]string][]int{}
		for i, product := range p.Products {
			key := [2]string{of(product), decade(product)}
			members[key] = append(members[key], i)
		}
		h.first[f] = make([]int32, p.N())
		for _, list := range members {
			x := groupMeans(p, list, months)
			first := firstNumber(x)
			mean, variance := averages(x, c.Span)
			for _, i := range list {
				h.first[f][i] = int32(first)
				for t := range months {
					row := h.row(i, t)
					row[2*f], row[2*f+1] = float32(c.Scaler.Scale(mean[t])), float32(c.Scaler.Scale(variance[t]))
				}
			}
		}
	}
	own := make([]float64, months)
	for i := range p.N() {
		at := p.At(i, 0)
		for t := range months {
			own[t] = float64(p.Sales[at+t])
		}
		mean, _ := averages(own, c.Span)
		for t := range months {
			row := h.row(i, t)
			row[8], row[9], row[10] = float32(c.Scaler.Scale(mean[t])), p.Availability[at+t], p.Confidence[at+t]
		}
	}
	return h
}

func (h *ClassicHistory) row(product, month int) []float32 {
	return h.rows[(product*h.months+month)*ClassicPast:][:ClassicPast]
}

// Row writes the covariates of a product's month, as they stand at origin, to
// dst. month < origin.
func (h *ClassicHistory) Row(dst []float32, product, month, origin int) {
	copy(dst, h.row(product, month))
	for f := range grouped {
		first := int(h.first[f][product])
		if month < first && first-month <= maxBackfill && first < origin {
			dst[2*f] = h.row(product, first)[2*f]
		}
	}
}

// groupMeans are the mean sales of the members that are available, month by
// month; not a number where none is.
func groupMeans(p *panel.Panel, members []int, months int) []float64 {
	x := make([]float64, months)
	for t := range x {
		var sold, n float64
		for _, i := range members {
			if at := p.At(i, t); p.Availability[at] > 0 {
				sold += float64(p.Sales[at])
				n++
			}
		}
		x[t] = sold / n // 0/0 is not a number
	}
	return x
}

func firstNumber(x []float64) int {
	for t, v := range x {
		if !math.IsNaN(v) {
			return t
		}
	}
	return len(x)
}

// averages are the exponentially weighted mean and variance of x with
// α = 2/(span + 1): m_t = m_{t−1} + α(x_t − m_{t−1}) and
// v_t = (1 − α)(v_{t−1} + α(x_t − m_{t−1})²), 0 at the first value. Values that
// are not numbers repeat the last averages; leading ones are 0.
func averages(x []float64, span float64) (mean, variance []float64) {
	alpha := 2 / (span + 1)
	mean, variance = make([]float64, len(x)), make([]float64, len(x))
	var m, v float64
	seen := false
	for t, y := range x {
		switch {
		case math.IsNaN(y):
		case !seen:
			m, seen = y, true
		default:
			d := y - m
			m += alpha * d
			v = (1 - alpha) * (v + alpha*d*d)
		}
		mean[t], variance[t] = m, v
	}
	return mean, variance
}
