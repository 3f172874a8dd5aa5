package ports

import (
	"context"

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

// Workbook is an open file.
type Workbook interface {
	intake.Source
	Close() error
}
