package tide

import (
	"math"

	"github.com/plastinka/predictor/domain/network"
	"github.com/plastinka/predictor/domain/panel"
	"github.com/plastinka/predictor/domain/training"
)

// covariates are a feature set over the months of one panel.
type covariates interface {
	// write fills in what sample i, a product forecast from months before
	// origin, is told beside its sales.
	write(in *input, i, product, origin int)
	// lookback is what the network is shown of a month's sales.
	lookback(sales, availability float32) float32
}

// samples are the samples of a panel, by index: no window is copied before it
// is needed. The panel has no month that a forecast must not see.
type samples struct {
	p                 *panel.Panel
	covariates        covariates
	lookback, horizon int
	product, origin   []int32
	base              int // what covariates count the first sample as

	look       []float32 // N × T: what the lookback shows
	target     []float32 // N × T: what the likelihood is told
	loga       []float32 // N × T: log of the exposure; nil: 0
	importance []float32 // N × T: 0.1 + α·log1p(z·confidence); nil: all samples weigh 1
}

func newSamples(p *panel.Panel, c covariates, s network.Shape) *samples {
	x := &samples{p: p, covariates: c, lookback: s.Lookback, horizon: s.Horizon, look: make([]float32, len(p.Sales))}
	for i, y := range p.Sales {
		x.look[i] = c.lookback(y, p.Availability[i])
	}
	return x
}

// learn adds what training needs: targets, exposures and weights.
func (x *samples) learn(c training.Config, scale func(y float64) float64) {
	n := len(x.p.Sales)
	x.target = make([]float32, n)
	copies := c.Likelihood == training.NegativeBinomial
	if copies && c.DataSet.Exposure > 0 {
		x.loga = make([]float32, n)
	}
	if !copies && c.DataSet.Alpha > 0 {
		x.importance = make([]float32, n)
	}
	for i, y := range x.p.Sales {
		z := scale(float64(y))
		x.target[i] = float32(z)
		if copies {
			x.target[i] = max(y, 0)
		}
		if a := x.p.Availability[i]; x.loga != nil && a > 0 {
			x.loga[i] = float32(c.DataSet.Exposure * math.Log(min(float64(a), 1)))
		}
		if x.importance != nil {
			x.importance[i] = float32(0.1 + c.DataSet.Alpha*math.Log1p(max(z*float64(x.p.Confidence[i]), 0)))
		}
	}
}

// add takes in the sample of a product forecast from months before origin.
func (x *samples) add(product, origin int) {
	x.product = append(x.product, int32(product))
	x.origin = append(x.origin, int32(origin))
}

// selection says which samples there are to learn from.
type selection struct {
	first        int     // least origin
	minimumSales int     // months with sales in the lookback
	available    float32 // in at least one target month, exclusive
}

// choose adds the samples whose H target months lie within from … to−1. Neither
// this nor a weight looks at what was sold in them.
func (x *samples) choose(s selection, from, to int) {
	for origin := max(from, s.first); origin+x.horizon <= to; origin++ {
		for i := range x.p.N() {
			if x.known(i, origin, s.available) && x.soldMonths(i, origin) >= s.minimumSales {
				x.add(i, origin)
			}
		}
	}
}

func (x *samples) known(product, origin int, least float32) bool {
	for h := range x.horizon {
		if x.p.Availability[x.p.At(product, origin+h)] > least {
			return true
		}
	}
	return false
}

func (x *samples) soldMonths(product, origin int) (n int) {
	for t := max(origin-x.lookback, 0); t < origin; t++ {
		if x.p.Sales[x.p.At(product, t)] > 0 {
			n++
		}
	}
	return n
}

// fill writes a sample; months before the first show nothing.
func (x *samples) fill(in *input, i int) {
	product, origin := int(x.product[i]), int(x.origin[i])
	start := origin - x.lookback
	missing := max(-start, 0)
	clear(in.Lookback[:missing])
	copy(in.Lookback[missing:], x.look[x.p.At(product, start+missing):x.p.At(product, origin)])
	if x.target != nil {
		x.fillTarget(in, product, origin)
	}
	x.covariates.write(in, x.base+i, product, origin)
}

func (x *samples) fillTarget(in *input, product, origin int) {
	weight := float32(1)
	if x.importance != nil {
		var sum float64
		for _, v := range x.importance[x.p.At(product, max(origin-x.lookback, 0)):x.p.At(product, origin)] {
			sum += float64(v)
		}
		weight = float32(sum / float64(x.lookback))
	}
	for h := range x.horizon {
		at := x.p.At(product, origin+h)
		in.Target[h], in.Weight[h], in.LogA[h] = x.target[at], weight, 0
		if x.p.Availability[at] <= 0 {
			in.Weight[h] = 0
		}
		if x.loga != nil {
			in.LogA[h] = x.loga[at]
		}
	}
}
