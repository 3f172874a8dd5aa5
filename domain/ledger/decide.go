package ledger

import (
	"fmt"
	"slices"

	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/intake"
)

// Decision is what an upload does to the stored months. The three lists are
// disjoint and together the months of the plan; no other month is touched.
type Decision struct {
	Stored    []calendar.Month // written first, or overwritten
	Completed []calendar.Month // incomplete before, written again by a later snapshot
	Unchanged []calendar.Month // their content is stored already
	Warnings  []intake.Warning // missing_months
}

// Writes reports whether the month is to be written.
func (d *Decision) Writes(m calendar.Month) bool {
	return slices.Contains(d.Stored, m) || slices.Contains(d.Completed, m)
}

// Decide applies R18 to the plan beside the stored months. Other content than
// is stored is the error months_exist, unless overwrite is set.
func (p *Plan) Decide(stored []StoredMonth, overwrite bool) (*Decision, error) {
	have := map[calendar.Month]StoredMonth{}
	for _, s := range stored {
		have[s.Month] = s
	}
	d := &Decision{}
	var exist []calendar.Month
	for _, m := range p.Months {
		old, ok := have[m.Month]
		switch {
		case ok && !old.Complete() && m.DaysObserved > old.DaysObserved:
			d.Completed = append(d.Completed, m.Month)
		case !ok || overwrite:
			d.Stored = append(d.Stored, m.Month)
		case old.Digest == m.Digest:
			d.Unchanged = append(d.Unchanged, m.Month)
		default:
			exist = append(exist, m.Month)
		}
	}
	if len(exist) > 0 {
		return nil, fault.New(fault.Conflict, "months_exist",
			"%s stored already, with other sales rows than these files have; upload with overwrite=true to replace what is stored of %s, or leave these months out",
			isAre(exist), span(p.months())).With("months", exist)
	}
	for _, m := range p.Months {
		if d.Writes(m.Month) {
			have[m.Month] = StoredMonth{Month: m.Month, DaysObserved: m.DaysObserved}
		}
	}
	after := make([]StoredMonth, 0, len(have))
	for _, s := range have {
		after = append(after, s)
	}
	if missing := Missing(after); len(missing) > 0 {
		d.Warnings = append(d.Warnings, intake.Warning{Code: "missing_months", Months: missing, Message: MissingMessage(missing)})
	}
	return d, nil
}

func (p *Plan) months() []calendar.Month {
	months := make([]calendar.Month, len(p.Months))
	for i, m := range p.Months {
		months[i] = m.Month
	}
	return months
}

func isAre(months []calendar.Month) string {
	if len(months) == 1 {
		return span(months) + " is"
	}
	return span(months) + " are"
}

// Missing applies R15: the months that keep the stored ones, in any order,
// from being whole: those between the first and the last that are not stored,
// and those before the last of which not every day was observed. Ascending.
func Missing(stored []StoredMonth) []calendar.Month {
	if len(stored) == 0 {
		return nil
	}
	sorted := slices.SortedFunc(slices.Values(stored), func(a, b StoredMonth) int { return int(a.Month - b.Month) })
	last := sorted[len(sorted)-1].Month
	var whole []calendar.Month
	for _, s := range sorted {
		if s.Month == last || s.Complete() {
			whole = append(whole, s.Month)
		}
	}
	return between(sorted[0].Month, last, whole)
}

// MissingMessage says which months are missing and how to fill them.
func MissingMessage(missing []calendar.Month) string {
	return fmt.Sprintf("%s missing or unfinished between the stored months, and training waits for them; upload their sales files together with those of the months after them up to the day of the stock file (months stored already stay unchanged)",
		isAre(missing))
}
