//go:build !amd64

package kernel

func supports(Path) bool { return false }

func (p Path) tile(c []float32, ldc int, left, right []float32, a Left, b Right, rows, _, k int, accumulate bool) {
	portableTile(c, ldc, left, right, a, b, rows, k, accumulate)
}

// No path but Portable can be chosen here, so that these are never reached.

func addReLU256(_, _ *float32, _ int)                            { panic("kernel: no AVX2") }
func reluGradient256(_, _ *float32, _ int)                       { panic("kernel: no AVX2") }
func add256(_, _ *float32, _ int)                                { panic("kernel: no AVX2") }
func dropout256(_, _, _ *float32, _ int, _, _ uint32, _ float32) { panic("kernel: no AVX2") }
func mask256(_, _ *float32, _ int, _, _ uint32, _ float32)       { panic("kernel: no AVX2") }
func adam256(_, _, _, _ *float32, _ int, _ *float32)             { panic("kernel: no AVX2") }
