package intake

import (
	"math"
	"strconv"
	"strings"
	"unicode"

	"github.com/plastinka/predictor/domain/catalog"
)

// What is sure about a barcode's digits.
const (
	exactNumber  = 1 << 53 // beyond it a cell's number has lost digits
	sureMantissa = 8       // a mantissa of so many digits is no rounded one
	maxBarcode   = 40      // digits that an exponent may ask for
)

// cellBarcode is the barcode after step 1 of identity, "None" without one. lost
// says that there was one whose digits are gone (R6).
func cellBarcode(c *Cell, text string) (barcode string, lost bool) {
	switch {
	case c.Kind == Number && math.Abs(c.Number) > exactNumber:
		return catalog.None, true
	case c.Kind == Text:
		return parseBarcode(text)
	}
	return catalog.CleanBarcode(text), false
}

// parseBarcode reads a barcode from text: digits with a superfluous ".0" and
// exponent forms are what spreadsheets make of numbers.
func parseBarcode(s string) (barcode string, lost bool) {
	if strings.IndexFunc(s, unicode.IsSpace) >= 0 {
		s = strings.Join(strings.Fields(s), "")
	}
	_, i := digits(s, 0)
	if i == 0 || i == len(s) {
		return catalog.CleanBarcode(s), false
	}
	point, end := i, i // where the mantissa's whole part and the mantissa end
	if s[i] == '.' || s[i] == ',' {
		_, end = digits(s, i+1)
	}
	switch {
	case end == len(s) && end > point+1 && strings.Trim(s[point+1:], "0") == "":
		return catalog.CleanBarcode(s[:point]), false
	case end < len(s) && (s[end] == 'E' || s[end] == 'e'):
		if exponent, ok := parseExponent(s[end+1:]); ok {
			return expand(s[:point], s[min(point+1, end):end], exponent, s)
		}
	}
	return catalog.CleanBarcode(s), false
}

// parseExponent reads "+12", "12" or "-3".
func parseExponent(s string) (int, bool) {
	d := strings.TrimLeft(s, "+-")
	if len(s)-len(d) > 1 || d == "" || len(d) > 4 || strings.Trim(d, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.Atoi(s)
	return n, err == nil
}

// expand writes whole.fraction × 10^exponent as digits. They are lost if the
// mantissa has fewer than the number and fewer than eight (§1.9). What is no
// whole number stays as given.
func expand(whole, fraction string, exponent int, given string) (barcode string, lost bool) {
	mantissa := strings.TrimLeft(whole+fraction, "0")
	length := len(mantissa) + exponent - len(fraction) // digits of the number
	switch {
	case mantissa == "":
		return catalog.None, false
	case length > maxBarcode || len(mantissa) < length && len(mantissa) < sureMantissa:
		return catalog.None, true
	case length <= 0 || len(mantissa) > length && strings.Trim(mantissa[length:], "0") != "":
		return catalog.CleanBarcode(given), false
	case len(mantissa) > length:
		return mantissa[:length], false
	}
	return mantissa + strings.Repeat("0", length-len(mantissa)), false
}
