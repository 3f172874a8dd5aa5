package tide

import (
	"context"
	"encoding/json"
	"os"
	"runtime"
	"slices"

	"github.com/plastinka/predictor/adapters/tide/kernel"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/network"
	"github.com/plastinka/predictor/domain/panel"
	"github.com/plastinka/predictor/domain/training"
	"github.com/plastinka/predictor/ports"
)

// Options are an engine's choices that change nothing but speed, and the last
// digits where instructions differ. The zero Options are good.
type Options struct {
	Kernel     string // portable, avx2, avx512; "": PLASTINKA_KERNEL, else the best
	Threads    int    // where a fit does not say; 0: all cores
	PlainDraws bool   // Monte-Carlo forecasts by num_samples single draws instead of mixed passes
}

// Engine trains TiDE networks. It has no state: one engine serves any number
// of fits at once.
type Engine struct{ options Options }

var _ ports.Engine = (*Engine)(nil)

// New makes an engine. A kernel that is not known, or that this processor does
// not have, is refused by whatever first needs it.
func New(o Options) *Engine { return &Engine{o} }

func (o Options) path() (kernel.Path, error) {
	if o.Kernel == "" {
		o.Kernel = os.Getenv("PLASTINKA_KERNEL")
	}
	return kernel.Choose(o.Kernel)
}

// Name is "tide".
func (e *Engine) Name() string { return "tide" }

// Fit trains the networks of one phase, one after the other on all threads.
func (e *Engine) Fit(ctx context.Context, p *panel.Panel, fit training.Fit, progress func(training.Progress)) (ports.Model, training.FitReport, error) {
	var report training.FitReport
	if err := check(p, fit); err != nil {
		return nil, report, err
	}
	p = known(p, fit.Origin)
	team := newTeam(threads(fit.Threads, e.options.Threads))
	defer team.close()
	t, err := prepare(p, fit, e.options, team)
	if err != nil {
		return nil, report, err
	}
	n := describe(p, fit, t.set, t.learner.Shape)
	if report, err = t.trainAll(ctx, fit, n, progress); err != nil {
		return nil, report, err
	}
	m, err := newModel(n, t.set, t.learner.path, e.options, fit.Threads)
	if err != nil {
		return nil, report, err
	}
	return m, report, nil
}

// prepare makes everything that the training of a fit needs.
func prepare(p *panel.Panel, fit training.Fit, o Options, team *team) (*trainer, error) {
	path, err := o.path()
	if err != nil {
		return nil, err
	}
	c := fit.Config
	set, err := fitFeatures(p, fit.Origin-fit.Validation, c)
	if err != nil {
		return nil, fault.Wrap("tide.Fit", err)
	}
	shape := shapeOf(c, set, fit.Horizon)
	t := &trainer{config: c, epochs: fit.Epochs, set: set}
	if t.epochs == 0 {
		t.epochs = c.Model.Epochs
	}
	t.split(p, fit, shape)
	if len(t.train.product) == 0 {
		return nil, fault.New(fault.Invalid, "not_enough_history",
			"months 1 to %d have no sample to train on: no product was available after enough history; use fewer lags or a lower minimum_sales_months", fit.Origin-fit.Validation)
	}
	batch := min(c.Model.BatchSize, len(t.train.product))
	t.learner = newLearner(newWeights(newLayout(shape), path, true), team, likelihoodOf(c), batch, c.Model.Dropout, c.Optimizer.WeightDecay)
	return t, nil
}

// trainAll trains num_seeds networks and joins their reports.
func (t *trainer) trainAll(ctx context.Context, fit training.Fit, n *network.Network, progress func(training.Progress)) (report training.FitReport, err error) {
	seeds := max(fit.Config.NumSeeds, 1)
	var best []int
	for s := range seeds {
		t.progress = func(epoch int, loss float64) {
			if progress != nil {
				progress(training.Progress{Fraction: (float64(s) + float64(epoch)/float64(t.epochs)) / float64(seeds),
					Message: message(s, seeds, epoch, t.epochs), Epoch: epoch, Loss: loss})
			}
		}
		out, err := t.run(ctx, fit.Seed+uint64(s)*0x9e3779b9)
		if err != nil {
			return report, err
		}
		n.Seeds = append(n.Seeds, t.learner.export(out.params))
		report.Epochs = max(report.Epochs, out.epochs)
		report.TrainLoss += out.trainLoss / float64(seeds)
		if out.best > 0 {
			report.ValLoss += out.bestLoss / float64(seeds)
			best = append(best, out.best)
		}
	}
	if len(best) > 0 {
		slices.Sort(best)
		report.BestEpoch = best[len(best)/2]
	}
	report.Samples = len(t.train.product)
	return report, nil
}

