// Package fault is the one error type of the system.
//
// An Error says what kind of failure it is (for the HTTP status and the exit
// code), which exact rule was broken (Code, the word of the specification that
// programs read), where it happened, and what a person can do next. Adapters
// translate foreign errors into it once, at their edge; everything above only
// adds places by Wrap.
package fault

import (
	"context"
	"errors"
	"fmt"
	"maps"
)

// Kind is the class of a failure. HTTP statuses and exit codes follow from it.
type Kind string

// The kinds.
const (
	Invalid         Kind = "invalid"         // the input is wrong: the caller must change it
	Unauthenticated Kind = "unauthenticated" // credentials are missing, wrong or expired
	NotFound        Kind = "not_found"       // what was named does not exist
	Conflict        Kind = "conflict"        // it contradicts what is stored, or somebody else was faster
	TooLarge        Kind = "too_large"       // over a limit
	TooMany         Kind = "too_many"        // asked again too soon; see RetryAfter in Details
	Unavailable     Kind = "unavailable"     // a dependency is down or busy: may pass
	Cancelled       Kind = "cancelled"       // somebody asked to stop
	Internal        Kind = "internal"        // a defect of this program
)

// Error is every error that crosses a package boundary.
type Error struct {
	Kind    Kind
	Code    string         // the specification's word, e.g. "missing_columns"
	Op      string         // where in the program, e.g. "sqlite.StoreMonth"
	Message string         // for a person: what, where, what to do next
	Details map[string]any // for programs: file, sheet, row, months, …
	Err     error          // the cause, if any
}

// New makes an error from its kind, code and a formatted message.
func New(kind Kind, code, format string, args ...any) *Error {
	return &Error{Kind: kind, Code: code, Message: fmt.Sprintf(format, args...)}
}

// Wrap adds the place op to err and keeps its kind, code and details. An error
// that is not ours becomes Internal, a context's end Cancelled. Wrap(op, nil)
// is nil.
func Wrap(op string, err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return &Error{Kind: e.Kind, Code: e.Code, Op: op, Message: e.Message, Details: e.Details, Err: err}
	}
	kind, code := Internal, "internal_error"
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		kind, code = Cancelled, "cancelled"
	}
	return &Error{Kind: kind, Code: code, Op: op, Message: err.Error(), Err: err}
}

// With returns a copy of e with one more detail.
func (e *Error) With(key string, value any) *Error {
	c := *e
	c.Details = maps.Clone(e.Details)
	if c.Details == nil {
		c.Details = map[string]any{}
	}
	c.Details[key] = value
	return &c
}

// Because returns a copy of e with the cause err.
func (e *Error) Because(err error) *Error {
	c := *e
	c.Err = err
	return &c
}

// Error is the message for a person, without the program's own places.
func (e *Error) Error() string {
	if e.Message != "" {
		return e.Message
	}
	if e.Err != nil {
		return e.Err.Error()
	}
	return e.Code
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// KindOf is the kind of the outermost Error in err's chain; Cancelled for a
// context's end, else Internal. KindOf(nil) is "".
func KindOf(err error) Kind {
	if err == nil {
		return ""
	}
	return Wrap("", err).(*Error).Kind
}

// CodeOf is the code of the outermost Error in err's chain, "" for nil.
func CodeOf(err error) string {
	if err == nil {
		return ""
	}
	return Wrap("", err).(*Error).Code
}
