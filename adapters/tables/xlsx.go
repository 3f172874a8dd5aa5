package tables

import (
	"context"
	"io"
	"iter"
	"slices"
	"strconv"

	"github.com/plastinka/predictor/domain/intake"
	"github.com/plastinka/predictor/ports"
)

// xlsxFile is an Office Open XML workbook, transitional or strict.
type xlsxFile struct {
	parts    *parts
	limits   ports.TableLimits
	date1904 bool
	sheets   []intake.Sheet
	paths    []string // of the sheets' parts
	dates    []bool   // by style: its number format shows a date
	strings  pool
}

// The parts that are small, as far as they are used.
type (
	relationships struct {
		Relationship []struct {
			ID     string `xml:"Id,attr"`
			Type   string `xml:"Type,attr"`
			Target string `xml:"Target,attr"`
			Mode   string `xml:"TargetMode,attr"`
		} `xml:"Relationship"`
	}
	workbookPart struct {
		Properties struct {
			Date1904 string `xml:"date1904,attr"`
		} `xml:"workbookPr"`
		Sheets []struct {
			Name  string `xml:"name,attr"`
			State string `xml:"state,attr"`
			ID    string `xml:"id,attr"` // r:id
		} `xml:"sheets>sheet"`
	}
	stylesPart struct {
		Formats []struct {
			ID   int    `xml:"numFmtId,attr"`
			Code string `xml:"formatCode,attr"`
		} `xml:"numFmts>numFmt"`
		Styles []struct {
			Format int `xml:"numFmtId,attr"`
		} `xml:"cellXfs>xf"`
	}
)

func openXLSX(ctx context.Context, r io.ReaderAt, size int64, limits ports.TableLimits) (intake.Source, error) {
	p, err := openParts(r, size, limits)
	if err != nil {
		return nil, err
	}
	f := &xlsxFile{parts: p, limits: limits}
	if err := f.readWorkbook(ctx); err != nil {
		return nil, err
	}
	return f, nil
}

func (f *xlsxFile) readWorkbook(ctx context.Context) error {
	book, err := f.parts.workbook()
	if err != nil {
		return err
	}
	var w workbookPart
	if err := f.parts.decode(book, &w); err != nil {
		return err
	}
	f.date1904, _ = strconv.ParseBool(w.Properties.Date1904)
	related, err := f.parts.relations(book)
	if err != nil {
		return err
	}
	for _, s := range w.Sheets {
		target, ok := related.byID[s.ID]
		if !ok || !target.is("worksheet") { // a sheet of charts or macros has no cells
			continue
		}
		if slices.Contains(f.paths, target.path) { // else a small file could be large many times
			return corrupt("its sheet %q is the same part as another", s.Name).With("part", target.path)
		}
		f.sheets = append(f.sheets, intake.Sheet{Name: s.Name, Hidden: s.State != "" && s.State != "visible"})
		f.paths = append(f.paths, target.path)
	}
	if styles, ok := related.first("styles"); ok && f.parts.has(styles) {
		if err := f.readStyles(styles); err != nil {
			return err
		}
	}
	if texts, ok := related.first("sharedStrings"); ok && f.parts.has(texts) {
		return f.readStrings(ctx, texts)
	}
	return nil
}

func (f *xlsxFile) readStyles(path string) error {
	var s stylesPart
	if err := f.parts.decode(path, &s); err != nil {
		return err
	}
	formats := numberFormats{}
	for _, n := range s.Formats {
		formats.add(n.ID, n.Code)
	}
	for _, x := range s.Styles {
		f.dates = append(f.dates, formats.date(x.Format))
	}
	return nil
}

// readStrings reads the table of shared strings: of a rich text its runs, of an
// East Asian one not how it is spoken.
func (f *xlsxFile) readStrings(ctx context.Context, path string) error {
	part, err := f.parts.open(path)
	if err != nil {
		return err
	}
	defer func() { _ = part.Close() }()
	s := newScanner(part)
	var item []byte
	spoken := false
	for n := 0; ; {
		if err := s.next(); err == io.EOF {
			break
		} else if err != nil {
			return f.parts.trouble(path, err)
		}
		switch name := string(s.name); {
		case name == "si" && s.kind == opening:
			item = item[:0]
		case name == "si":
			if n++; n%4096 == 0 && ctx.Err() != nil {
				return ctx.Err()
			}
			if s.kind == single {
				item = item[:0]
			}
			if err := f.strings.add(unescapeX(item)); err != nil {
				return err
			}
		case name == "rPh":
			spoken = s.kind == opening
		case name == "t" && s.kind == opening && !spoken:
			if item, err = appendContent(s, item, f.limits); err != nil {
				return f.parts.trouble(path, err)
			}
		}
	}
	f.strings.seal()
	return nil
}

// appendContent adds the text of the element to a cell's.
func appendContent(s *scanner, text []byte, limits ports.TableLimits) ([]byte, error) {
	const widest = 7 // bytes of a character: _xHHHH_
	limit := widest * limits.CellCharacters
	part, ok, err := s.content(limit)
	if err != nil {
		return nil, err
	}
	if text = append(text, part...); !ok || len(text) > limit {
		return nil, cellTooLong(limits)
	}
	return text, nil
}

// unescapeX replaces _xHHHH_, the format's own escape of a UTF-16 unit that XML
// cannot carry.
func unescapeX(b []byte) []byte {
	const length = len("_x000D_")
	out := b[:0]
	for i := 0; i < len(b); {
		if b[i] == '_' && i+length <= len(b) && b[i+1] == 'x' && b[i+length-1] == '_' {
			if u, err := strconv.ParseUint(string(b[i+2:i+length-1]), 16, 16); err == nil && (u < 0xD800 || u > 0xDFFF) {
				out = append(out, string(rune(u))...)
				i += length
				continue
			}
		}
		out = append(out, b[i])
		i++
	}
	return out
}

func (f *xlsxFile) Format() string         { return "xlsx" }
func (f *xlsxFile) Sheets() []intake.Sheet { return f.sheets }
func (f *xlsxFile) Date1904() bool         { return f.date1904 }

func (f *xlsxFile) Rows(ctx context.Context, sheet int) iter.Seq2[intake.Row, error] {
	name := ""
	if sheet >= 0 && sheet < len(f.sheets) {
		name = f.sheets[sheet].Name
	}
	return stream(ctx, f.limits, name, func(s *sink) error {
		if err := sheetExists(sheet, len(f.sheets)); err != nil {
			return err
		}
		return f.readSheet(s, f.paths[sheet])
	})
}
