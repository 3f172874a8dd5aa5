package tide

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"github.com/plastinka/predictor/adapters/tide/kernel"
	"github.com/plastinka/predictor/domain/network"
	"github.com/plastinka/predictor/domain/training"
	"github.com/stretchr/testify/require"
)

// The fixtures are numbers of Darts' TiDE: an engine that agrees with them
// agrees with Darts. They lie in testdata/fixtures, or in the folder named by
// PLASTINKA_FIXTURES.

type fixtureTensor struct {
	Name  string    `json:"name"`
	Shape []int     `json:"shape"`
	Data  []float32 `json:"data"`
}

type fixture struct {
	Kind   string `json:"kind"`
	Case   string `json:"case"`
	Config struct {
		Lookback          int       `json:"input_chunk_length"`
		Horizon           int       `json:"output_chunk_length"`
		Past              int       `json:"past_cov_dim"`
		Future            int       `json:"future_cov_dim"`
		Static            int       `json:"static_cov_dim"`
		EncoderLayers     int       `json:"num_encoder_layers"`
		DecoderLayers     int       `json:"num_decoder_layers"`
		DecoderOutput     int       `json:"decoder_output_dim"`
		Hidden            int       `json:"hidden_size"`
		TemporalDecoder   int       `json:"temporal_decoder_hidden"`
		TemporalPast      int       `json:"temporal_width_past"`
		TemporalFuture    int       `json:"temporal_width_future"`
		TemporalHidPast   int       `json:"temporal_hidden_size_past"`
		TemporalHidFuture int       `json:"temporal_hidden_size_future"`
		LayerNorm         bool      `json:"use_layer_norm"`
		InstanceNorm      bool      `json:"use_reversible_instance_norm"`
		Quantiles         []float64 `json:"quantiles"`
	} `json:"config"`
	WeightsConfig   *training.WeightsConfig `json:"weights_config"`
	QuantileWeights []float64               `json:"quantile_weights"`
	Params          []fixtureTensor         `json:"params"`
	InitialParams   []fixtureTensor         `json:"initial_params"`
	FinalParams     []fixtureTensor         `json:"final_params"`
	Gradients       []fixtureTensor         `json:"gradients"`
	GradientNorm    float64                 `json:"gradient_norm"`
	Loss            float64                 `json:"loss"`
	Inputs          struct {
		Past   *fixtureTensor `json:"x_past"`
		Future *fixtureTensor `json:"x_future"`
		Static *fixtureTensor `json:"x_static"`
	} `json:"inputs"`
	Target        *fixtureTensor            `json:"target"`
	SampleWeight  *fixtureTensor            `json:"sample_weight"`
	Intermediates map[string]*fixtureTensor `json:"intermediates"`
	Output        *fixtureTensor            `json:"output"`
	OutputFloat64 *struct {
		Data []float64 `json:"data"`
	} `json:"output_float64"`
	Optimizer struct {
		LR          float64 `json:"lr"`
		WeightDecay float64 `json:"weight_decay"`
	} `json:"optimizer"`
	Scheduler struct {
		T0    int `json:"T_0"`
		TMult int `json:"T_mult"`
	} `json:"scheduler"`
	SWA        *training.SWAConfig `json:"swa"`
	BatchSize  int                 `json:"batch_size"`
	Epochs     int                 `json:"epochs"`
	Trajectory struct {
		Epoch []int `json:"epoch"`
		LR    struct {
			Data []float64 `json:"data"`
		} `json:"lr"`
		Loss struct {
			Data []float64 `json:"data"`
		} `json:"loss"`
		Norm struct {
			Data []float64 `json:"data"`
		} `json:"gradient_norm_before_clipping"`
	} `json:"trajectory"`
}

func fixtureFolder() string {
	if dir := os.Getenv("PLASTINKA_FIXTURES"); dir != "" {
		return dir
	}
	return filepath.Join("testdata", "fixtures")
}

// eachFixture calls visit for every file of a kind; one without a case fails.
func eachFixture(t *testing.T, kind string, visit func(t *testing.T, text []byte)) {
	files, err := filepath.Glob(filepath.Join(fixtureFolder(), "*.json"))
	require.NoError(t, err)
	cases := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		var head struct {
			Kind string `json:"kind"`
		}
		require.NoError(t, json.Unmarshal(text, &head), file)
		if head.Kind == kind {
			cases++
			t.Run(filepath.Base(file), func(t *testing.T) { visit(t, text) })
		}
	}
	require.Positive(t, cases, "no fixture of the kind %s in %s", kind, fixtureFolder())
}

