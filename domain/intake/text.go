package intake

import (
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// texts reads cells as text and keeps each distinct text once: a file repeats
// its artists, styles and covers on every row, and a reader's strings may hold
// on to whole rows.
type texts struct {
	normalise func(string) string // to Unicode NFC
	byText    map[string]string   // as found → cleaned
	byNumber  map[float64]string
}

func newTexts(normalise func(string) string) *texts {
	return &texts{normalise: normalise, byText: map[string]string{}, byNumber: map[float64]string{}}
}

// text is the cell as a person sees it, without presentation (R6).
func (t *texts) text(c *Cell, dates1904 bool) string {
	switch c.Kind {
	case Text:
		return t.clean(c.Text)
	case Number:
		s, ok := t.byNumber[c.Number]
		if !ok {
			s = numberText(c.Number)
			t.byNumber[c.Number] = s
		}
		return s
	case Date:
		if d, ok := serialDay(c.Number, dates1904); ok {
			return d.String()
		}
		return numberText(c.Number)
	case Boolean:
		if c.Number != 0 {
			return "TRUE"
		}
		return "FALSE"
	}
	return ""
}

// clean is a text trimmed, its white space collapsed, in NFC; "" for the name
// of an error value.
func (t *texts) clean(s string) string {
	if s == "" {
		return ""
	}
	cleaned, ok := t.byText[s]
	if !ok {
		s = strings.Clone(s)
		cleaned = collapse(s)
		if !ascii(cleaned) {
			cleaned = t.normalise(cleaned)
		}
		if isErrorName(cleaned) {
			cleaned = ""
		}
		t.byText[s] = cleaned
	}
	return cleaned
}

// collapse trims s and makes every run of white space one space. NUL, which no
// store keeps, counts as white space.
func collapse(s string) string {
	if tidy(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	gap := false
	for _, r := range s {
		if unicode.IsSpace(r) || r == 0 {
			gap = b.Len() > 0
			continue
		}
		if gap {
			b.WriteByte(' ')
			gap = false
		}
		b.WriteRune(r)
	}
	return b.String()
}

// tidy reports that collapse would change nothing.
func tidy(s string) bool {
	space := true // as before the first character
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == ' ':
			if space {
				return false
			}
			space = true
		case c >= utf8.RuneSelf:
			r, size := utf8.DecodeRuneInString(s[i:])
			if unicode.IsSpace(r) || r == utf8.RuneError {
				return false
			}
			i += size - 1
			space = false
		case c <= '\r' && c >= '\t' || c == 0:
			return false
		default:
			space = false
		}
	}
	return !space
}

func ascii(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// isErrorName: spreadsheets write their error values so, and a CSV made from
// one has them as text. They begin with # and end in ! or ?, but for two.
func isErrorName(s string) bool {
	if s == "" || s[0] != '#' {
		return false
	}
	switch strings.ToUpper(s) {
	case "#N/A", "#Н/Д", // not available
		"#NULL!", "#ПУСТО!", "#DIV/0!", "#ДЕЛ/0!", "#VALUE!", "#ЗНАЧ!", "#REF!", "#ССЫЛКА!", "#ССЫЛ!",
		"#NAME?", "#ИМЯ?", "#NUM!", "#ЧИСЛО!", "#SPILL!", "#ПЕРЕНОС!", "#CALC!", "#ВЫЧИСЛ!",
		"#GETTING_DATA", "#ОЖИДАНИЕ_ДАННЫХ", "#FIELD!", "#ПОЛЕ!", "#CONNECT!", "#BLOCKED!", "#UNKNOWN!", "#BUSY!":
		return true
	}
	return false
}

// numberText writes a number as a sheet shows it: no exponent, no trailing
// zeros, at most 15 significant digits, as many as spreadsheets keep.
func numberText(v float64) string {
	if v == math.Trunc(v) && math.Abs(v) < 1e15 {
		return strconv.FormatInt(int64(v), 10)
	}
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 15, 64), 64)
	if err != nil {
		rounded = v
	}
	return strconv.FormatFloat(rounded, 'f', -1, 64)
}
