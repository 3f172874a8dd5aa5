package report

import (
	"strings"

	"github.com/plastinka/predictor/domain/fault"
)

// Format is how a report is written.
type Format string

// The formats.
const (
	HTML Format = "html"
	CSV  Format = "csv"
	XLSX Format = "xlsx"
	JSON Format = "json"
)

// MediaType is what the format is called in HTTP.
func (f Format) MediaType() string {
	switch f {
	case HTML:
		return "text/html; charset=utf-8"
	case CSV:
		return "text/csv; charset=utf-8"
	case XLSX:
		return "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	}
	return "application/json"
}

// ParseFormat reads a format's name.
func ParseFormat(name string) (Format, error) {
	switch f := Format(strings.ToLower(name)); f {
	case HTML, CSV, XLSX, JSON:
		return f, nil
	}
	return "", fault.New(fault.Invalid, "validation_error", "%q is no report format; use html, csv, xlsx or json", name)
}

// Language is the language of a report's words.
type Language string

// The languages.
const (
	Russian Language = "ru"
	English Language = "en"
)

// ParseLanguage reads a language's name; "" is Russian.
func ParseLanguage(name string) (Language, error) {
	switch strings.ToLower(name) {
	case "", "ru":
		return Russian, nil
	case "en":
		return English, nil
	}
	return "", fault.New(fault.Invalid, "validation_error", "%q is no language of the report; use ru or en", name)
}
