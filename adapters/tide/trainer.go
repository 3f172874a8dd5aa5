package tide

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/training"
)

// improvement is by what share of the best validation loss a loss must be lower
// to count against the patience.
const improvement = 0.005

// trainer runs the epochs of one training.
type trainer struct {
	learner           *learner
	set               featureSet
	config            training.Config
	epochs            int // at most, or exactly without validation
	train, validation *samples
	check             []int32 // all validation samples
	progress          func(epoch int, loss float64)

	mean mean      // of the weights over the steps of an epoch
	kept []float32 // the weights, while others are validated
}

// outcome is what a training came to.
type outcome struct {
	params              []float32
	epochs, best        int // run; of the best validation loss, from 1, 0 without
	trainLoss, bestLoss float64
}

// run trains from weights drawn by seed. With validation samples it stops when
// their loss no longer improves and returns the best weights; without, it trains
// all epochs.
//
// The weights of an epoch, to be validated or returned, are in standard the mean
// over its steps (Polyak and Juditsky 1992): a training that ends early, while
// the rate is still high, ends at a place that noise has a smaller part in. On the
// car parts and the made-up shop the validation loss falls by 0.2 and 0.05 %, and
// seeds differ half as much. In classic they are those of the last step, or, at
// the end of a training without validation, what the configuration averages.
func (t *trainer) run(ctx context.Context, seed uint64) (outcome, error) {
	x := t.learner
	x.restart(mix(seed))
	order := numbers(len(t.train.product))
	r := t.rates(len(order))
	out := outcome{bestLoss: math.Inf(1)}
	watch := patience{left: t.config.Patience, limit: t.config.Patience, mark: math.Inf(1)}
	for epoch := range t.epochs {
		r.begin(epoch)
		shuffle(order, seed, epoch)
		loss, err := t.epoch(ctx, r, order, mix(seed^mix(uint64(epoch))))
		if err != nil {
			return out, err
		}
		out.epochs, out.trainLoss = epoch+1, loss
		if r.swa != nil {
			r.swa.after(epoch+1, x.params)
		}
		if t.validation == nil {
			t.progress(epoch+1, loss)
			continue
		}
		v := t.validate()
		t.progress(epoch+1, v)
		if v < out.bestLoss {
			out.best, out.bestLoss = epoch+1, v
			out.params = append(out.params[:0], t.weights()...)
		}
		if watch.ends(v) {
			break
		}
	}
	if out.params == nil {
		out.params = slices.Clone(t.weights())
		if r.swa != nil && r.swa.taken > 0 {
			out.params = r.swa.weights
		}
	}
	return out, finite(out)
}

// patience counts the epochs without an improvement.
type patience struct {
	left, limit int
	mark        float64 // the last loss that counted as one
}

// ends takes an epoch's loss and says whether it was one too many.
func (p *patience) ends(loss float64) bool {
	p.left--
	if math.IsInf(p.mark, 1) || loss < p.mark-improvement*math.Abs(p.mark) {
		p.mark, p.left = loss, p.limit
	}
	return p.left <= 0
}

// weights are those of the epoch just trained.
func (t *trainer) weights() []float32 {
	if t.averages() {
		return t.mean.weights
	}
	return t.learner.params
}

func (t *trainer) averages() bool { return t.config.FeatureSet != training.Classic }

// validate is the validation loss of the epoch's weights.
func (t *trainer) validate() float64 {
	x := t.learner
	if !t.averages() {
		return x.loss(t.validation, t.check)
	}
	t.kept = append(t.kept[:0], x.params...)
	copy(x.params, t.mean.weights)
	x.sync()
	loss := x.loss(t.validation, t.check)
	copy(x.params, t.kept)
	x.sync()
	return loss
}

func finite(o outcome) error {
	if math.IsNaN(o.trainLoss) || math.IsInf(o.trainLoss, 0) {
		return fault.New(fault.Invalid, "training_failed",
			"the training lost its way in epoch %d: its loss is no longer a number; lower optimizer_config.lr", o.epochs)
	}
	return nil
}

// epoch goes over all samples once and returns their mean loss.
func (t *trainer) epoch(ctx context.Context, r *rates, order []int32, stream uint64) (float64, error) {
	var total float64
	size := t.config.Model.BatchSize
	t.mean.restart()
	for start := 0; start < len(order); start += size {
		if err := ctx.Err(); err != nil {
			return 0, fault.Wrap("tide.Fit", err)
		}
		batch := order[start:min(start+size, len(order))]
		loss, _ := t.learner.step(t.train, batch, r.rate(), mix(stream+uint64(start)))
		r.schedule.advance()
		if t.averages() {
			t.mean.add(t.learner.params)
		}
		total += loss * float64(len(batch))
	}
	return total / float64(len(order)), nil
}

// rates are the learning rates: one cosine over the configured epochs, which a
// shorter training leaves early, or in classic warm restarts and averaging.
func (t *trainer) rates(samples int) *rates {
	c := t.config
	if c.FeatureSet != training.Classic {
		steps := (samples + c.Model.BatchSize - 1) / c.Model.BatchSize
		return &rates{schedule: &decay{base: c.Optimizer.LR, steps: steps * c.Model.Epochs}}
	}
	r := &rates{schedule: &restarts{base: c.Optimizer.LR, period: c.Schedule.T0, factor: c.Schedule.TMult}}
	if c.SWA != nil {
		r.swa = newAveraging(*c.SWA, t.epochs, false)
	}
	return r
}

// restart begins anew with weights drawn by seed.
func (x *learner) restart(seed uint64) {
	x.start(seed)
	clear(x.m)
	clear(x.v)
	x.steps = 0
	x.sync()
}

// shuffle puts the samples in the order of an epoch.
func shuffle(order []int32, seed uint64, epoch int) {
	rng := rand.New(rand.NewPCG(seed, uint64(epoch)))
	rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
}

func numbers(n int) []int32 {
	x := make([]int32, n)
	for i := range x {
		x[i] = int32(i)
	}
	return x
}

// message is what a person is told of an epoch.
func message(seed, seeds, epoch, epochs int) string {
	if seeds == 1 {
		return fmt.Sprintf("epoch %d of %d", epoch, epochs)
	}
	return fmt.Sprintf("network %d of %d, epoch %d of %d", seed+1, seeds, epoch, epochs)
}
