package intake

import (
	"context"
	"iter"

	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/catalog"
)

// Role is what a file of an upload is.
type Role string

// The roles.
const (
	StockFile Role = "stock"
	SalesFile Role = "sales"
)

// Source is an open file of tables; ports.Workbook is one. Its sheets may be
// read several times, one after another.
type Source interface {
	Format() string // "xlsx", "xls", "csv"
	Sheets() []Sheet
	// Date1904 reports the workbook's date system.
	Date1904() bool
	// Rows yields the sheet's rows in order; blank rows may be left out, but
	// count in Row.Number. A row is valid until the next one. The sequence ends
	// after its first error.
	Rows(ctx context.Context, sheet int) iter.Seq2[Row, error]
}

// Sheet is one sheet of a workbook. A CSV has one, without a name.
type Sheet struct {
	Name   string
	Hidden bool
}

// Lot is an accepted stock row: Count identical copies on hand.
type Lot struct {
	Record  int32 // index into Rows.Records
	File    int32 // index into Rows.Files
	Row     int32 // as a spreadsheet shows it
	Count   int32 // copies
	Created calendar.Day
	Price   float64 // RUB
}

// Sale is an accepted sales row: one copy.
type Sale struct {
	Record     int32
	File       int32
	Row        int32
	Created    calendar.Day // as given; may lie after Sold (R11)
	Sold       calendar.Day
	DigitsLost bool    // of its barcode; counted in the file's BarcodeDigitsLost
	Price      float64 // RUB, the list price
}

// Arrival is the day on which the copy entered the shop: as given, but never
// after the sale (R11).
func (s Sale) Arrival() calendar.Day { return min(s.Created, s.Sold) }

// Rows are all accepted rows of an upload, its files read and put together.
// What is decided later about rows (a stray month, R13) moves them from
// accepted to rejected in Files.
type Rows struct {
	Files   []FileReport  // stock first, then sales, in the order given
	Records []catalog.Raw // the distinct raw records
	Lots    []Lot
	Sales   []Sale
}

// FileReport is the accounting of one file (R9):
// RowsRead = RowsAccepted + Σ RowsRejected.
type FileReport struct {
	Name         string         `json:"name"`
	Role         Role           `json:"role"`
	Format       string         `json:"format"`
	Sheet        string         `json:"sheet"`
	RowsRead     int            `json:"rows_read"`
	RowsAccepted int            `json:"rows_accepted"`
	RowsRejected map[string]int `json:"rows_rejected"` // by reason
	RowsAdjusted int            `json:"rows_adjusted"` // arrival after sale, corrected
	Examples     []Example      `json:"examples"`      // the first 20 of each reason

	BarcodeDigitsLost int `json:"-"` // rows; counted in the warning barcode_digits_lost
}

// Example is a rejected row.
type Example struct {
	Reason string `json:"reason"`
	Row    int    `json:"row"`
	Value  string `json:"value"` // the cell that was wrong, shortened
}

// MaxExamples is how many rejected rows of a reason a report shows.
const MaxExamples = 20

// Reject moves an accepted row to the rejected ones.
func (f *FileReport) Reject(reason string, row int, value string) {
	f.RowsAccepted--
	f.Count(reason, row, value)
}

// Count adds a rejected row to the accounting, but for RowsRead.
func (f *FileReport) Count(reason string, row int, value string) {
	if f.RowsRejected == nil {
		f.RowsRejected = map[string]int{}
	}
	f.RowsRejected[reason]++
	if f.RowsRejected[reason] <= MaxExamples {
		f.Examples = append(f.Examples, Example{Reason: reason, Row: row, Value: value})
	}
}

// Warning is something about an upload that a person should know.
type Warning struct {
	Code    string           `json:"code"`
	Message string           `json:"message"`
	Count   int              `json:"count,omitempty"`
	Days    int              `json:"days,omitempty"`
	Files   []string         `json:"files,omitempty"`
	Months  []calendar.Month `json:"months,omitempty"`
}
