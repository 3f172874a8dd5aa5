package tide

import (
	"context"
	"encoding/json"
	"math"
	"slices"
	"testing"

	"github.com/plastinka/predictor/adapters/tide/kernel"
	"github.com/plastinka/predictor/domain/catalog"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/forecast"
	"github.com/plastinka/predictor/domain/network"
	"github.com/plastinka/predictor/domain/panel"
	"github.com/plastinka/predictor/domain/training"
	"github.com/plastinka/predictor/ports/porttest"
	"github.com/stretchr/testify/require"
)

// small is a configuration that trains in no time.
func small(c training.Config) training.Config {
	c.Model.Hidden, c.Model.DecoderOutput, c.Model.BatchSize, c.Model.Epochs = 12, 4, 64, 3
	c.Model.EncoderLayers, c.Model.DecoderLayers = 1, 1
	c.NumSamples = 40
	return c
}

// kinds are both ways of training, and their mixtures.
func kinds() map[string]training.Config {
	mixed := small(training.DefaultStandard())
	mixed.Likelihood = training.QuantileLoss
	counts := small(training.DefaultClassic())
	counts.Likelihood, counts.NumSeeds, counts.DataSet.Exposure = training.NegativeBinomial, 2, 0.5
	norms := small(training.DefaultClassic())
	norms.Model.InstanceNorm, norms.Model.LayerNorm, norms.Model.TemporalPast, norms.Model.TemporalFuture = true, true, 2, 3
	return map[string]training.Config{"standard": small(training.DefaultStandard()), "classic": small(training.DefaultClassic()),
		"quantiles of standard features": mixed, "counts of classic features": counts, "norms": norms}
}

func fitted(t *testing.T, o Options, p *panel.Panel, f training.Fit) (*Model, training.FitReport) {
	t.Helper()
	m, report, err := New(o).Fit(context.Background(), p, f, nil)
	require.NoError(t, err)
	return m.(*Model), report
}

func forecasts(t *testing.T, m *Model, p *panel.Panel, origin, horizon int) []forecast.Distribution {
	t.Helper()
	ds, err := m.Forecast(context.Background(), p, origin, horizon)
	require.NoError(t, err)
	require.Len(t, ds, p.N()*horizon)
	return ds
}

// TestResultsDoNotDependOnThreads nor, but for the portable one, on the kernel.
func TestResultsDoNotDependOnThreads(t *testing.T) {
	p := shop(120, 30)
	for name, c := range kinds() {
		t.Run(name, func(t *testing.T) {
			f := training.Fit{Config: c, Origin: 30, Horizon: 2, Validation: 3, Seed: 7, Threads: 1}
			one, report := fitted(t, Options{}, p, f)
			for _, o := range []Options{{}, {Kernel: "avx2"}} {
				if _, err := o.path(); err != nil {
					continue
				}
				for _, threads := range []int{2, 5} {
					f.Threads = threads
					several, again := fitted(t, o, p, f)
					require.Equal(t, one.Network().Seeds, several.Network().Seeds)
					require.Equal(t, report, again)
					require.Equal(t, forecasts(t, one, p, 30, 2), forecasts(t, several, p, 30, 2))
				}
			}
			f.Seed++
			other, _ := fitted(t, Options{}, p, f)
			require.NotEqual(t, one.Network().Seeds, other.Network().Seeds)
		})
	}
}

func TestEngine(t *testing.T) {
	for name, c := range kinds() {
		t.Run(name, func(t *testing.T) { porttest.Engine(t, New(Options{}), c) })
	}
}

