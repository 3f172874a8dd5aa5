package covariate

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/catalog"
	"github.com/plastinka/predictor/domain/panel"
	"github.com/stretchr/testify/require"
)

// toy is a small shop: some products old, some launched, some months missing,
// some partly available; one never available, one only at the end.
func toy(n, months int, attributes, stock bool) *panel.Panel {
	rng := rand.New(rand.NewPCG(3, uint64(n*months)))
	p := &panel.Panel{First: calendar.MonthOf(2020, time.March), T: months}
	p.Products = make([]catalog.Product, n)
	size := n * months
	p.Sales, p.Availability, p.Confidence = make([]float32, size), make([]float32, size), make([]float32, size)
	if stock {
		p.Stock = make([]float32, size)
	}
	for i := range n {
		if attributes {
			p.Products[i] = catalog.Product{Style: []string{"Drone", "Polka", "Drone/Polka"}[i%3],
				CoverType: []string{"Original", "Reissue"}[i%2], RecordingYear: 1960 + i%40}
		}
		first := 0
		switch {
		case i%5 == 1:
			first = rng.IntN(max(months, 1))
		case i == 2:
			first = months
		case i == 3:
			first = max(months-1, 0)
		}
		level := math.Exp(rng.NormFloat64())
		for t := first; t < months; t++ {
			at := p.At(i, t)
			switch u := rng.Float64(); {
			case u < 0.15 && t > first:
				continue
			case u < 0.3:
				p.Availability[at] = 0.5
			default:
				p.Availability[at] = 1
			}
			p.Sales[at] = float32(int(level * rng.ExpFloat64()))
			if stock {
				p.Stock[at] = float32(rng.IntN(9))
			}
		}
	}
	return p
}

func fitToy(t *testing.T, p *panel.Panel, months int) *Standard {
	s, err := FitStandard(p, months, 1)
	require.NoError(t, err)
	require.Len(t, s.Names(), s.Width())
	return s
}

func origin(s *Standard, p *panel.Panel, t int) []float32 {
	x := make([]float32, p.N()*s.Width())
	s.Origin(x, p, t)
	return x
}

func TestStandardFeaturesFollowTheirDefinitions(t *testing.T) {
	p := toy(30, 40, true, true)
	s := fitToy(t, p, 36)
	names := s.Names()
	w := s.newWalk(p)
	for month := range p.T {
		w.levels()
		for i := range p.N() {
			row := slices.Clone(w.features(i, month))
			want := naive(s, p, i, month)
			for j, v := range row {
				expected, ok := want[names[j]]
				require.True(t, ok, names[j])
				require.InDelta(t, expected, v, 1e-9, "%s of product %d in month %d", names[j], i, month)
			}
		}
		w.take(month)
	}
}

