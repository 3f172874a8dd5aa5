package tables

import (
	"bytes"
	"encoding/binary"
	"slices"
	"unicode/utf16"
)

// A writer of BIFF8 and of its container, as small as the tests need.

// le is the values' bytes, the lowest first.
func le(values ...any) []byte {
	var buf bytes.Buffer
	for _, v := range values {
		if err := binary.Write(&buf, binary.LittleEndian, v); err != nil {
			panic(err)
		}
	}
	return buf.Bytes()
}

func rec(id uint16, parts ...[]byte) []byte {
	body := bytes.Join(parts, nil)
	return append(le(id, uint16(len(body))), body...)
}

func biff(records ...[]byte) []byte { return bytes.Join(records, nil) }

// globals is the first record of a workbook.
var globals = rec(recBOF, le(uint16(0x0600), uint16(bofGlobals), uint32(0), uint64(0)))

func number(row, column int, v float64) []byte {
	return rec(recNumber, le(uint16(row), uint16(column), uint16(0), v))
}

// wide is a string of two bytes a character, with its length and flags.
func wide(s string) []byte {
	units := utf16.Encode([]rune(s))
	return append(le(uint16(len(units)), uint8(wideText)), le(units)...)
}

// xlsOf is a workbook of one sheet "S" with the records, and more in its globals.
func xlsOf(more []byte, records ...[]byte) []byte {
	return compoundOf("Workbook", streamOf(more, records...))
}

func streamOf(more []byte, records ...[]byte) []byte {
	bound := func(at int) []byte {
		return rec(recBoundSheet, le(uint32(at), uint8(0), uint8(0), uint8(1), uint8(0)), []byte("S"))
	}
	head := biff(globals, more, bound(0), rec(recEOF))
	start := len(head)
	sheet := biff(rec(recBOF, le(uint16(0x0600), uint16(bofSheet), uint32(0), uint64(0))), biff(records...), rec(recEOF))
	return biff(globals, more, bound(start), rec(recEOF), sheet)
}

// compoundOf is an OLE file with one stream; within is a second name for it, in
// a storage, as an object within the document has.
func compoundOf(name string, stream []byte, within ...string) []byte {
	const sector, free, end, fat = 512, 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
	size := max(len(stream), 4096) // a smaller one lives elsewhere
	stream = append(slices.Clone(stream), make([]byte, (size+sector-1)/sector*sector-len(stream))...)
	data := len(stream) / sector
	fats := 1
	for fats*sector/4 < data+1+fats {
		fats++
	}
	chain := make([]uint32, fats*sector/4)
	for i := range chain {
		switch {
		case i < data-1:
			chain[i] = uint32(i + 1)
		case i == data-1, i == data: // the stream's last sector, and the directory
			chain[i] = end
		case i < data+1+fats:
			chain[i] = fat
		default:
			chain[i] = free
		}
	}
	difat := make([]uint32, 109)
	for i := range difat {
		difat[i] = free
		if i < fats {
			difat[i] = uint32(data + 1 + i)
		}
	}
	header := append([]byte(compoundMagic), le([16]byte{}, uint16(0x3E), uint16(3), uint16(0xFFFE), uint16(9), uint16(6), [6]byte{},
		uint32(0), uint32(fats), uint32(data), uint32(0), uint32(4096), uint32(end), uint32(0), uint32(end), uint32(0), difat)...)
	entry := func(name string, kind uint8, next, child, first, size uint32) []byte {
		var raw [32]uint16
		copy(raw[:], utf16.Encode([]rune(name)))
		return le(raw, uint16(2*len(name)+2), kind, uint8(1), uint32(free), next, child, [36]byte{}, first, uint64(size))
	}
	second := uint32(free)
	if len(within) > 0 {
		second = 2
	}
	directory := append(entry("Root Entry", 5, free, 1, end, 0), entry(name, 2, second, free, 0, uint32(size))...)
	if len(within) > 0 {
		directory = append(directory, entry("MBD001", 1, free, 3, 0, 0)...)
		directory = append(directory, entry(within[0], 2, free, free, 0, uint32(size))...)
	}
	directory = append(directory, make([]byte, sector-len(directory))...)
	return slices.Concat(header, stream, directory, le(chain))
}
