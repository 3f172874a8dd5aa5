package tide

import (
	"math"

	"github.com/plastinka/predictor/adapters/tide/kernel"
)

// Adam's constants, and the norm that gradients are clipped to.
const (
	beta1, beta2 = 0.9, 0.999
	adamEpsilon  = 1e-8
	clipNorm     = 0.5
	clipEpsilon  = 1e-6
)

// chunk is how many parameters a thread updates at once.
const chunk = 1 << 14

// learner trains a network: one step is a batch through the network and back,
// clipping and Adam. A step allocates nothing, and what it computes does not
// depend on the number of threads: samples are computed in blocks of fixed
// size, each parameter's gradient in one order over the batch, and sums over
// blocks are added in their order.
type learner struct {
	*workspace
	team       *team
	likelihood likelihood
	decay      float64 // L2

	grads, m, v []float32
	parts       []part
	losses      []float64 // by block
	squares     []float64 // by chunk
	adam        kernel.AdamStep
	steps       int

	// The batch at hand.
	source source
	order  []int32

	trainBlock, lossBlock, gradPart, square, update, repack func(s *kernel.Scratch, task int)
}

func newLearner(w *weights, t *team, l likelihood, batch int, dropout, weightDecay float64) *learner {
	b := newWorkspace(w, batch, true, dropout)
	n := w.size
	x := &learner{workspace: b, team: t, likelihood: l, decay: weightDecay,
		grads: make([]float32, n), m: make([]float32, n), v: make([]float32, n),
		parts: b.parts(), losses: make([]float64, blocks(batch)), squares: make([]float64, chunks(n))}
	x.trainBlock = func(s *kernel.Scratch, task int) { x.block(s, task, true) }
	x.lossBlock = func(s *kernel.Scratch, task int) { x.block(s, task, false) }
	x.gradPart = func(s *kernel.Scratch, task int) { x.gradient(s, x.grads, &x.parts[task], len(x.order)) }
	x.square = func(_ *kernel.Scratch, task int) { x.squares[task] = sumSquares(piece(x.grads, task)) }
	x.update = func(_ *kernel.Scratch, task int) {
		x.path.Adam(piece(x.params, task), piece(x.grads, task), piece(x.m, task), piece(x.v, task), &x.adam)
	}
	x.repack = func(_ *kernel.Scratch, task int) { x.pack(task) }
	x.sync()
	return x
}

func blocks(samples int) int { return (samples + blockRows - 1) / blockRows }
func chunks(n int) int       { return (n + chunk - 1) / chunk }

func piece(x []float32, task int) []float32 { return x[task*chunk : min((task+1)*chunk, len(x))] }

// sync makes the packed weights and biases those of the parameters.
func (x *learner) sync() {
	x.team.run(len(x.all), x.repack)
	x.refresh()
}

// compute takes the batch forward and back: it returns the mean loss and leaves
// the gradients in grads.
func (x *learner) compute(from source, order []int32, stream uint64) float64 {
	x.source, x.order = from, order
	x.begin(true, stream)
	n := blocks(len(order))
	x.team.run(n, x.trainBlock)
	x.team.run(len(x.parts), x.gradPart)
	return sum(x.losses[:n])
}

// norm is the Euclidean norm of the gradients.
func (x *learner) norm() float64 {
	x.team.run(len(x.squares), x.square)
	return math.Sqrt(sum(x.squares))
}

// step trains on the samples order of from with the learning rate lr and
// returns their mean loss and the norm of its gradient before clipping.
func (x *learner) step(from source, order []int32, lr float64, stream uint64) (loss, norm float64) {
	loss = x.compute(from, order, stream)
	norm = x.norm()
	x.steps++
	t := float64(x.steps)
	x.adam = kernel.AdamStep{
		Clip: float32(min(1, clipNorm/(norm+clipEpsilon))), Decay: float32(x.decay),
		Keep1: beta1, Take1: 1 - beta1, Keep2: beta2, Take2: 1 - beta2,
		Rate: float32(lr / (1 - math.Pow(beta1, t))), Root: float32(1 / math.Sqrt(1-math.Pow(beta2, t))), Epsilon: adamEpsilon}
	x.team.run(len(x.squares), x.update)
	x.sync()
	return loss, norm
}

// loss is the mean loss of the samples order of from, without dropout.
func (x *learner) loss(from source, order []int32) float64 {
	x.begin(false, 0)
	var total float64
	for start := 0; start < len(order); start += x.batch {
		x.source, x.order = from, order[start:min(start+x.batch, len(order))]
		n := blocks(len(x.order))
		x.team.run(n, x.lossBlock)
		total += sum(x.losses[:n]) * float64(len(x.order))
	}
	return total / float64(len(order))
}

// block takes one block of samples forward and, in training, back.
func (x *learner) block(s *kernel.Scratch, task int, train bool) {
	from, to := task*blockRows, min((task+1)*blockRows, len(x.order))
	for i := from; i < to; i++ {
		x.source.fill(&x.inputs[i], int(x.order[i]))
	}
	x.forward(s, from, to)
	share := 1 / float64(len(x.order)*x.Horizon)
	var total float64
	for i := from; i < to; i++ {
		out, grad := x.out.row(i), x.dOut.row(i)
		for h := range x.Horizon {
			at := i*x.Horizon + h
			o, g := out[h*x.Outputs:(h+1)*x.Outputs], grad[h*x.Outputs:(h+1)*x.Outputs]
			w := float64(x.weight[at])
			if w == 0 { // nothing is known of this step
				clear(g)
				continue
			}
			total += w * x.likelihood.loss(g, o, x.target[at], x.loga[at], w*share)
		}
	}
	x.losses[task] = total * share
	if train {
		x.backward(s, from, to)
	}
}

func sum(x []float64) (total float64) {
	for _, v := range x {
		total += v
	}
	return total
}

func sumSquares(x []float32) float64 {
	var lane [4]float64
	for ; len(x) >= 4; x = x[4:] {
		for i := range lane {
			lane[i] += float64(x[i]) * float64(x[i])
		}
	}
	for _, v := range x {
		lane[0] += float64(v) * float64(v)
	}
	return lane[0] + lane[1] + (lane[2] + lane[3])
}