func parseFixture(t *testing.T, text []byte) fixture {
	var f fixture
	require.NoError(t, json.Unmarshal(text, &f))
	return f
}

// TestFixtureFilesAreAllRead: a fixture nobody reads proves nothing. Kinds that
// other packages read are named; anything else is a mistake.
func TestFixtureFilesAreAllRead(t *testing.T) {
	here := []string{"tide_forward", "tide_grad", "tide_train", "init", "quantile_weights", "quantile_sampling"}
	elsewhere := []string{"ewm", "scaler", "metrics"}
	files, err := filepath.Glob(filepath.Join(fixtureFolder(), "*"))
	require.NoError(t, err)
	for _, file := range files {
		if info, err := os.Stat(file); err == nil && (info.IsDir() || filepath.Ext(file) == ".md") {
			continue
		}
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		var head struct {
			Kind string `json:"kind"`
		}
		require.NoError(t, json.Unmarshal(text, &head), file)
		require.Contains(t, append(here, elsewhere...), head.Kind, "%s is of a kind that no test reads", file)
	}
}

func (f fixture) shape() network.Shape {
	c := f.Config
	return network.Shape{Lookback: c.Lookback, Horizon: c.Horizon, Past: c.Past, Future: c.Future, Static: c.Static,
		Outputs: len(c.Quantiles), Hidden: c.Hidden, EncoderLayers: c.EncoderLayers, DecoderLayers: c.DecoderLayers,
		DecoderOutput: c.DecoderOutput, TemporalPast: c.TemporalPast, TemporalFuture: c.TemporalFuture,
		TemporalHidPast: c.TemporalHidPast, TemporalHidFuture: c.TemporalHidFuture, TemporalDecoder: c.TemporalDecoder,
		LayerNorm: c.LayerNorm, InstanceNorm: c.InstanceNorm}
}

func tensors(given []fixtureTensor) []network.Tensor {
	out := make([]network.Tensor, len(given))
	for i, g := range given {
		out[i] = network.Tensor{Name: g.Name, Shape: g.Shape, Data: g.Data}
	}
	return out
}

// arrays is a source of samples in Darts' layout.
type arrays struct {
	shape                network.Shape
	past, future, static []float32
	target, weight       []float32
}

func (f fixture) source() *arrays {
	data := func(t *fixtureTensor) []float32 {
		if t == nil {
			return nil
		}
		return t.Data
	}
	a := &arrays{shape: f.shape(), past: data(f.Inputs.Past), future: data(f.Inputs.Future), static: data(f.Inputs.Static),
		target: data(f.Target)}
	if f.SampleWeight == nil {
		a.weight = slices.Repeat([]float32{1}, len(a.target))
		return a
	}
	// A weight for every lookback month is broadcast over the one output step:
	// it acts as their mean.
	a.weight = f.SampleWeight.Data
	if months := f.SampleWeight.Shape[1]; months != a.shape.Horizon {
		a.weight = nil
		for row := range slices.Chunk(f.SampleWeight.Data, months) {
			var sum float64
			for _, v := range row {
				sum += float64(v)
			}
			a.weight = append(a.weight, float32(sum/float64(months)))
		}
	}
	return a
}

func (a *arrays) fill(in *input, i int) {
	s := a.shape
	row := 1 + s.Past + s.Future
	for t := range s.Lookback {
		x := a.past[(i*s.Lookback+t)*row:][:row]
		in.Lookback[t] = x[0]
		copy(in.Past(t), x[1:])
		copy(in.Future(t), x[1+s.Past:])
	}
	for h := range s.Horizon {
		copy(in.Future(s.Lookback+h), a.future[min(len(a.future), (i*s.Horizon+h)*s.Future):])
		if a.target != nil {
			in.Target[h], in.Weight[h] = a.target[i*s.Horizon+h], a.weight[i*s.Horizon+h]
		}
	}
	copy(in.Static, a.static[i*s.Static:])
}

