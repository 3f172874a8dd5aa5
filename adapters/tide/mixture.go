package tide

import (
	"cmp"
	"slices"
	"sort"
)

// draw is the value at u of the piecewise-linear inverse distribution whose
// quantiles at the levels are values, flat beyond the outer ones. The values are
// taken as they come, crossing or not.
func draw(levels, values []float64, u float64) float64 {
	k := sort.SearchFloat64s(levels, u) // levels strictly below u
	switch k {
	case 0:
		return values[0]
	case len(levels):
		return values[k-1]
	}
	part := (u - levels[k-1]) / (levels[k] - levels[k-1])
	return values[k-1] + part*(values[k]-values[k-1])
}

// quantilesOf are the quantiles of draws, linear between their order
// statistics: at position q·(n−1). draws is sorted.
func quantilesOf(draws, levels []float64) []float64 {
	slices.Sort(draws)
	out := make([]float64, len(levels))
	for i, q := range levels {
		position := q * float64(len(draws)-1)
		k := min(int(position), len(draws)-2)
		if k < 0 {
			out[i] = draws[0]
			continue
		}
		out[i] = draws[k] + (position-float64(k))*(draws[k+1]-draws[k])
	}
	return out
}

// knot is a place where the density of a mixture changes, or where it has an
// atom.
type knot struct{ at, slope, atom float64 }

// narrow is the width below which a segment counts as an atom: no unit in which
// sales are scaled makes a difference of it.
const narrow = 1e-9

// mixQuantiles are the quantiles at answers of the equal mixture of quantile
// functions: row p of values are the quantiles at levels of one of them, linear
// between, flat beyond. Values that cross are sorted. The mixture's distribution
// function is piecewise linear, so that this is exact.
func mixQuantiles(answers, levels []float64, values [][]float64) []float64 {
	n := len(levels)
	knots := make([]knot, 0, len(values)*2*n)
	share := 1 / float64(len(values))
	for _, v := range values {
		slices.Sort(v)
		knots = append(knots, knot{at: v[0], atom: share * levels[0]}, knot{at: v[n-1], atom: share * (1 - levels[n-1])})
		for j := 1; j < n; j++ {
			mass, width := share*(levels[j]-levels[j-1]), v[j]-v[j-1]
			if width < narrow {
				knots = append(knots, knot{at: v[j], atom: mass})
				continue
			}
			knots = append(knots, knot{at: v[j-1], slope: mass / width}, knot{at: v[j], slope: -mass / width})
		}
	}
	slices.SortFunc(knots, func(a, b knot) int { return cmp.Compare(a.at, b.at) })
	return read(answers, knots)
}

// read walks along the distribution function that the sorted knots make and
// notes where it reaches the answers, which ascend.
func read(answers []float64, knots []knot) []float64 {
	const rounding = 1e-9 // the sum of the shares is 1 only nearly
	out := make([]float64, 0, len(answers))
	var below, slope float64
	at := knots[0].at
	for _, k := range knots {
		reached := below + slope*(k.at-at)
		for len(out) < len(answers) && slope > 0 && answers[len(out)] <= reached {
			x := at + (answers[len(out)]-below)/slope
			out = append(out, min(max(x, at), k.at))
		}
		below, at = reached+k.atom, k.at
		for len(out) < len(answers) && answers[len(out)] <= below+rounding {
			out = append(out, at)
		}
		slope += k.slope
	}
	for len(out) < len(answers) {
		out = append(out, at)
	}
	return out
}
