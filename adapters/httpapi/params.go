package httpapi

import (
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/catalog"
)

// LenientBool is a boolean of a query or a form, as old clients write it.
type LenientBool string

// Schema documents it as what it means.
func (LenientBool) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: "string", Description: "true/false, 1/0, yes/no, on/off, t/f, y/n in any case", Pattern: lenientPattern(),
		Examples: []any{"true"}}
}

// lenientPattern spells out both cases: other programs' regular expressions
// know no (?i).
func lenientPattern() string {
	var words []string
	for _, word := range []string{"true", "false", "yes", "no", "on", "off", "t", "f", "y", "n"} {
		var b strings.Builder
		for _, c := range word {
			b.WriteString("[" + string(c) + strings.ToUpper(string(c)) + "]")
		}
		words = append(words, b.String())
	}
	return "^(1|0|" + strings.Join(words, "|") + ")?$"
}

// Or is the value, def if it was not given.
func (b LenientBool) Or(def bool) bool {
	switch strings.ToLower(string(b)) {
	case "true", "1", "yes", "on", "t", "y":
		return true
	case "false", "0", "no", "off", "f", "n":
		return false
	}
	return def
}

// valid reports whether b is a boolean or not given.
func (b LenientBool) valid() bool { return b == "" || b.Or(true) == b.Or(false) }

// optional is a parameter whose absence is not its zero value.
type optional[T any] struct {
	Value T
	IsSet bool
}

// Schema is that of the value.
func (optional[T]) Schema(r huma.Registry) *huma.Schema {
	return huma.SchemaFromType(r, reflect.TypeFor[T]())
}

// Receiver is where Huma puts the value.
func (o *optional[T]) Receiver() reflect.Value { return reflect.ValueOf(o).Elem().Field(0) }

// OnParamSet is Huma's word on whether the parameter was there.
func (o *optional[T]) OnParamSet(isSet bool, _ any) { o.IsSet = isSet }

// or is the value if it was given.
func (o optional[T]) or(def T) T {
	if o.IsSet {
		return o.Value
	}
	return def
}

// trimDay leaves the day of a date as old clients write it, with midnight and Z.
func trimDay(text string) string {
	return strings.TrimSuffix(strings.TrimSuffix(strings.TrimSpace(text), "Z"), "T00:00:00")
}

// day reads a date of a body; null and empty are absent.
func day(field string, text *string) (*calendar.Day, error) {
	if text == nil || *text == "" {
		return nil, nil
	}
	d, err := calendar.ParseDay(trimDay(*text))
	if err != nil {
		return nil, invalid(Violation{Loc: []any{"body", field}, Msg: err.Error(), Type: "date_parsing"})
	}
	return &d, nil
}

// instant reads a time as old clients write it: RFC 3339, without a zone (UTC),
// or a day.
func instant(text string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05", time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

// productCursor reads a cursor that is a product's id.
func productCursor(text string) (catalog.ID, error) {
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0, invalid(Violation{Loc: []any{"query", "cursor"}, Msg: "is not a next_cursor that was answered before", Type: "value_error"})
	}
	return catalog.ID(n), nil
}

// cursorOf is the other way; "" on the last page.
func cursorOf(id catalog.ID) string {
	if id == 0 {
		return ""
	}
	return strconv.FormatInt(int64(id), 10)
}
