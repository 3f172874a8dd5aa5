package report

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/plastinka/predictor/domain/catalog"
	"github.com/plastinka/predictor/domain/fault"
)

// Filters choose products by equality of attributes: name → value as text.
type Filters map[string]string

// ParseFilters reads filters as a client writes them: text, or a number for the
// year; null is absent. record_year is recording_year. An unknown name or a
// value of another type is Invalid: validation_error.
func ParseFilters(given map[string]any) (Filters, error) {
	f := Filters{}
	for name, v := range given {
		canonical := name
		if name == "record_year" {
			canonical = "recording_year"
		}
		if !slices.Contains(catalog.Attributes(), canonical) {
			return nil, fault.New(fault.Invalid, "validation_error", "filter %q is none of the attributes; use one of %s",
				name, strings.Join(catalog.Attributes(), ", ")).With("parameter", name)
		}
		if v == nil {
			continue
		}
		text, ok := filterText(v)
		if !ok {
			return nil, fault.New(fault.Invalid, "validation_error", "filter %q must be text or a whole number, not %v", name, v).With("parameter", name)
		}
		if old, twice := f[canonical]; twice && old != text {
			return nil, fault.New(fault.Invalid, "validation_error",
				"filters recording_year and record_year name two years; give one of them").With("parameter", name)
		}
		f[canonical] = text
	}
	return f, nil
}

func filterText(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case int:
		return strconv.Itoa(v), true
	case int64:
		return strconv.FormatInt(v, 10), true
	case json.Number:
		return v.String(), true
	case float64:
		if v == float64(int64(v)) {
			return fmt.Sprintf("%d", int64(v)), true
		}
	}
	return "", false
}

// Match reports whether p has every value that f asks for.
func (f Filters) Match(p catalog.Product) bool {
	if len(f) == 0 {
		return true
	}
	values := p.Values()
	for i, name := range catalog.Attributes() {
		if want, ok := f[name]; ok && values[i] != want {
			return false
		}
	}
	return true
}
