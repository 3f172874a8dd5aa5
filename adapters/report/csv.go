package report

import (
	"bufio"
	"context"
	"encoding/csv"
	"io"
	"math"
	"strconv"

	"github.com/plastinka/predictor/adapters/support/cells"
	"github.com/plastinka/predictor/domain/catalog"
	"github.com/plastinka/predictor/domain/report"
)

// csvNames are the columns that programs read by name (§3.4), up to the three
// that the shop reads; they are the same in every language.
func csvNames() []string {
	names := append([]string{"result_id", "multiindex_id"}, catalog.Attributes()...)
	return append(names, "model_id", "prediction_month",
		"quantile_05", "quantile_25", "quantile_50", "quantile_75", "quantile_95", "availability", "confidence")
}

// shopNames are the columns that follow, in the words of the shop.
func shopNames(w *words) []string {
	return []string{w.MeanItems, w.MeanRub, w.LostRub,
		w.SalesLast, w.SalesYear, w.Mean, w.Price, w.Stock, w.Restock, w.RestockRub, w.FromStock, w.Method}
}

// writeCSV writes comma-separated UTF-8 with line feeds and without a byte order
// mark: a header, then a line for each product, by artist and album.
func writeCSV(ctx context.Context, w io.Writer, r *report.Report, l report.Language) error {
	out := csv.NewWriter(bufio.NewWriterSize(w, 1<<16))
	header := append(csvNames(), shopNames(wordsOf(l))...)
	out.Write(header) // an error stays with the writer until it is asked for
	record := make([]string, 0, len(header))
	for i := range r.Rows {
		if i%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		out.Write(csvRecord(record[:0], r, &r.Rows[i]))
	}
	out.Flush()
	return out.Error()
}

func csvRecord(to []string, r *report.Report, row *report.Row) []string {
	to = append(to, cells.Neutral(r.ResultID), strconv.FormatInt(int64(row.ID), 10))
	for _, v := range row.Product.Values() {
		to = append(to, cells.Neutral(v))
	}
	to = append(to, cells.Neutral(r.ModelID), r.Month.String())
	for _, q := range row.Quantiles {
		to = append(to, decimal(q))
	}
	if f := row.Last; f != nil {
		to = append(to, decimal(f.Availability), decimal(f.Confidence), decimal(f.MaskedMeanItems), decimal(f.MaskedMeanRub), decimal(f.LostSalesRub))
	} else {
		to = append(to, "", "", "", "", "")
	}
	return append(to, whole(row.SalesLast), whole(row.SalesYear), decimal(row.Mean), optional(row.Price),
		whole(row.Stock), whole(row.Restock), restockRub(row), optional(row.FromStock), cells.Neutral(row.Method))
}

// decimal is the shortest text of x, to a billionth; "" for what is no number.
func decimal(x float64) string {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return ""
	}
	return strconv.FormatFloat(math.Round(x*1e9)/1e9, 'f', -1, 64)
}

func optional(x *float64) string {
	if x == nil {
		return ""
	}
	return decimal(*x)
}

func whole(n *int) string {
	if n == nil {
		return ""
	}
	return strconv.Itoa(*n)
}

func restockRub(row *report.Row) string {
	if row.Restock == nil || row.Price == nil {
		return ""
	}
	return decimal(row.Value(float64(*row.Restock)))
}
