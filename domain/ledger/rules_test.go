package ledger_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/intake"
	"github.com/plastinka/predictor/domain/ledger"
)

func TestR13StrayFirstMonth(t *testing.T) {
	cases := []struct {
		name   string
		build  func(*upload)
		months string
		stray  map[string]int // rows by file
	}{
		{"4 of 100 are stray", func(u *upload) {
			u.sold("feb.csv", "2024-01-31", 4).sold("feb.csv", "2024-02-10", 100)
		}, "2024-02", map[string]int{"feb.csv": 4}},
		{"5 of 100 are not fewer than 5 %", func(u *upload) {
			u.sold("feb.csv", "2024-01-31", 5).sold("feb.csv", "2024-02-10", 100)
		}, "2024-01 2024-02", nil},
		{"the last month may have just begun", func(u *upload) {
			u.sold("feb.csv", "2024-02-10", 100).sold("feb.csv", "2024-03-01", 1)
		}, "2024-02 2024-03", nil},
		{"a file's only month", func(u *upload) {
			u.sold("jan.csv", "2024-01-10", 100).sold("feb.csv", "2024-02-10", 1)
		}, "2024-01 2024-02", nil},
		{"rows join the month of another file", func(u *upload) {
			u.sold("feb.csv", "2024-01-31", 4).sold("feb.csv", "2024-02-10", 100).sold("jan.csv", "2024-01-10", 50)
		}, "2024-01 2024-02", nil},
		{"but not a month that is stray there too", func(u *upload) {
			u.sold("feb.csv", "2024-01-31", 4).sold("feb.csv", "2024-02-10", 100)
			u.sold("more.csv", "2024-01-30", 2).sold("more.csv", "2024-02-11", 100)
		}, "2024-02", map[string]int{"feb.csv": 4, "more.csv": 2}},
		{"measured against the largest month, not the next", func(u *upload) {
			u.sold("q1.csv", "2024-01-31", 4).sold("q1.csv", "2024-02-10", 10).sold("q1.csv", "2024-03-10", 100)
		}, "2024-02 2024-03", map[string]int{"q1.csv": 4}},
		{"counted once: the next month is not judged again", func(u *upload) {
			u.sold("q1.csv", "2024-01-31", 1).sold("q1.csv", "2024-02-10", 2).sold("q1.csv", "2024-03-10", 100)
		}, "2024-02 2024-03", map[string]int{"q1.csv": 1}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			u := newUpload(t)
			c.build(u)
			ledger.RejectStray(u.rows)
			require.Equal(t, months(t, c.months), monthsOf(u.plan(ledger.Options{})))
			for _, f := range u.rows.Files {
				require.Equal(t, c.stray[f.Name], f.RowsRejected["outside_file_month"], f.Name)
				require.Equal(t, f.RowsRead, f.RowsAccepted+f.RowsRejected["outside_file_month"], "R9")
			}
		})
	}
}

func TestR13RejectedRowsLeaveNoTrace(t *testing.T) {
	u := newUpload(t).
		sale("feb.csv", "Only in January", "2024-02-02", "2024-01-31", 990, 1).
		sale("feb.csv", "Pier", "2024-01-01", "2024-02-10", 1990, 40).
		lot("Ferry", "2024-01-05", 2, 2990)
	for _, row := range []int{0, 1} { // the stray row and one that stays
		u.rows.Sales[row].DigitsLost = true
		u.rows.Files[0].BarcodeDigitsLost++
	}
	ledger.RejectStray(u.rows)
	f := u.rows.Files[0]
	require.Equal(t, 1, f.BarcodeDigitsLost, "the warning counts accepted rows")
	require.Equal(t, []intake.Example{{Reason: "outside_file_month", Row: 2, Value: "2024-01-31"}}, f.Examples)
	require.Zero(t, f.RowsAdjusted, "a rejected row's arrival is not corrected (R11)")
	require.Len(t, u.rows.Records, 2)
	require.Equal(t, "Pier", u.rows.Records[u.rows.Sales[0].Record].Album)
	require.Equal(t, "Ferry", u.rows.Records[u.rows.Lots[0].Record].Album)
}

