package intake

import (
	"slices"
	"strings"

	"github.com/plastinka/predictor/domain/fault"
)

// field is what a column means.
type field uint8

const (
	barcode field = iota
	artist
	album
	coverType
	price
	releaseType
	recordingYear
	releaseYear
	style
	createdDate
	soldDate
	copies
	fields // how many there are
)

// column says how a field's column is called and which files need it.
type column struct {
	field   field
	name    string // in messages and details
	headers []string
	only    Role // "": both roles
}

// described is the column for a person: its name and the headers it may have.
func (c column) described() string {
	return c.name + " (“" + strings.Join(c.headers, "”, “") + "”)"
}

// columns is the table of §1.2. Of the twelve, each role needs eleven.
func columns() []column {
	return []column{
		{barcode, "barcode", []string{"Штрихкод", "Barcode"}, ""},
		{artist, "artist", []string{"Исполнитель", "Artist"}, ""},
		{album, "album", []string{"Альбом", "Album"}, ""},
		{coverType, "cover_type", []string{"Конверт", "Cover"}, ""},
		{price, "price", []string{"Цена, руб.", "Price"}, ""},
		{releaseType, "release_type", []string{"Тип", "Type"}, ""},
		{recordingYear, "recording_year", []string{"Год записи", "Recording year"}, ""},
		{releaseYear, "release_year", []string{"Год выпуска", "Release year"}, ""},
		{style, "style", []string{"Стиль", "Style"}, ""},
		{createdDate, "created_date", []string{"Дата создания", "Дата добавления", "Created"}, ""},
		{soldDate, "sold_date", []string{"Дата заказа", "Дата продажи", "Sold"}, SalesFile},
		{copies, "count", []string{"Экземпляры", "Count"}, StockFile},
	}
}

// HeaderNames are all names that a known column may have, in either language.
func HeaderNames() []string {
	var names []string
	for _, c := range columns() {
		names = append(names, c.headers...)
	}
	return names
}

// needed are the columns of a role, all of them required to be there.
func needed(role Role) []column {
	return slices.DeleteFunc(columns(), func(c column) bool { return c.only != "" && c.only != role })
}

// headerRows is how far down a sheet its header row may stand (R3).
const headerRows = 20

// header is a row of a sheet read as column names.
type header struct {
	row     int         // its number; 0: no such row
	at      [fields]int // the cell of each field, −1 without one
	found   []string    // all names in the row, as given
	missing []column    // required columns without a cell
	doubled []string    // fields with several cells, with the names found
	matched int         // how many fields have a cell
}

// isHeader: at least half of the required columns are there (R3).
func (h *header) isHeader(needed []column) bool { return 2*h.matched >= len(needed) }

// readHeader reads a row as column names.
func readHeader(row Row, needed []column, clean func(string) string) *header {
	h := &header{row: row.Number}
	for i := range h.at {
		h.at[i] = -1
	}
	names := make([]string, len(row.Cells))
	for i, c := range row.Cells {
		if c.Kind == Text {
			names[i] = clean(c.Text)
		}
		if names[i] != "" {
			h.found = append(h.found, names[i])
		}
	}
	for _, c := range needed {
		var called []string
		for i, name := range names {
			if !slices.ContainsFunc(c.headers, func(known string) bool { return strings.EqualFold(known, name) }) {
				continue
			}
			if called = append(called, name); len(called) == 1 {
				h.at[c.field] = i
			}
		}
		switch len(called) {
		case 0:
			h.missing = append(h.missing, c)
			continue
		case 1:
		default:
			h.doubled = append(h.doubled, c.name+" (“"+strings.Join(called, "”, “")+"”)")
		}
		h.matched++
	}
	return h
}

// check refuses a header row without a required column (R5) or, if all are
// there, with two for one field (R3).
func (h *header) check(where string) error {
	if len(h.missing) > 0 {
		var names, described []string
		for _, c := range h.missing {
			names = append(names, c.name)
			described = append(described, c.described())
		}
		return fault.New(fault.Invalid, "missing_columns", "%s lacks the column %s; the headers found are %s; %s",
			where, strings.Join(described, ", "), listed(h.found), h.advice()).
			With("missing", names).With("found", h.found)
	}
	if len(h.doubled) > 0 {
		return fault.New(fault.Invalid, "duplicate_columns", "%s has several columns for one thing: %s; leave one of each",
			where, strings.Join(h.doubled, ", ")).With("columns", h.doubled)
	}
	return nil
}

// advice sees the commonest slip: the two kinds of files taken for each other.
func (h *header) advice() string {
	if len(h.missing) == 1 {
		switch h.missing[0].field {
		case soldDate:
			return "a sales file needs it; is this the stock file?"
		case copies:
			return "a stock file needs it; is this a sales file?"
		}
	}
	return "add what is missing, or rename the columns that hold it"
}

func listed(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return "“" + strings.Join(names, "”, “") + "”"
}
