// Package network says what a trained network is, without saying how it is
// computed or stored: its shape, its named tensors, and all that turns a panel
// into its inputs and its outputs into a forecast.
package network

import (
	"encoding/json"

	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/training"
)

// Tensor is a named float32 array, row-major.
type Tensor struct {
	Name  string
	Shape []int
	Data  []float32
}

// Shape are the widths of a TiDE network: of its inputs, its layers and its
// output. Inputs are laid out (batch, time, feature), column 0 of x_past being
// the target's lookback, then the Past covariates, then the Future ones of the
// same months.
type Shape struct {
	Lookback int `json:"lookback"` // L, months
	Horizon  int `json:"horizon"`  // H, months
	Past     int `json:"past"`     // width of the past covariates
	Future   int `json:"future"`   // width of the covariates known in advance
	Static   int `json:"static"`   // width of the static input
	Outputs  int `json:"outputs"`  // P, parameters per output step: quantiles, or 2 for a negative binomial

	Hidden            int  `json:"hidden_size"`
	EncoderLayers     int  `json:"num_encoder_layers"`
	DecoderLayers     int  `json:"num_decoder_layers"`
	DecoderOutput     int  `json:"decoder_output_dim"`
	TemporalPast      int  `json:"temporal_width_past"`
	TemporalFuture    int  `json:"temporal_width_future"`
	TemporalHidPast   int  `json:"temporal_hidden_size_past"`
	TemporalHidFuture int  `json:"temporal_hidden_size_future"`
	TemporalDecoder   int  `json:"temporal_decoder_hidden"`
	LayerNorm         bool `json:"use_layer_norm"`
	InstanceNorm      bool `json:"use_reversible_instance_norm"`
}

// Network is a trained model, complete: a forecast can be made from it and a
// panel alone.
type Network struct {
	Shape      Shape
	Likelihood string     // training.NegativeBinomial or training.QuantileLoss
	Quantiles  []float64  // the Q levels of a quantile network, ascending
	Seeds      [][]Tensor // the weights of every seed trained, each in Darts' state_dict order

	FeatureSet string          // training.Standard or training.Classic
	Features   json.RawMessage // the fitted feature definition: scaler, categories, constants
	First      calendar.Month  // the first and the number of the months
	Months     int             // that the training used
	Config     training.Config
	Metrics    map[string]float64
}
