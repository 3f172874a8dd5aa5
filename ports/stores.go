package ports

import (
	"context"
	"encoding/json"
	"iter"
	"time"

	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/catalog"
	"github.com/plastinka/predictor/domain/forecast"
	"github.com/plastinka/predictor/domain/job"
	"github.com/plastinka/predictor/domain/ledger"
	"github.com/plastinka/predictor/domain/panel"
	"github.com/plastinka/predictor/domain/training"
)

// Database is the whole storage. Its own stores work outside a transaction,
// each call for itself; those handed to Atomically change together or not at
// all.
type Database interface {
	Stores
	// Atomically runs f in one write transaction: f's error, a panic or a kill
	// leaves nothing of it. f must use only the stores it is given, and may be
	// called again if the database was busy.
	Atomically(ctx context.Context, f func(Stores) error) error
	// Backup writes a consistent copy to path, whole or not at all.
	Backup(ctx context.Context, path string) error
	Close() error
}

// Stores are the stores by subject.
type Stores interface {
	Catalog() Catalog
	Facts() Facts
	Jobs() Jobs
	Submissions() Submissions
	Configs() Configs
	Models() Models
	Forecasts() Forecasts
	Results() Results
	Settings() Settings
}

// Catalog keeps products and the raw records that led to them.
type Catalog interface {
	// Records yields all kept raw records with their products, in a fixed order.
	Records(ctx context.Context) iter.Seq2[catalog.Record, error]
	// AddProducts returns the products' ids in their order, making those that
	// are new.
	AddProducts(ctx context.Context, products []catalog.Product) ([]catalog.ID, error)
	// AddRecords keeps records; ones already kept stay as they are.
	AddRecords(ctx context.Context, records []catalog.Record) error
	// Products yields all products by ascending id.
	Products(ctx context.Context) iter.Seq2[catalog.Entry, error]
	// Search finds products in which every word of text occurs in some
	// attribute (case-insensitive), by ascending id, after the id after.
	Search(ctx context.Context, text string, after catalog.ID, limit int) (found []catalog.Entry, total int, err error)
	// Entries are the products of the given ids, by id; unknown ids are left out.
	Entries(ctx context.Context, ids []catalog.ID) ([]catalog.Entry, error)
}

// MonthContent is all that is stored of one month.
type MonthContent struct {
	Month     ledger.StoredMonth
	Sales     []ledger.Fact
	Movements []ledger.Fact
	Openings  []ledger.Holding // at the start of the month's first day
	Features  []panel.Feature
}

// Facts keeps daily facts, openings, snapshots and monthly features.
type Facts interface {
	// Months are the stored months, ascending.
	Months(ctx context.Context) ([]ledger.StoredMonth, error)
	// PutMonth replaces exactly this month.
	PutMonth(ctx context.Context, m MonthContent) error
	// RemoveMonth removes the month's daily facts, openings and digest, and its
	// features too if features is set.
	RemoveMonth(ctx context.Context, m calendar.Month, features bool) error
	// PutSnapshot replaces the snapshot of the day s.
	PutSnapshot(ctx context.Context, s calendar.Day, runID string, held []ledger.Holding) error
	// Snapshots are the days that have a snapshot, ascending.
	Snapshots(ctx context.Context) ([]calendar.Day, error)
	Snapshot(ctx context.Context, s calendar.Day) ([]ledger.Holding, error)

	// The series, each ordered by day or month, then product; from ≤ month ≤ to.
	Sales(ctx context.Context, from, to calendar.Month) iter.Seq2[ledger.Fact, error]
	Movements(ctx context.Context, from, to calendar.Month) iter.Seq2[ledger.Fact, error]
	// Openings are at the start of the month m.
	Openings(ctx context.Context, m calendar.Month) ([]ledger.Holding, error)
	Features(ctx context.Context, from, to calendar.Month) iter.Seq2[panel.Feature, error]
	// FeaturesOf are those of a page of products (some hundreds of ids), by
	// product, then month.
	FeaturesOf(ctx context.Context, ids []catalog.ID, from, to calendar.Month) ([]panel.Feature, error)
}

