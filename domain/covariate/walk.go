package covariate

import (
	"math"

	"github.com/plastinka/predictor/domain/panel"
)

// spans of the exponentially weighted sums, in months; 0 is the plain sum.
var spans = [5]float64{3, 6, 12, 24, 0}

// decays are d = 1 − 2/(span+1) of spans, then that of the level of a style,
// span 4; its other span, 12, is among them.
var decays = [6]float64{1 - 2.0/4, 1 - 2.0/7, 1 - 2.0/13, 1 - 2.0/25, 1, 1 - 2.0/5}

const (
	span6, span12, span24, spanAll, spanStyle = 1, 2, 3, 4, 5
)

// history is what has been seen of a product: S = Σ d^k·y, W = Σ d^k·a^γ and
// E = Σ d^k·a^γ·e over available months, k counted back from the newest.
type history struct {
	sales, weight, expected [6]float64
	first                   int        // first available month, −1 before
	idle                    float64    // available months since the last sale, from 3
	hist                    [8]float64 // available months with 0, 1, 2, ≥ 3 sold: last 12, last 24
	excess, square          float64    // Σ((y−m)² − m) and Σm², m expected with own level
}

// walk moves through a panel month by month; after take(0) … take(t−1) it can
// tell the features for target month t.
type walk struct {
	s       *Standard
	p       *panel.Panel
	ones    [][]int32
	style   []int32
	base    []float64 // e of a product but for age and season
	byMonth [12]float64
	byAge   []float64 // factor by age + 1
	state   []history
	row     []float64
	taken   int          // months taken
	styles  [][2]float64 // level by style, spans 4 and 12
	shop    [2]float64
}

func (s *Standard) newWalk(p *panel.Panel) *walk {
	w := &walk{s: s, p: p, base: make([]float64, p.N()), state: make([]history, p.N()),
		row: make([]float64, s.width()), styles: make([][2]float64, len(s.Styles)), byAge: make([]float64, p.T+2+60)} // targets may lie years ahead
	w.ones, w.style = s.encode(p.Products)
	for i := range w.state {
		w.state[i] = history{first: -1, idle: 3}
		eta := s.Expected.Intercept
		for _, j := range w.ones[i] {
			eta += s.Expected.Attribute[j]
		}
		w.base[i] = math.Exp(eta)
	}
	for m := range w.byMonth {
		var eta float64
		for j, v := range seasons[m] {
			eta += v * s.Expected.Season[j]
		}
		w.byMonth[m] = math.Exp(eta)
	}
	for a := range w.byAge {
		var row [AgeWidth]float64
		ages(&row, max(a-1, 0), a > 0)
		var eta float64
		for j, v := range s.Expected.Age {
			eta += v * row[j]
		}
		w.byAge[a] = math.Exp(eta)
	}
	return w
}

// What the first regression may expect of a product in a month, copies.
const leastExpected, mostExpected = 1e-4, 400

// rate is e, what the first regression expects of a product in month t.
func (w *walk) rate(i, first, t int) float64 {
	age := 0
	if first > 0 {
		age = min(t-first+1, len(w.byAge)-1)
	}
	e := w.base[i] * w.byAge[age] * w.byMonth[w.p.Month(t).Number()-1]
	return math.Min(math.Max(e, leastExpected), mostExpected)
}

// take adds month t, the one after those taken.
func (w *walk) take(t int) {
	w.taken = t + 1
	for i := range w.state {
		h := &w.state[i]
		for j, d := range decays {
			h.sales[j] *= d
			h.weight[j] *= d
			h.expected[j] *= d
		}
		w.forget(h, i, t)
		at := w.p.At(i, t)
		if w.p.Availability[at] <= 0 {
			continue
		}
		if h.first < 0 {
			h.first = t
		}
		y, exposure := math.Max(float64(w.p.Sales[at]), 0), w.s.exposure(w.p.Availability[at])
		e := exposure * w.rate(i, h.first, t)
		m := e * (h.sales[spanAll] + w.s.Rate) / (h.expected[spanAll] + w.s.Rate)
		h.excess += (y-m)*(y-m) - m
		h.square += m * m
		for j := range decays {
			h.sales[j] += y
			h.weight[j] += exposure
			h.expected[j] += e
		}
		if y > 0 {
			h.idle = 0
		} else {
			h.idle++
		}
		bin := int(math.Min(y, 3))
		h.hist[bin]++
		h.hist[4+bin]++
	}
}

