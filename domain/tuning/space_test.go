package tuning

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plastinka/predictor/domain/training"
)

// TestSpaces (§2.5): every point of both spaces is a configuration that may be
// used, within the bounds; lite leaves nn_model_config as it is.
func TestSpaces(t *testing.T) {
	averaged := training.DefaultStandard()
	averaged.SWA = training.DefaultClassic().SWA
	counts := training.DefaultClassic() // whose features have no switches
	counts.Likelihood = training.NegativeBinomial
	bare := training.DefaultClassic()
	bare.SWA = nil
	for name, c := range map[string]struct {
		base    training.Config
		network bool
		members int
	}{
		"standard lite":          {training.DefaultStandard(), false, 10},
		"standard full":          {training.DefaultStandard(), true, 16},
		"classic lite":           {training.DefaultClassic(), false, 12},
		"classic full":           {training.DefaultClassic(), true, 24},
		"without averaging":      {bare, true, 21},
		"standard has no cosine": {averaged, true, 16},
		"counts, classic ones":   {counts, true, 10},
	} {
		t.Run(name, func(t *testing.T) {
			space := SpaceOf(c.base, Scope{Network: c.network})
			require.Len(t, space.Paths(), c.members)
			rng := rand.New(rand.NewPCG(1, 2))
			before, err := c.base.Canonical()
			require.NoError(t, err)
			for range 300 {
				x := uniform(space, rng)
				made := space.config(c.base, x)
				require.NoError(t, made.Validate())
				if !c.network {
					require.Equal(t, c.base.Model, made.Model)
				}
				for j, v := range space.values(made) {
					a := space.dimensions[j].axis
					if a.kind != unlike && space.dimensions[j].Path != "nn_model_config.temporal_width_past" {
						require.GreaterOrEqual(t, v, a.low, space.dimensions[j].Path)
						require.LessOrEqual(t, v, a.high, space.dimensions[j].Path)
						require.InDelta(t, a.share(x[j]), a.share(a.coordinate(v)), 0.01, space.dimensions[j].Path)
					}
				}
				require.Equal(t, made, space.graft(c.base, made), "its members make it up")
			}
			after, err := c.base.Canonical()
			require.NoError(t, err)
			require.Equal(t, string(before), string(after), "the base is not changed")
		})
	}
}

// TestPathsAreMembers: every searched member stands where its path says.
func TestPathsAreMembers(t *testing.T) {
	for _, base := range []training.Config{training.DefaultStandard(), training.DefaultClassic()} {
		space := SpaceOf(base, Scope{Network: true})
		for j, d := range space.dimensions {
			changed := clone(base)
			last := float64(max(d.axis.count()-1, 1))
			if d.axis.coordinate(d.get(&base)) > last/2 {
				last = 0
			}
			d.set(&changed, d.axis.value(last))
			text, err := changed.Canonical()
			require.NoError(t, err)
			var tree map[string]any
			require.NoError(t, json.Unmarshal(text, &tree))
			steps := strings.Split(d.Path, ".")
			if steps[0] == "features_off" {
				require.Equal(t, []any{steps[1]}, tree[steps[0]])
				continue
			}
			for _, s := range steps[:len(steps)-1] {
				tree = tree[s].(map[string]any)
			}
			switch v := tree[steps[len(steps)-1]].(type) {
			case bool:
				require.Equal(t, last == 1, v, d.Path)
			default:
				require.Equal(t, d.axis.value(last), v, d.Path)
			}
			require.NotEqual(t, space.values(base)[j], space.values(changed)[j], d.Path)
		}
	}
}

// TestLagsKeepToTheHistory: a short history allows no long lookback.
func TestLagsKeepToTheHistory(t *testing.T) {
	base := training.DefaultStandard()
	rng := rand.New(rand.NewPCG(1, 2))
	for most, bounds := range map[int][2]int{0: {6, 24}, 10: {6, 10}, 4: {4, 4}, 40: {6, 24}} {
		space := SpaceOf(base, Scope{MaxLags: most})
		for range 100 {
			c := space.config(base, uniform(space, rng))
			require.GreaterOrEqual(t, c.Lags, bounds[0])
			require.LessOrEqual(t, c.Lags, bounds[1])
		}
	}
}

// TestKernels: what draw draws has the density that density says, and the
// density of every axis sums to 1.
func TestKernels(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for name, a := range map[string]axis{
		"linear": {kind: linear, low: -1, high: 3}, "logged": {kind: logged, low: 1e-6, high: 1},
		"stepped": {kind: stepped, low: 10, high: 80, step: 10}, "doubled": {kind: doubled, low: 4, high: 64},
		"choice": {kind: unlike, high: 3}, "single": {kind: stepped, low: 4, high: 4, step: 1},
	} {
		for _, sigma := range []float64{0.12, 0.2} {
			for _, centre := range []float64{0, a.at(0.4), a.at(1 - 1e-9)} {
				const bins, draws = 40, 40000
				counted := make([]float64, bins)
				for range draws {
					counted[int(a.share(a.draw(centre, sigma, rng))*bins)]++
				}
				n := a.count()
				if n == 0 {
					n = 4000
				}
				expected, sum := make([]float64, bins), 0.0
				for k := range n {
					x := float64(k)
					if a.count() == 0 {
						x = (float64(k) + 0.5) / float64(n)
					}
					p := math.Exp(a.density(x, centre, sigma)) / float64(n)
					sum += p
					expected[int(a.share(x)*bins)] += p
				}
				require.InDelta(t, 1, sum, 1e-4, name)
				for b := range bins {
					require.InDelta(t, expected[b], counted[b]/draws, 0.012, "%s, centre %v, bin %d", name, centre, b)
				}
			}
		}
	}
}

// TestSpreadCoversEveryAxis: of n points every nth of a continuous axis has one.
func TestSpreadCoversEveryAxis(t *testing.T) {
	space := SpaceOf(training.DefaultClassic(), Scope{Network: true})
	const n = 16
	for j, a := range space.axes() {
		seen := map[int]bool{}
		for i := range n {
			seen[int(a.share(spread(space.axes(), 5, i, n)[j])*n)] = true
		}
		require.Len(t, seen, map[bool]int{true: n, false: min(n, a.count())}[a.count() == 0 || a.count() > n], space.dimensions[j].Path)
	}
}
