package httpapi

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"

	"github.com/plastinka/predictor/domain/fault"
)

// Problem is the one shape of every error: RFC 9457's members, and those that
// clients of the Python service read.
type Problem struct {
	Type     string      `json:"type" doc:"always about:blank" example:"about:blank"`
	Title    string      `json:"title" example:"Not Found"`
	Status   int         `json:"status" example:"404"`
	Detail   string      `json:"detail" doc:"what happened and what to do, for a person"`
	Instance string      `json:"instance,omitempty" doc:"the request, as urn:request:<id>"`
	Err      ProblemBody `json:"error"`

	retryAfter int
	cause      error // logged, never sent
}

// ProblemBody is the member that clients of the Python service read.
type ProblemBody struct {
	Code      string         `json:"code" example:"job_not_found"`
	Message   string         `json:"message"`
	RequestID string         `json:"request_id"`
	Details   map[string]any `json:"details"`
}

func (p *Problem) Error() string  { return p.Detail }
func (p *Problem) Unwrap() error  { return p.cause }
func (p *Problem) GetStatus() int { return p.Status }

// ContentType makes Huma answer as RFC 9457 wants.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// GetHeaders are the headers that go with the problem.
func (p *Problem) GetHeaders() http.Header {
	h := http.Header{}
	if p.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(p.retryAfter))
	}
	return h
}

// codeBadFile marks an uploaded file that cannot be used: a validation error by
// name, but 400, as the Python service answered.
const codeBadFile = "bad_file"

const internalDetail = "an internal error occurred; the service's log has it under this request's id"

