// Package settings reads the installation's settings: flags, environment,
// .env, a YAML or JSON file, defaults, in this order, into one checked struct.
//
// One table (Table) names every setting with its range and default; reading,
// showing and documenting all follow it. A bad value, an unknown key in the
// file and a name that must not be used any more are all reported at once.
// koanf reads the sources, because parsing dotenv and YAML is not ours; the
// order of the sources is decided here, to be able to say where a value came
// from. robfig/cron checks cron expressions.
package settings

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/knadh/koanf/parsers/dotenv"
	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/v2"

	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/fault"
)

// Settings are the effective settings, checked.
type Settings struct {
	Env               string
	DataRoot          string        // absolute
	Today             *calendar.Day // fixed, or nil
	Zone              *time.Location
	MaxUploadSize     int64 // bytes
	MaxUnpackedSize   int64
	MaxRows           int
	MaxColumns        int
	MaxCellCharacters int
	MaxFiles          int
	FillMissingDays   bool
	PriceBins         *string // nil: not set
	Refractory        time.Duration
	RefractoryByType  map[string]time.Duration

	DefaultMetric       string
	DefaultMetricHigher bool
	AutoSelectConfigs   bool
	AutoSelectModel     bool
	MetricThreshold     float64

	Host           string
	Port           int
	AdminKeyHash   string
	APIKeyHash     string
	LogLevel       string
	LogFormat      string
	AllowedOrigins []string
	DocsSecurity   bool

	ComputeBackend string
	Engine         string
	MaxParallel    int
	Threads        int

	DataSphere DataSphere
	Retention  Retention
	Tuning     Tuning

	// Values are the effective values with their sources, in the table's order.
	Values []Value
	// Warnings name old settings that were read or ignored.
	Warnings []string
}

// DataSphere are the settings of the cloud backend.
type DataSphere struct {
	ProjectID, FolderID, KeyFile, IAMToken, OAuthToken string
	InstanceTypes                                      string
	PollInterval, MaxRuntime                           time.Duration
	SubmitTimeout, StatusTimeout                       time.Duration
	DownloadTimeout, CancelTimeout                     time.Duration
	DiagnosticsOnSuccess, DeleteData, Plaintext        bool
	Endpoint, OperationEndpoint, IAMEndpoint, Program  string
}

// Retention says how long things are kept.
type Retention struct {
	SalesDays, StockDays, PredictionDays        int
	ModelsToKeep, InactiveModelDays, BackupDays int
	Enabled                                     bool
	Schedule                                    func(time.Time) time.Time // the next time after
}

// Tuning are the settings of the search for configurations.
type Tuning struct {
	SamplesLite, SamplesFull, MaxConcurrent, BestToSave, SeedConfigs int
	Mode                                                             string
}

// Value is an effective value as it may be shown: secrets are masked.
type Value struct {
	Name   string `json:"name"`
	Group  string `json:"group"`
	Value  string `json:"value"`
	Source string `json:"source"` // flag, environment, .env, the file's path, default
	Doc    string `json:"doc"`
}

// renamed are names of the Python service that have another name here.
func renamed() map[string]string {
	return map[string]string{
		"METRIC_THESH_FOR_HEALTH_CHECK":              "METRIC_THRESH_FOR_HEALTH_CHECK",
		"DATASPHERE_CLIENT_SUBMIT_TIMEOUT_SECONDS":   "DATASPHERE_SUBMIT_TIMEOUT_SECONDS",
		"DATASPHERE_CLIENT_STATUS_TIMEOUT_SECONDS":   "DATASPHERE_STATUS_TIMEOUT_SECONDS",
		"DATASPHERE_CLIENT_DOWNLOAD_TIMEOUT_SECONDS": "DATASPHERE_DOWNLOAD_TIMEOUT_SECONDS",
		"DATASPHERE_CLIENT_CANCEL_TIMEOUT_SECONDS":   "DATASPHERE_CANCEL_TIMEOUT_SECONDS",
		"DATASPHERE_OAUTH_TOKEN":                     "YC_OAUTH_TOKEN",
		"TUNING_SEED_CONFIGS":                        "TUNING_SEED_CONFIGS_LIMIT",
	}
}

// unused are names of the Python service that have no meaning here.
func unused() []string {
	return []string{"DATASPHERE_MAX_POLLS", "SQLITE_MAX_VARIABLES", "DATASPHERE_TRAIN_JOB_DIR", "DATASPHERE_YC_PROFILE",
		"DATASPHERE_JOB_CONFIG_PATH", "API_DEBUG", "MAX_MODELS_TO_KEEP"}
}

// forbidden are raw secrets, which are kept as hashes only.
func forbidden() []string { return []string{"API_X_API_KEY", "API_ADMIN_API_KEY"} }

// layer is one source: values by setting name.
type layer struct {
	name   string
	values map[string]string
	closed bool // every key must be known: a file
}

// Sources are where settings may come from.
type Sources struct {
	Flags  map[string]string        // of the command line, by setting name
	Getenv func(name string) string // the process's environment
	Dir    string                   // where .env is looked for; "" is the working directory
}