func TestModelFromItsNetworkIsTheSame(t *testing.T) {
	p := shop(60, 30)
	for name, c := range kinds() {
		t.Run(name, func(t *testing.T) {
			m, _ := fitted(t, Options{}, p, training.Fit{Config: c, Origin: 30, Horizon: 2, Seed: 3})
			text, err := json.Marshal(m.Network())
			require.NoError(t, err)
			n := new(network.Network)
			require.NoError(t, json.Unmarshal(text, n))
			read, err := FromNetwork(n)
			require.NoError(t, err)
			require.Equal(t, forecasts(t, m, p, 30, 2), forecasts(t, read, p, 30, 2))
			for i, d := range forecasts(t, m, p, 30, 1) { // fewer months than the network's are its first ones
				require.Equal(t, forecasts(t, m, p, 30, 2)[2*i], d)
			}
			for _, d := range forecasts(t, m, p, 30, 2) {
				q := d.Quantiles()
				require.True(t, slices.IsSorted(q[:]) && q[0] >= 0 && !math.IsNaN(d.Expected), "%v", q)
				require.Equal(t, math.Round(q[1]), q[1])
			}
			broken := *n
			broken.Seeds = [][]network.Tensor{n.Seeds[0][1:]}
			_, err = FromNetwork(&broken)
			require.ErrorContains(t, err, "damaged")
			for _, text := range []string{"", "{}", `{"mean": 3}`} {
				broken = *n
				broken.Features = json.RawMessage(text)
				_, err = FromNetwork(&broken)
				require.ErrorContains(t, err, "feature definition")
			}
		})
	}
}

func TestForecastsOfProductsNobodyHasSeen(t *testing.T) {
	p := shop(60, 30)
	for name, c := range kinds() {
		t.Run(name, func(t *testing.T) {
			m, _ := fitted(t, Options{}, p, training.Fit{Config: c, Origin: 30, Horizon: 1, Seed: 3})
			q := &panel.Panel{First: p.First, T: 2, Products: []catalog.Product{{Style: "never heard of", RecordingYear: 2050}},
				Sales: make([]float32, 2), Availability: make([]float32, 2), Confidence: make([]float32, 2)}
			for origin := range 3 {
				require.False(t, math.IsNaN(forecasts(t, m, q, origin, 1)[0].Expected))
			}
			require.Empty(t, forecasts(t, m, &panel.Panel{First: p.First, T: 2}, 2, 1))
		})
	}
}

func TestFitStopsWhenAsked(t *testing.T) {
	p := shop(60, 30)
	ctx, cancel := context.WithCancel(context.Background())
	c := small(training.DefaultStandard())
	c.Model.Epochs = 10_000
	_, _, err := New(Options{}).Fit(ctx, p, training.Fit{Config: c, Origin: 30, Horizon: 1}, func(q training.Progress) {
		require.Equal(t, "epoch 1 of 10000", q.Message)
		cancel()
	})
	require.Equal(t, fault.Cancelled, fault.KindOf(err))
	m, _ := fitted(t, Options{}, p, training.Fit{Config: small(c), Origin: 30, Horizon: 1})
	_, err = m.Forecast(ctx, p, 30, 1)
	require.Equal(t, fault.Cancelled, fault.KindOf(err))
}

func TestFitRefusesWhatMakesNoSense(t *testing.T) {
	p := shop(20, 30)
	good := small(training.DefaultStandard())
	negative := good
	negative.Model.Hidden = -1
	greedy := small(training.DefaultClassic())
	greedy.DataSet.MinimumSalesMonths = 9
	few := shop(20, 30)
	clear(few.Sales)
	for name, f := range map[string]struct {
		p   *panel.Panel
		fit training.Fit
		o   Options
	}{
		"config":      {p, training.Fit{Config: negative, Origin: 30, Horizon: 1}, Options{}},
		"origin":      {p, training.Fit{Config: good, Origin: 31, Horizon: 1}, Options{}},
		"horizon":     {p, training.Fit{Config: good, Origin: 30}, Options{}},
		"validation":  {p, training.Fit{Config: good, Origin: 30, Horizon: 1, Validation: 31}, Options{}},
		"no samples":  {few, training.Fit{Config: greedy, Origin: 30, Horizon: 1}, Options{}},
		"no months":   {p, training.Fit{Config: good, Origin: 0, Horizon: 1}, Options{}},
		"kernel":      {p, training.Fit{Config: good, Origin: 30, Horizon: 1}, Options{Kernel: "abacus"}},
		"no products": {&panel.Panel{T: 30}, training.Fit{Config: good, Origin: 30, Horizon: 1}, Options{}},
	} {
		_, _, err := New(f.o).Fit(context.Background(), f.p, f.fit, nil)
		require.Error(t, err, name)
	}
	m, _ := fitted(t, Options{}, p, training.Fit{Config: good, Origin: 30, Horizon: 1})
	_, err := m.Forecast(context.Background(), p, 30, 2)
	require.ErrorContains(t, err, "longer horizon")
}

