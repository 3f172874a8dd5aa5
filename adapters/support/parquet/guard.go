package parquet

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"math/bits"
	"strings"

	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go"

	"github.com/plastinka/predictor/domain/fault"
)

// guard reads a file through before the library does, which believes what a
// file says of itself: a few bytes make it take gigabytes, turn for hours, or
// take a float for a pointer. Past the guard, every length and number of values
// in the file is one that its content bears out, and every column has the type
// it is read as. It lets through what Write writes and little else: data pages
// of version 2, plain values, Zstandard; rows of plain columns and lists.
type guard struct {
	r       io.ReaderAt
	size    int64
	name    string
	limits  Limits
	columns []column
	zstd    *zstd.Decoder
	left    int64 // bytes that may still be unpacked
}

// column is what a column must be.
type column struct {
	path     string
	kind     parquet.Kind
	repeated bool // the elements of a list
}

// columnsOf are the columns of a schema, in their order.
func columnsOf(s *parquet.Schema) (list []column) {
	for _, path := range s.Columns() {
		leaf, _ := s.Lookup(path...)
		list = append(list, column{strings.Join(path, "."), leaf.Node.Type().Kind(), leaf.MaxRepetitionLevel > 0})
	}
	return list
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
func inspect(r io.ReaderAt, size int64, name string, limits Limits, schema *parquet.Schema) error {
	decoder, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderLowmem(true))
	if err != nil {
		return fault.Wrap("parquet.inspect", err)
	}
	defer decoder.Close()
	g := &guard{r, size, name, limits, columnsOf(schema), decoder, limits.Bytes}
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
		if err := g.group(group.field(1).list, in, footer); err != nil {
			return err
		}
	}
	if found != rows {
		return corrupt(g.name, "its groups have %d rows in all, not %d", found, rows)
	}
	return nil
}

// group checks the columns' parts in a group of rows.
func (g *guard) group(parts []thrift, rows, footer int64) error {
	for i, c := range g.columns {
		var path [][]byte
		if i < len(parts) {
			for _, p := range parts[i].field(3).field(3).list {
				path = append(path, p.text)
			}
		}
		if found := string(bytes.Join(path, []byte("."))); found != c.path || int64(c.kind) != parts[i].field(3).field(1).number {
			return corrupt(g.name, "its columns are not the expected ones: %.80q, or of another type, where %q must be", found, c.path)
		}
		if err := g.column(c, parts[i].field(3), rows, footer); err != nil {
			return err
		}
	}
	if len(parts) != len(g.columns) {
		return corrupt(g.name, "its columns are not the expected ones: there are %d, not %d", len(parts), len(g.columns))
	}
	return nil
}

// column follows the pages of a column's part in a group.
func (g *guard) column(c column, meta thrift, rows, footer int64) error {
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
		page, err := g.page(c, from, end)
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
func (g *guard) page(c column, from, end int64) (p page, err error) {
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
	repetition, definition, nulls := data.field(6).number, data.field(5).number, data.field(2).number
	p = page{from + int64(n) + packed, data.field(3).number, data.field(1).number}
	if header.field(1).number != pageDataV2 || data.field(4).number != encodingPlain {
		return p, corrupt(g.name, "the page at %d is not one of plain values", from)
	}
	if packed < 0 || p.end > end || p.rows < 0 || p.values < p.rows || nulls < 0 || nulls > p.values ||
		repetition < 0 || definition < 0 || repetition+definition > min(packed, unpacked) ||
		!c.repeated && (repetition+definition+nulls != 0 || p.values != p.rows) {
		return p, corrupt(g.name, "the page at %d does not fit together", from)
	}
	if g.left -= unpacked; unpacked > g.limits.Bytes || g.left < 0 {
		return p, fault.New(fault.TooLarge, "unpacked_too_large", "%s unpacks to more than %d bytes, the most that is read", g.name, g.limits.Bytes)
	}
	content, err := g.bytes(from+int64(n), packed)
	if err != nil {
		return p, err
	}
	if c.repeated {
		again, ok1 := countLevels(content[:repetition], p.values)
		present, ok2 := countLevels(content[repetition:repetition+definition], p.values)
		if !ok1 || !ok2 || again != p.values-p.rows || present != p.values-nulls {
			return p, corrupt(g.name, "the levels of the page at %d are damaged", from)
		}
	}
	if !g.holds(content[repetition+definition:], unpacked-repetition-definition, c.kind, p.values-nulls) {
		return p, corrupt(g.name, "the page at %d does not unpack to the %d values it says", from, p.values-nulls)
	}
	return p, nil
}

// holds reports whether packed is unpacked bytes, which are so many values of a
// kind. It keeps none of them.
func (g *guard) holds(packed []byte, unpacked int64, kind parquet.Kind, values int64) bool {
	width := map[parquet.Kind]int64{parquet.Int32: 4, parquet.Int64: 8, parquet.Float: 4, parquet.Double: 8}[kind]
	if width > 0 && (unpacked%width != 0 || unpacked/width != values) {
		return false
	}
	if len(packed) == 0 {
		return unpacked == 0 && values == 0
	}
	if g.zstd.Reset(bytes.NewReader(packed)) != nil {
		return false
	}
	in := io.LimitReader(g.zstd, unpacked+1)
	if width > 0 {
		n, err := io.Copy(io.Discard, in)
		return err == nil && n == unpacked
	}
	if kind != parquet.ByteArray {
		return false
	}
	buffered := bufio.NewReaderSize(in, 1<<16)
	for range values {
		var length [4]byte
		if _, err := io.ReadFull(buffered, length[:]); err != nil {
			return false
		}
		n := int64(binary.LittleEndian.Uint32(length[:]))
		if got, err := io.CopyN(io.Discard, buffered, n); err != nil || got != n {
			return false
		}
		unpacked -= 4 + n
	}
	_, err := buffered.ReadByte()
	return unpacked == 0 && err == io.EOF
}

// countLevels counts the ones among levels of one bit, in the hybrid of runs and
// packed groups of eight; ok is whether they are as many as said.
func countLevels(b []byte, values int64) (ones int64, ok bool) {
	for len(b) > 0 && values > 0 {
		header, n := binary.Uvarint(b)
		count := int64(header >> 1)
		if n <= 0 || count > values {
			return 0, false
		}
		b = b[n:]
		if header&1 == 0 { // a run: one byte with the value
			if len(b) == 0 || b[0] > 1 {
				return 0, false
			}
			ones, values, b = ones+count*int64(b[0]), values-count, b[1:]
			continue
		}
		if int64(len(b)) < count || 8*count >= values+8 {
			return 0, false
		}
		for _, group := range b[:count] {
			if values < 8 { // the last group is filled up
				group &= 1<<max(values, 0) - 1
			}
			ones, values = ones+int64(bits.OnesCount8(group)), values-8
		}
		b = b[count:]
	}
	return ones, len(b) == 0 && values <= 0
}
