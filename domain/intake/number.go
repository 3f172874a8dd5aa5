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

// A written number as read so far.
type written struct {
	digits  []byte // all digits
	marks   []int  // how many digits stood before each separator
	kinds   []byte // ',' or '.'
	buf     [48]byte
	markBuf [16]int
	kindBuf [16]byte
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
	w.digits, w.marks, w.kinds = w.buf[:0], w.markBuf[:0], w.kindBuf[:0]
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case isDigit(c):
			if len(w.digits) == cap(w.digits) {
				return false
			}
			w.digits = append(w.digits, c)
			i++
			continue
		case c == ',' || c == '.':
			if len(w.marks) == cap(w.marks) {
				return false
			}
			w.marks, w.kinds = append(w.marks, len(w.digits)), append(w.kinds, c)
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if !unicode.IsSpace(r) {
			return false
		}
		i += size
	}
	return len(w.digits) > 0
}

// decimal is how many digits stand before the decimal separator.
func (w *written) decimal() (before int, ok bool) {
	n, total := len(w.marks), len(w.digits)
	if n == 0 {
		return total, true
	}
	last := w.marks[n-1]
	if n == 1 {
		if total-last == 3 && 1 <= last && last <= 3 && w.digits[0] != '0' {
			return total, true // 1,290
		}
		return last, true
	}
	thousands := w.kinds[0]
	if w.kinds[n-1] != thousands { // 1,290.50
		return last, w.grouped(n-1, last)
	}
	return total, w.grouped(n, total)
}

// grouped reports whether the first n separators are of one kind and part the
// digits before end in groups of three.
func (w *written) grouped(n, end int) bool {
	if w.marks[0] < 1 || w.marks[0] > 3 {
		return false
	}
	for i := range n {
		next := end
		if i+1 < n {
			next = w.marks[i+1]
		}
		if w.kinds[i] != w.kinds[0] || next-w.marks[i] != 3 {
			return false
		}
	}
	return true
}

// value is the number with its decimal separator after so many digits.
func (w *written) value(before int) (float64, bool) {
	var whole uint64
	for _, d := range w.digits {
		whole = whole*10 + uint64(d-'0')
	}
	if len(w.digits) <= 15 { // both exact, so that their quotient is rounded right
		return float64(whole) / powerOfTen(len(w.digits)-before), true
	}
	text := make([]byte, 0, len(w.digits)+1)
	text = append(append(append(text, w.digits[:before]...), '.'), w.digits[before:]...)
	v, err := strconv.ParseFloat(string(text), 64)
	return v, err == nil
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
