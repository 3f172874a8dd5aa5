package covariate

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/catalog"
	"github.com/plastinka/predictor/domain/panel"
	"github.com/stretchr/testify/require"
)

// eachFixture visits every file of a kind in testdata/fixtures, or in the
// folder PLASTINKA_FIXTURES; a kind without a case fails.
func eachFixture(t *testing.T, kind string, visit func(t *testing.T, text []byte)) {
	dir := os.Getenv("PLASTINKA_FIXTURES")
	if dir == "" {
		dir = filepath.Join("testdata", "fixtures")
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	require.NoError(t, err)
	cases := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		var head struct {
			Kind string `json:"kind"`
		}
		require.NoError(t, json.Unmarshal(text, &head), file)
		if head.Kind == kind {
			cases++
			t.Run(filepath.Base(file), func(t *testing.T) { visit(t, text) })
		}
	}
	require.Positive(t, cases, "no fixture of the kind %s in %s", kind, dir)
}

// number is a value of a fixture: a number, "nan" or "inf".
type number float64

func (n *number) UnmarshalJSON(b []byte) error {
	if string(b) == `"nan"` || string(b) == "null" {
		*n = number(math.NaN())
		return nil
	}
	return json.Unmarshal(b, (*float64)(n))
}

type numbers struct {
	Shape []int    `json:"shape"`
	Data  []number `json:"data"`
}

func (n numbers) floats() []float64 {
	x := make([]float64, len(n.Data))
	for i, v := range n.Data {
		x[i] = float64(v)
	}
	return x
}

// filled is what a forecast after the last month sees: averages with the
// leading months taken back.
func filled(x []float64, span float64) (mean, variance []float64) {
	mean, variance = averages(x, span)
	first := firstNumber(x)
	for t := max(first-maxBackfill, 0); t < first && first < len(x); t++ {
		mean[t] = mean[first]
	}
	return mean, variance
}

func TestFixtureEwm(t *testing.T) {
	eachFixture(t, "ewm", func(t *testing.T, text []byte) {
		var f struct {
			Series []struct {
				Case  string  `json:"case"`
				Span  float64 `json:"span"`
				Input numbers `json:"input"`
				Mean  numbers `json:"spec_mean"`
				Var   numbers `json:"spec_var"`
			} `json:"series"`
			Panel struct {
				Span         float64  `json:"span"`
				Products     int      `json:"products"`
				Months       int      `json:"months"`
				Styles       []string `json:"styles"`
				Decades      []string `json:"recording_decades"`
				Sales        numbers  `json:"sales"`
				Availability numbers  `json:"availability"`
				Groups       []struct {
					Members []int   `json:"members"`
					Means   numbers `json:"group_mean"`
					Mean    numbers `json:"spec_mean"`
					Var     numbers `json:"spec_var"`
				} `json:"groups"`
			} `json:"panel"`
		}
		require.NoError(t, json.Unmarshal(text, &f))
		require.NotEmpty(t, f.Series)
		for _, s := range f.Series {
			mean, variance := filled(s.Input.floats(), s.Span)
			require.InDeltaSlice(t, s.Mean.floats(), mean, 1e-9, "%s, span %v", s.Case, s.Span)
			require.InDeltaSlice(t, s.Var.floats(), variance, 1e-9, "%s, span %v", s.Case, s.Span)
		}
		p := &panel.Panel{First: calendar.MonthOf(2020, time.January), T: f.Panel.Months}
		n, size := f.Panel.Products, f.Panel.Products*f.Panel.Months
		p.Sales, p.Availability, p.Confidence = make([]float32, size), make([]float32, size), make([]float32, size)
		for i := range n {
			p.Products = append(p.Products, catalog.Product{Style: f.Panel.Styles[i], RecordingDecade: f.Panel.Decades[i]})
			for m := range p.T { // the fixture's rows are months
				p.Sales[p.At(i, m)] = float32(f.Panel.Sales.Data[m*n+i])
				p.Availability[p.At(i, m)] = float32(f.Panel.Availability.Data[m*n+i])
			}
		}
		c, err := FitClassic(p, p.T, f.Panel.Span)
		require.NoError(t, err)
		h := c.History(p, p.T)
		require.NotEmpty(t, f.Panel.Groups)
		row := make([]float32, ClassicPast)
		for _, g := range f.Panel.Groups {
			means := groupMeans(p, g.Members, p.T)
			for m := range p.T {
				want := float64(g.Means.Data[m])
				require.Equal(t, math.IsNaN(want), math.IsNaN(means[m]))
				if !math.IsNaN(want) {
					require.InDelta(t, want, means[m], 1e-6)
				}
				for _, i := range g.Members {
					h.Row(row, i, m, p.T)
					require.InDelta(t, c.Scaler.Scale(float64(g.Mean.Data[m])), row[4], 1e-6)
					require.InDelta(t, c.Scaler.Scale(float64(g.Var.Data[m])), row[5], 1e-6)
				}
			}
		}
	})
}

