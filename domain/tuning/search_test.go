package tuning

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plastinka/predictor/domain/training"
)

// objective is a made-up loss of a configuration.
type objective struct {
	name  string
	space Space
	base  training.Config
	loss  func(u []float64) float64 // of where its members stand on their axes, 0–1
}

func objectives() []objective {
	bowl := func(target, weight []float64) func([]float64) float64 {
		return func(u []float64) (v float64) {
			for j, t := range target {
				v += weight[j] * (u[j] - t) * (u[j] - t)
			}
			return v
		}
	}
	of := func(name string, base training.Config, scope Scope, loss func([]float64) float64) objective {
		return objective{name, SpaceOf(base, scope), base, loss}
	}
	standard, classic, full := training.DefaultStandard(), training.DefaultClassic(), Scope{Network: true}
	return []objective{
		of("a bowl in four members", standard, Scope{}, bowl([]float64{0.55, 0.4, 0.8, 0.3}, []float64{4, 0.5, 1, 1})),
		of("ten members of which four matter", standard, full,
			bowl([]float64{0.5, 0.5, 0.8, 0.2, 0.2, 0.2, 0.6, 0.4, 0.7, 0.5}, []float64{4, 0.1, 1, 0.5, 0.1, 0.1, 1, 0.1, 2, 0.3})),
		of("members that must be chosen together", standard, full, func(u []float64) float64 {
			across, along := u[0]+u[6]-1.1, u[0]-0.6
			return 5*across*across + along*along + math.Abs(u[8]-0.5) + 0.5*math.Abs(u[2]-0.7)
		}),
		of("classic: 24 members, some without an order", classic, full, func(u []float64) (v float64) {
			for j := range u {
				d := u[j] - 0.2 - 0.6*math.Mod(float64(j)*0.37, 1)
				v += d * d / (1 + float64(j%5))
			}
			if u[len(u)-1] > 0.5 {
				v += 0.3
			}
			if u[len(u)-2] < 0.5 {
				v += 0.3
			}
			return v
		}),
	}
}

func (o objective) at(x point) float64 {
	u := make([]float64, len(x))
	for j, a := range o.space.axes() {
		u[j] = a.share(x[j])
	}
	return o.loss(u)
}

// noise is the deviation of a judgement from the loss.
const noise = 0.02

// TestSamplerBeatsRandomSearch (§2.5): with the same number of noisy judgements
// the configuration that the sampler holds for the best has the lower loss than
// the one that random search does, in at least 8 of 10 seeds of every objective.
func TestSamplerBeatsRandomSearch(t *testing.T) {
	const samples = 60
	for _, o := range objectives() {
		wins := 0
		for seed := range uint64(10) {
			rng := rand.New(rand.NewPCG(seed, 99))
			s := New(Plan{Space: o.space, Base: o.base, Samples: samples, Rungs: []int{10}, Wave: 4, Seed: seed})
			judged := run(s, nil, func(a Assignment) float64 { return o.at(s.points[a.Trial.ID]) + noise*rng.NormFloat64() })
			require.Len(t, judged, samples)
			mine := o.at(s.points[s.Best(1)[0].ID])
			lowest, random := math.Inf(1), 0.0
			for range samples {
				x := uniform(o.space, rng)
				if v := o.at(x) + noise*rng.NormFloat64(); v < lowest {
					lowest, random = v, o.at(x)
				}
			}
			if mine < random {
				wins++
			}
		}
		t.Logf("%s: better in %d of 10 seeds", o.name, wins)
		require.GreaterOrEqual(t, wins, 8, o.name)
	}
}

func uniform(s Space, rng *rand.Rand) point {
	var x point
	for _, a := range s.axes() {
		x = append(x, a.at(rng.Float64()))
	}
	return x
}

// run judges waves until the search ends or, with known scores, until one is not
// among them.
func run(s *Search, known []Score, judge func(Assignment) float64) (scores []Score) {
	for {
		_, wave := s.Next()
		if len(wave) == 0 {
			return scores
		}
		var now []Score
		for _, a := range wave {
			i := slices.IndexFunc(known, func(q Score) bool { return q.ID == a.Trial.ID && q.Rung == a.Rung })
			switch {
			case i >= 0:
				now = append(now, known[i])
			case judge == nil:
				return scores
			default:
				now = append(now, Score{Rung: a.Rung, ID: a.Trial.ID, Value: judge(a)})
			}
		}
		slices.Reverse(now) // the order in which scores come is of no account
		s.Judge(now)
		scores = append(scores, now...)
	}
}

