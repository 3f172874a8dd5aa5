package tables

import (
	"context"
	"io"
	"math"
	"slices"

	"github.com/plastinka/predictor/domain/intake"
)

// emit takes a cell; row and column count from 0.
type emit func(row, column int, c intake.Cell) error

// readSheet hands out a sheet's rows. Excel writes cells by rows; some other
// programs write them as they come, so that a pass ahead looks whether they are
// in order, and only a sheet that is not is put in order in memory.
func (f *xlsFile) readSheet(to *sink, sheet int) error {
	last, ordered := -1, true
	err := f.cells(to.ctx, sheet, func(row, _ int, _ intake.Cell) error {
		if row < last {
			ordered = false
			return errEnough
		}
		last = row
		return nil
	})
	if err != nil && err != errEnough {
		return err
	}
	each := func(do emit) error { return f.cells(to.ctx, sheet, do) }
	if !ordered {
		if each, err = f.sorted(to.ctx, sheet); err != nil {
			return err
		}
	}
	open := -1
	err = each(func(row, column int, c intake.Cell) error {
		if row != open {
			if open >= 0 {
				if err := to.end(); err != nil {
					return err
				}
			}
			open = row
			to.begin(row + 1)
		}
		return to.put(column, c)
	})
	if err != nil || open < 0 {
		return err
	}
	return to.end()
}

// maxUnordered is how many cells are put in order in memory: all rows of a sheet
// with 30 columns.
const maxUnordered = 65_536 * 30

