package onnx

import (
	"encoding/binary"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// The types of elements that occur (TensorProto.DataType).
const (
	typeFloat  = 1
	typeInt64  = 7
	typeDouble = 11
)

// The messages of onnx.proto3, as far as they are written. Numbers beside the
// fields below are theirs in that file.
type (
	model struct {
		properties []property
		graph      graph
	}
	property struct{ key, value string }
	graph    struct {
		nodes           []node
		tensors         []tensor // initializers
		inputs, outputs []value
	}
	node struct {
		kind       string
		in, out    []string
		attributes []attribute
	}
	// attribute is a float, an integer, or a list of integers.
	attribute struct {
		name    string
		float   float32
		integer int64
		list    []int64
		kind    uint64 // AttributeProto.AttributeType
	}
	tensor struct {
		name string
		dims []int64
		kind uint64
		raw  []byte // little-endian
	}
	// value is an input or output: dims of a fixed size, or 0 for the batch.
	value struct {
		name string
		kind uint64
		dims []int64
	}
)

// The kinds of attributes.
const (
	attributeFloat = 1
	attributeInt   = 2
	attributeInts  = 7
)

func (m model) encode() []byte {
	var b []byte
	b = number(b, 1, irVersion)
	b = text(b, 2, "plastinka")
	b = text(b, 6, document)
	b = message(b, 7, m.graph.encode())
	b = message(b, 8, number(nil, 2, opsetVersion)) // the domain "" is ONNX's own
	for _, p := range m.properties {
		b = message(b, 14, text(text(nil, 1, p.key), 2, p.value))
	}
	return b
}

func (g graph) encode() (b []byte) {
	for _, n := range g.nodes {
		b = message(b, 1, n.encode())
	}
	b = text(b, 2, "tide")
	for _, t := range g.tensors {
		b = message(b, 5, t.encode())
	}
	for _, v := range g.inputs {
		b = message(b, 11, v.encode())
	}
	for _, v := range g.outputs {
		b = message(b, 12, v.encode())
	}
	return b
}

func (n node) encode() (b []byte) {
	for _, s := range n.in {
		b = text(b, 1, s)
	}
	for _, s := range n.out {
		b = text(b, 2, s)
	}
	b = text(b, 3, n.out[0]) // the node's name
	b = text(b, 4, n.kind)
	for _, a := range n.attributes {
		b = message(b, 5, a.encode())
	}
	return b
}

func (a attribute) encode() (b []byte) {
	b = text(b, 1, a.name)
	switch a.kind {
	case attributeFloat:
		b = protowire.AppendTag(b, 2, protowire.Fixed32Type)
		b = protowire.AppendFixed32(b, math.Float32bits(a.float))
	case attributeInt:
		b = number(b, 3, uint64(a.integer))
	case attributeInts:
		for _, v := range a.list {
			b = number(b, 8, uint64(v))
		}
	}
	return number(b, 20, a.kind)
}

func (t tensor) encode() (b []byte) {
	for _, d := range t.dims {
		b = number(b, 1, uint64(d))
	}
	b = number(b, 2, t.kind)
	b = text(b, 8, t.name)
	return message(b, 9, t.raw)
}

func (v value) encode() []byte {
	var shape []byte
	for _, d := range v.dims {
		if d == 0 {
			shape = message(shape, 1, text(nil, 2, "batch"))
		} else {
			shape = message(shape, 1, number(nil, 1, uint64(d)))
		}
	}
	tensorType := message(number(nil, 1, v.kind), 2, shape)
	return message(text(nil, 1, v.name), 2, message(nil, 1, tensorType))
}

func number(b []byte, field protowire.Number, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), v)
}

func text(b []byte, field protowire.Number, s string) []byte {
	return protowire.AppendString(protowire.AppendTag(b, field, protowire.BytesType), s)
}

func message(b []byte, field protowire.Number, content []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, field, protowire.BytesType), content)
}

// floatTensor is a tensor of float32.
func floatTensor(name string, dims []int, values []float32) tensor {
	t := tensor{name: name, kind: typeFloat, raw: make([]byte, 0, 4*len(values))}
	for _, d := range dims {
		t.dims = append(t.dims, int64(d))
	}
	for _, v := range values {
		t.raw = binary.LittleEndian.AppendUint32(t.raw, math.Float32bits(v))
	}
	return t
}

// doubleTensor is a vector of float64, or with dims of that shape.
func doubleTensor(name string, values []float64, dims ...int64) tensor {
	t := tensor{name: name, kind: typeDouble, dims: dims}
	for _, v := range values {
		t.raw = binary.LittleEndian.AppendUint64(t.raw, math.Float64bits(v))
	}
	return t
}

// intTensor is a vector of int64, or with scalar set one number without a shape.
func intTensor(name string, scalar bool, values ...int64) tensor {
	t := tensor{name: name, kind: typeInt64}
	if !scalar {
		t.dims = []int64{int64(len(values))}
	}
	for _, v := range values {
		t.raw = binary.LittleEndian.AppendUint64(t.raw, uint64(v))
	}
	return t
}
