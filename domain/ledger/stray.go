package ledger

import (
	"slices"

	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/catalog"
	"github.com/plastinka/predictor/domain/intake"
)

// straysBelow: a first month is stray with fewer than one in twenty of the rows
// of the file's largest month.
const straysBelow = 20

// RejectStray applies R13: in each sales file the rows of a stray first month
// move from accepted to rejected, unless another file has that month as its
// own. Raw records that no row uses any more leave rows.Records, so that they
// neither vote nor are kept. Exports cut at the wrong hour carry such rows; a
// month made of them alone would look like a month without sales.
func RejectStray(rows *intake.Rows) {
	stray := strayMonths(rows)
	if len(stray) == 0 {
		return
	}
	rows.Sales = slices.DeleteFunc(rows.Sales, func(s intake.Sale) bool {
		m, ok := stray[s.File]
		if !ok || s.Sold.Month() != m {
			return false
		}
		f := &rows.Files[s.File]
		f.Reject(reasonOutside, int(s.Row), s.Sold.String())
		if s.Created > s.Sold {
			f.RowsAdjusted-- // R11 is about accepted rows
		}
		if s.DigitsLost {
			f.BarcodeDigitsLost-- // as is the warning
		}
		return true
	})
	dropUnused(rows)
}

// strayMonths is the stray month of each file that has one.
func strayMonths(rows *intake.Rows) map[int32]calendar.Month {
	counts := map[int32]map[calendar.Month]int{}
	for _, s := range rows.Sales {
		if counts[s.File] == nil {
			counts[s.File] = map[calendar.Month]int{}
		}
		counts[s.File][s.Sold.Month()]++
	}
	stray := map[int32]calendar.Month{}
	owned := map[calendar.Month]bool{}
	for file, months := range counts {
		var first calendar.Month
		largest, started := 0, false
		for m, n := range months {
			if !started || m < first {
				first, started = m, true
			}
			largest = max(largest, n)
		}
		// A file's only month is its largest, so the last month is never stray.
		isStray := months[first]*straysBelow < largest
		if isStray {
			stray[file] = first
		}
		for m := range months {
			if m != first || !isStray {
				owned[m] = true
			}
		}
	}
	for file, m := range stray {
		if owned[m] {
			delete(stray, file)
		}
	}
	return stray
}

// dropUnused removes raw records without rows and renumbers the rest in their
// order.
func dropUnused(rows *intake.Rows) {
	used := make([]bool, len(rows.Records))
	for _, l := range rows.Lots {
		used[l.Record] = true
	}
	for _, s := range rows.Sales {
		used[s.Record] = true
	}
	number := make([]int32, len(rows.Records))
	var kept []catalog.Raw
	for i, r := range rows.Records {
		if used[i] {
			number[i] = int32(len(kept))
			kept = append(kept, r)
		}
	}
	rows.Records = kept
	for i := range rows.Lots {
		rows.Lots[i].Record = number[rows.Lots[i].Record]
	}
	for i := range rows.Sales {
		rows.Sales[i].Record = number[rows.Sales[i].Record]
	}
}
