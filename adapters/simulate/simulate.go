// Package simulate writes a simulated shop's files as the shop's own programs
// would: a stock file and one sales file a month, as xlsx with real date cells
// (excelize's stream writer) or as csv in one of the encodings that exports
// come in (x/text), and beside them the truth that an upload must find out.
// Texts are cells of their kind in xlsx, and none of the shop's begins with a
// character by which a spreadsheet would take a csv's cell for a formula (the
// tests look); they are not altered, or they would not be read as they are.
package simulate

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"github.com/plastinka/predictor/adapters/support/safefile"
	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/catalog"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/simulation"
)

// Format is how a file is written.
type Format string

// The formats. Mixed writes xlsx and csv by turns, as shops do.
const (
	XLSX    Format = "xlsx"
	CSV     Format = "csv"          // UTF-8, comma, LF
	CSVBOM  Format = "csv-utf8-bom" // semicolon and CRLF, as a Russian Excel writes "CSV UTF-8"
	CSV16LE Format = "csv-utf16le"  // tab and CRLF, as Excel writes "Unicode text"
	CSV16BE Format = "csv-utf16be"
	CSV1251 Format = "csv-1251" // semicolon, CRLF and DD.MM.YYYY, as a Russian Excel writes "CSV"
	Mixed   Format = "mixed"
)

// Formats are all but Mixed. Windows-1252 is not among them: it lacks the
// letters of half of the shop's names.
func Formats() []Format { return []Format{XLSX, CSV, CSVBOM, CSV16LE, CSV16BE, CSV1251} }

// Files are the paths of what was written.
type Files struct {
	Stock string
	Sales []string
	Truth []string // products.csv, monthly.csv
}

// Write writes the shop's files and the truth about it into dir, which it
// makes; a folder that has files already is refused. snapshot is the day at
// whose start the stock is counted: what came later is in no file, and months
// that begin on it or later are no part of the truth.
func Write(ctx context.Context, dir string, shop *simulation.Shop, snapshot calendar.Day, format Format) (Files, error) {
	var f Files
	if known := append(Formats(), Mixed); !slices.Contains(known, format) {
		return f, fault.New(fault.Invalid, "unknown_format", "there is no format %q; choose one of %q", format, known)
	}
	if snapshot <= shop.Options.First.First() {
		return f, fault.New(fault.Invalid, "invalid_options", "the stock of %s was counted before the shop's first day of sales, %s", snapshot, shop.Options.First.First())
	}
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return f, fault.New(fault.Invalid, "folder_not_empty", "%s has files already; give a new folder", dir)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return f, fault.New(fault.Invalid, "folder_not_writable", "the folder %s cannot be made: %v", dir, err)
	}
	w := writer{ctx: ctx, dir: dir, language: simulation.Russian}
	var err error
	if f.Stock, err = w.table("stock", 0, format, simulation.StockHeader(w.language), shop.Stock(snapshot), simulation.Row.StockValues); err != nil {
		return f, err
	}
	for i := range shop.Options.Months {
		m := shop.Options.First + calendar.Month(i)
		rows := shop.Sales(m.First(), min((m+1).First(), snapshot))
		if len(rows) == 0 {
			continue
		}
		path, err := w.table("sales-"+m.Short(), i, format, simulation.SalesHeader(w.language), rows, simulation.Row.SalesValues)
		if err != nil {
			return f, err
		}
		f.Sales = append(f.Sales, path)
	}
	f.Truth, err = w.truth(shop, snapshot)
	return f, err
}

type writer struct {
	ctx      context.Context
	dir      string
	language simulation.Language
}

// table writes one file; turn chooses the format of a mixed shop.
func (w *writer) table(name string, turn int, format Format, header []string, rows []simulation.Row, values func(simulation.Row) []any) (string, error) {
	if format == Mixed {
		format = []Format{XLSX, CSV, XLSX, CSV1251}[turn%4]
	}
	write, extension := w.csv, ".csv"
	if format == XLSX {
		write, extension = w.xlsx, ".xlsx"
	}
	path := filepath.Join(w.dir, name+extension)
	err := safefile.Write(path, 0o644, func(to io.Writer) error {
		return write(to, format, header, func(yield func([]any) error) error {
			for i, r := range rows {
				if i%4096 == 0 && w.ctx.Err() != nil {
					return fault.Wrap("simulate.table", w.ctx.Err())
				}
				if err := yield(values(r)); err != nil {
					return err
				}
			}
			return nil
		})
	})
	return path, fault.Wrap("simulate.Write", err)
}