// naive computes the features of one product and month straight from the
// definitions, looking at all earlier months anew.
func naive(s *Standard, p *panel.Panel, i, t int) map[string]float64 {
	f := map[string]float64{}
	g := s.Rate
	first := firstBefore(p, i, t)
	launched, age := indicator(first > 0), float64(t-first)
	S := func(i int, d float64) float64 {
		return discounted(p, i, t, d, func(u int) float64 { return float64(p.Sales[p.At(i, u)]) })
	}
	W := func(i int, d float64) float64 {
		return discounted(p, i, t, d, func(u int) float64 { return float64(p.Availability[p.At(i, u)]) })
	}
	E := func(i int, d float64) float64 {
		return discounted(p, i, t, d, func(u int) float64 {
			return float64(p.Availability[p.At(i, u)]) * naiveRate(s, p, i, firstBefore(p, i, t), u)
		})
	}
	decay := func(span float64) float64 { return 1 - 2/(span+1) }
	for name, d := range map[string]float64{"3": decay(3), "6": decay(6), "12": decay(12), "24": decay(24), "all": 1} {
		f["ewm_"+name] = math.Log((S(i, d) + g) / (W(i, d) + 1))
		f["norm_"+name] = math.Log((S(i, d) + g) / (E(i, d) + g))
	}
	f["wt_6"], f["wt_24"], f["wt_all"] = math.Log1p(W(i, decay(6))), math.Log1p(W(i, decay(24))), math.Log1p(W(i, 1))
	f["wt_below_1"], f["wt_below_3"] = indicator(W(i, 1) < 1), indicator(W(i, 1) < 3)
	f["age_decay_1"], f["age_decay_2.5"] = launched*math.Exp(-age), launched*math.Exp(-age/2.5)
	f["age_decay_8"], f["age_log"] = launched*math.Exp(-age/8), math.Log1p(age)
	f["age_0"], f["age_1"] = launched*indicator(age == 0), launched*indicator(age == 1)
	f["age_36"], f["age_unknown"] = launched*math.Min(age, 36)/36, 1-launched
	f["age_decay_2.5_ewm_all"] = f["age_decay_2.5"] * f["ewm_all"]
	angle := 2 * math.Pi * float64(p.Month(t).Number()) / 12
	f["month_sin"], f["month_cos"] = math.Sin(angle), math.Cos(angle)
	f["month_sin_2"], f["month_cos_2"] = math.Sin(2*angle), math.Cos(2*angle)
	f["norm_expected"] = math.Log(naiveRate(s, p, i, first, t))
	f["norm_weight_24"], f["norm_weight_all"] = math.Log(E(i, decay(24))+0.01), math.Log(E(i, 1)+0.01)
	for _, a := range s.Attributes {
		for _, v := range a.Values {
			f[a.Name+"="+v] = 0
		}
	}
	product := p.Products[i]
	f["cover_type="+product.CoverType], f["recording_decade="+decade(product)] = 1, 1
	f["style=Drone"] = indicator(product.Style != "Polka")
	f["style=Polka"] = indicator(product.Style != "Drone")
	level := func(span float64, of func(catalog.Product) bool) float64 {
		var sales, expected float64
		for k, q := range p.Products {
			if of(q) {
				sales += S(k, decay(span))
				expected += discounted(p, k, t, decay(span), func(u int) float64 {
					return float64(p.Availability[p.At(k, u)]) * naiveRate(s, p, k, firstBefore(p, k, t), u)
				})
			}
		}
		return math.Log((sales + 5) / (expected + 5))
	}
	same := func(q catalog.Product) bool { return q.Style == product.Style }
	f["style_4"], f["style_12"] = level(4, same), level(12, same)
	f["shop_4"] = level(4, func(catalog.Product) bool { return true })
	naiveCounts(f, s, p, i, t, first)
	if t > 0 {
		f["stock"] = math.Log1p(float64(p.Stock[p.At(i, t-1)]))
	} else {
		f["stock"] = math.NaN()
	}
	return f
}

func naiveCounts(f map[string]float64, s *Standard, p *panel.Panel, i, t, first int) {
	for _, window := range []int{12, 24} {
		var bins [4]float64
		var n float64
		for u := max(t-window, 0); u < t; u++ {
			if p.Availability[p.At(i, u)] > 0 {
				bins[min(int(p.Sales[p.At(i, u)]), 3)]++
				n++
			}
		}
		for k, name := range []string{"0", "1", "2", "3_or_more"} {
			f["hist_"+map[int]string{12: "12", 24: "24"}[window]+"_"+name] = bins[k] / math.Max(n, 1)
		}
	}
	idle, excess, square, sold, expected := 3.0, 0.0, 0.0, 0.0, 0.0
	for u := range t {
		a, y := float64(p.Availability[p.At(i, u)]), float64(p.Sales[p.At(i, u)])
		if a == 0 {
			continue
		}
		e := a * naiveRate(s, p, i, first, u)
		m := e * (sold + s.Rate) / (expected + s.Rate)
		excess, square = excess+(y-m)*(y-m)-m, square+m*m
		sold, expected = sold+y, expected+e
		if idle++; y > 0 {
			idle = 0
		}
	}
	f["rec"], f["disp_weight"] = math.Log1p(idle), math.Log1p(square)
	f["disp"] = math.Log((math.Max(excess, 0) + 2) / (square + 3))
}

func discounted(p *panel.Panel, i, t int, d float64, of func(u int) float64) (sum float64) {
	for u := range t {
		if p.Availability[p.At(i, u)] > 0 {
			sum += math.Pow(d, float64(t-1-u)) * of(u)
		}
	}
	return sum
}

func firstBefore(p *panel.Panel, i, t int) int {
	for u := range t {
		if p.Availability[p.At(i, u)] > 0 {
			return u
		}
	}
	return t
}

func naiveRate(s *Standard, p *panel.Panel, i, first, t int) float64 {
	e := s.Expected
	var season [MonthWidth]float64
	var age [AgeWidth]float64
	eta := e.Intercept
	copy(season[:], seasons[p.Month(t).Number()-1][:])
	ages(&age, t-first, first > 0)
	for j, v := range season {
		eta += v * e.Season[j]
	}
	for j, c := range e.Age {
		eta += c * age[j]
	}
	ones, _ := s.encode(p.Products[i : i+1])
	for _, j := range ones[0] {
		eta += e.Attribute[j]
	}
	return math.Exp(eta)
}

