package tide

import (
	"cmp"
	"slices"

	"github.com/plastinka/predictor/adapters/tide/kernel"
)

// The tiles that the weights' gradients are cut into.
const (
	tileColumns = 2 * kernel.Panel
	tileRows    = 256
	fewRows     = 32 // below which packing X costs more than it saves
)

// part is one piece of the parameters' gradient: a tile of dW = dYᵀ·X, or the
// sums over the rows that biases and norms need. Each is computed by one
// thread over the whole batch, in one order.
type part struct {
	layer        linear
	dy, x        matrix
	perSample    int
	row, column  int // of the tile in dW; its size
	rows, width  int
	bias         bool   // dY summed instead
	exact        bool   // in float64, all of the layer at once
	norm         *stage // the norm's parameters instead
	work         int    // roughly, multiplications per row
	instanceNorm bool   // RIN's instead
}

// parts cuts the gradient of all parameters into pieces, the largest first.
func (b *workspace) parts() []part {
	var list []part
	add := func(l linear, dy, x matrix, perSample int) {
		p := part{layer: l, dy: dy, x: x, perSample: perSample}
		for r := 0; r < l.out; r += tileRows {
			for c := 0; c < l.in; c += tileColumns {
				p.row, p.column, p.rows, p.width = r, c, min(tileRows, l.out-r), min(tileColumns, l.in-c)
				p.work = p.rows * tileColumns * perSample
				list = append(list, p)
			}
		}
		list = append(list, part{layer: l, dy: dy, perSample: perSample, bias: true, work: l.out * perSample})
	}
	for _, s := range b.stages {
		add(s.first.linear, s.dh, s.x, s.perSample)
		add(s.second.linear, s.dsecond, s.h, s.perSample)
		add(s.skip.linear, s.dz, s.x, s.perSample)
		if s.norm {
			list = append(list, part{norm: s, perSample: s.perSample, work: 2 * s.dy.width * s.perSample})
		}
	}
	// Next to the loss, gradients are often exactly 0: the quantiles' derivatives
	// are few values, and sales are whole numbers. Adam turns the rounding noise
	// of such a sum into a step of full length, so these are summed exactly.
	for i := range list {
		list[i].exact = list[i].bias && (list[i].layer == b.temporal.second.linear || list[i].layer == b.temporal.skip.linear)
	}
	list = append(list, part{layer: b.weights.lookback.linear, dy: b.dInner, x: b.lookbackX, perSample: 1, exact: true,
		work: 10 * b.Lookback * b.out.width})
	if b.affine >= 0 {
		list = append(list, part{instanceNorm: true})
	}
	slices.SortStableFunc(list, func(x, y part) int { return cmp.Compare(y.work, x.work) })
	return list
}

// gradient computes one part over the first samples of the batch into grads.
func (b *workspace) gradient(s *kernel.Scratch, grads []float32, p *part, samples int) {
	rows := samples * p.perSample
	switch {
	case p.norm != nil:
		b.normGradient(grads, p.norm, rows)
	case p.instanceNorm:
		var gain, shift float64
		for i := range samples {
			gain += b.dGainRow[i]
			shift += b.dShiftRow[i]
		}
		grads[b.affine], grads[b.affine+kernel.Panel] = float32(gain), float32(shift)
	case p.exact:
		exactGradient(grads, p, rows)
	case p.bias:
		sum := grads[p.layer.b : p.layer.b+p.layer.out]
		clear(sum)
		for i := range rows {
			b.path.Add(sum, p.dy.row(i))
		}
	default:
		x := kernel.Right{Data: p.x.data[p.column:], Step: p.x.stride, Panel: kernel.Panel}
		if p.rows > fewRows {
			x = s.Pack(x.Data, p.x.stride, rows, p.width)
		}
		dy := p.dy.transposed()
		dy.Data = dy.Data[p.row:]
		b.path.Multiply(s, grads[p.layer.w+p.row*p.layer.in+p.column:], p.layer.in, dy, x, p.rows, p.width, rows, false)
	}
}

// normGradient is dgain = Σ dy·centred and dshift = Σ dy over the rows.
func (b *workspace) normGradient(grads []float32, s *stage, rows int) {
	gain, shift := grads[s.gain:s.gain+s.dy.width], grads[s.shift:s.shift+s.dy.width]
	clear(gain)
	clear(shift)
	for i := range rows {
		dy, c := s.dy.row(i), s.centred.row(i)
		for j, v := range dy {
			gain[j] += v * c[j]
			shift[j] += v
		}
	}
}

// exactGradient is the gradient of a small layer's bias and, if x is there, of
// its weights, summed in float64.
func exactGradient(grads []float32, p *part, rows int) {
	for o := range p.layer.out {
		var bias float64
		for i := range rows {
			bias += float64(p.dy.row(i)[o])
		}
		grads[p.layer.b+o] = float32(bias)
		if p.x.data == nil {
			continue
		}
		for j := range p.layer.in {
			var w float64
			for i := range rows {
				w += float64(p.dy.row(i)[o]) * float64(p.x.row(i)[j])
			}
			grads[p.layer.w+o*p.layer.in+j] = float32(w)
		}
	}
}
