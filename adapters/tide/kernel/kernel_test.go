package kernel

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// paths are those that this processor has; Portable is always among them.
func paths() []Path {
	list := []Path{Portable}
	for _, p := range []Path{AVX2, AVX512} {
		if supports(p) {
			list = append(list, p)
		}
	}
	return list
}

func random(rng *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(rng.NormFloat64())
	}
	return x
}

// naive is op(A)·op(B) by the definition, in float64.
func naive(a []float32, lda int, ta bool, b []float32, ldb int, tb bool, m, n, k int) []float64 {
	c := make([]float64, m*n)
	at := func(x []float32, ld int, transposed bool, i, j int) float64 {
		if transposed {
			i, j = j, i
		}
		return float64(x[i*ld+j])
	}
	for i := range m {
		for j := range n {
			for kk := range k {
				c[i*n+j] += at(a, lda, ta, i, kk) * at(b, ldb, tb, kk, j)
			}
		}
	}
	return c
}

func TestMatMulAgreesWithTheDefinition(t *testing.T) {
	for _, p := range paths() {
		t.Run(p.String(), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(1, 2))
			var s Scratch
			for range 400 {
				m, n, k := 1+rng.IntN(40), 1+rng.IntN(70), rng.IntN(90)
				ta, tb, accumulate := rng.IntN(2) == 0, rng.IntN(2) == 0, rng.IntN(2) == 0
				ra, ca, rb, cb := m, k, k, n
				if ta {
					ra, ca = k, m
				}
				if tb {
					rb, cb = n, k
				}
				lda, ldb, ldc := ca+rng.IntN(4), cb+rng.IntN(4), n+rng.IntN(4)
				a, b, c := random(rng, ra*lda), random(rng, rb*ldb), random(rng, m*ldc)
				before := append([]float32(nil), c...)
				want := naive(a, lda, ta, b, ldb, tb, m, n, k)
				p.MatMul(&s, c, ldc, a, lda, ta, b, ldb, tb, m, n, k, accumulate)
				for i := range m {
					for j := range ldc {
						expected := float64(before[i*ldc+j])
						if j < n {
							if !accumulate {
								expected = 0
							}
							expected += want[i*n+j]
						}
						require.InDelta(t, expected, c[i*ldc+j], 1e-4, "%d × %d × %d at %d, %d", m, n, k, i, j)
					}
				}
			}
		})
	}
}

func TestUnpackedRightIsThePackedOne(t *testing.T) {
	for _, p := range paths() {
		rng := rand.New(rand.NewPCG(3, 4))
		var s Scratch
		const m, n, k, ld = 13, 37, 29, 48
		a, b := random(rng, m*k), random(rng, k*ld)
		packed, plain := make([]float32, m*n), make([]float32, m*n)
		p.Multiply(&s, packed, n, Left{a, k, 1}, Pack(make([]float32, k*Padded(n)), b, ld, k, n), m, n, k, false)
		p.Multiply(&s, plain, n, Left{a, k, 1}, Right{b, ld, Panel}, m, n, k, false)
		require.Equal(t, packed, plain, p)
	}
}

func TestTheFusedPathsAgreeToTheLastBit(t *testing.T) {
	if !supports(AVX512) {
		t.Skip("this processor has no AVX-512 to compare with")
	}
	rng := rand.New(rand.NewPCG(5, 6))
	var s Scratch
	for range 50 {
		m, n, k := 1+rng.IntN(40), 1+rng.IntN(70), 1+rng.IntN(300)
		a, b := random(rng, m*k), random(rng, k*n)
		narrow, wide := make([]float32, m*n), make([]float32, m*n)
		AVX2.MatMul(&s, narrow, n, a, k, false, b, n, false, m, n, k, false)
		AVX512.MatMul(&s, wide, n, a, k, false, b, n, false, m, n, k, false)
		require.Equal(t, narrow, wide)
	}
}

func TestEveryVectorFunctionAgreesToTheLastBit(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	for _, p := range paths() {
		for n := range 40 {
			x, y, z := random(rng, n), random(rng, n), random(rng, n)
			d := Dropping{Key: rng.Uint32(), Threshold: 1 << 31, Scale: 2}
			same := func(name string, f func(p Path, x []float32)) {
				want, got := append([]float32(nil), x...), append([]float32(nil), x...)
				f(Portable, want)
				f(p, got)
				require.Equal(t, want, got, "%s of %d on %v", name, n, p)
			}
			same("AddReLU", func(p Path, x []float32) { p.AddReLU(x, y) })
			same("ReLUGradient", func(p Path, x []float32) { p.ReLUGradient(x, y) })
			same("Add", func(p Path, x []float32) { p.Add(x, y) })
			same("Dropout", func(p Path, x []float32) { p.Dropout(x, y, z, d) })
			same("Mask", func(p Path, x []float32) { p.Mask(x, y, d) })
			step := AdamStep{0.7, 0.01, 0.9, 0.1, 0.999, 0.001, 0.003, 1.7, 1e-8}
			second := make([]float32, n)
			for i, v := range z {
				second[i] = v * v
			}
			same("Adam", func(p Path, x []float32) {
				m, v := append([]float32(nil), z...), append([]float32(nil), second...)
				p.Adam(x, y, m, v, &step)
				p.Add(x, m)
				p.Add(x, v)
			})
		}
	}
}

