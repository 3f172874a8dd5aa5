package httpapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/bcrypt"
	"golang.org/x/text/unicode/norm"

	"github.com/plastinka/predictor/adapters/bundle"
	"github.com/plastinka/predictor/adapters/compute/inprocess"
	"github.com/plastinka/predictor/adapters/files"
	"github.com/plastinka/predictor/adapters/httpapi"
	"github.com/plastinka/predictor/adapters/onnx"
	"github.com/plastinka/predictor/adapters/report"
	"github.com/plastinka/predictor/adapters/sqlite"
	"github.com/plastinka/predictor/adapters/tables"
	"github.com/plastinka/predictor/app"
	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/job"
	"github.com/plastinka/predictor/ports"
)

const (
	apiKey     = "the API key"
	adminToken = "the-admin-token"
)

// clock is the system's, moved; its today stands still.
type clock struct {
	mu    sync.Mutex
	ahead time.Duration
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.ahead)
}

func (c *clock) Today() calendar.Day { return calendar.DayOf(2024, time.June, 15) }

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += d
}

// house is a service on real adapters behind a real socket: a database in
// memory, files in a temporary folder, trainings in this process.
type house struct {
	*httpapi.Service
	app      *app.App
	clock    *clock
	store    *files.Store
	server   *httptest.Server
	log      *safeBuffer
	stopping chan struct{}
	token    string // the last one that was set
}

type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func hash(t testing.TB, key string) string {
	t.Helper()
	h, err := bcrypt.GenerateFromPassword([]byte(key), bcrypt.MinCost)
	require.NoError(t, err)
	return string(h)
}

// change adapts what a test needs otherwise.
type change struct {
	options func(*httpapi.Options)
	app     func(*app.App)
	db      func(ports.Database) ports.Database // in place of the one that the use cases see
}