func numbered(n int) []int32 {
	order := make([]int32, n)
	for i := range order {
		order[i] = int32(i)
	}
	return order
}

// everyPath runs a test on all kernels of this processor.
func everyPath(t *testing.T, f func(t *testing.T, path kernel.Path)) {
	for _, name := range []string{"portable", "avx2", "avx512"} {
		path, err := kernel.Choose(name)
		if err != nil {
			continue
		}
		t.Run(name, func(t *testing.T) { f(t, path) })
	}
}

func (f fixture) learner(t *testing.T, path kernel.Path, params []fixtureTensor, batch int) *learner {
	team := newTeam(min(2, runtime.NumCPU()))
	t.Cleanup(team.close)
	w := newWeights(newLayout(f.shape()), path, true)
	require.NoError(t, w.load(tensors(params)))
	weights := f.QuantileWeights
	if f.WeightsConfig != nil && weights != nil {
		computed := quantileWeights(f.Config.Quantiles, *f.WeightsConfig)
		require.InDeltaSlice(t, weights, computed, 1e-12)
	}
	return newLearner(w, team, quantileLoss{f.Config.Quantiles, weights}, batch, 0, f.Optimizer.WeightDecay)
}

// near: absolutely or relatively, as the fixtures' page says.
func near(t *testing.T, want, got []float32, relative, absolute float64, what string) {
	t.Helper()
	require.Len(t, got, len(want), what)
	for i, v := range want {
		if d := math.Abs(float64(v) - float64(got[i])); !(d <= absolute+relative*math.Abs(float64(v))) {
			t.Fatalf("%s[%d] is %v, must be %v", what, i, got[i], v)
		}
	}
}

func (m matrix) compact(rows int) []float32 {
	var out []float32
	for i := range rows {
		out = append(out, m.row(i)...)
	}
	return out
}

func TestFixtureForward(t *testing.T) {
	eachFixture(t, "tide_forward", func(t *testing.T, text []byte) {
		f := parseFixture(t, text)
		everyPath(t, func(t *testing.T, path kernel.Path) {
			n := f.Inputs.Past.Shape[0]
			w := newWeights(newLayout(f.shape()), path, false)
			require.NoError(t, w.load(tensors(f.Params)))
			w.packAll()
			b := newWorkspace(w, n, false, 0)
			b.refresh()
			b.begin(true, 0)
			src := f.source()
			for i := range n {
				src.fill(&b.inputs[i], i)
			}
			b.forward(new(kernel.Scratch), 0, n)
			h := f.Config.Horizon
			for name, got := range map[string][]float32{
				"encoder_input":           b.encoders[0].x.compact(n),
				"encoder_output":          b.encoders[len(b.encoders)-1].y.compact(n),
				"decoder_output":          b.decoders[len(b.decoders)-1].y.compact(n),
				"temporal_decoder_input":  b.temporal.x.compact(n * h),
				"temporal_decoder_output": b.temporal.y.compact(n * h),
			} {
				near(t, f.Intermediates[name].Data, got, 0, 2e-5, name)
			}
			near(t, f.Output.Data, b.out.compact(n), 0, 2e-5, "output")
			require.Len(t, b.out.compact(n), len(f.OutputFloat64.Data))
			for i, v := range b.out.compact(n) {
				require.InDelta(t, f.OutputFloat64.Data[i], float64(v), 2e-5)
			}
		})
	})
}

func TestFixtureGradient(t *testing.T) {
	eachFixture(t, "tide_grad", func(t *testing.T, text []byte) {
		f := parseFixture(t, text)
		everyPath(t, func(t *testing.T, path kernel.Path) {
			n := f.Inputs.Past.Shape[0]
			x := f.learner(t, path, f.Params, n)
			loss := x.compute(f.source(), numbered(n), 0)
			require.InDelta(t, f.Loss, loss, 1e-6)
			near(t, f.Output.Data, x.out.compact(n), 0, 2e-5, "output")
			require.InEpsilon(t, f.GradientNorm, x.norm(), 1e-4)
			for i, g := range x.export(x.grads) {
				require.Equal(t, f.Gradients[i].Name, g.Name)
				near(t, f.Gradients[i].Data, g.Data, 1e-4, 1e-5, g.Name)
			}
		})
	})
}

