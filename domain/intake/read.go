package intake

import (
	"context"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/catalog"
	"github.com/plastinka/predictor/domain/fault"
)

// Options say how a file is read. All are required.
type Options struct {
	Name  string // for the report
	Role  Role
	Today calendar.Day
	Bins  catalog.Bins
	// Normalise brings a text to Unicode NFC. The domain knows no library for
	// it; it is called once for each distinct text that is not ASCII.
	Normalise func(string) string
}

// File is one file read: its accounting and its accepted rows, with its
// distinct raw records kept once.
type File struct {
	Report  FileReport
	records []catalog.Raw
	lots    []Lot
	sales   []Sale
}

// Read reads the rows of a file (R3–R10). Files may be read side by side, each
// from its own source. Memory grows with the accepted rows, 32 bytes each, and
// the distinct texts, not with what the file says in how many words.
func Read(ctx context.Context, src Source, o Options) (*File, error) {
	t, err := locate(ctx, src, o)
	if err != nil {
		return nil, err
	}
	r := newReader(src, o, t)
	for row, err := range src.Rows(ctx, t.sheet) {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return nil, fault.Wrap("intake.Read", err)
		}
		if row.Number > t.header.row {
			r.row(row)
		}
	}
	return r.file, nil
}

// reader reads the rows of one table.
type reader struct {
	Options
	dates1904 bool
	nextYear  int
	at        [fields]int
	texts     *texts
	index     map[catalog.Raw]int32
	file      *File

	values  [fields]value // of the row at hand
	nothing Cell          // stands for the cells that a row does not have
}

// value is a cell and its text as a person sees it; for numbers and dates in
// their own columns the text is left empty, as nobody needs it.
type value struct {
	cell *Cell
	text string
}

func (v value) empty() bool {
	return v.text == "" && (v.cell.Kind == Empty || v.cell.Kind == Text || v.cell.Kind == Error)
}

func newReader(src Source, o Options, t table) *reader {
	year, _, _ := o.Today.Date()
	return &reader{
		Options: o, dates1904: src.Date1904(), nextYear: year + 1, at: t.header.at,
		texts: newTexts(o.Normalise), index: map[catalog.Raw]int32{},
		file: &File{Report: FileReport{Name: o.Name, Role: o.Role, Format: src.Format(), Sheet: t.name,
			RowsRejected: map[string]int{}, Examples: []Example{}}},
	}
}

// row accounts for one row (R9).
func (r *reader) row(row Row) {
	if !r.load(row.Cells) {
		return // not a row: its known columns are all empty
	}
	report := &r.file.Report
	report.RowsRead++
	var lot Lot
	sale := Sale{Row: int32(row.Number)}
	if reason, f := r.judge(&lot, &sale); reason != "" {
		report.Count(reason, row.Number, r.shown(f))
		return
	}
	report.RowsAccepted++
	record, lost := r.record(sale.Price)
	if lost {
		report.BarcodeDigitsLost++
	}
	if r.Role == StockFile {
		lot.Record, lot.Row, lot.Created, lot.Price = record, sale.Row, sale.Created, sale.Price
		r.file.lots = append(r.file.lots, lot)
		return
	}
	sale.Record, sale.DigitsLost = record, lost
	if sale.Created > sale.Sold {
		report.RowsAdjusted++ // R11; Sale.Arrival corrects it
	}
	r.file.sales = append(r.file.sales, sale)
}

// load takes the row's known cells; false if all of them are empty.
func (r *reader) load(cells []Cell) bool {
	some := false
	for f := range fields {
		v := value{cell: &r.nothing}
		if i := r.at[f]; i >= 0 && i < len(cells) {
			v.cell = &cells[i]
			v.text = r.textOf(f, v.cell)
		}
		r.values[f] = v
		some = some || !v.empty()
	}
	return some
}