func TestAdamFollowsItsFormula(t *testing.T) {
	p, m, v := []float32{0.5}, []float32{0.1}, []float32{0.04}
	Portable.Adam(p, []float32{2}, m, v, &AdamStep{0.5, 0.2, 0.9, 0.1, 0.999, 0.001, 0.01, 2, 1e-8})
	g := 2*0.5 + 0.2*0.5
	require.InDelta(t, 0.9*0.1+0.1*g, m[0], 1e-7)
	require.InDelta(t, 0.999*0.04+0.001*g*g, v[0], 1e-7)
	require.InDelta(t, 0.5-0.01*(0.9*0.1+0.1*g)/(math.Sqrt(0.999*0.04+0.001*g*g)*2), p[0], 1e-6)
}

func TestDropoutKeepsItsShareAndScales(t *testing.T) {
	const n, share = 100_000, 0.3
	x, zero := make([]float32, n), make([]float32, n)
	for i := range x {
		x[i] = 1
	}
	d := Dropping{Key: 77, Threshold: uint32(math.Round(share * (1 << 32))), Scale: 1 / (1 - share)}
	kept := append([]float32(nil), x...)
	Best().Dropout(kept, zero, zero, d)
	var sum float64
	for _, v := range kept {
		require.Contains(t, []float32{0, d.Scale}, v)
		sum += float64(v)
	}
	require.InDelta(t, n, sum, 5*math.Sqrt(n*share/(1-share)))
	Best().Mask(x, x, d)
	require.Equal(t, kept, x, "the gradient keeps what the value kept")
}

func TestNotANumberIsNotHidden(t *testing.T) {
	for _, p := range paths() {
		x := make([]float32, 9)
		for i := range x {
			x[i] = float32(math.NaN())
		}
		p.AddReLU(x, make([]float32, 9))
		for _, v := range x {
			require.True(t, math.IsNaN(float64(v)), p)
		}
	}
}

func TestShapesThatDoNotFitPanic(t *testing.T) {
	var s Scratch
	x := make([]float32, 64)
	require.Panics(t, func() { Portable.Multiply(&s, x, 2, Left{x, 4, 1}, Packed(x, 4), 4, 4, 4, false) })
	require.Panics(t, func() { Portable.Multiply(&s, x, 4, Left{x, 40, 1}, Packed(x, 4), 4, 4, 4, false) })
	require.Panics(t, func() { Portable.Multiply(&s, x, 4, Left{x, 4, 1}, Packed(x, 40), 4, 4, 40, false) })
	require.NotPanics(t, func() { Portable.Multiply(&s, x, 4, Left{x, 4, 1}, Packed(x, 4), 4, 4, 4, false) })
}

func TestChoose(t *testing.T) {
	for _, p := range paths() {
		chosen, err := Choose(p.String())
		require.NoError(t, err)
		require.Equal(t, p, chosen)
	}
	best, err := Choose("")
	require.NoError(t, err)
	require.Equal(t, Best(), best)
	_, err = Choose("abacus")
	require.ErrorContains(t, err, "choose portable, avx2 or avx512")
}

// TestGeneratedCodeIsCurrent: the assembly was generated from the generator as
// it is, and nobody edited it since.
func TestGeneratedCodeIsCurrent(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("_asm", "*.go"))
	require.NoError(t, err)
	h := sha256.New()
	for _, file := range append(files, "kernel_amd64.s", "stubs_amd64.go") {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		h.Write(text)
	}
	want, err := os.ReadFile("generated.sha256")
	require.NoError(t, err)
	require.Equal(t, strings.TrimSpace(string(want)), hex.EncodeToString(h.Sum(nil)), "run go generate")
}

func BenchmarkGEMM(b *testing.B) {
	for _, p := range paths() {
		for _, s := range []struct {
			name    string
			m, n, k int
			ta, tb  bool
		}{{"forward_32x128x1280", 32, 1280, 128, false, true}, {"input_32x1280x128", 32, 128, 1280, false, false},
			{"weights_1280x256x128", 1280, 128, 256, true, false}, {"square_256", 256, 256, 256, false, false}} {
			b.Run(fmt.Sprintf("%v/%s", p, s.name), func(b *testing.B) {
				rng := rand.New(rand.NewPCG(1, 1))
				a, x, c := random(rng, s.m*s.k), random(rng, s.k*s.n), make([]float32, s.m*s.n)
				left := Left{a, s.k, 1}
				if s.ta {
					left = Left{a, 1, s.m}
				}
				right := Pack(make([]float32, s.k*Padded(s.n)), x, s.n, s.k, s.n)
				var scratch Scratch
				for b.Loop() {
					p.Multiply(&scratch, c, s.n, left, right, s.m, s.n, s.k, false)
				}
				flops(b, 2*float64(s.m*s.n*s.k))
			})
		}
	}
}

// flops reports a loop's speed in GFLOP/s.
func flops(b *testing.B, each float64) {
	b.ReportMetric(each*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
}
