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
