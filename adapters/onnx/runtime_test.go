package onnx_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plastinka/predictor/adapters/onnx"
	"github.com/plastinka/predictor/domain/forecast"
	"github.com/plastinka/predictor/domain/network"
	"github.com/plastinka/predictor/domain/training"
)

// array is a tensor as the fixtures and the runtime's script write it.
type array struct {
	Shape []int     `json:"shape"`
	Data  []float32 `json:"data"`
}

// run is one model file with its inputs.
type run struct {
	Model  string           `json:"model"`
	Inputs map[string]array `json:"inputs"`
}

// runtime runs models with ONNX Runtime; the test is skipped where Python has
// none.
func runtime(t testing.TB, runs []run) []map[string]array {
	if out, err := exec.CommandContext(t.Context(), "python3", "-c", "import numpy, onnxruntime").CombinedOutput(); err != nil {
		t.Skipf("python3 with numpy and onnxruntime is not installed (pip install numpy onnxruntime): %v %s", err, out)
	}
	text, err := json.Marshal(runs)
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), "python3", filepath.Join("testdata", "run.py"))
	var out, trouble bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(text), &out, &trouble
	require.NoError(t, cmd.Run(), trouble.String())
	var results []map[string]array
	require.NoError(t, json.Unmarshal(out.Bytes(), &results))
	return results
}

// fixture is a network with inputs and the output that Darts gives for them.
type fixture struct {
	Config map[string]any    `json:"config"`
	Params []namedArray      `json:"params"`
	Inputs map[string]*array `json:"inputs"`
	Output array             `json:"output"`
}

type namedArray struct {
	Name string `json:"name"`
	array
}

func readFixture(t testing.TB, path string) (*network.Network, fixture) {
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	var f fixture
	require.NoError(t, json.Unmarshal(text, &f))
	whole := func(name string) int { return int(f.Config[name].(float64)) }
	n := &network.Network{Likelihood: training.QuantileLoss, FeatureSet: training.Classic, Shape: network.Shape{
		Lookback: whole("input_chunk_length"), Horizon: whole("output_chunk_length"), Past: whole("past_cov_dim"),
		Future: whole("future_cov_dim"), Static: whole("static_cov_dim"), Hidden: whole("hidden_size"),
		EncoderLayers: whole("num_encoder_layers"), DecoderLayers: whole("num_decoder_layers"), DecoderOutput: whole("decoder_output_dim"),
		TemporalPast: whole("temporal_width_past"), TemporalFuture: whole("temporal_width_future"),
		TemporalHidPast: whole("temporal_hidden_size_past"), TemporalHidFuture: whole("temporal_hidden_size_future"),
		TemporalDecoder: whole("temporal_decoder_hidden"), LayerNorm: f.Config["use_layer_norm"].(bool),
		InstanceNorm: f.Config["use_reversible_instance_norm"].(bool)}}
	for _, q := range f.Config["quantiles"].([]any) {
		n.Quantiles = append(n.Quantiles, q.(float64))
	}
	n.Shape.Outputs = len(n.Quantiles)
	var tensors []network.Tensor
	for _, p := range f.Params {
		tensors = append(tensors, network.Tensor{Name: p.Name, Shape: p.Shape, Data: p.Data})
	}
	n.Seeds = [][]network.Tensor{tensors}
	return n, f
}

// inputsOf are the inputs of the graph: those of width 0 are left out, and
// x_static has no axis of months.
func inputsOf(f fixture) map[string]array {
	inputs := map[string]array{}
	for name, a := range f.Inputs {
		if a == nil || a.Shape[len(a.Shape)-1] == 0 {
			continue
		}
		if inputs[name] = *a; name == "x_static" {
			inputs[name] = array{[]int{a.Shape[0], a.Shape[2]}, a.Data}
		}
	}
	return inputs
}

func write(t testing.TB, n *network.Network) string {
	path := filepath.Join(t.TempDir(), "model.onnx")
	require.NoError(t, onnx.Files{}.Write(context.Background(), path, n))
	return path
}

