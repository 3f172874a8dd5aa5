package report

import (
	"context"
	"fmt"
	"io"
	"math"

	"github.com/xuri/excelize/v2"

	"github.com/plastinka/predictor/adapters/support/cells"
	"github.com/plastinka/predictor/domain/forecast"
	"github.com/plastinka/predictor/domain/report"
)

// column is a column of the workbook: its title, width in characters, and the
// value of a row, text or number, nil for an empty cell.
type column struct {
	title string
	width float64
	value func(row *report.Row) any
}

// columns are in the order in which a shop reads: the record, what to order, why.
func columns(r *report.Report, w *words) []column {
	list := []column{
		{w.Artist, 28, func(x *report.Row) any { return cells.Neutral(x.Artist) }},
		{w.Album, 34, func(x *report.Row) any { return cells.Neutral(x.Album) }},
		{w.Restock, 11, func(x *report.Row) any { return cell(x.Restock) }},
		{w.Stock, 11, func(x *report.Row) any { return cell(x.Stock) }},
		{w.RestockRub, 14, func(x *report.Row) any {
			if x.Restock == nil || x.Price == nil {
				return nil
			}
			return x.Value(float64(*x.Restock))
		}},
		{w.Price, 11, func(x *report.Row) any { return cell(x.Price) }},
	}
	for i, q := range forecast.Levels {
		list = append(list, column{fmt.Sprintf(w.Quantile, int(100*q+0.5)), 11, func(x *report.Row) any { return x.Quantiles[i] }})
	}
	list = append(list,
		column{w.Mean, 11, func(x *report.Row) any { return x.Mean }},
		column{w.FromStock, 14, func(x *report.Row) any { return cell(x.FromStock) }},
		column{w.SalesLast, 14, func(x *report.Row) any { return cell(x.SalesLast) }},
		column{w.SalesYear, 14, func(x *report.Row) any { return cell(x.SalesYear) }})
	for _, f := range []struct {
		title string
		value func(x *report.Row) float64
	}{
		{w.MeanItems, func(x *report.Row) float64 { return x.Last.MaskedMeanItems }},
		{w.MeanRub, func(x *report.Row) float64 { return x.Last.MaskedMeanRub }},
		{w.LostRub, func(x *report.Row) float64 { return x.Last.LostSalesRub }},
		{w.Availability, func(x *report.Row) float64 { return x.Last.Availability }},
		{w.Confidence, func(x *report.Row) float64 { return x.Last.Confidence }},
	} {
		list = append(list, column{f.title, 14, func(x *report.Row) any {
			if x.Last == nil {
				return nil
			}
			return f.value(x)
		}})
	}
	return append(list,
		column{w.Style, 18, func(x *report.Row) any { return cells.Neutral(x.Style) }},
		column{w.ReleaseType, 14, func(x *report.Row) any { return cells.Neutral(x.ReleaseType) }},
		column{w.Cover, 10, func(x *report.Row) any { return cells.Neutral(x.CoverType) }},
		column{w.Year, 10, func(x *report.Row) any { return x.RecordingYear }},
		column{w.RecordingDecade, 12, func(x *report.Row) any { return cells.Neutral(x.RecordingDecade) }},
		column{w.ReleaseDecade, 12, func(x *report.Row) any { return cells.Neutral(x.ReleaseDecade) }},
		column{w.PriceCategory, 18, func(x *report.Row) any { return cells.Neutral(x.PriceCategory) }},
		column{w.Barcode, 16, func(x *report.Row) any { return cells.Neutral(x.Barcode) }},
		column{w.Month, 12, func(*report.Row) any { return r.Month.String() }},
		column{w.ID, 10, func(x *report.Row) any { return int64(x.ID) }},
		column{w.ModelID, 14, func(*report.Row) any { return cells.Neutral(r.ModelID) }},
		column{w.ResultID, 14, func(*report.Row) any { return cells.Neutral(r.ResultID) }},
		column{w.Method, 14, func(x *report.Row) any { return cells.Neutral(x.Method) }})
}

// cell is a number or, for nil, an empty cell.
func cell[T any](x *T) any {
	if x == nil {
		return nil
	}
	return *x
}

