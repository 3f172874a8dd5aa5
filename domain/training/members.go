package training

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A member is one member of a configuration's JSON: where it stands, how it is
// read (set returns what is wrong, or ""), and what is wrong with its value.
// Its kind of value decides both; the one table below serves reading and
// Validate.
type member struct {
	group, key string
	set        func(json.RawMessage) string
	check      func(loc []any) []Problem
}

// members is the table of §2.3 with the ranges: wide enough for every point of
// the search space (§2.5), narrow enough that no configuration from a stranger
// asks for a network that does not fit into memory.
func (c *Config) members() []member {
	const nn, ds, swa = "nn_model_config", "train_ds_config", "swa_config"
	list := []member{
		whole(nn, "num_encoder_layers", &c.Model.EncoderLayers, 1, 16),
		whole(nn, "num_decoder_layers", &c.Model.DecoderLayers, 1, 16),
		whole(nn, "decoder_output_dim", &c.Model.DecoderOutput, 1, 1024),
		whole(nn, "temporal_width_past", &c.Model.TemporalPast, 0, 64),
		whole(nn, "temporal_width_future", &c.Model.TemporalFuture, 0, 64),
		whole(nn, "temporal_hidden_size_past", &c.Model.TemporalHidPast, 1, 1024),
		whole(nn, "temporal_hidden_size_future", &c.Model.TemporalHidFuture, 1, 1024),
		whole(nn, "temporal_decoder_hidden", &c.Model.TemporalDecoder, 1, 1024),
		whole(nn, "hidden_size", &c.Model.Hidden, 1, 2048),
		whole(nn, "batch_size", &c.Model.BatchSize, 1, 65536),
		real(nn, "dropout", &c.Model.Dropout, 0, 0.99),
		truth(nn, "use_reversible_instance_norm", &c.Model.InstanceNorm),
		truth(nn, "use_layer_norm", &c.Model.LayerNorm),
		whole(nn, "n_epochs", &c.Model.Epochs, 1, 10000),
		real("optimizer_config", "lr", &c.Optimizer.LR, 1e-12, 1),
		real("optimizer_config", "weight_decay", &c.Optimizer.WeightDecay, 0, 1),
		whole("lr_shed_config", "T_0", &c.Schedule.T0, 1, 1000000),
		whole("lr_shed_config", "T_mult", &c.Schedule.TMult, 1, 100),
		real(ds, "alpha", &c.DataSet.Alpha, 0, 100),
		real(ds, "span", &c.DataSet.Span, 1, 1000),
		whole(ds, "minimum_sales_months", &c.DataSet.MinimumSalesMonths, 0, 120),
		real(ds, "exposure", &c.DataSet.Exposure, 0, 2),
		real("weights_config", "sigma_left", &c.Weights.SigmaLeft, 0.01, 100),
		real("weights_config", "sigma_right", &c.Weights.SigmaRight, 0.01, 100),
		whole("", "lags", &c.Lags, 1, 120),
		choice("", "likelihood", &c.Likelihood, NegativeBinomial, QuantileLoss),
		choice("", "feature_set", &c.FeatureSet, Standard, Classic),
		levels("", "quantiles", &c.Quantiles),
		whole("", "validation_months", &c.ValidationMonths, 1, 60),
		whole("", "patience", &c.Patience, 1, 10000),
		whole("", "num_samples", &c.NumSamples, 1, 100000),
		whole("", "num_seeds", &c.NumSeeds, 1, 64),
		truth("", "mc_dropout", &c.MCDropout),
		truth("", "round_quantiles", &c.RoundQuantiles),
		name("", "model_id", &c.ModelID),
		seed("", "seed", &c.Seed),
		groups("", "features_off", &c.FeaturesOff),
	}
	if c.SWA != nil {
		list = append(list,
			real(swa, "swa_lrs", &c.SWA.LR, 1e-12, 1),
			real(swa, "swa_epoch_start", &c.SWA.EpochStart, 0, 1),
			whole(swa, "annealing_epochs", &c.SWA.AnnealingEpochs, 1, 10000))
	}
	return list
}

func outOfRange(ok bool, loc []any, format string, args ...any) []Problem {
	if ok {
		return nil
	}
	return []Problem{{loc, fmt.Sprintf(format, args...), "out_of_range"}}
}

