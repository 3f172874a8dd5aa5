package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

const signature = "func(k int, a *float32, rsa, csa int, b *float32, ldb, panel int, c *float32, ldc int, accumulate bool)"

// tile is what all multiplications share: where the matrices are. Row i of A is
// reached from one of two pointers, four rows apart, so that eight rows need
// two additions a step and no more.
type tile struct {
	k, near, far, rsa, triple, csa Register
	b, ldb                         Register
	c, ldc                         Register
}

func begin(name, doc string, rows int) tile {
	TEXT(name, NOSPLIT, signature)
	Pragma("noescape")
	Doc(doc)
	t := tile{k: Load(Param("k"), GP64()), near: Load(Param("a"), GP64()),
		rsa: Load(Param("rsa"), GP64()), csa: Load(Param("csa"), GP64()),
		b: Load(Param("b"), GP64()), ldb: Load(Param("ldb"), GP64())}
	if rows > 3 {
		t.triple = GP64()
		LEAQ(Mem{Base: t.rsa, Index: t.rsa, Scale: 2}, t.triple.(GPVirtual))
	}
	if rows > 4 {
		t.far = GP64()
		LEAQ(Mem{Base: t.near, Index: t.rsa, Scale: 4}, t.far.(GPVirtual))
	}
	return t
}

// row is where row i of A stands at this step.
func (t tile) row(i int) Mem {
	base := t.near
	if i >= 4 {
		base = t.far
	}
	switch i % 4 {
	case 1:
		return Mem{Base: base, Index: t.rsa, Scale: 1}
	case 2:
		return Mem{Base: base, Index: t.rsa, Scale: 2}
	case 3:
		return Mem{Base: base, Index: t.triple, Scale: 1}
	}
	return Mem{Base: base}
}

func (t tile) advance() {
	ADDQ(t.csa, t.near)
	if t.far != nil {
		ADDQ(t.csa, t.far)
	}
	ADDQ(t.ldb, t.b)
	DECQ(t.k)
}

// multiply512 makes a rows × (16·panels) tile of C: one fused multiply-add
// chain over k for each element.
func multiply512(rows, panels int) {
	name := fmt.Sprintf("multiply512x%dx%d", rows, panels)
	t := begin(name, fmt.Sprintf("%s is a tile of %d rows and %d panels with AVX-512; strides are in bytes.", name, rows, panels), rows)
	panel := Load(Param("panel"), GP64())
	sum := make([][]VecVirtual, rows)
	for i := range sum {
		sum[i] = make([]VecVirtual, panels)
		for j := range sum[i] {
			sum[i][j] = ZMM()
			VPXORQ(sum[i][j], sum[i][j], sum[i][j])
		}
	}
	TESTQ(t.k, t.k)
	JZ(LabelRef("store"))
	Label("step")
	b := make([]VecVirtual, panels)
	for j := range b {
		b[j] = ZMM()
		at := Mem{Base: t.b}
		if j == 1 {
			at = Mem{Base: t.b, Index: panel, Scale: 1}
		}
		VMOVUPS(at, b[j])
	}
	for i := range rows {
		x := ZMM()
		VBROADCASTSS(t.row(i), x)
		for j := range panels {
			VFMADD231PS(b[j], x, sum[i][j])
		}
	}
	t.advance()
	JNZ(LabelRef("step"))
	Label("store")
	c, ldc := Load(Param("c"), GP64()), Load(Param("ldc"), GP64())
	accumulate := Load(Param("accumulate"), GP8())
	TESTB(accumulate, accumulate)
	JZ(LabelRef("write"))
	p := GP64()
	MOVQ(c, p)
	for i := range rows {
		for j := range panels {
			VADDPS(Mem{Base: p, Disp: 64 * j}, sum[i][j], sum[i][j])
		}
		if i < rows-1 {
			ADDQ(ldc, p)
		}
	}
	Label("write")
	for i := range rows {
		for j := range panels {
			VMOVUPS(sum[i][j], Mem{Base: c, Disp: 64 * j})
		}
		if i < rows-1 {
			ADDQ(ldc, c)
		}
	}
	VZEROUPPER()
	RET()
}

// multiply256 is the same tile, one panel wide, in halves of eight columns.
func multiply256(rows int) {
	name := fmt.Sprintf("multiply256x%d", rows)
	t := begin(name, fmt.Sprintf("%s is a tile of %d rows and one panel with AVX2 and FMA; strides are in bytes.", name, rows), rows)
	sum := make([][2]VecVirtual, rows)
	for i := range sum {
		for j := range sum[i] {
			sum[i][j] = YMM()
			VXORPS(sum[i][j], sum[i][j], sum[i][j])
		}
	}
	TESTQ(t.k, t.k)
	JZ(LabelRef("store"))
	Label("step")
	var b [2]VecVirtual
	for j := range b {
		b[j] = YMM()
		VMOVUPS(Mem{Base: t.b, Disp: 32 * j}, b[j])
	}
	for i := range rows {
		x := YMM()
		VBROADCASTSS(t.row(i), x)
		for j := range b {
			VFMADD231PS(b[j], x, sum[i][j])
		}
	}
	t.advance()
	JNZ(LabelRef("step"))
	Label("store")
	c, ldc := Load(Param("c"), GP64()), Load(Param("ldc"), GP64())
	accumulate := Load(Param("accumulate"), GP8())
	TESTB(accumulate, accumulate)
	JZ(LabelRef("write"))
	p := GP64()
	MOVQ(c, p)
	for i := range rows {
		for j := range b {
			VADDPS(Mem{Base: p, Disp: 32 * j}, sum[i][j], sum[i][j])
		}
		if i < rows-1 {
			ADDQ(ldc, p)
		}
	}
	Label("write")
	for i := range rows {
		for j := range b {
			VMOVUPS(sum[i][j], Mem{Base: c, Disp: 32 * j})
		}
		if i < rows-1 {
			ADDQ(ldc, c)
		}
	}
	VZEROUPPER()
	RET()
}

// peak512 and peak256 do nothing but fused multiply-adds in registers: what
// the processor can do at most, for benchmarks to compare with.
func peak512() { peak("peak512", 24, ZMM) }
func peak256() { peak("peak256", 12, YMM) }

func peak(name string, chains int, register func() VecVirtual) {
	TEXT(name, NOSPLIT, "func(n int)")
	Doc(fmt.Sprintf("%s does n times %d independent fused multiply-adds of whole registers.", name, chains))
	n := Load(Param("n"), GP64())
	x := register()
	VXORPS(x.AsY(), x.AsY(), x.AsY())
	sum := make([]VecVirtual, chains)
	for i := range sum {
		sum[i] = register()
		VXORPS(sum[i].AsY(), sum[i].AsY(), sum[i].AsY())
	}
	Label("step")
	for i := range sum {
		VFMADD231PS(x, x, sum[i])
	}
	DECQ(n)
	JNZ(LabelRef("step"))
	VZEROUPPER()
	RET()
}
