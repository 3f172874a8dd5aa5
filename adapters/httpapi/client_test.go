package httpapi_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"

	"github.com/plastinka/predictor/app"
	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/job"
	"github.com/plastinka/predictor/ports"
)

// members checks that an object has exactly these members.
func members(t testing.TB, v any, names ...string) map[string]any {
	t.Helper()
	m, ok := v.(map[string]any)
	require.True(t, ok, "%T is no object", v)
	have := make([]string, 0, len(m))
	for name := range m {
		have = append(have, name)
	}
	require.ElementsMatch(t, names, have)
	return m
}

// TestRootAndHealth: what needs no key.
func TestRootAndHealth(t *testing.T) {
	h := newHouse(t, change{})
	v := h.ask(t, "GET", "/", nil, anonymous...).value(t)
	require.Equal(t, "/docs", v["docs"])
	require.Equal(t, "1.2.3", v["version"])
	require.NotEmpty(t, v["message"])
	v = h.ask(t, "GET", "/health", nil).value(t)
	members(t, v, "status", "version", "timestamp", "uptime_seconds", "components")
	require.Equal(t, "degraded", v["status"], "no model is active")
	c := members(t, v["components"], "api", "database", "config", "compute", "active_model_metric")
	require.NotEmpty(t, c["compute"].(map[string]any)["details"])
	v = h.ask(t, "GET", "/health", nil, with{"X-API-Key", "wrong"}).value(t)
	require.Empty(t, v["components"].(map[string]any)["compute"].(map[string]any)["details"])
	v = h.ask(t, "GET", "/health/system", nil).value(t)
	members(t, v, "cpu_percent", "memory_percent", "disk_usage_percent", "process_memory_mb", "open_files", "active_threads", "timestamp")
	require.Greater(t, v["process_memory_mb"], 1.0)
	require.Greater(t, v["active_threads"], 0.0)
	_, err := time.Parse(time.RFC3339, v["timestamp"].(string))
	require.NoError(t, err)
}

func TestRetryStatistics(t *testing.T) {
	h := newHouse(t, change{})
	for i, e := range []ports.RetryEvent{{Operation: "submit", Error: "unavailable", Attempts: 2, Succeeded: true}, {Operation: "fetch", Error: "unavailable", Attempts: 3},
		{Operation: "fetch", Error: "backend", Attempts: 3}, {Operation: "fetch", Error: "backend", Attempts: 1}} {
		e.At = time.Unix(int64(i), 0)
		require.NoError(t, h.app.DB.Results().CountRetry(t.Context(), e))
	}
	v := h.ask(t, "GET", "/health/retry-stats", nil).value(t)
	members(t, v, "total_retries", "successful_retries", "exhausted_retries", "successful_after_retry", "high_failure_operations", "operation_stats", "exception_stats", "timestamp")
	require.Equal(t, 9.0, v["total_retries"])
	require.Equal(t, 1.0, v["successful_retries"])
	require.Equal(t, 3.0, v["exhausted_retries"])
	require.Equal(t, []any{"fetch"}, v["high_failure_operations"])
	require.Equal(t, map[string]any{"unavailable": 2.0, "backend": 2.0}, v["exception_stats"])
	v = h.ask(t, "POST", "/health/retry-stats/reset", nil).value(t)
	members(t, v, "status", "message")
	require.Equal(t, 0.0, h.ask(t, "GET", "/health/retry-stats", nil).value(t)["total_retries"])
}

// TestUploadAccountsForEveryRow: the job's result, and what a failed job says.
func TestUploadAccountsForEveryRow(t *testing.T) {
	h := newHouse(t, change{})
	a := h.ask(t, "POST", "/api/v1/jobs/data-upload", shopForm(t))
	v := members(t, any(a.value(t)), "job_id", "status")
	require.Equal(t, "pending", v["status"])
	j := h.end(t, v["job_id"].(string))
	members(t, any(j), "job_id", "job_type", "status", "created_at", "updated_at", "progress", "status_message", "result", "error")
	require.Equal(t, "data_upload", j["job_type"])
	require.Equal(t, "completed", j["status"])
	require.Equal(t, 100.0, j["progress"])
	require.Nil(t, j["error"])
	result := j["result"].(map[string]any)
	for _, name := range []string{"records_processed", "features_generated", "processing_run_id", "files", "warnings", "snapshot_date", "months_stored", "products"} {
		require.Contains(t, result, name)
	}
	require.Equal(t, []any{"2024-01-01", "2024-02-01", "2024-03-01", "2024-04-01", "2024-05-01"}, result["months_stored"])
	require.Len(t, result["files"], 2)

	// Other sales of a stored month are refused, with the accounting.
	other := newForm().file(t, "stock_file", "stock.csv", stock).file(t, "sales_files", "other.csv", soldIn(4)+groupBlood+"05.11.2023;02.04.2024\n"+soldIn(5)[len(salesHead):]).
		field(t, "snapshot_date", "2024-06-01T00:00:00Z")
	j = h.end(t, h.submit(t, "/api/v1/jobs/data-upload", other))
	require.Equal(t, "failed", j["status"])
	require.Nil(t, j["result"])
	e := members(t, j["error"], "code", "message", "details")
	require.Equal(t, "months_exist", e["code"])
	details := e["details"].(map[string]any)
	require.Len(t, details["files"], 2, "the accounting")
	require.Contains(t, details["files"].([]any)[1], "rows_accepted")
}

