package parquet

import (
	"encoding/binary"
	"errors"
)

// thrift is a value of Thrift's compact protocol, in which Parquet writes its
// footer and the headers of its pages. Of numbers other than integers only the
// length matters here; maps do not occur.
type thrift struct {
	number int64
	text   []byte
	list   []thrift
	fields map[int64]thrift
}

// field is a field of a structure, zero if it is not there.
func (t thrift) field(id int64) thrift { return t.fields[id] }

// The types of the compact protocol.
const (
	thriftTrue   = 1
	thriftFalse  = 2
	thriftByte   = 3
	thriftI16    = 4
	thriftI32    = 5
	thriftI64    = 6
	thriftDouble = 7
	thriftBinary = 8
	thriftList   = 9
	thriftSet    = 10
	thriftStruct = 12
)

// maxThriftDepth and maxThriftValues bound the structure. A file of a hundred
// million rows has some ten thousand values.
const (
	maxThriftDepth  = 16
	maxThriftValues = 1 << 18
)

var errThrift = errors.New("not a structure of the compact protocol")

// readThrift reads the structure that b begins with, and returns its length.
func readThrift(b []byte) (value thrift, length int, err error) {
	r := thriftReader{rest: b, values: maxThriftValues}
	value = r.structure(0)
	if r.broken {
		return thrift{}, 0, errThrift
	}
	return value, len(b) - len(r.rest), nil
}

type thriftReader struct {
	rest   []byte
	values int // that may still come
	broken bool
}

// fail ends the reading: whatever is read after it is zero.
func (r *thriftReader) fail() {
	r.broken, r.rest = true, nil
}

func (r *thriftReader) take(n uint64) []byte {
	if n > uint64(len(r.rest)) {
		r.fail()
		return nil
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

func (r *thriftReader) byte() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *thriftReader) uvarint() uint64 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *thriftReader) varint() int64 {
	v, n := binary.Varint(r.rest) // zigzag, as in Thrift
	if n <= 0 {
		r.fail()
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *thriftReader) structure(depth int) thrift {
	t := thrift{fields: map[int64]thrift{}}
	id := int64(0)
	for !r.broken {
		head := r.byte()
		if head == 0 {
			return t
		}
		if step := int64(head >> 4); step != 0 {
			id += step
		} else {
			id = r.varint()
		}
		if _, twice := t.fields[id]; twice {
			r.fail()
		}
		t.fields[id] = r.value(head&15, depth+1)
	}
	return t
}

func (r *thriftReader) value(kind byte, depth int) (t thrift) {
	if r.values--; r.values < 0 || depth > maxThriftDepth {
		r.fail()
		return t
	}
	switch kind {
	case thriftTrue, thriftFalse:
		t.number = int64(2 - kind)
	case thriftByte:
		t.number = int64(int8(r.byte()))
	case thriftI16, thriftI32, thriftI64:
		t.number = r.varint()
	case thriftDouble:
		r.take(8)
	case thriftBinary:
		t.text = r.take(r.uvarint())
	case thriftList, thriftSet:
		t.list = r.elements(depth)
	case thriftStruct:
		t = r.structure(depth)
	default:
		r.fail()
	}
	return t
}

func (r *thriftReader) elements(depth int) (list []thrift) {
	head := r.byte()
	n, kind := uint64(head>>4), head&15
	if n == 15 {
		n = r.uvarint()
	}
	if n > uint64(len(r.rest)) { // an element is a byte at least
		r.fail()
	}
	for range n {
		if r.broken {
			return nil
		}
		if kind == thriftTrue || kind == thriftFalse {
			r.byte() // in a list, truth has a byte of its own
			continue
		}
		list = append(list, r.value(kind, depth+1))
	}
	return list
}
