package app

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/plastinka/predictor/domain/baseline"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/forecast"
	"github.com/plastinka/predictor/domain/network"
	"github.com/plastinka/predictor/domain/panel"
	"github.com/plastinka/predictor/domain/training"
	"github.com/plastinka/predictor/ports"
)

// Ensemble names the mixture of a network and the best simple forecasters.
const Ensemble = "ensemble"

// learner fits what one engine is to forecast with, in two phases (§2.2): learn
// without the last months, see how good that was on them, learn anew from all.
type learner struct {
	name    string
	engine  ports.Engine
	members []member // mixed with it, or none
	adjust  bool     // the spread of the forecasts, where the validation asks for it
}

// member is one forecaster of a mixture.
type member struct {
	name   string
	engine ports.Engine
}

// fitted is what a learner brings.
type fitted struct {
	model   ports.Model
	method  string // what makes the forecasts, for people
	network *network.Network
	metrics map[string]float64
	parts   []part // the members, each for itself
	spread  forecast.Calibration
	mixed   bool // the forecasts are a mixture, if perhaps of one
	warning *training.Warning
}

// part is a fitted member of a mixture.
type part struct {
	name   string
	model  ports.Model
	weight float64
}

// newLearner is what forecasts for an engine: with a count network the product's
// own choice is its mixture with the regression and the shrunk histogram, if
// mix is set; a classic network and every other engine stand alone.
func newLearner(e ports.Engine, c training.Config, mix bool) (*learner, error) {
	l := &learner{name: engineName(e), engine: e}
	l.adjust = mix && e.Name() != baseline.Name
	if !l.adjust || c.Likelihood != training.NegativeBinomial {
		return l, nil
	}
	for _, name := range []string{baseline.Regression, baseline.ShrunkHistogram} {
		b, err := baseline.NewEngine(name)
		if err != nil {
			return nil, err
		}
		l.members = append(l.members, member{name, b})
	}
	return l, nil
}

// engineName is an engine's name, or its method's where it has several.
func engineName(e ports.Engine) string {
	if b, ok := e.(interface{ Method() string }); ok {
		return b.Method()
	}
	return e.Name()
}

// fit runs both phases on months [0, f.Origin) of p. f's Validation and Epochs
// are the configuration's. progress may be nil.
func (l *learner) fit(ctx context.Context, p *panel.Panel, f training.Fit, progress func(training.Progress)) (*fitted, error) {
	if progress == nil {
		progress = func(training.Progress) {}
	}
	f.Validation = max(f.Config.ValidationMonths, f.Horizon)
	if reason := tooShort(p, f); reason != "" {
		return l.shortHistory(ctx, reason)
	}
	all := append([]member{{l.name, l.engine}}, l.members...)
	parts, first, err := fitAll(ctx, p, f, all, phase(progress, 1, 0, 0.5))
	if err != nil {
		return nil, err
	}
	progress(training.Progress{Fraction: 0.5, Message: "validating"})
	check, err := validate(ctx, p, f, parts)
	if err != nil {
		return nil, err
	}
	out := &fitted{metrics: map[string]float64{}}
	weights := check.weights()
	check.report(out.metrics, "val_", weights)
	if first.BestEpoch > 0 {
		put(out.metrics, "val_loss", first.ValLoss)
	}
	out.spread.Spread = 1
	if l.adjust {
		out.calibrate(check, weights)
	}

	f.Validation, f.Epochs = 0, first.Epochs
	if first.BestEpoch > 0 {
		f.Epochs = max(1, first.BestEpoch*11/10)
	}
	parts, second, err := fitAll(ctx, p, f, all, phase(progress, 2, 0.55, 0.95))
	if err != nil {
		return nil, err
	}
	for i := range parts {
		parts[i].weight = weights[i]
	}
	f.Validation = check.months
	if check, err = validate(ctx, p, f, parts); err != nil {
		return nil, err
	}
	check.report(out.metrics, "train_", weights)
	if second.Epochs > 0 {
		put(out.metrics, "train_loss", second.TrainLoss)
	}
	out.metrics["effective_epochs"] = float64(f.Epochs)
	out.parts, out.mixed = parts, len(parts) > 1
	out.model, out.method = adjusted{mixture(parts), out.spread}, describe(parts, out.spread)
	if n, ok := parts[0].model.(ports.Networked); ok {
		out.network = n.Network()
	}
	return out, nil
}

