package tide

import (
	"bytes"
	"encoding/json"
	"maps"
	"math"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/plastinka/predictor/adapters/onnx"
	"github.com/plastinka/predictor/domain/forecast"
	"github.com/plastinka/predictor/domain/training"
	"github.com/stretchr/testify/require"
)

// onnxArray is a tensor as the script that runs ONNX Runtime has it.
type onnxArray struct {
	Shape []int     `json:"shape"`
	Data  []float32 `json:"data"`
}

type onnxRun struct {
	Model  string               `json:"model"`
	Inputs map[string]onnxArray `json:"inputs"`
}

// fileInputs are the inputs of a model file for all products of s, which has
// just run.
func fileInputs(s *sampler, products int) map[string]onnxArray {
	shape := s.m.network.Shape
	past := onnxArray{Shape: []int{products, shape.Lookback, 1 + shape.Past + shape.Future}}
	future := onnxArray{Shape: []int{products, shape.Horizon, shape.Future}}
	static := onnxArray{Shape: []int{products, shape.Static}}
	for i := range products {
		in := &s.spaces[0].inputs[i]
		for t, y := range in.Lookback {
			past.Data = append(append(append(past.Data, y), in.Past(t)...), in.Future(t)...)
		}
		for h := range shape.Horizon {
			future.Data = append(future.Data, in.Future(shape.Lookback+h)...)
		}
		static.Data = append(static.Data, in.Static...)
	}
	inputs := map[string]onnxArray{"x_past": past, "x_future": future, "x_static": static}
	for name, a := range inputs {
		if len(a.Data) == 0 {
			delete(inputs, name)
		}
	}
	return inputs
}

// TestModelFileAgreesInONNXRuntime: §2.6, the file of a trained network gives in
// ONNX Runtime what the engine gives (2e-5 absolute and relative; counts equal in
// 99.99 % of the cells, else ±1), and in the engine the same bytes.
func TestModelFileAgreesInONNXRuntime(t *testing.T) {
	if out, err := exec.CommandContext(t.Context(), "python3", "-c", "import numpy, onnxruntime").CombinedOutput(); err != nil {
		t.Skipf("python3 with numpy and onnxruntime is not installed (pip install numpy onnxruntime): %v %s", err, out)
	}
	const products, months, horizon = 80, 30, 2
	p := shop(products, months)
	var names []string
	var samplers []*sampler
	var runs []onnxRun
	all := kinds()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		c := all[name]
		c.MCDropout = false
		c.NumSeeds = 1 + len(names)%2
		m, _ := fitted(t, Options{}, p, training.Fit{Config: c, Origin: months, Horizon: horizon, Seed: 3})
		path := filepath.Join(t.TempDir(), "model.onnx")
		require.NoError(t, onnx.Files{}.Write(t.Context(), path, m.Network()))
		read, err := onnx.Files{}.Read(t.Context(), path)
		require.NoError(t, err)
		again, err := FromNetwork(read)
		require.NoError(t, err)
		want := forecasts(t, m, p, months, horizon)
		require.Equal(t, want, forecasts(t, again, p, months, horizon))

		team := newTeam(1)
		defer team.close()
		s := newSampler(m, team, m.samples(p, months))
		out := make([]forecast.Distribution, products*horizon)
		s.run(out, 0, products, horizon)
		require.Equal(t, want, out)
		names, samplers, runs = append(names, name), append(samplers, s), append(runs, onnxRun{path, fileInputs(s, products)})
	}
	text, err := json.Marshal(runs)
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), "python3", filepath.Join("..", "onnx", "testdata", "run.py"))
	var stdout, trouble bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(text), &stdout, &trouble
	require.NoError(t, cmd.Run(), trouble.String())
	var results []map[string]onnxArray
	require.NoError(t, json.Unmarshal(stdout.Bytes(), &results))
	for k, result := range results {
		if samplers[k].m.network.Likelihood == training.NegativeBinomial {
			countsAgree(t, names[k], samplers[k], result)
		} else {
			quantilesAgree(t, names[k], samplers[k], result["quantiles"].Data)
		}
	}
}

func countsAgree(t *testing.T, name string, s *sampler, result map[string]onnxArray) {
	levels, different := s.m.network.Config.Quantiles, 0
	for cell, d := range s.out {
		for j, q := range levels {
			if gap := math.Abs(d.Quantile(q) - float64(result["quantiles"].Data[cell*len(levels)+j])); gap != 0 {
				require.LessOrEqual(t, gap, 1.0, "%s, cell %d, level %g", name, cell, q)
				different++
			}
		}
		seeds := len(s.spaces)
		var mean float64
		for _, v := range result["mean"].Data[cell*seeds : (cell+1)*seeds] {
			mean += float64(v) / float64(seeds)
		}
		require.InDelta(t, d.Expected, mean, 2e-5*(1+d.Expected), name)
		if seeds == 1 {
			require.InEpsilon(t, d.Size, result["size"].Data[cell], 2e-5, name)
		}
	}
	require.LessOrEqual(t, different, 1, "%s: of %d", name, len(s.out)*len(levels))
}

func quantilesAgree(t *testing.T, name string, s *sampler, got []float32) {
	own := s.m.network.Quantiles
	for cell := range s.out {
		i, h := cell/s.horizon, cell%s.horizon
		var rows [][]float64
		for pass := range s.spaces {
			var row []float64
			for _, v := range s.outputs(pass, i)[h*len(own):][:len(own)] {
				row = append(row, float64(v))
			}
			rows = append(rows, row)
		}
		want := rows[0] // as it comes: nothing sorts a single network's quantiles
		if len(rows) > 1 {
			want = mixQuantiles(own, own, rows)
		}
		for j, v := range want {
			require.InDelta(t, v, got[cell*len(own)+j], 2e-5*(1+math.Abs(v)), "%s, cell %d, level %g", name, cell, own[j])
		}
	}
}
