package onnx

import (
	"encoding/binary"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// shape are the tensor's dimensions.
func (t tensor) shape() []int {
	shape := make([]int, len(t.dims))
	for i, d := range t.dims {
		shape[i] = int(d)
	}
	return shape
}

// floats are the values of a float32 tensor.
func (t tensor) floats() ([]float32, error) {
	size := int64(1)
	for _, d := range t.dims {
		if d < 0 || d > maxFile || size*d > maxFile {
			return nil, corrupt("the tensor %.80q has the shape %v", t.name, t.dims)
		}
		size *= d
	}
	if t.kind != typeFloat || int64(len(t.raw)) != 4*size {
		return nil, corrupt("the tensor %.80q of shape %v has %d bytes of the type %d", t.name, t.dims, len(t.raw), t.kind)
	}
	values := make([]float32, size)
	for i := range values {
		values[i] = math.Float32frombits(binary.LittleEndian.Uint32(t.raw[4*i:]))
	}
	return values, nil
}

// decode reads what Read needs of a model: metadata and initializers. What is
// read points into content.
func (m *model) decode(content []byte) error {
	return fields(content, "the model", func(field protowire.Number, _ uint64, b []byte) error {
		switch field {
		case 7:
			return m.graph.decode(b)
		case 14:
			var p property
			err := fields(b, "the metadata", func(field protowire.Number, _ uint64, b []byte) error {
				switch field {
				case 1:
					p.key = string(b)
				case 2:
					p.value = string(b)
				}
				return nil
			})
			m.properties = append(m.properties, p)
			return err
		}
		return nil
	})
}

func (g *graph) decode(content []byte) error {
	return fields(content, "the graph", func(field protowire.Number, _ uint64, b []byte) error {
		if field != 5 {
			return nil
		}
		t, err := decodeTensor(b)
		g.tensors = append(g.tensors, t)
		return err
	})
}

func decodeTensor(content []byte) (t tensor, err error) {
	err = fields(content, "a tensor", func(field protowire.Number, v uint64, b []byte) error {
		switch {
		case field == 1 && b == nil:
			t.dims = append(t.dims, int64(v))
		case field == 1: // packed, as other programs write it
			for len(b) > 0 {
				d, n := protowire.ConsumeVarint(b)
				if n < 0 {
					return corrupt("a tensor's shape cannot be read: %v", protowire.ParseError(n))
				}
				t.dims, b = append(t.dims, int64(d)), b[n:]
			}
		case field == 2:
			t.kind = v
		case field == 8:
			t.name = string(b)
		case field == 9:
			t.raw = b
		}
		return nil
	})
	return t, err
}

// fields visits the fields of a message: the number of a varint or the bytes of
// a string or message, which are never nil. Other kinds are passed over.
func fields(content []byte, what string, visit func(field protowire.Number, number uint64, content []byte) error) error {
	for len(content) > 0 {
		field, kind, n := protowire.ConsumeTag(content)
		if n < 0 {
			return corrupt("%s cannot be read: %v", what, protowire.ParseError(n))
		}
		content = content[n:]
		var v uint64
		var b []byte
		switch kind {
		case protowire.VarintType:
			v, n = protowire.ConsumeVarint(content)
		case protowire.BytesType:
			if b, n = protowire.ConsumeBytes(content); b == nil {
				b = []byte{}
			}
		default:
			n = protowire.ConsumeFieldValue(field, kind, content)
		}
		if n < 0 {
			return corrupt("%s ends in the middle: %v", what, protowire.ParseError(n))
		}
		content = content[n:]
		if kind == protowire.VarintType || kind == protowire.BytesType {
			if err := visit(field, v, b); err != nil {
				return err
			}
		}
	}
	return nil
}
