package tables

import (
	"context"
	"fmt"
	"io"
	"iter"

	"github.com/richardlehane/mscfb"

	"github.com/plastinka/predictor/domain/intake"
	"github.com/plastinka/predictor/ports"
)

// xlsFile is a BIFF8 workbook, what Excel 97 to 2003 and 1C write.
type xlsFile struct {
	r        io.ReaderAt
	size     int64
	limits   ports.TableLimits
	date1904 bool
	sheets   []intake.Sheet
	starts   []int64 // of the sheets' records in the stream
	ends     []int64 // before which they must end
	dates    []bool  // by extended format: its number format shows a date
	strings  pool
}

func openXLS(ctx context.Context, r io.ReaderAt, size int64, limits ports.TableLimits) (intake.Source, error) {
	f := &xlsFile{r: r, size: size, limits: limits}
	stream, err := f.stream()
	if err != nil {
		return nil, err
	}
	if err := f.readGlobals(ctx, newRecords(stream, 0)); err != nil {
		return nil, err
	}
	return f, nil
}

// maxContainerReads bounds what is read of allocation tables and directory
// before the first stream: some 30,000 sectors, where a workbook of 200 MiB has a
// few dozen.
const maxContainerReads = 16 << 20

// budgeted is a file of which only so much may be read, by sectors; left < 0 is
// no bound.
type budgeted struct {
	r    io.ReaderAt
	left int64
}

func (b *budgeted) ReadAt(p []byte, at int64) (int, error) {
	const sector = 512
	if b.left >= 0 {
		if b.left -= max(int64(len(p)), sector); b.left < 0 {
			b.left = 0
			return 0, fmt.Errorf("more than %d bytes of directory", maxContainerReads)
		}
	}
	return b.r.ReadAt(p, at)
}

// stream finds the workbook's stream in the container.
func (f *xlsFile) stream() (s io.ReadSeeker, err error) {
	defer func() {
		if p := recover(); p != nil { // the library indexes what a damaged file says
			s, err = nil, corrupt("its OLE container is not coherent (%v)", p)
		}
	}()
	budget := &budgeted{r: f.r, left: maxContainerReads}
	doc, err := mscfb.New(budget)
	if err != nil {
		return nil, corrupt("its OLE container cannot be read (%v)", err).Because(err)
	}
	budget.left = -1
	var book *mscfb.File
	for _, e := range doc.File {
		if len(e.Path) > 0 {
			continue // of an object within the document
		}
		switch e.Name {
		case "EncryptionInfo", "EncryptedPackage":
			return nil, encrypted()
		case "Workbook":
			book = e
		case "Book":
			if book == nil {
				book = e
			}
		case "WordDocument":
			return nil, unsupported("it is a text document (doc); export the table as xlsx or csv")
		}
	}
	if book == nil {
		return nil, unsupported("it is an OLE file but no workbook; %s", asXLSX)
	}
	return &guarded{book, f.size, f.size}, nil
}

// guarded is a stream of the container, held to the size of the file: a chain of
// sectors that runs in a circle would never end.
type guarded struct {
	io.ReadSeeker
	size int64 // of the file
	left int64
}

func (g *guarded) Read(p []byte) (n int, err error) {
	defer func() {
		if p := recover(); p != nil {
			n, err = 0, corrupt("its OLE container is not coherent (%v)", p)
		}
	}()
	if g.left <= 0 {
		return 0, io.EOF
	}
	n, err = g.ReadSeeker.Read(p[:min(int64(len(p)), g.left)])
	g.left -= int64(n)
	return n, err
}

func (g *guarded) Seek(at int64, whence int) (n int64, err error) {
	defer func() {
		if p := recover(); p != nil {
			n, err = 0, corrupt("its OLE container is not coherent (%v)", p)
		}
	}()
	if at > g.size {
		return 0, io.ErrUnexpectedEOF
	}
	return g.ReadSeeker.Seek(at, whence)
}

func (f *xlsFile) Format() string         { return "xls" }
func (f *xlsFile) Sheets() []intake.Sheet { return f.sheets }
func (f *xlsFile) Date1904() bool         { return f.date1904 }

func (f *xlsFile) Rows(ctx context.Context, sheet int) iter.Seq2[intake.Row, error] {
	name := ""
	if sheet >= 0 && sheet < len(f.sheets) {
		name = f.sheets[sheet].Name
	}
	return stream(ctx, f.limits, name, func(s *sink) error {
		if err := sheetExists(sheet, len(f.sheets)); err != nil {
			return err
		}
		return f.readSheet(s, sheet)
	})
}
