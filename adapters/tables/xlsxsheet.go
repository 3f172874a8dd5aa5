package tables

import (
	"io"
	"math"
	"strconv"

	"github.com/plastinka/predictor/domain/intake"
)

// sheetReader reads the rows of one sheet's part.
type sheetReader struct {
	f      *xlsxFile
	s      *scanner
	to     *sink
	row    int // the open row's number
	inRow  bool
	inCell bool
	column int    // of the open cell, from 0
	kind   []byte // its t
	style  int
	value  []byte // text of <v>, or of <is>
	inline bool   // the value is of <is>: text whatever the kind says
	spoken bool   // within <rPh>
}

// readSheet streams a sheet's rows to the sink.
func (f *xlsxFile) readSheet(to *sink, path string) error {
	part, err := f.parts.open(path)
	if err != nil {
		return err
	}
	defer func() { _ = part.Close() }()
	r := &sheetReader{f: f, s: newScanner(part), to: to}
	for {
		if err := r.s.next(); err == io.EOF {
			return nil
		} else if err != nil {
			return f.parts.trouble(path, err)
		}
		if string(r.s.name) == "sheetData" && r.s.kind == opening {
			break
		}
	}
	for {
		if err := r.s.next(); err != nil {
			return f.parts.trouble(path, err)
		}
		if string(r.s.name) == "sheetData" && r.s.kind == closing {
			break
		}
		if err := r.element(); err == errEnough {
			return err
		} else if err != nil {
			return f.parts.trouble(path, err)
		}
	}
	if err := r.s.rest(); err != nil {
		return f.parts.trouble(path, err)
	}
	return nil
}

// element handles one tag within the sheet's data.
func (r *sheetReader) element() error {
	switch string(r.s.name) {
	case "row":
		return r.rowTag()
	case "c":
		return r.cellTag()
	case "v":
		return r.read(false)
	case "t":
		if !r.spoken {
			return r.read(true)
		}
	case "rPh":
		r.spoken = r.s.kind == opening
	}
	return nil
}

func (r *sheetReader) rowTag() error {
	if r.inCell || r.inRow == (r.s.kind != closing) {
		return corruptAt(r.s.at, "rows and cells that are not properly nested")
	}
	r.inRow = r.s.kind == opening
	if r.s.kind == closing {
		return r.to.end()
	}
	return r.beginRow()
}

func (r *sheetReader) cellTag() error {
	if !r.inRow || r.inCell == (r.s.kind != closing) {
		return corruptAt(r.s.at, "rows and cells that are not properly nested")
	}
	r.inCell = r.s.kind == opening
	if r.s.kind == closing {
		return r.endCell()
	}
	return r.beginCell() // a single tag has no value
}

func (r *sheetReader) read(inline bool) error {
	if r.s.kind != opening || !r.inCell {
		return nil
	}
	r.inline = inline
	var err error
	r.value, err = appendContent(r.s, r.value, r.f.limits)
	return err
}

func (r *sheetReader) beginRow() error {
	number := r.row + 1
	if at := r.s.attr("r"); at != nil {
		n, err := strconv.Atoi(string(at))
		if err != nil || n <= r.row || n > 1<<20 {
			return corrupt("a row with the number %q after row %d", string(at), r.row)
		}
		number = n
	}
	r.row, r.column = number, -1
	r.to.begin(number)
	return nil
}

func (r *sheetReader) beginCell() error {
	r.column++
	if at := r.s.attr("r"); at != nil {
		column, ok := columnOf(at)
		if !ok {
			return corrupt("a cell with the name %q", string(at))
		}
		r.column = column
	}
	r.kind = append(r.kind[:0], r.s.attr("t")...)
	r.style, r.value, r.inline, r.spoken = 0, r.value[:0], false, false
	if s := r.s.attr("s"); s != nil {
		r.style, _ = strconv.Atoi(string(s)) // one that is no number is no style
	}
	return nil
}

// columnOf reads the letters of a cell's name: A1 is 0.
func columnOf(name []byte) (column int, ok bool) {
	for i, c := range name {
		switch {
		case c|0x20 >= 'a' && c|0x20 <= 'z' && column < 1<<20:
			column = column*26 + int(c|0x20-'a') + 1
		case c >= '0' && c <= '9' && i > 0:
			return column - 1, true
		default:
			return 0, false
		}
	}
	return 0, false
}

func (r *sheetReader) endCell() error {
	if len(r.value) == 0 {
		return nil // also a formula without its value
	}
	c, err := r.cell()
	if err != nil {
		return err
	}
	return r.to.put(r.column, c)
}

// cell gives the value its kind.
func (r *sheetReader) cell() (intake.Cell, error) {
	if r.inline {
		return textCell(string(unescapeX(r.value))), nil
	}
	switch string(r.kind) {
	case "s":
		n, err := strconv.Atoi(string(r.value))
		text, ok := r.f.strings.at(n)
		if err != nil || !ok {
			return intake.Cell{}, corrupt("a cell refers to the shared string %q, which does not exist", string(r.value))
		}
		return textCell(text), nil
	case "str", "inlineStr":
		return textCell(string(unescapeX(r.value))), nil
	case "d": // a date in ISO form, which is read as one wherever it stands
		return textCell(string(r.value)), nil
	case "b":
		if v := string(r.value); v == "1" || v == "true" {
			return intake.Cell{Kind: intake.Boolean, Number: 1}, nil
		}
		return intake.Cell{Kind: intake.Boolean}, nil
	case "e":
		return intake.Cell{Kind: intake.Error, Text: string(r.value)}, nil
	}
	number, err := strconv.ParseFloat(string(r.value), 64)
	if err != nil || math.IsNaN(number) || math.IsInf(number, 0) {
		return textCell(string(r.value)), nil
	}
	if r.style >= 0 && r.style < len(r.f.dates) && r.f.dates[r.style] {
		return intake.Cell{Kind: intake.Date, Number: number}, nil
	}
	return intake.Cell{Kind: intake.Number, Number: number}, nil
}
