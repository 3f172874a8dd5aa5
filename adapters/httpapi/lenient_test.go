package httpapi_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestContentTypes: what counts as JSON, and what is 415.
func TestContentTypes(t *testing.T) {
	h := newHouse(t, change{})
	body := `{"ids": ["x"]}`
	for kind, status := range map[string]int{
		"": 200, "application/json": 200, "application/json; charset=utf-8": 200, "application/vnd.api+json": 200, "application/problem+json;charset=UTF-8": 200,
		"APPLICATION/JSON":                  200,
		"text/plain":                        415,
		"text/html":                         415,
		"application/x-www-form-urlencoded": 415,
		"multipart/form-data; boundary=x":   415,
		"application/xml":                   415,
	} {
		a := h.ask(t, "POST", "/api/v1/models-configs/models/delete", body, with{"Content-Type", kind})
		require.Equal(t, status, a.StatusCode, "%q: %s", kind, a.body)
		if status == 415 {
			a.fails(t, 415, "unsupported_media_type")
		}
	}
	h.ask(t, "POST", "/api/v1/jobs/data-upload", `{}`, with{"Content-Type", "application/json"}).fails(t, 415, "unsupported_media_type")
	h.ask(t, "POST", "/api/v1/models-configs/models/upload", `a=b`, with{"Content-Type", "application/x-www-form-urlencoded"}).fails(t, 415, "unsupported_media_type")
}

// TestOptionalBodies: a training and a back-test need no body, null members are
// absent ones, and unknown members are ignored.
func TestOptionalBodies(t *testing.T) {
	h := newHouse(t, change{})
	h.fill(t)
	for _, path := range []string{"/api/v1/jobs/training", "/api/v1/jobs/backtest"} {
		for _, body := range []any{nil, "", "{}", "null", ` {"dataset_start_date": null, "dataset_end_date": null, "months": null, "config_id": null} `,
			`{"unknown": {"deep": [1, 2]}, "dataset_start_date": ""}`, `{"dataset_end_date": "2024-05-31T00:00:00", "months": 1}`, `{"dataset_end_date": "2024-05-31T00:00:00Z", "months": 1}`} {
			a := h.ask(t, "POST", path, body)
			require.Equal(t, 200, a.StatusCode, "%s %v: %s", path, body, a.body)
		}
	}
	require.Equal(t, 200, h.ask(t, "GET", "/api/v1/jobs?unknown=1&limit=2", nil).StatusCode)
	require.Equal(t, 200, h.ask(t, "POST", "/api/v1/models-configs/configs/upload", `{"json_payload": {"lags": 12, "extra": [1]}, "is_active": null, "unknown": 1}`).StatusCode)
	require.Equal(t, 200, h.ask(t, "POST", "/api/v1/models-configs/models/delete", `{"ids": ["x"], "unknown": null}`).StatusCode)
	for _, bad := range []string{"{", "[]", `"text"`, "7", `{"dataset_start_date": 7}`, `{"dataset_start_date": "2024-13-01"}`, `{"dataset_start_date": "2024-01-01T12:00:00"}`, "{}{}"} {
		h.ask(t, "POST", "/api/v1/jobs/training", bad).fails(t, 422, "validation_error")
	}
	h.ask(t, "POST", "/api/v1/models-configs/configs/upload", nil).fails(t, 422, "validation_error")
}

func TestBooleans(t *testing.T) {
	h := newHouse(t, change{})
	for _, word := range []string{"true", "false", "1", "0", "yes", "no", "on", "off", "t", "f", "y", "n"} {
		for _, b := range []string{word, strings.ToUpper(word), strings.ToUpper(word[:1]) + word[1:]} {
			require.Equal(t, 200, h.ask(t, "GET", "/api/v1/results/tuning?higher_is_better="+b, nil).StatusCode, b)
			a := h.ask(t, "POST", "/admin/data-retention/cleanup?dry_run="+b, nil).value(t)
			require.Equal(t, slices.Contains([]string{"true", "1", "yes", "on", "t", "y"}, word), a["dry_run"], b)
			form := newForm().file(t, "stock_file", "s.csv", "x").field(t, "overwrite", b)
			p := h.ask(t, "POST", "/api/v1/jobs/data-upload", form).fails(t, 422, "validation_error")
			require.Len(t, p.Error.Details["errors"], 1, "only the missing sales files")
		}
	}
	for _, bad := range []string{"2", "ja", "truee", "nul"} {
		h.ask(t, "GET", "/api/v1/results/tuning?higher_is_better="+bad, nil).fails(t, 422, "validation_error")
		form := newForm().file(t, "stock_file", "s.csv", "x").file(t, "sales_files", "s.csv", "x").field(t, "overwrite", bad)
		p := h.ask(t, "POST", "/api/v1/jobs/data-upload", form).fails(t, 422, "validation_error")
		require.Equal(t, []any{"body", "overwrite"}, p.Error.Details["errors"].([]any)[0].(map[string]any)["loc"])
	}
}

// TestSlashesAndHead: a trailing slash is no other path, and HEAD is GET without
// the body.
func TestSlashesAndHead(t *testing.T) {
	h := newHouse(t, change{options: withoutDocsSecurity})
	h.fill(t)
	h.train(t)
	for _, path := range []string{"/", "/health", "/health/live", "/health/ready", "/health/system", "/health/retry-stats", "/metrics", "/docs", "/openapi.json",
		"/api/v1/jobs", "/api/v1/products", "/api/v1/predictions/history", "/api/v1/models-configs/models", "/api/v1/models-configs/models/recent",
		"/api/v1/models-configs/configs", "/api/v1/results/training"} {
		a := h.ask(t, "GET", path, nil)
		require.Equal(t, 200, a.StatusCode, path)
		slash := h.ask(t, "GET", path+"/?", nil)
		if path != "/" {
			require.Equal(t, 200, slash.StatusCode, path+"/")
			require.Equal(t, a.Header.Get("Content-Type"), slash.Header.Get("Content-Type"))
		}
		head := h.ask(t, "HEAD", path, nil)
		require.Equal(t, 200, head.StatusCode, path)
		require.Empty(t, head.body)
		require.Equal(t, a.Header.Get("Content-Type"), head.Header.Get("Content-Type"), path)
	}
	require.Equal(t, http.StatusNotFound, h.ask(t, "HEAD", "/api/v1/jobs/none", nil).StatusCode)
	require.Equal(t, 200, h.ask(t, "POST", "/api/v1/jobs/training/", nil).StatusCode)
}

// TestNonFiniteNumbersAreNull: a metric that is no number is null, in what is
// taken and in what is answered.
func TestNonFiniteNumbersAreNull(t *testing.T) {
	h := newHouse(t, change{})
	h.fill(t)
	id := h.submit(t, "/api/v1/jobs/backtest", map[string]int{"months": 2})
	a := h.end(t, id)
	require.Equal(t, "completed", a["status"], "%v", a["error"])
	require.NotContains(t, h.ask(t, "GET", "/api/v1/jobs/"+id, nil).body, "NaN")
}