// Load reads all sources. The error lists every problem.
func Load(src Sources) (*Settings, error) {
	layers := []layer{{name: "flag", values: src.Flags}}
	env := map[string]string{}
	names := slices.Collect(maps.Keys(renamed()))
	names = append(append(names, unused()...), forbidden()...)
	for _, s := range Table() {
		names = append(names, s.Name)
	}
	for _, name := range append(names, "CONFIG_FILE_PATH") {
		if v := src.Getenv(name); v != "" {
			env[name] = v
		}
	}
	layers = append(layers, layer{name: "environment", values: env})

	var problems []string
	dot, err := readFile(filepath.Join(src.Dir, ".env"), dotenv.Parser())
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		problems = append(problems, fmt.Sprintf(".env cannot be read: %v", err))
	}
	// Other programs' variables may stand in .env, so unknown names are no error there.
	layers = append(layers, layer{name: ".env", values: dot})
	path := src.Flags["CONFIG_FILE_PATH"]
	for _, v := range []string{env["CONFIG_FILE_PATH"], dot["CONFIG_FILE_PATH"]} {
		if path == "" {
			path = v
		}
	}
	if path != "" {
		values, err := readFile(path, yaml.Parser()) // JSON is YAML
		if err != nil {
			problems = append(problems, fmt.Sprintf("the settings file %s cannot be read: %v", path, err))
		}
		layers = append(layers, layer{name: path, values: values, closed: true})
	}
	s := &Settings{}
	problems = append(problems, s.settle(layers)...)
	if len(problems) > 0 {
		slices.Sort(problems)
		return nil, fault.New(fault.Invalid, "invalid_settings",
			"the settings cannot be used:\n  - %s", strings.Join(problems, "\n  - ")).With("problems", problems)
	}
	return s, nil
}

func readFile(path string, parser koanf.Parser) (map[string]string, error) {
	k := koanf.New("\x00") // names have no structure: nothing is split
	if err := k.Load(file.Provider(path), parser); err != nil {
		return nil, err
	}
	values := map[string]string{}
	for name, v := range k.Raw() {
		values[name] = plain(v)
	}
	return values, nil
}

// plain is a value of a file as it would stand in the environment: lists and
// maps are comma-separated, and a day, which YAML takes for a moment, is a day.
func plain(v any) string {
	var parts []string
	switch v := v.(type) {
	case nil:
		return ""
	case time.Time:
		return strings.TrimSuffix(v.Format(time.RFC3339), "T00:00:00Z")
	case []any:
		for _, item := range v {
			parts = append(parts, plain(item))
		}
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			parts = append(parts, name+"="+plain(v[name]))
		}
	default:
		return fmt.Sprint(v)
	}
	return strings.Join(parts, ",")
}

// settle applies the first layer that has a value for each setting.
func (s *Settings) settle(layers []layer) (problems []string) {
	table := Table()
	known := map[string]bool{"CONFIG_FILE_PATH": true}
	for _, row := range table {
		known[row.Name] = true
	}
	old := renamed()
	for _, name := range slices.Concat(slices.Collect(maps.Keys(old)), unused(), forbidden()) {
		known[name] = true
	}
	for i := range layers {
		l := &layers[i]
		for _, name := range slices.Sorted(maps.Keys(l.values)) {
			value := l.values[name]
			switch {
			case l.closed && !known[name]:
				problems = append(problems, fmt.Sprintf("%s (%s): no setting has this name", name, l.name))
			case strings.TrimSpace(value) == "" && l.name != "flag": // left empty is not said, as in the environment
				delete(l.values, name)
			case slices.Contains(forbidden(), name):
				problems = append(problems, fmt.Sprintf("%s (%s): raw keys are not kept; run plastinka keys and set %s_HASH", name, l.name, name))
			case slices.Contains(unused(), name):
				s.Warnings = append(s.Warnings, fmt.Sprintf("%s (%s) is no longer used", name, l.name))
			case old[name] != "":
				s.Warnings = append(s.Warnings, fmt.Sprintf("%s (%s) is now called %s", name, l.name, old[name]))
				if _, both := l.values[old[name]]; !both {
					l.values[old[name]] = value
				}
			}
		}
	}
	for _, row := range table {
		value, source := row.Default, "default"
		for _, l := range layers {
			if v, ok := l.values[row.Name]; ok {
				value, source = strings.TrimSpace(v), l.name
				break
			}
		}
		if err := row.set(s, value); err != nil {
			shown := fmt.Sprintf("%.60q ", value)
			if row.Secret {
				shown = ""
			}
			problems = append(problems, fmt.Sprintf("%s (%s): %s%v", row.Name, source, shown, err))
		}
		if row.Secret && value != "" {
			value = "********"
		}
		s.Values = append(s.Values, Value{Name: row.Name, Group: row.Group, Value: value, Source: source, Doc: row.Doc})
	}
	return problems
}
