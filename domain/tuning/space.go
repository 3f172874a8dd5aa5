package tuning

import (
	"slices"

	"github.com/plastinka/predictor/domain/training"
)

// Dimension is one member of a configuration that is searched.
type Dimension struct {
	Path string // in the configuration's JSON
	axis axis
	get  func(*training.Config) float64
	set  func(*training.Config, float64)
}

// Space is what a search may change.
type Space struct{ dimensions []Dimension }

// Scope says how much of a configuration is searched.
type Scope struct {
	Network bool // nn_model_config too
	MaxLags int  // what the history allows; 0: no bound
}

// SpaceOf is the space of §2.5 for a configuration: classic for the quantile
// likelihood, standard for counts. A member that the configuration does not
// have (swa_config) is not searched.
func SpaceOf(c training.Config, s Scope) Space {
	var list []Dimension
	if c.Likelihood == training.QuantileLoss {
		list = classic()
		if c.SWA != nil {
			list = append(list, averaging()...)
		}
		if s.Network {
			list = append(list, classicNetwork()...)
		}
	} else {
		list = standard()
		if c.FeatureSet == training.Standard {
			list = append(list, features()...)
		}
		if s.Network {
			list = append(list, standardNetwork()...)
		}
	}
	for i, d := range list {
		if most := float64(s.MaxLags); d.Path == "lags" && most > 0 {
			list[i].axis.low, list[i].axis.high = min(d.axis.low, most), min(d.axis.high, most)
		}
	}
	return Space{list}
}

// Paths are the members that are searched.
func (s Space) Paths() []string {
	paths := make([]string, len(s.dimensions))
	for i, d := range s.dimensions {
		paths[i] = d.Path
	}
	return paths
}

func (s Space) axes() []axis {
	axes := make([]axis, len(s.dimensions))
	for i, d := range s.dimensions {
		axes[i] = d.axis
	}
	return axes
}

// values are the searched members of a configuration.
func (s Space) values(c training.Config) []float64 {
	v := make([]float64, len(s.dimensions))
	for i, d := range s.dimensions {
		v[i] = d.get(&c)
	}
	return v
}

func (s Space) coordinates(c training.Config) point {
	x := point(s.values(c))
	for i, d := range s.dimensions {
		x[i] = d.axis.coordinate(x[i])
	}
	return x
}

// config is base with the searched members at x.
func (s Space) config(base training.Config, x point) training.Config {
	c := clone(base)
	for i, d := range s.dimensions {
		d.set(&c, d.axis.value(x[i]))
	}
	return mend(c)
}

// comparable reports whether c has the members that are searched in base.
func comparable(base, c training.Config) bool {
	return c.Likelihood == base.Likelihood && c.FeatureSet == base.FeatureSet && (c.SWA == nil) == (base.SWA == nil)
}

// graft is base with the searched members of c, as they are.
func (s Space) graft(base, c training.Config) training.Config {
	out := clone(base)
	for i, v := range s.values(c) {
		s.dimensions[i].set(&out, v)
	}
	return mend(out)
}

// mend settles what no axis can: members that exclude each other.
func mend(c training.Config) training.Config {
	if c.Model.LayerNorm && c.Model.TemporalPast == 1 {
		c.Model.TemporalPast = 0
	}
	c.DataSet.MinimumSalesMonths = min(c.DataSet.MinimumSalesMonths, c.Lags)
	return c
}

func clone(c training.Config) training.Config {
	if c.SWA != nil {
		swa := *c.SWA
		c.SWA = &swa
	}
	return c
}

func real(path string, k kind, low, high float64, at func(*training.Config) *float64) Dimension {
	return Dimension{path, axis{kind: k, low: low, high: high},
		func(c *training.Config) float64 { return *at(c) }, func(c *training.Config, v float64) { *at(c) = v }}
}

func whole(path string, low, high, step float64, at func(*training.Config) *int) Dimension {
	return Dimension{path, axis{kind: stepped, low: low, high: high, step: step},
		func(c *training.Config) float64 { return float64(*at(c)) }, func(c *training.Config, v float64) { *at(c) = int(v) }}
}

// power is a power of two.
func power(path string, low, high float64, at func(*training.Config) *int) Dimension {
	d := whole(path, low, high, 1, at)
	d.axis.kind = doubled
	return d
}

func truth(path string, at func(*training.Config) *bool) Dimension {
	return Dimension{path, axis{kind: unlike, high: 1}, func(c *training.Config) float64 {
		if *at(c) {
			return 1
		}
		return 0
	}, func(c *training.Config, v float64) { *at(c) = v > 0 }}
}

// feature is whether a group of features is off.
func feature(group string) Dimension {
	return Dimension{"features_off." + group, axis{kind: unlike, high: 1}, func(c *training.Config) float64 {
		if slices.Contains(c.FeaturesOff, group) {
			return 1
		}
		return 0
	}, func(c *training.Config, v float64) {
		// A new list: that of the base is not changed.
		list := slices.DeleteFunc(slices.Clone(c.FeaturesOff), func(g string) bool { return g == group })
		if v > 0 {
			list = append(list, group)
			slices.Sort(list)
		}
		if c.FeaturesOff = list; len(list) == 0 {
			c.FeaturesOff = nil
		}
	}}
}