// TestBadFilesAreRefusedAtSubmission: 400 with name, index and the exact code.
func TestBadFilesAreRefusedAtSubmission(t *testing.T) {
	h := newHouse(t, change{})
	for name, c := range map[string]struct {
		stock, sales string
		index        float64
		filename     string
		code         string
	}{
		"no table":        {stock, "\x00\x01\x02\x03 garbage", 1, "b.csv", "unsupported_format"},
		"an empty file":   {stock, "", 1, "b.csv", "empty_file"},
		"no such columns": {"a;b\n1;2\n", soldIn(5), 0, "a.csv", "missing_columns"},
		"swapped":         {soldIn(5), stock, 0, "a.csv", ""},
	} {
		f := newForm().file(t, "sales_files", "b.csv", c.sales).file(t, "stock_file", "a.csv", c.stock)
		p := h.ask(t, "POST", "/api/v1/jobs/data-upload", f).fails(t, 400, "validation_error")
		require.Equal(t, c.filename, p.Error.Details["filename"], name)
		require.Equal(t, c.index, p.Error.Details["index"], name)
		require.NotEmpty(t, p.Error.Details["code"], name)
		if c.code != "" {
			require.Equal(t, c.code, p.Error.Details["code"], name)
		}
	}
	f := newForm().file(t, "stock_file", "a.csv", stock).file(t, "sales_files", "b.csv", soldIn(5)).file(t, "sales_files", "c.csv", soldIn(5))
	p := h.ask(t, "POST", "/api/v1/jobs/data-upload", f).fails(t, 400, "validation_error")
	require.Equal(t, "duplicate_file", p.Error.Details["code"])
	for field, f := range map[string]*form{
		"stock_file":    newForm().file(t, "sales_files", "b.csv", soldIn(5)),
		"sales_files":   newForm().file(t, "stock_file", "a.csv", stock),
		"snapshot_date": newForm().file(t, "stock_file", "a.csv", stock).file(t, "sales_files", "b.csv", soldIn(5)).field(t, "snapshot_date", "yesterday"),
		"empty_months":  newForm().file(t, "stock_file", "a.csv", stock).file(t, "sales_files", "b.csv", soldIn(5)).field(t, "empty_months", "2024-01,x"),
	} {
		p := h.ask(t, "POST", "/api/v1/jobs/data-upload", f).fails(t, 422, "validation_error")
		require.Equal(t, []any{"body", field}, p.Error.Details["errors"].([]any)[0].(map[string]any)["loc"])
	}
	jobs := h.ask(t, "GET", "/api/v1/jobs", nil).value(t)
	require.Equal(t, 0.0, jobs["total_matching"], "nothing was submitted")
}

func TestTrainingAndItsResults(t *testing.T) {
	h := newHouse(t, change{})
	h.fill(t)
	v := h.ask(t, "POST", "/api/v1/jobs/training", map[string]any{"dataset_start_date": "2024-01-01", "dataset_end_date": "2024-05-31"}).value(t)
	members(t, any(v), "job_id", "status", "model_id", "config_id", "using_active_parameters", "parameter_set_id")
	require.Nil(t, v["model_id"])
	require.Equal(t, v["config_id"], v["parameter_set_id"])
	j := h.end(t, v["job_id"].(string))
	result := j["result"].(map[string]any)
	for _, name := range []string{"model_id", "metrics", "parameters", "config_id", "duration"} {
		require.Contains(t, result, name)
	}
	var list []map[string]any
	h.ask(t, "GET", "/api/v1/results/training", nil).json(t, 200, &list)
	require.Len(t, list, 1)
	for _, name := range []string{"result_id", "job_id", "model_id", "config_id", "metrics", "duration", "created_at"} {
		require.Contains(t, list[0], name)
	}
	one := h.ask(t, "GET", "/api/v1/results/training/"+list[0]["result_id"].(string), nil).value(t)
	require.Equal(t, result["model_id"], one["model_id"])

	logs := h.ask(t, "GET", "/api/v1/jobs/"+v["job_id"].(string)+"/logs", nil).value(t)
	require.Greater(t, len(logs["events"].([]any)), 2)

	id := h.submit(t, "/api/v1/jobs/backtest", map[string]any{"months": 2, "config_id": v["config_id"]})
	require.Equal(t, "completed", h.end(t, id)["status"])
	h.ask(t, "GET", "/api/v1/results/backtest", nil).json(t, 200, &list)
	require.Equal(t, id, list[0]["job_id"])
	h.ask(t, "GET", "/api/v1/results/tuning", nil).json(t, 200, &list)
	require.Empty(t, list)
}

