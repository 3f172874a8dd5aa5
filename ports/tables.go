package ports

import (
	"context"
	"iter"

	"github.com/plastinka/predictor/domain/intake"
)

// TableLimits bound what a file from a stranger may cost (§1.2 R8). Zero
// members mean the defaults.
type TableLimits struct {
	UnpackedBytes  int64 // 2 GiB
	Rows           int   // 5,000,000
	Columns        int   // 1,000
	CellCharacters int   // 32,767
}

// Tables opens spreadsheet files of any supported format. What a file is, its
// content decides. Errors carry the codes of §1.2: unsupported_format,
// file_encrypted, corrupt_file, empty_file, unpacked_too_large, too_many_rows,
// too_many_columns, cell_too_long.
type Tables interface {
	Open(ctx context.Context, path string, limits TableLimits) (Workbook, error)
}

// Workbook is an open file. Its sheets may be read several times, one after
// another.
type Workbook interface {
	Format() string // "xlsx", "xls", "csv"
	Sheets() []Sheet
	// Date1904 reports the workbook's date system.
	Date1904() bool
	// Rows yields the sheet's rows in order; blank rows may be left out, but
	// count in Row.Number. A row is valid until the next one. The sequence ends
	// after its first error.
	Rows(ctx context.Context, sheet int) iter.Seq2[intake.Row, error]
	Close() error
}

// Sheet is one sheet of a workbook. A CSV has one, without a name.
type Sheet struct {
	Name   string
	Hidden bool
}
