// Package training says what a training is: its configuration, the task that a
// compute backend runs, and the result that comes back.
package training

import "encoding/json"

// The likelihoods and the feature sets.
const (
	NegativeBinomial = "negative_binomial"
	QuantileLoss     = "quantile"
	Standard         = "standard"
	Classic          = "classic"
)

// Config is a training configuration, the API's config (§2.3). A zero Config
// is not usable: start from DefaultStandard or DefaultClassic, or ParseConfig.
type Config struct {
	Model     ModelConfig     `json:"nn_model_config"`
	Optimizer OptimizerConfig `json:"optimizer_config"`
	Schedule  ScheduleConfig  `json:"lr_shed_config"` // classic only
	DataSet   DataSetConfig   `json:"train_ds_config"`
	SWA       *SWAConfig      `json:"swa_config,omitempty"`
	Weights   WeightsConfig   `json:"weights_config"` // classic only

	Lags             int       `json:"lags"`
	Likelihood       string    `json:"likelihood"`
	FeatureSet       string    `json:"feature_set"`
	Quantiles        []float64 `json:"quantiles"`
	ValidationMonths int       `json:"validation_months"`
	Patience         int       `json:"patience"`
	NumSamples       int       `json:"num_samples"`
	NumSeeds         int       `json:"num_seeds"`
	MCDropout        bool      `json:"mc_dropout"`
	RoundQuantiles   bool      `json:"round_quantiles"`
	ModelID          string    `json:"model_id,omitempty"` // base name
	Seed             uint64    `json:"seed"`
	FeaturesOff      []string  `json:"features_off,omitempty"` // groups of standard features that are not used, sorted; see FeatureGroups

	// Extra are top-level members that no field names: kept and written back.
	Extra map[string]json.RawMessage `json:"-"`
}

// FeatureGroups are the groups of standard features that can be switched off
// (§2.1), in byte order.
func FeatureGroups() []string {
	return []string{"age", "attr", "disp", "hist", "month", "norm", "rec", "stock", "style", "wt"}
}

// ModelConfig is the network's and its training's shape.
type ModelConfig struct {
	EncoderLayers     int     `json:"num_encoder_layers"`
	DecoderLayers     int     `json:"num_decoder_layers"`
	DecoderOutput     int     `json:"decoder_output_dim"`
	TemporalPast      int     `json:"temporal_width_past"`
	TemporalFuture    int     `json:"temporal_width_future"`
	TemporalHidPast   int     `json:"temporal_hidden_size_past"`
	TemporalHidFuture int     `json:"temporal_hidden_size_future"`
	TemporalDecoder   int     `json:"temporal_decoder_hidden"`
	Hidden            int     `json:"hidden_size"`
	BatchSize         int     `json:"batch_size"`
	Dropout           float64 `json:"dropout"`
	InstanceNorm      bool    `json:"use_reversible_instance_norm"`
	LayerNorm         bool    `json:"use_layer_norm"`
	Epochs            int     `json:"n_epochs"`
}

// OptimizerConfig is Adam's.
type OptimizerConfig struct {
	LR          float64 `json:"lr"`
	WeightDecay float64 `json:"weight_decay"`
}

// ScheduleConfig is the classic cosine annealing with warm restarts.
type ScheduleConfig struct {
	T0    int `json:"T_0"`
	TMult int `json:"T_mult"`
}

// DataSetConfig says which samples there are and what they weigh.
type DataSetConfig struct {
	Alpha              float64 `json:"alpha"`
	Span               float64 `json:"span"`
	MinimumSalesMonths int     `json:"minimum_sales_months"`
	Exposure           float64 `json:"exposure"` // γ
}

// SWAConfig is stochastic weight averaging.
type SWAConfig struct {
	LR              float64 `json:"swa_lrs"`
	EpochStart      float64 `json:"swa_epoch_start"`
	AnnealingEpochs int     `json:"annealing_epochs"`
}

// WeightsConfig are the widths of the quantile weights.
type WeightsConfig struct {
	SigmaLeft  float64 `json:"sigma_left"`
	SigmaRight float64 `json:"sigma_right"`
}

// DefaultStandard is the standard default of §2.3.
func DefaultStandard() Config {
	return Config{
		Model: ModelConfig{EncoderLayers: 1, DecoderLayers: 1, DecoderOutput: 16,
			TemporalHidPast: 16, TemporalHidFuture: 32, TemporalDecoder: 32,
			Hidden: 64, BatchSize: 512, Dropout: 0.3, Epochs: 10},
		Optimizer: OptimizerConfig{LR: 1e-3},
		Schedule:  ScheduleConfig{T0: 130, TMult: 3},
		DataSet:   DataSetConfig{Span: 7, Exposure: 1},
		Weights:   WeightsConfig{SigmaLeft: 0.754, SigmaRight: 1.390},
		Lags:      12, Likelihood: NegativeBinomial, FeatureSet: Standard,
		Quantiles: []float64{0.05, 0.25, 0.5, 0.75, 0.95}, ValidationMonths: 3, Patience: 5,
		NumSamples: 500, NumSeeds: 1, RoundQuantiles: true, Seed: 42,
	}
}

// DefaultClassic is the classic default of §2.3.
func DefaultClassic() Config {
	return Config{
		Model: ModelConfig{EncoderLayers: 2, DecoderLayers: 4, DecoderOutput: 256,
			TemporalPast: 1, TemporalHidPast: 4, TemporalHidFuture: 32, TemporalDecoder: 32,
			Hidden: 128, BatchSize: 256, Dropout: 0.498, Epochs: 200},
		Optimizer: OptimizerConfig{LR: 1e-3, WeightDecay: 1e-4},
		Schedule:  ScheduleConfig{T0: 130, TMult: 3},
		DataSet:   DataSetConfig{Alpha: 2.556, Span: 7, MinimumSalesMonths: 2},
		SWA:       &SWAConfig{LR: 0.0001, EpochStart: 0.6, AnnealingEpochs: 45},
		Weights:   WeightsConfig{SigmaLeft: 0.754, SigmaRight: 1.390},
		Lags:      9, Likelihood: QuantileLoss, FeatureSet: Classic,
		Quantiles: []float64{0.05, 0.25, 0.5, 0.75, 0.95}, ValidationMonths: 1, Patience: 15,
		NumSamples: 500, NumSeeds: 1, MCDropout: true, RoundQuantiles: true, Seed: 42,
	}
}
