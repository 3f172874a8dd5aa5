package httpapi_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plastinka/predictor/adapters/httpapi"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/job"
	"github.com/plastinka/predictor/ports"
)

// failing is a database whose jobs fail or panic.
type failing struct {
	ports.Database
	err   error
	panic bool
}

func (f *failing) Jobs() ports.Jobs { return failingJobs{f.Database.Jobs(), f} }

type jobs = ports.Jobs // ports.Jobs has a method Jobs

type failingJobs struct {
	jobs
	f *failing
}

func (j failingJobs) Job(ctx context.Context, id string) (job.Job, error) {
	if j.f.panic {
		panic("secret of a panic")
	}
	if j.f.err != nil {
		return job.Job{}, j.f.err
	}
	return j.jobs.Job(ctx, id)
}

// TestFaultsBecomeStatuses: the one mapping from kinds to statuses, and nothing
// internal in a 5xx.
func TestFaultsBecomeStatuses(t *testing.T) {
	broken := &failing{}
	h := newHouse(t, change{db: func(db ports.Database) ports.Database { broken.Database = db; return broken }})
	for _, c := range []struct {
		err    error
		status int
		code   string
		secret bool // its message is not told
	}{
		{errors.New("secret of a driver"), 500, "internal_error", true},
		{fault.New(fault.Internal, "database_corrupt", "secret path"), 500, "internal_error", true},
		{fault.New(fault.Unavailable, "database_busy", "secret path").With("path", "secret"), 503, "database_busy", true},
		{fault.Wrap("x", context.DeadlineExceeded), 503, "cancelled", true},
		{fault.New(fault.NotFound, "job_not_found", "no such job"), 404, "job_not_found", false},
		{fault.New(fault.Conflict, "missing_months", "months").With("months", []string{"2024-02-01"}), 409, "missing_months", false},
		{fault.New(fault.Invalid, "invalid_date_range", "range"), 400, "invalid_date_range", false},
		{fault.New(fault.Invalid, "validation_error", "value"), 422, "validation_error", false},
		{fault.New(fault.TooLarge, "too_large", "large"), 413, "too_large", false},
		{fault.New(fault.TooMany, "job_refractory_active", "wait").With("retry_after_seconds", 7), 429, "job_refractory_active", false},
	} {
		broken.err = c.err
		a := h.ask(t, "GET", "/api/v1/jobs/x", nil)
		p := a.fails(t, c.status, c.code)
		require.NotContains(t, a.body, "secret", c.code)
		if c.secret {
			require.Contains(t, h.log.String(), p.Error.RequestID, "the log has it")
			require.Equal(t, c.status == 503, p.Error.Details["original_detail"] != nil)
			continue
		}
		original := p.Error.Details["original_detail"].(map[string]any)
		require.Equal(t, c.code, original["code"])
		require.Equal(t, float64(c.status), original["status_code"])
		require.Equal(t, p.Error.Message, original["message"])
		require.IsType(t, map[string]any{}, original["details"])
		if c.status == 429 {
			require.Equal(t, "7", a.Header.Get("Retry-After"))
			require.Equal(t, 7.0, original["retry_after_seconds"])
		}
		if c.code == "missing_months" {
			require.Equal(t, []any{"2024-02-01"}, p.Error.Details["months"])
			require.Equal(t, p.Error.Details["months"], original["details"].(map[string]any)["months"])
		}
	}
	require.Contains(t, h.log.String(), "secret of a driver")

	broken.panic = true
	a := h.ask(t, "GET", "/api/v1/jobs/x", nil)
	p := a.fails(t, http.StatusInternalServerError, "internal_error")
	require.NotContains(t, a.body, "secret")
	require.Contains(t, h.log.String(), "secret of a panic")
	require.Contains(t, h.log.String(), "errors_test.go", "with its stack")
	require.Contains(t, h.log.String(), p.Error.RequestID)
	require.Equal(t, 200, h.ask(t, "GET", "/health/live", nil).StatusCode, "the service goes on")
}