func TestStandardLooksAtNothingFromTheTargetOn(t *testing.T) {
	p := toy(40, 30, true, true)
	const months = 20
	s := fitToy(t, p, months)
	corrupt := *p
	for _, series := range []*[]float32{&corrupt.Sales, &corrupt.Availability, &corrupt.Confidence, &corrupt.Stock} {
		*series = slices.Clone(*series)
		for i := range p.N() {
			for u := months; u < p.T; u++ {
				(*series)[p.At(i, u)] = float32(u*i%7) / 3
			}
		}
	}
	require.Equal(t, s, fitToy(t, &corrupt, months))
	require.Equal(t, s, fitToy(t, p.Until(months), months))
	for target := range months + 1 {
		require.Equal(t, origin(s, p, target), origin(s, &corrupt, target))
		require.Equal(t, origin(s, p, target), origin(s, p.Until(target), target))
	}
}

func TestOriginsAreOriginOneByOne(t *testing.T) {
	p := toy(20, 24, true, false)
	s := fitToy(t, p, 24)
	visited := 0
	s.Origins(p, 5, p.T+1, func(month int, x []float32) {
		require.Equal(t, origin(s, p, month), x)
		visited++
	})
	require.Equal(t, 20, visited)
}

func TestStandardIsCompleteInJSON(t *testing.T) {
	p := toy(20, 24, true, true)
	s := fitToy(t, p, 24)
	text, err := json.Marshal(s)
	require.NoError(t, err)
	read := new(Standard)
	require.NoError(t, json.Unmarshal(text, read))
	require.Equal(t, s, read)
	require.Equal(t, origin(s, p, 24), origin(read, p, 24))
}

func TestStandardTrainingCellsAreStandardised(t *testing.T) {
	p := toy(200, 30, true, true)
	s := fitToy(t, p, 30)
	sum := make([]float64, s.Width())
	var n float64
	s.Origins(p, FirstTarget, 30, func(month int, x []float32) {
		for i := range p.N() {
			if p.Availability[p.At(i, month)] > 0 {
				n++
				for j := range sum {
					sum[j] += float64(x[i*s.Width()+j])
				}
			}
		}
		for _, v := range x {
			require.LessOrEqual(t, math.Abs(float64(v)), float64(Clip))
		}
	})
	for j, name := range s.Names() {
		require.InDelta(t, 0, sum[j]/n, 0.05, name)
	}
}

func TestFutureIsKnownInAdvance(t *testing.T) {
	p := toy(20, 24, true, true)
	s := fitToy(t, p, 24)
	first := First(p)
	names := s.Names()
	for i := range p.N() {
		for _, at := range []int{3, 12, 24} {
			x := origin(s, p, at)[i*s.Width():]
			known := make([]float32, FutureWidth)
			s.Future(known, p, first[i], at, at, at+1)
			for j, name := range FutureNames() {
				require.Equal(t, x[slices.Index(names, name)], known[j], name)
			}
		}
	}
}

func TestStandardOfExtremePanels(t *testing.T) {
	for name, p := range map[string]*panel.Panel{
		"no products": toy(0, 5, true, true), "no months": toy(4, 0, false, false),
		"one month": toy(4, 1, true, false), "two products": toy(2, 12, false, false),
	} {
		t.Run(name, func(t *testing.T) {
			s := fitToy(t, p, p.T)
			for _, v := range origin(s, p, p.T) {
				require.False(t, math.IsNaN(float64(v)) || math.IsInf(float64(v), 0))
			}
		})
	}
	nothing := toy(5, 20, false, false)
	clear(nothing.Sales)
	for _, v := range origin(fitToy(t, nothing, 20), nothing, 20) {
		require.False(t, math.IsNaN(float64(v)))
	}
	_, err := FitStandard(nothing, 21, 1)
	require.Error(t, err)
}

func TestAttributesThatSayNothingVanish(t *testing.T) {
	p := toy(12, 20, false, false)
	s := fitToy(t, p, 20)
	require.Empty(t, s.Attributes)
	require.NotContains(t, s.Names(), "style_4")
	require.NotContains(t, s.Names(), "stock")
}

func BenchmarkStandard(b *testing.B) {
	p := toy(3000, 48, true, true)
	b.Run("fit", func(b *testing.B) {
		for b.Loop() {
			if _, err := FitStandard(p, 48, 1); err != nil {
				b.Fatal(err)
			}
		}
	})
	s, _ := FitStandard(p, 48, 1)
	b.Run("origins", func(b *testing.B) {
		for b.Loop() {
			s.Origins(p, 0, 48, func(int, []float32) {})
		}
	})
}
