package tables

import (
	"io"

	"github.com/plastinka/predictor/domain/intake"
	"github.com/plastinka/predictor/ports"
)

// parser cuts UTF-8 text into the records of a csv. A field that begins with a
// quote ends with one, a doubled quote standing for itself; a quote further on is
// a character like any other (12" singles are). A record ends with LF, CR or
// CRLF outside quotes.
type parser struct {
	src       io.Reader
	separator byte
	limits    ports.TableLimits

	buf    []byte
	pos    int
	end    int
	failed error // of src, io.EOF included

	row    int    // number of the record, 1-based
	text   []byte // the record's fields, one after the other
	ends   []int  // where each ends in text
	start  int    // of the open field in text
	excess bool   // a field with a value lies beyond the last column
	wasCR  bool   // the record before ended with CR: an LF belongs to it
}

func newParser(src io.Reader, separator byte, limits ports.TableLimits) *parser {
	return &parser{src: src, separator: separator, limits: limits, buf: make([]byte, 64<<10)}
}

// next reads a record; false at the end of the text.
func (p *parser) next() (bool, error) {
	p.row++
	p.text, p.ends, p.start, p.excess = p.text[:0], p.ends[:0], 0, false
	c, ok := p.read()
	if ok && p.wasCR && c == '\n' {
		c, ok = p.read()
	}
	if p.wasCR = false; !ok {
		return false, p.trouble()
	}
	for ended := false; !ended; {
		var err error
		if ended, err = p.field(c, ok); err != nil {
			return false, err
		}
		if !ended {
			c, ok = p.read()
		}
	}
	switch {
	case p.trouble() != nil:
		return false, p.trouble()
	case p.excess:
		return false, tooManyColumns(p.limits)
	}
	return true, nil
}

// field reads the field that begins with c (the end of the text if !ok) and
// says whether it was the record's last.
func (p *parser) field(c byte, ok bool) (last bool, err error) {
	if ok && c == '"' {
		if err := p.quoted(); err != nil {
			return false, err
		}
		c, ok = p.read()
	}
	for ok && c != p.separator && c != '\n' && c != '\r' {
		p.keep(c)
		c, ok = p.read()
	}
	p.close()
	p.wasCR = ok && c == '\r'
	return !ok || c != p.separator, nil
}

// quoted reads a field after its opening quote up to and with the closing one.
func (p *parser) quoted() error {
	for {
		c, ok := p.read()
		if !ok {
			if err := p.trouble(); err != nil {
				return err
			}
			return corrupt("a quote that this row opens is never closed")
		}
		if c == '"' {
			if c, ok = p.peek(); !ok || c != '"' {
				return nil
			}
			p.pos++
		}
		p.keep(c)
	}
}

// keep adds a byte to the open field. What lies far beyond the limit is dropped:
// the rest is too long already, and whoever takes the cells will say so.
func (p *parser) keep(c byte) {
	const widest = 4 // bytes of a character
	if len(p.text)-p.start <= widest*p.limits.CellCharacters {
		p.text = append(p.text, c)
	}
}

// close ends the open field. Empty fields to the right of the last column are
// nothing: some programs write separators out to theirs.
func (p *parser) close() {
	if len(p.ends) < p.limits.Columns {
		p.ends = append(p.ends, len(p.text))
	} else if len(p.text) > p.start {
		p.excess, p.text = true, p.text[:p.start]
	}
	p.start = len(p.text)
}

// cells gives the record's fields as cells, cut from one string.
func (p *parser) cells(put func(int, intake.Cell) error) error {
	text, start := string(p.text), 0
	for i, end := range p.ends {
		if err := put(i, textCell(text[start:end])); err != nil {
			return err
		}
		start = end
	}
	return nil
}

func (p *parser) read() (byte, bool) {
	c, ok := p.peek()
	if ok {
		p.pos++
	}
	return c, ok
}

func (p *parser) peek() (byte, bool) {
	for p.pos == p.end {
		if p.failed != nil {
			return 0, false
		}
		p.pos = 0
		p.end, p.failed = p.src.Read(p.buf)
	}
	return p.buf[p.pos], true
}

// trouble is what stopped the reading, unless it was the end of the text.
func (p *parser) trouble() error {
	if p.failed == nil || p.failed == io.EOF {
		return nil
	}
	return unreadable(p.failed)
}
