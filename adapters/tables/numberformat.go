package tables

import "strings"

// numberFormats says of the formats that a file spells out whether they show a
// date. Each text is looked at once, however many styles use it.
type numberFormats map[int]bool

func (n numberFormats) add(id int, code string) { n[id] = isDateFormat(id, code) }

func (n numberFormats) date(id int) bool {
	if known, ok := n[id]; ok {
		return known
	}
	return isDateFormat(id, "")
}

// isDateFormat reports whether a number format shows a date or a time. id is
// the format's number, code its text ("" where the file gives none). xlsx and xls
// share numbers and language; both store codes in their English form, but for
// some programs that translate the built-in ones.
func isDateFormat(id int, code string) bool {
	switch {
	case id >= 14 && id <= 22, id >= 45 && id <= 47: // dates, times, elapsed times
		return true
	case code != "":
		return isDateCode(code)
	}
	return id >= 27 && id <= 36 || id >= 50 && id <= 58 // dates of East Asian programs
}

// isDateCode looks at the first section of the code (that of positive numbers)
// without quoted, escaped and bracketed text: letters of dates make a date,
// digits' places with # or ? a number. [h], [m] and [s] are elapsed times.
func isDateCode(code string) bool {
	date := false
	for i := 0; i < len(code); i++ {
		switch c := code[i]; c {
		case ';':
			return date
		case '\\', '_', '*':
			i++
		case '"', '[':
			closing := byte('"')
			if c == '[' {
				closing = ']'
			}
			end := strings.IndexByte(code[i+1:], closing)
			if end < 0 {
				return date
			}
			if c == '[' && isElapsed(code[i+1:i+1+end]) {
				date = true
			}
			i += end + 1
		case '#', '?', '@':
			return false
		case 'd', 'D', 'm', 'M', 'y', 'Y', 'h', 'H', 's', 'S':
			date = true
		case 'G', 'g': // General, which some programs write out
			if len(code) >= i+7 && strings.EqualFold(code[i:i+7], "general") {
				return false
			}
		}
	}
	return date
}

func isElapsed(bracket string) bool {
	bracket = strings.ToLower(bracket)
	return bracket != "" && (strings.Trim(bracket, "h") == "" || strings.Trim(bracket, "m") == "" || strings.Trim(bracket, "s") == "")
}
