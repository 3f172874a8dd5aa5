package intake

import (
	"math"
	"time"

	"github.com/plastinka/predictor/domain/calendar"
)

// The numbers that are dates (R7).
const (
	lastSerial    = 2_958_465 // 9999-12-31
	phantomSerial = 60        // 1900-02-29, which was none
	firstUnix     = 100_000_000
	lastUnix      = 4_102_444_800 // 2100-01-01
	// noise is what a computed serial may fall short of its midnight by, in
	// days; a person sees the date it was meant to be.
	noise = 1e-9
)

// earliestDay is the first that a shop's file may hold.
func earliestDay() calendar.Day { return calendar.DayOf(1990, time.January, 1) }

// cellDay reads a date; ok is false if it is none (R7).
func cellDay(c *Cell, text string, dates1904 bool) (d calendar.Day, ok bool) {
	switch c.Kind {
	case Number, Date:
		d, ok = numberDay(c.Number, dates1904)
	case Text:
		d, ok = parseDay(text)
	}
	return d, ok && d >= earliestDay()
}

// numberDay reads an Excel serial or Unix seconds.
func numberDay(v float64, dates1904 bool) (calendar.Day, bool) {
	if v >= firstUnix && v <= lastUnix {
		return calendar.Day(math.Floor(v / 86400)), true
	}
	return serialDay(v, dates1904)
}

// serialDay reads a serial of either of Excel's date systems.
func serialDay(v float64, dates1904 bool) (calendar.Day, bool) {
	const of1900, of1904 = -25569, -24107 // 1899-12-30 and 1904-01-01
	if !(v > -1 && v+noise < lastSerial+1) {
		return 0, false
	}
	n := int(math.Floor(v + noise))
	switch {
	case dates1904:
		d := calendar.Day(of1904 + n)
		return d, n >= 0 && n <= lastSerial-(of1904-of1900)
	case n < 1 || n == phantomSerial:
		return 0, false
	case n < phantomSerial: // the phantom day has not shifted these
		n++
	}
	return calendar.Day(of1900 + n), true
}

// parseDay reads YYYY-MM-DD, DD.MM.YYYY, DD/MM/YYYY, each with an optional
// time, or a number that is a date. Nothing else is guessed.
func parseDay(s string) (calendar.Day, bool) {
	first, i := digits(s, 0)
	if i == 0 {
		return 0, false
	}
	if i == len(s) || i > 4 {
		return parseNumberDay(s)
	}
	separator := s[i]
	second, j := digits(s, i+1)
	if separator == '.' && j == len(s) {
		return parseNumberDay(s) // 45000.5
	}
	if j == i+1 || j > i+3 || j == len(s) || s[j] != separator {
		return 0, false
	}
	third, k := digits(s, j+1)
	year, month, day := first, second, third
	switch yearFirst := separator == '-'; {
	case separator != '-' && separator != '.' && separator != '/':
		return 0, false
	case yearFirst && (i != 4 || k < j+2 || k > j+3):
		return 0, false
	case !yearFirst && (i > 2 || k != j+5):
		return 0, false
	case !yearFirst:
		year, day = third, first
	}
	if month < 1 || month > 12 || day < 1 || day > calendar.MonthOf(year, time.Month(month)).Days() {
		return 0, false
	}
	return calendar.DayOf(year, time.Month(month), day), k == len(s) || isTime(s[k:])
}

// isTime reads " h:mm", ":ss" and a fraction of up to nine digits if given, a
// T in place of the space allowed.
func isTime(s string) bool {
	if s[0] != ' ' && s[0] != 'T' {
		return false
	}
	hour, i := digits(s, 1)
	if i < 2 || i > 3 || hour > 23 || i == len(s) {
		return false
	}
	minute, j := digits(s, i+1)
	if s[i] != ':' || j != i+3 || minute > 59 {
		return false
	}
	if j == len(s) {
		return true
	}
	second, k := digits(s, j+1)
	if s[j] != ':' || k != j+3 || second > 59 {
		return false
	}
	if k == len(s) {
		return true
	}
	_, end := digits(s, k+1)
	return s[k] == '.' && end == len(s) && end > k+1 && end <= k+10
}

// parseNumberDay reads a serial or Unix seconds written as text, with a point
// or comma before a fraction.
func parseNumberDay(s string) (calendar.Day, bool) {
	whole, i := digits(s, 0)
	if i == 0 || i > 10 {
		return 0, false
	}
	if i < len(s) {
		if _, end := digits(s, i+1); (s[i] != '.' && s[i] != ',') || end != len(s) || end == i+1 {
			return 0, false
		}
	}
	return numberDay(float64(whole), false)
}

// digits reads the digits of s from i on, and where they end. Numbers too long
// for any date come out as something, with their end telling so.
func digits(s string, i int) (number, end int) {
	for i < len(s) && isDigit(s[i]) {
		if number < 1e12 {
			number = number*10 + int(s[i]-'0')
		}
		i++
	}
	return number, i
}
