package settings

import (
	"fmt"
	"math"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/catalog"
)

// Setting is one row of the table: a documented name with its group, default
// and meaning. Set reads a value into the struct and says what is wrong with
// it.
type Setting struct {
	Name    string
	Group   string
	Default string
	Doc     string
	Secret  bool // masked wherever values are shown
	set     func(s *Settings, value string) error
}

// Table is all settings, in the order in which they are shown.
func Table() []Setting {
	const (
		app, api, compute, cloud, retention, tuning = "app", "API", "compute", "DataSphere", "retention", "tuning"
	)
	return []Setting{
		text("ENV", app, "production", "what this installation is for; shown in logs", func(s *Settings) *string { return &s.Env }),
		{Name: "DATA_ROOT_DIR", Group: app, Default: "~/.plastinka_sales_predictor", Doc: "the folder with database, models and reports", set: setDataRoot},
		{Name: "PLASTINKA_TODAY", Group: app, Default: "", Doc: "fixes today for reproducible runs, YYYY-MM-DD", set: setToday},
		{Name: "TIME_ZONE", Group: app, Default: "Europe/Moscow", Doc: "the shop's time zone (IANA name)", set: setZone},
		size("MAX_UPLOAD_SIZE", app, "200 MiB", "the largest upload request", 1<<10, 1<<40, func(s *Settings) *int64 { return &s.MaxUploadSize }),
		size("MAX_UNPACKED_SIZE", app, "2 GiB", "the largest unpacked size of one file", 1<<10, 1<<44, func(s *Settings) *int64 { return &s.MaxUnpackedSize }),
		whole("MAX_ROWS", app, 5_000_000, "rows of one file", 1, 1<<31-1, func(s *Settings) *int { return &s.MaxRows }),
		whole("MAX_COLUMNS", app, 1000, "columns of one file", 1, 16384, func(s *Settings) *int { return &s.MaxColumns }),
		whole("MAX_CELL_CHARACTERS", app, 32767, "characters of one cell", 1, 1<<20, func(s *Settings) *int { return &s.MaxCellCharacters }),
		whole("MAX_FILES", app, 120, "files of one upload", 2, 10000, func(s *Settings) *int { return &s.MaxFiles }),
		truth("FILL_MISSING_DAYS", app, true, "train on an incomplete last month with its missing days filled in", func(s *Settings) *bool { return &s.FillMissingDays }),
		{Name: "PRICE_CATEGORY_BINS", Group: app, Default: "", Doc: "edges of the price categories of a new database, comma-separated, inf allowed", set: setBins},
		seconds("JOB_REFRACTORY_SECONDS_DEFAULT", app, 300, "how long the same submission is refused", 0, 86400, func(s *Settings) *time.Duration { return &s.Refractory }),
		{Name: "JOB_REFRACTORY_SECONDS_MAP", Group: app, Default: "", Doc: "the same by job type: training=600,data_upload=0", set: setRefractoryMap},
		text("DEFAULT_METRIC", app, "val_MIWS_MIC_Ratio", "the metric of best and of health", func(s *Settings) *string { return &s.DefaultMetric }),
		truth("DEFAULT_METRIC_HIGHER_IS_BETTER", app, false, "its direction", func(s *Settings) *bool { return &s.DefaultMetricHigher }),
		truth("AUTO_SELECT_BEST_CONFIGS", app, true, "activate the best configuration after tuning", func(s *Settings) *bool { return &s.AutoSelectConfigs }),
		truth("AUTO_SELECT_BEST_MODEL", app, true, "activate a new model that is better than the active one", func(s *Settings) *bool { return &s.AutoSelectModel }),
		real("METRIC_THRESH_FOR_HEALTH_CHECK", app, 1.2, "the active model's metric beyond which health is degraded", func(s *Settings) *float64 { return &s.MetricThreshold }),

		text("API_HOST", api, "127.0.0.1", "the address the service listens on", func(s *Settings) *string { return &s.Host }),
		whole("API_PORT", api, 8000, "its port; 0 takes a free one", 0, 65535, func(s *Settings) *int { return &s.Port }),
		{Name: "API_ADMIN_API_KEY_HASH", Group: api, Doc: "bcrypt hash of the admin token (plastinka keys)", Secret: true, set: bcryptHash(func(s *Settings) *string { return &s.AdminKeyHash })},
		{Name: "API_X_API_KEY_HASH", Group: api, Doc: "bcrypt hash of the API key (plastinka keys)", Secret: true, set: bcryptHash(func(s *Settings) *string { return &s.APIKeyHash })},
		choice("API_LOG_LEVEL", api, "INFO", "how much is logged", func(s *Settings) *string { return &s.LogLevel }, "DEBUG", "INFO", "WARNING", "ERROR"),
		choice("API_LOG_FORMAT", api, "text", "the form of log lines on standard error", func(s *Settings) *string { return &s.LogFormat }, "text", "json"),
		{Name: "API_ALLOWED_ORIGINS", Group: api, Doc: "origins that browsers may call from, comma-separated", set: setOrigins},
		truth("API_DOCS_SECURITY_ENABLED", api, true, "ask for the admin token before showing the documentation", func(s *Settings) *bool { return &s.DocsSecurity }),

		choice("COMPUTE_BACKEND", compute, "local", "where trainings run", func(s *Settings) *string { return &s.ComputeBackend }, "local", "inprocess", "datasphere"),
		choice("ENGINE", compute, "tide", "what learns", func(s *Settings) *string { return &s.Engine }, "tide", "baseline"),
		whole("COMPUTE_MAX_PARALLEL", compute, 1, "trainings at once", 1, 64, func(s *Settings) *int { return &s.MaxParallel }),
		whole("COMPUTE_THREADS", compute, 0, "threads of one training; 0 is all cores", 0, 1024, func(s *Settings) *int { return &s.Threads }),

		text("DATASPHERE_PROJECT_ID", cloud, "", "the project that runs the jobs", func(s *Settings) *string { return &s.DataSphere.ProjectID }),
		text("DATASPHERE_FOLDER_ID", cloud, "", "its folder", func(s *Settings) *string { return &s.DataSphere.FolderID }),
		text("YC_SERVICE_ACCOUNT_KEY_FILE", cloud, "", "path of the service account's key", func(s *Settings) *string { return &s.DataSphere.KeyFile }),
		secret("YC_IAM_TOKEN", cloud, "an IAM token", func(s *Settings) *string { return &s.DataSphere.IAMToken }),
		secret("YC_OAUTH_TOKEN", cloud, "an OAuth token (Yandex ends them in 2026)", func(s *Settings) *string { return &s.DataSphere.OAuthToken }),
		text("DATASPHERE_INSTANCE_TYPES", cloud, "c1.8,c1.4", "instance types in order of preference", func(s *Settings) *string { return &s.DataSphere.InstanceTypes }),
		seconds("DATASPHERE_POLL_INTERVAL", cloud, 30, "between two looks at a job", 1, 3600, func(s *Settings) *time.Duration { return &s.DataSphere.PollInterval }),
		seconds("DATASPHERE_MAX_RUNTIME", cloud, 21600, "after which a job is given up", 60, 7*86400, func(s *Settings) *time.Duration { return &s.DataSphere.MaxRuntime }),
		seconds("DATASPHERE_SUBMIT_TIMEOUT_SECONDS", cloud, 300, "for a submission", 1, 3600, func(s *Settings) *time.Duration { return &s.DataSphere.SubmitTimeout }),
		seconds("DATASPHERE_STATUS_TIMEOUT_SECONDS", cloud, 30, "for a status call", 1, 3600, func(s *Settings) *time.Duration { return &s.DataSphere.StatusTimeout }),
		seconds("DATASPHERE_DOWNLOAD_TIMEOUT_SECONDS", cloud, 300, "for a download", 1, 7200, func(s *Settings) *time.Duration { return &s.DataSphere.DownloadTimeout }),
		seconds("DATASPHERE_CANCEL_TIMEOUT_SECONDS", cloud, 60, "for a cancel", 1, 3600, func(s *Settings) *time.Duration { return &s.DataSphere.CancelTimeout }),
		truth("DATASPHERE_DOWNLOAD_DIAGNOSTICS_ON_SUCCESS", cloud, false, "keep logs of jobs that succeeded", func(s *Settings) *bool { return &s.DataSphere.DiagnosticsOnSuccess }),
		truth("DATASPHERE_DELETE_DATA_ON_SUCCESS", cloud, false, "delete a succeeded job's files in the cloud at once instead of after 14 days", func(s *Settings) *bool { return &s.DataSphere.DeleteData }),
		text("DATASPHERE_ENDPOINT", cloud, "datasphere.api.cloud.yandex.net:443", "the API's address", func(s *Settings) *string { return &s.DataSphere.Endpoint }),
		text("DATASPHERE_OPERATION_ENDPOINT", cloud, "operation.api.cloud.yandex.net:443", "the operations' address", func(s *Settings) *string { return &s.DataSphere.OperationEndpoint }),
		text("DATASPHERE_IAM_ENDPOINT", cloud, "iam.api.cloud.yandex.net:443", "the identity service's address", func(s *Settings) *string { return &s.DataSphere.IAMEndpoint }),
		truth("DATASPHERE_PLAINTEXT", cloud, false, "without TLS; loopback only", func(s *Settings) *bool { return &s.DataSphere.Plaintext }),
		text("DATASPHERE_PROGRAM", cloud, "", "the linux/amd64 binary to run; empty is this one", func(s *Settings) *string { return &s.DataSphere.Program }),

		whole("RETENTION_SALES_RETENTION_DAYS", retention, 0, "days of sales to keep; 0 keeps all", 0, 36500, func(s *Settings) *int { return &s.Retention.SalesDays }),
		whole("RETENTION_STOCK_RETENTION_DAYS", retention, 0, "days of stock movements to keep; 0 keeps all", 0, 36500, func(s *Settings) *int { return &s.Retention.StockDays }),
		whole("RETENTION_PREDICTION_RETENTION_DAYS", retention, 365, "days of forecasts to keep", 0, 36500, func(s *Settings) *int { return &s.Retention.PredictionDays }),
		whole("RETENTION_MODELS_TO_KEEP", retention, 5, "model files to keep", 1, 1000, func(s *Settings) *int { return &s.Retention.ModelsToKeep }),
		whole("RETENTION_INACTIVE_MODEL_RETENTION_DAYS", retention, 90, "days to keep a model that is not active", 0, 36500, func(s *Settings) *int { return &s.Retention.InactiveModelDays }),
		whole("RETENTION_BACKUP_RETENTION_DAYS", retention, 30, "days to keep backups", 0, 36500, func(s *Settings) *int { return &s.Retention.BackupDays }),
		truth("RETENTION_CLEANUP_ENABLED", retention, true, "clean up on the schedule", func(s *Settings) *bool { return &s.Retention.Enabled }),
		{Name: "RETENTION_CLEANUP_SCHEDULE", Group: retention, Default: "0 3 * * 0", Doc: "when, as a cron expression", set: setSchedule},

		whole("TUNING_NUM_SAMPLES_LITE", tuning, 50, "trials of a lite tuning", 1, 10000, func(s *Settings) *int { return &s.Tuning.SamplesLite }),
		whole("TUNING_NUM_SAMPLES_FULL", tuning, 200, "trials of a full tuning", 1, 10000, func(s *Settings) *int { return &s.Tuning.SamplesFull }),
		whole("TUNING_MAX_CONCURRENT", tuning, 0, "trials at once; 0 is by cores", 0, 256, func(s *Settings) *int { return &s.Tuning.MaxConcurrent }),
		whole("TUNING_BEST_CONFIGS_TO_SAVE", tuning, 5, "configurations a tuning stores", 1, 100, func(s *Settings) *int { return &s.Tuning.BestToSave }),
		whole("TUNING_SEED_CONFIGS_LIMIT", tuning, 5, "stored configurations a tuning starts from", 0, 100, func(s *Settings) *int { return &s.Tuning.SeedConfigs }),
		choice("TUNING_MODE", tuning, "lite", "lite or full", func(s *Settings) *string { return &s.Tuning.Mode }, "lite", "full"),
	}
}

