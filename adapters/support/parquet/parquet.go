// Package parquet writes and reads tables as Parquet files: flat rows, one Go
// struct per row. It is a leaf that the exchange formats and the exports share.
//
// A column is called what the field's json tag says, so that a table has one
// set of names in all its forms; a parquet tag, if there is one, wins. Columns
// are compressed with Zstandard. Equal rows give equal bytes.
//
// parquet-go does the work: it is the only complete writer in pure Go, and the
// files open in pandas, DuckDB and Spark. It trusts the files it reads, so
// Read looks them through first (guard.go) and turns its panics into errors.
package parquet

import (
	"io"
	"iter"
	"reflect"
	"strings"

	"github.com/parquet-go/parquet-go"

	"github.com/plastinka/predictor/domain/fault"
)

// batch is how many rows go to or come from the library at once, and rowGroup
// how many a group holds: enough to compress well, few enough to stream.
const (
	batch    = 4096
	rowGroup = 1 << 18
)

// Write writes rows as one Parquet file. An error from rows ends it and is
// returned as it is; what has been written then is no Parquet file.
func Write[T any](w io.Writer, rows iter.Seq2[T, error]) error {
	options := []parquet.WriterOption{parquet.Compression(&parquet.Zstd), parquet.MaxRowsPerRowGroup(rowGroup),
		parquet.DefaultEncodingFor(parquet.ByteArray, &parquet.Plain), // the one encoding that the guard knows
		parquet.CreatedBy("plastinka", "1", "")}
	for _, c := range columns[T]() {
		options = append(options, c)
	}
	writer := parquet.NewGenericWriter[T](w, options...)
	waiting := make([]T, 0, batch)
	flush := func() error {
		_, err := writer.Write(waiting)
		waiting = waiting[:0]
		return fault.Wrap("parquet.Write", err)
	}
	for row, err := range rows {
		if err != nil {
			return err
		}
		if waiting = append(waiting, row); len(waiting) == batch {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	if err := flush(); err != nil {
		return err
	}
	return fault.Wrap("parquet.Write", writer.Close())
}

// Limits bound what a file from a stranger may cost.
type Limits struct {
	Rows  int64 // at most
	Bytes int64 // at most, of all columns unpacked
}

// Read reads all rows of the Parquet file r of the given size. The file must
// have exactly the columns of T. name is what errors call the file.
func Read[T any](r io.ReaderAt, size int64, name string, limits Limits) (rows []T, err error) {
	defer func() {
		if p := recover(); p != nil { // the library panics on some damaged files
			rows, err = nil, corrupt(name, "%v", p)
		}
	}()
	var names []parquet.SchemaOption
	var options []parquet.ReaderOption
	for _, c := range columns[T]() {
		names, options = append(names, c), append(options, c)
	}
	schema := parquet.SchemaOf(new(T), names...)
	if err := inspect(r, size, name, limits, schema); err != nil {
		return nil, err
	}
	file, err := parquet.OpenFile(r, size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return nil, corrupt(name, "%v", err)
	}
	if !parquet.EqualNodes(file.Schema(), schema) {
		return nil, corrupt(name, "its columns are not the expected ones")
	}
	reader := parquet.NewGenericReader[T](file, options...)
	defer reader.Close()
	for int64(len(rows)) < file.NumRows() {
		buffer := make([]T, min(batch, file.NumRows()-int64(len(rows))))
		n, err := reader.Read(buffer)
		rows = append(rows, buffer[:n]...)
		if err != nil && err != io.EOF {
			return nil, corrupt(name, "%v", err)
		}
		if n == 0 {
			return nil, corrupt(name, "it says that it has %d rows and ends after %d", file.NumRows(), len(rows))
		}
	}
	return rows, nil
}

// columns names every column by the json tag of its field.
func columns[T any]() []*parquet.StructTagOption {
	var options []*parquet.StructTagOption
	row := reflect.TypeFor[T]()
	for i := range row.NumField() {
		f := row.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if _, own := f.Tag.Lookup("parquet"); own || name == "" {
			continue
		}
		options = append(options, &parquet.StructTagOption{
			StructTag: reflect.StructTag(`parquet:"` + name + `"`), ColumnPath: []string{f.Name}})
	}
	return options
}

func corrupt(name, format string, args ...any) error {
	e := fault.New(fault.Invalid, "corrupt_file", format, args...)
	e.Message = name + " cannot be read as a Parquet file: " + e.Message
	return e
}