// textOf is a cell's text, kept once for the columns that identity is made of.
func (r *reader) textOf(f field, c *Cell) string {
	switch f {
	case price, createdDate, soldDate, copies:
		if c.Kind != Text {
			return ""
		}
		if s := collapse(c.Text); !isErrorName(s) {
			return s
		}
		return ""
	case recordingYear, releaseYear:
		if c.Kind == Date {
			if d, ok := serialDay(c.Number, r.dates1904); ok {
				return strconv.Itoa(d.Month().Year())
			}
		}
	}
	return r.texts.text(c, r.dates1904)
}

// judge applies the rules of rows in their order (R9, R10): the first that is
// broken, and the field that breaks it. It reads the numbers and dates as it
// goes; the price and the arrival of a lot are left in sale.
func (r *reader) judge(lot *Lot, sale *Sale) (reason string, f field) {
	v := &r.values
	for _, required := range [...]struct {
		field  field
		reason string
	}{{artist, "missing_artist"}, {album, "missing_album"}, {releaseType, "missing_release_type"}, {price, "missing_price"}} {
		if v[required.field].empty() {
			return required.reason, required.field
		}
	}
	var ok bool
	if sale.Price, ok = cellPrice(v[price].cell, v[price].text); !ok {
		return "invalid_price", price
	}
	if reason, f = r.judgeDates(sale); reason != "" {
		return reason, f
	}
	if r.Role == StockFile {
		if lot.Count, ok = cellCopies(v[copies].cell, v[copies].text); !ok {
			return "invalid_count", copies
		}
	}
	if year, ok := catalog.RecordingYear(v[recordingYear].text); !ok || year > r.nextYear {
		return "invalid_recording_year", recordingYear
	}
	return "", 0
}

// judgeDates: first whether a date is missing, then whether one is none, then
// whether one lies in the future.
func (r *reader) judgeDates(sale *Sale) (reason string, f field) {
	dates := []field{createdDate, soldDate}
	days := [...]*calendar.Day{&sale.Created, &sale.Sold}
	if r.Role == StockFile {
		dates = dates[:1]
	}
	for _, f := range dates {
		if r.values[f].empty() {
			return "missing_date", f
		}
	}
	for i, f := range dates {
		var ok bool
		if *days[i], ok = cellDay(r.values[f].cell, r.values[f].text, r.dates1904); !ok {
			return "invalid_date", f
		}
	}
	for i, f := range dates {
		if *days[i] > r.Today {
			return "date_in_future", f
		}
	}
	return "", 0
}

// record is the row's raw record, as an index into the file's distinct ones;
// lost says that its barcode has lost its digits.
func (r *reader) record(rub float64) (record int32, lost bool) {
	v := &r.values
	code, lost := cellBarcode(v[barcode].cell, v[barcode].text)
	raw := catalog.Raw{
		Barcode: code, Artist: v[artist].text, Album: v[album].text, Cover: v[coverType].text,
		PriceCategory: r.Bins.Category(rub), ReleaseType: v[releaseType].text,
		RecordingYear: v[recordingYear].text, ReleaseYear: v[releaseYear].text, Style: v[style].text,
	}
	i, ok := r.index[raw]
	if !ok {
		i = int32(len(r.file.records))
		r.index[raw] = i
		r.file.records = append(r.file.records, raw)
	}
	return i, lost
}

// shown is a cell for the list of rejected rows, shortened.
func (r *reader) shown(f field) string {
	const most = 60 // characters
	c := r.values[f].cell
	s := c.Text
	if c.Kind != Text && c.Kind != Error {
		s = r.texts.text(c, r.dates1904)
	}
	s = collapse(s)
	if utf8.RuneCountInString(s) > most {
		s = string([]rune(s)[:most-1]) + "…"
	}
	return strings.Clone(s)
}

// Check refuses a file of which no row was accepted (R9).
func (f *File) Check() error {
	r := f.Report
	if r.RowsAccepted > 0 {
		return nil
	}
	if r.RowsRead == 0 {
		return fault.New(fault.Invalid, "no_rows_accepted", "the file has no rows below its header; export it again")
	}
	first := r.Examples[0]
	return fault.New(fault.Invalid, "no_rows_accepted", "none of the file's %d rows can be used; the first, row %d, is rejected as %s (%q); correct the rows listed and export again",
		r.RowsRead, first.Row, first.Reason, first.Value)
}
