package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A client as it was written for the Python service talks to the built program:
// every endpoint, the members it reads, statuses and headers (§3).

// client is such a client. It remembers which operations it has seen succeed.
type client struct {
	*box
	service         *process
	url, key, token string
	succeeded       map[string]bool // "GET /api/v1/jobs/{job_id}"
	operations      []string
}

// response is what the client got.
type response struct {
	*http.Response
	body []byte
}

// newClient starts the service with keys of its own and reads what it says of
// itself.
func newClient(t *testing.T, env ...string) *client {
	t.Helper()
	b := newBox(t, append([]string{"ENGINE=baseline", "JOB_REFRACTORY_SECONDS_DEFAULT=0"}, env...)...)
	var keys map[string]string
	b.result(&keys, "keys")
	b.env = append(b.env, "API_X_API_KEY_HASH="+keys["API_X_API_KEY_HASH"], "API_ADMIN_API_KEY_HASH="+keys["API_ADMIN_API_KEY_HASH"])
	p := b.start("serve", "--port", "0")
	p.until("engine:")
	url := regexp.MustCompile(`http://127\.0\.0\.1:\d+`).FindString(p.out.String())
	require.NotEmpty(t, url)
	t.Cleanup(func() {
		require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
		require.Zero(t, p.wait().code, "it stops in order")
		require.NotContains(t, p.errs.String(), keys["api_key"], "keys are not logged")
		require.NotContains(t, p.errs.String(), keys["admin_token"])
		require.NotContains(t, p.errs.String(), "panicked")
	})
	c := &client{box: b, service: p, url: url, key: keys["api_key"], token: keys["admin_token"], succeeded: map[string]bool{}}
	var described struct {
		Paths map[string]map[string]any `json:"paths"`
	}
	require.NoError(t, json.Unmarshal(c.do("GET", "/openapi.json", "", nil, nil).body, &described))
	for path, item := range described.Paths {
		for method := range item {
			c.operations = append(c.operations, strings.ToUpper(method)+" "+path)
		}
	}
	slices.Sort(c.operations)
	return c
}

