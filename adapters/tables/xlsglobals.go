package tables

import (
	"context"
	"slices"

	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/intake"
)

// The kinds of substreams that a BOF begins.
const (
	bofGlobals = 0x0005
	bofSheet   = 0x0010
)

// beginStream reads a BOF, which must be BIFF8's.
func beginStream(b *records) (kind uint16, err error) {
	if err := b.next(); err != nil {
		return 0, err
	}
	if b.id&0x00FF != recBOF&0x00FF {
		return 0, corruptAt(0, "the workbook's stream does not begin with its first record,")
	}
	if b.id != recBOF || len(b.data) < 4 {
		return 0, unsupported("it is an Excel file of before 1997; %s", asXLSX)
	}
	const biff8 = 0x0600
	if version := b.u16(); version != biff8 {
		return 0, unsupported("it is an Excel file of before 1997 (version %#04x); %s", version, asXLSX)
	}
	return b.u16(), nil
}

// readGlobals reads what holds for all sheets.
func (f *xlsFile) readGlobals(ctx context.Context, b *records) error {
	kind, err := beginStream(b)
	if err != nil {
		return err
	}
	if kind != bofGlobals {
		return unsupported("it is a single sheet or chart, not a workbook; %s", asXLSX)
	}
	formats := numberFormats{}
	var styles []int // the formats of the extended formats
	for {
		if err := b.next(); err != nil {
			return err
		}
		switch b.id {
		case recEOF:
			for _, x := range styles {
				f.dates = append(f.dates, formats.date(x))
			}
			return f.endSheets()
		case recFilePass:
			return encrypted()
		case recDateMode:
			if err = b.need(2); err == nil {
				f.date1904 = b.u16() == 1
			}
		case recFormat:
			if err = b.need(5); err == nil {
				id := int(b.u16())
				var code []byte
				code, err = b.longText(nil)
				formats.add(id, string(code))
			}
		case recXF:
			if err = b.need(4); err == nil {
				b.u16() // font
				styles = append(styles, int(b.u16()))
			}
		case recBoundSheet:
			err = f.addSheet(b)
		case recSST:
			err = f.readStrings(ctx, b)
		}
		if err != nil {
			return err
		}
	}
}

func (f *xlsFile) addSheet(b *records) error {
	if err := b.need(8); err != nil {
		return err
	}
	start, state, kind := int64(b.u32()), b.u8()&0x03, b.u8()
	name, err := b.shortText(nil)
	if err != nil {
		return err
	}
	if kind != 0 { // a sheet of charts or macros has no cells
		return nil
	}
	f.sheets = append(f.sheets, intake.Sheet{Name: string(name), Hidden: state != 0})
	f.starts = append(f.starts, start)
	return nil
}

// endSheets finds where each sheet must end: before the next one begins. Sheets
// that lay within each other would make a small file large many times.
func (f *xlsFile) endSheets() error {
	order := slices.Sorted(slices.Values(f.starts))
	for i, start := range f.starts {
		next, _ := slices.BinarySearch(order, start+1)
		if next > 1 && order[next-2] == start {
			return corruptAt(start, "two sheets, %q and another, begin", f.sheets[i].Name)
		}
		end := f.size
		if next < len(order) {
			end = order[next]
		}
		f.ends = append(f.ends, end)
	}
	return nil
}

// readStrings reads the table of shared strings. What it says about their number
// is believed only as far as there are bytes.
func (f *xlsFile) readStrings(ctx context.Context, b *records) error {
	if err := b.need(8); err != nil {
		return err
	}
	b.u32() // uses
	count := int64(b.u32())
	var text []byte
	for i := range count {
		if i%4096 == 0 && ctx.Err() != nil {
			return fault.Wrap("tables.Open", ctx.Err())
		}
		if len(b.data) == 0 {
			if more, err := b.continued(); err != nil {
				return err
			} else if !more {
				break // fewer than promised: a cell that refers to one will say so
			}
		}
		var err error
		if text, err = b.longText(text[:0]); err != nil {
			return err
		}
		if tooLong(string(text), f.limits) {
			return cellTooLong(f.limits)
		}
		if err := f.strings.add(text); err != nil {
			return err
		}
	}
	f.strings.seal()
	return nil
}
