package tables

import (
	"context"
	"io"
	"iter"

	"github.com/plastinka/predictor/domain/intake"
	"github.com/plastinka/predictor/ports"
)

// csvFile is a csv: one sheet without a name, cells that are texts or empty.
type csvFile struct {
	r      io.ReaderAt
	size   int64
	limits ports.TableLimits
	layout layout
}

// layout is what a csv does not say about itself.
type layout struct {
	charset   charset
	separator byte
}

func openCSV(ctx context.Context, r io.ReaderAt, size int64, limits ports.TableLimits) (intake.Source, error) {
	head := make([]byte, min(size, 4))
	if _, err := r.ReadAt(head, 0); err != nil && err != io.EOF {
		return nil, unreadable(err)
	}
	mark := markOf(head)
	s, err := surveyBytes(ctx, mark, r, size)
	if err != nil {
		return nil, err
	}
	if s.blank {
		return nil, emptyFile()
	}
	charsets, err := s.candidates(mark)
	if err != nil {
		return nil, err
	}
	best, err := findLayout(r, size, limits, charsets)
	if err != nil {
		return nil, err
	}
	return &csvFile{r: r, size: size, limits: limits, layout: best}, nil
}

func (f *csvFile) Format() string         { return "csv" }
func (f *csvFile) Sheets() []intake.Sheet { return []intake.Sheet{{}} }
func (f *csvFile) Date1904() bool         { return false }

func (f *csvFile) Rows(ctx context.Context, sheet int) iter.Seq2[intake.Row, error] {
	return stream(ctx, f.limits, "", func(s *sink) error {
		if err := sheetExists(sheet, 1); err != nil {
			return err
		}
		p := newParser(f.layout.charset.reader(f.r, f.size), f.layout.separator, f.limits)
		for {
			more, err := p.next()
			s.begin(p.row)
			if err != nil || !more {
				return err
			}
			if err := p.cells(s.put); err != nil {
				return err
			}
			if err := s.end(); err != nil {
				return err
			}
		}
	})
}
