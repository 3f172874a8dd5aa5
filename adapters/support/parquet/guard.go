package parquet

import (
	"bytes"
	"encoding/binary"
	"io"

	"github.com/klauspost/compress/zstd"

	"github.com/plastinka/predictor/domain/fault"
)

// guard reads a file's structure before the library does, which believes what a
// file says of itself: a few bytes make it take gigabytes, or turn for hours.
// Past the guard, every length in the file is one that its content bears out.
// It lets through what Write writes and little else: data pages of version 2,
// plain values, Zstandard.
type guard struct {
	r      io.ReaderAt
	size   int64
	name   string
	limits Limits
	zstd   *zstd.Decoder
	left   int64 // bytes that may still be unpacked
}

// Numbers of the format (parquet.thrift).
const (
	codecZstd     = 6
	encodingPlain = 0
	encodingRLE   = 3
	pageDataV2    = 3
)

// maxFooter bounds the footer, maxHeader a page's header, maxWindow the memory
// for unpacking, in bytes.
const (
	maxWindow = 32 << 20
	maxFooter = 16 << 20
	maxHeader = 1 << 16
)

// inspect refuses a file that is not safe to hand to the library.
func inspect(r io.ReaderAt, size int64, name string, limits Limits) error {
	decoder, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderLowmem(true))
	if err != nil {
		return fault.Wrap("parquet.inspect", err)
	}
	defer decoder.Close()
	g := &guard{r, size, name, limits, decoder, limits.Bytes}
	return g.file()
}

func (g *guard) bytes(from, n int64) ([]byte, error) {
	if from < 0 || n < 0 || from > g.size || n > g.size-from {
		return nil, corrupt(g.name, "it ends before byte %d", from+n)
	}
	b := make([]byte, n)
	if _, err := g.r.ReadAt(b, from); err != nil && err != io.EOF {
		return nil, corrupt(g.name, "%v", err)
	}
	return b, nil
}

func (g *guard) file() error {
	tail, err := g.bytes(g.size-8, 8)
	if err != nil {
		return err
	}
	length := int64(binary.LittleEndian.Uint32(tail))
	if string(tail[4:]) != "PAR1" || length > maxFooter {
		return corrupt(g.name, "it has no footer, or one of %d bytes", length)
	}
	footer := g.size - 8 - length
	text, err := g.bytes(footer, length)
	if err != nil {
		return err
	}
	meta, n, err := readThrift(text)
	if err != nil || n != len(text) {
		return corrupt(g.name, "its footer is damaged")
	}
	rows := meta.field(3).number
	if rows < 0 || rows > g.limits.Rows {
		return fault.New(fault.TooLarge, "too_many_rows", "%s has %d rows; at most %d are read", g.name, rows, g.limits.Rows)
	}
	var found int64
	for _, group := range meta.field(4).list {
		in := group.field(3).number
		if in < 0 || in > rows-found {
			return corrupt(g.name, "a group has %d rows, of %d in all", in, rows)
		}
		found += in
		for _, column := range group.field(1).list {
			if err := g.column(column.field(3), in, footer); err != nil {
				return err
			}
		}
	}
	if found != rows {
		return corrupt(g.name, "its groups have %d rows in all, not %d", found, rows)
	}
	return nil
}

// column follows the pages of a column's part in a group.
func (g *guard) column(meta thrift, rows, footer int64) error {
	from, length := meta.field(9).number, meta.field(7).number
	if meta.field(4).number != codecZstd || meta.field(11).number != 0 {
		return corrupt(g.name, "a column is not compressed with Zstandard, or has a dictionary")
	}
	for _, e := range meta.field(2).list {
		if e.number != encodingPlain && e.number != encodingRLE {
			return corrupt(g.name, "a column has the encoding %d", e.number)
		}
	}
	if from < 4 || length < 0 || from > footer || length > footer-from {
		return corrupt(g.name, "a column lies at %d to %d, outside the data", from, from+length)
	}
	values, inPages := int64(0), int64(0)
	for end := from + length; from < end; {
		page, err := g.page(from, end)
		if err != nil {
			return err
		}
		from, values, inPages = page.end, values+page.values, inPages+page.rows
	}
	if inPages != rows || values != meta.field(5).number {
		return corrupt(g.name, "a column's pages have %d rows and %d values, not %d and %d", inPages, values, rows, meta.field(5).number)
	}
	return nil
}

// page is one page: where it ends, and its rows and values.
type page struct{ end, rows, values int64 }

// page checks the page at from.
func (g *guard) page(from, end int64) (p page, err error) {
	text, err := g.bytes(from, min(end-from, maxHeader))
	if err != nil {
		return p, err
	}
	header, n, err := readThrift(text)
	if err != nil {
		return p, corrupt(g.name, "the header of the page at %d is damaged", from)
	}
	data := header.field(8)
	unpacked, packed := header.field(2).number, header.field(3).number
	repetition, definition := data.field(6).number, data.field(5).number
	p = page{from + int64(n) + packed, data.field(3).number, data.field(1).number}
	if header.field(1).number != pageDataV2 || data.field(4).number != encodingPlain {
		return p, corrupt(g.name, "the page at %d is not one of plain values", from)
	}
	if packed < 0 || p.end > end || p.rows < 0 || p.values < p.rows || data.field(2).number < 0 || data.field(2).number > p.values ||
		repetition < 0 || definition < 0 || repetition+definition > min(packed, unpacked) {
		return p, corrupt(g.name, "the page at %d does not fit together", from)
	}
	if p.values-p.rows > unpacked { // rows are bounded; what a list adds to them takes room
		return p, corrupt(g.name, "the page at %d says that it has %d values", from, p.values)
	}
	if g.left -= unpacked; unpacked > g.limits.Bytes || g.left < 0 {
		return p, fault.New(fault.TooLarge, "unpacked_too_large", "%s unpacks to more than %d bytes, the most that is read", g.name, g.limits.Bytes)
	}
	content, err := g.bytes(from+int64(n), packed)
	if err != nil {
		return p, err
	}
	for _, levels := range [][]byte{content[:repetition], content[repetition : repetition+definition]} {
		if len(levels) > 0 && !levelsFit(levels, p.values) {
			return p, corrupt(g.name, "the levels of the page at %d are damaged", from)
		}
	}
	return p, g.unpack(content[repetition+definition:], unpacked-repetition-definition, from)
}

// unpack checks that packed values are as long as said, without keeping them.
func (g *guard) unpack(packed []byte, unpacked, at int64) error {
	if len(packed) == 0 && unpacked == 0 {
		return nil
	}
	err := g.zstd.Reset(bytes.NewReader(packed))
	var n int64
	if err == nil {
		n, err = io.Copy(io.Discard, io.LimitReader(g.zstd, unpacked+1))
	}
	if err != nil || n != unpacked {
		return corrupt(g.name, "the page at %d does not unpack to the %d bytes it says", at, unpacked)
	}
	return nil
}

// levelsFit reports whether levels of one bit, in the hybrid of runs and packed
// groups of eight, are as many as said: lists have one level, plain columns none.
func levelsFit(b []byte, values int64) bool {
	for len(b) > 0 {
		header, n := binary.Uvarint(b)
		if n <= 0 || header>>1 > uint64(values)+8 {
			return false
		}
		b = b[n:]
		count, width := int64(header>>1), 1 // a run: one byte with the value
		if header&1 == 1 {
			count, width = 8*count, int(count)
		}
		if len(b) < width || count > values+7 {
			return false
		}
		b, values = b[width:], values-count
	}
	return values <= 0 && values > -8
}
