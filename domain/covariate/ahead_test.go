package covariate

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestAheadKnowsTheTargetAndNothingMore: one month ahead is what Origins gives;
// further ahead the month and the age are the target's, the rest stays as it
// was at the origin, and nothing from the origin on is looked at.
func TestAheadKnowsTheTargetAndNothingMore(t *testing.T) {
	const from, to, horizon = 10, 14, 5
	p := toy(30, 20, true, true)
	s := fitToy(t, p, from)
	names := s.Names()
	var steps [][]float32
	s.Ahead(p, from, to, horizon, func(o, step int, x []float32) {
		if step == 0 {
			require.Equal(t, origin(s, p, o), x)
		}
		steps = append(steps, slices.Clone(x))
		cut := p.Until(o)
		s.Ahead(cut, o, o+1, step+1, func(_, k int, y []float32) {
			if k == step {
				require.Equal(t, x, y, "origin %d, step %d: the months from the origin on are gone", o, step)
			}
		})
	})
	require.Len(t, steps, (to-from)*horizon)
	for i := range p.N() {
		for j, name := range names {
			now, later := steps[0][i*s.Width()+j], steps[4][i*s.Width()+j]
			if strings.HasPrefix(name, "ewm_") || strings.HasPrefix(name, "hist_") || name == "stock" {
				require.Equal(t, now, later, name)
			}
			if name == "month_cos" {
				require.NotEqual(t, now, later)
			}
		}
	}
}