func TestR14MonthsFollowWithoutAGap(t *testing.T) {
	cases := []struct {
		name, sold, empty, want, code, named string
	}{
		{name: "one month", sold: "2024-02-10", want: "2024-02"},
		{name: "over the new year", sold: "2023-12-10 2024-01-10", want: "2023-12 2024-01"},
		{name: "a gap", sold: "2024-01-10 2024-03-10 2024-06-10", code: "months_not_contiguous", named: "2024-02 2024-04 2024-05"},
		{name: "a gap named empty", sold: "2024-01-10 2024-03-10", empty: "2024-02", want: "2024-01 2024-02 2024-03"},
		{name: "a gap named in part", sold: "2024-01-10 2024-04-10", empty: "2024-02", code: "months_not_contiguous", named: "2024-03"},
		{name: "a last empty month", sold: "2024-01-10", empty: "2024-02", want: "2024-01 2024-02"},
		{name: "a first empty month", sold: "2024-02-10", empty: "2024-01 2024-01", want: "2024-01 2024-02"},
		{name: "an empty month far away", sold: "2024-01-10", empty: "2024-04", code: "months_not_contiguous", named: "2024-02 2024-03"},
		{name: "an empty month with rows", sold: "2024-01-10 2024-02-10", empty: "2024-02", code: "invalid_empty_months", named: "2024-02"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			u := newUpload(t)
			for _, m := range daysOf(c.sold) {
				u.sold("sales.csv", m, 3)
			}
			p, err := ledger.NewPlan(u.rows, ledger.Options{Today: day(t, "2025-06-15"), EmptyMonths: months(t, c.empty)})
			if c.code != "" {
				requireFault(t, err, fault.Invalid, c.code)
				require.Equal(t, months(t, c.named), details(t, err)["months"])
				for _, m := range months(t, c.named) {
					if len(months(t, c.named)) < 3 {
						require.ErrorContains(t, err, m.Short())
					}
				}
				return
			}
			require.NoError(t, err)
			require.Equal(t, months(t, c.want), monthsOf(p))
		})
	}
}

func TestR14AnEmptyMonthMustHaveBegun(t *testing.T) {
	u := newUpload(t).sold("jan.csv", "2024-01-31", 3)
	_, err := ledger.NewPlan(u.rows, ledger.Options{Today: day(t, "2024-03-01"), Snapshot: dayPtr(t, "2024-02-01"), EmptyMonths: months(t, "2024-02")})
	requireFault(t, err, fault.Invalid, "invalid_empty_months")

	for _, m := range []string{"1989-12", "2024-03", "9999-01"} {
		_, err = ledger.NewPlan(u.rows, ledger.Options{Today: day(t, "2024-02-09"), EmptyMonths: months(t, m)})
		requireFault(t, err, fault.Invalid, "invalid_empty_months")
	}
	p := u.plan(ledger.Options{Today: day(t, "2024-02-09"), EmptyMonths: months(t, "2024-02")})
	require.Equal(t, 9, p.Months[1].DaysObserved, "inferred, but no later than tomorrow")
}

func TestR15MissingMonths(t *testing.T) {
	whole := func(list string) (s []ledger.StoredMonth) {
		for _, m := range months(t, list) {
			s = append(s, ledger.StoredMonth{Month: m, DaysObserved: m.Days()})
		}
		return s
	}
	unfinished := func(list string) (s []ledger.StoredMonth) {
		for _, m := range months(t, list) {
			s = append(s, ledger.StoredMonth{Month: m, DaysObserved: 12})
		}
		return s
	}
	require.Empty(t, ledger.Missing(nil))
	require.Empty(t, ledger.Missing(whole("2024-02 2024-01 2023-12")))
	require.Empty(t, ledger.Missing(append(whole("2024-01"), unfinished("2024-02")...)), "the last month may be unfinished")
	require.Equal(t, months(t, "2024-02 2024-03"), ledger.Missing(whole("2024-04 2024-01")))
	require.Equal(t, months(t, "2024-02"), ledger.Missing(append(unfinished("2024-02"), whole("2024-01 2024-03")...)))

	u := newUpload(t).sold("apr.csv", "2024-04-29", 3)
	d, err := u.plan(ledger.Options{}).Decide(append(whole("2024-01"), unfinished("2024-02")...), false)
	require.NoError(t, err, "an upload that leaves a gap is stored")
	require.Equal(t, months(t, "2024-04"), d.Stored)
	require.Len(t, d.Warnings, 1)
	require.Equal(t, "missing_months", d.Warnings[0].Code)
	require.Equal(t, months(t, "2024-02 2024-03"), d.Warnings[0].Months)
	require.Contains(t, d.Warnings[0].Message, "2024-02, 2024-03")

	u.sold("mar.csv", "2024-03-29", 3).sold("feb.csv", "2024-02-20", 2)
	d, err = u.plan(ledger.Options{}).Decide(append(whole("2024-01"), unfinished("2024-02")...), false)
	require.NoError(t, err)
	require.Empty(t, d.Warnings, "filled")
}

