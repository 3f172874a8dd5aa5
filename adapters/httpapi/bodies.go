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

// What a body may cost. A slow client is dropped by its progress, not by a limit
// on the whole: an upload of hundreds of megabytes over a poor line is fine as
// long as it moves.
const (
	maxJSON     = 1 << 20 // bytes
	bodyPause   = 30 * time.Second
	bodyGrace   = 30 * time.Second
	bodySlowest = 4 << 10 // bytes a second, after the grace
	writePause  = 60 * time.Second
)

// errSlow is why a body's reading ended that did not move.
var errSlow = errors.New("the client sends too slowly")

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
			body := &movingBody{ReadCloser: http.MaxBytesReader(w, r.Body, most), control: http.NewResponseController(w), began: time.Now()}
			r.Body = body
			defer body.rest()
		}
		next.ServeHTTP(w, r)
	})
}

// readJSON takes in the body of an operation that has one, if it is no form:
// what can go wrong with it is said in our words.
func readJSON(r *http.Request, op *huma.Operation) error {
	if op.RequestBody == nil || r.Body == nil || mediaType(r) == "multipart/form-data" {
		return nil
	}
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return brokenBody(err, "the body is broken off")
	}
	r.Body = io.NopCloser(bytes.NewReader(b))
	return nil
}

// brokenBody is the error of a body that cannot be read further.
func brokenBody(err error, otherwise string) error {
	if most, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return problem(tooLarge(most.Limit))
	}
	if errors.Is(err, errSlow) {
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
	began   time.Time
	read    int64
	done    bool
}

func (b *movingBody) Read(p []byte) (int, error) {
	if !b.done {
		until := time.Now().Add(bodyPause)
		if slowest := b.began.Add(bodyGrace + time.Duration(b.read)*time.Second/bodySlowest); slowest.Before(until) {
			until = slowest
		}
		_ = b.control.SetReadDeadline(until) // a connection without deadlines (a test's) has none
	}
	n, err := b.ReadCloser.Read(p)
	b.read += int64(n)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return n, errors.Join(errSlow, err)
	}
	if err != nil {
		b.rest()
	}
	return n, err
}

// rest takes the deadline away when the body has been read: the connection's
// next reading is the server's own.
func (b *movingBody) rest() {
	if !b.done {
		b.done = true
		_ = b.control.SetReadDeadline(time.Time{})
	}
}
