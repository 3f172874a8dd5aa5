package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/plastinka/predictor/domain/forecast"
	"github.com/plastinka/predictor/domain/report"
)

// shownMethods is how many of the best methods the page shows, besides the one
// in use and the best simple one; the JSON report has all.
const shownMethods = 8

// backtestOf tells how the methods did on history; nil without a back-test.
func backtestOf(r *report.Report, w *words) *backtest {
	b := r.Backtest
	if b == nil {
		return nil
	}
	rows := slices.DeleteFunc(slices.Clone(b.Rows), func(x forecast.BacktestRow) bool { return x.Class != "all" })
	if len(rows) == 0 {
		return nil
	}
	slices.SortStableFunc(rows, func(x, y forecast.BacktestRow) int { return cmp.Compare(x.Pinball, y.Pinball) })
	t := &backtest{Title: fmt.Sprintf(w.BacktestTitle, w.monthsCount(len(b.Origins)))}
	left := 0
	for i, x := range rows {
		if i >= shownMethods && x.Method != b.Chosen && x.Method != b.Best {
			left++
			continue
		}
		row := backtestRow{Method: x.Method, Pinball: w.number(x.Pinball, 4), Difference: w.difference(&x, b.Best),
			Coverage50: w.percent(x.Coverage50), Coverage90: w.percent(x.Coverage90), WAPE: w.percent(x.WAPE), Bias: w.number(x.Bias, 2),
			Chosen: x.Method == b.Chosen}
		switch x.Method {
		case b.Chosen:
			row.Mark = w.Chosen
		case b.Best:
			row.Mark = w.BestBaseline
		}
		t.Rows = append(t.Rows, row)
	}
	if left > 0 {
		t.More = fmt.Sprintf(w.More, w.counted(left, w.methods))
	}
	return t
}

// difference to the best simple method; one within two standard errors is none.
func (w *words) difference(x *forecast.BacktestRow, best string) string {
	switch {
	case x.Method == best:
		return "—"
	case math.Abs(x.Difference) <= 2*x.DifferenceError:
		return w.Same
	}
	sign := ""
	if x.Difference > 0 {
		sign = "+"
	}
	return sign + w.number(x.Difference, 4) + " ± " + w.number(x.DifferenceError, 4)
}

// chosen is the row of the method in use, over all products; nil if there is none.
func chosen(b *forecast.Backtest) *forecast.BacktestRow {
	if b == nil {
		return nil
	}
	for i, x := range b.Rows {
		if x.Method == b.Chosen && x.Class == "all" {
			return &b.Rows[i]
		}
	}
	return nil
}
