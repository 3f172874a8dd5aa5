package covariate

import (
	"math"

	"github.com/plastinka/predictor/domain/panel"
)

// First is the first available month of every product, p.T where there is none.
func First(p *panel.Panel) []int {
	first := make([]int, p.N())
	for i := range first {
		first[i] = p.T
		for t := range p.T {
			if p.Availability[p.At(i, t)] > 0 {
				first[i] = t
				break
			}
		}
	}
	return first
}

// FutureNames are the covariates that are known in advance, in order.
func FutureNames() []string {
	return []string{"month_sin", "month_cos", "month_sin_2", "month_cos_2",
		"age_decay_1", "age_decay_2.5", "age_decay_8", "age_0", "age_1", "age_36", "age_unknown", "age_log"}
}

// Future writes the covariates known in advance of the months from … to−1 of p,
// as they stand at origin, to dst ((to−from) × FutureWidth, row-major):
// standardised and clipped like the features at the origin. first is the
// product's entry of First. Months may lie before its first or after p.T.
func (s *Standard) Future(dst []float32, p *panel.Panel, first, origin, from, to int) {
	first = min(first, origin)
	var raw [FutureWidth]float64
	for t := from; t < to; t++ {
		season((*[MonthWidth]float64)(raw[:MonthWidth]), p.Month(t).Number())
		ages((*[AgeWidth]float64)(raw[MonthWidth:]), t-first, first > 0)
		row := dst[(t-from)*FutureWidth:][:FutureWidth]
		for j, v := range raw {
			row[j] = s.scaled(futureFeature(j), v)
		}
	}
}

// futureFeature is where a covariate known in advance stands among the features.
func futureFeature(j int) int {
	start := len(spans) + 5 // of the ages, which the months follow
	if j < MonthWidth {
		return start + AgeWidth + 1 + j
	}
	return start + j - MonthWidth
}

// season writes sin and cos of 2π·m/12 and 4π·m/12 for month m of the year, 1–12.
func season(dst *[MonthWidth]float64, m int) { *dst = seasons[m-1] }

var seasons = func() (table [12][MonthWidth]float64) {
	for m := range table {
		x := 2 * math.Pi * float64(m+1) / 12
		table[m] = [MonthWidth]float64{math.Sin(x), math.Cos(x), math.Sin(2 * x), math.Cos(2 * x)}
	}
	return table
}()

// ages writes what the age says, in months since the first available one. It
// is known only of products that were launched after the data began; before
// the first month everything but age_unknown is 0.
func ages(dst *[AgeWidth]float64, age int, launched bool) {
	*dst = [AgeWidth]float64{}
	if !launched {
		dst[6] = 1
	}
	if age < 0 {
		return
	}
	a := float64(age)
	if launched {
		dst[0], dst[1], dst[2] = math.Exp(-a), math.Exp(-a/2.5), math.Exp(-a/8)
		dst[3], dst[4] = indicator(age == 0), indicator(age == 1)
		dst[5] = math.Min(a, 36) / 36
	}
	dst[7] = math.Log1p(a)
}

func indicator(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
