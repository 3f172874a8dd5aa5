package kernel

import "testing"

// BenchmarkPeak is what the registers can do: the measure for BenchmarkGEMM.
func BenchmarkPeak(b *testing.B) {
	for _, p := range paths() {
		b.Run(p.String(), func(b *testing.B) {
			const n = 10_000
			for b.Loop() {
				switch p {
				case AVX512:
					peak512(n)
				case AVX2:
					peak256(n)
				default:
					b.Skip("no instructions of its own")
				}
			}
			flops(b, map[Path]float64{AVX512: 24 * 32 * n, AVX2: 12 * 16 * n}[p])
		})
	}
}
