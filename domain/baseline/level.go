package baseline

import (
	"slices"
	"sort"

	"github.com/plastinka/predictor/domain/forecast"
	"github.com/plastinka/predictor/domain/panel"
)

const (
	levelDecay  = 1 - 2.0/13 // of the own exponentially weighted mean, span 12
	levelStart  = 5          // the first column whose level says enough: the sixth month
	groupCells  = 100        // product-months that a group should have
	unknown     = -1.0       // the level of a product before its first month
	levelGroups = 20
)

// ageBins are the first ages, in months since the first available one, of the
// bins of launched products; products that were there when the data began are
// in the bin old.
var ageBins = [...]int{0, 1, 2, 3, 5, 8, 13}

const old = len(ageBins)

// ageBin is the bin of a product in the target month: its age there, if it was
// launched after the data began.
func ageBin(first, month int) int {
	if first == 0 {
		return old
	}
	b := 0
	for b+1 < old && month-first >= ageBins[b+1] {
		b++
	}
	return b
}

// levels are the exponentially weighted mean sales of every product after each
// month, Σ d^k·y / Σ d^k·a over available months: N × origin, row-major.
func levels(p *panel.Panel, origin int) []float64 {
	out := make([]float64, p.N()*origin)
	for i := range p.N() {
		var sales, weight float64
		row := out[i*origin : (i+1)*origin]
		for t := range row {
			sales *= levelDecay
			weight *= levelDecay
			if at := p.At(i, t); p.Availability[at] > 0 {
				sales += float64(p.Sales[at])
				weight += float64(p.Availability[at])
			}
			row[t] = unknown
			if weight > 0 {
				row[t] = sales / weight
			}
		}
	}
	return out
}

// firsts are the first available months before origin, origin where there is
// none.
func firsts(p *panel.Panel, origin int) []int {
	first := make([]int, p.N())
	for i := range first {
		for first[i] < origin && p.Availability[p.At(i, first[i])] <= 0 {
			first[i]++
		}
	}
	return first
}

// pool is what followed, some months ahead, on the levels of the past: the
// product-months are cut into groups of equal size by level, and each group has
// the histogram of its sales.
type pool struct {
	bins [old + 1]binOfPool
	all  []float64 // of all available months, for want of anything better
}

type binOfPool struct {
	cells int
	cuts  []float64 // between the groups, ascending
	hist  [][]float64
}

// pooling says how to pool: into how many groups, and whether launched products
// are kept apart by age.
type pooling struct {
	groups int
	byAge  bool
	least  int // cells a group must have; 0: any
}

// gather pools months [0, origin) of p for forecasts lead months ahead. The
// groups are cut over all levels, also the newest ones, which nothing is known
// to have followed yet.
func (g pooling) gather(p *panel.Panel, level []float64, first []int, origin, lead int) *pool {
	q := &pool{}
	var found [old + 1][]float64
	for i := range p.N() {
		for t := g.start(first[i], origin); t < origin; t++ {
			if p.Availability[p.At(i, t)] > 0 {
				bin := g.bin(first[i], t+lead)
				found[bin] = append(found[bin], level[i*origin+t])
			}
		}
	}
	for b := range q.bins {
		n := g.groups
		if g.least > 0 {
			n = max(1, min(n, len(found[b])/g.least))
		}
		slices.Sort(found[b])
		q.bins[b].cuts = cuts(found[b], n)
		q.bins[b].hist = make([][]float64, n)
	}
	for i := range p.N() {
		start := g.start(first[i], origin)
		for t := range origin {
			at := p.At(i, t)
			if p.Availability[at] <= 0 {
				continue
			}
			y, share := count(p.Sales[at]), float64(p.Availability[at])
			q.all = add(q.all, y, share)
			if t-lead >= start {
				q.add(g.bin(first[i], t), level[i*origin+t-lead], y, share)
			} else if g.byAge && first[i] > 0 {
				q.add(g.bin(first[i], t), unknown, y, share)
			}
		}
	}
	return q
}

// start is the first month whose level counts: the first one of a launched
// product; later for those of whose past the data know little.
func (g pooling) start(first, origin int) int {
	if g.byAge && first > 0 {
		return first
	}
	return max(first, min(levelStart, origin/2))
}

func (g pooling) bin(first, month int) int {
	if !g.byAge {
		return old
	}
	return ageBin(first, month)
}

func (q *pool) add(bin int, level float64, y int, weight float64) {
	b := &q.bins[bin]
	j := b.group(level)
	b.hist[j] = add(b.hist[j], y, weight)
	b.cells++
}

// cuts are the n−1 inner n-quantiles of sorted, linear at position q·(len−1).
func cuts(sorted []float64, n int) []float64 {
	if len(sorted) == 0 {
		return nil
	}
	out := make([]float64, 0, n-1)
	for j := 1; j < n; j++ {
		at := float64(j) / float64(n) * float64(len(sorted)-1)
		k := int(at)
		v := sorted[k]
		if k+1 < len(sorted) {
			v += (at - float64(k)) * (sorted[k+1] - v)
		}
		out = append(out, v)
	}
	return out
}

// group counts the cuts that the level has reached.
func (b *binOfPool) group(level float64) int {
	return sort.Search(len(b.cuts), func(i int) bool { return b.cuts[i] > level })
}

// histogram is what followed on the level of a product in the bin; a bin of
// too few product-months is answered by the next older one. A product without a
// level is like those of its own age, or like all: the lowest level is not its.
func (q *pool) histogram(bin int, level float64) []float64 {
	for b := bin; b <= old; b++ {
		if level == unknown && (b > bin || b == old) {
			break
		}
		if q.bins[b].cells < groupCells/2 && b < old {
			continue
		}
		if h := q.bins[b].hist[q.bins[b].group(level)]; len(h) > 0 {
			return h
		}
	}
	return q.all
}

// levelGroup is what followed on the same level in the past.
func levelGroup(p *panel.Panel, origin, horizon int) []forecast.Distribution {
	g := pooling{groups: levelGroups}
	return g.forecast(p, origin, horizon, func(_ int, hist []float64) forecast.Distribution {
		return forecast.Counts(slices.Clone(hist))
	})
}

// forecast makes each product's distribution from its group's histogram.
func (g pooling) forecast(p *panel.Panel, origin, horizon int,
	from func(product int, hist []float64) forecast.Distribution) []forecast.Distribution {
	out := make([]forecast.Distribution, p.N()*horizon)
	level, first := levels(p, origin), firsts(p, origin)
	for k := range horizon {
		q := g.gather(p, level, first, origin, k+1)
		for i := range p.N() {
			l, bin := unknown, old
			if origin > 0 {
				l = level[i*origin+origin-1]
			}
			if first[i] < origin {
				bin = g.bin(first[i], origin+k)
			} else if origin > 0 { // not seen yet: if it sells then, it is new
				bin = g.bin(origin+k, origin+k)
			}
			out[i*horizon+k] = from(i, q.histogram(bin, l))
		}
	}
	return out
}
