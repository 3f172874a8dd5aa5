package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// The functions on vectors take n, a multiple of 8, elements; the callers do
// the rest.

func vectorText(name, sig, doc string) {
	TEXT(name, NOSPLIT, sig)
	Pragma("noescape")
	Doc(doc)
}

// each runs body over n elements, eight at a time, offset in bytes.
func each(body func(offset Register)) {
	n, offset := Load(Param("n"), GP64()), GP64()
	SHLQ(Imm(2), n)
	XORQ(offset, offset)
	Label("next")
	CMPQ(offset, n)
	JGE(LabelRef("done"))
	body(offset)
	ADDQ(Imm(32), offset)
	JMP(LabelRef("next"))
	Label("done")
	VZEROUPPER()
	RET()
}

func pointer(name string) Register { return Load(Param(name), GP64()) }

func at(p, offset Register) Mem { return Mem{Base: p, Index: offset, Scale: 1} }

func broadcast(name string) VecVirtual {
	v := YMM()
	VBROADCASTSS(addr(name), v)
	return v
}

func addr(name string) Mem {
	c, err := Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	return c.Addr
}

func load(p, offset Register) VecVirtual {
	v := YMM()
	VMOVUPS(at(p, offset), v)
	return v
}

func addReLU() {
	vectorText("addReLU256", "func(x, bias *float32, n int)", "addReLU256 is x = max(x + bias, 0).")
	x, bias, zero := pointer("x"), pointer("bias"), YMM()
	VXORPS(zero, zero, zero)
	each(func(o Register) {
		v := load(x, o)
		VADDPS(at(bias, o), v, v)
		VMAXPS(v, zero, v) // in this order what is not a number stays so
		VMOVUPS(v, at(x, o))
	})
}

func reluGradient() {
	vectorText("reluGradient256", "func(d, h *float32, n int)", "reluGradient256 clears d where h is not positive.")
	d, h, zero := pointer("d"), pointer("h"), YMM()
	VXORPS(zero, zero, zero)
	each(func(o Register) {
		m := YMM()
		VCMPPS(Imm(1), at(h, o), zero, m) // 0 < h
		VANDPS(at(d, o), m, m)
		VMOVUPS(m, at(d, o))
	})
}

func add() {
	vectorText("add256", "func(dst, x *float32, n int)", "add256 is dst += x.")
	dst, x := pointer("dst"), pointer("x")
	each(func(o Register) {
		v := load(dst, o)
		VADDPS(at(x, o), v, v)
		VMOVUPS(v, at(dst, o))
	})
}

// random holds what keep needs: the counters of eight lanes, and constants.
type random struct {
	counter, eight, first, second, threshold, sign VecVirtual
}

func newRandom(lanes Mem) random {
	r := random{counter: YMM(), eight: YMM(), first: YMM(), second: YMM(), threshold: YMM(), sign: YMM()}
	constant := func(v VecVirtual, c uint32) {
		g := GP32()
		MOVL(U32(c), g)
		VMOVD(g, v.AsX())
		VPBROADCASTD(v.AsX(), v)
	}
	constant(r.eight, 8)
	constant(r.first, 0x7feb352d)
	constant(r.second, 0x846ca68b)
	constant(r.sign, 0x80000000)
	argument := func(name string, v VecVirtual) {
		VMOVD(Load(Param(name), GP32()), v.AsX())
		VPBROADCASTD(v.AsX(), v)
	}
	argument("key", r.counter)
	VPADDD(lanes, r.counter, r.counter)
	argument("threshold", r.threshold)
	VPXOR(r.sign, r.threshold, r.threshold)
	return r
}

// keep sets all bits of the lanes whose random number is at least the threshold.
func (r random) keep() VecVirtual {
	x, y := YMM(), YMM()
	VPSRLD(Imm(16), r.counter, y)
	VPXOR(y, r.counter, x)
	VPMULLD(r.first, x, x)
	VPSRLD(Imm(15), x, y)
	VPXOR(y, x, x)
	VPMULLD(r.second, x, x)
	VPSRLD(Imm(16), x, y)
	VPXOR(y, x, x)
	VPXOR(r.sign, x, x)
	VPADDD(r.eight, r.counter, r.counter)
	m, all := YMM(), YMM()
	VPCMPGTD(x, r.threshold, m) // threshold > x: dropped
	VPCMPEQD(all, all, all)
	VPXOR(all, m, m)
	return m
}

// counters are 0 … 7, the lanes' own part of their counters.
func counters() Mem {
	lanes := GLOBL("lanes", RODATA|NOPTR)
	for i := range 8 {
		DATA(4*i, U32(i))
	}
	return lanes
}

func dropout(lanes Mem) {
	vectorText("dropout256", "func(x, before, after *float32, n int, key, threshold uint32, scale float32)",
		"dropout256 is x = keep·(x + before)·scale + after.")
	x, before, after, scale := pointer("x"), pointer("before"), pointer("after"), broadcast("scale")
	r := newRandom(lanes)
	each(func(o Register) {
		m, v := r.keep(), load(x, o)
		VADDPS(at(before, o), v, v)
		VMULPS(scale, v, v)
		VANDPS(m, v, v)
		VADDPS(at(after, o), v, v)
		VMOVUPS(v, at(x, o))
	})
}

func mask(lanes Mem) {
	vectorText("mask256", "func(dst, x *float32, n int, key, threshold uint32, scale float32)",
		"mask256 is dst = keep·x·scale.")
	dst, x, scale := pointer("dst"), pointer("x"), broadcast("scale")
	r := newRandom(lanes)
	each(func(o Register) {
		m, v := r.keep(), load(x, o)
		VMULPS(scale, v, v)
		VANDPS(m, v, v)
		VMOVUPS(v, at(dst, o))
	})
}

// adam has no fused operation, so that it agrees with the portable one to the
// last bit.
func adam() {
	vectorText("adam256", "func(p, grad, m, v *float32, n int, c *float32)", "adam256 is one step of Adam.")
	p, g, m, v, c := pointer("p"), pointer("grad"), pointer("m"), pointer("v"), pointer("c")
	names := []string{"Clip", "Decay", "Keep1", "Take1", "Keep2", "Take2", "Rate", "Root", "Epsilon"}
	k := map[string]VecVirtual{}
	for i, name := range names {
		k[name] = YMM()
		VBROADCASTSS(Mem{Base: c, Disp: 4 * i}, k[name])
	}
	each(func(o Register) {
		grad, w, t := load(g, o), load(p, o), YMM()
		VMULPS(k["Clip"], grad, grad)
		VMULPS(k["Decay"], w, t)
		VADDPS(t, grad, grad)
		first := load(m, o)
		VMULPS(k["Keep1"], first, first)
		VMULPS(k["Take1"], grad, t)
		VADDPS(t, first, first)
		VMOVUPS(first, at(m, o))
		second := load(v, o)
		VMULPS(k["Keep2"], second, second)
		VMULPS(grad, grad, t)
		VMULPS(k["Take2"], t, t)
		VADDPS(t, second, second)
		VMOVUPS(second, at(v, o))
		VSQRTPS(second, second)
		VMULPS(k["Root"], second, second)
		VADDPS(k["Epsilon"], second, second)
		VMULPS(k["Rate"], first, first)
		VDIVPS(second, first, first)
		VSUBPS(first, w, w)
		VMOVUPS(w, at(p, o))
	})
}
