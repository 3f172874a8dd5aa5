package httpapi_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plastinka/predictor/adapters/httpapi"
	"github.com/plastinka/predictor/ports"
)

// endless is a body that never ends.
type endless struct{ sent int64 }

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	e.sent += int64(len(p))
	return len(p), nil
}

// TestOversizedBodies: a declared length is refused without reading; an endless
// body is cut off at the limit.
func TestOversizedBodies(t *testing.T) {
	h := newHouse(t, change{})
	conn := dial(t, h)
	fmt.Fprintf(conn, "POST /api/v1/models-configs/configs/upload HTTP/1.1\r\nHost: x\r\nX-API-Key: %s\r\nContent-Type: application/json\r\nContent-Length: 2000000\r\n\r\n", apiKey)
	status, _ := readAnswer(t, conn) // not a byte of the body was sent
	require.Equal(t, http.StatusRequestEntityTooLarge, status)
	conn = dial(t, h)
	fmt.Fprintf(conn, "POST /api/v1/jobs/data-upload HTTP/1.1\r\nHost: x\r\nX-API-Key: %s\r\nContent-Type: multipart/form-data; boundary=x\r\nContent-Length: %d\r\n\r\n", apiKey, 5<<20)
	status, _ = readAnswer(t, conn)
	require.Equal(t, http.StatusRequestEntityTooLarge, status)

	for path, body := range map[string]io.Reader{
		"/api/v1/jobs/training":                &endless{},
		"/api/v1/models-configs/models/upload": io.MultiReader(strings.NewReader("--x\r\nContent-Disposition: form-data; name=\"model_file\"; filename=\"m\"\r\n\r\n"), &endless{}),
		"/api/v1/jobs/data-upload":             io.MultiReader(strings.NewReader("--x\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\n"), &endless{}),
	} {
		kind := "multipart/form-data; boundary=x"
		if strings.HasSuffix(path, "training") {
			kind = "application/json"
		}
		req, err := http.NewRequestWithContext(t.Context(), "POST", h.server.URL+path, body)
		require.NoError(t, err)
		req.Header.Set("Content-Type", kind)
		req.Header.Set("X-API-Key", apiKey)
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err == nil { // the client may notice the closed connection first
			resp.Body.Close()
			require.Equal(t, http.StatusRequestEntityTooLarge, resp.StatusCode, path)
		}
	}
	require.Eventually(t, func() bool { return strings.Count(h.log.String(), "status=413") == 5 }, 5*time.Second, time.Millisecond, h.log)
	left, err := h.store.List(ports.Uploads)
	require.NoError(t, err)
	require.Empty(t, left, "nothing is left of what was refused")
}

// TestUploadsAreNotHeldInMemory: what an upload needs of memory does not grow
// with its size.
func TestUploadsAreNotHeldInMemory(t *testing.T) {
	const size = 64 << 20
	h := newHouse(t, change{options: func(o *httpapi.Options) { o.MaxUploadSize = 2 * size }})
	head := "--x\r\nContent-Disposition: form-data; name=\"stock_file\"; filename=\"s.csv\"\r\n\r\n"
	body := io.MultiReader(strings.NewReader(head), io.LimitReader(&endless{}, size), strings.NewReader("\r\n--x--\r\n"))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	a := h.ask(t, "POST", "/api/v1/jobs/data-upload", body, with{"Content-Type", "multipart/form-data; boundary=x"})
	runtime.ReadMemStats(&after)
	a.fails(t, 422, "validation_error") // no sales files
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(size/4), "bytes allocated in all")
}

func dial(t testing.TB, h *house) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(h.server.URL, "http://"))
	require.NoError(t, err)
	require.NoError(t, conn.SetDeadline(time.Now().Add(20*time.Second)))
	t.Cleanup(func() { conn.Close() })
	return conn
}

func readAnswer(t testing.TB, conn net.Conn) (int, string) {
	t.Helper()
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(b)
}

// TestSlowClientsAreDropped: a body that stops, one that drips, and an answer
// that nobody takes.
func TestSlowClientsAreDropped(t *testing.T) {
	h := newHouse(t, change{})
	h.Hurry(100 * time.Millisecond)
	const head = "POST %s HTTP/1.1\r\nHost: x\r\nX-API-Key: " + apiKey + "\r\nContent-Type: %s\r\nContent-Length: 100000\r\n\r\n"
	for path, kind := range map[string]string{"/api/v1/jobs/training": "application/json", "/api/v1/jobs/data-upload": "multipart/form-data; boundary=x"} {
		conn := dial(t, h)
		fmt.Fprintf(conn, head+"--x\r\nContent-Disp", path, kind)
		status, body := readAnswer(t, conn)
		require.Equal(t, http.StatusRequestTimeout, status, "%s: %s", path, body)

		conn = dial(t, h)
		fmt.Fprintf(conn, head, path, kind)
		dripping := make(chan struct{})
		go func() { // ends with the connection
			defer close(dripping)
			for {
				if _, err := conn.Write([]byte(" ")); err != nil {
					return
				}
				time.Sleep(20 * time.Millisecond)
			}
		}()
		status, body = readAnswer(t, conn)
		require.Equal(t, http.StatusRequestTimeout, status, "%s: %s", path, body)
		conn.Close()
		<-dripping
	}
	// A quick one on the same terms is served, and its connection goes on.
	conn := dial(t, h)
	for range 2 {
		fmt.Fprintf(conn, "POST /api/v1/models-configs/models/delete HTTP/1.1\r\nHost: x\r\nX-API-Key: %s\r\nContent-Length: 11\r\n\r\n{\"ids\":[1]}", apiKey)
		status, _ := readAnswer(t, conn)
		require.Equal(t, 422, status)
		time.Sleep(150 * time.Millisecond)
	}
}

