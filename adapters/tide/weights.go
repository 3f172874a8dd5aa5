package tide

import (
	"math"
	"math/rand/v2"
	"slices"

	"github.com/plastinka/predictor/adapters/tide/kernel"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/network"
)

func inverseRoot(n int) float64 { return 1 / math.Sqrt(float64(max(n, 1))) }

// packed are the matrices of one linear layer as the kernels read them.
type packed struct {
	linear
	forward  kernel.Right // Wᵀ, in × out: y = x·Wᵀ
	backward kernel.Right // W, out × in: dx = dy·W
}

// packedBlock is a residual block as the kernels read it.
type packedBlock struct {
	*block
	first, second, skip packed
}

// weights are the parameters of a network, ready to compute with. Once packed
// they are read-only, and several computations may share them.
type weights struct {
	*layout
	path               kernel.Path
	params             []float32
	past, future       *packedBlock
	encoders, decoders []*packedBlock
	temporal           *packedBlock
	lookback           packed
	all                []*packed // every linear layer
}

// newWeights has all parameters 0. gradients says whether the layers are to be
// gone through backwards as well.
func newWeights(l *layout, path kernel.Path, gradients bool) *weights {
	w := &weights{layout: l, path: path, params: make([]float32, l.size)}
	pack := func(dst *packed, x linear) {
		dst.linear = x
		dst.forward = kernel.Packed(make([]float32, x.in*kernel.Padded(x.out)), x.in)
		if gradients {
			dst.backward = kernel.Packed(make([]float32, x.out*kernel.Padded(x.in)), x.out)
		}
		w.all = append(w.all, dst)
	}
	of := func(b *block) *packedBlock {
		if b == nil {
			return nil
		}
		p := &packedBlock{block: b}
		pack(&p.first, b.first)
		pack(&p.second, b.second)
		pack(&p.skip, b.skip)
		return p
	}
	w.past, w.future = of(l.past), of(l.future)
	for _, b := range l.encoders {
		w.encoders = append(w.encoders, of(b))
	}
	for _, b := range l.decoders {
		w.decoders = append(w.decoders, of(b))
	}
	w.temporal = of(l.temporal)
	pack(&w.lookback, l.lookback)
	return w
}

// pack brings layer i's packed matrices up to date with the parameters.
func (w *weights) pack(i int) {
	x := w.all[i]
	m := w.params[x.w : x.w+x.in*x.out]
	kernel.PackTransposed(x.forward.Data, m, x.in, x.in, x.out)
	if x.backward.Data != nil {
		kernel.Pack(x.backward.Data, m, x.in, x.out, x.in)
	}
}

func (w *weights) packAll() {
	for i := range w.all {
		w.pack(i)
	}
}

// bias is the bias of a linear layer.
func (w *weights) bias(x linear) []float32 { return w.params[x.b : x.b+x.out] }

// start draws the first values as torch.nn.Linear does: every weight and bias
// uniform on ±1/√in, independent; the norms are the identity.
func (w *weights) start(seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 0x9e3779b97f4a7c15))
	for _, t := range w.tensors {
		values := w.params[t.offset : t.offset+t.size()]
		for i := range values {
			values[i] = t.start
			if t.bound > 0 {
				values[i] = float32((2*rng.Float64() - 1) * t.bound)
			}
		}
	}
}

// export copies an array of parameters (or of gradients) into named tensors.
func (l *layout) export(array []float32) []network.Tensor {
	out := make([]network.Tensor, len(l.tensors))
	for i, t := range l.tensors {
		out[i] = network.Tensor{Name: t.name, Shape: slices.Clone(t.shape),
			Data: slices.Clone(array[t.offset : t.offset+t.size()])}
	}
	return out
}

// load takes the parameters from named tensors, which must be those of the shape.
func (w *weights) load(tensors []network.Tensor) error {
	if len(tensors) != len(w.tensors) {
		return fault.New(fault.Invalid, "invalid_model_file", "the model has %d tensors, its shape asks for %d: the file is damaged or from another version",
			len(tensors), len(w.tensors))
	}
	for i, t := range w.tensors {
		given := tensors[i]
		if given.Name != t.name || !slices.Equal(given.Shape, t.shape) || len(given.Data) != t.size() {
			return fault.New(fault.Invalid, "invalid_model_file", "the model's tensor %d is %.60q %v, its shape asks for %s %v: the file is damaged or from another version",
				i, given.Name, given.Shape, t.name, t.shape)
		}
		copy(w.params[t.offset:], given.Data)
	}
	return nil
}
