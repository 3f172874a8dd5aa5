package training_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/training"
)

func TestParseConfigDefaults(t *testing.T) {
	classic := training.DefaultClassic()
	classic.SWA = nil
	named := classic
	named.ModelID = "shop"
	for text, want := range map[string]training.Config{
		``:                                   training.DefaultStandard(),
		`null`:                               training.DefaultStandard(),
		`{}`:                                 training.DefaultStandard(),
		`{"likelihood": null}`:               training.DefaultStandard(),
		`{"likelihood":"negative_binomial"}`: training.DefaultStandard(),
		`{"likelihood":"quantile"}`:          classic,
		`{"model_id":"shop"}`:                named,
		`{"swa_config":{}}`:                  training.DefaultClassic(),
		`{"swa_config":null,"lags":9}`:       classic,
		`{"nn_model_config":null,"lags":9}`:  classic,
	} {
		c, warnings, err := training.ParseConfig([]byte(text))
		require.NoError(t, err, text)
		require.Empty(t, warnings, text)
		require.Equal(t, want, c, text)
	}
}

func TestParseConfigReadsEveryMember(t *testing.T) {
	want := training.Config{
		Model: training.ModelConfig{EncoderLayers: 3, DecoderLayers: 2, DecoderOutput: 64, TemporalPast: 2, TemporalFuture: 3,
			TemporalHidPast: 8, TemporalHidFuture: 16, TemporalDecoder: 128, Hidden: 256, BatchSize: 32, Dropout: 0.55,
			InstanceNorm: true, LayerNorm: true, Epochs: 77},
		Optimizer: training.OptimizerConfig{LR: 1e-10, WeightDecay: 3.25e-10},
		Schedule:  training.ScheduleConfig{T0: 40, TMult: 2},
		DataSet:   training.DataSetConfig{Alpha: 1.5, Span: 3.5, MinimumSalesMonths: 4, Exposure: 0.5},
		SWA:       &training.SWAConfig{LR: 0.01, EpochStart: 0.8, AnnealingEpochs: 5},
		Weights:   training.WeightsConfig{SigmaLeft: 0.4, SigmaRight: 3},
		Lags:      24, Likelihood: training.QuantileLoss, FeatureSet: training.Standard,
		Quantiles:        []float64{0.05, 0.1, 0.5, 0.95},
		ValidationMonths: 2, Patience: 7, NumSamples: 10, NumSeeds: 5, MCDropout: true, ModelID: "винил-1",
		Seed:  18446744073709551615,
		Extra: map[string]json.RawMessage{"note": json.RawMessage(`{"b":1.50,"a":12345678901234567890}`)},
	}
	text, err := json.Marshal(want)
	require.NoError(t, err)
	require.Contains(t, string(text), `"note":{"a":12345678901234567890,"b":1.50}`, "numbers exact, members sorted")
	got, warnings, err := training.ParseConfig(text)
	require.NoError(t, err)
	require.Len(t, warnings, 1)
	require.Equal(t, training.UnknownConfigKey, warnings[0].Code)
	require.Contains(t, warnings[0].Message, "note")
	want.Extra["note"] = json.RawMessage(`{"a":12345678901234567890,"b":1.50}`)
	require.Equal(t, want, got)
	require.NoError(t, got.Validate())
}

func TestParseConfigOldName(t *testing.T) {
	c, _, err := training.ParseConfig([]byte(`{"model_config":{"hidden_size":96.0},"nn_model_config":null}`))
	require.NoError(t, err)
	require.Equal(t, 96, c.Model.Hidden)
	_, _, err = training.ParseConfig([]byte(`{"model_config":{},"nn_model_config":{}}`))
	require.ErrorContains(t, err, "model_config is another name of nn_model_config")
}

