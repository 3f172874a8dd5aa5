package tuning

import (
	"math"
	"math/rand/v2"
	"slices"
)

// The constants of the sampler.
const (
	candidates = 16 // looked at for every proposal
	leastGood  = 3  // points that count as good, at least
	goodShare  = 0.15
	mostGood   = 25
	widest     = 0.2 // deviation of a kernel, as a share of its axis
	narrowest  = 0.12
)

// point is one coordinate for every axis.
type point []float64

// propose is the next point to judge. ranked are those judged before, best
// first. It is the tree-structured Parzen estimator (Bergstra, Bardenet,
// Bengio, Kégl 2011) with kernels over all axes together (Falkner, Klein,
// Hutter 2018, "BOHB"), so that what must be chosen together is: the good
// points, and the others, each make a density, a mixture of one kernel a point
// and the uniform density; of some candidates drawn from the good ones' the one
// is taken at which the two differ most.
func propose(axes []axis, ranked []point, rng *rand.Rand) point {
	good := min(max(int(math.Ceil(goodShare*float64(len(ranked)))), leastGood), mostGood, len(ranked))
	l, g := newParzen(axes, ranked[:good]), newParzen(axes, ranked[good:])
	var best point
	highest := math.Inf(-1)
	for range candidates {
		x := l.draw(rng)
		if ratio := l.density(x) - g.density(x); ratio > highest {
			best, highest = x, ratio
		}
	}
	return best
}

// parzen is a mixture with equal weights: a kernel at each centre, and the
// uniform density.
type parzen struct {
	axes    []axis
	centres []point
	sigma   []float64 // by axis
}

// newParzen takes as the deviations those of the centres, less the more there
// are (Scott's rule), within bounds: good points that agree are looked at closely.
func newParzen(axes []axis, centres []point) *parzen {
	m := &parzen{axes: axes, centres: centres, sigma: make([]float64, len(axes))}
	n := float64(max(len(centres), 1))
	scott := math.Pow(n, -1/(float64(len(axes))+4))
	for j, a := range axes {
		var mean, squares float64
		for _, c := range centres {
			mean += a.share(c[j]) / n
		}
		for _, c := range centres {
			d := a.share(c[j]) - mean
			squares += d * d / n
		}
		m.sigma[j] = math.Min(math.Max(math.Sqrt(squares)*scott, narrowest), widest)
	}
	return m
}

func (m *parzen) draw(rng *rand.Rand) point {
	x := make(point, len(m.axes))
	k := rng.IntN(len(m.centres) + 1)
	for j, a := range m.axes {
		if k == len(m.centres) {
			x[j] = a.at(rng.Float64())
		} else {
			x[j] = a.draw(m.centres[k][j], m.sigma[j], rng)
		}
	}
	return x
}

// density is the logarithm of the mixture's density at x.
func (m *parzen) density(x point) float64 {
	terms := make([]float64, 0, len(m.centres)+1)
	terms = append(terms, 0) // of the uniform density
	for _, c := range m.centres {
		var sum float64
		for j, a := range m.axes {
			sum += a.density(x[j], c[j], m.sigma[j])
		}
		terms = append(terms, sum)
	}
	top := slices.Max(terms)
	var sum float64
	for _, t := range terms {
		sum += math.Exp(t - top)
	}
	return top + math.Log(sum/float64(len(terms)))
}

// spread is point i of n that cover the axes evenly: every axis is cut into n
// shares, and each is taken once (Latin hypercube; McKay, Beckman, Conover 1979).
func spread(axes []axis, seed uint64, i, n int) point {
	x := make(point, len(axes))
	for j, a := range axes {
		rng := rand.New(rand.NewPCG(seed, 1<<32|uint64(j)))
		order := rng.Perm(n)
		within := make([]float64, n)
		for k := range within {
			within[k] = rng.Float64()
		}
		x[j] = a.at((float64(order[i]) + within[i]) / float64(n))
	}
	return x
}