func text(name, group, def, doc string, at func(*Settings) *string) Setting {
	return Setting{Name: name, Group: group, Default: def, Doc: doc, set: func(s *Settings, v string) error {
		*at(s) = v
		return nil
	}}
}

func secret(name, group, doc string, at func(*Settings) *string) Setting {
	s := text(name, group, "", doc, at)
	s.Secret = true
	return s
}

func choice(name, group, def, doc string, at func(*Settings) *string, words ...string) Setting {
	return Setting{Name: name, Group: group, Default: def, Doc: doc + ": " + strings.Join(words, ", "), set: func(s *Settings, v string) error {
		for _, w := range words {
			if strings.EqualFold(v, w) {
				*at(s) = w
				return nil
			}
		}
		return fmt.Errorf("must be one of %s", strings.Join(words, ", "))
	}}
}

func whole(name, group string, def int, doc string, low, high int, at func(*Settings) *int) Setting {
	return Setting{Name: name, Group: group, Default: strconv.Itoa(def), Doc: doc, set: func(s *Settings, v string) error {
		n, err := strconv.Atoi(strings.ReplaceAll(v, "_", ""))
		if err != nil || n < low || n > high {
			return fmt.Errorf("must be a whole number between %d and %d", low, high)
		}
		*at(s) = n
		return nil
	}}
}