func TestR16SnapshotInferred(t *testing.T) {
	cases := []struct {
		name, sold, arrived, today, empty, want string
	}{
		{name: "the day after the last sale", sold: "2024-02-12", arrived: "2024-02-01", want: "2024-02-13"},
		{name: "the day after the last arrival", sold: "2024-02-12", arrived: "2024-02-20", want: "2024-02-21"},
		{name: "three days before the month's end", sold: "2024-02-26", arrived: "2024-02-01", want: "2024-03-01"},
		{name: "four days before it", sold: "2024-02-25", arrived: "2024-02-01", want: "2024-02-26"},
		{name: "the last day itself", sold: "2024-02-29", arrived: "2024-02-01", want: "2024-03-01"},
		{name: "never later than tomorrow", sold: "2024-02-27", arrived: "2024-02-01", today: "2024-02-27", want: "2024-02-28"},
		{name: "not before the end of an empty month", sold: "2024-02-12", arrived: "2024-02-01", empty: "2024-03", want: "2024-04-01"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			u := newUpload(t).lot("Pier", c.arrived, 1, 1990).sold("feb.csv", c.sold, 3)
			o := ledger.Options{EmptyMonths: months(t, c.empty)}
			if c.today != "" {
				o.Today = day(t, c.today)
			}
			p := u.plan(o)
			require.Equal(t, day(t, c.want), p.Snapshot)
			require.True(t, p.Inferred)
		})
	}
}

func TestR16SnapshotGiven(t *testing.T) {
	cases := []struct {
		name, s, sold, created string
		late                   bool
		code, message          string
		warnDays               int
	}{
		{name: "after every row", s: "2024-02-13", sold: "2024-02-12"},
		{name: "a sale on S", s: "2024-02-12", sold: "2024-02-12", code: "snapshot_incoherent", message: "feb.csv, row 2: sold on 2024-02-12"},
		{name: "an arrival on S", s: "2024-02-13", sold: "2024-02-12", created: "2024-02-13", code: "snapshot_incoherent", message: "stock.xlsx, row 2: arrived on 2024-02-13"},
		{name: "the first of the next month", s: "2024-03-01", sold: "2024-02-12"},
		{name: "seven days late", s: "2024-03-08", sold: "2024-02-12", warnDays: 7},
		{name: "eight days late", s: "2024-03-09", sold: "2024-02-12", code: "snapshot_incoherent", message: "8 days after"},
		{name: "eight days late, allowed", s: "2024-03-09", sold: "2024-02-12", late: true, warnDays: 8},
		{name: "tomorrow", s: "2024-05-16", sold: "2024-02-12", late: true, warnDays: 76},
		{name: "later than tomorrow", s: "2024-05-17", sold: "2024-02-12", late: true, code: "snapshot_incoherent", message: "later than tomorrow"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if c.created == "" {
				c.created = "2024-02-01"
			}
			u := newUpload(t).lot("Pier", c.created, 1, 1990).sold("feb.csv", c.sold, 3)
			p, err := ledger.NewPlan(u.rows, ledger.Options{Today: day(t, "2024-05-15"), Snapshot: dayPtr(t, c.s), AllowLate: c.late})
			if c.code != "" {
				requireFault(t, err, fault.Invalid, c.code)
				require.ErrorContains(t, err, c.message)
				return
			}
			require.NoError(t, err)
			require.False(t, p.Inferred)
			if c.warnDays == 0 {
				require.Empty(t, p.Warnings)
				return
			}
			require.Len(t, p.Warnings, 1)
			require.Equal(t, "snapshot_late", p.Warnings[0].Code)
			require.Equal(t, c.warnDays, p.Warnings[0].Days)
		})
	}
}

