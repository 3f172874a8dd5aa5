package covariate

import (
	"fmt"
	"math"

	"github.com/plastinka/predictor/domain/panel"
	"github.com/plastinka/predictor/domain/regression"
)

// expectedAges is how many of the ages the first regression uses: all but the
// logarithm.
const expectedAges = 7

// Expected is the first regression: what a product sells that is only known by
// its attributes, its age and the season. A negative binomial with
// log mean = Intercept + Σ coefficients and one size, fitted with an L2 penalty
// of 3e-3 on the coefficients of standardised columns.
type Expected struct {
	Intercept float64             `json:"intercept"`
	LogSize   float64             `json:"log_size"`
	Season    [MonthWidth]float64 `json:"season"`
	Age       []float64           `json:"age"`
	Attribute []float64           `json:"attribute"`
}

const penalty = 3e-3

// group are training cells that the first regression cannot tell apart. Its
// likelihood needs their number and their sales alone.
type group struct {
	kind, age, month int // age −1: not launched within the data
	exposure         float64
}

type tally struct {
	group
	cells, sales float64
}

// firstFit is the objective of the first regression.
type firstFit struct {
	groups []tally
	kinds  [][]int32   // the attribute columns of each kind of product
	ages   [][]float64 // by age + 1
	above  []float64   // above[i]: cells with more than i copies
	cells  float64
	scale  []float64 // deviation of each column: season, age, attribute
	base   []float64 // work: log mean by kind and by age
	byAge  []float64
	resid  []float64 // work: residuals by kind and by age
	resAge []float64
}

func fitExpected(p *panel.Panel, months int, s *Standard) Expected {
	e := Expected{Intercept: math.Log(s.Rate), Age: make([]float64, expectedAges),
		Attribute: make([]float64, s.attributeWidth())}
	f := newFirstFit(p, months, s)
	if f.cells == 0 || len(f.above) == 0 {
		return e
	}
	x := make([]float64, 2+len(f.scale))
	x[0] = e.Intercept
	regression.Minimize(f.objective, x, 80)
	e.Intercept, e.LogSize = x[0], x[1]
	for j, w := range x[2:] {
		if f.scale[j] > 0 {
			w /= f.scale[j]
		} else {
			w = 0
		}
		switch k := j - MonthWidth; {
		case k < 0:
			e.Season[j] = w
		case k < expectedAges:
			e.Age[k] = w
		default:
			e.Attribute[k-expectedAges] = w
		}
	}
	return e
}

func newFirstFit(p *panel.Panel, months int, s *Standard) *firstFit {
	f := &firstFit{}
	ones, _ := s.encode(p.Products)
	kinds := map[string]int{}
	index := map[group]int{}
	oldest := -1
	for i := range p.N() {
		first := -1
		var kind int
		for t := range months {
			a := p.Availability[p.At(i, t)]
			if a <= 0 {
				continue
			}
			if first < 0 {
				first = t
				kind = f.kind(kinds, ones[i])
			}
			g := group{kind: kind, age: -1, month: p.Month(t).Number(), exposure: s.exposure(a)}
			if first > 0 {
				g.age = t - first
			}
			oldest = max(oldest, g.age)
			j, ok := index[g]
			if !ok {
				j = len(f.groups)
				index[g] = j
				f.groups = append(f.groups, tally{group: g})
			}
			y := max(p.Sales[p.At(i, t)], 0)
			f.groups[j].cells++
			f.groups[j].sales += float64(y)
			f.count(int(y))
		}
	}
	for age := -1; age <= oldest; age++ {
		var row [AgeWidth]float64
		ages(&row, max(age, 0), age >= 0)
		f.ages = append(f.ages, append([]float64(nil), row[:expectedAges]...))
	}
	f.base, f.resid = make([]float64, len(f.kinds)), make([]float64, len(f.kinds))
	f.byAge, f.resAge = make([]float64, len(f.ages)), make([]float64, len(f.ages))
	f.measure(s.attributeWidth())
	for i := len(f.above) - 2; i >= 0; i-- {
		f.above[i] += f.above[i+1]
	}
	return f
}

func (f *firstFit) kind(kinds map[string]int, ones []int32) int {
	key := fmt.Sprint(ones)
	k, ok := kinds[key]
	if !ok {
		k = len(f.kinds)
		kinds[key] = k
		f.kinds = append(f.kinds, ones)
	}
	return k
}

// largestCount bounds what one cell adds to the likelihood's table.
const largestCount = 100_000

