package training

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/plastinka/predictor/domain/fault"
)

// UnknownConfigKey is the code of the warning about a top-level member of a
// configuration that nothing here reads.
const UnknownConfigKey = "unknown_config_key"

// Problem is one thing that is wrong with a configuration. All of them are in
// the error's detail "errors".
type Problem struct {
	Loc  []any  `json:"loc"` // the JSON path: member names, and numbers for elements of a list
	Msg  string `json:"msg"`
	Type string `json:"type"` // unknown_key, wrong_type, out_of_range, conflict
}

// Path is the problem's place as people write it: nn_model_config.dropout,
// quantiles[2].
func (p Problem) Path() string {
	var b strings.Builder
	for i, step := range p.Loc {
		if n, ok := step.(int); ok {
			fmt.Fprintf(&b, "[%d]", n)
			continue
		}
		if i > 0 {
			b.WriteByte('.')
		}
		fmt.Fprint(&b, step)
	}
	return b.String()
}

// ParseConfig reads a configuration as §2.3 defines it. Members that are not
// there, or null, have their default: the classic one if likelihood is not
// negative_binomial, since a configuration without it is the Python service's;
// the standard one if there is nothing at all. swa_config has no default as a
// whole: without it nothing is averaged. 0.05 and 0.95 join the quantiles.
//
// Inside a group, unknown members, wrong types and values out of range are
// refused, all at once (see Problem). Unknown members at the top level are
// kept in Extra and named in the warnings.
func ParseConfig(text []byte) (Config, []Warning, error) {
	top, err := object(text)
	if err != nil {
		return Config{}, nil, fault.New(fault.Invalid, "validation_error",
			"the configuration is not a JSON object: %v", err)
	}
	var problems []Problem
	if _, ok := top["model_config"]; ok {
		if _, both := top["nn_model_config"]; both {
			problems = append(problems, Problem{[]any{"model_config"}, "is another name of nn_model_config: give one of them", "conflict"})
		} else {
			top["nn_model_config"] = top["model_config"]
		}
		delete(top, "model_config")
	}
	c := defaults(top)
	left := fill(&c, top, &problems)
	if len(problems) == 0 { // a rule about several members says nothing new about a broken one
		problems = c.problems()
	}
	if len(problems) > 0 {
		return Config{}, nil, refusal(problems)
	}
	c.Quantiles = withOuter(c.Quantiles)
	var warnings []Warning
	for _, key := range slices.Sorted(maps.Keys(left)) {
		warnings = append(warnings, Warning{UnknownConfigKey,
			fmt.Sprintf("the configuration's member %q is kept but has no effect", key)})
	}
	if len(left) > 0 {
		c.Extra = left
	}
	return c, warnings, nil
}

// defaults is what the members of top are laid over.
func defaults(top map[string]json.RawMessage) Config {
	if len(top) == 0 {
		return DefaultStandard()
	}
	var likelihood string
	if json.Unmarshal(top["likelihood"], &likelihood) == nil && likelihood == NegativeBinomial {
		return DefaultStandard()
	}
	c := DefaultClassic()
	c.SWA = nil
	return c
}

// fill sets c's members from top, adds what is wrong to problems, and returns
// the members that it does not know.
func fill(c *Config, top map[string]json.RawMessage, problems *[]Problem) map[string]json.RawMessage {
	if _, ok := top["swa_config"]; ok {
		swa := *DefaultClassic().SWA
		c.SWA = &swa
	}
	groups := map[string]map[string]json.RawMessage{}
	for _, m := range c.members() {
		from := top
		loc := []any{m.key}
		if m.group != "" {
			loc = []any{m.group, m.key}
			var ok bool
			if from, ok = groups[m.group]; !ok {
				from = group(top, m.group, problems)
				groups[m.group] = from
			}
		}
		value, ok := from[m.key]
		delete(from, m.key)
		if !ok {
			continue
		}
		if msg := m.set(value); msg != "" {
			*problems = append(*problems, Problem{loc, msg, "wrong_type"})
		} else {
			*problems = append(*problems, m.check(loc)...)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(groups)) {
		for _, key := range slices.Sorted(maps.Keys(groups[name])) {
			*problems = append(*problems, Problem{[]any{name, key}, "is not known", "unknown_key"})
		}
	}
	return top
}

// group takes a group of members out of top.
func group(top map[string]json.RawMessage, name string, problems *[]Problem) map[string]json.RawMessage {
	text, ok := top[name]
	delete(top, name)
	if !ok {
		return nil
	}
	g, err := object(text)
	if err != nil {
		*problems = append(*problems, Problem{[]any{name}, "must be an object", "wrong_type"})
	}
	return g
}

// object reads a JSON object; members that are null are left out, and null or
// nothing is the empty object.
func object(text []byte) (map[string]json.RawMessage, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	var o map[string]json.RawMessage
	if err := d.Decode(&o); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows its end")
	}
	maps.DeleteFunc(o, func(_ string, v json.RawMessage) bool { return string(v) == "null" })
	return o, nil
}

