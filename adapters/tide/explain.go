package tide

import (
	"context"

	"github.com/plastinka/predictor/domain/covariate"
	"github.com/plastinka/predictor/domain/explanation"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/forecast"
	"github.com/plastinka/predictor/domain/network"
	"github.com/plastinka/predictor/domain/panel"
)

var _ explanation.Model = (*Model)(nil)

// told says which influence every value of an input belongs to; the lookback is
// the first one.
type told struct {
	names                []string
	past, future, static []int
	blender              *covariate.Blender // of standard features; nil: static values are taken as they are
}

// The influences of the classic features.
const (
	classicRecent = iota
	classicAttributes
	classicSeason
	classicMarket
	classicTrend
)

func toldBy(set featureSet) told {
	if s, ok := set.(standard); ok {
		t := told{names: covariate.InfluenceNames(), past: make([]int, standardPast), blender: s.Blender()}
		for _, of := range covariate.FutureInfluences() {
			t.future = append(t.future, int(of))
		}
		return t
	}
	past, _, static := set.widths()
	t := told{names: []string{"recent_months", "attributes", "season", "market", "trend"},
		past: make([]int, past), static: make([]int, static),
		future: []int{classicSeason, classicSeason, classicTrend, classicAttributes}}
	for j := range past - 3 { // the averages of the groups; own average, availability, confidence follow
		t.past[j] = classicMarket
	}
	for j := range t.static {
		t.static[j] = classicAttributes
	}
	return t
}

// Influences: see explanation.Model.
func (m *Model) Influences() []string { return toldBy(m.set).names }

// fewer is one in how many cases a network is compared with that draws dropout
// in its forecasts, and so needs many passes for each.
const fewer = 3

// Coalitions: see explanation.Model. Of a network that draws dropout the values
// are means over passes, as its forecasts are.
func (m *Model) Coalitions(ctx context.Context, p *panel.Panel, of explanation.Case, against []explanation.Case) ([]float64, error) {
	if of.Origin < 0 || of.Origin > p.T {
		return nil, fault.New(fault.Internal, "internal_error", "month %d of a panel of %d cannot be explained", of.Origin, p.T)
	}
	b := m.blend(known(p, of.Origin), of, against)
	sets := 1 << len(b.names)
	all := &samples{p: b.cases.p, covariates: b, lookback: b.cases.lookback, horizon: b.cases.horizon, look: b.cases.look}
	for range sets * b.against {
		all.add(of.Product, of.Origin)
	}
	horizon := m.network.Shape.Horizon
	out := make([]forecast.Distribution, len(all.product)*horizon)
	team := newTeam(m.teamSize(len(all.product)))
	defer team.close()
	s := newSampler(m, team, all)
	for start := 0; start < len(all.product); start += inferenceBatch {
		if err := ctx.Err(); err != nil {
			return nil, fault.Wrap("tide.Coalitions", err)
		}
		s.run(out, start, min(start+inferenceBatch, len(all.product)), horizon)
	}
	values := make([]float64, sets)
	for i := range all.product {
		values[i/b.against] += out[i*horizon].Expected / float64(b.against)
	}
	return values, nil
}

// blend is the source of mixed inputs: sample i has the influences of the set
// i / against of the first case, the others of the case 1 + i mod against.
type blend struct {
	told
	cases     *samples
	shape     network.Shape
	against   int
	described []covariate.Described // by case
}

func (m *Model) blend(p *panel.Panel, of explanation.Case, against []explanation.Case) *blend {
	step := 1
	if m.network.Config.MCDropout {
		step = fewer
	}
	cov := m.set.over(p, m.network.Shape)
	b := &blend{told: toldBy(m.set), cases: newSamples(p, cov, m.network.Shape), shape: m.network.Shape}
	b.cases.add(of.Product, of.Origin)
	for i := 0; i < len(against); i += step {
		b.cases.add(against[i].Product, against[i].Origin)
		b.against++
	}
	m.set.prepare(cov, b.cases)
	if s, ok := cov.(*standardCovariates); ok {
		first, width := covariate.First(p), m.network.Shape.Static
		for k, product := range b.cases.product {
			origin := int(b.cases.origin[k])
			b.described = append(b.described, b.blender.Describe(s.static[k*width:(k+1)*width], p.Products[product],
				p.Month(origin).Number(), covariate.AgeAt(first[product], origin)))
		}
	}
	return b
}

// lookback is not asked: the cases have it.
func (b *blend) lookback(float32, float32) float32 { return 0 }

func (b *blend) write(in *input, i, _, _ int) {
	kept, other := uint(i/b.against), 1+i%b.against
	theirs := b.empty()
	b.cases.fill(in, 0)
	b.cases.fill(&theirs, other)
	if kept&1 == 0 {
		copy(in.Lookback, theirs.Lookback)
	}
	swap := func(own, theirs []float32, of []int) {
		for j, influence := range of {
			if kept>>influence&1 == 0 {
				own[j] = theirs[j]
			}
		}
	}
	for l := range b.shape.Lookback {
		swap(in.Past(l), theirs.Past(l), b.past)
	}
	for l := range b.shape.Lookback + b.shape.Horizon {
		swap(in.Future(l), theirs.Future(l), b.future)
	}
	if b.blender != nil {
		b.blender.Blend(in.Static, b.described[0], b.described[other], kept)
	} else {
		swap(in.Static, theirs.Static, b.static)
	}
}

// empty is an input with room of its own.
func (b *blend) empty() input {
	s := b.shape
	return input{Lookback: make([]float32, s.Lookback), Static: make([]float32, s.Static),
		past: make([]float32, s.Lookback*s.Past), pastStride: s.Past, pastWidth: s.Past,
		future: make([]float32, (s.Lookback+s.Horizon)*s.Future), futureStride: s.Future, futureWidth: s.Future}
}