// TestOddJSON: depth, NUL, text that is no UTF-8, numbers without end.
func TestOddJSON(t *testing.T) {
	h := newHouse(t, change{})
	deep := strings.Repeat(`{"json_payload":`, 20_000) + "1" + strings.Repeat("}", 20_000)
	for name, body := range map[string]string{
		"deep objects": deep,
		"deep lists":   `{"json_payload":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + `}`,
		"long number":  `{"json_payload": {"lags": 1` + strings.Repeat("0", 100_000) + `}}`,
		"huge number":  `{"json_payload": {"lags": 1e400}}`,
		"a NUL":        "{\"json_payload\": {\"la\x00gs\": 1}}",
		"two values":   `{"json_payload": {}} {}`,
		"cut":          `{"json_payload": {"lags"`,
	} {
		h.ask(t, "POST", "/api/v1/models-configs/configs/upload", body).fails(t, 422, "validation_error")
		_ = name
	}
	for _, id := range []string{"a\x00b", "\xff\xfe", "\u202e", "' OR 1=1 --", "<script>alert(1)</script>", "../../etc/passwd", "%2e%2e", strings.Repeat("x", 5000), "{}", "\n", "кино"} {
		a := h.ask(t, "POST", "/api/v1/models-configs/models/delete", map[string]any{"ids": []string{id}})
		v := a.value(t)
		require.Empty(t, v["successful"])
		require.Len(t, v["failed"], 1, "unknown, whatever it looks like")
		for _, path := range []string{"/api/v1/jobs/%s", "/api/v1/models-configs/models/%s/file", "/api/v1/results/training/%s"} {
			got := h.ask(t, "GET", fmt.Sprintf(path, url.PathEscape(id)), nil)
			require.Contains(t, []int{404, 422}, got.StatusCode, "%q: %s", id, got.body)
			require.Equal(t, "application/problem+json", got.Header.Get("Content-Type"))
		}
		for _, path := range []string{"/api/v1/products?search=%s", "/api/v1/predictions/history?prediction_month_from=%s", "/api/v1/jobs?cursor=%s", "/api/v1/results/tuning?metric_name=%s"} {
			got := h.ask(t, "GET", fmt.Sprintf(path, url.QueryEscape(id)), nil)
			require.Less(t, got.StatusCode, 500, "%q: %s", id, got.body)
		}
		got := h.ask(t, "POST", "/api/v1/jobs/training", nil, with{"Idempotency-Key", url.QueryEscape(id)})
		require.Less(t, got.StatusCode, 500, "%q: %s", id, got.body)
	}
}

// TestOddNamesOfFiles: a name is for messages only.
func TestOddNamesOfFiles(t *testing.T) {
	h := newHouse(t, change{})
	for _, name := range []string{"../../../etc/passwd", "..\\..\\x", "/etc/passwd", "C:\\x", ".", "..", "a\u202eb.csv", "=cmd|' /C calc'!A0", strings.Repeat("ы", 3000) + ".csv", "<script>.csv"} {
		f := newForm().file(t, "stock_file", name, stock).file(t, "sales_files", name, soldIn(5)).field(t, "snapshot_date", "2024-06-01").field(t, "overwrite", "1")
		a := h.ask(t, "POST", "/api/v1/jobs/data-upload", f)
		j := h.end(t, a.value(t)["job_id"].(string))
		require.Equal(t, "completed", j["status"], "%q: %v", name, j["error"])
	}
	require.Eventually(t, func() bool { // the files go after the job's end
		left, err := h.store.List(ports.Uploads)
		return err == nil && len(left) == 0
	}, 5*time.Second, time.Millisecond)
}

// TestBodiesOfRefusedRequests: a request that is refused before its body was read
// does not make the server wait for the rest of it.
func TestBodiesOfRefusedRequests(t *testing.T) {
	h := newHouse(t, change{})
	h.Hurry(100 * time.Millisecond)
	conn := dial(t, h)
	fmt.Fprint(conn, "POST /api/v1/jobs/training HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nabc")
	status, _ := readAnswer(t, conn)
	require.Equal(t, http.StatusUnauthorized, status)
}

// TestTooManyFilesAndFields: the number of parts is bounded as well.
func TestTooManyFilesAndFields(t *testing.T) {
	h := newHouse(t, change{})
	f := newForm()
	for i := range 6 {
		f.file(t, "sales_files", fmt.Sprint(i, ".csv"), soldIn(5))
	}
	h.ask(t, "POST", "/api/v1/jobs/data-upload", f).fails(t, 413, "too_many_files")
	f = newForm()
	for range 1100 {
		f.field(t, "x", "y")
	}
	h.ask(t, "POST", "/api/v1/jobs/data-upload", f).fails(t, 422, "validation_error")
	for name, body := range map[string]string{"no end": "--x\r\nContent-Disposition: form-data; name=\"stock_file\"; filename=\"s\"\r\n\r\nabc", "nothing": "", "no form": "hello"} {
		a := h.ask(t, "POST", "/api/v1/jobs/data-upload", body, with{"Content-Type", "multipart/form-data; boundary=x"})
		require.Equal(t, 422, a.StatusCode, "%s: %s", name, a.body)
	}
	h.ask(t, "POST", "/api/v1/jobs/data-upload", "x", with{"Content-Type", "multipart/form-data"}).fails(t, 415, "unsupported_media_type")
	left, err := h.store.List(ports.Uploads)
	require.NoError(t, err)
	require.Empty(t, left)
}

// TestForeignOrigins: only the configured ones may read answers.
func TestForeignOrigins(t *testing.T) {
	h := newHouse(t, change{})
	ask := func(method, origin string, more ...with) answer {
		return h.ask(t, method, "/api/v1/jobs", nil, append(more, with{"Origin", origin})...)
	}
	a := ask("GET", "https://shop.example")
	require.Equal(t, "https://shop.example", a.Header.Get("Access-Control-Allow-Origin"))
	require.Equal(t, "true", a.Header.Get("Access-Control-Allow-Credentials"))
	require.Contains(t, a.Header.Values("Vary"), "Origin")
	preflight := ask("OPTIONS", "https://shop.example", append(anonymous, with{"Access-Control-Request-Method", "POST"}, with{"Access-Control-Request-Headers", "x-api-key"})...)
	require.Equal(t, http.StatusNoContent, preflight.StatusCode)
	require.Equal(t, "x-api-key", preflight.Header.Get("Access-Control-Allow-Headers"))
	require.Equal(t, "600", preflight.Header.Get("Access-Control-Max-Age"))
	require.Contains(t, preflight.Header.Get("Access-Control-Allow-Methods"), "POST")
	for _, origin := range []string{"https://evil.example", "null", "https://shop.example.evil.example", "http://shop.example", "https://shop.example:8443"} {
		for _, a := range []answer{ask("GET", origin), ask("OPTIONS", origin, with{"Access-Control-Request-Method", "POST"})} {
			require.Empty(t, a.Header.Get("Access-Control-Allow-Origin"), origin)
			require.Empty(t, a.Header.Get("Access-Control-Allow-Credentials"), origin)
		}
	}
}

// TestMethodTricks: a method is what the request line says.
func TestMethodTricks(t *testing.T) {
	h := newHouse(t, change{})
	for _, header := range []string{"X-HTTP-Method-Override", "X-Method-Override", "X-HTTP-Method"} {
		require.Equal(t, 200, h.ask(t, "GET", "/api/v1/jobs", nil, with{header, "DELETE"}).StatusCode)
		h.ask(t, "GET", "/api/v1/jobs/training", nil, with{header, "POST"}).fails(t, 405, "method_not_allowed")
	}
	for _, method := range []string{"PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "get"} {
		a := h.ask(t, method, "/api/v1/jobs", nil)
		a.fails(t, 405, "method_not_allowed")
		require.Equal(t, "GET, HEAD", a.Header.Get("Allow"), method)
	}
	require.Equal(t, "POST", h.ask(t, "OPTIONS", "/api/v1/jobs/training", nil).Header.Get("Allow"))
	// Headers that would have to be believed are not.
	for _, w := range []with{{"X-Forwarded-For", "127.0.0.1"}, {"X-Original-URL", "/admin/backup"}, {"X-Rewrite-URL", "/admin/backup"}, {"Forwarded", "for=127.0.0.1"}} {
		h.ask(t, "GET", "/metrics", nil, with{"Authorization", ""}, w).fails(t, 401, "authentication_error")
	}
	conn := dial(t, h)
	fmt.Fprintf(conn, "POST /api/v1/jobs/training HTTP/1.1\r\nHost: x\r\nX-API-Key: %s\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", apiKey)
	status, _ := readAnswer(t, conn)
	require.Less(t, status, 500)
}
