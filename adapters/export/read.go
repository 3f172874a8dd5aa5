package export

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/plastinka/predictor/adapters/support/parquet"
	"github.com/plastinka/predictor/domain/fault"
)

// maxRows is how many rows of an exported table are read back.
const maxRows = 100_000_000

// Read reads a table that Table wrote, CSV or Parquet as its content says. Of a
// CSV, columns that T does not have are passed over; all of T's must be there.
// name is what errors call the file.
func Read[T any](content []byte, name string) ([]T, error) {
	if bytes.HasPrefix(content, []byte("PAR1")) {
		return parquet.Read[T](bytes.NewReader(content), int64(len(content)), name,
			parquet.Limits{Rows: maxRows, Bytes: 64*int64(len(content)) + 1<<20})
	}
	return readCSV[T](bytes.NewReader(content), name)
}

func readCSV[T any](r io.Reader, name string) (rows []T, err error) {
	c := csv.NewReader(bufio.NewReaderSize(r, 1<<16))
	c.ReuseRecord = true
	header, err := c.Read()
	if err != nil {
		return nil, fault.New(fault.Invalid, "corrupt_file", "%s has no header row: %v", name, err)
	}
	header = slices.Clone(header)
	t := reflect.TypeFor[T]()
	at := make([]int, t.NumField())
	for i := range at {
		column := t.Field(i).Tag.Get("json")
		if at[i] = slices.Index(header, column); at[i] < 0 {
			return nil, fault.New(fault.Invalid, "missing_columns", "%s has no column %q; it has %s", name, column, strings.Join(header, ", "))
		}
	}
	for {
		record, err := c.Read()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return nil, fault.New(fault.Invalid, "corrupt_file", "%s cannot be read: %v", name, err)
		}
		var row T
		v := reflect.ValueOf(&row).Elem()
		for i, j := range at {
			if err := parse(v.Field(i), record[j]); err != nil {
				line, _ := c.FieldPos(j)
				return nil, fault.New(fault.Invalid, "corrupt_file", "%s, line %d: %s is %.40q, which is no number", name, line, header[j], record[j])
			}
		}
		rows = append(rows, row)
	}
}

func parse(v reflect.Value, s string) (err error) {
	switch v.Kind() {
	case reflect.Int64:
		var n int64
		n, err = strconv.ParseInt(s, 10, 64)
		v.SetInt(n)
	case reflect.Float64:
		var x float64
		x, err = strconv.ParseFloat(s, 64)
		v.SetFloat(x)
	default:
		if len(s) > 2 && s[0] == '\'' && strings.ContainsRune("=+-@\t\r", rune(s[1])) {
			s = s[1:] // what Neutral added
		}
		v.SetString(s)
	}
	return err
}
