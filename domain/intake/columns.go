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

// column says how a field's column is called and which files need it. The
// first header is the one that messages name.
type column struct {
	field   field
	headers []string
	only    Role // "": both roles
}

// columns is the table of §1.2. Of the twelve, each role needs eleven.
func columns() []column {
	return []column{
		{barcode, []string{"Штрихкод", "Barcode"}, ""},
		{artist, []string{"Исполнитель", "Artist"}, ""},
		{album, []string{"Альбом", "Album"}, ""},
		{coverType, []string{"Конверт", "Cover"}, ""},
		{price, []string{"Цена, руб.", "Price"}, ""},
		{releaseType, []string{"Тип", "Type"}, ""},
		{recordingYear, []string{"Год записи", "Recording year"}, ""},
		{releaseYear, []string{"Год выпуска", "Release year"}, ""},
		{style, []string{"Стиль", "Style"}, ""},
		{createdDate, []string{"Дата создания", "Дата добавления", "Created"}, ""},
		{soldDate, []string{"Дата заказа", "Дата продажи", "Sold"}, SalesFile},
		{copies, []string{"Экземпляры", "Count"}, StockFile},
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
	missing []string    // required columns without a cell
	doubled []string    // fields with several cells, with the names found
	matched int         // how many fields have a cell
}

// isHeader: at least half of the required columns are there (R3).
func (h *header) isHeader(needed []column) bool { return 2*h.matched >= len(needed) }

// complete: all required columns are there.
func (h *header) complete() bool { return h.row > 0 && len(h.missing) == 0 }

// readHeader reads a row as column names.
func readHeader(row Row, needed []column, clean func(string) string) *header {
	h := &header{row: row.Number}
	names := make([]string, len(row.Cells))
	for i, c := range row.Cells {
		if c.Kind == Text {
			names[i] = clean(c.Text)
		}
		if names[i] != "" {
			h.found = append(h.found, names[i])
		}
	}
	for i := range h.at {
		h.at[i] = -1
	}
	for _, c := range needed {
		var cells []string
		for i, name := range names {
			if slices.ContainsFunc(c.headers, func(known string) bool { return strings.EqualFold(known, name) }) {
				if len(cells) == 0 {
					h.at[c.field] = i
				}
				cells = append(cells, name)
			}
		}
		switch {
		case len(cells) == 0:
			h.missing = append(h.missing, c.headers[0])
		case len(cells) > 1:
			h.doubled = append(h.doubled, strings.Join(cells, ", "))
		}
		h.matched += min(len(cells), 1)
	}
	return h
}

// check refuses a header row without a required column (R5) or with two for
// one field (R3).
func (h *header) check(where string, role Role) error {
	if len(h.missing) > 0 {
		advice := "add the columns, or rename the ones that hold this"
		if h.at[barcode] >= 0 && len(h.missing) == 1 {
			switch h.missing[0] {
			case "Дата заказа":
				advice += " (is this the stock file?)"
			case "Экземпляры":
				advice += " (is this a sales file?)"
			}
		}
		return fault.New(fault.Invalid, "missing_columns", "%s has no column %s; found were: %s; %s",
			where, strings.Join(h.missing, ", "), orNothing(h.found), advice).
			With("missing", h.missing).With("found", h.found).With("role", role)
	}
	if len(h.doubled) > 0 {
		return fault.New(fault.Invalid, "duplicate_columns", "%s has several columns for one thing: %s; leave one of each",
			where, strings.Join(h.doubled, "; ")).With("columns", h.doubled)
	}
	return nil
}

func orNothing(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}
