package forecast_test

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/plastinka/predictor/domain/forecast"
	"github.com/stretchr/testify/require"
)

// number reads a JSON number, or "inf" and the like.
type number float64

func (n *number) UnmarshalJSON(b []byte) error {
	switch string(b) {
	case `"inf"`:
		*n = number(math.Inf(1))
	case `"-inf"`:
		*n = number(math.Inf(-1))
	case `"nan"`, "null":
		*n = number(math.NaN())
	default:
		var x float64
		if err := json.Unmarshal(b, &x); err != nil {
			return err
		}
		*n = number(x)
	}
	return nil
}

type tensor struct {
	Shape []int    `json:"shape"`
	Data  []number `json:"data"`
}

type metricsCase struct {
	Kind     string     `json:"kind"`
	Interval [2]float64 `json:"q_interval"`
	Zero     number     `json:"scaled_zero"`
	Draws    tensor     `json:"predicted_draws"`
	Actual   tensor     `json:"actual"`
	Spec     struct {
		MIWS  number `json:"MIWS"`
		MIC   number `json:"MIC"`
		Ratio number `json:"MIWS_MIC_Ratio"`
	} `json:"spec"`
}

// TestFixtureMetrics: the interval scores of §2.4 on every metrics case.
func TestFixtureMetrics(t *testing.T) {
	dir := os.Getenv("PLASTINKA_FIXTURES")
	if dir == "" {
		dir = "testdata"
	}
	files, err := filepath.Glob(filepath.Join(dir, "metrics_*.json"))
	require.NoError(t, err)
	require.NotEmpty(t, files, "no metrics case in %s", dir)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			b, err := os.ReadFile(file)
			require.NoError(t, err)
			var c metricsCase
			require.NoError(t, json.Unmarshal(b, &c))
			require.Equal(t, "metrics", c.Kind)
			n, s := c.Draws.Shape[0], c.Draws.Shape[1]
			require.Equal(t, []int{n}, c.Actual.Shape)
			lower, upper, actual, zero := make([]float64, n), make([]float64, n), make([]float64, n), make([]bool, n)
			for i := range n {
				draws := make([]float64, s)
				for j := range draws {
					draws[j] = single(c.Draws.Data[i*s+j])
				}
				slices.Sort(draws)
				lower[i], upper[i] = drawn(draws, c.Interval[0]), drawn(draws, c.Interval[1])
				actual[i] = single(c.Actual.Data[i])
				zero[i] = actual[i] == single(c.Zero)
			}
			got := forecast.Intervals(lower, upper, actual, zero)
			agree(t, c.Spec.MIWS, got.MIWS)
			agree(t, c.Spec.MIC, got.MIC)
			agree(t, c.Spec.Ratio, got.Ratio)
		})
	}
}

// single is the float32 that was printed with the fewest digits.
func single(n number) float64 { return float64(float32(n)) }

// drawn is the quantile of sorted draws, linear at position q·(S−1).
func drawn(sorted []float64, q float64) float64 {
	at := q * float64(len(sorted)-1)
	i := int(at)
	if i+1 >= len(sorted) {
		return sorted[i]
	}
	return sorted[i] + (at-float64(i))*(sorted[i+1]-sorted[i])
}

func agree(t *testing.T, want number, got float64) {
	t.Helper()
	switch w := float64(want); {
	case math.IsNaN(w):
		require.True(t, math.IsNaN(got))
		return
	case math.IsInf(w, 0):
		require.Equal(t, w, got)
		return
	}
	require.InEpsilon(t, 1+float64(want), 1+got, 1e-9)
}

func TestIntervalsOfNothing(t *testing.T) {
	s := forecast.Intervals(nil, nil, nil, nil)
	require.True(t, math.IsNaN(s.MIWS) && math.IsNaN(s.MIC))
}