// TestErrorCodes: every status and code of §3.2 by a request that causes it.
func TestErrorCodes(t *testing.T) {
	h := newHouse(t, change{})
	object := func(pairs ...any) map[string]any {
		m := map[string]any{}
		for i := 0; i < len(pairs); i += 2 {
			m[pairs[i].(string)] = pairs[i+1]
		}
		return m
	}
	before := []struct {
		method, path string
		body         any
		status       int
		code         string
	}{
		{"GET", "/api/v1/jobs/unknown", nil, 404, "job_not_found"},
		{"GET", "/api/v1/jobs/unknown/logs", nil, 404, "job_not_found"},
		{"GET", "/api/v1/jobs/unknown/events", nil, 404, "job_not_found"},
		{"POST", "/api/v1/jobs/unknown/cancel", nil, 404, "job_not_found"},
		{"GET", "/api/v1/models-configs/configs/active", nil, 404, "no_active_config"},
		{"GET", "/api/v1/models-configs/configs/best", nil, 404, "no_configs_found"},
		{"POST", "/api/v1/models-configs/configs/unknown/set-active", nil, 404, "config_not_found"},
		{"POST", "/api/v1/models-configs/configs/delete", object("ids", []string{}), 400, "no_ids_provided"},
		{"GET", "/api/v1/models-configs/models/active", nil, 404, "no_active_model"},
		{"GET", "/api/v1/models-configs/models/best", nil, 404, "no_models_found"},
		{"GET", "/api/v1/models-configs/models/best?metric_name=no_such", nil, 404, "no_models_found"},
		{"POST", "/api/v1/models-configs/models/unknown/set-active", nil, 404, "model_not_found"},
		{"GET", "/api/v1/models-configs/models/unknown/file", nil, 404, "model_not_found"},
		{"POST", "/api/v1/models-configs/models/delete", object("ids", []string{}), 400, "no_ids_provided"},
		{"GET", "/api/v1/results/training/unknown", nil, 404, "not_found"},
		{"GET", "/api/v1/results/tuning/unknown", nil, 404, "not_found"},
		{"GET", "/api/v1/results/backtest/unknown", nil, 404, "not_found"},
		{"GET", "/api/v1/results/tuning?metric_name=no_such", nil, 422, "validation_error"},
		{"GET", "/api/v1/predictions/history", nil, 404, "no_predictions_found"},
		{"GET", "/api/v1/predictions/history?multiindex_id=7", nil, 404, "no_predictions_found"},
		{"GET", "/api/v1/predictions/history?prediction_month_from=2024-02-02", nil, 400, "invalid_date_range"},
		{"GET", "/api/v1/predictions/history?prediction_month_from=2024-03-01&prediction_month_to=2024-02-01", nil, 400, "invalid_date_range"},
		{"GET", "/api/v1/predictions/history?prediction_month_to=soon", nil, 422, "validation_error"},
		{"POST", "/api/v1/jobs/reports", object("report_type", "prediction_report"), 404, "no_predictions_found"},
		{"POST", "/api/v1/jobs/reports", object("report_type", "another"), 422, "validation_error"},
		{"POST", "/api/v1/jobs/reports", object("report_type", "prediction_report", "filters", object("color", "red")), 422, "validation_error"},
		{"POST", "/api/v1/jobs/training", object("dataset_start_date", "1949-12-31"), 400, "invalid_date_range"},
		{"POST", "/api/v1/jobs/training", object("dataset_end_date", "2024-06-16"), 400, "invalid_date_range"},
		{"POST", "/api/v1/jobs/training", object("dataset_start_date", "2024-03-01", "dataset_end_date", "2024-02-01"), 400, "invalid_date_range"},
		{"POST", "/api/v1/jobs/training", object("dataset_start_date", "2019-01-01", "dataset_end_date", "2024-01-01"), 400, "invalid_date_range"},
		{"POST", "/api/v1/jobs/training", object("dataset_start_date", "tomorrow"), 422, "validation_error"},
		{"POST", "/api/v1/jobs/training", nil, 409, "no_data"},
		{"POST", "/api/v1/jobs/backtest", object("config_id", "unknown"), 404, "config_not_found"},
		{"POST", "/api/v1/jobs/backtest", object("months", 0), 422, "validation_error"},
		{"GET", "/api/v1/jobs?limit=0", nil, 422, "validation_error"},
		{"GET", "/api/v1/jobs?limit=1001", nil, 422, "validation_error"},
		{"GET", "/api/v1/jobs?limit=many", nil, 422, "validation_error"},
		{"GET", "/api/v1/jobs?status=sleeping", nil, 422, "validation_error"},
		{"GET", "/api/v1/jobs?cursor=nonsense", nil, 422, "validation_error"},
		{"GET", "/nothing", nil, 404, "not_found"},
		{"GET", "/api/v1/models-configs/configs/unknown", nil, 404, "not_found"},
		{"GET", "/api//v1/jobs", nil, 404, "not_found"},
		{"PUT", "/api/v1/jobs", nil, 405, "method_not_allowed"},
		{"GET", "/api/v1/jobs/training", nil, 405, "method_not_allowed"},
		{"POST", "/admin/data-retention/clean-models?models_to_keep=0", nil, 422, "validation_error"},
		{"POST", "/admin/data-retention/clean-models?models_to_keep=1001", nil, 422, "validation_error"},
		{"POST", "/admin/data-retention/clean-predictions?days_to_keep=-1", nil, 422, "validation_error"},
		{"POST", "/admin/data-retention/clean-historical?sales_days_to_keep=36501", nil, 422, "validation_error"},
	}
	for _, c := range before {
		h.ask(t, c.method, c.path, c.body).fails(t, c.status, c.code)
	}
	a := h.ask(t, "PUT", "/api/v1/jobs/x/cancel", nil)
	a.fails(t, 405, "method_not_allowed")
	require.Equal(t, "POST", a.Header.Get("Allow"))

	// What contradicts what is stored.
	h.fill(t)
	id := h.submit(t, "/api/v1/jobs/training", nil)
	h.end(t, id)
	h.ask(t, "POST", "/api/v1/jobs/"+id+"/cancel", nil).fails(t, 409, "job_not_cancellable")
	require.NoError(t, h.app.DB.Facts().RemoveMonth(t.Context(), 2024*12+1, true)) // February
	p := h.ask(t, "POST", "/api/v1/jobs/training", nil).fails(t, 409, "missing_months")
	require.Equal(t, []any{"2024-02-01"}, p.Error.Details["months"])

	a = h.ask(t, "GET", "/health", nil)
	v := map[string]any{}
	a.json(t, http.StatusServiceUnavailable, &v)
	require.Equal(t, "application/json", a.Header.Get("Content-Type"))
	require.Equal(t, "unhealthy", v["status"])
	require.NotEmpty(t, v["error"].(map[string]any)["message"])
	database := v["components"].(map[string]any)["database"].(map[string]any)
	require.Equal(t, "unhealthy", database["status"])
	require.Equal(t, []any{"2024-02-01"}, database["details"].(map[string]any)["missing_months"])
	stranger := h.ask(t, "GET", "/health", nil, anonymous...)
	stranger.json(t, http.StatusServiceUnavailable, &v)
	for name, c := range v["components"].(map[string]any) {
		require.Empty(t, c.(map[string]any)["details"], name)
		require.NotEmpty(t, c.(map[string]any)["status"], name)
	}
}