func TestParseConfigAddsTheOuterQuantiles(t *testing.T) {
	c, _, err := training.ParseConfig([]byte(`{"quantiles":[0.01, 0.5, 0.99]}`))
	require.NoError(t, err)
	require.Equal(t, []float64{0.01, 0.05, 0.5, 0.95, 0.99}, c.Quantiles)
}

func TestParseConfigRefuses(t *testing.T) {
	for text, paths := range map[string][]string{
		`{"nn_model_config":{"hidden":3,"dropout":1,"n_epochs":"9","use_layer_norm":1},"lags":0}`: {
			"nn_model_config.dropout", "nn_model_config.n_epochs", "nn_model_config.use_layer_norm", "lags", "nn_model_config.hidden"},
		`{"optimizer_config":{"lr":0}}`:                             {"optimizer_config.lr"},
		`{"optimizer_config":{"lr":1e999}}`:                         {"optimizer_config.lr"},
		`{"optimizer_config":{"lr":"0.1"}}`:                         {"optimizer_config.lr"},
		`{"optimizer_config":[]}`:                                   {"optimizer_config"},
		`{"lr_shed_config":{"t_0":3}}`:                              {"lr_shed_config.t_0"},
		`{"swa_config":{"annealing_epochs":0,"x":1}}`:               {"swa_config.annealing_epochs", "swa_config.x"},
		`{"nn_model_config":{"batch_size":2.5}}`:                    {"nn_model_config.batch_size"},
		`{"nn_model_config":{"batch_size":-1}}`:                     {"nn_model_config.batch_size"},
		`{"nn_model_config":{"batch_size":1e300}}`:                  {"nn_model_config.batch_size"},
		`{"nn_model_config":{"batch_size":true}}`:                   {"nn_model_config.batch_size"},
		`{"quantiles":[]}`:                                          {"quantiles"},
		`{"quantiles":0.5}`:                                         {"quantiles"},
		`{"quantiles":[0.5,"x"]}`:                                   {"quantiles"},
		`{"quantiles":[0,0.5,0.5,1]}`:                               {"quantiles[0]", "quantiles[2]", "quantiles[3]"},
		`{"likelihood":"poisson"}`:                                  {"likelihood"},
		`{"likelihood":7}`:                                          {"likelihood"},
		`{"feature_set":""}`:                                        {"feature_set"},
		`{"model_id":"../x"}`:                                       {"model_id"},
		`{"model_id":"a\nb"}`:                                       {"model_id"},
		`{"seed":-1}`:                                               {"seed"},
		`{"seed":18446744073709551616}`:                             {"seed"},
		`{"nn_model_config":{"use_layer_norm":true}}`:               {"nn_model_config.temporal_width_past"},
		`{"lags":3,"train_ds_config":{"minimum_sales_months":4}}`:   {"train_ds_config.minimum_sales_months"},
		`{"weights_config":{"sigma_left":0,"sigma_right":1000000}}`: {"weights_config.sigma_left", "weights_config.sigma_right"},
	} {
		_, _, err := training.ParseConfig([]byte(text))
		require.Equal(t, fault.Invalid, fault.KindOf(err), text)
		require.Equal(t, "validation_error", fault.CodeOf(err), text)
		var found []string
		for _, p := range err.(*fault.Error).Details["errors"].([]training.Problem) {
			found = append(found, p.Path())
			require.Contains(t, err.Error(), p.Path()+" ")
			require.NotEmpty(t, p.Type)
		}
		require.ElementsMatch(t, paths, found, text)
	}
}

func TestParseConfigSyntax(t *testing.T) {
	for _, text := range []string{`[]`, `{`, `"x"`, `7`, `{} {}`, `{"a":NaN}`, strings.Repeat(`{"a":`, 20000)} {
		_, _, err := training.ParseConfig([]byte(text))
		require.ErrorContains(t, err, "not a JSON object", "%.20s", text)
	}
}