func TestDivergedTrainingIsAnError(t *testing.T) {
	c := small(training.DefaultClassic())
	c.Optimizer.LR, c.Model.Epochs, c.Model.Dropout = 1, 60, 0
	p := shop(60, 30)
	for i := range p.Sales {
		p.Confidence[i] = float32(math.Inf(1))
	}
	_, _, err := New(Options{}).Fit(context.Background(), p, training.Fit{Config: c, Origin: 30, Horizon: 1}, nil)
	require.ErrorContains(t, err, "optimizer_config.lr")
}

// TestEarlyStopping: without a gain the training ends after the patience and
// keeps the best weights; phase 2 trains exactly the epochs asked for.
func TestEarlyStopping(t *testing.T) {
	p := shop(60, 30)
	c := small(training.DefaultStandard())
	c.Model.Epochs, c.Patience, c.Optimizer.LR = 200, 2, 0.02
	losses := map[int]float64{}
	m, report, err := New(Options{}).Fit(context.Background(), p, training.Fit{Config: c, Origin: 30, Horizon: 1, Validation: 3, Seed: 1},
		func(q training.Progress) { losses[q.Epoch] = q.Loss })
	require.NoError(t, err)
	require.Less(t, report.Epochs, 200)
	require.Len(t, losses, report.Epochs)
	for epoch, loss := range losses {
		require.GreaterOrEqual(t, loss, report.ValLoss)
		if epoch == report.BestEpoch {
			require.InDelta(t, report.ValLoss, loss, 0)
		}
	}
	// The model has the weights of the best epoch: what it says of the validation
	// months has the reported loss.
	var loss, n float64
	for origin := 27; origin < 30; origin++ {
		for i, d := range forecasts(t, m.(*Model), p, origin, 1) {
			if at := p.At(i, origin); p.Availability[at] >= fullyAvailable {
				loss -= math.Log(d.Probs[int(p.Sales[at])])
				n++
			}
		}
	}
	require.InDelta(t, report.ValLoss, loss/n, 1e-4)
	c.Model.Epochs = 5
	_, second := fitted(t, Options{}, p, training.Fit{Config: c, Origin: 30, Horizon: 1, Epochs: 4, Seed: 1})
	require.Equal(t, 4, second.Epochs)
	require.Zero(t, second.BestEpoch)
}

func TestTrainingStepsAllocateNothing(t *testing.T) {
	p := shop(100, 30)
	for name, c := range kinds() {
		team := newTeam(2)
		tr, err := prepare(p, training.Fit{Config: c, Origin: 30, Horizon: 1}, Options{}, team)
		require.NoError(t, err)
		tr.learner.restart(1)
		order := numbers(64)
		require.Zero(t, testing.AllocsPerRun(20, func() { tr.learner.step(tr.train, order, 1e-3, 5) }), name)
		team.close()
	}
}

// TestSamples: which there are (§2.1), what they weigh, and that neither looks
// at what was sold in the target month.
func TestSamples(t *testing.T) {
	c := small(training.DefaultClassic())
	c.Lags, c.DataSet.MinimumSalesMonths, c.DataSet.Alpha = 3, 2, 2
	p := &panel.Panel{First: 24000, T: 7, Products: make([]catalog.Product, 2),
		Sales:        []float32{1, 0, 2, 0, 3, 0, 9 /**/, 0, 0, 0, 1, 0, 0, 0},
		Availability: []float32{1, 1, 1, 1, 0.5, 0, 1 /**/, 1, 1, 1, 1, 1, 1, 1},
		Confidence:   []float32{1, 1, 0.5, 1, 1, 0, 1 /**/, 1, 1, 1, 1, 1, 1, 1}}
	tr, err := prepare(p, training.Fit{Config: c, Origin: 7, Horizon: 1}, Options{}, newTeam(1))
	require.NoError(t, err)
	// Product 0: month 3 (sold in 0, 2), not 4 (once), not 5 (not available),
	// not 6 (once); product 1 never sold twice.
	require.Equal(t, []int32{0}, tr.train.product)
	require.Equal(t, []int32{3}, tr.train.origin)
	in := &tr.learner.inputs[0]
	tr.train.fill(in, 0)
	z := func(y float64) float64 { return math.Log1p(y) / math.Log1p(9) }
	require.InDeltaSlice(t, []float32{float32(z(1)), 0, float32(z(2))}, in.Lookback, 1e-6)
	require.InDelta(t, (0.1*3+2*math.Log1p(z(1))+2*math.Log1p(z(2)*0.5))/3, in.Weight[0], 1e-6)
	require.InDelta(t, 0, in.Target[0], 1e-6)
}