func newHouse(t testing.TB, c change) *house {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	db, err := sqlite.OpenMemory(ctx)
	require.NoError(t, err)
	store, err := files.Open(ctx, t.TempDir())
	require.NoError(t, err)
	h := &house{clock: &clock{}, store: store, log: &safeBuffer{}, stopping: make(chan struct{})}
	log := slog.New(slog.NewTextHandler(h.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	tasks := &app.Tasks{Bundle: bundle.Files{}, Models: onnx.Files{}, Clock: h.clock, Threads: 1}
	compute, err := inprocess.New(filepath.Join(store.Root(), "runs"), tasks.RunTask, h.clock)
	require.NoError(t, err)
	var seen ports.Database = db
	if c.db != nil {
		seen = c.db(db)
	}
	metric := app.Metric{Name: "val_MIWS_MIC_Ratio"}
	configs := &app.Configs{DB: seen, Clock: h.clock, Metric: metric}
	uploads := &app.Upload{DB: seen, Clock: h.clock, Tables: tables.Reader{}, Artifacts: store, Log: log, Normalise: norm.NFC.String, Cores: 2}
	training := &app.Training{DB: seen, Clock: h.clock, Compute: compute, Bundle: bundle.Files{}, Artifacts: store, Configs: configs,
		Log: log, Poll: 5 * time.Millisecond, Engine: "baseline", FillMissingDays: true, AutoSelect: true}
	tuning := &app.Tuning{Training: training, Engine: "baseline", Options: app.TuningOptions{Mode: app.Lite, SamplesLite: 2, SamplesFull: 2, Keep: 2, Cores: 1, Tasks: 1}}
	worker := &app.Worker{DB: seen, Clock: h.clock, Log: log, Owner: "test", Parallel: 2, Lease: time.Hour, Poll: 5 * time.Millisecond,
		Handlers: map[job.Type]app.Handler{job.Upload: uploads.Handle, job.Training: training.Handle, job.Backtest: training.HandleBacktest}}
	forever := 1_000_000
	h.app = &app.App{DB: seen, Clock: h.clock, Log: log, Artifacts: store, Uploads: uploads, Training: training, Tuning: tuning, Configs: configs,
		Models:  &app.Models{DB: seen, Clock: h.clock, Artifacts: store, Files: onnx.Files{}, Metric: metric},
		Reports: &app.Reports{DB: seen, Clock: h.clock}, History: &app.History{DB: seen}, Products: &app.Products{DB: seen},
		Retain: &app.Retention{DB: seen, Clock: h.clock, Artifacts: store, Log: log,
			Policy: app.RetentionPolicy{ForecastDays: forever, ModelsToKeep: 5, InactiveDays: forever, BackupDays: 30}},
		Export: app.Export{DB: seen}, Worker: worker}
	if c.app != nil {
		c.app(h.app)
	}
	o := httpapi.Options{Version: "1.2.3", APIKeyHash: hash(t, apiKey), AdminKeyHash: hash(t, adminToken), AllowedOrigins: []string{"https://shop.example"},
		DocsSecurity: true, MaxUploadSize: 4 << 20, MaxFiles: 5, Refractory: func(job.Type) time.Duration { return 0 }, Threshold: 1.2, Backend: "inprocess",
		Renderer: report.Renderer{}, Log: log, DataRoot: store.Root(), KeepToken: func(v string) { h.token = v }, Stopping: h.stopping}
	if c.options != nil {
		c.options(&o)
	}
	h.Service = httpapi.New(h.app, o)
	h.server = httptest.NewServer(h.Service)
	var working sync.WaitGroup
	working.Go(func() { _ = worker.Run(ctx) })
	t.Cleanup(func() {
		h.server.Close()
		cancel()
		working.Wait()
		require.NoError(t, compute.Close())
		require.NoError(t, db.Close())
		require.NoError(t, store.Close())
	})
	return h
}

// answer is what a request got.
type answer struct {
	*http.Response
	body string
}

// with is a header of a request; an empty value takes it away.
type with struct{ name, value string }

var anonymous = []with{{"X-API-Key", ""}, {"Authorization", ""}}

// ask sends a request with the API key, or, below /admin, /auth and /metrics,
// the admin token. A body that is text or bytes goes as it is, a form as one,
// anything else as JSON.
func (h *house) ask(t testing.TB, method, path string, body any, headers ...with) answer {
	t.Helper()
	var r io.Reader
	kind := ""
	switch b := body.(type) {
	case nil:
	case string:
		r = strings.NewReader(b)
	case io.Reader:
		r = b
	case *form:
		r, kind = &b.buffer, b.close(t)
	default:
		text, err := json.Marshal(b)
		require.NoError(t, err)
		r, kind = bytes.NewReader(text), "application/json"
	}
	req, err := http.NewRequestWithContext(t.Context(), method, h.server.URL+path, r)
	require.NoError(t, err)
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	req.Header.Set("X-API-Key", apiKey)
	for _, prefix := range []string{"/admin/", "/auth/", "/metrics"} {
		if strings.HasPrefix(path, prefix) {
			req.Header.Del("X-API-Key")
			req.Header.Set("Authorization", "Bearer "+adminToken)
		}
	}
	for _, w := range headers {
		req.Header.Del(w.name)
		if w.value != "" {
			req.Header.Set(w.name, w.value)
		}
	}
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return answer{resp, string(text)}
}

// json checks the status and decodes the body.
func (a answer) json(t testing.TB, status int, into any) {
	t.Helper()
	require.Equal(t, status, a.StatusCode, a.body)
	require.NoError(t, json.Unmarshal([]byte(a.body), into), a.body)
}

// value is the decoded body of a success.
func (a answer) value(t testing.TB) (v map[string]any) {
	t.Helper()
	a.json(t, http.StatusOK, &v)
	return v
}

// problem is an error as clients read it.
type problem struct {
	Type, Title, Detail, Instance string
	Status                        int
	Error                         struct {
		Code      string         `json:"code"`
		Message   string         `json:"message"`
		RequestID string         `json:"request_id"`
		Details   map[string]any `json:"details"`
	}
}

// fails checks that the answer is an error of the one shape.
func (a answer) fails(t testing.TB, status int, code string) (p problem) {
	t.Helper()
	a.json(t, status, &p)
	require.Equal(t, "application/problem+json", a.Header.Get("Content-Type"))
	require.Equal(t, code, p.Error.Code, a.body)
	require.Equal(t, status, p.Status)
	require.Equal(t, "about:blank", p.Type)
	require.Equal(t, http.StatusText(status), p.Title)
	require.NotEmpty(t, p.Detail)
	require.Equal(t, p.Detail, p.Error.Message)
	require.Equal(t, a.Header.Get("X-Request-Id"), p.Error.RequestID)
	require.Equal(t, "urn:request:"+p.Error.RequestID, p.Instance)
	require.NotNil(t, p.Error.Details)
	if status == http.StatusUnprocessableEntity {
		errs, ok := p.Error.Details["errors"].([]any)
		require.True(t, ok && len(errs) > 0, a.body)
		for _, e := range errs {
			e := members(t, e, "loc", "msg", "type")
			require.Contains(t, []any{"query", "path", "header", "body"}, e["loc"].([]any)[0], a.body)
		}
	}
	return p
}

// form is a multipart form in the making.
type form struct {
	buffer bytes.Buffer
	w      *multipart.Writer
}

func newForm() *form {
	f := &form{}
	f.w = multipart.NewWriter(&f.buffer)
	return f
}

func (f *form) field(t testing.TB, name, value string) *form {
	t.Helper()
	require.NoError(t, f.w.WriteField(name, value))
	return f
}

func (f *form) file(t testing.TB, field, name, content string) *form {
	t.Helper()
	w, err := f.w.CreateFormFile(field, name)
	require.NoError(t, err)
	_, err = io.WriteString(w, content)
	require.NoError(t, err)
	return f
}

func (f *form) close(t testing.TB) string {
	t.Helper()
	require.NoError(t, f.w.Close())
	return f.w.FormDataContentType()
}

// A shop of two records over six months, with the stock at the start of June.
const (
	columns    = "Штрихкод;Исполнитель;Альбом;Конверт;Цена, руб.;Тип;Год записи;Год выпуска;Стиль;Дата создания;"
	stockHead  = columns + "Экземпляры\n"
	salesHead  = columns + "Дата заказа\n"
	groupBlood = "46;Кино;Группа крови;SS;2990;Переиздание;1988;2015;Rock;"
	night      = "47;Кино;Ночь;;2990;Переиздание;1986;;Rock;"
)

func soldIn(month int) string {
	text := salesHead
	for day := 1; day <= 28; day += 3 + month%3 {
		text += fmt.Sprintf("%s05.11.2023;%02d.%02d.2024\n", groupBlood, day, month)
	}
	return text + fmt.Sprintf("%s05.11.2023;%02d.%02d.2024\n", night, 9, month)
}

const stock = stockHead + groupBlood + "01.02.2024;3\n" + night + "01.05.2024;1\n"

func shopForm(t testing.TB) *form {
	t.Helper()
	f := newForm().file(t, "stock_file", "stock.csv", stock)
	text := salesHead
	for month := 1; month <= 5; month++ {
		text += strings.TrimPrefix(soldIn(month), salesHead)
	}
	return f.file(t, "sales_files", "sales.csv", text).field(t, "snapshot_date", "2024-06-01")
}

// end follows a job to its end by asking, as old clients do.
func (h *house) end(t testing.TB, id string) (j map[string]any) {
	t.Helper()
	require.Eventually(t, func() bool {
		j = h.ask(t, "GET", "/api/v1/jobs/"+id, nil).value(t)
		return j["status"] != "pending" && j["status"] != "running"
	}, 20*time.Second, 5*time.Millisecond)
	return j
}

// submit sends a submission and returns the job's id.
func (h *house) submit(t testing.TB, path string, body any, headers ...with) string {
	t.Helper()
	v := h.ask(t, "POST", path, body, headers...).value(t)
	return v["job_id"].(string)
}

// fill uploads the shop.
func (h *house) fill(t testing.TB) {
	t.Helper()
	j := h.end(t, h.submit(t, "/api/v1/jobs/data-upload", shopForm(t)))
	require.Equal(t, "completed", j["status"], "%v", j["error"])
}

// train trains, and returns the model's id.
func (h *house) train(t testing.TB) string {
	t.Helper()
	j := h.end(t, h.submit(t, "/api/v1/jobs/training", nil))
	require.Equal(t, "completed", j["status"], "%v", j["error"])
	return j["result"].(map[string]any)["model_id"].(string)
}

func setKey(hash string) func(*httpapi.Options) {
	return func(o *httpapi.Options) { o.APIKeyHash = hash }
}

func withoutDocsSecurity(o *httpapi.Options) { o.DocsSecurity = false }