func TestConfigIDIsOfTheContent(t *testing.T) {
	id := func(text string) string {
		c, _, err := training.ParseConfig([]byte(text))
		require.NoError(t, err)
		s, err := c.ID()
		require.NoError(t, err)
		require.Len(t, s, 64)
		return s
	}
	require.Equal(t, id(`{"lags":9, "optimizer_config":{"lr":1e-3}}`), id(`{"optimizer_config":{"lr":0.001},"lags":9.0}`))
	require.NotEqual(t, id(`{"lags":9}`), id(`{"lags":10}`))
	require.NotEqual(t, id(`{"lags":9}`), id(`{"lags":9,"note":1}`))
	require.NotEqual(t, id(`{"seed":9007199254740993}`), id(`{"seed":9007199254740992}`))
}

// TestSearchSpaceIsValid: the ends of every range of §2.5 can be configured.
func TestSearchSpaceIsValid(t *testing.T) {
	low, high := training.DefaultClassic(), training.DefaultClassic()
	low.Model = training.ModelConfig{EncoderLayers: 1, DecoderLayers: 1, DecoderOutput: 4, TemporalHidPast: 4, TemporalHidFuture: 4,
		TemporalDecoder: 16, Hidden: 16, BatchSize: 8, Epochs: 1}
	low.Optimizer = training.OptimizerConfig{LR: 1e-10, WeightDecay: 1e-10}
	low.Schedule = training.ScheduleConfig{T0: 10, TMult: 1}
	low.DataSet = training.DataSetConfig{Span: 3}
	low.SWA = &training.SWAConfig{LR: 1e-5, AnnealingEpochs: 5}
	low.Weights = training.WeightsConfig{SigmaLeft: 0.4, SigmaRight: 0.8}
	low.Lags = 3
	high.Model = training.ModelConfig{EncoderLayers: 5, DecoderLayers: 5, DecoderOutput: 256, TemporalPast: 5, TemporalFuture: 5,
		TemporalHidPast: 32, TemporalHidFuture: 32, TemporalDecoder: 256, Hidden: 128, BatchSize: 1024, Dropout: 0.8, LayerNorm: true, Epochs: 200}
	high.Optimizer = training.OptimizerConfig{LR: 1e-2, WeightDecay: 1e-1}
	high.Schedule = training.ScheduleConfig{T0: 500, TMult: 4}
	high.DataSet = training.DataSetConfig{Alpha: 7, Span: 15, Exposure: 1}
	high.SWA = &training.SWAConfig{LR: 1e-2, EpochStart: 0.8, AnnealingEpochs: 49}
	high.Weights = training.WeightsConfig{SigmaLeft: 1, SigmaRight: 3}
	high.Lags = 24
	for _, c := range []training.Config{low, high, training.DefaultStandard(), training.DefaultClassic()} {
		require.NoError(t, c.Validate())
	}
	low.Model.Hidden = 0
	low.Quantiles = nil
	require.ErrorContains(t, low.Validate(), "nn_model_config.hidden_size is 0, must be between 1 and 2048; quantiles must have")
}

func FuzzParseConfig(f *testing.F) {
	for _, c := range []training.Config{training.DefaultStandard(), training.DefaultClassic()} {
		b, err := json.Marshal(c)
		require.NoError(f, err)
		f.Add(b)
	}
	f.Add([]byte(`{"model_config":{"hidden_size":1e2},"x":[{"y":null}],"quantiles":[0.5],"swa_config":{}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, _, err := training.ParseConfig(text)
		if err != nil {
			require.Equal(t, fault.Invalid, fault.KindOf(err))
			return
		}
		require.NoError(t, c.Validate())
		first, err := c.Canonical()
		require.NoError(t, err)
		again, _, err := training.ParseConfig(first)
		require.NoError(t, err)
		second, err := again.Canonical()
		require.NoError(t, err)
		require.Equal(t, string(first), string(second))
		require.True(t, slices.Contains(c.Quantiles, 0.05) && slices.Contains(c.Quantiles, 0.95))
	})
}
