package tables

import (
	"context"
	"errors"
	"fmt"

	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/ports"
)

// The refusals of §1.2, each with what to do next.

func unsupported(format string, args ...any) *fault.Error {
	return fault.New(fault.Invalid, "unsupported_format", "the file cannot be read: %s", fmt.Sprintf(format, args...))
}

const asXLSX = "open it in a spreadsheet program and save it as xlsx"

func encrypted() *fault.Error {
	return fault.New(fault.Invalid, "file_encrypted", "the file is protected by a password; remove the password in the spreadsheet program and save it again")
}

func emptyFile() *fault.Error {
	return fault.New(fault.Invalid, "empty_file", "the file is empty; export it again")
}

func corrupt(format string, args ...any) *fault.Error {
	return fault.New(fault.Invalid, "corrupt_file", "the file is damaged: %s; save or export it again and send it whole", fmt.Sprintf(format, args...))
}

// corruptAt is corrupt with the place of the damage.
func corruptAt(position int64, format string, args ...any) *fault.Error {
	return corrupt("%s at byte %d", fmt.Sprintf(format, args...), position).With("byte", position)
}

func unpackedTooLarge(format string, args ...any) *fault.Error {
	return fault.New(fault.TooLarge, "unpacked_too_large", "%s; save it again as a plain table, or split it by months", fmt.Sprintf(format, args...))
}

func tooManyRows(limits ports.TableLimits) *fault.Error {
	return fault.New(fault.TooLarge, "too_many_rows", "the file has more than %d rows (MAX_ROWS); split it by months", limits.Rows)
}

func tooManyColumns(limits ports.TableLimits) *fault.Error {
	return fault.New(fault.TooLarge, "too_many_columns", "the row has a value to the right of column %d (MAX_COLUMNS); remove the columns that are not needed", limits.Columns)
}

func cellTooLong(limits ports.TableLimits) *fault.Error {
	return fault.New(fault.TooLarge, "cell_too_long", "a cell has more than %d characters (MAX_CELL_CHARACTERS); check its row for a quote or a line that was never closed", limits.CellCharacters)
}

// located adds sheet and row to an error on its way out; contexts' ends and
// foreign errors stay what they are.
func located(err error, sheet string, row int) error {
	e, ok := errors.AsType[*fault.Error](err)
	if !ok {
		return fault.Wrap("tables.Rows", err)
	}
	where := ""
	if sheet != "" {
		where = fmt.Sprintf("sheet “%s”, ", sheet)
		e = e.With("sheet", sheet)
	}
	if row > 0 {
		where += fmt.Sprintf("row %d, ", row)
		e = e.With("row", row)
	}
	if where == "" {
		return fault.Wrap("tables.Rows", e)
	}
	c := *e
	c.Message = where[:len(where)-2] + ": " + e.Message
	return fault.Wrap("tables.Rows", &c)
}

// isContext reports that the caller gave up, which is nobody's damage.
func isContext(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

func sheetExists(sheet, sheets int) error {
	if sheet < 0 || sheet >= sheets {
		return fault.New(fault.Internal, "internal_error", "sheet %d was asked for, of %d", sheet, sheets)
	}
	return nil
}