func whole(group, key string, p *int, low, high int) member {
	return member{group, key, func(text json.RawMessage) string {
		n, ok := integer(text)
		if !ok {
			return "must be a whole number"
		}
		*p = int(n)
		return ""
	}, func(loc []any) []Problem {
		return outOfRange(low <= *p && *p <= high, loc, "is %d, must be between %d and %d", *p, low, high)
	}}
}

func real(group, key string, p *float64, low, high float64) member {
	return member{group, key, func(text json.RawMessage) string {
		x, ok := number(text)
		if !ok {
			return "must be a number"
		}
		*p = x
		return ""
	}, func(loc []any) []Problem {
		return outOfRange(low <= *p && *p <= high, loc, "is %v, must be between %v and %v", *p, low, high)
	}}
}

func truth(group, key string, p *bool) member {
	return member{group, key, func(text json.RawMessage) string {
		if json.Unmarshal(text, p) != nil {
			return "must be true or false"
		}
		return ""
	}, func([]any) []Problem { return nil }}
}

func choice(group, key string, p *string, a, b string) member {
	return member{group, key, func(text json.RawMessage) string {
		if json.Unmarshal(text, p) != nil {
			return fmt.Sprintf("must be a text, %q or %q", a, b)
		}
		return ""
	}, func(loc []any) []Problem {
		return outOfRange(*p == a || *p == b, loc, "is %.40q, must be %q or %q", *p, a, b)
	}}
}

// name is a base name of identifiers and files: nothing that a path or a
// terminal could take for more.
func name(group, key string, p *string) member {
	return member{group, key, func(text json.RawMessage) string {
		if json.Unmarshal(text, p) != nil {
			return "must be a text"
		}
		return ""
	}, func(loc []any) []Problem {
		bad := strings.IndexFunc(*p, func(r rune) bool {
			return r == '/' || r == '\\' || r == utf8.RuneError || !unicode.IsPrint(r)
		})
		return outOfRange(bad < 0 && len(*p) <= 100 && *p != "." && *p != "..", loc,
			"must be a base name of at most 100 bytes without slashes and control characters")
	}}
}

func seed(group, key string, p *uint64) member {
	return member{group, key, func(text json.RawMessage) string {
		n, err := strconv.ParseUint(string(text), 10, 64)
		if err != nil {
			i, ok := integer(text)
			if !ok || i < 0 {
				return "must be a whole number between 0 and 18446744073709551615"
			}
			n = uint64(i)
		}
		*p = n
		return ""
	}, func([]any) []Problem { return nil }}
}

func levels(group, key string, p *[]float64) member {
	return member{group, key, func(text json.RawMessage) string {
		var list []json.RawMessage
		if json.Unmarshal(text, &list) != nil {
			return "must be a list of numbers"
		}
		read := make([]float64, len(list))
		for i, item := range list {
			x, ok := number(item)
			if !ok {
				return fmt.Sprintf("must be a list of numbers; its element %d is none", i)
			}
			read[i] = x
		}
		*p = read
		return ""
	}, func(loc []any) []Problem {
		if n := len(withOuter(*p)); len(*p) == 0 || n > 99 {
			return outOfRange(false, loc, "must have 1 to 99 levels, 0.05 and 0.95 among them, not %d", n)
		}
		var found []Problem
		for i, q := range *p {
			at := append(append([]any{}, loc...), i)
			found = append(found, outOfRange(0 < q && q < 1, at, "is %v, must lie between 0 and 1", q)...)
			if i > 0 {
				found = append(found, outOfRange(q > (*p)[i-1], at, "is %v, must be greater than the level before it", q)...)
			}
		}
		return found
	}}
}

// groups are some of FeatureGroups, in any order and as often as one likes.
func groups(group, key string, p *[]string) member {
	return member{group, key, func(text json.RawMessage) string {
		var list []string
		if json.Unmarshal(text, &list) != nil {
			return "must be a list of texts"
		}
		slices.Sort(list)
		*p = nil
		if list = slices.Compact(list); len(list) > 0 {
			*p = list
		}
		return ""
	}, func(loc []any) []Problem {
		for _, name := range *p {
			if !slices.Contains(FeatureGroups(), name) {
				return outOfRange(false, loc, "has %.40q, may have %s", name, strings.Join(FeatureGroups(), ", "))
			}
		}
		return nil
	}}
}

// ID is the configuration's identity: the SHA-256 of its canonical JSON, in
// hexadecimal.
func (c Config) ID() (string, error) {
	b, err := c.Canonical()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:]), nil
}
