// Package regression has negative-binomial regression: its likelihood, the
// functions that it needs, and the optimiser that fits it.
package regression

import "math"

// Objective is a smooth function to be minimised: its value at x, with its
// gradient written to grad (len(x)).
type Objective func(grad, x []float64) float64

// memory is the number of correction pairs that L-BFGS keeps.
const memory = 10

// Minimize runs L-BFGS (Nocedal and Wright, Numerical Optimization, 2006,
// algorithm 7.5) with a strong-Wolfe line search from x, which it overwrites
// by the best point found, for at most iterations steps or until the largest
// component of the gradient is below 1e-6. It returns the value there. It is
// deterministic. A start that is not finite is returned as it is.
func Minimize(f Objective, x []float64, iterations int) float64 {
	n := len(x)
	grad, dir := make([]float64, n), make([]float64, n)
	nextX, nextGrad := make([]float64, n), make([]float64, n)
	value := f(grad, x)
	var pairs []correction
	for range iterations {
		if maxAbs(grad) < 1e-6 || math.IsNaN(value) || math.IsInf(value, 0) {
			break
		}
		descend(dir, grad, pairs)
		slope := dot(dir, grad)
		if !(slope < 0) { // the memory has gone bad: start again, downhill
			pairs = nil
			descend(dir, grad, nil)
			slope = dot(dir, grad)
		}
		step := 1.0
		if len(pairs) == 0 {
			step = math.Min(1, 1/math.Sqrt(-slope))
		}
		line := lineSearch{f: f, x: x, dir: dir, at: nextX, grad: nextGrad, value: value, slope: slope}
		reached, ok := line.search(step)
		if !ok {
			if len(pairs) == 0 {
				break
			}
			pairs = nil
			continue
		}
		pairs = remember(pairs, x, nextX, grad, nextGrad)
		done := value-reached <= 1e-11*(1+math.Abs(value))
		copy(x, nextX)
		copy(grad, nextGrad)
		value = reached
		if done {
			break
		}
	}
	return value
}

// correction is one step s of x with its change y of the gradient; rho = 1/sᵀy.
type correction struct {
	s, y []float64
	rho  float64
}

func remember(pairs []correction, x, nextX, grad, nextGrad []float64) []correction {
	c := correction{s: make([]float64, len(x)), y: make([]float64, len(x))}
	for i := range x {
		c.s[i], c.y[i] = nextX[i]-x[i], nextGrad[i]-grad[i]
	}
	sy := dot(c.s, c.y)
	if sy <= 1e-12*dot(c.y, c.y) {
		return pairs
	}
	c.rho = 1 / sy
	if len(pairs) == memory {
		pairs = pairs[1:]
	}
	return append(pairs, c)
}

// descend writes the quasi-Newton direction −H·grad (the two-loop recursion).
func descend(dir, grad []float64, pairs []correction) {
	for i, g := range grad {
		dir[i] = -g
	}
	if len(pairs) == 0 {
		return
	}
	alpha := make([]float64, len(pairs))
	for i := len(pairs) - 1; i >= 0; i-- {
		alpha[i] = pairs[i].rho * dot(pairs[i].s, dir)
		axpy(dir, -alpha[i], pairs[i].y)
	}
	last := pairs[len(pairs)-1]
	scale := 1 / (last.rho * dot(last.y, last.y))
	for i := range dir {
		dir[i] *= scale
	}
	for i, p := range pairs {
		axpy(dir, alpha[i]-p.rho*dot(p.y, dir), p.s)
	}
}

// lineSearch looks along dir from x for a point of the strong Wolfe conditions
// (algorithms 3.5 and 3.6 of the same book, bisecting within the bracket).
type lineSearch struct {
	f            Objective
	x, dir       []float64
	at, grad     []float64 // the point last tried and its gradient
	value, slope float64   // at x
}

func (l *lineSearch) try(step float64) (value, slope float64) {
	for i := range l.x {
		l.at[i] = l.x[i] + step*l.dir[i]
	}
	value = l.f(l.grad, l.at)
	return value, dot(l.grad, l.dir)
}

func (l *lineSearch) search(step float64) (value float64, ok bool) {
	const armijo, curvature = 1e-4, 0.9
	low, high := 0.0, math.Inf(1)
	lowValue := l.value
	for range 30 {
		value, slope := l.try(step)
		switch {
		case math.IsNaN(value) || value > l.value+armijo*step*l.slope || value > lowValue && low > 0:
			high = step
		case math.Abs(slope) <= -curvature*l.slope:
			return value, true
		case slope > 0:
			high = step
		default:
			low, lowValue = step, value
		}
		if math.IsInf(high, 1) {
			step *= 2
		} else {
			step = (low + high) / 2
		}
	}
	if low == 0 {
		return l.value, false
	}
	value, _ = l.try(low) // decreases enough, if not as flat as wished
	return value, true
}

func dot(a, b []float64) (sum float64) {
	for i, x := range a {
		sum += x * b[i]
	}
	return sum
}

func axpy(dst []float64, a float64, x []float64) {
	for i, v := range x {
		dst[i] += a * v
	}
}

func maxAbs(x []float64) (m float64) {
	for _, v := range x {
		m = math.Max(m, math.Abs(v))
	}
	return m
}
