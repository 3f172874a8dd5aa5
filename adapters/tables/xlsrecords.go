package tables

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// The records of BIFF8 that are read ([MS-XLS] 2.3).
const (
	recFormula    = 0x0006
	recEOF        = 0x000A
	recDateMode   = 0x0022
	recFilePass   = 0x002F
	recContinue   = 0x003C
	recBoundSheet = 0x0085
	recMulRK      = 0x00BD
	recRString    = 0x00D6
	recXF         = 0x00E0
	recSST        = 0x00FC
	recLabelSST   = 0x00FD
	recNumber     = 0x0203
	recLabel      = 0x0204
	recBoolErr    = 0x0205
	recString     = 0x0207
	recRK         = 0x027E
	recFormat     = 0x041E
	recBOF        = 0x0809
)

// records reads the records of a stream, one after the other, into one buffer.
type records struct {
	r    *bufio.Reader
	at   int64 // where the next record begins
	head [4]byte
	id   uint16
	data []byte // what is left of the record's body; valid until the next call
	body []byte
}

func newRecords(r io.Reader, at int64) *records {
	return &records{r: bufio.NewReaderSize(r, 32<<10), at: at}
}

// next goes on to the next record, whatever was left of this one.
func (b *records) next() error {
	if _, err := io.ReadFull(b.r, b.head[:]); err != nil {
		return b.trouble(err)
	}
	b.id = binary.LittleEndian.Uint16(b.head[:])
	size := int(binary.LittleEndian.Uint16(b.head[2:]))
	if size > len(b.body) {
		b.body = make([]byte, size)
	}
	b.data = b.body[:size]
	if _, err := io.ReadFull(b.r, b.data); err != nil {
		return b.trouble(err)
	}
	b.at += int64(len(b.head) + len(b.data))
	return nil
}

func (b *records) trouble(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return corruptAt(b.at, "the workbook's stream ends too early,")
	}
	return corruptAt(b.at, "the workbook's stream cannot be read (%v)", err)
}

// short says that a record is shorter than what it must hold.
func (b *records) short() error {
	return corruptAt(b.at, "record %#04x is too short", b.id)
}

// need makes sure that n bytes of the record are left.
func (b *records) need(n int) error {
	if len(b.data) < n {
		return b.short()
	}
	return nil
}

func (b *records) u8() (v uint8) { v, b.data = b.data[0], b.data[1:]; return v }
func (b *records) u16() (v uint16) {
	v, b.data = binary.LittleEndian.Uint16(b.data), b.data[2:]
	return v
}
func (b *records) u32() (v uint32) {
	v, b.data = binary.LittleEndian.Uint32(b.data), b.data[4:]
	return v
}
func (b *records) u64() (v uint64) {
	v, b.data = binary.LittleEndian.Uint64(b.data), b.data[8:]
	return v
}

// continued goes on with the CONTINUE record that follows, if one does.
func (b *records) continued() (bool, error) {
	head, err := b.r.Peek(4)
	if err != nil || binary.LittleEndian.Uint16(head) != recContinue {
		return false, nil // the end of the stream is found by whoever needs more
	}
	err = b.next()
	return err == nil, err
}

// fill makes sure that n bytes of the record are left, or of the record that
// continues it: no such group is split.
func (b *records) fill(n int) error {
	for len(b.data) == 0 {
		more, err := b.continued()
		if err != nil {
			return err
		}
		if !more {
			return b.short()
		}
	}
	return b.need(n)
}

// skip passes over n bytes, through the records that continue this one.
func (b *records) skip(n int) error {
	for n > 0 {
		if err := b.fill(1); err != nil {
			return err
		}
		step := min(n, len(b.data))
		b.data = b.data[step:]
		n -= step
	}
	return nil
}

const (
	wideText = 0x01 // characters of two bytes, else one (Latin 1)
	farEast  = 0x04
	richText = 0x08
)

// longText appends a string with a length of 16 bits to text.
func (b *records) longText(text []byte) ([]byte, error) {
	if err := b.fill(3); err != nil {
		return text, err
	}
	return b.characters(text, int(b.u16()))
}

// shortText appends a string with a length of 8 bits to text.
func (b *records) shortText(text []byte) ([]byte, error) {
	if err := b.fill(2); err != nil {
		return text, err
	}
	return b.characters(text, int(b.u8()))
}

// characters reads the rest of a string: its flags, its n characters, and what
// is said of their fonts and pronunciation, which is dropped. Where a record is
// continued within the characters, the flags are given anew: "sealed" text may
// change from one byte a character to two.
func (b *records) characters(text []byte, n int) ([]byte, error) {
	flags, runs, extra := b.u8(), 0, 0
	if flags&richText != 0 {
		if err := b.fill(2); err != nil {
			return text, err
		}
		runs = int(b.u16())
	}
	if flags&farEast != 0 {
		if err := b.fill(4); err != nil {
			return text, err
		}
		extra = int(b.u32() & (1<<31 - 1))
	}
	var high uint16 // first half of a surrogate pair
	for n > 0 {
		if len(b.data) == 0 {
			if err := b.fill(1); err != nil {
				return text, err
			}
			flags = b.u8()
			continue
		}
		var unit uint16
		if flags&wideText == 0 {
			unit = uint16(b.u8())
		} else if err := b.need(2); err != nil {
			return text, err
		} else {
			unit = b.u16()
		}
		text, high = appendUnit(text, high, unit)
		n--
	}
	if high != 0 {
		text = utf8.AppendRune(text, utf8.RuneError)
	}
	return text, b.skip(4*runs + extra)
}

// appendUnit appends a UTF-16 unit, keeping a first half back until its second.
func appendUnit(text []byte, high, unit uint16) ([]byte, uint16) {
	if high != 0 {
		if pair := utf16.DecodeRune(rune(high), rune(unit)); pair != utf8.RuneError {
			return utf8.AppendRune(text, pair), 0
		}
		text = utf8.AppendRune(text, utf8.RuneError)
	}
	if unit >= 0xD800 && unit < 0xDC00 {
		return text, unit
	}
	return utf8.AppendRune(text, rune(unit)), 0 // a lone second half becomes U+FFFD
}
