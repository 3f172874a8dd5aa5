package httpapi

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/plastinka/predictor/domain/fault"
)

// maxJSON is the largest body that is no form, bytes.
const maxJSON = 1 << 20

// pace is how slow a client may be. It is dropped by its progress, not by a
// limit on the whole: an upload of hundreds of megabytes over a poor line is
// fine as long as it moves.
type pace struct {
	bodyPause   time.Duration // between two pieces of a body
	bodyGrace   time.Duration // before the body's rate counts
	bodySlowest int64         // bytes a second
	writePause  time.Duration // for taking a piece of an answer
	eventsAlive time.Duration // of silence, before a comment says that the stream lives
}

func usualPace() pace {
	return pace{bodyPause: 30 * time.Second, bodyGrace: 30 * time.Second, bodySlowest: 4 << 10, writePause: time.Minute, eventsAlive: 15 * time.Second}
}

// limit refuses a body that says it is too large before reading it, cuts off
// one that turns out to be, and gives up one that does not come.
func (s *Service) limit(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		most := int64(maxJSON)
		if mediaType(r) == "multipart/form-data" {
			most = s.opts.MaxUploadSize
		}
		if r.ContentLength > most {
			w.Header().Set("Connection", "close")
			s.refuse(w, r, tooLarge(most), "")
			return
		}
		if r.Body != nil && r.Body != http.NoBody {
			body := &movingBody{ReadCloser: http.MaxBytesReader(w, r.Body, most), control: http.NewResponseController(w), pace: s.pace, began: time.Now()}
			r.Body = body
			if rec, ok := w.(*recorder); ok {
				rec.body = body
			}
		}
		next.ServeHTTP(w, r)
	})
}

// readJSON takes in the body of an operation that has one, if that is no form:
// what can go wrong with it is said in our words. No Content-Type means JSON,
// and a body that is null means none.
func readJSON(r *http.Request, op *huma.Operation) error {
	if op.RequestBody == nil || op.RequestBody.Content["application/json"] == nil || r.Body == nil {
		return nil
	}
	kind := mediaType(r)
	if kind != "" && kind != "application/json" && !(strings.HasPrefix(kind, "application/") && strings.HasSuffix(kind, "+json")) {
		return problemStatus(http.StatusUnsupportedMediaType, "send the body as application/json")
	}
	r.Header.Set("Content-Type", "application/json")
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return brokenBody(r, err, "the body is broken off")
	}
	if !op.RequestBody.Required && string(bytes.TrimSpace(b)) == "null" {
		b = nil
	}
	r.Body = io.NopCloser(bytes.NewReader(b))
	return nil
}

// brokenBody is the error of a body that cannot be read further.
func brokenBody(r *http.Request, err error, otherwise string) error {
	if most, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return problem(tooLarge(most.Limit))
	}
	if body, ok := r.Body.(*movingBody); ok && body.slow { // the form's reader hides errors
		return problemStatus(http.StatusRequestTimeout, "the request came too slowly; try again")
	}
	if e, ok := errors.AsType[*fault.Error](err); ok && e.Kind != fault.Internal {
		return problem(e)
	}
	return invalid(Violation{Loc: []any{"body"}, Msg: otherwise, Type: "value_error"})
}

func tooLarge(most int64) error {
	return fault.New(fault.TooLarge, "upload_too_large", "the request is larger than %d bytes, the most that is taken", most).With("limit_bytes", most)
}

func mediaType(r *http.Request) string {
	t, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	return strings.ToLower(strings.TrimSpace(t))
}

// movingBody is a request's body that must move.
type movingBody struct {
	io.ReadCloser
	control *http.ResponseController
	pace    pace
	began   time.Time
	read    int64
	done    bool // all of it was read
	slow    bool // it was given up
}

func (b *movingBody) Read(p []byte) (int, error) {
	if !b.done && !b.slow {
		until := time.Now().Add(b.pace.bodyPause)
		if slowest := b.began.Add(b.pace.bodyGrace + time.Duration(b.read/b.pace.bodySlowest)*time.Second); slowest.Before(until) {
			until = slowest
		}
		_ = b.control.SetReadDeadline(until) // a connection without deadlines (a test's) has none
	}
	n, err := b.ReadCloser.Read(p)
	b.read += int64(n)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		b.slow = true
		return n, err
	}
	if errors.Is(err, io.EOF) {
		// The connection's next reading is the server's own: a deadline that
		// passed in it would end the request's context.
		b.done = true
		_ = b.control.SetReadDeadline(time.Time{})
	}
	return n, err
}

// answering is called before the first byte of the answer. The server reads what
// is left of a body before it answers, and waits for it; not for long.
func (b *movingBody) answering(h http.Header) {
	switch {
	case b.done:
	case b.slow:
		h.Set("Connection", "close")
	default:
		_ = b.control.SetReadDeadline(time.Now().Add(min(b.pace.bodyPause, 5*time.Second)))
	}
}
