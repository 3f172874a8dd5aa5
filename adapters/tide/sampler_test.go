package tide

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/plastinka/predictor/domain/covariate"
	"github.com/stretchr/testify/require"
)

func TestFixtureQuantileSampling(t *testing.T) {
	eachFixture(t, "quantile_sampling", func(t *testing.T, text []byte) {
		var f struct {
			Quantiles []float64     `json:"quantiles"`
			Predicted fixtureTensor `json:"predicted"`
			U         fixtureTensor `json:"u"`
			Draws     fixtureTensor `json:"draws"`
			Post      struct {
				Scaler struct {
					Low    float64 `json:"log1p_min"`
					High   float64 `json:"log1p_max"`
					Offset float64 `json:"offset"`
				} `json:"scaler"`
				Inverted  fixtureTensor `json:"inverted"`
				Quantiles fixtureTensor `json:"quantiles_of_draws"`
			} `json:"post"`
		}
		require.NoError(t, json.Unmarshal(text, &f))
		levels := make([]float64, len(f.Quantiles))
		for i, q := range f.Quantiles {
			levels[i] = float64(float32(q))
		}
		scaler := covariate.Scaler{Low: f.Post.Scaler.Low, High: f.Post.Scaler.High}
		rows, n := f.Predicted.Shape[0], len(f.U.Data)
		require.Equal(t, []int{rows, n}, f.Draws.Shape)
		for r := range rows {
			values := make([]float64, len(levels))
			for i := range values {
				values[i] = float64(f.Predicted.Data[r*len(values)+i])
			}
			copies := make([]float64, n)
			for k, u := range f.U.Data {
				z := draw(levels, values, float64(u))
				require.InDelta(t, f.Draws.Data[r*n+k], z, 2e-6, "row %d, u %v", r, u)
				copies[k] = scaler.Copies(z - f.Post.Scaler.Offset)
				require.InEpsilon(t, 1+f.Post.Inverted.Data[r*n+k], 1+copies[k], 2e-5)
				copies[k] = math.Max(copies[k], 0)
			}
			for i, q := range quantilesOf(copies, f.Quantiles) {
				require.InEpsilon(t, 1+f.Post.Quantiles.Data[r*len(levels)+i], 1+q, 2e-5)
			}
		}
	})
}

func TestQuantilesOfFewDraws(t *testing.T) {
	require.Equal(t, []float64{7, 7}, quantilesOf([]float64{7}, []float64{0.05, 0.95}))
	require.Equal(t, []float64{1, 1.5, 2}, quantilesOf([]float64{2, 1}, []float64{0, 0.5, 1}))
}

func TestMixtureOfOneIsItself(t *testing.T) {
	levels := []float64{0.05, 0.25, 0.5, 0.75, 0.95}
	values := []float64{-1, 0.5, 0.75, 2, 6}
	require.InDeltaSlice(t, values, mixQuantiles(levels, levels, [][]float64{slices.Clone(values)}), 1e-9)
	require.InDeltaSlice(t, []float64{-1, -0.625, 1.375, 6},
		mixQuantiles([]float64{0.01, 0.1, 0.625, 0.99}, levels, [][]float64{slices.Clone(values)}), 1e-9)
	same := []float64{3, 3, 3, 3, 3}
	require.Equal(t, same, mixQuantiles(levels, levels, [][]float64{slices.Clone(same)}))
	crossed := []float64{0.5, -1, 0.75, 6, 2}
	require.InDeltaSlice(t, values, mixQuantiles(levels, levels, [][]float64{crossed}), 1e-9)
}

// TestMixtureAgreesWithManyDraws: mixing is what drawing one point from each of
// very many passes comes to.
func TestMixtureAgreesWithManyDraws(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	levels := []float64{0.05, 0.25, 0.5, 0.75, 0.95}
	rows := make([][]float64, 20)
	for p := range rows {
		for range levels {
			rows[p] = append(rows[p], math.Round(8*rng.NormFloat64())/4) // some values equal: atoms
		}
		slices.Sort(rows[p])
	}
	draws := make([]float64, 400_000)
	for k := range draws {
		draws[k] = draw(levels, rows[k%len(rows)], rng.Float64())
	}
	mixed := mixQuantiles(levels, levels, rows)
	slices.Sort(draws)
	for i, q := range levels {
		// Compare as levels: at an atom the level jumps across q.
		low, _ := slices.BinarySearch(draws, mixed[i]-1e-3)
		high, _ := slices.BinarySearch(draws, mixed[i]+1e-3)
		require.LessOrEqual(t, float64(low)/float64(len(draws)), q+0.004)
		require.GreaterOrEqual(t, float64(high)/float64(len(draws)), q-0.004)
	}
}