// TestTuningResultsByMetric: best first, by the default metric's own direction
// or the named one's.
func TestTuningResultsByMetric(t *testing.T) {
	h := newHouse(t, change{})
	for i, m := range []map[string]float64{{"val_MIWS_MIC_Ratio": 0.5, "val_MIC": 0.1}, {"val_MIWS_MIC_Ratio": 0.2, "val_MIC": 0.3}, {"val_MIC": 0.2}, {"val_MIWS_MIC_Ratio": 0.2}} {
		require.NoError(t, h.app.DB.Results().Add(t.Context(), ports.StoredResult{ID: fmt.Sprint(i), Kind: job.Tuning, JobID: "j", Metrics: m, CreatedAt: time.Unix(int64(i), 0)}))
	}
	for query, want := range map[string]string{"": "3102", "?metric_name=": "3102", "?metric_name=&higher_is_better=true": "3102", "?metric_name=val_MIC": "1203",
		"?metric_name=val_MIC&higher_is_better=0": "0213", "?metric_name=val_pinball": "3210", "?limit=2": "31"} {
		var list []map[string]any
		h.ask(t, "GET", "/api/v1/results/tuning"+query, nil).json(t, 200, &list)
		got := ""
		for _, r := range list {
			got += r["result_id"].(string)
		}
		require.Equal(t, want, got, query)
	}
	require.Equal(t, "2", h.ask(t, "GET", "/api/v1/results/tuning/2", nil).value(t)["result_id"])
	p := h.ask(t, "GET", "/api/v1/results/tuning?metric_name=charm", nil).fails(t, 422, "validation_error")
	require.Equal(t, []any{"query", "metric_name"}, p.Error.Details["errors"].([]any)[0].(map[string]any)["loc"])
}

func TestJobsInPages(t *testing.T) {
	h := newHouse(t, change{})
	h.fill(t)
	for range 5 {
		h.end(t, h.submit(t, "/api/v1/jobs/training", nil))
	}
	var seen []string
	cursor := ""
	for pages := 0; ; pages++ {
		v := h.ask(t, "GET", "/api/v1/jobs?limit=2&cursor="+cursor, nil).value(t)
		members(t, any(v), "jobs", "total", "total_matching", "next_cursor")
		require.Equal(t, 6.0, v["total_matching"])
		require.Equal(t, 2.0, v["total"], "the last page is not empty")
		require.Equal(t, float64(len(v["jobs"].([]any))), v["total"])
		for _, j := range v["jobs"].([]any) {
			require.Nil(t, j.(map[string]any)["result"], "not in lists")
			seen = append(seen, j.(map[string]any)["created_at"].(string))
		}
		if cursor = v["next_cursor"].(string); cursor == "" {
			break
		}
		require.Less(t, pages, 5)
	}
	require.Len(t, seen, 6)
	require.True(t, slices.IsSortedFunc(seen, func(a, b string) int { return strings.Compare(b, a) }), "newest first")
	require.Equal(t, 1.0, h.ask(t, "GET", "/api/v1/jobs?job_type=data_upload&status=completed", nil).value(t)["total_matching"])
	require.Equal(t, 0.0, h.ask(t, "GET", "/api/v1/jobs?status=failed", nil).value(t)["total_matching"])
}

// TestIdempotencyKey: repeated, also at the same moment, it is one job.
func TestIdempotencyKey(t *testing.T) {
	h := newHouse(t, change{})
	h.fill(t)
	before := h.ask(t, "GET", "/api/v1/jobs", nil).value(t)["total_matching"].(float64)
	ids := make([]string, 16)
	var wg sync.WaitGroup
	for i := range ids {
		wg.Go(func() {
			ids[i] = h.submit(t, "/api/v1/jobs/training", map[string]any{}, with{"Idempotency-Key", "once"})
		})
	}
	wg.Wait()
	require.Equal(t, ids, slices.Repeat(ids[:1], len(ids)))
	require.Equal(t, before+1, h.ask(t, "GET", "/api/v1/jobs", nil).value(t)["total_matching"])
	h.ask(t, "POST", "/api/v1/jobs/training", map[string]any{"dataset_start_date": "2024-02-01"}, with{"Idempotency-Key", "once"}).fails(t, 422, "validation_error")
	p := h.ask(t, "POST", "/api/v1/jobs/training", map[string]any{"dataset_start_date": "2024-03-01"}, with{"Idempotency-Key", "once"}).fails(t, 422, "validation_error")
	require.Equal(t, []any{"header", "Idempotency-Key"}, p.Error.Details["errors"].([]any)[0].(map[string]any)["loc"])
	first := h.submit(t, "/api/v1/jobs/data-upload", shopForm(t), with{"Idempotency-Key", "once"})
	require.Equal(t, first, h.submit(t, "/api/v1/jobs/data-upload", shopForm(t), with{"Idempotency-Key", "once"}), "of its own type")
	require.NotEqual(t, first, h.submit(t, "/api/v1/jobs/data-upload", shopForm(t), with{"Idempotency-Key", "twice"}))
}