func (w *writer) xlsx(to io.Writer, _ Format, header []string, rows func(func([]any) error) error) (err error) {
	f := excelize.NewFile()
	defer func() {
		if e := f.Close(); err == nil {
			err = e
		}
	}()
	style, err := f.NewStyle(&excelize.Style{NumFmt: 14})
	if err != nil {
		return err
	}
	s, err := f.NewStreamWriter("Sheet1")
	if err != nil {
		return err
	}
	row := make([]any, len(header))
	for i, h := range header {
		row[i] = h
	}
	at := 1
	if err := s.SetRow("A1", row); err != nil {
		return err
	}
	err = rows(func(values []any) error {
		at++
		for i, v := range values {
			if d, ok := v.(calendar.Day); ok {
				values[i] = excelize.Cell{StyleID: style, Value: serial(d)}
			}
		}
		cell, err := excelize.CoordinatesToCellName(1, at)
		if err != nil {
			return err
		}
		return s.SetRow(cell, values)
	})
	if err != nil {
		return err
	}
	if err := s.Flush(); err != nil {
		return err
	}
	return f.Write(to)
}

// serial is a day in Excel's 1900 system; the 30th of December 1899 is 0.
func serial(d calendar.Day) int { return int(d) + 25569 }

func (w *writer) csv(to io.Writer, format Format, header []string, rows func(func([]any) error) error) error {
	out := encodingOf(format).NewEncoder().Writer(to)
	if format == CSVBOM {
		if _, err := io.WriteString(out, "\ufeff"); err != nil {
			return err
		}
	}
	c := csv.NewWriter(out)
	switch format {
	case CSVBOM, CSV1251:
		c.Comma, c.UseCRLF = ';', true
	case CSV16LE:
		c.Comma, c.UseCRLF = '\t', true
	}
	if err := c.Write(header); err != nil {
		return err
	}
	record := make([]string, len(header))
	err := rows(func(values []any) error {
		for i, v := range values {
			record[i] = text(v, format)
		}
		return c.Write(record)
	})
	if err != nil {
		return err
	}
	c.Flush()
	return c.Error()
}

func encodingOf(f Format) encoding.Encoding {
	switch f {
	case CSV16LE:
		return unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)
	case CSV16BE:
		return unicode.UTF16(unicode.BigEndian, unicode.UseBOM)
	case CSV1251:
		return charmap.Windows1251
	}
	return encoding.Nop
}

// text writes a value as the format's readers expect it: days as ISO in UTF-8,
// as DD.MM.YYYY in the files of a Russian spreadsheet.
func text(v any, f Format) string {
	switch v := v.(type) {
	case calendar.Day:
		if f == CSV1251 {
			y, m, d := v.Date()
			return fmt.Sprintf("%02d.%02d.%04d", d, int(m), y)
		}
		return v.String()
	case int:
		return strconv.Itoa(v)
	}
	return fmt.Sprint(v)
}

// truth writes what an upload of the files must find out.
func (w *writer) truth(shop *simulation.Shop, snapshot calendar.Day) ([]string, error) {
	products, monthly := filepath.Join(w.dir, "truth", "products.csv"), filepath.Join(w.dir, "truth", "monthly.csv")
	if err := os.MkdirAll(filepath.Dir(products), 0o755); err != nil {
		return nil, fault.New(fault.Invalid, "folder_not_writable", "the folder %s cannot be made: %v", filepath.Dir(products), err)
	}
	err := safefile.Write(products, 0o644, func(to io.Writer) error {
		c := csv.NewWriter(to)
		c.Write(append([]string{"edition"}, catalog.Attributes()...)) // an error stays with the writer
		for i, e := range shop.Editions {
			c.Write(append([]string{strconv.Itoa(i)}, e.Product.Values()...))
		}
		c.Flush()
		return c.Error()
	})
	if err != nil {
		return nil, fault.Wrap("simulate.truth", err)
	}
	err = safefile.Write(monthly, 0o644, func(to io.Writer) error {
		c := csv.NewWriter(to)
		c.Write([]string{"edition", "month", "sales", "opening", "days", "availability", "confidence", "demand"})
		for i, e := range shop.Editions {
			for k := range shop.Options.Months {
				m := shop.Options.First + calendar.Month(k)
				if m.First() >= snapshot {
					break
				}
				t := shop.In(i, m, snapshot)
				days := float64(t.Days)
				c.Write([]string{strconv.Itoa(i), m.String(), strconv.Itoa(t.Sales), strconv.Itoa(t.Opening), strconv.Itoa(t.Days),
					number(float64(t.Available) / days), number(float64(t.Depth) / (5 * days)), number(e.Demand[k])})
			}
		}
		c.Flush()
		return c.Error()
	})
	return []string{products, monthly}, fault.Wrap("simulate.truth", err)
}

func number(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }
