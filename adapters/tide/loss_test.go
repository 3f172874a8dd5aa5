package tide

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/plastinka/predictor/adapters/tide/kernel"
	"github.com/plastinka/predictor/domain/network"
	"github.com/stretchr/testify/require"
)

// pmf is the negative binomial by its textbook formula.
func pmf(y, mean, size float64) float64 {
	lg := func(x float64) float64 { v, _ := math.Lgamma(x); return v }
	return math.Exp(lg(y+size) - lg(size) - lg(y+1) + size*math.Log(size/(size+mean)) + y*math.Log(mean/(size+mean)))
}

func TestNegativeBinomialLossIsTheLikelihood(t *testing.T) {
	var l negativeBinomial
	grad := make([]float32, 2)
	for _, y := range []float32{0, 1, 3, 40} {
		for _, o := range [][]float32{{-2, 0.5}, {1.5, -1}, {3, 4}} {
			for _, a := range []float64{1, 0.4} {
				loss := l.loss(grad, o, y, float32(math.Log(a)), 1)
				want := -math.Log(pmf(float64(y), math.Exp(float64(o[0]))*a, math.Exp(float64(o[1]))))
				require.InDelta(t, want, loss, 1e-6*(1+want))
				for k := range o {
					const h = 1.0 / 256
					up, down := []float32{o[0], o[1]}, []float32{o[0], o[1]}
					up[k] += h
					down[k] -= h
					slope := (l.loss(make([]float32, 2), up, y, float32(math.Log(a)), 1) - l.loss(make([]float32, 2), down, y, float32(math.Log(a)), 1)) / (2 * h)
					require.InDelta(t, slope, grad[k], 1e-3*(1+math.Abs(slope)), "y %v, o %v, a %v, output %d", y, o, a, k)
				}
			}
		}
	}
}

func TestClampedOutputsHaveNoGradient(t *testing.T) {
	grad := []float32{1, 1}
	negativeBinomial{}.loss(grad, []float32{7, -5}, 3, 0, 1)
	require.Equal(t, []float32{0, 0}, grad)
	loss := negativeBinomial{}.loss(grad, []float32{-50, 9}, 0, 0, 1)
	require.InDelta(t, math.Exp(-9), loss, 1e-6)
}

func TestExposureScalesTheMeanAlone(t *testing.T) {
	grad := make([]float32, 2)
	half := negativeBinomial{}.loss(grad, []float32{1, 0.3}, 2, float32(math.Log(0.5)), 1)
	shifted := negativeBinomial{}.loss(grad, []float32{1 - math.Ln2, 0.3}, 2, 0, 1)
	require.InDelta(t, shifted, half, 1e-6)
}

// everything is a shape in which every part of the network exists but layer
// norm, which over two outputs is a step: the fixtures show that it is right.
func everything() network.Shape {
	return network.Shape{Lookback: 5, Horizon: 2, Past: 3, Future: 4, Static: 6, Outputs: 2, Hidden: 10, EncoderLayers: 2,
		DecoderLayers: 2, DecoderOutput: 3, TemporalPast: 2, TemporalFuture: 3, TemporalHidPast: 4, TemporalHidFuture: 5,
		TemporalDecoder: 7, InstanceNorm: true}
}

// noisy is a source of random samples.
type noisy struct{ seed uint64 }

func (n noisy) fill(in *input, i int) {
	rng := rand.New(rand.NewPCG(n.seed, uint64(i)))
	random := func(x []float32) {
		for j := range x {
			x[j] = float32(rng.NormFloat64())
		}
	}
	random(in.Lookback)
	random(in.Static)
	for t := range in.Lookback {
		random(in.Past(t))
	}
	for t := range len(in.Lookback) + len(in.Target) {
		random(in.Future(t))
	}
	for h := range in.Target {
		in.Target[h], in.Weight[h], in.LogA[h] = float32(rng.IntN(5)), float32(rng.IntN(3)), -float32(rng.Float64())
	}
}

// TestGradientOfCountsIsTheSlope: the loss's slope along random directions of
// all parameters, dropout on, is what the way back says.
func TestGradientOfCountsIsTheSlope(t *testing.T) {
	for name, change := range map[string]func(*network.Shape){
		"instance norm": func(*network.Shape) {},
		"no norm":       func(s *network.Shape) { s.InstanceNorm = false },
		"raw":           func(s *network.Shape) { s.TemporalPast, s.TemporalFuture, s.InstanceNorm = 0, 0, false },
	} {
		t.Run(name, func(t *testing.T) {
			shape := everything()
			change(&shape)
			team := newTeam(2)
			defer team.close()
			w := newWeights(newLayout(shape), kernel.Best(), true)
			w.start(3)
			x := newLearner(w, team, negativeBinomial{}, 40, 0.2, 0)
			order := numbers(40)
			x.compute(noisy{4}, order, 9)
			start := append([]float32(nil), x.params...)
			grads := append([]float32(nil), x.grads...)
			rng := rand.New(rand.NewPCG(5, 6))
			for range 5 {
				direction := make([]float32, len(start))
				var want float64
				for _, tensor := range x.tensors {
					for i := range tensor.size() {
						d := rng.NormFloat64()
						direction[tensor.offset+i] = float32(d)
						want += d * float64(grads[tensor.offset+i])
					}
				}
				at := func(h float32) float64 {
					for i, d := range direction {
						x.params[i] = start[i] + h*d
					}
					x.sync()
					return x.compute(noisy{4}, order, 9)
				}
				const h = 1e-3
				slope := (at(h) - at(-h)) / (2 * h)
				require.InDelta(t, want, slope, 0.02*math.Abs(want)+0.02)
			}
		})
	}
}
