package tide

import "github.com/plastinka/predictor/adapters/tide/kernel"

// backward takes dOut, the loss's gradients by the outputs of samples from …
// to−1, back through the network, as far as the inputs of every layer. The
// parameters' gradients follow from them, over the whole batch at once (see
// gradient.go).
func (b *workspace) backward(s *kernel.Scratch, from, to int) {
	b.backFinish(from, to)
	for i := from; i < to; i++ {
		for h := range b.Horizon {
			copy(b.temporal.dy.row(i*b.Horizon+h), b.dInner.row(i)[h*b.Outputs:(h+1)*b.Outputs])
		}
	}
	b.backwardStage(s, b.temporal, from, to)
	b.collectSteps(from, to)
	for i := len(b.decoders) - 1; i >= 0; i-- {
		b.backwardStage(s, b.decoders[i], from, to)
	}
	for i := len(b.encoders) - 1; i >= 0; i-- {
		b.backwardStage(s, b.encoders[i], from, to)
	}
	if b.encoders[0].dx.data == nil {
		return
	}
	b.backGather(from, to)
	if b.past != nil {
		b.backwardStage(s, b.past, from, to)
	}
	if b.future != nil {
		b.backwardStage(s, b.future, from, to)
	}
	if b.affine >= 0 {
		b.backNormalise(from, to)
	}
}

// backFinish goes back through RIN's inverse; without it dInner is dOut.
// dGainRow and dShiftRow get what the inverse adds to the affine gradients.
func (b *workspace) backFinish(from, to int) {
	if b.affine < 0 {
		return
	}
	gain := float64(b.params[b.affine]) + inverseEpsilon
	for i := from; i < to; i++ {
		d, out, inner := b.dOut.row(i), b.out.row(i), b.dInner.row(i)
		factor := float64(b.spread[i]) / gain
		b.dGainRow[i], b.dShiftRow[i] = 0, 0
		for j, v := range d {
			inner[j] = float32(float64(v) * factor)
			b.dShiftRow[i] -= float64(v) * factor
			b.dGainRow[i] -= float64(v) * float64(out[j]-b.level[i]) / gain // out − mean = (y − bias)/gain·spread
		}
	}
}

// backNormalise adds what RIN itself means for its affine parameters; mean and
// deviation are constants for the gradient.
func (b *workspace) backNormalise(from, to int) {
	skip := b.params[b.weights.lookback.w:]
	for i := from; i < to; i++ {
		raw, d, inner := b.raw.row(i), b.encoders[0].dx.row(i), b.dInner.row(i)
		for j, v := range raw {
			dx := float64(d[j])
			for o, dy := range inner {
				dx += float64(dy) * float64(skip[o*b.Lookback+j])
			}
			b.dGainRow[i] += dx * float64(v-b.level[i]) / float64(b.spread[i])
			b.dShiftRow[i] += dx
		}
	}
}

// collectSteps takes the temporal decoder's input gradients to the decoder and,
// where future covariates pass a projection, to that.
func (b *workspace) collectSteps(from, to int) {
	width := b.stepWidth()
	last := b.decoders[len(b.decoders)-1].dy
	for i := from; i < to; i++ {
		for h := range b.Horizon {
			dx := b.temporal.dx.row(i*b.Horizon + h)
			copy(last.row(i)[h*width:(h+1)*width], dx)
			if b.future != nil {
				copy(b.future.dy.row(i*(b.Lookback+b.Horizon)+b.Lookback+h), dx[width:])
			}
		}
	}
}

// backGather takes the encoder's input gradient to the projections.
func (b *workspace) backGather(from, to int) {
	for i := from; i < to; i++ {
		dx := b.encoders[0].dx.row(i)
		if b.past != nil {
			w := b.TemporalPast
			for t := range b.Lookback {
				copy(b.past.dy.row(i*b.Lookback+t), dx[b.pastAt+t*w:b.pastAt+(t+1)*w])
			}
		}
		if b.future == nil {
			continue
		}
		w, months := b.TemporalFuture, b.Lookback+b.Horizon
		for t := range months {
			to, from := b.future.dy.row(i*months+t), dx[b.futureAt+t*w:b.futureAt+(t+1)*w]
			if t < b.Lookback {
				copy(to, from)
			} else {
				b.path.Add(to, from) // the temporal decoder's part stands there
			}
		}
	}
}

// backwardStage goes back through a residual block: from dy to dz, dsecond, dh
// and, where it is needed, dx.
func (b *workspace) backwardStage(s *kernel.Scratch, st *stage, from, to int) {
	from, to = from*st.perSample, to*st.perSample
	m := to - from
	for i := from; i < to; i++ {
		if st.norm {
			b.backNorm(st, i)
		}
		switch {
		case b.active:
			b.path.Mask(st.dsecond.row(i), st.dz.row(i), b.dropping(st, i))
		case b.dropout > 0:
			copy(st.dsecond.row(i), st.dz.row(i))
		}
	}
	dh := st.dh.data[from*st.dh.stride:]
	b.path.Multiply(s, dh, st.dh.stride, st.dsecond.left(from), st.second.backward, m, st.second.in, st.second.out, false)
	for i := from; i < to; i++ {
		b.path.ReLUGradient(st.dh.row(i), st.h.row(i))
	}
	if st.dx.data == nil {
		return
	}
	dx := st.dx.data[from*st.dx.stride:]
	b.path.Multiply(s, dx, st.dx.stride, st.dh.left(from), st.first.backward, m, st.first.in, st.first.out, false)
	b.path.Multiply(s, dx, st.dx.stride, st.dz.left(from), st.skip.backward, m, st.skip.in, st.skip.out, true)
}

// backNorm is layer norm's gradient: with g = dy·gain and c the centred values,
// dz = (g − mean(g) − c·mean(g·c))/deviation.
func (b *workspace) backNorm(st *stage, i int) {
	dy, dz, c := st.dy.row(i), st.dz.row(i), st.centred.row(i)
	gain := b.params[st.gain:][:len(dy)]
	var sum, product float64
	for j, v := range dy {
		g := float64(v) * float64(gain[j])
		sum += g
		product += g * float64(c[j])
	}
	n := float64(len(dy))
	sum, product = sum/n, product/n
	for j, v := range dy {
		g := float64(v) * float64(gain[j])
		dz[j] = float32((g - sum - float64(c[j])*product) * float64(st.inverse[i]))
	}
}
