package kernel

import (
	"github.com/plastinka/predictor/domain/fault"
)

// Path is a way to compute: the instructions used.
type Path uint8

// The paths. Portable works everywhere and is the zero value.
const (
	Portable Path = iota
	AVX2          // AVX2 and FMA
	AVX512        // AVX-512F, with AVX2 for the functions on vectors
)

// String is the name that Choose reads.
func (p Path) String() string { return [...]string{"portable", "avx2", "avx512"}[p] }

// Best is the fastest path of this processor.
func Best() Path {
	switch {
	case supports(AVX512):
		return AVX512
	case supports(AVX2):
		return AVX2
	}
	return Portable
}

// Choose is the path of the given name; "" is the best one.
func Choose(name string) (Path, error) {
	if name == "" {
		return Best(), nil
	}
	for _, p := range []Path{Portable, AVX2, AVX512} {
		if p.String() != name {
			continue
		}
		if p != Portable && !supports(p) {
			return 0, fault.New(fault.Invalid, "validation_error",
				"this processor has no %s: choose another kernel, or none for the best one", name)
		}
		return p, nil
	}
	return 0, fault.New(fault.Invalid, "validation_error", "kernel %.40q is not known: choose portable, avx2 or avx512", name)
}