// Jobs keeps jobs, their history and their leases.
type Jobs interface {
	// Create stores a new pending job; an id that exists is a Conflict.
	Create(ctx context.Context, j job.Job) error
	Job(ctx context.Context, id string) (job.Job, error) // NotFound: job_not_found
	// Jobs are the selected ones, newest first, without results, and how many
	// match in all.
	Jobs(ctx context.Context, q job.Query) (jobs []job.Job, matching int, err error)
	// Claim leases the oldest job of the given types (all if empty) that is
	// pending or running with a lapsed lease, to owner until now+lease, as
	// running, its attempt raised by one. ids, if not empty, restricts it to
	// these jobs. ok is false if there is none.
	Claim(ctx context.Context, owner string, types []job.Type, ids []string, now time.Time, lease time.Duration) (j job.Job, ok bool, err error)
	// Heartbeat extends the lease of the job's attempt and says whether a cancel
	// was asked for; a newer attempt or an ended job is a Conflict: lease_lost.
	Heartbeat(ctx context.Context, id string, attempt int, until time.Time) (cancelRequested bool, err error)
	// Change makes one step and adds it to the history, if the job's attempt is
	// still c.Attempt and the state machine allows it; else Conflict: lease_lost.
	Change(ctx context.Context, c job.Change) error
	// RequestCancel marks the job; a pending one is cancelled at once. An ended
	// one is a Conflict: job_not_cancellable.
	RequestCancel(ctx context.Context, id string, now time.Time) (job.Job, error)
	// History is what happened after the given sequence, oldest first.
	History(ctx context.Context, id string, after int64) ([]job.Event, error)
	// Remove deletes a job that has ended, with its history.
	Remove(ctx context.Context, id string) error
}

// Submissions remember accepted submissions, for the refractory period and for
// idempotency keys.
type Submissions interface {
	// Lock takes the lock key until the given time. If it is taken, free says
	// when it will be free, and ok is false.
	Lock(ctx context.Context, key string, now, until time.Time) (ok bool, free time.Time, err error)
	// Answer returns the first answer kept under an idempotency key.
	Answer(ctx context.Context, key string) (request string, answer json.RawMessage, ok bool, err error)
	// KeepAnswer keeps the answer to a request (its digest) under a key.
	KeepAnswer(ctx context.Context, key, request string, answer json.RawMessage, at time.Time) error
}

// StoredConfig is a training configuration as kept; its id is the hash of its
// canonical JSON.
type StoredConfig struct {
	ID        string          `json:"config_id"`
	Config    json.RawMessage `json:"config"`
	Active    bool            `json:"is_active"`
	CreatedAt time.Time       `json:"created_at"`
	Source    string          `json:"source,omitempty"`
}

// Configs keeps training configurations. At most one is active.
type Configs interface {
	Put(ctx context.Context, c StoredConfig) error // one that is known stays as it is, but for Active
	Config(ctx context.Context, id string) (StoredConfig, error)
	Configs(ctx context.Context, limit int) ([]StoredConfig, error) // newest first
	Active(ctx context.Context) (StoredConfig, error)               // NotFound: no_active_config
	SetActive(ctx context.Context, id string, at time.Time) error
	Activations(ctx context.Context, limit int) ([]Activation, error) // newest first
	Remove(ctx context.Context, id string) error                      // Conflict if active or in use
}

// Activation is a change of what is active; what it names may be gone by now.
type Activation struct {
	ID string    `json:"id"`
	At time.Time `json:"activated_at"`
}

// StoredModel is a model as kept.
type StoredModel struct {
	ID        string          `json:"model_id"`
	Path      string          `json:"model_path"` // relative to the data root; "" without a file
	JobID     string          `json:"job_id"`
	Active    bool            `json:"is_active"`
	Metadata  json.RawMessage `json:"metadata"`
	CreatedAt time.Time       `json:"created_at"`
}