func TestFixtureTraining(t *testing.T) {
	eachFixture(t, "tide_train", func(t *testing.T, text []byte) {
		f := parseFixture(t, text)
		everyPath(t, func(t *testing.T, path kernel.Path) {
			n := f.Inputs.Past.Shape[0]
			x := f.learner(t, path, f.InitialParams, f.BatchSize)
			r := rates{schedule: &restarts{base: f.Optimizer.LR, period: f.Scheduler.T0, factor: f.Scheduler.TMult}}
			if f.SWA != nil {
				r.swa = newAveraging(*f.SWA, f.Epochs, true)
			}
			src, order, step := f.source(), numbered(n), 0
			for epoch := range f.Epochs {
				if r.swa != nil {
					r.swa.after(epoch, x.params)
				}
				r.begin(epoch)
				for batch := range slices.Chunk(order, f.BatchSize) {
					require.Equal(t, f.Trajectory.Epoch[step], epoch)
					require.InDelta(t, f.Trajectory.LR.Data[step], r.rate(), 1e-12, "rate of step %d", step)
					loss, norm := x.step(src, batch, r.rate(), 0)
					require.InDelta(t, f.Trajectory.Loss.Data[step], loss, 1e-5, "loss of step %d", step)
					require.InEpsilon(t, f.Trajectory.Norm.Data[step], norm, 1e-4, "norm of step %d", step)
					r.schedule.advance()
					step++
				}
			}
			require.Equal(t, len(f.Trajectory.Epoch), step)
			final := x.params
			if r.swa != nil {
				final = r.swa.weights
			}
			for i, p := range x.export(final) {
				require.Equal(t, f.FinalParams[i].Name, p.Name)
				near(t, f.FinalParams[i].Data, p.Data, 1e-4, 2e-5, p.Name)
			}
		})
	})
}

func TestFixtureInit(t *testing.T) {
	eachFixture(t, "init", func(t *testing.T, text []byte) {
		f := parseFixture(t, text)
		var want struct {
			Count      int `json:"number_of_parameters"`
			Parameters []struct {
				Name  string   `json:"name"`
				Shape []int    `json:"shape"`
				Bound *float64 `json:"bound"`
				Min   float64  `json:"observed_min"`
				Std   *float64 `json:"observed_std"`
			} `json:"parameters"`
		}
		require.NoError(t, json.Unmarshal(text, &want))
		w := newWeights(newLayout(f.shape()), kernel.Portable, false)
		w.start(7)
		given := w.export(w.params)
		require.Len(t, given, len(want.Parameters))
		count := 0
		for i, p := range want.Parameters {
			require.Equal(t, p.Name, given[i].Name)
			require.Equal(t, p.Shape, given[i].Shape)
			count += len(given[i].Data)
			if p.Bound == nil {
				for _, v := range given[i].Data {
					require.InDelta(t, p.Min, v, 0)
				}
				continue
			}
			var squares, largest float64
			for _, v := range given[i].Data {
				squares += float64(v) * float64(v)
				largest = max(largest, math.Abs(float64(v)))
			}
			n := float64(len(given[i].Data))
			require.LessOrEqual(t, largest, *p.Bound*(1+1e-6), p.Name)
			if n >= 100 {
				// A uniform's mean square has the relative deviation 0.9/√n.
				require.InEpsilon(t, *p.Bound**p.Bound/3, squares/n, 4.5/math.Sqrt(n), p.Name)
				require.Greater(t, largest, *p.Bound*0.9, p.Name)
			}
		}
		require.Equal(t, want.Count, count)
	})
}

func TestFixtureQuantileWeights(t *testing.T) {
	eachFixture(t, "quantile_weights", func(t *testing.T, text []byte) {
		var f struct {
			Quantiles []float64 `json:"quantiles"`
			Rows      []struct {
				training.WeightsConfig
				Weights []float64 `json:"weights"`
			} `json:"rows"`
		}
		require.NoError(t, json.Unmarshal(text, &f))
		require.NotEmpty(t, f.Rows)
		for _, row := range f.Rows {
			require.InDeltaSlice(t, row.Weights, quantileWeights(f.Quantiles, row.WeightsConfig), 1e-12)
		}
	})
}
