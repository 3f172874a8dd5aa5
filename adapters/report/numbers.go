package report

import (
	"math"
	"strconv"
	"strings"
)

// narrow is a no-break space as wide as a thin one: what Russian typography
// puts between thousands.
const narrow = "\u202f"

// number writes x with the language's separators and the given decimals.
func (w *words) number(x float64, decimals int) string {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return "–"
	}
	s := strconv.FormatFloat(math.Abs(x), 'f', decimals, 64)
	whole, part, _ := strings.Cut(s, ".")
	var b strings.Builder
	if x < 0 && strings.Trim(s, "0.") != "" {
		b.WriteString("−")
	}
	for i, digit := range whole {
		if left := len(whole) - i; i > 0 && left%3 == 0 {
			b.WriteString(w.thousands)
		}
		b.WriteRune(digit)
	}
	if part != "" {
		b.WriteString(w.point + part)
	}
	return b.String()
}

// count is a whole number.
func (w *words) count(n int) string { return w.number(float64(n), 0) }

// few writes small numbers with a decimal, if it is not zero, and larger ones
// without.
func (w *words) few(x float64) string {
	if tenths := math.Round(10 * x); math.Abs(tenths) < 100 && math.Mod(tenths, 10) != 0 {
		return w.number(x, 1)
	}
	return w.number(x, 0)
}

// rub is an amount of money.
func (w *words) rub(x float64) string { return w.money(w.number(math.Round(x), 0)) }

// short is an amount of money that need not be exact: thousands and millions in
// words.
func (w *words) short(x float64) string {
	switch a := math.Abs(x); {
	case a >= 999_500:
		return w.money(w.few(x/1e6) + "\u00a0" + w.million)
	case a >= 9_995:
		return w.money(w.number(x/1e3, 0) + "\u00a0" + w.thousand)
	}
	return w.rub(math.Round(x/10) * 10)
}

func (w *words) money(s string) string {
	if w.rubFirst {
		return "₽" + strings.ReplaceAll(s, "\u00a0", "")
	}
	return s + "\u00a0₽"
}

// percent writes a share of 0–1.
func (w *words) percent(x float64) string { return w.number(100*x, 0) + w.percentSign }

// signed writes a share of change with its sign.
func (w *words) signed(x float64) string {
	s := w.percent(x)
	if math.Round(100*x) > 0 {
		return "+" + s
	}
	return s
}

// plural chooses the form for n: one, few, many (English has two).
func (w *words) plural(n int, forms [3]string) string {
	if !w.slavic {
		if n == 1 {
			return forms[0]
		}
		return forms[2]
	}
	switch {
	case n%10 == 1 && n%100 != 11:
		return forms[0]
	case n%10 >= 2 && n%10 <= 4 && (n%100 < 12 || n%100 > 14):
		return forms[1]
	}
	return forms[2]
}