// TestRuntimeAgreesWithDarts: §2.6, 2e-5 absolute and relative.
func TestRuntimeAgreesWithDarts(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join("testdata", "tide_forward_*.json"))
	require.NoError(t, err)
	require.NotEmpty(t, paths)
	var runs []run
	var fixtures []fixture
	for _, path := range paths {
		n, f := readFixture(t, path)
		runs, fixtures = append(runs, run{write(t, n), inputsOf(f)}), append(fixtures, f)
	}
	for i, result := range runtime(t, runs) {
		got, want := result["quantiles"], fixtures[i].Output
		require.Equal(t, want.Shape, got.Shape, paths[i])
		for k, v := range want.Data {
			require.InDelta(t, v, got.Data[k], 2e-5+2e-5*math.Abs(float64(v)), "%s, value %d", paths[i], k)
		}
	}
}

// passing is a network that hands its lookback of 2·horizon months on as its
// output: everything but the lookback skip is 0.
func passing(likelihood string, horizon, outputs int) *network.Network {
	s := network.Shape{Lookback: horizon * outputs, Horizon: horizon, Outputs: outputs, Hidden: 1, EncoderLayers: 1, DecoderLayers: 1,
		DecoderOutput: 1, TemporalDecoder: 1}
	return &network.Network{Shape: s, Likelihood: likelihood, FeatureSet: training.Standard, Seeds: [][]network.Tensor{passingSeed(s, 0)}}
}

// passingSeed is such a network's weights, with shift added to every output.
func passingSeed(s network.Shape, shift float32) []network.Tensor {
	var tensors []network.Tensor
	add := func(name string, shape ...int) []float32 {
		size := 1
		for _, d := range shape {
			size *= d
		}
		tensors = append(tensors, network.Tensor{Name: name, Shape: shape, Data: make([]float32, size)})
		return tensors[len(tensors)-1].Data
	}
	block := func(name string, in, out int) {
		for _, l := range []struct {
			name    string
			in, out int
		}{{".dense.0", in, 1}, {".dense.2", 1, out}, {".skip", in, out}} {
			add(name+l.name+".weight", l.out, l.in)
			add(name+l.name+".bias", l.out)
		}
	}
	block("encoders.0", s.Lookback, 1)
	block("decoders.0", 1, s.Horizon*s.Outputs)
	block("temporal_decoder", s.Outputs, s.Outputs)
	skip := add("lookback_skip.weight", s.Lookback, s.Lookback)
	for i := range s.Lookback {
		skip[i*s.Lookback+i] = 1
	}
	for i := range add("lookback_skip.bias", s.Lookback) {
		tensors[len(tensors)-1].Data[i] = shift
	}
	return tensors
}

// counted is what the domain says of the network's output at the levels: the
// mixture, over the seeds' shifts, of negative binomials.
func counted(o []float32, shifts []float32, levels []float64) []float64 {
	var ds []forecast.Distribution
	for _, shift := range shifts {
		mean := math.Exp(min(max(float64(o[0]+shift), -9), 6))
		size := math.Exp(min(max(float64(o[1]+shift), -4), 5))
		ds = append(ds, forecast.NegativeBinomial(mean, size))
	}
	d := ds[0]
	if len(ds) > 1 {
		d = forecast.Mix(ds, nil)
	}
	var values []float64
	for _, q := range levels {
		values = append(values, d.Quantile(q))
	}
	return values
}

