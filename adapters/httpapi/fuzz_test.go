package httpapi_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzRequests: whatever is asked, with good credentials, the service answers
// with less than 500, and an error in the one shape.
func FuzzRequests(f *testing.F) {
	for _, seed := range []struct{ method, target, kind, body string }{
		{"GET", "/api/v1/jobs?limit=1&cursor=x", "", ""},
		{"GET", "/api/v1/predictions/history?prediction_month_from=2024-01-01&multiindex_id=1&limit=3&cursor=2", "", ""},
		{"GET", "/api/v1/products?search=%00%ff&months=3", "", ""},
		{"GET", "/api/v1/results/tuning?metric_name=x&higher_is_better=t", "", ""},
		{"GET", "/api/v1/jobs/%2e%2e%2fx/events", "", ""},
		{"POST", "/api/v1/jobs/training", "application/json", `{"dataset_start_date":"2024-01-01T00:00:00Z"}`},
		{"POST", "/api/v1/jobs/tuning", "application/x+json", `{"mode":"light","time_budget_s":1e-300}`},
		{"POST", "/api/v1/jobs/reports?quantile=NaN&lang=en", "application/json", `{"report_type":"prediction_report","prediction_month":"2024-06","filters":{"recording_year":1e3}}`},
		{"POST", "/api/v1/models-configs/configs/upload", "application/json", `{"json_payload":{"lags":12,"quantiles":[0.5]},"is_active":null}`},
		{"POST", "/api/v1/models-configs/models/delete", "application/json", "{\"ids\":[\"\\u0000\",\"\xff\"]}"},
		{"POST", "/api/v1/models-configs/models/upload", "multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"metadata\"\r\n\r\n{\"model_id\":\"a\",\"is_active\":7,\"training_metrics\":{\"a\":[]}}\r\n--x\r\nContent-Disposition: form-data; name=\"model_file\"; filename=\"\\\"\"\r\n\r\nabc\r\n--x--\r\n"},
		{"POST", "/api/v1/jobs/data-upload", "multipart/form-data; boundary=\"x\"", "--x\r\nContent-Disposition: form-data; name=stock_file; filename=a\r\n\r\na;b\r\n--x\r\nContent-Disposition: form-data; name=sales_files; filename=\"\"\r\n\r\n\r\n--x--"},
		{"POST", "/admin/data-retention/clean-historical?sales_days_to_keep=1&dry_run=Y", "", ""},
		{"POST", "/auth/yc-token", "", `{"token":"y0_a"}`},
		{"OPTIONS", "//x/../api", "text/plain", ""},
	} {
		f.Add(seed.method, seed.target, seed.kind, seed.body)
	}
	h := newHouse(f, change{})
	h.fill(f)
	h.train(f)
	f.Fuzz(func(t *testing.T, method, target, kind, body string) {
		u, err := url.ParseRequestURI(target)
		if err != nil || u.Host != "" || !strings.HasPrefix(u.Path, "/") || strings.HasSuffix(u.Path, "/events") || len(method) > 20 || !token(method) {
			t.Skip("no request that a server would hand on, or one that waits")
		}
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", strings.NewReader(body))
		r.Method, r.URL, r.RequestURI = method, u, target
		r.Header.Set("X-API-Key", apiKey)
		r.Header.Set("Authorization", "Bearer "+adminToken)
		if kind != "" {
			r.Header.Set("Content-Type", kind)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		require.Less(t, w.Code, 500, "%s %s: %s", method, target, w.Body)
		if w.Code >= 400 {
			require.Equal(t, "application/problem+json", w.Header().Get("Content-Type"))
			if method != http.MethodHead {
				require.True(t, json.Valid(w.Body.Bytes()), "%s", w.Body)
			}
		}
		require.False(t, bytes.Contains(w.Body.Bytes(), []byte("goroutine ")), "%s", w.Body)
	})
}

// token reports whether a server would take s as a method.
func token(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(c rune) bool { return c <= ' ' || c >= 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, c) })
}
