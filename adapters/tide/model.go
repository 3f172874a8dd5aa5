package tide

import (
	"context"
	"runtime"

	"github.com/plastinka/predictor/adapters/tide/kernel"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/forecast"
	"github.com/plastinka/predictor/domain/network"
	"github.com/plastinka/predictor/domain/panel"
	"github.com/plastinka/predictor/domain/training"
	"github.com/plastinka/predictor/ports"
)

// Model is a trained network, or several of different seeds whose
// distributions are mixed. It is read-only and safe for concurrent use.
type Model struct {
	network *network.Network
	set     featureSet
	weights []*weights
	threads int
	plain   bool
}

var (
	_ ports.Model     = (*Model)(nil)
	_ ports.Networked = (*Model)(nil)
)

// FromNetwork is the model of a network, which may come from a file.
func FromNetwork(n *network.Network) (*Model, error) { return (&Engine{}).model(n) }

// FromNetwork is the model of a network with this engine's options.
func (e *Engine) FromNetwork(n *network.Network) (*Model, error) { return e.model(n) }

func (e *Engine) model(n *network.Network) (*Model, error) {
	set, err := readFeatures(n)
	if err != nil {
		return nil, err
	}
	path, err := e.options.path()
	if err != nil {
		return nil, err
	}
	return newModel(n, set, path, e.options, 0)
}

func newModel(n *network.Network, set featureSet, path kernel.Path, o Options, asked int) (*Model, error) {
	m := &Model{network: n, set: set, threads: asked, plain: o.PlainDraws}
	if m.threads == 0 {
		m.threads = o.Threads
	}
	past, future, static := set.widths()
	s := n.Shape
	if s.Past != past || s.Future != future || s.Static != static || s.Lookback < 1 || s.Horizon < 1 || s.Hidden < 1 ||
		s.EncoderLayers < 1 || s.DecoderLayers < 1 || s.DecoderOutput < 1 || s.TemporalDecoder < 1 || len(n.Seeds) == 0 || s.Outputs != outputs(n) {
		return nil, fault.New(fault.Invalid, "invalid_model_file", "the model's shape does not fit its features and likelihood: the file is damaged or from another version")
	}
	l := newLayout(s)
	for _, tensors := range n.Seeds {
		w := newWeights(l, path, false)
		if err := w.load(tensors); err != nil {
			return nil, err
		}
		w.packAll()
		m.weights = append(m.weights, w)
	}
	return m, nil
}

func outputs(n *network.Network) int {
	if n.Likelihood == training.NegativeBinomial {
		return 2
	}
	return len(n.Quantiles)
}

// Network is the model as it can be kept.
func (m *Model) Network() *network.Network { return m.network }

// Forecast: see ports.Model. horizon may be at most the network's.
func (m *Model) Forecast(ctx context.Context, p *panel.Panel, origin, horizon int) ([]forecast.Distribution, error) {
	shape := m.network.Shape
	if horizon < 1 || horizon > shape.Horizon {
		return nil, fault.New(fault.Invalid, "validation_error",
			"the network forecasts 1 to %d months ahead, not %d: train one with a longer horizon", shape.Horizon, horizon)
	}
	if origin < 0 || origin > p.T {
		return nil, fault.New(fault.Internal, "internal_error", "month %d of a panel of %d cannot be forecast", origin, p.T)
	}
	p = known(p, origin)
	x := m.samples(p, origin)
	team := newTeam(m.teamSize(p.N()))
	defer team.close()
	s := newSampler(m, team, x)
	out := make([]forecast.Distribution, p.N()*horizon)
	for start := 0; start < p.N(); start += inferenceBatch {
		if err := ctx.Err(); err != nil {
			return nil, fault.Wrap("tide.Forecast", err)
		}
		s.run(out, start, min(start+inferenceBatch, p.N()), horizon)
	}
	return out, nil
}

// samples has one sample for every product.
func (m *Model) samples(p *panel.Panel, origin int) *samples {
	cov := m.set.over(p, m.network.Shape)
	x := newSamples(p, cov, m.network.Shape)
	for i := range p.N() {
		x.add(i, origin)
	}
	m.set.prepare(cov, x)
	return x
}

func (m *Model) teamSize(products int) int {
	n := m.threads
	if n == 0 {
		n = runtime.GOMAXPROCS(0)
	}
	return max(1, min(n, blocks(products)))
}
