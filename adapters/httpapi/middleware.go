package httpapi

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"path"
	"regexp"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/plastinka/predictor/domain/fault"
)

const (
	requestIDHeader   = "X-Request-Id"
	idempotencyHeader = "Idempotency-Key"
)

// chain puts the plain middleware around the mux, outermost first.
func (s *Service) chain(next http.Handler) http.Handler {
	for _, wrap := range slices.Backward([]func(http.Handler) http.Handler{
		s.identify, s.recover, s.secure, s.limit,
	}) {
		next = wrap(next)
	}
	return next
}

var requestIDForm = regexp.MustCompile(`^[A-Za-z0-9._-]{1,128}$`)

// identify gives the request its id, and logs it when it is done.
func (s *Service) identify(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get(requestIDHeader)
		if !requestIDForm.MatchString(id) {
			id = randomID()
			r.Header.Set(requestIDHeader, id)
		}
		w.Header().Set(requestIDHeader, id)
		start := time.Now() // a duration, not an instant: no clock's business
		rec := &recorder{ResponseWriter: w, control: http.NewResponseController(w), pause: s.pace.writePause}
		s.metrics.running.Inc()
		defer s.metrics.running.Dec()
		next.ServeHTTP(rec, r)
		took := time.Since(start)
		s.metrics.answered(rec.operation, r.Method, rec.status(), took)
		s.log.LogAttrs(r.Context(), slog.LevelInfo, "request", slog.String("request_id", id), slog.String("method", r.Method),
			slog.String("path", r.URL.Path), slog.Int("status", rec.status()), slog.Int64("bytes", rec.bytes),
			slog.Duration("duration", took), slog.String("address", clientAddress(r)))
	})
}

func randomID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// recorder remembers what was answered, and drops clients that do not take it.
type recorder struct {
	http.ResponseWriter
	control   *http.ResponseController
	pause     time.Duration
	body      *movingBody // of the request; nil if there is none
	operation string      // of the API, once it is known
	code      int
	bytes     int64
}

// moving gives the next writing its time. The deadline stays with the
// connection, so that every answer must set its own.
func (r *recorder) moving() {
	if r.code == 0 && r.body != nil {
		r.body.answering(r.Header())
	}
	_ = r.control.SetWriteDeadline(time.Now().Add(r.pause))
}

func (r *recorder) WriteHeader(code int) {
	r.moving()
	if r.code == 0 && code >= 200 {
		r.code = code
	}
	r.ResponseWriter.WriteHeader(code)
}

func (r *recorder) Write(b []byte) (int, error) {
	r.moving()
	if r.code == 0 {
		r.code = http.StatusOK
	}
	n, err := r.ResponseWriter.Write(b)
	r.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

func (r *recorder) status() int {
	if r.code == 0 {
		return http.StatusOK
	}
	return r.code
}

// recover turns a panic into a 500 and a logged stack.
func (s *Service) recover(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec := w.(*recorder)
		defer func() {
			p := recover()
			if p == http.ErrAbortHandler {
				panic(p) // the server closes the connection: half an answer must be seen to be half
			}
			if p == nil {
				return
			}
			s.log.Error("request panicked", "request_id", r.Header.Get(requestIDHeader), "panic", p, "stack", string(debug.Stack()))
			if rec.code != 0 {
				panic(http.ErrAbortHandler)
			}
			s.refuse(w, r, fault.New(fault.Internal, "internal_error", "panic"), "")
		}()
		next.ServeHTTP(w, r)
	})
}