func real(name, group string, def float64, doc string, at func(*Settings) *float64) Setting {
	return Setting{Name: name, Group: group, Default: strconv.FormatFloat(def, 'g', -1, 64), Doc: doc, set: func(s *Settings, v string) error {
		x, err := strconv.ParseFloat(v, 64)
		if err != nil || math.IsNaN(x) || math.IsInf(x, 0) {
			return fmt.Errorf("must be a number")
		}
		*at(s) = x
		return nil
	}}
}

func truth(name, group string, def bool, doc string, at func(*Settings) *bool) Setting {
	return Setting{Name: name, Group: group, Default: strconv.FormatBool(def), Doc: doc, set: func(s *Settings, v string) error {
		switch strings.ToLower(v) {
		case "true", "1", "yes", "on", "t", "y":
			*at(s) = true
		case "false", "0", "no", "off", "f", "n":
			*at(s) = false
		default:
			return fmt.Errorf("must be true or false")
		}
		return nil
	}}
}

// seconds is a duration, a number of seconds or written with its unit (6h).
func seconds(name, group string, def int, doc string, low, high int, at func(*Settings) *time.Duration) Setting {
	return Setting{Name: name, Group: group, Default: strconv.Itoa(def), Doc: doc + ", seconds", set: func(s *Settings, v string) error {
		x, err := strconv.ParseFloat(v, 64)
		d := time.Duration(x * float64(time.Second))
		if err != nil {
			d, err = time.ParseDuration(strings.ReplaceAll(v, " ", ""))
		}
		if err != nil || math.IsNaN(x) || d < time.Duration(low)*time.Second || d > time.Duration(high)*time.Second {
			return fmt.Errorf("must be a number of seconds between %d and %d", low, high)
		}
		*at(s) = d
		return nil
	}}
}