func (f *firstFit) count(y int) {
	f.cells++
	if y = min(y, largestCount); y > 0 {
		for len(f.above) < y {
			f.above = append(f.above, 0)
		}
		f.above[y-1]++ // summed from above once all are counted
	}
}

// measure computes the standard deviation of every column over the cells.
func (f *firstFit) measure(attributes int) {
	width := MonthWidth + expectedAges + attributes
	sum, squares := make([]float64, width), make([]float64, width)
	for _, g := range f.groups {
		add := func(j int, v float64) {
			sum[j] += g.cells * v
			squares[j] += g.cells * v * v
		}
		for j, v := range seasons[g.month-1] {
			add(j, v)
		}
		for j, v := range f.ages[g.age+1] {
			add(MonthWidth+j, v)
		}
		for _, j := range f.kinds[g.kind] {
			add(MonthWidth+expectedAges+int(j), 1)
		}
	}
	f.scale = make([]float64, width)
	for j := range f.scale {
		m := sum[j] / math.Max(f.cells, 1)
		if sd := math.Sqrt(math.Max(squares[j]/math.Max(f.cells, 1)-m*m, 0)); sd > 1e-6 {
			f.scale[j] = sd
		}
	}
}

// coefficient is column j's coefficient on its own scale.
func (f *firstFit) coefficient(w []float64, j int) float64 {
	if f.scale[j] == 0 {
		return 0
	}
	return w[j] / f.scale[j]
}

// objective is the mean negative log-likelihood plus the penalty; x is the
// intercept, the log size, and the columns' standardised coefficients.
func (f *firstFit) objective(grad, x []float64) float64 {
	w, gw := x[2:], grad[2:]
	clear(grad)
	clear(f.resid)
	clear(f.resAge)
	var byMonth [12]float64
	for m := range byMonth {
		for j, v := range seasons[m] {
			byMonth[m] += v * f.coefficient(w, j)
		}
	}
	for a, row := range f.ages {
		f.byAge[a] = 0
		for j, v := range row {
			f.byAge[a] += v * f.coefficient(w, MonthWidth+j)
		}
	}
	for k, ones := range f.kinds {
		f.base[k] = x[0]
		for _, j := range ones {
			f.base[k] += f.coefficient(w, MonthWidth+expectedAges+int(j))
		}
	}
	zeta := math.Min(math.Max(x[1], regression.MinLogSize), regression.MaxLogSize)
	size := math.Exp(zeta)
	var value, dSize float64
	for i, cells := range f.above {
		value += cells * math.Log(size+float64(i))
		dSize += cells / (size + float64(i))
	}
	var resMonth [12]float64
	for _, g := range f.groups {
		eta := f.base[g.kind] + f.byAge[g.age+1] + byMonth[g.month-1]
		if g.exposure != 1 {
			eta += math.Log(g.exposure)
		}
		bounded := math.Min(math.Max(eta, regression.MinLogMean), regression.MaxLogMean)
		mean := math.Exp(bounded)
		logSum := math.Log(mean + size)
		value += g.sales*(bounded-logSum) + g.cells*size*(zeta-logSum)
		dSize += g.cells*(zeta-logSum+1) - (g.sales+g.cells*size)/(mean+size)
		if bounded == eta {
			r := size * (g.sales - g.cells*mean) / (mean + size)
			f.resid[g.kind] += r
			f.resAge[g.age+1] += r
			resMonth[g.month-1] += r
			grad[0] -= r / f.cells
		}
	}
	if zeta == x[1] {
		grad[1] = -size * dSize / f.cells
	}
	f.spread(gw, resMonth)
	value = -value / f.cells
	for j, v := range w {
		value += penalty * v * v
		gw[j] += 2 * penalty * v
	}
	return value
}

// spread takes the residuals back to the columns.
func (f *firstFit) spread(gw []float64, resMonth [12]float64) {
	add := func(j int, v float64) {
		if f.scale[j] > 0 {
			gw[j] -= v / f.scale[j] / f.cells
		}
	}
	for m, r := range resMonth {
		for j, v := range seasons[m] {
			add(j, v*r)
		}
	}
	for a, row := range f.ages {
		for j, v := range row {
			add(MonthWidth+j, v*f.resAge[a])
		}
	}
	for k, ones := range f.kinds {
		for _, j := range ones {
			add(MonthWidth+expectedAges+int(j), f.resid[k])
		}
	}
}
