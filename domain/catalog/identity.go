package catalog

import (
	"math"
	"strings"
	"unicode"
)

// None is the text of a barcode or a style that is not known.
const None = "None"

// CleanBarcode is step 1 of identity: no white space, no leading zeros.
func CleanBarcode(text string) string {
	if strings.IndexFunc(text, unicode.IsSpace) >= 0 {
		text = strings.Map(func(r rune) rune {
			if unicode.IsSpace(r) {
				return -1
			}
			return r
		}, text)
	}
	if text = strings.TrimLeft(text, "0"); text == "" {
		return None
	}
	return text
}

// RecordingYear reads the year that text begins with, as given; ok is false if
// it does not begin with four ASCII digits.
func RecordingYear(text string) (year int, ok bool) {
	year, digits := leadingDigits(text)
	return year, digits == 4
}

// earliestYear is what earlier recordings count as (step 2).
const earliestYear = 1950

// releaseYear is step 3 for one value: the year that text begins with,
// completed if it is partial. ok is false where it does not begin with 19 or
// 20; so no year after 2099, let alone 2100, is taken for one.
func releaseYear(text string) (year int, ok bool) {
	if !strings.HasPrefix(text, "19") && !strings.HasPrefix(text, "20") {
		return 0, false
	}
	year, digits := leadingDigits(text)
	for ; digits < 4; digits++ {
		year *= 10
		if text[0] != '2' {
			year += 9
		}
	}
	return year, true
}

// leadingDigits is the number that text's first digits make, at most four of
// them, and how many there are.
func leadingDigits(text string) (number, digits int) {
	for digits < len(text) && digits < 4 && '0' <= text[digits] && text[digits] <= '9' {
		number = number*10 + int(text[digits]-'0')
		digits++
	}
	return number, digits
}

// decade is step 4. It does not depend on today.
func decade(year int) string {
	switch {
	case year <= 1950:
		return "<1950"
	case year > 2020:
		return ">2020"
	}
	first := (year - 1) / 10 * 10 // 1951–1960 are the 1950s
	return string([]byte{byte('0' + first/1000), byte('0' + first/100%10), byte('0' + first/10%10), '0', 's'})
}

// original reports whether a release type says that the release is the first.
func original(releaseType string) bool { return strings.EqualFold(releaseType, "Оригинал") }

// release is the year and its decade are decided by: what the record says, what
// is known of originals, or the usual gap after the recording.
func (r Raw) release(gap int) int {
	given, _ := RecordingYear(r.RecordingYear)
	recorded := max(given, earliestYear)
	if original(r.ReleaseType) {
		return recorded
	}
	if year, ok := releaseYear(r.ReleaseYear); ok && year >= given {
		return year
	}
	return recorded + gap
}

// The usual gap between the recording and a re-release, in years, where too few
// rows tell it.
const (
	defaultGap  = 15
	gapNeedRows = 10 // more than these
)

// usualGap is the mean of release − recording over the rows of re-releases that
// have both, rounded half away from zero.
func usualGap(votes []Vote) int {
	var sum, rows int
	for _, v := range votes {
		year, ok := releaseYear(v.Raw.ReleaseYear)
		given, known := RecordingYear(v.Raw.RecordingYear)
		if ok && known && !original(v.Raw.ReleaseType) {
			sum += (year - max(given, earliestYear)) * v.Rows
			rows += v.Rows
		}
	}
	if rows <= gapNeedRows {
		return defaultGap
	}
	return int(math.Round(float64(sum) / float64(rows)))
}

// fold is the same text for all spellings that differ in case alone: of every
// letter the smallest form, as strings.EqualFold compares.
func fold(text string) string {
	return strings.Map(func(r rune) rune {
		least := r
		for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
			least = min(least, f)
		}
		return least
	}, text)
}