// forget drops the months that leave the windows of 12 and 24 as month t comes.
func (w *walk) forget(h *history, i, t int) {
	for k, months := range [2]int{12, 24} {
		old := t - months
		if old < 0 {
			return
		}
		at := w.p.At(i, old)
		if w.p.Availability[at] > 0 {
			h.hist[4*k+int(math.Min(math.Max(float64(w.p.Sales[at]), 0), 3))]--
		}
	}
}

// levels works out how the styles and the shop do against expectation after the
// months taken; features needs it.
func (w *walk) levels() {
	if len(w.styles) == 0 {
		return
	}
	type sums struct{ sales, expected [2]float64 }
	byStyle := make([]sums, len(w.styles))
	var all sums
	for i := range w.state {
		h := &w.state[i]
		for k, j := range [2]int{spanStyle, span12} {
			all.sales[k] += h.sales[j]
			all.expected[k] += h.expected[j]
			if style := w.style[i]; style >= 0 {
				byStyle[style].sales[k] += h.sales[j]
				byStyle[style].expected[k] += h.expected[j]
			}
		}
	}
	level := func(s sums) (l [2]float64) {
		for k := range l {
			l[k] = math.Log((s.sales[k] + 5) / (s.expected[k] + 5))
		}
		return l
	}
	w.shop = level(all)
	for j, s := range byStyle {
		w.styles[j] = level(s)
	}
}

// features are product i's for target month t, the first after those taken or a
// later one, before standardisation, in the order of Names. The slice is overwritten by the next call.
func (w *walk) features(i, t int) []float64 {
	h, g := &w.state[i], w.s.Rate
	first := h.first
	if first < 0 {
		first = t // never seen: if it sells in t, t is its first month
	}
	row := w.row[:0]
	for j := range spans {
		row = append(row, math.Log((h.sales[j]+g)/(h.weight[j]+1)))
	}
	ewmAll := row[spanAll]
	all := h.weight[spanAll]
	row = append(row, math.Log1p(h.weight[span6]), math.Log1p(h.weight[span24]), math.Log1p(all),
		indicator(all < 1), indicator(all < 3))
	var age [AgeWidth]float64
	ages(&age, t-first, first > 0)
	row = append(row, age[:]...)
	row = append(row, age[1]*ewmAll)
	season := seasons[w.p.Month(t).Number()-1]
	row = append(row, season[:]...)
	start := len(row)
	row = row[:start+w.s.attributeWidth()]
	clear(row[start:])
	for _, j := range w.ones[i] {
		row[start+int(j)] = 1
	}
	row = append(row, math.Log(w.rate(i, first, t)))
	for j := range spans {
		row = append(row, math.Log((h.sales[j]+g)/(h.expected[j]+g)))
	}
	row = append(row, math.Log(h.expected[span24]+0.01), math.Log(h.expected[spanAll]+0.01))
	if len(w.styles) > 0 {
		own := w.shop
		if w.style[i] >= 0 {
			own = w.styles[w.style[i]]
		}
		row = append(row, own[0], own[1], w.shop[0])
	}
	row = appendShares(row, h)
	row = append(row, math.Log1p(h.idle),
		math.Log((math.Max(h.excess, 0)+2)/(h.square+3)), math.Log1p(h.square))
	if w.s.Stock {
		row = append(row, w.stock(i))
	}
	return row
}

// appendShares adds the shares of the counts among the available months of the
// last 12 and 24; 0 where there is none.
func appendShares(row []float64, h *history) []float64 {
	for k := range 2 {
		bins := h.hist[4*k : 4*k+4]
		n := math.Max(bins[0]+bins[1]+bins[2]+bins[3], 1)
		for _, c := range bins {
			row = append(row, c/n)
		}
	}
	return row
}

// stock is log1p of the copies on hand at the end of the last month taken; not
// a number, hence the mean, where it is not known.
func (w *walk) stock(i int) float64 {
	if w.p.Stock == nil || w.taken == 0 {
		return math.NaN()
	}
	return math.Log1p(math.Max(float64(w.p.Stock[w.p.At(i, w.taken-1)]), 0))
}