func TestReports(t *testing.T) {
	h := newHouse(t, change{})
	h.fill(t)
	model := h.train(t)
	body := map[string]any{"report_type": "prediction_report"}
	v := h.ask(t, "POST", "/api/v1/jobs/reports", body).value(t)
	members(t, any(v), "report_type", "prediction_month", "records_count", "csv_data", "generated_at", "filters_applied")
	require.Equal(t, "2024-06", v["prediction_month"])
	require.Equal(t, 2.0, v["records_count"])
	rows, err := csv.NewReader(strings.NewReader(v["csv_data"].(string))).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, 3)
	require.Equal(t, []string{"result_id", "multiindex_id", "barcode", "artist", "album", "cover_type", "price_category", "release_type", "recording_decade",
		"release_decade", "style", "recording_year", "model_id", "prediction_month", "quantile_05", "quantile_25", "quantile_50", "quantile_75", "quantile_95",
		"availability", "confidence", "Средние продажи (шт)", "Средние продажи (руб)", "Потерянные продажи (руб)"}, rows[0][:24])
	require.Equal(t, model, rows[1][12])
	require.False(t, strings.HasPrefix(v["csv_data"].(string), "\ufeff"))
	require.NotContains(t, v["csv_data"], "\r")

	for _, month := range []string{"2024-06", "2024-06-01", "2024-06-17", "2024-06-17T00:00:00"} {
		body["prediction_month"] = month
		require.Equal(t, "2024-06", h.ask(t, "POST", "/api/v1/jobs/reports", body).value(t)["prediction_month"])
	}
	body["filters"] = map[string]any{"album": "Ночь", "record_year": 1986, "style": nil}
	v = h.ask(t, "POST", "/api/v1/jobs/reports", body).value(t)
	require.Equal(t, 1.0, v["records_count"])
	require.Equal(t, map[string]any{"album": "Ночь", "recording_year": "1986"}, v["filters_applied"])
	body["filters"] = nil
	for accept, kind := range map[string]string{"text/html": "text/html; charset=utf-8", "text/csv": "text/csv; charset=utf-8", "application/json": "application/json", "image/png": "application/json",
		"text/html, application/json;q=0.5":                                 "text/html; charset=utf-8",
		"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"} {
		a := h.ask(t, "POST", "/api/v1/jobs/reports?lang=en&quantile=0.9", body, with{"Accept", accept})
		require.Equal(t, 200, a.StatusCode, a.body)
		require.Equal(t, kind, a.Header.Get("Content-Type"), accept)
		switch {
		case strings.HasPrefix(kind, "text/html"):
			require.Contains(t, a.body, "Группа крови")
			require.NotEmpty(t, a.Header.Get("Content-Security-Policy"))
		case strings.HasSuffix(kind, "sheet"):
			_, err := excelize.OpenReader(strings.NewReader(a.body))
			require.NoError(t, err)
		}
	}
	h.ask(t, "POST", "/api/v1/jobs/reports?quantile=1.5", body).fails(t, 422, "validation_error")
	body["model_id"] = "another"
	h.ask(t, "POST", "/api/v1/jobs/reports", body).fails(t, 404, "no_predictions_found")
}

func TestConfigs(t *testing.T) {
	const base = "/api/v1/models-configs/configs"
	h := newHouse(t, change{})
	text := `{"json_payload": {"lags": 12, "nn_model_config": {"hidden_size": 32}, "note": {"exact": 0.1000, "big": 12345678901234567890}}, "is_active": true}`
	v := h.ask(t, "POST", base+"/upload", text).value(t)
	members(t, any(v), "config_id", "config", "is_active", "created_at")
	require.Equal(t, true, v["is_active"])
	a := h.ask(t, "GET", base+"/active", nil)
	require.Equal(t, v["config_id"], a.value(t)["config_id"])
	require.Contains(t, a.body, "12345678901234567890", "numbers are exact")
	again := h.ask(t, "POST", base+"/upload", `{"json_payload": {"note": {"big": 12345678901234567890, "exact": 0.1000}, "nn_model_config": {"hidden_size": 32}, "lags": 12}}`).value(t)
	require.Equal(t, v["config_id"], again["config_id"], "the id is the hash of the canonical JSON")
	other := h.ask(t, "POST", base+"/upload", `{"json_payload": {"lags": 6}}`).value(t)["config_id"].(string)
	var list []map[string]any
	h.ask(t, "GET", base+"?limit=1", nil).json(t, 200, &list)
	require.Len(t, list, 1)
	require.Equal(t, other, list[0]["config_id"], "newest first")
	done := h.ask(t, "POST", base+"/"+other+"/set-active", nil).value(t)
	members(t, any(done), "success", "message")
	require.Equal(t, true, done["success"])
	require.Equal(t, other, h.ask(t, "GET", base+"/active", nil).value(t)["config_id"])
	d := h.ask(t, "POST", base+"/delete", map[string]any{"ids": []any{other, v["config_id"], "unknown"}}).value(t)
	members(t, any(d), "successful", "failed", "errors")
	require.Equal(t, []any{v["config_id"]}, d["successful"])
	require.Equal(t, []any{other, "unknown"}, d["failed"])
	require.Regexp(t, "^"+other+": ", d["errors"].([]any)[0])
	h.ask(t, "POST", base+"/rollback", nil).fails(t, 404, "no_configs_found") // the one before was deleted
	again = h.ask(t, "POST", base+"/upload", `{"json_payload": {"lags": 9}, "is_active": true}`).value(t)
	for _, want := range []any{other, again["config_id"], other} {
		require.Equal(t, true, h.ask(t, "POST", base+"/rollback", nil).value(t)["success"])
		require.Equal(t, want, h.ask(t, "GET", base+"/active", nil).value(t)["config_id"])
	}
	var activations []map[string]any
	h.ask(t, "GET", base+"/activations?limit=2", nil).json(t, 200, &activations)
	require.Len(t, activations, 2)
	members(t, any(activations[0]), "id", "activated_at")
	require.Equal(t, other, activations[0]["id"])
	for bad, place := range map[string][]any{`{"lags": 0}`: {"lags"}, `{"lags": "twelve"}`: {"lags"}, `{"nn_model_config": {"dropout": 2}}`: {"nn_model_config", "dropout"},
		`{"quantiles": [0.1, 7]}`: {"quantiles", 1.0}, `[]`: nil, `7`: nil} {
		p := h.ask(t, "POST", base+"/upload", `{"json_payload": `+bad+`}`).fails(t, 422, "validation_error")
		first := p.Error.Details["errors"].([]any)[0].(map[string]any)
		if place == nil {
			require.Equal(t, []any{"body"}, first["loc"], bad)
		} else {
			require.Equal(t, append([]any{"body", "json_payload"}, place...), first["loc"], bad)
		}
	}
	h.fill(t)
	h.train(t)
	best := h.ask(t, "GET", base+"/best?metric_name=training_duration_seconds", nil).value(t)
	require.Equal(t, other, best["config_id"])
	h.ask(t, "GET", base+"/best?metric_name=charm", nil).fails(t, 404, "no_configs_found")
}

