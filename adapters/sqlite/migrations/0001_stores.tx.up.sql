-- The tables of §4.2. Days are TEXT YYYY-MM-DD, months their first day,
-- instants TEXT UTC RFC 3339 with nanoseconds, so that text order is time
-- order. Text is never NULL; '' is text that is not there.

CREATE TABLE dim_multiindex_mapping (
    multiindex_id    INTEGER PRIMARY KEY AUTOINCREMENT,
    barcode          TEXT NOT NULL,
    artist           TEXT NOT NULL,
    album            TEXT NOT NULL,
    cover_type       TEXT NOT NULL,
    price_category   TEXT NOT NULL,
    release_type     TEXT NOT NULL,
    recording_decade TEXT NOT NULL,
    release_decade   TEXT NOT NULL,
    style            TEXT NOT NULL,
    recording_year   INTEGER NOT NULL,
    search_text      TEXT NOT NULL, -- the attributes in lower case, one a line: SQLite folds ASCII only
    UNIQUE (barcode, artist, album, cover_type, price_category, release_type,
            recording_decade, release_decade, style, recording_year)
);

CREATE TABLE raw_records (
    barcode        TEXT NOT NULL,
    artist         TEXT NOT NULL,
    album          TEXT NOT NULL,
    cover          TEXT NOT NULL,
    price_category TEXT NOT NULL,
    release_type   TEXT NOT NULL,
    recording_year TEXT NOT NULL,
    release_year   TEXT NOT NULL,
    style          TEXT NOT NULL,
    multiindex_id  INTEGER NOT NULL REFERENCES dim_multiindex_mapping,
    PRIMARY KEY (barcode, artist, album, cover, price_category, release_type,
                 recording_year, release_year, style)
) WITHOUT ROWID;

CREATE TABLE processing_runs (
    run_id     TEXT PRIMARY KEY,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
) WITHOUT ROWID;

