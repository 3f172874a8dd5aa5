package tables

import (
	"context"
	"errors"
	"iter"
	"unicode/utf8"

	"github.com/plastinka/predictor/domain/intake"
	"github.com/plastinka/predictor/ports"
)

// sink takes the cells of one sheet from a format's reader, holds them to the
// limits and hands out complete rows. Blank rows are left out, so that a sheet
// whose formats reach down to its last row costs nothing.
type sink struct {
	ctx    context.Context
	limits ports.TableLimits
	yield  func(intake.Row, error) bool
	row    intake.Row
	rows   int // handed out
}

// errEnough says that the caller wants no more rows.
var errEnough = errors.New("no more rows wanted")

// stream runs read as a sequence of rows. An error of read is the last element,
// with the sheet and the row where it happened.
func stream(ctx context.Context, limits ports.TableLimits, sheet string, read func(*sink) error) iter.Seq2[intake.Row, error] {
	return func(yield func(intake.Row, error) bool) {
		s := &sink{ctx: ctx, limits: limits, yield: yield}
		if err := read(s); err != nil && !errors.Is(err, errEnough) {
			yield(intake.Row{}, located(err, sheet, s.row.Number))
		}
	}
}

// begin starts the row of the given number, 1-based.
func (s *sink) begin(number int) {
	s.row.Number = number
	s.row.Cells = s.row.Cells[:0]
}

// put places a cell of the row; column counts from 0.
func (s *sink) put(column int, c intake.Cell) error {
	if c.Kind == intake.Empty {
		return nil
	}
	if column >= s.limits.Columns {
		return tooManyColumns(s.limits)
	}
	if tooLong(c.Text, s.limits) {
		return cellTooLong(s.limits)
	}
	for len(s.row.Cells) <= column {
		s.row.Cells = append(s.row.Cells, intake.Cell{})
	}
	s.row.Cells[column] = c
	return nil
}

// end hands out the row, if it holds anything. The first row, the header as a
// rule, is not counted among the rows that are limited.
func (s *sink) end() error {
	if len(s.row.Cells) == 0 {
		return nil
	}
	if s.rows > s.limits.Rows {
		return tooManyRows(s.limits)
	}
	s.rows++
	if s.rows%256 == 0 {
		if err := s.ctx.Err(); err != nil {
			return err
		}
	}
	if !s.yield(s.row, nil) {
		return errEnough
	}
	return nil
}

func tooLong(text string, limits ports.TableLimits) bool {
	return len(text) > limits.CellCharacters && utf8.RuneCountInString(text) > limits.CellCharacters
}

// textCell is a cell with a text; without one it is empty.
func textCell(text string) intake.Cell {
	if text == "" {
		return intake.Cell{}
	}
	return intake.Cell{Kind: intake.Text, Text: text}
}