// finite is v, or an empty cell for a number that no cell can hold.
func finite(v any) any {
	if x, ok := v.(float64); ok && (math.IsNaN(x) || math.IsInf(x, 0)) {
		return nil
	}
	return v
}

// writeXLSX writes a workbook of two sheets: the products, with a frozen header
// and filters, and the totals.
func writeXLSX(ctx context.Context, w io.Writer, r *report.Report, l report.Language) error {
	words := wordsOf(l)
	book := excelize.NewFile()
	defer book.Close()
	if err := book.SetSheetName("Sheet1", words.SheetForecast); err != nil {
		return err
	}
	if err := writeProducts(ctx, book, r, words); err != nil {
		return err
	}
	if err := writeTotals(book, r, words); err != nil {
		return err
	}
	return book.Write(w)
}

func writeProducts(ctx context.Context, book *excelize.File, r *report.Report, words *words) error {
	header, err := book.NewStyle(&excelize.Style{Font: &excelize.Font{Bold: true}, Alignment: &excelize.Alignment{WrapText: true, Vertical: "top"},
		Border: []excelize.Border{{Type: "bottom", Color: "808080", Style: 1}}})
	if err != nil {
		return err
	}
	list := columns(r, words)
	end, err := excelize.CoordinatesToCellName(len(list), len(r.Rows)+1)
	if err != nil {
		return err
	}
	// Before the stream is opened: afterwards it would read all rows back.
	if err := book.AutoFilter(words.SheetForecast, "A1:"+end, nil); err != nil {
		return err
	}
	out, err := book.NewStreamWriter(words.SheetForecast)
	if err != nil {
		return err
	}
	for i, c := range list {
		if err := out.SetColWidth(i+1, i+1, c.width); err != nil {
			return err
		}
	}
	if err := out.SetPanes(&excelize.Panes{Freeze: true, XSplit: 2, YSplit: 1, TopLeftCell: "C2", ActivePane: "bottomRight"}); err != nil {
		return err
	}
	cells := make([]any, len(list))
	for i, c := range list {
		cells[i] = excelize.Cell{StyleID: header, Value: c.title}
	}
	if err := out.SetRow("A1", cells, excelize.RowOpts{Height: 48}); err != nil {
		return err
	}
	for n := range r.Rows {
		if n%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		for i, c := range list {
			cells[i] = finite(c.value(&r.Rows[n]))
		}
		at, err := excelize.CoordinatesToCellName(1, n+2)
		if err != nil {
			return err
		}
		if err := out.SetRow(at, cells); err != nil {
			return err
		}
	}
	return out.Flush()
}

// writeTotals writes the report in figures: name, value.
func writeTotals(book *excelize.File, r *report.Report, words *words) error {
	if _, err := book.NewSheet(words.SheetTotals); err != nil {
		return err
	}
	out, err := book.NewStreamWriter(words.SheetTotals)
	if err != nil {
		return err
	}
	if err := out.SetColWidth(1, 1, 44); err != nil {
		return err
	}
	t := &r.Totals
	rows := [][]any{
		{words.Month, r.Month.String()}, {words.ModelID, cells.Neutral(r.ModelID)}, {words.Record, t.Products},
		{words.Mean, t.Copies.Mean},
	}
	for i, q := range forecast.Levels {
		rows = append(rows, []any{fmt.Sprintf(words.Quantile, int(100*q+0.5)), t.Copies.Quantiles[i]})
	}
	rows = append(rows, []any{words.SalesLast, cell(t.SalesLast)}, []any{words.SalesYear, cell(t.SalesYear)}, []any{words.LostRub, t.LostRub})
	if r.StockDay != 0 {
		rows = append(rows, []any{words.Stock, t.Stock}, []any{words.FromStock, t.FromStock}, []any{words.Restock, t.Restock},
			[]any{words.RestockRub, t.RestockRub}, []any{words.Brings + ", ₽", t.GainRub})
	}
	for i, row := range rows {
		if err := out.SetRow(fmt.Sprintf("A%d", i+1), row); err != nil {
			return err
		}
	}
	return out.Flush()
}