func modelFile(t testing.TB) string {
	t.Helper()
	b, err := os.ReadFile("testdata/model.onnx")
	require.NoError(t, err)
	return string(b)
}

func TestModels(t *testing.T) {
	const base = "/api/v1/models-configs/models"
	h := newHouse(t, change{})
	id := "../../models of Кино <b>"
	f := newForm().file(t, "model_file", "../../../evil.onnx", modelFile(t)).field(t, "model_id", id).field(t, "is_active", "yes").
		field(t, "description", "brought").field(t, "version", "7").field(t, "tags", "a, b,,c").field(t, "training_metrics", `{"val_MIC": 0.8, "val_loss": null}`).
		field(t, "source_job_id", "elsewhere").field(t, "created_at", "2024-01-31T12:00:00+03:00").field(t, "unknown", "x")
	v := h.ask(t, "POST", base+"/upload", f).value(t)
	members(t, any(v), "model_id", "model_path", "is_active", "metadata", "created_at", "job_id")
	require.Equal(t, id, v["model_id"])
	require.Equal(t, true, v["is_active"])
	require.Regexp(t, `^models/[0-9a-f-]{36}\.onnx$`, v["model_path"], "ids never become paths")
	require.Equal(t, "2024-01-31T09:00:00Z", v["created_at"])
	meta := members(t, v["metadata"], "description", "version", "tags", "training_metrics", "source_job_id")
	require.Equal(t, []any{"a", "b", "c"}, meta["tags"])
	require.Equal(t, map[string]any{"val_MIC": 0.8}, meta["training_metrics"])
	j := h.ask(t, "GET", "/api/v1/jobs/"+v["job_id"].(string), nil).value(t)
	require.Equal(t, "manual_upload", j["job_type"])
	require.Equal(t, "completed", j["status"])
	require.Equal(t, id, h.ask(t, "GET", base+"/active", nil).value(t)["model_id"])

	path := base + "/" + "..%2F..%2Fmodels%20of%20%D0%9A%D0%B8%D0%BD%D0%BE%20%3Cb%3E"
	a := h.ask(t, "GET", path+"/file", nil)
	require.Equal(t, 200, a.StatusCode)
	require.Equal(t, modelFile(t), a.body)
	require.Equal(t, http.StatusPartialContent, h.ask(t, "GET", path+"/file", nil, with{"Range", "bytes=0-9"}).StatusCode)

	twice := newForm().file(t, "model_file", "m.onnx", modelFile(t)).field(t, "model_id", id)
	h.ask(t, "POST", base+"/upload", twice).fails(t, 409, "model_exists")
	byJSON := newForm().field(t, "metadata", fmt.Sprintf(`{"model_id": "second", "is_active": false, "tags": ["x"], "training_metrics": {"val_MIC": 0.9}, "job_id": %q}`, v["job_id"])).file(t, "model_file", "m.onnx", modelFile(t))
	second := h.ask(t, "POST", base+"/upload", byJSON).value(t)
	require.Equal(t, v["job_id"], second["job_id"])
	require.Equal(t, "second", h.ask(t, "GET", base+"/best?metric_name=val_MIC", nil).value(t)["model_id"])
	require.Equal(t, id, h.ask(t, "GET", base+"/best?metric_name=val_MIC&higher_is_better=no", nil).value(t)["model_id"])

	for name, c := range map[string]struct {
		form   *form
		status int
		code   string
	}{
		"no model":        {newForm().file(t, "model_file", "m.onnx", "this is no model").field(t, "model_id", "x"), 400, "validation_error"},
		"half of one":     {newForm().file(t, "model_file", "m.onnx", modelFile(t)[:500]).field(t, "model_id", "x"), 400, "validation_error"},
		"an unknown job":  {newForm().file(t, "model_file", "m.onnx", modelFile(t)).field(t, "model_id", "x").field(t, "job_id", "unknown"), 400, "job_id_not_found"},
		"no id":           {newForm().file(t, "model_file", "m.onnx", modelFile(t)), 422, "validation_error"},
		"no file":         {newForm().field(t, "model_id", "x"), 422, "validation_error"},
		"two files":       {newForm().file(t, "model_file", "a", "x").file(t, "model_file", "b", "x").field(t, "model_id", "x"), 413, "too_many_files"},
		"a bad time":      {newForm().file(t, "model_file", "m.onnx", modelFile(t)).field(t, "model_id", "x").field(t, "created_at", "now"), 422, "validation_error"},
		"bad metrics":     {newForm().file(t, "model_file", "m.onnx", modelFile(t)).field(t, "model_id", "x").field(t, "training_metrics", "[1]"), 422, "validation_error"},
		"bad metadata":    {newForm().file(t, "model_file", "m.onnx", modelFile(t)).field(t, "model_id", "x").field(t, "metadata", "{"), 422, "validation_error"},
		"a control in id": {newForm().file(t, "model_file", "m.onnx", modelFile(t)).field(t, "model_id", "a\x00b"), 422, "validation_error"},
	} {
		p := h.ask(t, "POST", base+"/upload", c.form).fails(t, c.status, c.code)
		if c.status == 400 && c.code == "validation_error" {
			require.Equal(t, "m.onnx", p.Error.Details["filename"], name)
			require.NotEmpty(t, p.Error.Details["code"])
		}
	}
	left, err := h.store.List(ports.Uploads)
	require.NoError(t, err)
	require.Empty(t, left)
	kept, err := h.store.List(ports.ModelFiles)
	require.NoError(t, err)
	require.Len(t, kept, 2)

	var list []map[string]any
	h.ask(t, "GET", base, nil).json(t, 200, &list)
	require.Len(t, list, 2)
	h.ask(t, "GET", base+"/recent?limit=1", nil).json(t, 200, &list)
	require.Len(t, list, 1)
	h.ask(t, "GET", base+"/recent?limit=101", nil).fails(t, 422, "validation_error")
	require.Equal(t, true, h.ask(t, "POST", base+"/second/set-active", nil).value(t)["success"])
	for _, want := range []string{id, "second"} {
		require.Equal(t, true, h.ask(t, "POST", base+"/rollback", nil).value(t)["success"])
		require.Equal(t, want, h.ask(t, "GET", base+"/active", nil).value(t)["model_id"])
	}
	h.ask(t, "GET", base+"/activations", nil).json(t, 200, &list)
	require.Len(t, list, 4)
	d := h.ask(t, "POST", base+"/delete", map[string]any{"ids": []string{id, "second", "unknown"}}).value(t)
	require.Equal(t, []any{id}, d["successful"])
	require.Equal(t, []any{"second", "unknown"}, d["failed"])
	h.ask(t, "GET", path+"/file", nil).fails(t, 404, "model_not_found")
}

