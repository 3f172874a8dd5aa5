package tide

import "github.com/plastinka/predictor/adapters/tide/kernel"

// matrix is row-major; its stride has room for whole panels, and the values
// beyond the width are 0 or of no account.
type matrix struct {
	data          []float32
	width, stride int
}

func newMatrix(rows, width int) matrix {
	stride := kernel.Padded(width)
	return matrix{make([]float32, rows*stride), width, stride}
}

func (m matrix) row(i int) []float32 { return m.data[i*m.stride : i*m.stride+m.width] }

// left are the rows from from on as A, transposed all of them as Aᵀ.
func (m matrix) left(from int) kernel.Left {
	return kernel.Left{Data: m.data[from*m.stride:], Row: m.stride, Step: 1}
}

func (m matrix) transposed() kernel.Left { return kernel.Left{Data: m.data, Row: 1, Step: m.stride} }

// stage is a residual block at work: each sample has perSample rows in it.
type stage struct {
	*packedBlock
	perSample int
	x, h, y   matrix
	both      []float32 // the biases of second and skip together
	centred   matrix    // of the norm: (z − mean)/deviation
	inverse   []float32 // of the norm: 1/deviation of each row

	// Backwards: gradients of y, of the sum before the norm, of second's
	// result, of h, and of x where somebody needs it.
	dy, dz, dsecond, dh, dx matrix
}

// blockRows is how many samples a thread takes at once. It decides nothing but
// speed, and the order in which losses are summed.
const blockRows = 32

// workspace is what one computation over a batch of samples needs beside the
// weights. It is made once and used for every batch.
type workspace struct {
	*weights
	batch   int // most samples
	train   bool
	dropout float64

	raw           matrix // the lookback as given, batch × L
	level, spread []float32
	lookbackX     matrix // the lookback as the network sees it
	past, future  *stage // projections, or nil
	encoders      []*stage
	decoders      []*stage
	temporal      *stage
	inputs        []input  // of the samples of the batch
	stages        []*stage // all of them, in the order of the layout
	out           matrix   // batch × H·P
	static        int      // where the segments of the encoder's input begin
	pastAt        int
	futureAt      int

	dOut, dInner         matrix    // gradients of out, and of what RIN's inverse took
	dGainRow, dShiftRow  []float64 // RIN's affine gradients, sample by sample
	target, weight, loga []float32 // batch × H: y, weight, log of the exposure

	stream uint64 // of this pass's dropout
	active bool   // dropout is on in this pass
}

func newWorkspace(w *weights, batch int, train bool, dropout float64) *workspace {
	l := w.layout
	b := &workspace{weights: w, batch: batch, train: train, dropout: dropout,
		raw: newMatrix(batch, l.Lookback), lookbackX: newMatrix(batch, l.Lookback),
		out:    newMatrix(batch, l.Horizon*l.Outputs),
		target: make([]float32, batch*l.Horizon), weight: make([]float32, batch*l.Horizon), loga: make([]float32, batch*l.Horizon)}
	if l.InstanceNorm {
		b.level, b.spread = make([]float32, batch), make([]float32, batch)
	}
	b.pastAt = l.Lookback
	b.futureAt = b.pastAt + l.Lookback*l.pastWidth()
	b.static = b.futureAt + (l.Lookback+l.Horizon)*l.futureWidth()
	if w.past != nil {
		b.past = b.stage(w.past, l.Lookback, nil)
	}
	if w.future != nil {
		b.future = b.stage(w.future, l.Lookback+l.Horizon, nil)
	}
	var before *stage
	for _, p := range w.encoders {
		before = b.stage(p, 1, before)
		b.encoders = append(b.encoders, before)
	}
	for _, p := range w.decoders {
		before = b.stage(p, 1, before)
		b.decoders = append(b.decoders, before)
	}
	b.temporal = b.stage(w.temporal, l.Horizon, nil)
	for i := range batch {
		b.inputs = append(b.inputs, b.slot(i))
	}
	if train {
		b.dOut = newMatrix(batch, b.out.width)
		b.dInner = b.dOut
		if l.InstanceNorm {
			b.dInner = newMatrix(batch, b.out.width)
			b.dGainRow, b.dShiftRow = make([]float64, batch), make([]float64, batch)
		}
		b.temporal.dx = newMatrix(batch*l.Horizon, b.temporal.x.width)
		if w.past != nil || w.future != nil || l.InstanceNorm {
			b.encoders[0].dx = newMatrix(batch, b.encoders[0].x.width)
		}
	}
	return b
}

// stage makes the workspace of a block; before is the one that feeds it.
func (b *workspace) stage(p *packedBlock, perSample int, before *stage) *stage {
	rows := b.batch * perSample
	s := &stage{packedBlock: p, perSample: perSample, both: make([]float32, p.second.out)}
	if before != nil {
		s.x = before.y
	} else {
		s.x = newMatrix(rows, p.first.in)
	}
	s.h, s.y = newMatrix(rows, p.first.out), newMatrix(rows, p.second.out)
	if p.norm {
		s.centred, s.inverse = newMatrix(rows, p.second.out), make([]float32, rows)
	}
	b.stages = append(b.stages, s)
	if !b.train {
		return s
	}
	s.dy, s.dh = newMatrix(rows, p.second.out), newMatrix(rows, p.first.out)
	s.dz = s.dy
	if p.norm {
		s.dz = newMatrix(rows, p.second.out)
	}
	s.dsecond = s.dz
	if b.dropout > 0 {
		s.dsecond = newMatrix(rows, p.second.out)
	}
	if before != nil {
		s.dx = before.dy
	}
	return s
}

// refresh takes over the biases after the parameters changed.
func (b *workspace) refresh() {
	for _, s := range b.stages {
		copy(s.both, b.bias(s.second.linear))
		b.path.Add(s.both, b.bias(s.skip.linear))
	}
}

// begin starts a pass: stream numbers its dropout, which is off if the
// workspace has none or active is false.
func (b *workspace) begin(active bool, stream uint64) {
	b.active, b.stream = active && b.dropout > 0, stream
}

// dropping is the dropout of a row of a stage in this pass.
func (b *workspace) dropping(s *stage, row int) kernel.Dropping {
	key := mix(b.stream ^ mix(uint64(s.stream)<<40^uint64(row)))
	return kernel.Dropping{Key: uint32(key >> 32), Threshold: uint32(b.dropout * (1 << 32)), Scale: float32(1 / (1 - b.dropout))}
}

// mix is the finaliser of splitmix64 (Steele, Lea, Flood 2014): a bijection
// that makes any difference of its input one of half the bits.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
