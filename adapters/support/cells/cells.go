// Package cells keeps text in CSV and XLSX files from being executed: what a
// spreadsheet would take for a formula gets a leading apostrophe (§3.4).
package cells

import (
	"math"
	"strconv"
	"strings"
)

// Neutral returns s as a spreadsheet takes it for text: what begins with
// = + - @, a tab or a carriage return, is longer than one character and is no
// number gets a leading apostrophe.
func Neutral(s string) string {
	if len(s) < 2 || !strings.ContainsRune("=+-@\t\r", rune(s[0])) || number(s) {
		return s
	}
	return "'" + s
}

// number reports whether s is a plain decimal number; the words that Go reads
// as numbers (inf, nan, 0x…) are none.
func number(s string) bool {
	if strings.Trim(s, "+-.eE0123456789") != "" {
		return false
	}
	x, err := strconv.ParseFloat(s, 64)
	return err == nil && !math.IsInf(x, 0)
}
