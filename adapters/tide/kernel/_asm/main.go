// Command _asm generates the amd64 kernels. It is a module of its own, so that
// the product does not depend on the generator. Run it by go generate in the
// folder above.
package main

import "github.com/mmcloughlin/avo/build"

func main() {
	build.ConstraintExpr("amd64")
	for _, panels := range []int{1, 2} {
		for _, rows := range []int{8, 4, 2, 1} {
			multiply512(rows, panels)
		}
	}
	for _, rows := range []int{6, 4, 2, 1} {
		multiply256(rows)
	}
	addReLU()
	lanes := counters()
	dropout(lanes)
	mask(lanes)
	reluGradient()
	add()
	adam()
	peak512()
	peak256()
	build.Generate()
}
