package kernel

import "golang.org/x/sys/cpu"

func supports(p Path) bool {
	if p == AVX512 {
		return cpu.X86.HasAVX512F && supports(AVX2)
	}
	return cpu.X86.HasAVX2 && cpu.X86.HasFMA
}

// tile computes one tile of at most 8 rows and 16 or 32 columns.
func (p Path) tile(c []float32, ldc int, left, right []float32, a Left, b Right, rows, width, k int, accumulate bool) {
	if p == Portable {
		portableTile(c, ldc, left, right, a, b, rows, k, accumulate)
		return
	}
	const size = 4 // bytes
	row, step, ldb, panel, stride := a.Row*size, a.Step*size, b.Step*size, b.Panel*size, ldc*size
	x, y, z := &left[0], &right[0], &c[0]
	switch {
	case p == AVX2 && rows == 6:
		multiply256x6(k, x, row, step, y, ldb, panel, z, stride, accumulate)
	case p == AVX2 && rows == 4:
		multiply256x4(k, x, row, step, y, ldb, panel, z, stride, accumulate)
	case p == AVX2 && rows == 2:
		multiply256x2(k, x, row, step, y, ldb, panel, z, stride, accumulate)
	case p == AVX2:
		multiply256x1(k, x, row, step, y, ldb, panel, z, stride, accumulate)
	case rows == 8 && width > Panel:
		multiply512x8x2(k, x, row, step, y, ldb, panel, z, stride, accumulate)
	case rows == 4 && width > Panel:
		multiply512x4x2(k, x, row, step, y, ldb, panel, z, stride, accumulate)
	case rows == 2 && width > Panel:
		multiply512x2x2(k, x, row, step, y, ldb, panel, z, stride, accumulate)
	case width > Panel:
		multiply512x1x2(k, x, row, step, y, ldb, panel, z, stride, accumulate)
	case rows == 8:
		multiply512x8x1(k, x, row, step, y, ldb, panel, z, stride, accumulate)
	case rows == 4:
		multiply512x4x1(k, x, row, step, y, ldb, panel, z, stride, accumulate)
	case rows == 2:
		multiply512x2x1(k, x, row, step, y, ldb, panel, z, stride, accumulate)
	default:
		multiply512x1x1(k, x, row, step, y, ldb, panel, z, stride, accumulate)
	}
}