// Models keeps models. At most one is active.
type Models interface {
	Add(ctx context.Context, m StoredModel) error // a known id is a Conflict: model_exists
	Model(ctx context.Context, id string) (StoredModel, error)
	Models(ctx context.Context, limit int) ([]StoredModel, error) // newest first
	Active(ctx context.Context) (StoredModel, error)              // NotFound: no_active_model
	SetActive(ctx context.Context, id string, at time.Time) error
	Activations(ctx context.Context, limit int) ([]Activation, error) // newest first
	SetPath(ctx context.Context, id, path string) error               // "" when the file is gone
	Remove(ctx context.Context, id string) error
}

// Forecasts keeps forecasts, by month, product and model.
type Forecasts interface {
	Put(ctx context.Context, f []forecast.Forecast) error
	// Months are those with forecasts, ascending.
	Months(ctx context.Context) ([]calendar.Month, error)
	// Forecasts are ordered by month, product and model. modelID "" is all.
	Forecasts(ctx context.Context, from, to calendar.Month, modelID string) iter.Seq2[forecast.Forecast, error]
	RemoveBefore(ctx context.Context, m calendar.Month) (removed int, err error)
	// Extent is how much there is in a range.
	Extent(ctx context.Context, r ForecastRange) (ForecastExtent, error)
	// ProductsIn are the first limit products after the id after with forecasts
	// in a range, ascending.
	ProductsIn(ctx context.Context, r ForecastRange, after catalog.ID, limit int) ([]catalog.ID, error)
	// ForecastsOf are those of a page of products (some hundreds of ids), by
	// product, month and model, without their distributions.
	ForecastsOf(ctx context.Context, ids []catalog.ID, from, to calendar.Month) ([]forecast.Forecast, error)
}

// ForecastRange selects forecasts: From ≤ month ≤ To, of one product or, if
// Product is 0, of all.
type ForecastRange struct {
	From, To calendar.Month
	Product  catalog.ID
}

// ForecastExtent is how many products a range has forecasts of, and its first
// and last month with any.
type ForecastExtent struct {
	Products    int
	First, Last calendar.Month
}

// StoredResult is what a job of a kind left as its result.
type StoredResult struct {
	ID        string             `json:"result_id"`
	Kind      job.Type           `json:"-"` // training, tuning, backtest, prediction, data_upload, report
	JobID     string             `json:"job_id"`
	ModelID   string             `json:"model_id,omitempty"`
	ConfigID  string             `json:"config_id,omitempty"`
	Metrics   map[string]float64 `json:"metrics"`
	Body      json.RawMessage    `json:"body,omitempty"` // the kind's own
	Duration  float64            `json:"duration"`       // seconds
	CreatedAt time.Time          `json:"created_at"`
}

// StoredTrial is a judged trial of a tuning job.
type StoredTrial struct {
	JobID string              `json:"job_id"`
	Rung  int                 `json:"rung"`
	Trial training.Trial      `json:"trial"`
	Score training.TrialScore `json:"score"`
}

// Results keeps the results of jobs.
type Results interface {
	Add(ctx context.Context, r StoredResult) error
	Result(ctx context.Context, kind job.Type, id string) (StoredResult, error)
	Results(ctx context.Context, kind job.Type, limit int) ([]StoredResult, error) // newest first
	AddTrial(ctx context.Context, t StoredTrial) error
	Trials(ctx context.Context, jobID string) ([]StoredTrial, error)
	// CountRetry adds to the statistics of retried operations.
	CountRetry(ctx context.Context, r RetryEvent) error
	Retries(ctx context.Context) ([]RetryEvent, error)
	ResetRetries(ctx context.Context) error
}

// RetryEvent is one operation that had to be tried again.
type RetryEvent struct {
	Operation string    `json:"operation"`
	Error     string    `json:"error"` // its kind or code, never its text
	Attempts  int       `json:"attempts"`
	Succeeded bool      `json:"succeeded"`
	At        time.Time `json:"at"`
}

// Settings keeps what a database was made with.
type Settings interface {
	Setting(ctx context.Context, name string) (value string, ok bool, err error)
	SetSetting(ctx context.Context, name, value string) error
}