// calibrate finds the spread and says in the metrics what it was about: the
// coverage of the randomised 90 % interval of what is forecast with.
func (f *fitted) calibrate(check *validation, weights []float64) {
	var before, after float64
	f.spread, before, after = check.calibration(weights)
	put(f.metrics, "val_randomised_coverage_90", before)
	put(f.metrics, "val_adjusted_coverage_90", after)
	put(f.metrics, "calibration_spread", f.spread.Spread)
}

// fitAll fits every member; the report is the first one's.
func fitAll(ctx context.Context, p *panel.Panel, f training.Fit, all []member, progress func(training.Progress)) (parts []part, first training.FitReport, err error) {
	for i, m := range all {
		low, high := 0.0, 0.9 // the network takes nearly all of the time
		if i > 0 {
			low, high = 0.9, 1
		}
		model, report, err := m.engine.Fit(ctx, p, f, within(progress, low, high))
		if err != nil {
			return nil, first, failedTraining(m.name, err)
		}
		if i == 0 {
			first = report
		}
		if math.IsNaN(report.TrainLoss) || math.IsInf(report.TrainLoss, 0) {
			return nil, first, failedTraining(m.name, errors.New("the loss is no longer a number; a lower learning rate may help"))
		}
		parts = append(parts, part{name: m.name, model: model})
	}
	return parts, first, nil
}

// failedTraining says that an engine did not get to its end; a fault that says
// more of itself (a wrong configuration, a cancellation) stays what it is.
func failedTraining(name string, err error) error {
	wrapped := fault.Wrap("app.fit", err)
	if fault.KindOf(err) != fault.Internal || fault.CodeOf(err) != "internal_error" {
		return wrapped
	}
	return fault.New(fault.Internal, "training_failed", "training %s failed: %v", name, err).Because(err)
}

// within passes progress on as the share low … high of a whole.
func within(progress func(training.Progress), low, high float64) func(training.Progress) {
	return func(q training.Progress) {
		q.Fraction = low + (high-low)*math.Min(math.Max(q.Fraction, 0), 1)
		progress(q)
	}
}

// phase is within for one of the two phases, with its number and the loss in the
// message.
func phase(progress func(training.Progress), number int, low, high float64) func(training.Progress) {
	return within(func(q training.Progress) {
		q.Message = fmt.Sprintf("phase %d of 2: %s", number, q.Message)
		if q.Epoch > 0 {
			q.Message += fmt.Sprintf(", loss %.4f", q.Loss)
		}
		progress(q)
	}, low, high)
}

// tooShort says why the history is too short for two phases, "" if it is not.
func tooShort(p *panel.Panel, f training.Fit) string {
	if need := f.Config.Lags + f.Validation + 1; f.Origin < need {
		return fmt.Sprintf("the history has %d months, training needs %d (%d of lookback, %d of validation, one to learn from)",
			f.Origin, need, f.Config.Lags, f.Validation)
	}
	for i := range p.N() {
		for t := range f.Origin - f.Validation {
			if at := p.At(i, t); p.Sales[at] > 0 && p.Availability[at] > 0 {
				return ""
			}
		}
	}
	return fmt.Sprintf("nothing was sold before the last %d months", f.Validation)
}

// shortHistory is the forecast of a shop that has too little to learn from: the
// shrunk histogram's, unless a simple method was asked for, which needs no more.
func (l *learner) shortHistory(ctx context.Context, reason string) (*fitted, error) {
	name := baseline.ShrunkHistogram
	if simple(l.name) {
		name = l.name
	}
	e, err := baseline.NewEngine(name)
	if err != nil {
		return nil, err
	}
	m, _, err := e.Fit(ctx, &panel.Panel{}, training.Fit{Horizon: 1}, nil)
	if err != nil {
		return nil, err
	}
	return &fitted{model: m, method: name, metrics: map[string]float64{"effective_epochs": 0},
		parts: []part{{name, m, 1}}, warning: &training.Warning{Code: "short_history",
			Message: fmt.Sprintf("%s; the forecast is that of the method %s until there is more", reason, name)}}, nil
}

// put keeps a metric that is a number.
func put(metrics map[string]float64, name string, v float64) {
	if !math.IsNaN(v) && !math.IsInf(v, 0) {
		metrics[name] = v
	}
}