func TestHistory(t *testing.T) {
	const base = "/api/v1/predictions/history"
	h := newHouse(t, change{})
	h.fill(t)
	model := h.train(t)
	var v struct {
		Items []struct {
			ID          int `json:"multiindex_id"`
			Metadata    map[string]any
			Predictions []struct {
				Month     string `json:"prediction_month"`
				ModelID   string `json:"model_id"`
				Quantiles map[string]float64
			}
			Actuals  []map[string]any
			Features []map[string]any
		}
		Metadata struct {
			Total int               `json:"total_items"`
			Range map[string]string `json:"date_range"`
		}
		Next string `json:"next_cursor"`
	}
	h.ask(t, "GET", base, nil).json(t, 200, &v)
	require.Len(t, v.Items, 2)
	require.Equal(t, 2, v.Metadata.Total)
	require.Equal(t, map[string]string{"min": "2024-06-01", "max": "2024-06-01"}, v.Metadata.Range)
	require.Empty(t, v.Next)
	item := v.Items[0]
	require.Len(t, item.Metadata, 10)
	require.Equal(t, "Кино", item.Metadata["artist"])
	require.Len(t, item.Predictions, 1)
	require.Equal(t, model, item.Predictions[0].ModelID)
	require.Len(t, item.Predictions[0].Quantiles, 5)
	for _, q := range []string{"q05", "q25", "q50", "q75", "q95"} {
		require.Contains(t, item.Predictions[0].Quantiles, q)
	}
	require.Len(t, item.Actuals, 5)
	members(t, any(item.Actuals[0]), "month", "sales_count")
	require.Equal(t, "2024-01-01", item.Actuals[0]["month"])
	members(t, any(item.Features[0]), "month", "availability", "confidence", "masked_mean_sales_items", "masked_mean_sales_rub", "lost_sales_rub")

	// The bounds hold for what happened too, and are inclusive.
	h.ask(t, "GET", base+"?prediction_month_from=2024-04-01&prediction_month_to=2024-06-01&include_features=no", nil).json(t, 200, &v)
	require.Len(t, v.Items[0].Actuals, 2)
	require.Empty(t, v.Items[0].Features)
	h.ask(t, "GET", base+"?include_actuals=0&prediction_month_from=2024-06-01T00:00:00", nil).json(t, 200, &v)
	require.Empty(t, v.Items[0].Actuals)

	h.ask(t, "GET", base+"?limit=1", nil).json(t, 200, &v)
	require.Len(t, v.Items, 1)
	require.Equal(t, 2, v.Metadata.Total)
	first := v.Items[0].ID
	h.ask(t, "GET", base+"?limit=1&cursor="+v.Next, nil).json(t, 200, &v)
	require.Greater(t, v.Items[0].ID, first)
	require.Empty(t, v.Next)
	h.ask(t, "GET", fmt.Sprint(base, "?multiindex_id=", first), nil).json(t, 200, &v)
	require.Len(t, v.Items, 1)
	require.Equal(t, first, v.Items[0].ID)

	p := h.ask(t, "GET", base+"?prediction_month_from=2024-02-02", nil).fails(t, 400, "invalid_date_range")
	require.Equal(t, "prediction_month_from", p.Error.Details["parameter"])
	require.Equal(t, "2024-02-02", p.Error.Details["value"])
	require.NotEmpty(t, p.Error.Details["reason"])
	h.ask(t, "GET", base+"?prediction_month_to=2024-05-01", nil).fails(t, 404, "no_predictions_found")
	h.ask(t, "GET", base+"?multiindex_id=99", nil).fails(t, 404, "no_predictions_found")
	for _, bad := range []string{"?cursor=x", "?limit=0", "?multiindex_id=0", "?multiindex_id=x", "?include_actuals=maybe"} {
		h.ask(t, "GET", base+bad, nil).fails(t, 422, "validation_error")
	}
}

