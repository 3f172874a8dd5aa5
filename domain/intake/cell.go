// Package intake reads a shop's stock and sales files: which sheet and columns
// hold the data (R3–R5), what a cell means (R6, R7), which rows count and why
// others do not (R9–R11). It sees cells, never bytes: what a file is, an adapter
// knows; what its cells mean is decided here, once for all formats.
//
// A file is read in one pass into facts of 32 bytes a row that point into a
// table of its distinct raw records; every distinct text is kept once, and a
// row of known texts allocates nothing. Files share no state, so that they can
// be read side by side; Merge puts them together in a given order.
//
// Errors are about "the file", its sheet and its row: only the caller knows
// which of several files it is.
package intake

// CellKind says what a file's cell holds.
type CellKind uint8

// The kinds of cells.
const (
	Empty   CellKind = iota
	Text             // Text
	Number           // Number
	Date             // Number: the serial as stored, in the workbook's own date system
	Boolean          // Number: 0 or 1
	Error            // Text: the error's name, e.g. "#N/A"
)

// Cell is one value of a table as the file has it; what it means is decided
// here, once for every format. A CSV has only Empty and Text.
type Cell struct {
	Kind   CellKind
	Text   string
	Number float64
}

// Row is one row of a sheet. Cells may be shorter than the header, and is
// valid until the next row is asked for.
type Row struct {
	Number int // as a spreadsheet shows it, 1-based; blank rows counted
	Cells  []Cell
}
