// Package kernel has the arithmetic of the engine in float32: matrix products
// and the few functions on vectors that a training step spends its time in.
//
// A product C = A·B is made tile by tile. Columns of B are taken sixteen at a
// time, a panel: one 64-byte register with AVX-512, two with AVX2. A panel of B
// is best packed (see Pack), so that a tile reads it in one stream; A is read
// where it stands, by any two strides, so that A and Aᵀ are the same to it.
// Every element of C is one chain of fused multiply-adds over k, from 0 up, in
// every tile shape and for every number of threads: AVX2 and AVX-512 agree to
// the last bit. The portable path does not fuse (math.FMA in software is slow,
// and float32 has none) and agrees to rounding.
//
// The assembly is written by the generator in _asm (avo, which is why that is
// a module of its own) and committed.
//
// Shapes that do not fit are a programmer's mistake and panic.
package kernel

//go:generate sh -c "cd _asm && go run . -out ../kernel_amd64.s -stubs ../stubs_amd64.go -pkg kernel"
//go:generate sh -c "cat _asm/*.go kernel_amd64.s stubs_amd64.go | sha256sum | cut -c1-64 > generated.sha256"
