// Package ledger turns the accepted rows of an upload into daily facts.
//
// It works in four steps, each a function from values to values, so that the
// laws of an upload's months can be read and tested one by one:
//
//	RejectStray  rows of a file's barely begun first month go (R13)
//	NewPlan      the months without a gap (R14), the day of the stock file (R16),
//	             each month's digest (R18), files that overlap (R19)
//	Plan.Decide  what to write, beside what is stored (R15, R18)
//	NewBook      daily facts, openings and the snapshot, once every raw record
//	             has its product (§1.6)
//
// Only days on which something happened exist here. A dense table of five
// years, products × days, would have fifty million cells, nearly all of them
// equal to the day before; the events fit into a few tens of megabytes, and
// every day's stock follows from them and the opening (R20).
package ledger

import (
	"fmt"
	"slices"
	"strings"

	"github.com/plastinka/predictor/domain/calendar"
)

// reasonOutside is the reason of R13 in a file's accounting.
const reasonOutside = "outside_file_month"

// span is a set of months written for people: "2023-11, 2024-02 to 2024-05".
func span(months []calendar.Month) string {
	var parts []string
	for i := 0; i < len(months); {
		j := i
		for j+1 < len(months) && months[j+1] == months[j]+1 {
			j++
		}
		switch {
		case j == i:
			parts = append(parts, months[i].Short())
		case j == i+1:
			parts = append(parts, months[i].Short(), months[j].Short())
		default:
			parts = append(parts, fmt.Sprintf("%s to %s", months[i].Short(), months[j].Short()))
		}
		i = j + 1
	}
	return strings.Join(parts, ", ")
}

// between are the months from first to last that are not in the ascending list
// have.
func between(first, last calendar.Month, have []calendar.Month) []calendar.Month {
	var missing []calendar.Month
	for m := first; m <= last; m++ {
		if _, ok := slices.BinarySearch(have, m); !ok {
			missing = append(missing, m)
		}
	}
	return missing
}