// standard is the standard space of §2.5 without the network.
func standard() []Dimension {
	return []Dimension{
		real("optimizer_config.lr", logged, 1e-4, 1e-2, func(c *training.Config) *float64 { return &c.Optimizer.LR }),
		real("optimizer_config.weight_decay", logged, 1e-8, 1e-3, func(c *training.Config) *float64 { return &c.Optimizer.WeightDecay }),
		real("train_ds_config.exposure", linear, 0, 1, func(c *training.Config) *float64 { return &c.DataSet.Exposure }),
		whole("lags", 6, 24, 1, func(c *training.Config) *int { return &c.Lags }),
	}
}

// features are the switches of the standard features beside the averages.
func features() []Dimension {
	return []Dimension{feature("attr"), feature("disp"), feature("hist"), feature("norm"), feature("rec"), feature("style")}
}

func standardNetwork() []Dimension {
	const nn = "nn_model_config."
	return []Dimension{
		whole(nn+"num_encoder_layers", 1, 3, 1, func(c *training.Config) *int { return &c.Model.EncoderLayers }),
		whole(nn+"num_decoder_layers", 1, 3, 1, func(c *training.Config) *int { return &c.Model.DecoderLayers }),
		power(nn+"hidden_size", 16, 128, func(c *training.Config) *int { return &c.Model.Hidden }),
		power(nn+"decoder_output_dim", 4, 64, func(c *training.Config) *int { return &c.Model.DecoderOutput }),
		real(nn+"dropout", linear, 0, 0.6, func(c *training.Config) *float64 { return &c.Model.Dropout }),
		power(nn+"batch_size", 64, 1024, func(c *training.Config) *int { return &c.Model.BatchSize }),
	}
}

// classic is the classic space of §2.5 without the network and the averaging.
func classic() []Dimension {
	return []Dimension{
		real("optimizer_config.lr", logged, 1e-10, 1e-2, func(c *training.Config) *float64 { return &c.Optimizer.LR }),
		real("optimizer_config.weight_decay", logged, 1e-10, 1e-1, func(c *training.Config) *float64 { return &c.Optimizer.WeightDecay }),
		whole("lr_shed_config.T_0", 10, 500, 10, func(c *training.Config) *int { return &c.Schedule.T0 }),
		whole("lr_shed_config.T_mult", 1, 4, 1, func(c *training.Config) *int { return &c.Schedule.TMult }),
		real("train_ds_config.alpha", linear, 1, 7, func(c *training.Config) *float64 { return &c.DataSet.Alpha }),
		real("train_ds_config.span", linear, 3, 15, func(c *training.Config) *float64 { return &c.DataSet.Span }),
		real("weights_config.sigma_left", linear, 0.4, 1, func(c *training.Config) *float64 { return &c.Weights.SigmaLeft }),
		real("weights_config.sigma_right", linear, 0.8, 3, func(c *training.Config) *float64 { return &c.Weights.SigmaRight }),
		whole("lags", 3, 12, 1, func(c *training.Config) *int { return &c.Lags }),
	}
}

func averaging() []Dimension {
	return []Dimension{
		real("swa_config.swa_lrs", logged, 1e-5, 1e-2, func(c *training.Config) *float64 { return &c.SWA.LR }),
		real("swa_config.swa_epoch_start", linear, 0, 0.8, func(c *training.Config) *float64 { return &c.SWA.EpochStart }),
		whole("swa_config.annealing_epochs", 5, 49, 1, func(c *training.Config) *int { return &c.SWA.AnnealingEpochs }),
	}
}

func classicNetwork() []Dimension {
	const nn = "nn_model_config."
	return []Dimension{
		whole(nn+"num_encoder_layers", 1, 5, 1, func(c *training.Config) *int { return &c.Model.EncoderLayers }),
		whole(nn+"num_decoder_layers", 1, 5, 1, func(c *training.Config) *int { return &c.Model.DecoderLayers }),
		power(nn+"decoder_output_dim", 16, 256, func(c *training.Config) *int { return &c.Model.DecoderOutput }),
		power(nn+"temporal_decoder_hidden", 16, 256, func(c *training.Config) *int { return &c.Model.TemporalDecoder }),
		whole(nn+"temporal_width_past", 0, 5, 1, func(c *training.Config) *int { return &c.Model.TemporalPast }),
		whole(nn+"temporal_width_future", 0, 5, 1, func(c *training.Config) *int { return &c.Model.TemporalFuture }),
		power(nn+"temporal_hidden_size_past", 4, 32, func(c *training.Config) *int { return &c.Model.TemporalHidPast }),
		power(nn+"temporal_hidden_size_future", 4, 32, func(c *training.Config) *int { return &c.Model.TemporalHidFuture }),
		power(nn+"batch_size", 8, 256, func(c *training.Config) *int { return &c.Model.BatchSize }),
		real(nn+"dropout", linear, 0.3, 0.8, func(c *training.Config) *float64 { return &c.Model.Dropout }),
		truth(nn+"use_reversible_instance_norm", func(c *training.Config) *bool { return &c.Model.InstanceNorm }),
		truth(nn+"use_layer_norm", func(c *training.Config) *bool { return &c.Model.LayerNorm }),
	}
}
