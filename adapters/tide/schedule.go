package tide

import (
	"math"

	"github.com/plastinka/predictor/domain/training"
)

// schedule is the learning rate, step by step.
type schedule interface {
	rate() float64
	advance() // one step was made
}

// restarts is cosine annealing with warm restarts (Loshchilov and Hutter 2017):
// lr₀·(1 + cos(π·t/T))/2, t the steps since the last restart; T starts as T₀ and
// grows by the factor at every restart.
type restarts struct {
	base          float64
	since, period int
	factor        int
}

func (r *restarts) rate() float64 { return cosine(r.base, float64(r.since)/float64(r.period)) }

func (r *restarts) advance() {
	if r.since++; r.since >= r.period {
		r.since -= r.period
		r.period *= r.factor
	}
}

// decay is one cosine from lr₀ to 0 over so many steps, and 0 from then on.
type decay struct {
	base        float64
	step, steps int
}

func (d *decay) rate() float64 {
	return cosine(d.base, min(float64(d.step)/float64(max(d.steps, 1)), 1))
}
func (d *decay) advance() { d.step++ }

func cosine(base, part float64) float64 { return base * (1 + math.Cos(math.Pi*part)) / 2 }

// averaging is stochastic weight averaging (Izmailov et al. 2018): the mean of
// the weights after the epochs first … last, and from epoch s on, counted from
// 0, a learning rate of its own.
type averaging struct {
	config      training.SWAConfig
	s           int
	first, last int
	entry       float64 // the rate that the schedule had reached when epoch s began
	mean
}

// mean is a running mean of weights.
type mean struct {
	weights []float32
	taken   int
}

func (m *mean) add(w []float32) {
	if m.weights == nil {
		m.weights = make([]float32, len(w))
	}
	if m.taken++; m.taken == 1 {
		copy(m.weights, w)
		return
	}
	share := 1 / float32(m.taken)
	for i, v := range w {
		m.weights[i] += (v - m.weights[i]) * share
	}
}

// restart forgets what was added: the next weights are the mean.
func (m *mean) restart() { m.taken = 0 }

// newAveraging is the averaging of a training of n epochs. The weights after
// the epochs max(1, s) … n are averaged; Lightning's callback, which adds at the
// start of an epoch, averages those after s … n−1, and thus does not train at
// all when n is 1.
func newAveraging(c training.SWAConfig, n int, lightning bool) *averaging {
	s := max(int(float64(n)*c.EpochStart)-1, 0)
	if lightning {
		return &averaging{config: c, s: s, first: s, last: n - 1}
	}
	return &averaging{config: c, s: s, first: max(s, 1), last: n}
}

// after takes the weights as they are when so many epochs are done.
func (a *averaging) after(epochs int, w []float32) {
	if epochs < a.first || epochs > a.last {
		return
	}
	a.add(w)
}

// rate is the learning rate of epoch e, counted from 0, if the averaging has
// taken over by then: from entry by a cosine to the configured one.
func (a *averaging) rate(e int) float64 {
	part := 1.0
	if a.config.AnnealingEpochs > 0 {
		part = min(1, float64(e-a.s)/float64(a.config.AnnealingEpochs))
	}
	x := (1 - math.Cos(math.Pi*part)) / 2
	return a.config.LR*x + a.entry*(1-x)
}

// rates joins a schedule with the averaging that may take over from it.
type rates struct {
	schedule schedule
	swa      *averaging // or nil
	epoch    int
}

// begin starts epoch e, counted from 0.
func (r *rates) begin(e int) {
	if r.epoch = e; r.swa != nil && e == r.swa.s {
		r.swa.entry = r.schedule.rate()
	}
}

func (r *rates) rate() float64 {
	if r.swa != nil && r.epoch >= r.swa.s {
		return r.swa.rate(r.epoch)
	}
	return r.schedule.rate()
}
