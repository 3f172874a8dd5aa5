package simulation

import "github.com/plastinka/predictor/domain/calendar"

// DayTruth is what happened to an edition on a day, in copies.
type DayTruth struct {
	Opening  int // on the shelf at the start of the day
	Arrivals int
	Sales    int
}

// MonthTruth is what must be found out about an edition's month from the
// shop's files.
type MonthTruth struct {
	Month     calendar.Month
	Sales     int // copies
	Opening   int // copies, at the start of the month
	Days      int // observed
	Available int // days on which a copy was on hand
	Depth     int // Σ min(copies on hand, 5) over the days
}

// CopiesOf are the copies of an edition, by arrival. The caller must not
// change them.
func (s *Shop) CopiesOf(edition int) []Copy {
	e := &s.Editions[edition]
	return s.Copies[e.from:e.to]
}

// On counts the copies of an edition on a day of the shop's months.
func (s *Shop) On(edition int, d calendar.Day) DayTruth {
	var t DayTruth
	for _, c := range s.CopiesOf(edition) {
		if c.Arrived < d && c.Sold >= d {
			t.Opening++
		}
		if c.Arrived == d {
			t.Arrivals++
		}
		if c.Sold == d {
			t.Sales++
		}
	}
	return t
}

// In counts the copies of an edition on the days of a month that lie before
// until; a month that begins later has no days.
func (s *Shop) In(edition int, m calendar.Month, until calendar.Day) MonthTruth {
	t := MonthTruth{Month: m, Opening: s.On(edition, m.First()).Opening}
	first, end := m.First(), min((m+1).First(), until)
	t.Days = max(0, int(end-first))
	onHand := make([]int, t.Days)
	for _, c := range s.CopiesOf(edition) {
		if c.Sold >= first && c.Sold < end {
			t.Sales++
		}
		for d := max(c.Arrived, first); d < end && d <= c.Sold; d++ {
			onHand[d-first]++
		}
	}
	for _, n := range onHand {
		if n > 0 {
			t.Available++
		}
		t.Depth += min(n, 5)
	}
	return t
}
