package kernel

import "fmt"

// Panel is the number of columns of B that are computed together.
const Panel = 16

// maxRows is the tallest tile.
const maxRows = 8

// Scratch is what one thread needs to multiply. The zero Scratch is ready.
type Scratch struct {
	tile [maxRows * Panel]float32 // C's columns at the right edge
	b    []float32                // a packed B
}

// Left is A (m × k): element (i, k) is Data[i·Row + k·Step]. A row-major matrix
// of stride s has Row s and Step 1, its transpose Row 1 and Step s.
type Left struct {
	Data      []float32
	Row, Step int
}

// Right is B (k × n) in panels of 16 columns: columns 16·j … 16·j+15 of row k
// are Data[j·Panel + k·Step] and the 15 values after it. A packed matrix has
// Step 16 and Panel 16·k. A row-major one whose rows have room for whole panels
// has Step s and Panel 16.
type Right struct {
	Data        []float32
	Step, Panel int
}

// Padded is n rounded up to whole panels.
func Padded(n int) int { return (n + Panel - 1) &^ (Panel - 1) }

// Multiply computes C = A·B, or C += A·B if accumulate is set: c is m × n,
// row-major with stride ldc, and must not overlap A or B. With k = 0 the product
// is 0. What stands in B's columns from n on does not matter. It does not allocate.
func (p Path) Multiply(s *Scratch, c []float32, ldc int, a Left, b Right, m, n, k int, accumulate bool) {
	if m == 0 || n == 0 {
		return
	}
	check(c, ldc, a, b, m, n, k)
	if k == 0 {
		if !accumulate {
			for i := range m {
				clear(c[i*ldc : i*ldc+n])
			}
		}
		return
	}
	for j := 0; j < n; {
		width := Panel
		if p == AVX512 && n-j >= 2*Panel {
			width = 2 * Panel
		}
		right := b.Data[j/Panel*b.Panel:]
		for i := 0; i < m; {
			rows := p.rows(m - i)
			if left := a.Data[i*a.Row:]; n-j >= width {
				p.tile(c[i*ldc+j:], ldc, left, right, a, b, rows, width, k, accumulate)
			} else {
				p.tile(s.tile[:], Panel, left, right, a, b, rows, width, k, false)
				s.edge(c[i*ldc+j:], ldc, rows, n-j, accumulate)
			}
			i += rows
		}
		j += width
	}
}

func check(c []float32, ldc int, a Left, b Right, m, n, k int) {
	ok := m > 0 && n > 0 && k >= 0 && ldc >= n && len(c) >= (m-1)*ldc+n && a.Row >= 0 && a.Step >= 0 && b.Step >= 0 && b.Panel >= 0
	if ok && k > 0 {
		ok = len(a.Data) > (m-1)*a.Row+(k-1)*a.Step && len(b.Data) >= (n-1)/Panel*b.Panel+(k-1)*b.Step+Panel
	}
	if !ok {
		panic(fmt.Sprintf("kernel: product of %d × %d and %d × %d does not fit its matrices", m, k, k, n))
	}
}

// rows is the height of the next tile when left rows remain.
func (p Path) rows(left int) int {
	most := 8
	if p == AVX2 {
		most = 6
	}
	for _, r := range [...]int{most, 4, 2} {
		if left >= r {
			return r
		}
	}
	return 1
}

// edge moves a tile's valid columns into C.
func (s *Scratch) edge(c []float32, ldc, rows, n int, accumulate bool) {
	for i := range rows {
		from, to := s.tile[i*Panel:i*Panel+n], c[i*ldc:i*ldc+n]
		if !accumulate {
			copy(to, from)
			continue
		}
		for j, v := range from {
			to[j] += v
		}
	}
}

// portableTile is the tile that needs no particular processor.
func portableTile(c []float32, ldc int, left, right []float32, a Left, b Right, rows, k int, accumulate bool) {
	for i := range rows {
		var sum [Panel]float32
		for kk := range k {
			x, row := left[i*a.Row+kk*a.Step], (*[Panel]float32)(right[kk*b.Step:])
			for j, v := range row {
				sum[j] += float32(x * v) // the conversion forbids fusing, which some processors would
			}
		}
		to := (*[Panel]float32)(c[i*ldc:])
		if accumulate {
			for j, v := range sum {
				to[j] += v
			}
		} else {
			*to = sum
		}
	}
}

// Pack makes a Right of B (k × n), row-major with stride ldb, in dst, which has
// room for k·Padded(n) values. Columns from n on become 0.
func Pack(dst, b []float32, ldb, k, n int) Right {
	for j := 0; j < n; j += Panel {
		width := min(Panel, n-j)
		for kk := range k {
			to := (*[Panel]float32)(dst[(j*k + kk*Panel):])
			if width == Panel {
				*to = [Panel]float32(b[kk*ldb+j:])
				continue
			}
			*to = [Panel]float32{}
			copy(to[:width], b[kk*ldb+j:])
		}
	}
	return Packed(dst, k)
}

// Pack packs B (k × n), row-major with stride ldb, into the scratch, where it
// stays until the next Pack or MatMul. The scratch grows to what was needed and
// is then reused.
func (s *Scratch) Pack(b []float32, ldb, k, n int) Right {
	return Pack(s.room(k*Padded(n)), b, ldb, k, n)
}

func (s *Scratch) room(n int) []float32 {
	if len(s.b) < n {
		s.b = make([]float32, n)
	}
	return s.b
}

// PackTransposed makes a Right of Bᵀ, where b (n × k) is row-major with stride ldb.
func PackTransposed(dst, b []float32, ldb, k, n int) Right {
	for j := 0; j < n; j += Panel {
		panel := dst[j*k : (j+Panel)*k]
		if j+Panel > n {
			clear(panel)
		}
		for i := range min(Panel, n-j) {
			row := b[(j+i)*ldb:][:k]
			for kk, v := range row {
				panel[kk*Panel+i] = v
			}
		}
	}
	return Packed(dst, k)
}

// Packed is what Pack and PackTransposed made of a matrix of k rows.
func Packed(data []float32, k int) Right { return Right{Data: data, Step: Panel, Panel: Panel * k} }

// MatMul computes C = op(A)·op(B), or adds it to C: op(A) is m × k and op(B) is
// k × n, both given row-major with their strides; transposeA says that a holds
// Aᵀ (k × m), transposeB that b holds Bᵀ (n × k). B is packed into s.
func (p Path) MatMul(s *Scratch, c []float32, ldc int, a []float32, lda int, transposeA bool, b []float32, ldb int, transposeB bool, m, n, k int, accumulate bool) {
	room := s.room(k * Padded(n))
	left := Left{a, lda, 1}
	if transposeA {
		left = Left{a, 1, lda}
	}
	pack := Pack
	if transposeB {
		pack = PackTransposed
	}
	p.Multiply(s, c, ldc, left, pack(room, b, ldb, k, n), m, n, k, accumulate)
}