func TestProducts(t *testing.T) {
	h := newHouse(t, change{})
	v := h.ask(t, "GET", "/api/v1/products", nil).value(t)
	require.Empty(t, v["products"])
	require.Nil(t, v["stock_date"])
	h.fill(t)
	v = h.ask(t, "GET", "/api/v1/products?search=кИно+кровИ&months=2", nil).value(t)
	require.Equal(t, 1.0, v["total_matching"])
	require.Equal(t, "2024-06-01", v["stock_date"])
	p := v["products"].([]any)[0].(map[string]any)
	require.Equal(t, "Группа крови", p["album"])
	require.Equal(t, 3.0, p["stock"])
	require.Len(t, p["months"], 2)
	require.Equal(t, "2024-05-01", p["months"].([]any)[1].(map[string]any)["month"])
	v = h.ask(t, "GET", "/api/v1/products?limit=1&months=0", nil).value(t)
	require.Equal(t, 2.0, v["total_matching"])
	require.Empty(t, v["products"].([]any)[0].(map[string]any)["months"])
	v = h.ask(t, "GET", "/api/v1/products?limit=1&cursor="+v["next_cursor"].(string), nil).value(t)
	require.Len(t, v["products"], 1)
	require.Empty(t, v["next_cursor"])
}

func TestAdmin(t *testing.T) {
	h := newHouse(t, change{})
	h.fill(t)
	h.train(t)
	v := h.ask(t, "POST", "/admin/data-retention/clean-historical?sales_days_to_keep=0&stock_days_to_keep=0&dry_run=yes", nil).value(t)
	for _, name := range []string{"status", "message", "records_removed", "sales_days_to_keep", "stock_days_to_keep", "dry_run"} {
		require.Contains(t, v, name)
	}
	members(t, v["records_removed"], "sales", "stock", "stock_movement", "prices", "total")
	require.Equal(t, true, v["dry_run"])
	require.Empty(t, v["months_removed"], "the lookback needs them")
	require.Contains(t, v["message"], "stay")
	v = h.ask(t, "POST", "/admin/data-retention/clean-predictions?days_to_keep=0", nil).value(t)
	require.Equal(t, 0.0, v["records_removed"], "the newest month stays")
	require.Equal(t, 0.0, v["days_to_keep"])
	v = h.ask(t, "POST", "/admin/data-retention/clean-models?models_to_keep=1&inactive_days_to_keep=0", nil).value(t)
	require.Equal(t, []any{}, v["models_removed"])
	require.Equal(t, 0.0, v["models_removed_count"])
	require.Equal(t, 1.0, v["models_to_keep"])
	v = h.ask(t, "POST", "/admin/data-retention/cleanup", nil).value(t)
	require.Equal(t, "success", v["status"])
	require.Equal(t, 0.0, v["records_removed"])
	require.Equal(t, 0.0, v["models_removed_count"])

	v = h.ask(t, "POST", "/admin/backup", nil).value(t)
	require.Equal(t, "success", v["status"])
	info, err := os.Stat(h.store.Root() + "/" + v["path"].(string))
	require.NoError(t, err)
	require.Equal(t, float64(info.Size()), v["size_bytes"])
	head, err := os.ReadFile(h.store.Root() + "/" + v["path"].(string))
	require.NoError(t, err)
	require.True(t, bytes.HasPrefix(head, []byte("SQLite format 3")))
}