// lossOf is a loss that depends on the configuration and falls with epochs; some
// configurations fail.
func lossOf(a Assignment) float64 {
	c := a.Trial.Config
	if c.Lags == 20 {
		return math.NaN()
	}
	return math.Abs(math.Log10(c.Optimizer.LR)+2.5) + math.Abs(c.DataSet.Exposure-0.7) + 1/float64(a.Trial.Epochs)
}

func plan() Plan {
	base := training.DefaultStandard()
	seed := base
	seed.Optimizer.LR = 2e-3
	other := training.DefaultClassic()
	return Plan{Space: SpaceOf(base, Scope{}), Base: base, Seeds: []training.Config{seed, base, other, seed}, Samples: 40, Rungs: []int{3, 9, 27}, Wave: 4, Seed: 7}
}

// TestKilledSearchGoesOnTheSame: a search that is told the scores of one that
// died, wherever it died, asks for what that one would have asked for, and ends
// in the same.
func TestKilledSearchGoesOnTheSame(t *testing.T) {
	whole := New(plan())
	all := run(whole, nil, lossOf)
	for died := range len(all) {
		s := New(plan())
		require.Equal(t, all, run(s, all[:died], lossOf), "after %d scores", died)
		require.Equal(t, whole.Best(5), s.Best(5))
	}
	different := plan()
	different.Seed++
	require.NotEqual(t, all, run(New(different), nil, lossOf), "another seed is another search")
}

// TestHalving: a third climbs at every rung, and the yardstick with them; what
// climbed is better than what was left; failed trials never climb; the seeds are
// judged first and once each, those of another kind not at all.
func TestHalving(t *testing.T) {
	s := New(plan())
	all := run(s, nil, lossOf)
	count := map[int]int{}
	at := map[[2]int]float64{}
	for _, q := range all {
		count[q.Rung]++
		_, twice := at[[2]int{q.Rung, q.ID}]
		require.False(t, twice)
		at[[2]int{q.Rung, q.ID}] = q.Value
	}
	require.Equal(t, 40, count[0])
	require.InDelta(t, 13, count[1], 2)
	require.InDelta(t, 5, count[2], 2)
	require.Contains(t, at, [2]int{2, 0}, "the yardstick is judged to the end")
	for place := range at {
		if place[0] > 0 {
			require.False(t, math.IsNaN(at[[2]int{place[0] - 1, place[1]}]), "trial %d failed and climbed", place[1])
		}
	}
	best := s.Best(5)
	require.Equal(t, 2, best[0].Rung)
	for id := range 40 {
		if v, ok := at[[2]int{2, id}]; ok && !math.IsNaN(v) {
			require.GreaterOrEqual(t, v, best[0].Score)
		}
	}
	require.Equal(t, 2e-3, s.config[1].Optimizer.LR)
	require.Len(t, s.seeds, 2)
}

// TestTinySearches end, whatever fails, and judge somebody to the end if anybody
// can be judged.
func TestTinySearches(t *testing.T) {
	for samples := 1; samples < 6; samples++ {
		for wave := 1; wave < 4; wave++ {
			p := plan()
			p.Samples, p.Wave = samples, wave
			s := New(p)
			run(s, nil, lossOf)
			require.Equal(t, 2, s.Best(1)[0].Rung)
			require.Equal(t, samples, s.Proposed())
			failing := New(p)
			run(failing, nil, func(Assignment) float64 { return math.NaN() })
			require.Empty(t, failing.Best(5))
		}
	}
}

func TestRungs(t *testing.T) {
	for epochs, want := range map[int][]int{1: {1}, 5: {5}, 10: {4, 10}, 30: {4, 10, 30}, 200: {23, 67, 200}, 10000: {1112, 3334, 10000}} {
		require.Equal(t, want, Rungs(epochs))
	}
}