// withOuter adds the levels 0.05 and 0.95, which are always computed.
func withOuter(levels []float64) []float64 {
	for _, q := range []float64{0.05, 0.95} {
		if i, found := slices.BinarySearch(levels, q); !found {
			levels = slices.Insert(slices.Clone(levels), i, q)
		}
	}
	return levels
}

// Validate reports everything that is wrong with c, as ParseConfig does.
func (c *Config) Validate() error {
	var problems []Problem
	for _, m := range c.members() {
		loc := []any{m.key}
		if m.group != "" {
			loc = []any{m.group, m.key}
		}
		problems = append(problems, m.check(loc)...)
	}
	if problems = append(problems, c.problems()...); len(problems) > 0 {
		return refusal(problems)
	}
	return nil
}

func refusal(problems []Problem) error {
	parts := make([]string, 0, len(problems))
	for i, p := range problems {
		if i == 10 {
			parts = append(parts, fmt.Sprintf("and %d more", len(problems)-i))
			break
		}
		parts = append(parts, p.Path()+" "+p.Msg)
	}
	return fault.New(fault.Invalid, "validation_error", "the configuration cannot be used: %s", strings.Join(parts, "; ")).
		With("errors", problems)
}

// problems are the rules about several members at once.
func (c *Config) problems() []Problem {
	var found []Problem
	if c.Model.LayerNorm && c.Model.TemporalPast == 1 {
		found = append(found, Problem{[]any{"nn_model_config", "temporal_width_past"},
			"must be 0 or at least 2 with use_layer_norm: a norm over one value leaves only its bias", "conflict"})
	}
	if len(c.FeaturesOff) > 0 && c.FeatureSet != Standard {
		found = append(found, Problem{[]any{"features_off"}, "is for feature_set standard alone", "conflict"})
	}
	if c.DataSet.MinimumSalesMonths > c.Lags {
		found = append(found, Problem{[]any{"train_ds_config", "minimum_sales_months"},
			fmt.Sprintf("must not exceed lags, %d: no sample could have so many months with sales", c.Lags), "conflict"})
	}
	return found
}

// Canonical is the configuration as JSON with sorted members and without
// spaces, complete; equal configurations have equal bytes. Numbers of Extra
// are written as they were given.
func (c Config) Canonical() ([]byte, error) {
	type plain Config
	var known map[string]json.RawMessage
	b, err := json.Marshal(plain(c))
	if err == nil {
		err = json.Unmarshal(b, &known)
	}
	if err != nil {
		return nil, fault.Wrap("training.Canonical", err)
	}
	all := maps.Clone(c.Extra)
	if all == nil {
		all = map[string]json.RawMessage{}
	}
	maps.Copy(all, known)
	if b, err = json.Marshal(all); err != nil {
		return nil, fault.Wrap("training.Canonical", err)
	}
	return canonical(b)
}

// canonical sorts the members of all objects and leaves numbers as they are.
func canonical(text []byte) ([]byte, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, fault.Wrap("training.canonical", err)
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fault.Wrap("training.canonical", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// MarshalJSON is Canonical.
func (c Config) MarshalJSON() ([]byte, error) { return c.Canonical() }

// UnmarshalJSON is ParseConfig without the warnings.
func (c *Config) UnmarshalJSON(text []byte) error {
	parsed, _, err := ParseConfig(text)
	if err == nil {
		*c = parsed
	}
	return err
}

// number reads a JSON number that float64 holds.
func number(text json.RawMessage) (float64, bool) {
	var n json.Number
	if len(text) == 0 || text[0] == '"' || json.Unmarshal(text, &n) != nil {
		return 0, false
	}
	x, err := n.Float64()
	return x, err == nil
}

// integer reads a JSON number without a fraction; 3.0 and 3e2 are such.
func integer(text json.RawMessage) (int64, bool) {
	if n, err := strconv.ParseInt(string(text), 10, 64); err == nil {
		return n, true
	}
	x, ok := number(text)
	if !ok || x != math.Trunc(x) || math.Abs(x) > 1<<53 {
		return 0, false
	}
	return int64(x), true
}