// fullyAvailable is the availability from which on a month says what demand
// was: those are validated on.
const fullyAvailable = 0.9

// split makes the training samples and, if there is a validation, its samples.
func (t *trainer) split(p *panel.Panel, fit training.Fit, shape network.Shape) {
	set := t.set
	cov := set.over(p, shape)
	t.train = newSamples(p, cov, shape)
	t.train.learn(t.config, set.scaler().Scale)
	sel := selection{first: set.first(shape.Lookback), minimumSales: t.config.DataSet.MinimumSalesMonths}
	end := fit.Origin - fit.Validation
	t.train.choose(sel, 0, end)
	if fit.Validation == 0 {
		set.prepare(cov, t.train)
		return
	}
	// The validation samples follow the training samples in one list, so that
	// both share what is computed for it.
	count := len(t.train.product)
	sel.minimumSales = 0
	for _, least := range []float32{fullyAvailable - 1e-6, 0} {
		sel.available = least
		if t.train.choose(sel, end, fit.Origin); len(t.train.product) > count {
			break
		}
	}
	set.prepare(cov, t.train)
	if len(t.train.product) == count {
		return // nothing to validate on: all epochs
	}
	t.validation = t.train.from(count)
	t.check = numbers(len(t.validation.product))
	t.train = t.train.until(count)
}

func (x samples) until(n int) *samples {
	x.product, x.origin = x.product[:n], x.origin[:n]
	return &x
}

// from are the samples from the n-th on, by their old numbers' covariates.
func (x samples) from(n int) *samples {
	x.product, x.origin, x.base = x.product[n:], x.origin[n:], n
	return &x
}

func check(p *panel.Panel, fit training.Fit) error {
	if err := fit.Config.Validate(); err != nil {
		return fault.Wrap("tide.Fit", err)
	}
	if fit.Horizon < 1 || fit.Validation < 0 || fit.Epochs < 0 || fit.Origin > p.T || fit.Origin-fit.Validation < 0 {
		return fault.New(fault.Internal, "internal_error", "a fit of months 1 to %d with %d of validation, horizon %d and %d epochs makes no sense on a panel of %d months",
			fit.Origin, fit.Validation, fit.Horizon, fit.Epochs, p.T)
	}
	return nil
}

// known is the panel before month origin: what comes later cannot be seen.
func known(p *panel.Panel, origin int) *panel.Panel {
	if origin == p.T {
		return p
	}
	return p.Until(origin)
}

func threads(asked, preset int) int {
	for _, n := range []int{asked, preset} {
		if n > 0 {
			return n
		}
	}
	return runtime.GOMAXPROCS(0)
}

func likelihoodOf(c training.Config) likelihood {
	if c.Likelihood == training.NegativeBinomial {
		return negativeBinomial{}
	}
	return quantileLoss{c.Quantiles, quantileWeights(c.Quantiles, c.Weights)}
}

func shapeOf(c training.Config, set featureSet, horizon int) network.Shape {
	m := c.Model
	s := network.Shape{Lookback: c.Lags, Horizon: horizon, Outputs: 2, Hidden: m.Hidden, EncoderLayers: m.EncoderLayers,
		DecoderLayers: m.DecoderLayers, DecoderOutput: m.DecoderOutput, TemporalPast: m.TemporalPast, TemporalFuture: m.TemporalFuture,
		TemporalHidPast: m.TemporalHidPast, TemporalHidFuture: m.TemporalHidFuture, TemporalDecoder: m.TemporalDecoder,
		LayerNorm: m.LayerNorm, InstanceNorm: m.InstanceNorm}
	if c.Likelihood == training.QuantileLoss {
		s.Outputs = len(c.Quantiles)
	}
	s.Past, s.Future, s.Static = set.widths()
	return s
}

// describe is the network without its weights.
func describe(p *panel.Panel, fit training.Fit, set featureSet, shape network.Shape) *network.Network {
	features, err := json.Marshal(set)
	if err != nil {
		panic("tide: features without a JSON form: " + err.Error()) // they are numbers and texts
	}
	n := &network.Network{Shape: shape, Likelihood: fit.Config.Likelihood, FeatureSet: fit.Config.FeatureSet,
		Features: features, First: p.First, Months: fit.Origin - fit.Validation, Config: fit.Config}
	if fit.Config.Likelihood == training.QuantileLoss {
		n.Quantiles = slices.Clone(fit.Config.Quantiles)
	}
	return n
}
