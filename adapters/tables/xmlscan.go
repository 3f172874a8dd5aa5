package tables

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"unicode/utf8"

	"golang.org/x/text/encoding/unicode"
)

// scanner reads the tags and texts of an XML part as a stream. It knows as much
// of XML as the parts of a workbook use (no DTD: the format forbids it), and is
// some ten times faster than encoding/xml, in which a sheet spends its time
// otherwise. Names are without their prefix. Slices are valid until the next call.
type scanner struct {
	r     *bufio.Reader
	at    int64 // bytes read
	name  []byte
	attrs []byte
	kind  tagKind
	depth int
	open  bool // the '<' of the next tag was read already
	tag   []byte
	text  []byte
}

type tagKind int

const (
	opening tagKind = iota
	closing
	single // <c/>: both in one
)

// maxTag bounds a tag; a worksheet's longest has a few kilobytes.
const maxTag = 1 << 20

func newScanner(r io.Reader) *scanner {
	b := bufio.NewReaderSize(r, 64<<10)
	if head, _ := b.Peek(2); markOf(head).wide() {
		b = bufio.NewReaderSize(unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewDecoder().Reader(b), 64<<10)
	}
	return &scanner{r: b}
}

// next goes on to the next tag of an element. io.EOF comes after the end of the
// root element; an end before it is io.ErrUnexpectedEOF.
func (s *scanner) next() error {
	for {
		if !s.open {
			if err := s.skipTo('<'); err != nil {
				if errors.Is(err, io.EOF) && (s.depth > 0 || s.name == nil) {
					return io.ErrUnexpectedEOF
				}
				return err
			}
		}
		s.open = false
		special, err := s.readTag()
		if err != nil {
			return err
		}
		if !special {
			return s.split()
		}
	}
}

// split takes the tag apart.
func (s *scanner) split() error {
	t := s.tag
	s.kind = opening
	switch {
	case len(t) > 0 && t[0] == '/':
		s.kind, t = closing, t[1:]
		s.depth--
	case len(t) > 0 && t[len(t)-1] == '/':
		s.kind, t = single, t[:len(t)-1]
	default:
		s.depth++
	}
	if s.depth < 0 {
		return corruptAt(s.at, "an element ends that never began")
	}
	s.name, s.attrs = t, nil
	if i := bytes.IndexAny(t, " \t\r\n"); i >= 0 {
		s.name, s.attrs = t[:i], t[i+1:]
	}
	if i := bytes.IndexByte(s.name, ':'); i >= 0 {
		s.name = s.name[i+1:]
	}
	return nil
}

// readTag reads after '<' up to '>' into s.tag. Comments, declarations and
// processing instructions are passed over: special.
func (s *scanner) readTag() (special bool, err error) {
	s.tag = s.tag[:0]
	var quote byte
	for checked := 0; ; {
		part, err := s.slice('>')
		s.tag = append(s.tag, part...)
		if len(s.tag) > maxTag {
			return false, corruptAt(s.at, "a tag of more than %d bytes", maxTag)
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if err != nil {
			return false, unexpected(err)
		}
		if bytes.HasPrefix(s.tag, []byte("!--")) {
			if bytes.HasSuffix(s.tag, []byte("-->")) && len(s.tag) >= len("!---->") {
				return true, nil
			}
			s.keepEnds()
			continue
		}
		for _, c := range s.tag[checked : len(s.tag)-1] {
			switch {
			case quote == 0 && (c == '"' || c == '\''):
				quote = c
			case c == quote:
				quote = 0
			}
		}
		if checked = len(s.tag); quote == 0 {
			break
		}
	}
	s.tag = s.tag[:len(s.tag)-1]
	if bytes.HasPrefix(s.tag, []byte("!DOCTYPE")) {
		return false, corruptAt(s.at, "a document type, which workbooks do not have,")
	}
	return len(s.tag) > 0 && (s.tag[0] == '?' || s.tag[0] == '!'), nil
}

// keepEnds forgets the middle of a long comment.
func (s *scanner) keepEnds() {
	if len(s.tag) > 16 {
		s.tag = append(s.tag[:len("!----")], s.tag[len(s.tag)-3:]...)
	}
}

// content reads the text of the element that was just opened up to its next
// tag, at most limit bytes of it; ok is false if there is more.
func (s *scanner) content(limit int) (text []byte, ok bool, err error) {
	s.text, ok = s.text[:0], true
	if s.kind != opening {
		return s.text, true, nil
	}
	from := 0 // of the text that still has its escapes
	for {
		part, err := s.slice('<')
		if len(s.text) > limit {
			s.text, ok = s.text[:0], false
			from = 0
		}
		s.text = append(s.text, part...)
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if err != nil {
			return nil, false, unexpected(err)
		}
		s.text = s.text[:len(s.text)-1]
		s.text = append(s.text[:from], unescape(s.text[from:])...)
		if head, _ := s.r.Peek(len("![CDATA[")); string(head) != "![CDATA[" {
			break
		}
		if err := s.literal(limit); err != nil {
			return nil, false, err
		}
		from = len(s.text)
	}
	s.open = true
	if !utf8.Valid(s.text) {
		return nil, false, corruptAt(s.at, "text that is not UTF-8")
	}
	return s.text, ok && len(s.text) <= limit, nil
}

// literal appends a CDATA section.
func (s *scanner) literal(limit int) error {
	n, _ := s.r.Discard(len("![CDATA["))
	s.at += int64(n)
	start := len(s.text)
	for {
		part, err := s.slice('>')
		s.text = append(s.text, part...)
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return unexpected(err)
		}
		if err == nil && bytes.HasSuffix(s.text[start:], []byte("]]>")) {
			s.text = s.text[:len(s.text)-3]
			return nil
		}
		if len(s.text) > limit+maxTag {
			return corruptAt(s.at, "a text of more than %d bytes", limit)
		}
	}
}

// attr is the value of the tag's attribute, nil without it.
func (s *scanner) attr(name string) []byte {
	for rest := s.attrs; ; {
		rest = bytes.TrimLeft(rest, " \t\r\n")
		i := bytes.IndexByte(rest, '=')
		if i < 0 {
			return nil
		}
		key := bytes.TrimRight(rest[:i], " \t\r\n")
		rest = bytes.TrimLeft(rest[i+1:], " \t\r\n")
		if len(rest) == 0 || rest[0] != '"' && rest[0] != '\'' {
			return nil
		}
		end := bytes.IndexByte(rest[1:], rest[0])
		if end < 0 {
			return nil
		}
		if string(key) == name {
			return rest[1 : 1+end]
		}
		rest = rest[end+2:]
	}
}

// rest reads on to the end of the part, so that its checksum is verified.
func (s *scanner) rest() error {
	_, err := io.Copy(io.Discard, s.r)
	return err
}

func (s *scanner) skipTo(c byte) error {
	for {
		if _, err := s.slice(c); !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
	}
}

func (s *scanner) slice(c byte) ([]byte, error) {
	part, err := s.r.ReadSlice(c)
	s.at += int64(len(part))
	return part, err
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
