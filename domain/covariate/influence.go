package covariate

import (
	"math"
	"slices"
	"strings"

	"github.com/plastinka/predictor/domain/catalog"
)

// Influence is what a feature speaks of: the groups into which an explanation
// divides what a forecaster is told.
type Influence int

// The influences.
const (
	RecentMonths Influence = iota // month by month, what was sold and whether it could be bought
	OwnHistory                    // averages, shares and spread of the product's own sales
	Attributes                    // style, cover, decade, …
	Age                           // since the first available month
	Season                        // the month of the year
	Market                        // how the style and the shop do
	OnHand                        // stock
	expectation                   // norm_expected, which attributes, age and season make together
)

// InfluenceNames are the influences' names, by their numbers.
func InfluenceNames() []string {
	return []string{"recent_months", "own_history", "attributes", "age", "season", "market", "stock"}
}

// influences are those of the features, in order.
func (s *Standard) influences() []Influence {
	kinds := []struct {
		prefix string
		of     Influence
	}{{"ewm_", OwnHistory}, {"wt_", OwnHistory}, {"hist_", OwnHistory}, {"rec", OwnHistory}, {"disp", OwnHistory},
		{"norm_expected", expectation}, {"norm_", OwnHistory}, {"age_", Age}, {"month_", Season},
		{"style_", Market}, {"shop_", Market}, {"stock", OnHand}}
	list := make([]Influence, 0, s.Width())
	for _, name := range s.Names() {
		of := Attributes
		if !strings.Contains(name, "=") {
			for _, k := range kinds {
				if strings.HasPrefix(name, k.prefix) {
					of = k.of
					break
				}
			}
		}
		list = append(list, of)
	}
	return list
}

// FutureInfluences are those of the covariates known in advance, in order.
func FutureInfluences() []Influence {
	list := make([]Influence, FutureWidth)
	for j := range list {
		if list[j] = Season; j >= MonthWidth {
			list[j] = Age
		}
	}
	return list
}

// Described is a row of features at an origin with what makes its norm_expected:
// the logarithms of what attributes, age and season do to what is expected.
type Described struct {
	Row                    []float32
	attributes, age, month float64
}

// Blender mixes the features of one product with those of another.
type Blender struct {
	set   *Standard
	of    []Influence
	where int // of norm_expected
}

// Blender makes a blender of the features.
func (s *Standard) Blender() *Blender {
	of := s.influences()
	return &Blender{s, of, slices.Index(of, expectation)}
}

// Describe adds to a row of features what it was made of: the product, the
// month that it is for (1–12), and the age in months, −1 if it was not launched
// within the data.
func (b *Blender) Describe(row []float32, product catalog.Product, month, age int) Described {
	e := b.set.Expected
	d := Described{Row: row, attributes: e.Intercept}
	ones, _ := b.set.encode([]catalog.Product{product})
	for _, j := range ones[0] {
		d.attributes += e.Attribute[j]
	}
	var raw [AgeWidth]float64
	ages(&raw, max(age, 0), age >= 0)
	for j, v := range e.Age {
		d.age += v * raw[j]
	}
	for j, v := range seasons[month-1] {
		d.month += v * e.Season[j]
	}
	return d
}

// Blend writes to dst the features of own where the influence is among kept (bit
// i: influence i), those of other elsewhere.
func (b *Blender) Blend(dst []float32, own, other Described, kept uint) {
	for j, of := range b.of {
		if kept>>of&1 == 1 {
			dst[j] = own.Row[j]
		} else {
			dst[j] = other.Row[j]
		}
	}
	pick := func(of Influence, mine, theirs float64) float64 {
		if kept>>of&1 == 1 {
			return mine
		}
		return theirs
	}
	rate := math.Exp(pick(Attributes, own.attributes, other.attributes) + pick(Age, own.age, other.age) + pick(Season, own.month, other.month))
	dst[b.where] = b.set.scaled(b.where, math.Log(math.Min(math.Max(rate, leastExpected), mostExpected)))
}

// AgeAt is the age in months at month t of a product whose first available month
// is first, −1 of one that was there when the data began.
func AgeAt(first, t int) int {
	if first == 0 {
		return -1
	}
	return max(t-first, 0)
}
