package intake

import (
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// What a number may be (R10).
const (
	maxPrice  = 100_000_000 // RUB
	maxCopies = 1_000_000
)

// cellPrice reads a price in RUB; ok is false if it is none (R6, R10).
func cellPrice(c *Cell, text string) (rub float64, ok bool) {
	switch c.Kind {
	case Number:
		rub, ok = c.Number, true
	case Text:
		rub, ok = parsePrice(text)
	}
	return rub, ok && rub > 0 && rub <= maxPrice
}

// cellCopies reads a lot's count; ok is false if it is none (R10).
func cellCopies(c *Cell, text string) (count int32, ok bool) {
	var v float64
	switch c.Kind {
	case Number:
		v, ok = c.Number, true
	case Text:
		v, ok = parseNumber(text)
	}
	if !ok || v != math.Trunc(v) || v < 1 || v > maxCopies {
		return 0, false
	}
	return int32(v), true
}

// parsePrice reads a number with the marks of a price around it.
func parsePrice(s string) (float64, bool) {
	return parseNumber(trimCurrency(s))
}

// trimCurrency removes one mark of roubles before s and one after it.
func trimCurrency(s string) string {
	if s == "" || isDigit(s[0]) && isDigit(s[len(s)-1]) {
		return s
	}
	marks := [...]string{"руб.", "руб", "р.", "р", "rub", "₽"}
	for _, m := range marks {
		if rest, ok := cutPrefixFold(s, m); ok {
			s = strings.TrimLeftFunc(rest, unicode.IsSpace)
			break
		}
	}
	for _, m := range marks {
		if rest, ok := cutSuffixFold(s, m); ok {
			return strings.TrimRightFunc(rest, unicode.IsSpace)
		}
	}
	return s
}

// cutPrefixFold removes mark, in any case, from the start of s. The marks'
// letters have as many bytes in either case.
func cutPrefixFold(s, mark string) (string, bool) {
	if len(s) >= len(mark) && strings.EqualFold(s[:len(mark)], mark) {
		return s[len(mark):], true
	}
	return s, false
}

func cutSuffixFold(s, mark string) (string, bool) {
	if n := len(s) - len(mark); n >= 0 && strings.EqualFold(s[n:], mark) {
		return s[:n], true
	}
	return s, false
}

// written is a number as read so far. It has room for more digits and
// separators than any number needs that a shop means.
type written struct {
	digits  [48]byte
	marks   [16]separator
	nDigits int
	nMarks  int
}

type separator struct {
	kind   byte // ',' or '.'
	before int  // how many digits stand before it
}

// parseNumber reads a plain number with white space of any kind, comma and
// point as people use them: with both present the last is decimal; a single
// one is decimal unless exactly three digits follow it and one to three, not
// beginning with 0, precede; repeated ones are thousands, in groups of three.
func parseNumber(s string) (float64, bool) {
	var w written
	if !w.read(s) {
		return 0, false
	}
	decimal, ok := w.decimal()
	if !ok {
		return 0, false
	}
	return w.value(decimal)
}

// read splits s; false if there is anything else in it, or too much.
func (w *written) read(s string) bool {
	for i := 0; i < len(s); {
		c := s[i]
		size := 1
		switch {
		case isDigit(c):
			if w.nDigits == len(w.digits) {
				return false
			}
			w.digits[w.nDigits] = c
			w.nDigits++
		case c == ',' || c == '.':
			if w.nMarks == len(w.marks) {
				return false
			}
			w.marks[w.nMarks] = separator{c, w.nDigits}
			w.nMarks++
		default:
			var r rune
			if r, size = utf8.DecodeRuneInString(s[i:]); !unicode.IsSpace(r) {
				return false
			}
		}
		i += size
	}
	return w.nDigits > 0
}

// decimal is how many digits stand before the decimal separator.
func (w *written) decimal() (before int, ok bool) {
	n := w.nMarks
	if n == 0 {
		return w.nDigits, true
	}
	last := w.marks[n-1]
	if n == 1 {
		if w.nDigits-last.before == 3 && 1 <= last.before && last.before <= 3 && w.digits[0] != '0' {
			return w.nDigits, true // 1,290
		}
		return last.before, true
	}
	if last.kind != w.marks[0].kind { // 1,290.50
		return last.before, w.grouped(n-1, last.before)
	}
	return w.nDigits, w.grouped(n, w.nDigits)
}

// grouped reports whether the first n separators are of one kind and part the
// digits before end in groups of three.
func (w *written) grouped(n, end int) bool {
	first := w.marks[0]
	if first.before < 1 || first.before > 3 {
		return false
	}
	for i, m := range w.marks[:n] {
		next := end
		if i+1 < n {
			next = w.marks[i+1].before
		}
		if m.kind != first.kind || next-m.before != 3 {
			return false
		}
	}
	return true
}

// value is the number with its decimal separator after so many digits.
func (w *written) value(before int) (float64, bool) {
	digits := w.digits[:w.nDigits]
	if len(digits) > 15 {
		text := string(digits[:before]) + "." + string(digits[before:])
		v, err := strconv.ParseFloat(text, 64)
		return v, err == nil
	}
	var whole uint64
	for _, d := range digits {
		whole = whole*10 + uint64(d-'0')
	}
	return float64(whole) / powerOfTen(len(digits)-before), true // both exact: rounded right
}

// powerOfTen is 10ⁿ, exact for n ≤ 22.
func powerOfTen(n int) float64 {
	p := 1.0
	for range n {
		p *= 10
	}
	return p
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