CREATE TABLE upload_months (
    month          TEXT PRIMARY KEY,
    content_digest TEXT NOT NULL,
    run_id         TEXT NOT NULL REFERENCES processing_runs,
    days_observed  INTEGER NOT NULL,
    rows           INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE fact_sales (
    multiindex_id INTEGER NOT NULL REFERENCES dim_multiindex_mapping,
    data_date     TEXT NOT NULL,
    value         INTEGER NOT NULL CHECK (value > 0),
    PRIMARY KEY (multiindex_id, data_date)
) WITHOUT ROWID;

-- The value makes the index cover the reading of whole months.
CREATE INDEX fact_sales_by_date ON fact_sales (data_date, multiindex_id, value);

CREATE TABLE fact_stock_movement (
    multiindex_id INTEGER NOT NULL REFERENCES dim_multiindex_mapping,
    data_date     TEXT NOT NULL,
    value         INTEGER NOT NULL CHECK (value <> 0),
    PRIMARY KEY (multiindex_id, data_date)
) WITHOUT ROWID;

CREATE INDEX fact_stock_movement_by_date ON fact_stock_movement (data_date, multiindex_id, value);

CREATE TABLE stock_openings (
    month         TEXT NOT NULL,
    multiindex_id INTEGER NOT NULL REFERENCES dim_multiindex_mapping,
    value         INTEGER NOT NULL CHECK (value > 0),
    PRIMARY KEY (month, multiindex_id)
) WITHOUT ROWID;

CREATE TABLE stock_snapshots (
    snapshot_date TEXT NOT NULL,
    multiindex_id INTEGER NOT NULL REFERENCES dim_multiindex_mapping,
    value         INTEGER NOT NULL CHECK (value > 0),
    run_id        TEXT NOT NULL REFERENCES processing_runs,
    PRIMARY KEY (snapshot_date, multiindex_id)
) WITHOUT ROWID;

CREATE TABLE report_features (
    data_date               TEXT NOT NULL,
    multiindex_id           INTEGER NOT NULL REFERENCES dim_multiindex_mapping,
    sales                   INTEGER NOT NULL,
    availability            REAL NOT NULL,
    confidence              REAL NOT NULL,
    masked_mean_sales_items REAL NOT NULL,
    masked_mean_sales_rub   REAL NOT NULL,
    lost_sales              REAL NOT NULL,
    lost_sales_items        REAL NOT NULL,
    price                   REAL NOT NULL,
    extrapolated_sales      INTEGER NOT NULL,
    days_observed           INTEGER NOT NULL,
    created_at              TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    PRIMARY KEY (data_date, multiindex_id)
) WITHOUT ROWID;

CREATE TABLE jobs (
    sequence         INTEGER PRIMARY KEY AUTOINCREMENT,
    job_id           TEXT NOT NULL UNIQUE,
    job_type         TEXT NOT NULL,
    status           TEXT NOT NULL,
    created_at       TEXT NOT NULL,
    updated_at       TEXT NOT NULL,
    progress         REAL NOT NULL,
    status_message   TEXT NOT NULL,
    result           TEXT NOT NULL,
    error            TEXT NOT NULL,
    input            TEXT NOT NULL,
    state            TEXT NOT NULL,
    owner            TEXT NOT NULL,
    lease_until      TEXT NOT NULL,
    attempt          INTEGER NOT NULL,
    cancel_requested INTEGER NOT NULL
);

CREATE INDEX jobs_by_age ON jobs (created_at, sequence);
CREATE INDEX jobs_unfinished ON jobs (status, created_at, sequence) WHERE status IN ('pending', 'running');

CREATE TABLE job_status_history (
    sequence       INTEGER PRIMARY KEY AUTOINCREMENT,
    job_id         TEXT NOT NULL REFERENCES jobs (job_id) ON DELETE CASCADE,
    status         TEXT NOT NULL,
    progress       REAL NOT NULL,
    status_message TEXT NOT NULL,
    timestamp      TEXT NOT NULL
);

CREATE INDEX job_status_history_by_job ON job_status_history (job_id, sequence);

CREATE TABLE job_submission_locks (
    lock_key     TEXT PRIMARY KEY,
    locked_until TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE idempotency_keys (
    idempotency_key TEXT PRIMARY KEY,
    request         TEXT NOT NULL,
    answer          TEXT NOT NULL,
    created_at      TEXT NOT NULL
);

CREATE TABLE configs (
    sequence   INTEGER PRIMARY KEY AUTOINCREMENT,
    config_id  TEXT NOT NULL UNIQUE,
    config     TEXT NOT NULL,
    is_active  INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    source     TEXT NOT NULL
);

CREATE UNIQUE INDEX configs_active ON configs (is_active) WHERE is_active = 1;

CREATE TABLE models (
    sequence   INTEGER PRIMARY KEY AUTOINCREMENT,
    model_id   TEXT NOT NULL UNIQUE,
    model_path TEXT NOT NULL,
    job_id     TEXT NOT NULL,
    is_active  INTEGER NOT NULL,
    metadata   TEXT NOT NULL,
    created_at TEXT NOT NULL
);

CREATE UNIQUE INDEX models_active ON models (is_active) WHERE is_active = 1;

CREATE TABLE activation_history (
    sequence     INTEGER PRIMARY KEY AUTOINCREMENT,
    kind         TEXT NOT NULL, -- config or model
    id           TEXT NOT NULL,
    activated_at TEXT NOT NULL
);

CREATE TABLE fact_predictions (
    multiindex_id    INTEGER NOT NULL REFERENCES dim_multiindex_mapping,
    prediction_month TEXT NOT NULL,
    model_id         TEXT NOT NULL,
    quantile_05      REAL NOT NULL,
    quantile_25      REAL NOT NULL,
    quantile_50      REAL NOT NULL,
    quantile_75      REAL NOT NULL,
    quantile_95      REAL NOT NULL,
    method           TEXT NOT NULL,
    mean             REAL NOT NULL,
    size             REAL NOT NULL,
    distribution     TEXT NOT NULL, -- JSON: probs, or levels and values; six digits
    PRIMARY KEY (multiindex_id, prediction_month, model_id)
) WITHOUT ROWID;

CREATE INDEX fact_predictions_by_month ON fact_predictions (prediction_month, multiindex_id, model_id);

CREATE TABLE data_upload_results (
    sequence   INTEGER PRIMARY KEY AUTOINCREMENT,
    result_id  TEXT NOT NULL UNIQUE,
    job_id     TEXT NOT NULL,
    model_id   TEXT NOT NULL,
    config_id  TEXT NOT NULL,
    metrics    TEXT NOT NULL,
    body       TEXT NOT NULL,
    duration   REAL NOT NULL,
    created_at TEXT NOT NULL
);

CREATE TABLE training_results (
    sequence   INTEGER PRIMARY KEY AUTOINCREMENT,
    result_id  TEXT NOT NULL UNIQUE,
    job_id     TEXT NOT NULL,
    model_id   TEXT NOT NULL,
    config_id  TEXT NOT NULL,
    metrics    TEXT NOT NULL,
    body       TEXT NOT NULL,
    duration   REAL NOT NULL,
    created_at TEXT NOT NULL
);

CREATE TABLE tuning_results (
    sequence   INTEGER PRIMARY KEY AUTOINCREMENT,
    result_id  TEXT NOT NULL UNIQUE,
    job_id     TEXT NOT NULL,
    model_id   TEXT NOT NULL,
    config_id  TEXT NOT NULL,
    metrics    TEXT NOT NULL,
    body       TEXT NOT NULL,
    duration   REAL NOT NULL,
    created_at TEXT NOT NULL
);

CREATE TABLE backtest_results (
    sequence   INTEGER PRIMARY KEY AUTOINCREMENT,
    result_id  TEXT NOT NULL UNIQUE,
    job_id     TEXT NOT NULL,
    model_id   TEXT NOT NULL,
    config_id  TEXT NOT NULL,
    metrics    TEXT NOT NULL,
    body       TEXT NOT NULL,
    duration   REAL NOT NULL,
    created_at TEXT NOT NULL
);

CREATE TABLE prediction_results (
    sequence   INTEGER PRIMARY KEY AUTOINCREMENT,
    result_id  TEXT NOT NULL UNIQUE,
    job_id     TEXT NOT NULL,
    model_id   TEXT NOT NULL,
    config_id  TEXT NOT NULL,
    metrics    TEXT NOT NULL,
    body       TEXT NOT NULL,
    duration   REAL NOT NULL,
    created_at TEXT NOT NULL
);

CREATE TABLE report_results (
    sequence   INTEGER PRIMARY KEY AUTOINCREMENT,
    result_id  TEXT NOT NULL UNIQUE,
    job_id     TEXT NOT NULL,
    model_id   TEXT NOT NULL,
    config_id  TEXT NOT NULL,
    metrics    TEXT NOT NULL,
    body       TEXT NOT NULL,
    duration   REAL NOT NULL,
    created_at TEXT NOT NULL
);

CREATE TABLE tuning_trials (
    job_id           TEXT NOT NULL,
    rung             INTEGER NOT NULL,
    trial_id         INTEGER NOT NULL,
    epochs           INTEGER NOT NULL,
    config           TEXT NOT NULL,
    pinball          REAL, -- NULL: no number
    relative_pinball REAL,
    metrics          TEXT NOT NULL,
    seconds          REAL NOT NULL,
    error            TEXT NOT NULL,
    PRIMARY KEY (job_id, rung, trial_id)
) WITHOUT ROWID;

CREATE TABLE retry_events (
    sequence  INTEGER PRIMARY KEY AUTOINCREMENT,
    operation TEXT NOT NULL,
    error     TEXT NOT NULL,
    attempts  INTEGER NOT NULL,
    succeeded INTEGER NOT NULL,
    at        TEXT NOT NULL
);

CREATE TABLE settings (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;
