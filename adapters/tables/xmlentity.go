package tables

import (
	"bytes"
	"strconv"
	"unicode/utf8"
)

// unescape replaces the entities of XML in place.
func unescape(b []byte) []byte {
	i := bytes.IndexByte(b, '&')
	if i < 0 {
		return b
	}
	out := b[:i]
	for i < len(b) {
		end := bytes.IndexByte(b[i:min(len(b), i+12)], ';')
		if b[i] != '&' || end < 0 {
			out = append(out, b[i])
			i++
			continue
		}
		if r, ok := entity(string(b[i+1 : i+end])); ok {
			out = utf8.AppendRune(out, r)
			i += end + 1
			continue
		}
		out = append(out, b[i])
		i++
	}
	return out
}

func entity(name string) (rune, bool) {
	switch name {
	case "amp":
		return '&', true
	case "lt":
		return '<', true
	case "gt":
		return '>', true
	case "quot":
		return '"', true
	case "apos":
		return '\'', true
	}
	if len(name) < 2 || name[0] != '#' {
		return 0, false
	}
	digits, base := name[1:], 10
	if digits[0] == 'x' || digits[0] == 'X' {
		digits, base = digits[1:], 16
	}
	n, err := strconv.ParseUint(digits, base, 32)
	return rune(n), err == nil && n > 0 && n <= utf8.MaxRune
}