func TestR16AnArrivalAfterItsSaleDoesNotContradict(t *testing.T) {
	u := newUpload(t).sale("feb.csv", "Pier", "2024-02-20", "2024-02-12", 1990, 1)
	require.Equal(t, day(t, "2024-02-13"), u.plan(ledger.Options{}).Snapshot, "R11: it arrived when it was sold")
	p := u.plan(ledger.Options{Snapshot: dayPtr(t, "2024-02-15")})
	require.Equal(t, 14, p.Months[0].DaysObserved)
}

func TestR17TheLastMonthIsCompleteAfterItsLastDay(t *testing.T) {
	u := newUpload(t).sold("jan.csv", "2024-01-10", 3).sold("feb.csv", "2024-02-10", 3)
	for s, observed := range map[string]int{"2024-02-11": 10, "2024-02-29": 28, "2024-03-01": 29, "2024-03-03": 29} {
		got := stored(u.plan(ledger.Options{Snapshot: dayPtr(t, s)}))
		require.Equal(t, 31, got[0].DaysObserved)
		require.Equal(t, observed, got[1].DaysObserved, s)
		require.Equal(t, observed == 29, got[1].Complete(), s)
	}
}

func TestR19FilesOverlap(t *testing.T) {
	build := func(equal, ofB int) *upload {
		u := newUpload(t)
		for i := range 10 {
			u.sale("a.csv", "Pier", "2024-01-01", "2024-02-10", float64(1000+i), 1)
		}
		for i := range ofB {
			price := float64(1000 + i)
			if i >= equal {
				price += 500
			}
			u.sale("b.csv", "Pier", "2024-01-01", "2024-02-10", price, 1)
		}
		return u
	}
	for _, c := range []struct {
		equal, ofB int
		warned     bool
	}{{3, 6, true}, {2, 6, false}, {10, 10, true}, {4, 10, false}, {0, 1, false}} {
		w := build(c.equal, c.ofB).plan(ledger.Options{}).Warnings
		require.Equal(t, c.warned, len(w) == 1, "%d of %d", c.equal, c.ofB)
		if c.warned {
			require.Equal(t, "files_overlap", w[0].Code)
			require.Equal(t, []string{"a.csv", "b.csv"}, w[0].Files)
			require.Equal(t, months(t, "2024-02"), w[0].Months)
			require.Equal(t, c.equal, w[0].Count)
		}
	}

	u := newUpload(t).sold("a.csv", "2024-02-10", 10).sold("b.csv", "2024-02-10", 2).sold("b.csv", "2024-02-11", 3)
	require.Empty(t, u.plan(ledger.Options{}).Warnings, "two of five rows occur in the other, not two often")
	u = newUpload(t).sold("a.csv", "2024-02-10", 1).sold("b.csv", "2024-02-10", 3)
	require.Len(t, u.plan(ledger.Options{}).Warnings, 1, "half of the smaller one")
	require.Equal(t, 1, u.plan(ledger.Options{}).Warnings[0].Count, "rows are counted as often as they occur in both")
}

func TestSpansOfMonths(t *testing.T) {
	u := newUpload(t).sold("a.csv", "2023-11-10", 1).sold("a.csv", "2024-01-10", 1).sold("a.csv", "2024-06-10", 1).sold("a.csv", "2024-09-10", 1)
	_, err := ledger.NewPlan(u.rows, ledger.Options{Today: day(t, "2025-01-01")})
	require.ErrorContains(t, err, "no sales row is of 2023-12, 2024-02 to 2024-05, 2024-07, 2024-08;")
}

func daysOf(s string) (list []string) {
	for len(s) >= 10 {
		list = append(list, s[:10])
		s = s[min(len(s), 11):]
	}
	return list
}

func requireFault(t *testing.T, err error, kind fault.Kind, code string) {
	t.Helper()
	require.Error(t, err)
	require.Equal(t, code, fault.CodeOf(err), err.Error())
	require.Equal(t, kind, fault.KindOf(err))
}

func details(t *testing.T, err error) map[string]any {
	t.Helper()
	e, ok := errors.AsType[*fault.Error](err)
	require.True(t, ok)
	return e.Details
}