func TestRefractoryPeriod(t *testing.T) {
	h := newHouse(t, change{options: func(o *httpapi.Options) { o.Refractory = func(job.Type) time.Duration { return 5 * time.Minute } }})
	h.fill(t)
	h.ask(t, "POST", "/api/v1/jobs/training", map[string]string{"dataset_end_date": "2030-01-01"}).fails(t, 400, "invalid_date_range")
	h.train(t) // what was refused took no lock
	a := h.ask(t, "POST", "/api/v1/jobs/training", nil)
	p := a.fails(t, http.StatusTooManyRequests, "job_refractory_active")
	require.Equal(t, "300", a.Header.Get("Retry-After"))
	require.Equal(t, 300.0, p.Error.Details["retry_after_seconds"])
	h.ask(t, "POST", "/api/v1/jobs/data-upload", shopForm(t)).fails(t, http.StatusTooManyRequests, "job_refractory_active")
	h.submit(t, "/api/v1/jobs/training", map[string]string{"dataset_start_date": "2024-01-01"}) // another request
	h.submit(t, "/api/v1/jobs/backtest", map[string]int{"months": 2})                           // another type
	h.clock.advance(5 * time.Minute)
	h.submit(t, "/api/v1/jobs/training", nil)
}

func TestRequestIDs(t *testing.T) {
	h := newHouse(t, change{})
	for given, kept := range map[string]bool{"abc-1._Z": true, strings.Repeat("x", 128): true, strings.Repeat("x", 129): false,
		"with blank": false, "with/slash": false, "кино": false, "": false} {
		a := h.ask(t, "GET", "/api/v1/jobs/none", nil, with{"X-Request-ID", given})
		p := a.fails(t, 404, "job_not_found")
		id := a.Header.Get("X-Request-Id")
		require.Regexp(t, `^[A-Za-z0-9._-]{1,128}$`, id)
		require.Equal(t, kept, id == given, given)
		require.Equal(t, id, p.Error.RequestID)
		require.Contains(t, h.log.String(), id)
	}
}

// TestHeadersOfEveryAnswer: also of errors, of what is not there, and of pages.
func TestHeadersOfEveryAnswer(t *testing.T) {
	h := newHouse(t, change{options: withoutDocsSecurity})
	for _, path := range []string{"/", "/health", "/nothing", "/api/v1/jobs", "/openapi.json", "/openapi.yaml", "/openapi-3.0.json", "/docs", "/metrics", "/api/v1/jobs/x"} {
		a := h.ask(t, "GET", path, nil)
		require.Equal(t, "nosniff", a.Header.Get("X-Content-Type-Options"), path)
		require.Equal(t, "no-store", a.Header.Get("Cache-Control"), path)
		require.NotEmpty(t, a.Header.Get("X-Request-Id"), path)
		if strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") {
			require.NotEmpty(t, a.Header.Get("Content-Security-Policy"), path)
		}
		require.Empty(t, a.Header.Get("Server"), path)
		require.Empty(t, a.Header.Get("Access-Control-Allow-Origin"), path)
	}
}

func TestStoppingServiceIsNotReady(t *testing.T) {
	h := newHouse(t, change{})
	require.Equal(t, 200, h.ask(t, "GET", "/health/ready", nil, anonymous...).StatusCode)
	close(h.stopping)
	h.ask(t, "GET", "/health/ready", nil, anonymous...).fails(t, http.StatusServiceUnavailable, "shutting_down")
	require.Equal(t, 200, h.ask(t, "GET", "/health/live", nil, anonymous...).StatusCode)
}
