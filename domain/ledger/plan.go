package ledger

import (
	"maps"
	"slices"

	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/intake"
)

// Options are what a person said about an upload.
type Options struct {
	Today       calendar.Day
	Snapshot    *calendar.Day    // snapshot_date; nil: inferred (R16)
	EmptyMonths []calendar.Month // months in which nothing was sold (R14)
	AllowLate   bool             // allow_late_snapshot (R16)
}

// Plan is what an upload says by itself, before anything stored is looked at.
type Plan struct {
	Months   []Month // ascending, without a gap
	Snapshot calendar.Day
	Inferred bool             // nobody gave Snapshot
	Warnings []intake.Warning // snapshot_late, files_overlap
}

// Month is one month of an upload.
type Month struct {
	Month        calendar.Month
	DaysObserved int    // days before the snapshot; fewer than the month has: incomplete (R17)
	Digest       string // of the multiset of its sales rows as given (R18)
	Rows         int    // accepted sales rows
}

// First is the plan's first month.
func (p *Plan) First() calendar.Month { return p.Months[0].Month }

// Last is the plan's last month.
func (p *Plan) Last() calendar.Month { return p.Months[len(p.Months)-1].Month }

// NewPlan applies the laws of an upload's months to rows whose stray ones are
// gone. Errors, in this order: invalid_empty_months, months_not_contiguous,
// snapshot_incoherent.
func NewPlan(rows *intake.Rows, o Options) (*Plan, error) {
	content := contentOf(rows)
	months, err := contiguous(content, o)
	if err != nil {
		return nil, err
	}
	s, inferred := snapshotDay(rows, o)
	if err := coherent(rows, s, o.Today); err != nil {
		return nil, err
	}
	if err := begun(o.EmptyMonths, s); err != nil {
		return nil, err
	}
	late, err := lateness(months[len(months)-1], s, o.AllowLate)
	if err != nil {
		return nil, err
	}
	p := &Plan{Snapshot: s, Inferred: inferred, Warnings: append(late, overlaps(rows.Files, content)...)}
	for _, m := range months {
		p.Months = append(p.Months, Month{
			Month:        m,
			DaysObserved: observed(m, s),
			Digest:       content[m].digest(),
			Rows:         content[m].rows(),
		})
	}
	return p, nil
}

// observed is the number of the month's days that lie before s.
func observed(m calendar.Month, s calendar.Day) int {
	return max(0, min(int(s-m.First()), m.Days()))
}

// contiguous applies R14: the months of the upload, empty ones included.
func contiguous(content map[calendar.Month]content, o Options) ([]calendar.Month, error) {
	for _, m := range o.EmptyMonths {
		if m < earliest() || m > o.Today.Month() {
			return nil, fault.New(fault.Invalid, "invalid_empty_months",
				"%s is named in empty_months, but lies before 1990 or in the future; take it out", m.Short()).
				With("months", []calendar.Month{m})
		}
		if c, ok := content[m]; ok {
			return nil, fault.New(fault.Invalid, "invalid_empty_months",
				"%s is named in empty_months, but %d sales rows are dated in it; take it out of empty_months, or the rows out of the files",
				m.Short(), c.rows()).With("months", []calendar.Month{m})
		}
	}
	months := slices.AppendSeq(slices.Clone(o.EmptyMonths), maps.Keys(content))
	slices.Sort(months)
	months = slices.Compact(months)
	if len(months) == 0 {
		return nil, fault.New(fault.Invalid, "no_rows_accepted",
			"no sales row of the upload was accepted, so there is no month to store; see the rejected rows of each file")
	}
	if missing := between(months[0], months[len(months)-1], months); len(missing) > 0 {
		return nil, fault.New(fault.Invalid, "months_not_contiguous",
			"the months of the upload run from %s to %s, but no sales row is of %s; add the files of these months, or name them in empty_months if the shop was closed",
			months[0].Short(), months[len(months)-1].Short(), span(missing)).With("months", missing)
	}
	return months, nil
}

// earliest is the first month in which a row can be dated (R7).
func earliest() calendar.Month { return calendar.MonthOf(1990, 1) }

// begun refuses an empty month of which no day was observed: that nothing was
// sold in it cannot be known yet.
func begun(empty []calendar.Month, s calendar.Day) error {
	for _, m := range empty {
		if observed(m, s) == 0 {
			return fault.New(fault.Invalid, "invalid_empty_months",
				"%s is named in empty_months, but the stock was counted at the start of %s, before any of its days; take it out, or give a later snapshot_date",
				m.Short(), s).With("months", []calendar.Month{m})
		}
	}
	return nil
}
