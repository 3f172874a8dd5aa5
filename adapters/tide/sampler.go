package tide

import (
	"math"
	"math/rand/v2"
	"slices"

	"github.com/plastinka/predictor/adapters/tide/kernel"
	"github.com/plastinka/predictor/domain/forecast"
	"github.com/plastinka/predictor/domain/training"
)

// inferenceBatch is how many products are forecast at once.
const inferenceBatch = 1024

// drawsPerPass is how many plain draws one mixed pass stands for: a draw adds the
// whole spread of one pass's distribution to the error, a mixed pass only what
// dropout moves it by. By BenchmarkMonteCarlo 32 mixed passes err less than 500
// draws.
const drawsPerPass = 16

// sampler makes distributions out of passes through the networks.
type sampler struct {
	m      *Model
	team   *team
	source *samples
	spaces []*workspace // one for each seed
	passes int          // through each network
	levels []float64    // that quantile networks answer with
	values []float32    // pass × sample × H·P

	from, to   int // the products at hand
	pass, seed int
	out        []forecast.Distribution
	horizon    int
}

func newSampler(m *Model, t *team, x *samples) *sampler {
	s := &sampler{m: m, team: t, source: x, passes: 1, levels: answerLevels(m.network.Quantiles)}
	dropout := 0.0
	if c := m.network.Config; c.MCDropout && c.Model.Dropout > 0 {
		dropout = c.Model.Dropout
		s.passes = (c.NumSamples + drawsPerPass - 1) / drawsPerPass
		if m.plain {
			s.passes = c.NumSamples
		}
		s.passes = (s.passes + len(m.weights) - 1) / len(m.weights)
	}
	batch := min(inferenceBatch, len(x.product))
	for _, w := range m.weights {
		b := newWorkspace(w, batch, false, dropout)
		b.refresh()
		s.spaces = append(s.spaces, b)
	}
	s.values = make([]float32, s.passes*len(s.spaces)*batch*m.network.Shape.Horizon*m.network.Shape.Outputs)
	return s
}

// answerLevels are a quantile network's own levels and every twentieth.
func answerLevels(own []float64) []float64 {
	levels := slices.Clone(own)
	for i := 1; i < 20; i++ {
		q := float64(i) / 20
		if !slices.ContainsFunc(levels, func(l float64) bool { return math.Abs(l-q) < 1e-9 }) {
			levels = append(levels, q)
		}
	}
	slices.Sort(levels)
	return levels
}

// run forecasts products from … to−1.
func (s *sampler) run(out []forecast.Distribution, from, to, horizon int) {
	s.out, s.from, s.to, s.horizon = out, from, to, horizon
	n := blocks(to - from)
	for s.seed = range s.spaces {
		b := s.spaces[s.seed]
		s.team.run(n, s.read)
		for s.pass = range s.passes {
			b.begin(true, mix(s.m.network.Config.Seed^mix(uint64(s.seed)<<48^uint64(s.pass)<<24^uint64(from/inferenceBatch))))
			s.team.run(n, s.compute)
		}
	}
	s.team.run(n, s.answer)
}

// rows are the samples of a block, numbered in the batch.
func (s *sampler) rows(task int) (from, to int) {
	return task * blockRows, min((task+1)*blockRows, s.to-s.from)
}

func (s *sampler) read(_ *kernel.Scratch, task int) {
	from, to := s.rows(task)
	for i := from; i < to; i++ {
		s.source.fill(&s.spaces[s.seed].inputs[i], s.from+i)
	}
}

func (s *sampler) compute(scratch *kernel.Scratch, task int) {
	from, to := s.rows(task)
	b := s.spaces[s.seed]
	b.forward(scratch, from, to)
	for i := from; i < to; i++ {
		copy(s.outputs(s.seed*s.passes+s.pass, i), b.out.row(i))
	}
}

// outputs are what a pass, counted over all networks, said of a sample.
func (s *sampler) outputs(pass, i int) []float32 {
	width := s.spaces[0].out.width
	return s.values[(pass*s.spaces[0].batch+i)*width:][:width]
}

func (s *sampler) answer(_ *kernel.Scratch, task int) {
	from, to := s.rows(task)
	for i := from; i < to; i++ {
		for h := range s.horizon {
			d := &s.out[(s.from+i)*s.horizon+h]
			if s.m.network.Likelihood == training.NegativeBinomial {
				*d = s.counts(i, h)
			} else {
				*d = s.quantiles(i, h)
			}
		}
	}
}

// counts mixes the negative binomials of all passes.
func (s *sampler) counts(i, h int) forecast.Distribution {
	n := s.passes * len(s.spaces)
	list := make([]forecast.Distribution, n)
	for pass := range n {
		o := s.outputs(pass, i)[2*h:]
		list[pass] = forecast.NegativeBinomial(math.Exp(clampMean(o[0])), math.Exp(clampSize(o[1])))
	}
	if n == 1 {
		return list[0]
	}
	return forecast.Mix(list, nil)
}

// quantiles mixes the quantile functions of all passes on the network's own
// scale and takes the result to copies: not below 0, and whole if the
// configuration rounds.
func (s *sampler) quantiles(i, h int) forecast.Distribution {
	own, n := s.m.network.Quantiles, s.passes*len(s.spaces)
	rows := make([][]float64, n)
	for pass := range n {
		for _, v := range s.outputs(pass, i)[h*len(own):][:len(own)] {
			rows[pass] = append(rows[pass], float64(v))
		}
	}
	var values []float64
	if s.m.plain && n > 1 {
		values = s.drawn(rows, i, h)
	} else {
		values = mixQuantiles(s.levels, own, rows)
	}
	scaler := s.m.set.scaler()
	for j, z := range values {
		values[j] = math.Max(scaler.Copies(z), 0)
	}
	d := forecast.QuantileFunction(s.levels, values)
	if s.m.network.Config.RoundQuantiles {
		for j, v := range values {
			values[j] = math.Round(v)
		}
	}
	return d
}

// drawn takes one draw from every pass and the quantiles of the draws.
func (s *sampler) drawn(rows [][]float64, i, h int) []float64 {
	rng := rand.New(rand.NewPCG(s.m.network.Config.Seed, uint64((s.from+i)*s.horizon+h)))
	draws := make([]float64, len(rows))
	for k, values := range rows {
		draws[k] = draw(s.m.network.Quantiles, values, rng.Float64())
	}
	return quantilesOf(draws, s.levels)
}