// size is a number of bytes, or one with KiB, MiB or GiB.
func size(name, group, def, doc string, low, high int64, at func(*Settings) *int64) Setting {
	return Setting{Name: name, Group: group, Default: def, Doc: doc + ", bytes or with KiB, MiB, GiB", set: func(s *Settings, v string) error {
		number, unit := v, int64(1)
		for suffix, n := range map[string]int64{"KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30} {
			if cut, ok := strings.CutSuffix(strings.ToUpper(v), suffix); ok {
				number, unit = strings.TrimSpace(cut), n
			}
		}
		n, err := strconv.ParseInt(number, 10, 64)
		if err != nil || n < 0 || n > high/unit || n*unit < low {
			return fmt.Errorf("must be a size between %d and %d bytes, such as 200 MiB", low, high)
		}
		*at(s) = n * unit
		return nil
	}}
}

func bcryptHash(at func(*Settings) *string) func(*Settings, string) error {
	return func(s *Settings, v string) error {
		if v != "" && (len(v) != 60 || !strings.HasPrefix(v, "$2")) {
			return fmt.Errorf("must be a bcrypt hash of 60 characters; in a .env file write it in single quotes; make one with: plastinka keys")
		}
		*at(s) = v
		return nil
	}
}

func setDataRoot(s *Settings, v string) error {
	if rest, ok := strings.CutPrefix(v, "~"); ok && (rest == "" || rest[0] == '/') {
		home, err := os.UserHomeDir()
		if err != nil {
			return fmt.Errorf("the home folder is not known; give an absolute path")
		}
		v = filepath.Join(home, rest)
	}
	if v == "" {
		return fmt.Errorf("must not be empty")
	}
	abs, err := filepath.Abs(v)
	s.DataRoot = abs
	return err
}

