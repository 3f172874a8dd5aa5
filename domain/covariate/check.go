package covariate

import (
	"math"
	"slices"

	"github.com/plastinka/predictor/domain/fault"
)

// Check reports what is wrong with a feature set that was read from somewhere:
// nothing, if it was written by this program.
func (s *Standard) Check() error {
	width := s.width()
	lists := map[string][2]int{"mean": {len(s.Mean), width}, "scale": {len(s.Scale), width},
		"expected.age": {len(s.Expected.Age), expectedAges}, "expected.attribute": {len(s.Expected.Attribute), s.attributeWidth()}}
	for name, n := range lists {
		if n[0] != n[1] {
			return fault.New(fault.Invalid, "invalid_features", "the feature definition's %s has %d values, must have %d", name, n[0], n[1])
		}
	}
	numbers := slices.Concat(s.Mean, s.Scale, s.Expected.Age, s.Expected.Attribute, s.Expected.Season[:],
		[]float64{s.Gamma, s.Rate, s.Expected.Intercept, s.Expected.LogSize})
	if !s.knows(s.Attributes) || !finite(numbers) || !(s.Rate > 0) {
		return fault.New(fault.Invalid, "invalid_features", "the feature definition has attributes or numbers that no training gives")
	}
	return nil
}

func (s *Standard) knows(list []Attribute) bool {
	for _, a := range list {
		if !slices.ContainsFunc(attributes, func(b attribute) bool { return a.Name == b.name }) {
			return false
		}
	}
	return true
}

// Check reports what is wrong with a feature set that was read from somewhere.
func (c *Classic) Check() error {
	ok := len(c.Categories) == len(classicCategories) && c.Months >= 0 && c.Span >= 1 &&
		finite([]float64{c.Span, c.Scaler.Low, c.Scaler.High})
	for i := 0; ok && i < len(c.Categories); i++ {
		ok = c.Categories[i].Name == classicCategories[i].name && slices.IsSorted(c.Categories[i].Values)
	}
	if !ok {
		return fault.New(fault.Invalid, "invalid_features", "the feature definition has categories or numbers that no training gives")
	}
	return nil
}

func finite(x []float64) bool {
	return !slices.ContainsFunc(x, func(v float64) bool { return math.IsNaN(v) || math.IsInf(v, 0) })
}
