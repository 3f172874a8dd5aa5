package onnx_test

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plastinka/predictor/adapters/onnx"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/network"
	"github.com/plastinka/predictor/domain/training"
)

// full is a network with all that a network can have.
func full(t testing.TB) *network.Network {
	n, _ := readFixture(t, filepath.Join("testdata", "tide_forward_layer_norm_rin_h3.json"))
	n.Seeds = append(n.Seeds, n.Seeds[0])
	n.Seeds[1] = append([]network.Tensor(nil), n.Seeds[0]...)
	n.Seeds[1][0].Data = []float32{math.SmallestNonzeroFloat32}
	n.Features = json.RawMessage(`{"scaler": 1.50, "categories": ["<LP>", "Конверт"]}`)
	n.First, n.Months = 24251, 48
	n.Config = training.DefaultClassic()
	n.Config.Extra = map[string]json.RawMessage{"note": json.RawMessage(`{"a":1.50}`)}
	n.Config.Seed = math.MaxUint64
	n.Metrics = map[string]float64{"val_loss": 1.0 / 3, "val_MIC": 0.8}
	return n
}

func TestRoundTrip(t *testing.T) {
	counts := passing(training.NegativeBinomial, 1, 2)
	for name, want := range map[string]*network.Network{"full": full(t), "bare": counts} {
		t.Run(name, func(t *testing.T) {
			path := write(t, want)
			got, err := onnx.Files{}.Read(t.Context(), path)
			require.NoError(t, err)
			require.Equal(t, want, got)
			first, err := os.ReadFile(path)
			require.NoError(t, err)
			again, err := os.ReadFile(write(t, got))
			require.NoError(t, err)
			require.True(t, bytes.Equal(first, again), "equal networks give equal bytes")
		})
	}
}

func TestWriteRefuses(t *testing.T) {
	for says, change := range map[string]func(n *network.Network){
		"has the value NaN at 0":                  func(n *network.Network) { n.Seeds[1][0].Data = []float32{float32(math.NaN())} },
		"has 5 outputs and 4 quantiles":           func(n *network.Network) { n.Quantiles = n.Quantiles[1:] },
		`a network for "poisson"`:                 func(n *network.Network) { n.Likelihood = "poisson" },
		"weights of 0 seeds":                      func(n *network.Network) { n.Seeds = nil },
		"seed 0 has":                              func(n *network.Network) { n.Seeds[0] = n.Seeds[0][1:] },
		"stands where rin.affine_weight":          func(n *network.Network) { n.Seeds[1][0].Name = "other" },
		"hidden_size is 0, must be between 1 and": func(n *network.Network) { n.Shape.Hidden = 0 },
		"are not ascending":                       func(n *network.Network) { n.Quantiles = []float64{0.5, 0.25, 0.5, 0.75, 0.95} },
		"plastinka.metrics of a model cannot be":  func(n *network.Network) { n.Metrics["val_loss"] = math.Inf(1) },
	} {
		n := full(t)
		change(n)
		path := filepath.Join(t.TempDir(), "model.onnx")
		require.ErrorContains(t, onnx.Files{}.Write(t.Context(), path, n), says)
		require.NoFileExists(t, path)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.Equal(t, fault.Cancelled, fault.KindOf(onnx.Files{}.Write(ctx, filepath.Join(t.TempDir(), "x"), full(t))))
}

// TestReadRefuses changes one text of a good file into one as long.
func TestReadRefuses(t *testing.T) {
	whole, err := os.ReadFile(write(t, full(t)))
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "model.onnx")
	read := func(content []byte) error {
		require.NoError(t, os.WriteFile(path, content, 0o600))
		_, err := onnx.Files{}.Read(t.Context(), path)
		return err
	}
	for _, c := range []struct{ old, new, says string }{
		{"plastinka.format", "plastinka.firmat", "was not written by this program"},
		{"plastinka.format\x12\x011", "plastinka.format\x12\x017", "is of the format \"7\"; this program reads 1"},
		{`"hidden_size":12`, `"hidden_size":13`, "stands where encoders.0.dense.0.weight of shape [13 43]"},
		{`"hidden_size":12`, `"hidden_size":-2`, "hidden_size is -2"},
		{`"horizon":3`, `"horizon":4`, "stands where"},
		{`"hidden_size"`, `"hidden_size'`, "plastinka.shape cannot be read"},
		{"plastinka.seeds\x12\x012", "plastinka.seeds\x12\x013", "the tensor rin.affine_weight of seed 2 is missing"},
		{"plastinka.seeds\x12\x012", "plastinka.seeds\x12\x010", "speaks of 0 seeds"},
		{`{"scaler"`, `["scaler"`, "plastinka.features is not JSON"},
		{`"lags":9`, `"lags":0`, "plastinka.config cannot be read"},
		{"likelihood\x12\n\"quantile\"", "likelihood\x12\n\"quintile\"", `a network for "quintile"`},
		{"2020-12-01", "2020-12-41", "plastinka.months cannot be read"},
		{"seed0/rin.affine_bias", "seed0/rin.affine_bios", "the tensor rin.affine_bias of seed 0 is missing"},
	} {
		changed := bytes.Replace(whole, []byte(c.old), []byte(c.new), -1)
		require.NotEqual(t, whole, changed, "there is no %s", c.old)
		err := read(changed)
		require.ErrorContains(t, err, c.says)
		require.Equal(t, fault.Invalid, fault.KindOf(err), c.says)
	}
	for n := 0; n < len(whole); n += 997 {
		require.Error(t, read(whole[:n]), "cut at %d", n)
	}
	_, err = onnx.Files{}.Read(t.Context(), path+"x")
	require.Equal(t, fault.NotFound, fault.KindOf(err))
}

func FuzzRead(f *testing.F) {
	for _, n := range []*network.Network{passing(training.NegativeBinomial, 1, 2), passing(training.QuantileLoss, 1, 1)} {
		if n.Likelihood == training.QuantileLoss {
			n.Quantiles = []float64{0.5}
		}
		n.Config = training.DefaultStandard()
		whole, err := os.ReadFile(write(f, n))
		require.NoError(f, err)
		f.Add(whole)
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		path := filepath.Join(t.TempDir(), "model.onnx")
		require.NoError(t, os.WriteFile(path, content, 0o600))
		n, err := onnx.Files{}.Read(t.Context(), path)
		if err != nil {
			require.Equal(t, fault.Invalid, fault.KindOf(err))
			return
		}
		again, err := onnx.Files{}.Read(t.Context(), write(t, n))
		require.NoError(t, err)
		require.Equal(t, n, again)
	})
}