func setToday(s *Settings, v string) error {
	s.Today = nil
	if v == "" {
		return nil
	}
	d, err := calendar.ParseDay(v)
	s.Today = &d
	return err
}

func setZone(s *Settings, v string) error {
	z, err := time.LoadLocation(v)
	if err != nil || v == "" {
		return fmt.Errorf("is not a known time zone; write it like Europe/Moscow")
	}
	s.Zone = z
	return nil
}

func setBins(s *Settings, v string) error {
	s.PriceBins = nil
	if v == "" {
		return nil
	}
	_, err := catalog.ParseBins(v)
	s.PriceBins = &v
	return err
}

func setRefractoryMap(s *Settings, v string) error {
	s.RefractoryByType = map[string]time.Duration{}
	for pair := range strings.SplitSeq(v, ",") {
		if strings.TrimSpace(pair) == "" {
			continue
		}
		name, number, ok := strings.Cut(pair, "=")
		n, err := strconv.Atoi(strings.TrimSpace(number))
		if !ok || err != nil || n < 0 || n > 86400 {
			return fmt.Errorf("%q is not like training=600", strings.TrimSpace(pair))
		}
		s.RefractoryByType[strings.TrimSpace(name)] = time.Duration(n) * time.Second
	}
	return nil
}

func setOrigins(s *Settings, v string) error {
	s.AllowedOrigins = nil
	for o := range strings.SplitSeq(v, ",") {
		if o = strings.TrimSpace(o); o == "" {
			continue
		}
		u, err := url.Parse(o)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.Path != "" || u.User != nil {
			return fmt.Errorf("%q is not an origin such as https://shop.example", o)
		}
		s.AllowedOrigins = append(s.AllowedOrigins, o)
	}
	return nil
}

func setSchedule(s *Settings, v string) error {
	schedule, err := cron.ParseStandard(v)
	if err != nil {
		return fmt.Errorf("is not a cron expression such as 0 3 * * 0: %v", err)
	}
	s.Retention.Schedule = schedule.Next
	return nil
}

// Loopback reports whether the service would listen on this machine only.
func (s *Settings) Loopback() bool {
	if s.Host == "localhost" {
		return true
	}
	ip := net.ParseIP(strings.Trim(s.Host, "[]"))
	return ip != nil && ip.IsLoopback()
}
