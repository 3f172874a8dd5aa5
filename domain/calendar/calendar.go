// Package calendar has civil days and months: what a shop means by a date,
// without clock times or zones. Both are small integers that compare, subtract
// and serve as map keys; both read and write the text forms of every boundary,
// YYYY-MM-DD, a month being its first day.
package calendar

import (
	"fmt"
	"time"

	"github.com/plastinka/predictor/domain/fault"
)

// Day is a civil day, counted from 1970-01-01 (day 0) in the proleptic
// Gregorian calendar.
type Day int32

// Month is a civil month, counted from January of year 0 (month 0).
type Month int32

// DayOf returns the day of a civil date; out-of-range values carry over as in
// time.Date.
func DayOf(year int, month time.Month, day int) Day {
	return Day(time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Unix() / 86400)
}

// DayIn returns the civil day at the instant t in t's own location.
func DayIn(t time.Time) Day { y, m, d := t.Date(); return DayOf(y, m, d) }

// Time is the day's midnight in UTC.
func (d Day) Time() time.Time { return time.Unix(int64(d)*86400, 0).UTC() }

// Date is the day's year, month and day of the month.
func (d Day) Date() (year int, month time.Month, day int) { return d.Time().Date() }

// Month is the month that d lies in.
func (d Day) Month() Month { y, m, _ := d.Date(); return MonthOf(y, m) }

// String is YYYY-MM-DD.
func (d Day) String() string {
	y, m, day := d.Date()
	return fmt.Sprintf("%04d-%02d-%02d", y, int(m), day)
}

// MonthOf returns the month of a civil year and month.
func MonthOf(year int, month time.Month) Month { return Month(year*12 + int(month) - 1) }

// Year is the month's civil year.
func (m Month) Year() int { return int(floorDiv(int32(m), 12)) }

// Number is the month of the year, 1 to 12.
func (m Month) Number() int { return int(m) - m.Year()*12 + 1 }

// First is the month's first day.
func (m Month) First() Day { return DayOf(m.Year(), time.Month(m.Number()), 1) }

// Last is the month's last day.
func (m Month) Last() Day { return (m + 1).First() - 1 }

// Days is the number of days of the month.
func (m Month) Days() int { return int((m + 1).First() - m.First()) }

// String is YYYY-MM-01, the form of a month at every boundary.
func (m Month) String() string { return fmt.Sprintf("%04d-%02d-01", m.Year(), m.Number()) }

// Short is YYYY-MM.
func (m Month) Short() string { return fmt.Sprintf("%04d-%02d", m.Year(), m.Number()) }

// ParseDay reads YYYY-MM-DD and nothing else.
func ParseDay(s string) (Day, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return 0, fault.New(fault.Invalid, "invalid_date", "%q is not a day; write it as YYYY-MM-DD", s)
	}
	return DayIn(t), nil
}

// ParseMonth reads YYYY-MM, or YYYY-MM-DD whose day stands for its month.
func ParseMonth(s string) (Month, error) {
	if t, err := time.Parse("2006-01", s); err == nil {
		return MonthOf(t.Year(), t.Month()), nil
	}
	d, err := ParseDay(s)
	if err != nil {
		return 0, fault.New(fault.Invalid, "invalid_date", "%q is not a month; write it as YYYY-MM", s)
	}
	return d.Month(), nil
}

// MarshalText writes YYYY-MM-DD.
func (d Day) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads YYYY-MM-DD.
func (d *Day) UnmarshalText(b []byte) (err error) { *d, err = ParseDay(string(b)); return err }

// MarshalText writes YYYY-MM-01.
func (m Month) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText reads what ParseMonth reads.
func (m *Month) UnmarshalText(b []byte) (err error) { *m, err = ParseMonth(string(b)); return err }

func floorDiv(a, b int32) int32 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