func TestExposureOfAPartlyAvailableMonth(t *testing.T) {
	c := small(training.DefaultStandard())
	c.DataSet.Exposure = 0.5
	p := shop(3, 20)
	for i := range p.Availability {
		p.Availability[i] = 1
	}
	p.Availability[p.At(1, 10)] = 0.25
	tr, err := prepare(p, training.Fit{Config: c, Origin: 20, Horizon: 2}, Options{}, newTeam(1))
	require.NoError(t, err)
	i := slices.IndexFunc(numbers(len(tr.train.product)), func(i int32) bool {
		return tr.train.product[i] == 1 && tr.train.origin[i] == 9
	})
	in := &tr.learner.inputs[0]
	tr.train.fill(in, i)
	require.Zero(t, in.LogA[0])
	require.InDelta(t, 0.5*math.Log(0.25), in.LogA[1], 1e-6)
	require.InDelta(t, 1, in.Weight[1], 0)
}

// TestStandardInputsAreTheFeatures: what the table of months and ages gives is
// what the feature set itself says.
func TestStandardInputsAreTheFeatures(t *testing.T) {
	p := shop(40, 24)
	c := small(training.DefaultStandard())
	tr, err := prepare(p, training.Fit{Config: c, Origin: 24, Horizon: 2}, Options{}, newTeam(1))
	require.NoError(t, err)
	set := tr.set.(standard)
	first := tr.train.covariates.(*standardCovariates).first
	in := &tr.learner.inputs[0]
	width := len(in.Future(0))
	rows := make([]float32, p.N()*set.Width())
	known := make([]float32, (c.Lags+2)*width)
	for i := range tr.train.product {
		product, origin := int(tr.train.product[i]), int(tr.train.origin[i])
		tr.train.fill(in, i)
		set.Future(known, p, first[product], origin, origin-c.Lags, origin+2)
		for l := range c.Lags + 2 {
			require.Equal(t, known[l*width:(l+1)*width], in.Future(l))
		}
		if i%50 == 0 {
			set.Origin(rows, p, origin)
			require.Equal(t, rows[product*set.Width():(product+1)*set.Width()], in.Static)
		}
	}
}

func TestSchedules(t *testing.T) {
	d := &decay{base: 2, steps: 4}
	for _, want := range []float64{2, 1 + math.Sqrt2/2, 1, 1 - math.Sqrt2/2, 0, 0} {
		require.InDelta(t, want, d.rate(), 1e-12)
		d.advance()
	}
	// Training averages the weights after the epochs max(1, s) … n, so that one
	// epoch still trains.
	for _, x := range []struct {
		n           int
		start       float64
		first, last int
	}{{1, 0.6, 1, 1}, {10, 0.6, 5, 10}, {10, 0, 1, 10}} {
		a := newAveraging(training.SWAConfig{EpochStart: x.start}, x.n, false)
		require.Equal(t, []int{x.first, x.last}, []int{a.first, a.last})
	}
	a := newAveraging(training.SWAConfig{EpochStart: 0.6}, 3, false)
	for epoch := range 4 {
		a.after(epoch, []float32{float32(epoch)})
	}
	require.InDeltaSlice(t, []float32{2}, a.weights, 1e-6)
}

func TestTeamDoesEveryTaskOnce(t *testing.T) {
	for _, threads := range []int{1, 3} {
		team := newTeam(threads)
		for n := range 40 {
			done := make([]int, n)
			team.run(n, func(_ *kernel.Scratch, task int) { done[task]++ })
			require.Equal(t, slices.Repeat([]int{1}, n), done)
		}
		team.close()
	}
}