// secure sets the headers of every answer, and CORS for the allowed origins.
func (s *Service) secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-store")
		h.Set("Referrer-Policy", "no-referrer")
		if len(s.opts.AllowedOrigins) > 0 {
			h.Add("Vary", "Origin")
		}
		origin := r.Header.Get("Origin")
		if origin != "" && slices.Contains(s.opts.AllowedOrigins, origin) {
			h.Set("Access-Control-Allow-Origin", origin)
			h.Set("Access-Control-Allow-Credentials", "true")
			h.Set("Access-Control-Expose-Headers", requestIDHeader+", Retry-After")
			if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
				h.Set("Access-Control-Allow-Methods", "GET, HEAD, POST")
				if asked := r.Header.Get("Access-Control-Request-Headers"); asked != "" {
					h.Set("Access-Control-Allow-Headers", asked)
				}
				h.Set("Access-Control-Max-Age", "600")
				w.WriteHeader(http.StatusNoContent)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// fallback answers what the mux does not know: a trailing slash like the path
// without, another method with Allow, anything else with not_found. A path that
// the API names literally is that path, also for the methods it does not have:
// GET /api/v1/jobs/training does not ask for a job called training.
func (s *Service) fallback(mux *http.ServeMux, literal map[string][]string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p := r.URL.Path; len(p) > 1 && strings.HasSuffix(p, "/") {
			r = r.Clone(r.Context())
			r.URL.Path, r.URL.RawPath = strings.TrimRight(p, "/"), strings.TrimRight(r.URL.RawPath, "/")
		}
		if p := r.URL.EscapedPath(); path.Clean(p) != p { // the mux would redirect
			s.refuse(w, r, nothingHere(), "")
			return
		}
		allow, known := literal[r.URL.Path]
		if matches(mux, r) && (!known || slices.Contains(allow, r.Method)) {
			mux.ServeHTTP(w, r)
			return
		}
		if !known {
			allow = allowed(mux, r)
		}
		if len(allow) == 0 {
			s.refuse(w, r, nothingHere(), "")
			return
		}
		w.Header().Set("Allow", strings.Join(allow, ", "))
		s.refuse(w, r, problemStatus(http.StatusMethodNotAllowed, r.Method+" is not possible here; see the Allow header"), "")
	})
}

func nothingHere() error {
	return fault.New(fault.NotFound, "not_found", "there is nothing at this path; /docs describes what there is")
}

// literalPaths are the methods of the paths without parameters.
func literalPaths(api *huma.OpenAPI) map[string][]string {
	literal := map[string][]string{}
	for name, item := range api.Paths {
		if strings.Contains(name, "{") {
			continue
		}
		if item.Get != nil {
			literal[name] = append(literal[name], http.MethodGet, http.MethodHead)
		}
		if item.Post != nil {
			literal[name] = append(literal[name], http.MethodPost)
		}
	}
	return literal
}

// matches reports whether the mux has an operation for the request. The mux
// takes the pattern of the root for that of everything below it.
func matches(mux *http.ServeMux, r *http.Request) bool {
	_, pattern := mux.Handler(r)
	return pattern != "" && (pattern != "GET /" || r.URL.Path == "/")
}

// allowed are the methods that the mux knows for the request's path.
func allowed(mux *http.ServeMux, r *http.Request) (list []string) {
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodPatch} {
		probe := r.Clone(r.Context())
		probe.Method = method
		if matches(mux, probe) {
			list = append(list, method)
		}
	}
	return list
}

// refuse answers a request that reached no operation with an error.
func (s *Service) refuse(w http.ResponseWriter, r *http.Request, err error, challenge string) {
	if challenge != "" && fault.KindOf(err) == fault.Unauthenticated {
		w.Header().Set("WWW-Authenticate", challenge)
	}
	p, ok := errors.AsType[*Problem](err)
	if !ok {
		p = problem(err)
	}
	if p.Status >= http.StatusInternalServerError {
		s.log.Error("request failed", "request_id", r.Header.Get(requestIDHeader), "status", p.Status, "error", p.cause)
	}
	s.write(w, r, p)
}

func (s *Service) write(w http.ResponseWriter, r *http.Request, p *Problem) {
	p.Err.RequestID = r.Header.Get(requestIDHeader)
	p.Instance = "urn:request:" + p.Err.RequestID
	if p.Err.Message == "" {
		p.Err.Message = p.Detail
	}
	if p.retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(p.retryAfter))
	}
	b, err := json.Marshal(p)
	if err != nil {
		b = []byte(`{}`)
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Content-Length", strconv.Itoa(len(b)))
	w.WriteHeader(p.Status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(b)
	}
}
