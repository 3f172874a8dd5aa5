package covariate

import (
	"math"
	"slices"
	"strings"

	"github.com/plastinka/predictor/domain/catalog"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/panel"
)

// The widths of the classic covariates of a month: past and known in advance.
const (
	ClassicPast   = 11
	ClassicFuture = 4
)

// maxBackfill is how many months before a group's first value its average is
// taken to have been there already.
const maxBackfill = 3

// Classic is the classic feature set, fitted. It is complete in JSON and
// read-only once fitted or read.
type Classic struct {
	Span       float64     `json:"span"`   // of the exponentially weighted averages, months
	Months     int         `json:"months"` // trained on: the trend is 0 in the first and 1 in the last
	Scaler     Scaler      `json:"scaler"`
	Categories []Attribute `json:"categories"` // multi-hot, in the order of the features
	YearLow    int         `json:"year_low"`   // the recording years seen
	YearHigh   int         `json:"year_high"`
}

// Scaler takes copies to z = (log1p(y) − Low)/(High − Low) and back.
type Scaler struct {
	Low  float64 `json:"low"`
	High float64 `json:"high"` // equal to Low: only one value was seen, the width is 1
}

// FitScaler learns the bounds of log1p over all values; below zero counts as zero.
func FitScaler(series ...[]float32) Scaler {
	s := Scaler{math.Inf(1), math.Inf(-1)}
	for _, values := range series {
		for _, y := range values {
			x := math.Log1p(math.Max(float64(y), 0))
			s.Low, s.High = math.Min(s.Low, x), math.Max(s.High, x)
		}
	}
	if s.Low > s.High {
		return Scaler{}
	}
	return s
}

func (s Scaler) width() float64 {
	if s.High > s.Low {
		return s.High - s.Low
	}
	return 1
}

// Scale is z of y copies.
func (s Scaler) Scale(y float64) float64 { return (math.Log1p(math.Max(y, 0)) - s.Low) / s.width() }

// Copies is y of z: not clipped, z may have come from anywhere.
func (s Scaler) Copies(z float64) float64 { return math.Expm1(z*s.width() + s.Low) }

// grouped are the attributes whose groups, together with the recording decade,
// have an average of their own.
var grouped = [4]func(catalog.Product) string{
	func(p catalog.Product) string { return p.ReleaseType },
	func(p catalog.Product) string { return p.CoverType },
	func(p catalog.Product) string { return p.Style },
	func(p catalog.Product) string { return p.PriceCategory },
}

var classicCategories = []attribute{
	{"cover_type", func(p catalog.Product) []string { return []string{p.CoverType} }},
	{"release_type", func(p catalog.Product) []string { return []string{p.ReleaseType} }},
	{"price_category", func(p catalog.Product) []string { return []string{p.PriceCategory} }},
	{"recording_decade", func(p catalog.Product) []string { return []string{decade(p)} }},
	{"release_decade", func(p catalog.Product) []string { return []string{p.ReleaseDecade} }},
	{"style", func(p catalog.Product) []string { return strings.Split(p.Style, "/") }},
}

// FitClassic learns the classic features from months [0, months) of p.
func FitClassic(p *panel.Panel, months int, span float64) (*Classic, error) {
	if months < 0 || months > p.T {
		return nil, fault.New(fault.Internal, "internal_error",
			"features cannot be learnt from %d months of a panel of %d", months, p.T)
	}
	c := &Classic{Span: span, Months: months}
	var known []catalog.Product
	var series [][]float32
	for i, product := range p.Products {
		at := p.At(i, 0)
		series = append(series, p.Sales[at:at+months])
		if slices.Max(append([]float32{0}, p.Sales[at:at+months]...)) > 0 ||
			slices.Max(append([]float32{0}, p.Availability[at:at+months]...)) > 0 {
			known = append(known, product)
		}
	}
	c.Scaler = FitScaler(series...)
	for _, a := range classicCategories {
		learnt := Attribute{Name: a.name}
		for _, product := range known {
			learnt.Values = append(learnt.Values, a.values(product)...)
		}
		slices.Sort(learnt.Values)
		learnt.Values = slices.DeleteFunc(slices.Compact(learnt.Values), func(v string) bool { return v == "" })
		c.Categories = append(c.Categories, learnt)
	}
	for _, product := range known {
		if y := product.RecordingYear; y > 0 {
			if c.YearLow == 0 || y < c.YearLow {
				c.YearLow = y
			}
			c.YearHigh = max(c.YearHigh, y)
		}
	}
	return c, nil
}

// Width is the width of the static features.
func (c *Classic) Width() int {
	n := 1
	for _, a := range c.Categories {
		n += len(a.Values)
	}
	return n
}

// Static writes the static features of the products to dst (N × Width,
// row-major): their categories multi-hot, and the recording year in [0, 1].
func (c *Classic) Static(dst []float32, products []catalog.Product) {
	clear(dst)
	for i, product := range products {
		row := dst[i*c.Width() : (i+1)*c.Width()]
		start := 0
		for k, a := range classicCategories {
			for _, v := range a.values(product) {
				if j, ok := slices.BinarySearch(c.Categories[k].Values, v); ok {
					row[start+j] = 1
				}
			}
			start += len(c.Categories[k].Values)
		}
		if c.YearHigh > c.YearLow && product.RecordingYear > 0 {
			year := float64(product.RecordingYear-c.YearLow) / float64(c.YearHigh-c.YearLow)
			row[start] = float32(math.Min(math.Max(year, 0), 1))
		}
	}
}

// Future writes what is known in advance of month t of p for a product: sin and
// cos of the month, the trend, and whether it is the year of the recording. dst
// has room for ClassicFuture values; t may lie after p's last month.
func (c *Classic) Future(dst []float32, p *panel.Panel, recordingYear, t int) {
	m := p.Month(t)
	season := seasons[m.Number()-1]
	dst[0], dst[1] = float32(season[0]), float32(season[1])
	dst[2] = float32(t) / float32(max(c.Months-1, 1))
	dst[3] = float32(indicator(m.Year() == recordingYear))
}