func TestFixtureScaler(t *testing.T) {
	eachFixture(t, "scaler", func(t *testing.T, text []byte) {
		var f struct {
			Cases []struct {
				Case        string  `json:"case"`
				Fit         numbers `json:"fit"`
				Low         float64 `json:"log1p_min"`
				High        float64 `json:"log1p_max"`
				X           numbers `json:"x"`
				Transformed numbers `json:"spec_transformed"`
				Z           numbers `json:"z"`
				Inverted    numbers `json:"service_inverted"`
			} `json:"cases"`
		}
		require.NoError(t, json.Unmarshal(text, &f))
		require.NotEmpty(t, f.Cases)
		for _, c := range f.Cases {
			var series [][]float32
			for _, y := range c.Fit.Data {
				series = append(series, []float32{float32(y)})
			}
			s := FitScaler(series...)
			require.InDelta(t, c.Low, s.Low, 1e-6, c.Case)
			require.InDelta(t, c.High, s.High, 1e-6, c.Case)
			for i, x := range c.X.Data {
				require.InDelta(t, float64(c.Transformed.Data[i]), s.Scale(float64(x)), 1e-6, c.Case)
				require.InDelta(t, float64(x), s.Copies(s.Scale(float64(x))), 1e-9*(1+float64(x)), c.Case)
			}
			for i, z := range c.Z.Data {
				// The service's inverse takes its offset of 1e-6 off first.
				want := float64(c.Inverted.Data[i])
				require.InDelta(t, want, s.Copies(float64(z)-1e-6), 1e-5*(1+math.Abs(want)), c.Case)
			}
		}
	})
}

func TestScalerOfAShopWithoutSales(t *testing.T) {
	s := FitScaler(make([]float32, 5))
	require.Zero(t, s.Scale(0))
	require.InDelta(t, 3, s.Copies(s.Scale(3)), 1e-12)
	require.Equal(t, Scaler{}, FitScaler())
}

func TestClassicLooksAtNothingFromTheOriginOn(t *testing.T) {
	p := toy(40, 30, true, false)
	const origin = 20
	corrupt := *p
	for _, series := range []*[]float32{&corrupt.Sales, &corrupt.Availability, &corrupt.Confidence} {
		*series = slices.Clone(*series)
		for i := range p.N() {
			for u := origin; u < p.T; u++ {
				(*series)[p.At(i, u)] = float32(u*i%7) / 3
			}
		}
	}
	c, err := FitClassic(p, origin, 7)
	require.NoError(t, err)
	other, err := FitClassic(&corrupt, origin, 7)
	require.NoError(t, err)
	require.Equal(t, c, other)
	whole, broken, cut := c.History(p, p.T), c.History(&corrupt, p.T), c.History(p.Until(origin), origin)
	a, b, d := make([]float32, ClassicPast), make([]float32, ClassicPast), make([]float32, ClassicPast)
	for i := range p.N() {
		for m := range origin {
			whole.Row(a, i, m, origin)
			broken.Row(b, i, m, origin)
			cut.Row(d, i, m, origin)
			require.Equal(t, a, b)
			require.Equal(t, a, d)
		}
	}
}

func TestClassicStaticFeatures(t *testing.T) {
	p := &panel.Panel{First: calendar.MonthOf(2020, time.January), T: 1, Products: []catalog.Product{
		{CoverType: "b", Style: "Rock/Pop", RecordingDecade: "1970s", RecordingYear: 1970},
		{CoverType: "a", Style: "Pop", RecordingDecade: "1980s", RecordingYear: 1980},
		{CoverType: "c", Style: "Jazz", RecordingDecade: "1990s", RecordingYear: 1999}, // never seen
		{CoverType: "a", Style: "Rock", RecordingDecade: "1970s", RecordingYear: 1975},
	}, Sales: []float32{1, 0, 0, 0}, Availability: []float32{1, 1, 0, 1}, Confidence: make([]float32, 4)}
	c, err := FitClassic(p, 1, 7)
	require.NoError(t, err)
	require.Equal(t, 7, c.Width()) // covers a b, decades 1970s 1980s, styles Pop Rock, year
	x := make([]float32, 4*7)
	c.Static(x, p.Products)
	require.Equal(t, []float32{0, 1, 1, 0, 1, 1, 0}, x[:7])
	require.Equal(t, []float32{1, 0, 0, 1, 1, 0, 1}, x[7:14])
	require.Equal(t, []float32{0, 0, 0, 0, 0, 0, 1}, x[14:21])
	require.Equal(t, []float32{1, 0, 1, 0, 0, 1, 0.5}, x[21:])
	text, err := json.Marshal(c)
	require.NoError(t, err)
	read := new(Classic)
	require.NoError(t, json.Unmarshal(text, read))
	require.Equal(t, c, read)
}

func TestClassicFuture(t *testing.T) {
	p := &panel.Panel{First: calendar.MonthOf(2020, time.January), T: 24}
	c := &Classic{Months: 21}
	x := make([]float32, ClassicFuture)
	c.Future(x, p, 2021, 0)
	require.InDeltaSlice(t, []float32{0.5, 0.8660254, 0, 0}, x, 1e-6)
	c.Future(x, p, 2021, 14)
	require.InDeltaSlice(t, []float32{1, 0, 0.7, 1}, x, 1e-6)
	c.Future(x, p, 2021, 20)
	require.InDelta(t, 1, x[2], 1e-6)
}