// TestLogsOfATraining: what a task prints while it runs, and the end of what a
// failed one has printed.
func TestLogsOfATraining(t *testing.T) {
	printing := &printing{}
	h := newHouse(t, change{app: func(a *app.App) { printing.Compute, a.Training.Compute = a.Training.Compute, printing }})
	state := json.RawMessage(`{"tasks": {"b": {"run_id": "two"}, "a": {"run_id": "one"}, "c": {}, "d": {"run_id": "gone"}}}`)
	j := job.Job{ID: "runs", Type: job.Prediction, Status: job.Running, CreatedAt: h.clock.Now(), UpdatedAt: h.clock.Now(), Input: json.RawMessage("{}"), State: state}
	require.NoError(t, h.app.DB.Jobs().Create(t.Context(), j))
	v := h.ask(t, "GET", "/api/v1/jobs/runs/logs", nil).value(t)
	members(t, any(v), "job_id", "events", "lines")
	require.Equal(t, []any{"first of one", "second of one", "first of two", "second of two"}, v["lines"])
	j.ID, j.Status, j.Error = "failed", job.Failed, &job.Failure{Code: "training_failed", Message: "it failed", Details: map[string]any{"log": []string{"the end"}}}
	require.NoError(t, h.app.DB.Jobs().Create(t.Context(), j))
	require.Equal(t, []any{"the end"}, h.ask(t, "GET", "/api/v1/jobs/failed/logs", nil).value(t)["lines"])
}

// printing is a backend whose runs have printed two lines.
type printing struct{ ports.Compute }

func (p *printing) Logs(_ context.Context, run, _ string) ([]string, string, error) {
	if run == "gone" {
		return nil, "", fault.New(fault.NotFound, "run_not_found", "gone")
	}
	return []string{"first of " + run, "second of " + run}, "2", nil
}

func TestCancel(t *testing.T) {
	h := newHouse(t, change{})
	// A job that no worker here knows stays pending.
	j := job.Job{ID: "waits", Type: job.Prediction, Status: job.Pending, CreatedAt: h.clock.Now(), UpdatedAt: h.clock.Now(), Input: json.RawMessage("{}")}
	require.NoError(t, h.app.DB.Jobs().Create(t.Context(), j))
	v := h.ask(t, "POST", "/api/v1/jobs/waits/cancel", nil).value(t)
	require.Equal(t, "cancelled", v["status"])
	h.ask(t, "POST", "/api/v1/jobs/waits/cancel", nil).fails(t, 409, "job_not_cancellable")
}

// TestTuning: what a tuning takes. The search itself has tests of its own; here
// no worker does it.
func TestTuning(t *testing.T) {
	const path = "/api/v1/jobs/tuning"
	h := newHouse(t, change{})
	h.ask(t, "POST", path, nil).fails(t, 409, "no_data")
	h.fill(t)
	h.ask(t, "POST", path, nil).fails(t, 409, "not_enough_history")
	for _, bad := range []string{`{"mode": "quick"}`, `{"time_budget_s": 0}`, `{"time_budget_s": -1}`, `{"time_budget_s": 1e9}`, `{"time_budget_s": "long"}`, `{"dataset_start_date": "soon"}`} {
		h.ask(t, "POST", path, bad).fails(t, 422, "validation_error")
	}
	h.ask(t, "POST", path, `{"dataset_start_date": "2024-03-01", "dataset_end_date": "2024-02-01"}`).fails(t, 400, "invalid_date_range")
	stock, sales := stockHead+night+"01.02.2024;3\n", salesHead
	for month := range 12 {
		m := calendar.MonthOf(2023, 6) + calendar.Month(month)
		sales += fmt.Sprintf("%s05.05.2023;09.%02d.%04d\n", night, m.Number(), m.Year())
	}
	f := newForm().file(t, "stock_file", "stock.csv", stock).file(t, "sales_files", "sales.csv", sales).field(t, "snapshot_date", "2024-06-01").field(t, "overwrite", "true")
	j := h.end(t, h.submit(t, "/api/v1/jobs/data-upload", f))
	require.Equal(t, "completed", j["status"], j["error"])
	for i, body := range []any{nil, "{}", `{"mode": "lite", "time_budget_s": 60.5, "unknown": 1}`, `{"mode": "light"}`, `{"mode": null, "time_budget_s": null, "dataset_start_date": null, "dataset_end_date": "2024-05-31"}`, `{"mode": "full"}`} {
		v := h.ask(t, "POST", path, body, with{"Idempotency-Key", fmt.Sprint("k", i)}).value(t)
		members(t, any(v), "job_id", "status")
		require.Equal(t, "pending", v["status"])
		require.Equal(t, v["job_id"], h.submit(t, path, body, with{"Idempotency-Key", fmt.Sprint("k", i)}))
		require.Equal(t, "cancelled", h.ask(t, "POST", "/api/v1/jobs/"+v["job_id"].(string)+"/cancel", nil).value(t)["status"])
	}
}