// sorted reads all cells of a sheet and gives them by rows, those of one place
// in the order in which they were written.
func (f *xlsFile) sorted(ctx context.Context, sheet int) (func(emit) error, error) {
	type placed struct {
		row, column int
		cell        intake.Cell
	}
	var all []placed
	err := f.cells(ctx, sheet, func(row, column int, c intake.Cell) error {
		if c.Kind == intake.Empty {
			return nil
		}
		if len(all) == maxUnordered {
			return unsupported("its cells are in no order, and there are too many to sort; %s", asXLSX)
		}
		all = append(all, placed{row, column, c})
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(all, func(a, b placed) int { return a.row - b.row })
	return func(do emit) error {
		for _, p := range all {
			if err := do(p.row, p.column, p.cell); err != nil {
				return err
			}
		}
		return nil
	}, nil
}

// cells emits the cells of a sheet as they are written.
func (f *xlsFile) cells(ctx context.Context, sheet int, do emit) error {
	stream, err := f.stream()
	if err != nil {
		return err
	}
	start := f.starts[sheet]
	if _, err := stream.Seek(start, io.SeekStart); err != nil {
		return corruptAt(start, "a sheet should begin, but the workbook has no stream")
	}
	b := newRecords(io.LimitReader(stream, f.ends[sheet]-start), start)
	if kind, err := beginStream(b); err != nil {
		return err
	} else if kind != bofSheet {
		return corruptAt(start, "a sheet should begin, but something else does")
	}
	for n, depth := 1, 1; ; n++ { // charts within the sheet are streams of their own
		if n%4096 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if err := b.next(); err != nil {
			return err
		}
		switch {
		case b.id == recBOF:
			depth++
		case b.id == recEOF:
			if depth--; depth == 0 {
				return nil
			}
		case depth == 1:
			if err := f.record(b, do); err != nil {
				return err
			}
		}
	}
}

// record emits the cells of a record, if it has any.
func (f *xlsFile) record(b *records, do emit) error {
	const place = 6 // bytes: row, column, extended format
	value := 0      // bytes that must follow, at least
	switch b.id {
	case recMulRK:
		return f.numbers(b, do)
	case recNumber, recFormula:
		value = 8
	case recRK, recLabelSST:
		value = 4
	case recLabel, recRString:
		value = 3
	case recBoolErr:
		value = 2
	default:
		return nil
	}
	if err := b.need(place + value); err != nil {
		return err
	}
	row, column, style := int(b.u16()), int(b.u16()), int(b.u16())
	c, err := f.cell(b, style)
	if err != nil {
		return err
	}
	return do(row, column, c)
}

func (f *xlsFile) cell(b *records, style int) (intake.Cell, error) {
	switch b.id {
	case recNumber:
		return f.number(math.Float64frombits(b.u64()), style), nil
	case recRK:
		return f.number(rk(b.u32()), style), nil
	case recBoolErr:
		value, isError := b.u8(), b.u8()
		if isError != 0 {
			return errorCell(value), nil
		}
		return boolean(value), nil
	case recLabelSST:
		index := b.u32()
		text, ok := f.strings.at(int(index))
		if !ok {
			return intake.Cell{}, corruptAt(b.at, "a cell refers to the shared string %d, which does not exist,", index)
		}
		return textCell(text), nil
	case recFormula:
		return f.formula(b, style)
	}
	text, err := b.longText(nil) // LABEL, RSTRING
	return textCell(string(text)), err
}

// numbers emits the cells of a MULRK: numbers side by side.
func (f *xlsFile) numbers(b *records, do emit) error {
	const cell = 6 // bytes: extended format, number
	if err := b.need(4 + cell + 2); err != nil {
		return err
	}
	row, column := int(b.u16()), int(b.u16())
	for ; len(b.data) >= cell+2; column++ {
		style := int(b.u16())
		if err := do(row, column, f.number(rk(b.u32()), style)); err != nil {
			return err
		}
	}
	return nil
}

// formula is the value that was stored with a formula. A text stands in a
// record of its own, behind what the formula shares with others.
func (f *xlsFile) formula(b *records, style int) (intake.Cell, error) {
	bits := b.u64()
	if bits>>48 != 0xFFFF {
		return f.number(math.Float64frombits(bits), style), nil
	}
	value := uint8(bits >> 16)
	switch uint8(bits) {
	case 0:
		return followingText(b)
	case 1:
		return boolean(value), nil
	case 2:
		return errorCell(value), nil
	}
	return intake.Cell{}, nil
}

// followingText reads the STRING that follows a formula, at most behind a
// SHRFMLA, ARRAY or TABLE record; without one the cell is empty.
func followingText(b *records) (intake.Cell, error) {
	const shared, array, table = 0x04BC, 0x0221, 0x0236
	for {
		head, err := b.r.Peek(2)
		if err != nil {
			return intake.Cell{}, nil // the next record will say so
		}
		id := uint16(head[0]) | uint16(head[1])<<8
		if id != recString && id != shared && id != array && id != table && id != recContinue {
			return intake.Cell{}, nil
		}
		if err := b.next(); err != nil {
			return intake.Cell{}, err
		}
		if id == recString {
			text, err := b.longText(nil)
			return textCell(string(text)), err
		}
	}
}

func (f *xlsFile) number(v float64, style int) intake.Cell {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return intake.Cell{Kind: intake.Error, Text: "#NUM!"}
	}
	if style < len(f.dates) && f.dates[style] {
		return intake.Cell{Kind: intake.Date, Number: v}
	}
	return intake.Cell{Kind: intake.Number, Number: v}
}

// rk is a number in 30 bits and two flags: hundredths, and a whole number
// rather than the upper bits of a floating-point one.
func rk(v uint32) float64 {
	var x float64
	if v&2 != 0 {
		x = float64(int32(v) >> 2)
	} else {
		x = math.Float64frombits(uint64(v&^3) << 32)
	}
	if v&1 != 0 {
		x /= 100
	}
	return x
}

func boolean(v uint8) intake.Cell {
	return intake.Cell{Kind: intake.Boolean, Number: float64(min(v, 1))}
}

func errorCell(code uint8) intake.Cell {
	names := map[uint8]string{0x00: "#NULL!", 0x07: "#DIV/0!", 0x0F: "#VALUE!", 0x17: "#REF!", 0x1D: "#NAME?", 0x24: "#NUM!", 0x2A: "#N/A"}
	name, ok := names[code]
	if !ok {
		name = "#ERROR!"
	}
	return intake.Cell{Kind: intake.Error, Text: name}
}