// do sends a request, with the API key or, where that is wanted, the token.
func (c *client) do(method, path, contentType string, body io.Reader, headers map[string]string) response {
	c.Helper()
	req, err := http.NewRequestWithContext(c.Context(), method, c.url+path, body)
	require.NoError(c, err)
	for _, prefix := range []string{"/admin/", "/auth/", "/metrics"} {
		if strings.HasPrefix(path, prefix) {
			req.Header.Set("Authorization", "Bearer "+c.token)
		}
	}
	if req.Header.Get("Authorization") == "" {
		req.Header.Set("X-API-Key", c.key)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	for name, value := range headers {
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(req)
	require.NoError(c, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(c, err)
	require.Equal(c, "nosniff", resp.Header.Get("X-Content-Type-Options"), path)
	require.Equal(c, "no-store", resp.Header.Get("Cache-Control"), path)
	require.NotEmpty(c, resp.Header.Get("X-Request-Id"), path)
	if resp.StatusCode < 300 {
		c.note(method, path)
	}
	return response{resp, text}
}

// note finds the operation of a request: literal paths before patterns.
func (c *client) note(method, path string) {
	path, _, _ = strings.Cut(path, "?")
	name := method + " " + path
	if !slices.Contains(c.operations, name) {
		for _, op := range c.operations {
			pattern := regexp.MustCompile("^" + regexp.MustCompile(`\\\{[^}]*\\\}`).ReplaceAllString(regexp.QuoteMeta(op), `[^/]+`) + "$")
			if pattern.MatchString(name) {
				name = op
				break
			}
		}
	}
	c.succeeded[name] = true
}

// json is a successful answer, decoded; it has at least the members named.
func (r response) json(t testing.TB, members ...string) map[string]any {
	t.Helper()
	require.Equal(t, http.StatusOK, r.StatusCode, "%s", r.body)
	require.Equal(t, "application/json", r.Header.Get("Content-Type"))
	var v map[string]any
	require.NoError(t, json.Unmarshal(r.body, &v))
	for _, m := range members {
		require.Contains(t, v, m)
	}
	return v
}

// list is a successful answer that is a bare array, of objects with the members
// named.
func (r response) list(t testing.TB, members ...string) []map[string]any {
	t.Helper()
	require.Equal(t, http.StatusOK, r.StatusCode, "%s", r.body)
	require.Equal(t, byte('['), r.body[0], "a bare array")
	var v []map[string]any
	require.NoError(t, json.Unmarshal(r.body, &v))
	for _, item := range v {
		for _, m := range members {
			require.Contains(t, item, m)
		}
	}
	return v
}

// fails is an error of the one shape.
func (r response) fails(t testing.TB, status int, code string) map[string]any {
	t.Helper()
	require.Equal(t, status, r.StatusCode, "%s", r.body)
	require.Equal(t, "application/problem+json", r.Header.Get("Content-Type"))
	var v struct {
		Type, Title, Detail, Instance string
		Status                        int
		Error                         map[string]any
	}
	require.NoError(t, json.Unmarshal(r.body, &v))
	require.Equal(t, status, v.Status)
	require.ElementsMatch(t, []string{"code", "message", "request_id", "details"}, slices.Collect(maps.Keys(v.Error)))
	require.Equal(t, code, v.Error["code"])
	require.Equal(t, r.Header.Get("X-Request-Id"), v.Error["request_id"])
	return v.Error
}

func (c *client) get(path string) response { c.Helper(); return c.do("GET", path, "", nil, nil) }

func (c *client) post(path string, body any) response {
	c.Helper()
	if body == nil {
		return c.do("POST", path, "", nil, nil)
	}
	b, err := json.Marshal(body)
	require.NoError(c, err)
	return c.do("POST", path, "application/json", bytes.NewReader(b), nil)
}

// form sends files, by pairs of field and path, and fields.
func (c *client) form(path string, files [][2]string, fields map[string]string) response {
	c.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, f := range files {
		content, err := os.ReadFile(f[1])
		require.NoError(c, err)
		part, err := w.CreateFormFile(f[0], filepath.Base(f[1]))
		require.NoError(c, err)
		_, err = part.Write(content)
		require.NoError(c, err)
	}
	for name, value := range fields {
		require.NoError(c, w.WriteField(name, value))
	}
	require.NoError(c, w.Close())
	return c.do("POST", path, w.FormDataContentType(), &b, nil)
}

// ended asks for a job until it has ended, as old clients do.
func (c *client) ended(id any) map[string]any {
	c.Helper()
	var j map[string]any
	require.Eventually(c, func() bool {
		j = c.get("/api/v1/jobs/"+id.(string)).json(c, "job_id", "job_type", "status", "created_at", "updated_at", "progress", "status_message", "result", "error")
		return slices.Contains([]any{"completed", "failed", "cancelled"}, j["status"])
	}, time.Minute, 20*time.Millisecond)
	return j
}

func (c *client) completed(r response) map[string]any {
	c.Helper()
	j := c.ended(r.json(c, "job_id", "status")["job_id"])
	require.Equal(c, "completed", j["status"], "%v", j["error"])
	require.Nil(c, j["error"])
	return j["result"].(map[string]any)
}

// shopFiles are a shop's files as fields of a form.
func shopFiles(t testing.TB, dir string) [][2]string {
	t.Helper()
	sales, err := filepath.Glob(filepath.Join(dir, "sales-*"))
	require.NoError(t, err)
	files := [][2]string{{"stock_file", filepath.Join(dir, "stock.xlsx")}}
	for _, f := range sales {
		files = append(files, [2]string{"sales_files", f})
	}
	return files
}

func TestOldClient(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	c.health()
	c.upload(c.shop("shop", "--products", "40", "--months", "10"))
	model := c.train()
	c.report(model)
	c.history(model)
	c.registries(model)
	c.jobs()
	c.admin()
	var left []string
	for _, op := range c.operations {
		if !c.succeeded[op] {
			left = append(left, op)
		}
	}
	require.Equal(t, []string{"GET /api/v1/results/tuning/{id}"}, left,
		"every operation of the description has succeeded, but that of a search's result: a search takes minutes")
}

func (c *client) health() {
	c.Helper()
	v := c.get("/").json(c, "message", "docs", "version")
	require.Equal(c, "/docs", v["docs"])
	v = c.get("/health").json(c, "status", "version", "timestamp", "uptime_seconds", "components")
	for _, name := range []string{"api", "database", "config", "compute", "active_model_metric"} {
		require.Contains(c, v["components"], name)
	}
	c.get("/health/live").json(c, "status")
	c.get("/health/ready").json(c, "status")
	c.get("/health/system").json(c, "cpu_percent", "memory_percent", "disk_usage_percent", "process_memory_mb", "open_files", "active_threads", "timestamp")
	c.get("/health/retry-stats").json(c, "total_retries", "successful_retries", "exhausted_retries", "successful_after_retry", "high_failure_operations",
		"operation_stats", "exception_stats", "timestamp")
	c.post("/health/retry-stats/reset", nil).json(c, "status", "message")
	a := c.do("GET", "/api/v1/jobs", "", nil, map[string]string{"X-API-Key": ""})
	a.fails(c, http.StatusUnauthorized, "authentication_error")
	require.Equal(c, "Bearer, ApiKey", a.Header.Get("WWW-Authenticate"))
	a = c.do("GET", "/metrics", "", nil, map[string]string{"Authorization": "Bearer wrong"})
	a.fails(c, http.StatusUnauthorized, "authentication_error")
	require.Equal(c, "Bearer", a.Header.Get("WWW-Authenticate"))
	require.Contains(c, string(c.get("/metrics").body), "plastinka_http_requests_total")
	require.Contains(c, string(c.get("/openapi.yaml").body), "openapi: 3.1")
	require.Contains(c, string(c.get("/openapi-3.0.json").body), `"openapi":"3.0`)
	a = c.do("GET", "/docs", "", nil, nil)
	a.fails(c, http.StatusUnauthorized, "authentication_error")
	require.Equal(c, "Basic", a.Header.Get("WWW-Authenticate"))
}

func (c *client) upload(dir string) {
	c.Helper()
	const path = "/api/v1/jobs/data-upload"
	files := shopFiles(c, dir)
	e := c.form(path, append(files[:1:1], [2]string{"sales_files", c.binary}), nil).fails(c, http.StatusBadRequest, "validation_error")
	details := e["details"].(map[string]any)
	require.Equal(c, "unsupported_format", details["code"])
	require.Equal(c, 1.0, details["index"])
	c.form(path, files[:1], nil).fails(c, http.StatusUnprocessableEntity, "validation_error")
	c.post(path, map[string]any{}).fails(c, http.StatusUnsupportedMediaType, "unsupported_media_type")
	result := c.completed(c.form(path, files, map[string]string{"overwrite": "false", "snapshot_date": "2026-01-01"}))
	for _, m := range []string{"records_processed", "features_generated", "processing_run_id", "files", "warnings", "months_stored"} {
		require.Contains(c, result, m)
	}
	require.Len(c, result["months_stored"], 10)
	require.Len(c, result["files"], 11)
	v := c.get("/api/v1/products?search=the&limit=3").json(c, "products", "total_matching", "next_cursor")
	for _, p := range v["products"].([]any) {
		require.Contains(c, p, "recording_year")
		require.Contains(c, p, "stock")
	}
}

// train trains, follows the training by its events, back-tests, and returns the
// model's id.
func (c *client) train() string {
	c.Helper()
	v := c.post("/api/v1/jobs/training", map[string]any{"dataset_end_date": "2025-12-31"}).json(c, "job_id", "status", "model_id", "config_id",
		"using_active_parameters", "parameter_set_id")
	require.Nil(c, v["model_id"])
	events := c.get("/api/v1/jobs/" + v["job_id"].(string) + "/events") // ends with the job
	require.Equal(c, "text/event-stream", events.Header.Get("Content-Type"))
	var last string
	for lines := bufio.NewScanner(bytes.NewReader(events.body)); lines.Scan(); {
		if name, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
			last = name
		}
	}
	require.Equal(c, "end", last)
	j := c.ended(v["job_id"])
	require.Equal(c, "completed", j["status"], "%v", j["error"])
	result := j["result"].(map[string]any)
	for _, m := range []string{"model_id", "metrics", "parameters", "config_id", "duration"} {
		require.Contains(c, result, m)
	}
	c.get("/api/v1/jobs/"+v["job_id"].(string)+"/logs").json(c, "job_id", "events", "lines")
	backtest := c.completed(c.post("/api/v1/jobs/backtest", map[string]any{"months": 2}))
	for _, kind := range []string{"training", "backtest"} {
		list := c.get("/api/v1/results/"+kind).list(c, "result_id", "job_id", "model_id", "config_id", "metrics", "duration", "created_at")
		require.Len(c, list, 1)
		c.get("/api/v1/results/"+kind+"/"+list[0]["result_id"].(string)).json(c, "result_id", "metrics", "created_at")
	}
	require.NotEmpty(c, backtest["result_id"])
	require.Empty(c, c.get("/api/v1/results/tuning").list(c))
	c.get("/api/v1/results/tuning/none").fails(c, http.StatusNotFound, "not_found")
	c.get("/api/v1/results/tuning?metric_name=none").fails(c, http.StatusUnprocessableEntity, "validation_error")
	tuning := c.post("/api/v1/jobs/tuning", map[string]any{"mode": "lite", "time_budget_s": 5}).json(c, "job_id", "status")
	c.post("/api/v1/jobs/"+tuning["job_id"].(string)+"/cancel", nil).json(c, "job_id", "status")
	j = c.ended(tuning["job_id"])
	require.Equal(c, "cancelled", j["status"])
	c.post("/api/v1/jobs/"+tuning["job_id"].(string)+"/cancel", nil).fails(c, http.StatusConflict, "job_not_cancellable")
	return result["model_id"].(string)
}

func (c *client) report(model string) {
	c.Helper()
	const path = "/api/v1/jobs/reports"
	v := c.post(path, map[string]any{"report_type": "prediction_report", "prediction_month": "2026-01-01", "model_id": model, "filters": nil}).json(c,
		"report_type", "prediction_month", "records_count", "csv_data", "generated_at", "filters_applied")
	require.Equal(c, "2026-01", v["prediction_month"])
	require.Greater(c, v["records_count"], 30.0)
	require.True(c, strings.HasPrefix(v["csv_data"].(string), "result_id,multiindex_id,barcode,artist,album,"))
	for _, kind := range []string{"text/html", "text/csv", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"} {
		r := c.do("POST", path, "application/json", strings.NewReader(`{"report_type": "prediction_report"}`), map[string]string{"Accept": kind})
		require.Equal(c, http.StatusOK, r.StatusCode)
		require.True(c, strings.HasPrefix(r.Header.Get("Content-Type"), kind))
		require.NotEmpty(c, r.body)
		if kind == "text/html" {
			require.NotEmpty(c, r.Header.Get("Content-Security-Policy"))
		}
	}
	c.post(path, map[string]any{"report_type": "prediction_report", "prediction_month": "2019-01"}).fails(c, http.StatusNotFound, "no_predictions_found")
	c.post(path, map[string]any{"report_type": "prediction_report", "filters": map[string]any{"size": 7}}).fails(c, http.StatusUnprocessableEntity, "validation_error")
}

func (c *client) history(model string) {
	c.Helper()
	const path = "/api/v1/predictions/history"
	v := c.get(path+"?prediction_month_from=2025-06-01&include_features=true").json(c, "items", "metadata")
	require.Greater(c, len(v["items"].([]any)), 30)
	item := v["items"].([]any)[0].(map[string]any)
	for _, m := range []string{"multiindex_id", "metadata", "predictions", "actuals", "features"} {
		require.Contains(c, item, m)
	}
	p := item["predictions"].([]any)[0].(map[string]any)
	require.Equal(c, model, p["model_id"])
	require.Equal(c, "2026-01-01", p["prediction_month"])
	require.Equal(c, map[string]any{"min": "2026-01-01", "max": "2026-01-01"}, v["metadata"].(map[string]any)["date_range"])
	c.get(path+"?prediction_month_from=2025-06-15").fails(c, http.StatusBadRequest, "invalid_date_range")
	c.get(path+"?prediction_month_to=2025-06-01").fails(c, http.StatusNotFound, "no_predictions_found")
}

func (c *client) registries(model string) {
	c.Helper()
	const configs, models = "/api/v1/models-configs/configs", "/api/v1/models-configs/models"
	config := []string{"config_id", "config", "is_active", "created_at"}
	list := c.get(configs).list(c, config...)
	require.Len(c, list, 1, "the default one, which the training used")
	uploaded := c.post(configs+"/upload", map[string]any{"json_payload": map[string]any{"lags": 6, "note": "mine"}, "is_active": true}).json(c, config...)
	require.Equal(c, uploaded["config_id"], c.get(configs+"/active").json(c, config...)["config_id"])
	c.post(configs+"/upload", map[string]any{"json_payload": map[string]any{"lags": -1}}).fails(c, http.StatusUnprocessableEntity, "validation_error")
	c.get(configs+"/best?metric_name=training_duration_seconds&higher_is_better=false").json(c, config...)
	c.get(configs+"/best?metric_name=none").fails(c, http.StatusNotFound, "no_configs_found")
	c.post(configs+"/"+list[0]["config_id"].(string)+"/set-active", nil).json(c, "success", "message")
	c.post(configs+"/rollback", nil).json(c, "success", "message")
	c.post(configs+"/rollback", nil).json(c, "success", "message") // and back
	require.Len(c, c.get(configs+"/activations").list(c, "id", "activated_at"), 4)
	v := c.post(configs+"/delete", map[string]any{"ids": []any{uploaded["config_id"], list[0]["config_id"]}}).json(c, "successful", "failed", "errors")
	require.Equal(c, []any{uploaded["config_id"]}, v["successful"])
	require.Equal(c, []any{list[0]["config_id"]}, v["failed"], "the active one stays")

	stored := []string{"model_id", "model_path", "is_active", "metadata", "created_at", "job_id"}
	require.Equal(c, model, c.get(models).list(c, stored...)[0]["model_id"])
	require.Equal(c, model, c.get(models+"/active").json(c, stored...)["model_id"])
	c.get(models+"/recent").list(c, stored...)
	c.get(models+"/best?metric_name=training_duration_seconds").json(c, stored...)
	c.get(models+"/best?metric_name=none").fails(c, http.StatusNotFound, "no_models_found")
	file := filepath.Join("..", "..", "adapters", "httpapi", "testdata", "model.onnx")
	fields := map[string]string{"model_id": "brought", "is_active": "false", "description": "d", "version": "1", "tags": "a,b", "training_metrics": `{"val_MIC": 0.5}`}
	m := c.form(models+"/upload", [][2]string{{"model_file", file}}, fields).json(c, stored...)
	require.Equal(c, []any{"a", "b"}, m["metadata"].(map[string]any)["tags"])
	require.Equal(c, "manual_upload", c.get("/api/v1/jobs/" + m["job_id"].(string)).json(c)["job_type"])
	c.form(models+"/upload", [][2]string{{"model_file", file}}, fields).fails(c, http.StatusConflict, "model_exists")
	fields["model_id"], fields["job_id"] = "another", "none"
	c.form(models+"/upload", [][2]string{{"model_file", file}}, fields).fails(c, http.StatusBadRequest, "job_id_not_found")
	require.NotEmpty(c, c.get(models+"/brought/file").body)
	c.post(models+"/brought/set-active", nil).json(c, "success", "message")
	c.post(models+"/"+model+"/set-active", nil).json(c, "success", "message")
	c.post(models+"/rollback", nil).json(c, "success", "message")
	c.post(models+"/rollback", nil).json(c, "success", "message")
	require.Len(c, c.get(models+"/activations").list(c, "id", "activated_at"), 5)
	v = c.post(models+"/delete", map[string]any{"ids": []any{"brought", model, "none"}}).json(c, "successful", "failed", "errors")
	require.Equal(c, []any{"brought"}, v["successful"])
	c.post(models+"/delete", map[string]any{"ids": []any{}}).fails(c, http.StatusBadRequest, "no_ids_provided")
}

func (c *client) jobs() {
	c.Helper()
	v := c.get("/api/v1/jobs?limit=2").json(c, "jobs", "total", "total_matching", "next_cursor")
	require.Equal(c, 2.0, v["total"])
	require.Equal(c, 5.0, v["total_matching"])
	v = c.get(fmt.Sprint("/api/v1/jobs?limit=2&cursor=", v["next_cursor"])).json(c)
	require.Equal(c, 2.0, v["total"])
	c.get("/api/v1/jobs/none").fails(c, http.StatusNotFound, "job_not_found")
	c.get("/api/v1/jobs?limit=5000").fails(c, http.StatusUnprocessableEntity, "validation_error")
	a := c.do("DELETE", "/api/v1/jobs", "", nil, nil)
	a.fails(c, http.StatusMethodNotAllowed, "method_not_allowed")
	require.Equal(c, "GET, HEAD", a.Header.Get("Allow"))
}

func (c *client) admin() {
	c.Helper()
	const retention = "/admin/data-retention/"
	c.post(retention+"cleanup", nil).json(c, "status", "message", "records_removed", "models_removed", "models_removed_count")
	c.post(retention+"clean-predictions?days_to_keep=30", nil).json(c, "status", "message", "records_removed", "days_to_keep")
	v := c.post(retention+"clean-historical?sales_days_to_keep=900&stock_days_to_keep=900", nil).json(c, "status", "message", "records_removed",
		"sales_days_to_keep", "stock_days_to_keep")
	require.Equal(c, 0.0, v["records_removed"].(map[string]any)["total"])
	c.post(retention+"clean-models?models_to_keep=3&inactive_days_to_keep=30", nil).json(c, "status", "message", "models_removed", "models_removed_count",
		"models_to_keep", "inactive_days_to_keep")
	c.post(retention+"clean-models?models_to_keep=0", nil).fails(c, http.StatusUnprocessableEntity, "validation_error")
	made := c.post("/admin/backup", nil).json(c, "status", "path")
	require.FileExists(c, filepath.Join(c.root, made["path"].(string)))
	r := c.post("/auth/yc-token", map[string]any{"token": "y0_abc"})
	require.Equal(c, http.StatusNoContent, r.StatusCode)
	require.Empty(c, r.body)
	c.post("/auth/yc-token", map[string]any{"token": "abc"}).fails(c, http.StatusUnprocessableEntity, "validation_error")
}
