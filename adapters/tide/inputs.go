package tide

import (
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/panel"
)

// Inputs are what the network is given to forecast every product of p from the
// months before origin, in the layout of the model file: past (N, L, 1 + past +
// future; column 0 the lookback), future (N, H, future) and static (N, static),
// row-major.
func (m *Model) Inputs(p *panel.Panel, origin int) (past, future, static []float32, err error) {
	if origin < 0 || origin > p.T {
		return nil, nil, nil, fault.New(fault.Internal, "internal_error", "month %d of a panel of %d cannot be forecast", origin, p.T)
	}
	s := m.network.Shape
	x := m.samples(known(p, origin), origin)
	width := 1 + s.Past + s.Future
	in := input{Lookback: make([]float32, s.Lookback), past: make([]float32, s.Lookback*s.Past), pastStride: s.Past, pastWidth: s.Past,
		future: make([]float32, (s.Lookback+s.Horizon)*s.Future), futureStride: s.Future, futureWidth: s.Future, Static: make([]float32, s.Static)}
	past = make([]float32, p.N()*s.Lookback*width)
	for i := range p.N() {
		x.fill(&in, i)
		for t := range s.Lookback {
			row := past[(i*s.Lookback+t)*width:][:width]
			row[0] = in.Lookback[t]
			copy(row[1:], in.Past(t))
			copy(row[1+s.Past:], in.Future(t))
		}
		future = append(future, in.future[s.Lookback*s.Future:]...)
		static = append(static, in.Static...)
	}
	return past, future, static, nil
}