// TestRuntimeCounts: §2.6, counts equal in 99.99 % of the cells, else ±1; for
// one seed and for the mixture of three, two months ahead.
func TestRuntimeCounts(t *testing.T) {
	const horizon = 2
	samples := countSamples
	r := rand.New(rand.NewPCG(7, 8))
	x := array{Shape: []int{samples, 2 * horizon, 1}}
	for range samples * horizon {
		x.Data = append(x.Data, float32(-10+16.5*r.Float64()), float32(-4.5+10*r.Float64()))
	}
	levels := []float64{0.05, 0.25, 0.5, 0.75, 0.95, 0.99}
	one := passing(training.NegativeBinomial, horizon, 2)
	one.Quantiles = levels
	three := passing(training.NegativeBinomial, horizon, 2)
	three.Seeds = [][]network.Tensor{passingSeed(three.Shape, 0), passingSeed(three.Shape, 0.5), passingSeed(three.Shape, -1)}
	inputs := map[string]array{"x_past": x}
	results := runtime(t, []run{{write(t, one), inputs}, {write(t, three), inputs}})
	for i, shifts := range [][]float32{{0}, {0, 0.5, -1}} {
		want := [][]float64{levels, forecast.Levels[:]}[i]
		got, q := results[i], len(want)
		require.Equal(t, []int{samples, horizon, 1, q}, got["quantiles"].Shape)
		require.Equal(t, []int{samples, horizon, len(shifts)}, got["mean"].Shape)
		different := 0
		for cell := range samples * horizon {
			o := x.Data[2*cell : 2*cell+2]
			for k, v := range counted(o, shifts, want) {
				if d := math.Abs(v - float64(got["quantiles"].Data[cell*q+k])); d != 0 {
					require.LessOrEqual(t, d, 1.0, "cell %d, output %v, level %g", cell, o, want[k])
					different++
				}
			}
			for s, shift := range shifts {
				require.InEpsilon(t, math.Exp(min(max(float64(o[0]+shift), -9), 6)), got["mean"].Data[cell*len(shifts)+s], 1e-6)
				require.InEpsilon(t, math.Exp(min(max(float64(o[1]+shift), -4), 5)), got["size"].Data[cell*len(shifts)+s], 1e-6)
			}
		}
		require.LessOrEqual(t, float64(different), 1e-4*float64(samples*horizon*q), "%d cells differ", different)
		t.Logf("%d of %d cells differ", different, samples*horizon*q)
	}
}

// mixed is the quantile at q of the mixture of the quantile functions, by
// bisection on the mean of their cumulative distributions.
func mixed(levels []float64, functions [][]float64, q float64) float64 {
	cdf := func(x float64) (f float64) {
		for _, values := range functions {
			f += forecast.Distribution{Levels: levels, Values: values}.CDF(x) / float64(len(functions))
		}
		return f
	}
	low, high := -100.0, 100.0
	for range 100 {
		if mid := (low + high) / 2; cdf(mid) >= q-1e-12 {
			high = mid
		} else {
			low = mid
		}
	}
	return high
}

// TestRuntimeMixesQuantileFunctions: several seeds of a quantile network are
// one mixture, also where values coincide or cross.
func TestRuntimeMixesQuantileFunctions(t *testing.T) {
	const samples = 200
	levels := []float64{0.05, 0.25, 0.5, 0.75, 0.95}
	r := rand.New(rand.NewPCG(9, 10))
	x := array{Shape: []int{samples, 5, 1}}
	for i := range samples * 5 {
		v := float32(r.NormFloat64())
		if i%3 == 0 {
			v = float32(r.IntN(3)) // so that values meet
		}
		x.Data = append(x.Data, v)
	}
	n := passing(training.QuantileLoss, 1, 5)
	n.Quantiles = levels
	shifts := []float32{0, 1, 1, -0.25}
	n.Seeds = nil
	for _, shift := range shifts {
		n.Seeds = append(n.Seeds, passingSeed(n.Shape, shift))
	}
	got := runtime(t, []run{{write(t, n), map[string]array{"x_past": x}}})[0]["quantiles"]
	require.Equal(t, []int{samples, 1, 1, 5}, got.Shape)
	for i := range samples {
		var functions [][]float64
		for _, shift := range shifts {
			var values []float64
			for _, v := range x.Data[5*i : 5*i+5] {
				values = append(values, float64(v+shift))
			}
			slices.Sort(values)
			functions = append(functions, values)
		}
		for k, q := range levels {
			require.InDelta(t, mixed(levels, functions, q), got.Data[5*i+k], 1e-5, fmt.Sprint(functions))
		}
	}
}
