package ledger

import (
	"fmt"
	"math"

	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/intake"
)

const (
	// monthEnd: a last row this close to the end of its month leaves quiet last
	// days, not an unfinished month.
	monthEnd = 3 // days
	// lateDays is how much later than the end of the sales a stock file may be.
	// What was sold in between is missing from both, and the stock of every
	// earlier day with it.
	lateDays = 7
)

// snapshotDay is the day at whose start the stock was counted: as given, else
// inferred from the rows (R16).
func snapshotDay(rows *intake.Rows, o Options) (s calendar.Day, inferred bool) {
	if o.Snapshot != nil {
		return *o.Snapshot, false
	}
	latest := calendar.Day(math.MinInt32)
	for _, sale := range rows.Sales {
		latest = max(latest, sale.Sold) // its arrival is no later: R11
	}
	for _, lot := range rows.Lots {
		latest = max(latest, lot.Created)
	}
	s = latest + 1
	if end := latest.Month().Last(); end-latest <= monthEnd {
		s = end + 1
	}
	for _, m := range o.EmptyMonths {
		s = max(s, (m + 1).First())
	}
	return min(s, o.Today+1), true
}

// coherent refuses a snapshot day that is not known yet, or that a row
// contradicts by being dated on it or later.
func coherent(rows *intake.Rows, s, today calendar.Day) error {
	if s > today+1 {
		return fault.New(fault.Invalid, "snapshot_incoherent",
			"snapshot_date %s is later than tomorrow (today is %s); give the day at whose start the stock was counted", s, today).
			With("snapshot_date", s)
	}
	late := 0
	var first *fault.Error
	note := func(file, row int32, what string, d calendar.Day) {
		late++
		if first != nil {
			return
		}
		name := rows.Files[file].Name
		first = fault.New(fault.Invalid, "snapshot_incoherent",
			"%s, row %d: %s on %s, but the stock was counted at the start of %s; give a snapshot_date after every row, or correct the row",
			name, row, what, d, s).
			With("filename", name).With("row", int(row)).With("date", d).With("snapshot_date", s)
	}
	for _, lot := range rows.Lots {
		if lot.Created >= s {
			note(lot.File, lot.Row, "arrived", lot.Created)
		}
	}
	for _, sale := range rows.Sales {
		if sale.Sold >= s {
			note(sale.File, sale.Row, "sold", sale.Sold)
		}
	}
	if first == nil {
		return nil
	}
	return first.With("rows", late)
}

// lateness judges how long after the last month the stock was counted.
func lateness(last calendar.Month, s calendar.Day, allowed bool) ([]intake.Warning, error) {
	days := int(s - (last + 1).First())
	if days <= 0 {
		return nil, nil
	}
	if days > lateDays && !allowed {
		return nil, fault.New(fault.Invalid, "snapshot_incoherent",
			"the stock was counted at the start of %s, %d days after the last month of the sales files (%s): what was sold in between is unknown, and every day's stock would be wrong by it; add the later sales, or allow it with allow_late_snapshot",
			s, days, last.Short()).With("snapshot_date", s).With("days", days)
	}
	return []intake.Warning{{Code: "snapshot_late", Days: days, Message: fmt.Sprintf(
		"the stock was counted at the start of %s, %d days after the end of %s; copies sold in between are unknown",
		s, days, last.Short())}}, nil
}
