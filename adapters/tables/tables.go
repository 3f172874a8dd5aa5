// Package tables reads the files that shops export — xlsx, xls (BIFF8) and csv —
// as sheets of cells that keep their kind (§1.2). What a cell means is the
// domain's business, once for all formats; here is only how each format stores it.
//
// The content decides what a file is (sniff.go), never its name. Every reader
// streams: a row is handed out as soon as it is complete, and what must be kept
// besides (the table of shared strings) is bounded (pool.go). All that a
// stranger's file can make expensive is limited: unpacked size, rows, columns,
// characters, directories.
//
// Foreign libraries: x/text decodes UTF-16 and the Windows code pages of a csv;
// richardlehane/mscfb reads the OLE container around an xls (it guards against
// cycles; its reads are budgeted and its panics caught here). The BIFF8 records
// inside are read here, because the Go libraries for them hang, lose cells or
// run out of memory on damaged files. The parts of an xlsx are read here too, over
// archive/zip: excelize's row iterator gives every cell as a string, so that the
// number 1.125 and the text "1.125" (which R6 reads as 1125), or a date and a
// count, cannot be told apart, and its calls that know the kind load the whole
// sheet. The tests hold this reader against excelize, cell by cell.
package tables

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"

	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/intake"
	"github.com/plastinka/predictor/ports"
)

// Reader opens spreadsheet files. It has no state and is safe for concurrent
// use; one workbook is for one goroutine at a time.
//
// Its errors speak of "the file": only the caller knows the name that a person
// gave it. Sheet, row and byte position are in the message and the details.
type Reader struct{}

var _ ports.Tables = Reader{}

// Open recognises the file at path and reads what lies before its rows.
func (Reader) Open(ctx context.Context, path string, limits ports.TableLimits) (ports.Workbook, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fault.New(fault.NotFound, "file_not_found", "there is no file %s; check the path", path).Because(err)
	}
	if err != nil {
		return nil, fault.New(fault.Unavailable, "file_unreadable", "the file %s cannot be read (%v); check its permissions", path, err).Because(err)
	}
	w, err := openFile(ctx, f, limits)
	if err != nil {
		_ = f.Close() // only read: nothing can be lost
		return nil, fault.Wrap("tables.Open", err)
	}
	return w, nil
}

func openFile(ctx context.Context, f *os.File, limits ports.TableLimits) (*workbook, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, fault.New(fault.Unavailable, "file_unreadable", "the file %s cannot be read (%v); try again", f.Name(), err).Because(err)
	}
	if !info.Mode().IsRegular() {
		return nil, unsupported("it is not a file of its own (a folder or a device); give the files one by one")
	}
	source, err := open(ctx, f, info.Size(), withDefaults(limits))
	if err != nil {
		return nil, err
	}
	return &workbook{Source: source, file: f}, nil
}

// open recognises and opens the size bytes of r.
func open(ctx context.Context, r io.ReaderAt, size int64, limits ports.TableLimits) (intake.Source, error) {
	switch kind, err := sniff(r, size); {
	case err != nil:
		return nil, err
	case kind == zipped:
		return openXLSX(ctx, r, size, limits)
	case kind == compound:
		return openXLS(ctx, r, size, limits)
	default:
		return openCSV(ctx, r, size, limits)
	}
}

// workbook is an open file of any format.
type workbook struct {
	intake.Source
	file io.Closer
}

// Close closes the file; its rows can no longer be read.
func (w *workbook) Close() error {
	if err := w.file.Close(); err != nil {
		return fault.Wrap("tables.Close", err)
	}
	return nil
}

func withDefaults(l ports.TableLimits) ports.TableLimits {
	if l.UnpackedBytes <= 0 {
		l.UnpackedBytes = 2 << 30
	}
	if l.Rows <= 0 {
		l.Rows = 5_000_000
	}
	if l.Columns <= 0 {
		l.Columns = 1_000
	}
	if l.CellCharacters <= 0 {
		l.CellCharacters = 32_767
	}
	return l
}