// statusOf is the one mapping from kinds of errors to statuses.
func statusOf(e *fault.Error) int {
	switch e.Kind {
	case fault.Invalid:
		if e.Code == "validation_error" {
			return http.StatusUnprocessableEntity
		}
		return http.StatusBadRequest
	case fault.Unauthenticated:
		return http.StatusUnauthorized
	case fault.NotFound:
		return http.StatusNotFound
	case fault.Conflict:
		return http.StatusConflict
	case fault.TooLarge:
		return http.StatusRequestEntityTooLarge
	case fault.TooMany:
		return http.StatusTooManyRequests
	case fault.Unavailable, fault.Cancelled:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// problem makes an error the answer of a request. What is the program's own
// fault is logged with the request and not told to strangers.
func problem(err error) *Problem {
	e := fault.Wrap("", err).(*fault.Error)
	status := statusOf(e)
	p := &Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, cause: err}
	p.Err.Code, p.Detail = e.Code, e.Error()
	if e.Code == codeBadFile {
		p.Err.Code = "validation_error"
	}
	p.Err.Details = map[string]any{}
	switch {
	case e.Kind == fault.Internal:
		p.Err.Code, p.Detail = "internal_error", internalDetail
	case status >= http.StatusInternalServerError:
		// The code says which dependency; paths and the like are for the log.
		p.Detail = "something that the service needs is not available now; try again in a moment"
		p.Err.Details["original_detail"] = map[string]any{"message": p.Detail, "code": e.Code, "status_code": status, "details": map[string]any{}}
	default:
		for k, v := range e.Details {
			p.Err.Details[k] = v
		}
		if status == http.StatusUnprocessableEntity && e.Details["errors"] == nil {
			p.Err.Details["errors"] = []Violation{{Loc: placeOf(e), Msg: e.Error(), Type: "value_error"}}
		}
		code := e.Code
		if exact, ok := e.Details["code"].(string); ok && e.Code == codeBadFile {
			code = exact
		}
		original := map[string]any{"message": e.Error(), "code": code, "status_code": status, "details": nonNilMap(e.Details)}
		if seconds, ok := e.Details["retry_after_seconds"].(int); ok {
			original["retry_after_seconds"], p.retryAfter = seconds, seconds
		}
		p.Err.Details["original_detail"] = original
	}
	p.Err.Message = p.Detail
	return p
}

// placeOf is where in a request a use case has found an error.
func placeOf(e *fault.Error) []any {
	switch parameter := e.Details["parameter"]; parameter {
	case nil:
		return []any{"body"}
	case idempotencyHeader:
		return []any{"header", parameter}
	default:
		return []any{"body", parameter}
	}
}

// below moves the places of a validation error's list to where in the request
// the thing stands that they are about.
func below(err error, place ...any) error {
	e := fault.Wrap("httpapi.below", err).(*fault.Error)
	text, _ := json.Marshal(e.Details["errors"])
	var list []Violation
	if statusOf(e) != http.StatusUnprocessableEntity || json.Unmarshal(text, &list) != nil || len(list) == 0 {
		return err
	}
	for i := range list {
		list[i].Loc = append(append([]any{}, place...), list[i].Loc...)
	}
	return e.With("errors", list)
}

func nonNilMap(m map[string]any) map[string]any {
	if m == nil {
		return map[string]any{}
	}
	return m
}

// Violation is one thing that is wrong with a request.
type Violation struct {
	Loc  []any  `json:"loc"`
	Msg  string `json:"msg"`
	Type string `json:"type"`
}

// invalid is a validation error found by a handler.
func invalid(violations ...Violation) error {
	first := "the request is not valid"
	if len(violations) > 0 {
		first = violations[0].Msg
	}
	return problem(fault.New(fault.Invalid, "validation_error", "%s", first).With("errors", violations))
}

var errorsOnce sync.Once

// setErrors makes Huma's own errors (validation, body, content type) Problems.
// The variables are Huma's registry; there is no other way in.
func setErrors() {
	errorsOnce.Do(func() {
		huma.DefaultArrayNullable = false // ours never are
		huma.NewError = func(status int, msg string, errs ...error) huma.StatusError {
			return humaProblem("", status, msg, errs)
		}
		huma.NewErrorWithContext = func(ctx huma.Context, status int, msg string, errs ...error) huma.StatusError {
			return humaProblem(ctx.Header(requestIDHeader), status, msg, errs)
		}
	})
}

// codes are those of errors that come from the HTTP layer itself.
func codeOf(status int) string {
	switch status {
	case http.StatusUnauthorized:
		return "authentication_error"
	case http.StatusNotFound:
		return "not_found"
	case http.StatusMethodNotAllowed:
		return "method_not_allowed"
	case http.StatusRequestEntityTooLarge:
		return "request_too_large"
	case http.StatusUnsupportedMediaType:
		return "unsupported_media_type"
	case http.StatusUnprocessableEntity, http.StatusBadRequest:
		return "validation_error"
	case http.StatusTooManyRequests:
		return "too_many_attempts"
	case http.StatusRequestTimeout:
		return "request_timeout"
	case http.StatusNotAcceptable:
		return "not_acceptable"
	}
	return "internal_error"
}

func humaProblem(requestID string, status int, msg string, errs []error) *Problem {
	p := &Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: msg}
	p.Err = ProblemBody{Code: codeOf(status), RequestID: requestID, Details: map[string]any{}}
	if status == http.StatusBadRequest {
		// What Huma calls a bad request (JSON that is none) is a validation error here.
		p.Status, p.Title = http.StatusUnprocessableEntity, http.StatusText(http.StatusUnprocessableEntity)
		status = p.Status
	}
	if status >= http.StatusInternalServerError {
		p.Detail = internalDetail
		if len(errs) > 0 {
			p.cause = errs[0]
		}
	}
	if status == http.StatusUnprocessableEntity {
		list := []Violation{}
		for _, err := range errs {
			v := Violation{Loc: []any{"body"}, Msg: err.Error(), Type: "value_error"}
			if d, ok := err.(huma.ErrorDetailer); ok {
				detail := d.ErrorDetail()
				v = Violation{Loc: location(detail.Location), Msg: detail.Message, Type: "value_error"}
			}
			list = append(list, v)
		}
		if len(list) == 0 {
			list = append(list, Violation{Loc: []any{"body"}, Msg: msg, Type: "value_error"})
		}
		p.Err.Details["errors"] = list
		p.Detail = "the request is not valid: " + violationText(list[0])
	}
	p.Err.Message = p.Detail
	return p
}

func violationText(v Violation) string {
	words := make([]string, len(v.Loc))
	for i, step := range v.Loc {
		if n, ok := step.(int); ok {
			words[i] = strconv.Itoa(n)
		} else {
			words[i], _ = step.(string)
		}
	}
	return strings.Join(words, ".") + ": " + v.Msg
}

// location splits Huma's body.items[3].name.
func location(path string) (loc []any) {
	for part := range strings.FieldsFuncSeq(path, func(r rune) bool { return r == '.' || r == '[' || r == ']' }) {
		if n, err := strconv.Atoi(part); err == nil {
			loc = append(loc, n)
		} else {
			loc = append(loc, part)
		}
	}
	if len(loc) == 0 {
		loc = []any{"body"}
	}
	return loc
}
