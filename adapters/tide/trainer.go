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
	progress          func(epoch int, loss float64)
}

// outcome is what a training came to.
type outcome struct {
	params              []float32
	epochs, best        int // run; of the best validation loss, from 1, 0 without
	trainLoss, bestLoss float64
}

// run trains from weights drawn by seed. With validation samples it stops when
// their loss no longer improves and returns the best weights; without, it trains
// all epochs and returns the averaged weights if the configuration averages.
func (t *trainer) run(ctx context.Context, seed uint64) (outcome, error) {
	x := t.learner
	x.restart(mix(seed))
	order, check := numbers(len(t.train.product)), []int32(nil)
	if t.validation != nil {
		check = numbers(len(t.validation.product))
	}
	r := t.rates(len(order))
	out := outcome{bestLoss: math.Inf(1)}
	mark := math.Inf(1) // the best loss that counted as an improvement
	since := 0
	for epoch := range t.epochs {
		r.begin(epoch)
		shuffle(order, seed, epoch)
		loss, err := t.epoch(ctx, r, order, mix(seed^mix(uint64(epoch))))
		if err != nil {
			return out, err
		}
		out.epochs, out.trainLoss = epoch+1, loss
		if r.swa != nil && t.validation == nil {
			r.swa.after(epoch+1, x.params)
		}
		if t.validation == nil {
			t.progress(epoch+1, loss)
			continue
		}
		v := x.loss(t.validation, check)
		t.progress(epoch+1, v)
		if v < out.bestLoss {
			out.best, out.bestLoss = epoch+1, v
			out.params = append(out.params[:0], x.params...)
		}
		since++
		if v < mark-improvement*math.Abs(mark) || math.IsInf(mark, 1) {
			mark, since = v, 0
		}
		if since >= t.config.Patience {
			break
		}
	}
	if out.params == nil {
		out.params = slices.Clone(x.params)
		if r.swa != nil && r.swa.taken > 0 {
			out.params = r.swa.mean
		}
	}
	return out, finite(out)
}

func finite(o outcome) error {
	if math.IsNaN(o.trainLoss) || math.IsInf(o.trainLoss, 0) {
		return fault.New(fault.Invalid, "training_diverged",
			"the training lost its way in epoch %d: its loss is no longer a number; lower optimizer_config.lr", o.epochs)
	}
	return nil
}

// epoch goes over all samples once and returns their mean loss.
func (t *trainer) epoch(ctx context.Context, r *rates, order []int32, stream uint64) (float64, error) {
	var total float64
	size := t.config.Model.BatchSize
	for start := 0; start < len(order); start += size {
		if err := ctx.Err(); err != nil {
			return 0, fault.Wrap("tide.Fit", err)
		}
		batch := order[start:min(start+size, len(order))]
		loss, _ := t.learner.step(t.train, batch, r.rate(), mix(stream+uint64(start)))
		r.schedule.advance()
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
