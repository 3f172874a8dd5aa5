package tables

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

// charset is how the bytes of a csv stand for characters.
type charset int

const (
	unmarked charset = iota // no byte order mark: to be found out
	utf8Plain
	utf8Marked
	utf16LE
	utf16BE
	windows1251
	windows1252
)

func markOf(head []byte) charset {
	for _, c := range []charset{utf8Marked, utf16LE, utf16BE} {
		if bytes.HasPrefix(head, []byte(c.mark())) {
			return c
		}
	}
	return unmarked
}

func (c charset) mark() string {
	switch c {
	case utf8Marked:
		return "\xEF\xBB\xBF"
	case utf16LE:
		return "\xFF\xFE"
	case utf16BE:
		return "\xFE\xFF"
	}
	return ""
}

func (c charset) wide() bool { return c == utf16LE || c == utf16BE }

// unit is the first 16-bit unit of b, in the charset's byte order.
func (c charset) unit(b []byte) uint16 {
	if c == utf16BE {
		return binary.BigEndian.Uint16(b)
	}
	return binary.LittleEndian.Uint16(b)
}

// reader gives the file's text as UTF-8, without its mark. The bytes were
// surveyed before: what is decoded here is valid.
func (c charset) reader(r io.ReaderAt, size int64) io.Reader {
	skip := int64(len(c.mark()))
	body := io.Reader(io.NewSectionReader(r, skip, size-skip))
	var e encoding.Encoding
	switch c {
	case utf16LE:
		e = unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM)
	case utf16BE:
		e = unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM)
	case windows1251:
		e = charmap.Windows1251
	case windows1252:
		e = charmap.Windows1252
	default:
		return body
	}
	return e.NewDecoder().Reader(body)
}

// survey is what one pass over a text's bytes finds.
type survey struct {
	blank   bool  // nothing but white space
	high    int64 // bytes that are not ASCII
	valid   int64 // those of them within valid UTF-8
	broken  int64 // position of the first byte that is not valid UTF-8, or −1
	inRuns  int64 // high bytes next to each other: words of an alphabet of their own
	inWords int64 // high bytes next to an ASCII letter: accents
}

// surveyed is how many bytes are looked at at a time.
const surveyed = 64 << 10

// surveyBytes reads the whole text, after its mark, once.
func surveyBytes(ctx context.Context, c charset, r io.ReaderAt, size int64) (survey, error) {
	s := survey{blank: true, broken: -1}
	look := s.narrow
	if c.wide() {
		look = func(b []byte, at int64, last bool) (int, error) { return s.wide(c, b, at, last) }
	}
	buf := make([]byte, surveyed)
	for at := int64(len(c.mark())); at < size; {
		if err := ctx.Err(); err != nil {
			return s, err
		}
		n, err := r.ReadAt(buf[:min(size-at, surveyed)], at)
		if err != nil && !errors.Is(err, io.EOF) {
			return s, unreadable(err)
		}
		if n == 0 {
			return s, corruptAt(at, "it ends too early,")
		}
		used, err := look(buf[:n], at, at+int64(n) >= size)
		if err != nil {
			return s, err
		}
		at += int64(used)
	}
	return s, nil
}

// narrow looks at bytes that may be UTF-8 and says how many it used up: a
// character cut off by the end of b is left for the next time.
func (s *survey) narrow(b []byte, at int64, last bool) (used int, err error) {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		return 0, unsupported("it is not text: a NUL byte at byte %d; export the table as xlsx, or as csv in UTF-8", at+int64(i)).With("byte", at+int64(i))
	}
	if s.blank && len(bytes.TrimSpace(b)) > 0 {
		s.blank = false
	}
	for i := 0; i < len(b); {
		if b[i] < utf8.RuneSelf {
			i++
			continue
		}
		if !last && !utf8.FullRune(b[i:]) {
			return i, nil
		}
		_, size := utf8.DecodeRune(b[i:])
		s.high += int64(size)
		if size > 1 {
			s.valid += int64(size)
		} else if s.broken < 0 {
			s.broken = at + int64(i)
		}
		for j := i; j < i+size; j++ {
			s.neighbours(b, j)
		}
		i += size
	}
	return len(b), nil
}

func (s *survey) neighbours(b []byte, i int) {
	for _, j := range []int{i - 1, i + 1} {
		switch {
		case j < 0 || j >= len(b):
		case b[j] >= 0xC0 && b[i] >= 0xC0:
			s.inRuns++
		case b[j]|0x20 >= 'a' && b[j]|0x20 <= 'z':
			s.inWords++
		}
	}
}

// wide looks at UTF-16: pairs of surrogates must be whole.
func (s *survey) wide(c charset, b []byte, at int64, last bool) (used int, err error) {
	for i := 0; i < len(b); {
		if len(b)-i < 2 {
			if last {
				return 0, corruptAt(at+int64(i), "half a UTF-16 character")
			}
			return i, nil
		}
		width := 2
		switch u := c.unit(b[i:]); {
		case u == 0:
			return 0, unsupported("it is not text: a NUL character at byte %d; export the table as xlsx or as csv in UTF-8", at+int64(i)).With("byte", at+int64(i))
		case u >= 0xD800 && u < 0xDC00:
			if len(b)-i < 4 && !last {
				return i, nil
			}
			if len(b)-i < 4 || c.unit(b[i+2:])&0xFC00 != 0xDC00 {
				return 0, corruptAt(at+int64(i), "half a UTF-16 character")
			}
			width, s.blank = 4, false
		case u >= 0xDC00 && u < 0xE000:
			return 0, corruptAt(at+int64(i), "half a UTF-16 character")
		case u > ' ':
			s.blank = false
		}
		i += width
	}
	return len(b), nil
}

// candidates are the charsets that the text may be in, the more plausible first.
func (s survey) candidates(mark charset) ([]charset, error) {
	switch {
	case mark.wide():
		return []charset{mark}, nil
	case s.broken < 0 && mark == utf8Marked:
		return []charset{utf8Marked}, nil
	case s.broken < 0:
		return []charset{utf8Plain}, nil
	case mark == utf8Marked, s.valid*100 > s.high*95:
		return nil, corruptAt(s.broken, "its text is UTF-8, but broken")
	case s.inRuns >= s.inWords:
		return []charset{windows1251, windows1252}, nil
	default:
		return []charset{windows1252, windows1251}, nil
	}
}
