package tables

import (
	"io"
	"slices"
	"strings"

	"github.com/plastinka/predictor/domain/intake"
	"github.com/plastinka/predictor/ports"
)

const (
	headRows   = 20        // a header lies within these (R3)
	headSample = 256 << 10 // bytes of a csv in which it is looked for
)

// findLayout chooses among charsets (the more plausible first) and separators
// the one under which a row has the most known header names; where none knows
// any, the one whose rows agree best on how many fields they have.
func findLayout(r io.ReaderAt, size int64, limits ports.TableLimits, charsets []charset) (layout, error) {
	var best layout
	var most grade
	names := intake.HeaderNames()
	for i, c := range charsets {
		for j, separator := range []byte{',', ';', '\t'} {
			g, err := gradeOf(c.reader(r, min(size, headSample)), separator, limits, names)
			if err != nil {
				return layout{}, err
			}
			if (i == 0 && j == 0) || g.betterThan(most) {
				best, most = layout{c, separator}, g
			}
		}
	}
	return best, nil
}

// grade says how well a layout fits.
type grade struct {
	names  int // known header names in the best row
	agree  int // rows that have the commonest number of fields, if that is above one
	fields int // that number
}

func (g grade) betterThan(o grade) bool {
	if g.names != o.names {
		return g.names > o.names
	}
	if g.agree != o.agree {
		return g.agree > o.agree
	}
	return g.fields > o.fields
}

func gradeOf(text io.Reader, separator byte, limits ports.TableLimits, headers []string) (grade, error) {
	var g grade
	rows := map[int]int{}       // by number of fields
	limits.Columns = headSample // too many of them are refused when the rows are read in earnest
	p := newParser(text, separator, limits)
	for p.row < headRows {
		more, err := p.next()
		if failed := p.trouble(); failed != nil {
			return g, failed
		}
		if err != nil || !more { // what is wrong with a row is said when it is read in earnest
			break
		}
		names, filled := 0, 0
		_ = p.cells(func(_ int, c intake.Cell) error {
			if c.Kind != intake.Empty {
				filled++
			}
			name := strings.Join(strings.Fields(c.Text), " ")
			if slices.ContainsFunc(headers, func(h string) bool { return strings.EqualFold(h, name) }) {
				names++
			}
			return nil
		})
		g.names = max(g.names, names)
		if filled > 0 {
			rows[len(p.ends)]++
		}
	}
	for fields, count := range rows {
		if fields > 1 && (count > g.agree || count == g.agree && fields > g.fields) {
			g.agree, g.fields = count, fields
		}
	}
	return g, nil
}
