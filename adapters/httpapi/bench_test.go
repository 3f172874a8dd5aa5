package httpapi_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
)

// BenchmarkGetJob: the request that clients send again and again.
func BenchmarkGetJob(b *testing.B) {
	h := newHouse(b, change{})
	id := h.submit(b, "/api/v1/jobs/data-upload", shopForm(b))
	h.end(b, id)
	for b.Loop() {
		r := httptest.NewRequestWithContext(b.Context(), "GET", "/api/v1/jobs/"+id, nil)
		r.Header.Set("X-API-Key", apiKey)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		require.Equal(b, http.StatusOK, w.Code)
	}
}
