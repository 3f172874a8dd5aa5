// Package export writes stored tables as files for other programs: CSV and
// Parquet, the columns named as in the database (§4.2).
//
// A row is a flat struct of app; its json tags name the columns in both
// formats. A CSV is read by spreadsheets too, so its texts are neutralised.
package export

import (
	"bufio"
	"context"
	"encoding/csv"
	"io"
	"iter"
	"reflect"
	"strconv"
	"strings"

	"github.com/plastinka/predictor/adapters/support/cells"
	"github.com/plastinka/predictor/adapters/support/parquet"
	"github.com/plastinka/predictor/app"
	"github.com/plastinka/predictor/domain/fault"
)

// Table writes the table of this name in the format "csv" or "parquet".
func Table(ctx context.Context, w io.Writer, e app.Export, table, format string) error {
	if format != "csv" && format != "parquet" {
		return fault.New(fault.Invalid, "validation_error", "%q is no format of a table; use csv or parquet", format)
	}
	switch table {
	case "products":
		return write(w, format, e.Products(ctx))
	case "monthly":
		return write(w, format, e.Monthly(ctx))
	case "daily":
		return write(w, format, e.Daily(ctx))
	case "sales":
		return write(w, format, e.Sales(ctx))
	case "movements":
		return write(w, format, e.Movements(ctx))
	case "openings":
		return write(w, format, e.Openings(ctx))
	case "forecasts":
		return write(w, format, e.Forecasts(ctx))
	}
	return fault.New(fault.Invalid, "validation_error", "%q is no table; use one of %s", table, strings.Join(e.Tables(), ", "))
}

// Rows writes rows in a format, as Table does.
func Rows[T any](w io.Writer, format string, rows []T) error {
	return write(w, format, func(yield func(T, error) bool) {
		for _, r := range rows {
			if !yield(r, nil) {
				return
			}
		}
	})
}

func write[T any](w io.Writer, format string, rows iter.Seq2[T, error]) error {
	if format == "parquet" {
		return parquet.Write(w, rows)
	}
	return fault.Wrap("export.Table", writeCSV(w, rows))
}

// writeCSV writes a header and a line for each row: comma, LF, UTF-8 without a
// byte order mark, decimal point.
func writeCSV[T any](w io.Writer, rows iter.Seq2[T, error]) error {
	t := reflect.TypeFor[T]()
	header := make([]string, t.NumField())
	for i := range header {
		header[i] = t.Field(i).Tag.Get("json")
	}
	buffer := bufio.NewWriterSize(w, 1<<16)
	out := csv.NewWriter(buffer)
	out.Write(header) // an error stays with the writer until it is asked for
	record := make([]string, len(header))
	for row, err := range rows {
		if err != nil {
			return err
		}
		v := reflect.ValueOf(row)
		for i := range record {
			record[i] = text(v.Field(i))
		}
		out.Write(record)
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return err
	}
	return buffer.Flush()
}

func text(v reflect.Value) string {
	switch v.Kind() {
	case reflect.Int, reflect.Int64:
		return strconv.FormatInt(v.Int(), 10)
	case reflect.Float64:
		return strconv.FormatFloat(v.Float(), 'g', -1, 64)
	}
	return cells.Neutral(v.String())
}
