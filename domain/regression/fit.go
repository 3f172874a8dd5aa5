package regression

import (
	"context"
	"math"
	"runtime"
	"sync"
	"sync/atomic"
)

// Data are the rows of a regression: X is len(Y) × Width, row-major; Y are
// counts; Exposure, nil for 1 everywhere, multiplies the mean.
type Data struct {
	Width    int
	X        []float32
	Y        []int32
	Exposure []float32
}

// Model is a negative binomial whose mean and size are log-linear in the
// features: mean = exp(Mean·x + intercept), size = exp(Size·x + intercept), the
// intercept being the last coefficient of each. Both are bounded as in
// LogLikelihood.
type Model struct {
	Mean, Size []float64 // Width + 1
}

// At is the mean in copies and the size for one row of features.
func (m Model) At(x []float32) (mean, size float64) {
	eta, zeta := m.Mean[len(x)], m.Size[len(x)]
	for j, v := range x {
		eta += m.Mean[j] * float64(v)
		zeta += m.Size[j] * float64(v)
	}
	return math.Exp(clamp(eta, MinLogMean, MaxLogMean)), math.Exp(clamp(zeta, MinLogSize, MaxLogSize))
}

// Fit minimises the mean negative log-likelihood plus l2·Σw² over all
// coefficients but the intercepts, by at most iterations steps of L-BFGS. The
// result does not depend on threads (0: all cores): rows are summed in fixed
// blocks, the blocks in their order.
func Fit(ctx context.Context, d Data, l2 float64, iterations, threads int) (Model, error) {
	o := newObjective(ctx, d, l2, threads)
	x := make([]float64, 2*(d.Width+1))
	var sold, exposed float64
	for i, y := range d.Y {
		sold += float64(y)
		exposed += o.exposure(i)
	}
	if exposed > 0 {
		x[d.Width] = math.Log(math.Max(sold/exposed, 1e-4))
	}
	if len(d.Y) > 0 {
		Minimize(o.value, x, iterations)
	}
	if err := ctx.Err(); err != nil {
		return Model{}, err
	}
	return Model{Mean: x[:d.Width+1], Size: x[d.Width+1:]}, nil
}

// blockRows is how many rows are summed as one, whoever sums them.
const blockRows = 2048

type objective struct {
	Data
	ctx     context.Context
	l2      float64
	threads int
	logs    []float64   // log exposure by row; nil if all are 0
	sums    [][]float64 // by block: the gradient, then the value
}

func newObjective(ctx context.Context, d Data, l2 float64, threads int) *objective {
	if threads <= 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	o := &objective{Data: d, ctx: ctx, l2: l2}
	o.sums = make([][]float64, (len(d.Y)+blockRows-1)/blockRows)
	for b := range o.sums {
		o.sums[b] = make([]float64, 2*(d.Width+1)+1)
	}
	o.threads = min(threads, len(o.sums))
	if d.Exposure != nil {
		o.logs = make([]float64, len(d.Y))
		for i, e := range d.Exposure {
			o.logs[i] = math.Log(float64(e))
		}
	}
	return o
}

func (o *objective) exposure(i int) float64 {
	if o.Exposure == nil {
		return 1
	}
	return float64(o.Exposure[i])
}

// value is an Objective; not a number once the context has ended.
func (o *objective) value(grad, x []float64) float64 {
	if o.ctx.Err() != nil {
		return math.NaN()
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	work := func() {
		for b := next.Add(1) - 1; int(b) < len(o.sums); b = next.Add(1) - 1 {
			o.block(int(b), x)
		}
	}
	for range o.threads - 1 {
		wg.Go(work)
	}
	work()
	wg.Wait()
	clear(grad)
	var value float64
	last := len(grad)
	for _, s := range o.sums {
		for j := range grad {
			grad[j] += s[j]
		}
		value += s[last]
	}
	n := float64(len(o.Y))
	value /= n
	for j := range grad {
		grad[j] /= n
		if (j+1)%(o.Width+1) != 0 {
			value += o.l2 * x[j] * x[j]
			grad[j] += 2 * o.l2 * x[j]
		}
	}
	return value
}

// block sums the negative log-likelihood and its gradient over one block.
func (o *objective) block(b int, x []float64) {
	w := o.Width
	mean, size := x[:w], x[w+1:2*w+1]
	sum := o.sums[b]
	clear(sum)
	gMean, gSize := sum[:w], sum[w+1:2*w+1]
	for i := b * blockRows; i < min((b+1)*blockRows, len(o.Y)); i++ {
		row := o.X[i*w : (i+1)*w]
		eta, zeta := predictors(row, mean, size)
		eta += x[w]
		if o.logs != nil {
			eta += o.logs[i]
		}
		v, dEta, dZeta := LogLikelihood(int(o.Y[i]), eta, zeta+x[2*w+1])
		sum[2*w+2] -= v
		sum[w] -= dEta
		sum[2*w+1] -= dZeta
		for j, f := range row {
			gMean[j] -= dEta * float64(f)
			gSize[j] -= dZeta * float64(f)
		}
	}
}

// predictors are the products of a row with both vectors of coefficients, each
// in two chains, so that the additions need not wait for each other.
func predictors(row []float32, mean, size []float64) (eta, zeta float64) {
	mean, size = mean[:len(row)], size[:len(row)]
	var eta2, zeta2 float64
	j := 0
	for ; j+1 < len(row); j += 2 {
		a, b := float64(row[j]), float64(row[j+1])
		eta += mean[j] * a
		eta2 += mean[j+1] * b
		zeta += size[j] * a
		zeta2 += size[j+1] * b
	}
	if j < len(row) {
		eta += mean[j] * float64(row[j])
		zeta += size[j] * float64(row[j])
	}
	return eta + eta2, zeta + zeta2
}
