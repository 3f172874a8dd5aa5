package simulation

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/catalog"
	"github.com/plastinka/predictor/domain/fault"
)

func shop(t testing.TB, products, months int, seed uint64) *Shop {
	t.Helper()
	s, err := New(Options{Products: products, Months: months, First: calendar.MonthOf(2022, 5), Seed: seed})
	require.NoError(t, err)
	return s
}

func TestSameSeedSameShop(t *testing.T) {
	require.Equal(t, shop(t, 60, 6, 7), shop(t, 60, 6, 7))
	require.NotEqual(t, shop(t, 60, 6, 7).Copies, shop(t, 60, 6, 8).Copies)
}

func TestOptionsAreChecked(t *testing.T) {
	m := calendar.MonthOf(2022, 5)
	for _, o := range []Options{
		{Products: 0, Months: 1, First: m},
		{Products: 1_000_001, Months: 1, First: m},
		{Products: 1, Months: 0, First: m},
		{Products: 1, Months: 241, First: m},
		{Products: 1, Months: 1, First: calendar.MonthOf(1991, 12)},
	} {
		_, err := New(o)
		require.Equal(t, fault.Invalid, fault.KindOf(err), "%+v", o)
	}
	s, err := New(Options{Products: 1, Months: 1, First: m})
	require.NoError(t, err)
	require.Len(t, s.Editions, 1)
}

// TestEveryCopyIsSomewhere: between two countings of the shelf, what came and
// went is what the rows say, so no copy is lost or found.
func TestEveryCopyIsSomewhere(t *testing.T) {
	s := shop(t, 200, 8, 3)
	from := s.Options.First.First()
	for i := range s.Editions {
		stock := s.On(i, from).Opening
		for d := from; d < s.Until(); d++ {
			day := s.On(i, d)
			if stock != day.Opening || day.Sales > day.Opening+day.Arrivals {
				t.Fatalf("edition %d on %s: %d copies were left the day before, now %+v", i, d, stock, day)
			}
			stock += day.Arrivals - day.Sales
		}
	}
	count := 0
	for _, r := range s.Stock(s.Until()) {
		count += r.Count
	}
	left := 0
	for i := range s.Editions {
		left += s.On(i, s.Until()).Opening
	}
	require.Equal(t, left, count)
}

// TestMonthIsItsDays: the monthly truth is that of its days.
func TestMonthIsItsDays(t *testing.T) {
	s := shop(t, 100, 3, 4)
	until := s.Until() - 9
	for i := range s.Editions {
		for k := range 3 {
			m := s.Options.First + calendar.Month(k)
			want := MonthTruth{Month: m, Opening: s.On(i, m.First()).Opening}
			for d := m.First(); d <= m.Last() && d < until; d++ {
				day := s.On(i, d)
				want.Days++
				want.Sales += day.Sales
				if day.Opening+day.Arrivals > 0 {
					want.Available++
				}
				want.Depth += min(day.Opening+day.Arrivals, 5)
			}
			require.Equal(t, want, s.In(i, m, until))
		}
	}
}

// TestDemoShopLooksLikeAShop: a few bestsellers, a long tail, December, and
// shelves that are sometimes empty.
func TestDemoShopLooksLikeAShop(t *testing.T) {
	for seed := range uint64(3) {
		s := shop(t, 400, 30, seed)
		sales := s.Sales(s.Options.First.First(), s.Until())
		require.InDelta(t, 4500, len(sales), 2500)

		perEdition := make([]int, len(s.Editions))
		zero, cells, available, days := 0, 0, 0, 0
		december, plain := 0.0, 0.0
		for i := range s.Editions {
			for k := range 30 {
				m := s.In(i, s.Options.First+calendar.Month(k), s.Until())
				perEdition[i] += m.Sales
				if m.Available == 0 && m.Sales == 0 {
					continue
				}
				cells, available, days = cells+1, available+m.Available, days+m.Days
				if m.Sales == 0 {
					zero++
				}
				if m.Month.Number() == 12 {
					december += float64(m.Sales) / 2
				} else {
					plain += float64(m.Sales) / 28
				}
			}
		}
		slices.Sort(perEdition)
		top := 0
		for _, n := range perEdition[len(perEdition)-40:] {
			top += n
		}
		require.Greater(t, float64(top)/float64(len(sales)), 0.35, "the best tenth sells a good part")
		require.InDelta(t, 0.75, float64(zero)/float64(cells), 0.12, "most months of most records are without a sale")
		require.InDelta(t, 0.93, float64(available)/float64(days), 0.06)
		require.Greater(t, december/plain, 1.2)
	}
}

// TestRowsAreUntidyButLegal: each kind of untidiness occurs, none so often that
// it is the rule.
func TestRowsAreUntidyButLegal(t *testing.T) {
	s := shop(t, 2000, 12, 5)
	sales := s.Sales(s.Options.First.First(), s.Until())
	kinds := map[string]func(Row) bool{
		"cover missing":        func(r Row) bool { return r.Cover == "" },
		"style missing":        func(r Row) bool { return r.Style == "" },
		"release year missing": func(r Row) bool { return r.ReleaseYear == "" },
		"release year partial": func(r Row) bool { return strings.HasSuffix(r.ReleaseYear, "?") },
		"recording year long":  func(r Row) bool { return len(r.RecordingYear) > 4 },
		"barcode with spaces":  func(r Row) bool { return strings.Contains(r.Barcode, " ") },
		"arrival after sale":   func(r Row) bool { return r.Created > r.Sold },
	}
	for name, is := range kinds {
		n := 0
		for _, r := range sales {
			if is(r) {
				n++
			}
		}
		require.Positive(t, n, name)
		require.Less(t, n, len(sales)/20, name)
	}
	for _, r := range slices.Concat(sales, s.Stock(s.Until())) {
		if r.Artist == "" || r.Album == "" || r.Price <= 0 || max(r.Created, r.Sold) >= s.Until() {
			t.Fatalf("no row lacks these or is dated after the export: %+v", r)
		}
	}
}

func TestHeadersNameEveryCell(t *testing.T) {
	var r Row
	for _, l := range []Language{Russian, English} {
		require.Len(t, StockHeader(l), len(r.StockValues()))
		require.Len(t, SalesHeader(l), len(r.SalesValues()))
	}
}

func TestIdentitiesAreDistinct(t *testing.T) {
	s := shop(t, 3000, 1, 9)
	seen := map[catalog.Product]bool{}
	for _, e := range s.Editions {
		if seen[e.Product] {
			t.Fatalf("twice: %+v", e.Product)
		}
		seen[e.Product] = true
	}
}

// TestDecade: the table of §1.4.
func TestDecade(t *testing.T) {
	for year, want := range map[int]string{1936: "<1950", 1950: "<1950", 1951: "1950s", 1960: "1950s", 1961: "1960s",
		1980: "1970s", 1999: "1990s", 2000: "1990s", 2001: "2000s", 2020: "2010s", 2021: ">2020"} {
		require.Equal(t, want, decade(year), "%d", year)
	}
}

// TestDraws: the samplers have the mean and the variance that they should.
func TestDraws(t *testing.T) {
	moments := func(draw func() float64) (mean, variance float64) {
		const n = 100_000
		for range n {
			x := draw()
			mean += x / n
			variance += x * x / n
		}
		return mean, variance - mean*mean
	}
	rng := stream(1, 2)
	for _, want := range []float64{0.3, 4, 45} {
		mean, variance := moments(func() float64 { return float64(poisson(want, rng)) })
		require.InEpsilon(t, want, mean, 0.03)
		require.InEpsilon(t, want, variance, 0.05)
	}
	for _, shape := range []float64{0.7, 2.5} {
		mean, variance := moments(func() float64 { return gamma(shape, rng) })
		require.InEpsilon(t, 1, mean, 0.03)
		require.InEpsilon(t, 1/shape, variance, 0.06)
	}
	require.Zero(t, poisson(0, rng))
	require.False(t, math.IsNaN(gamma(0.7, rng)))
}

func BenchmarkYearOf28000Products(b *testing.B) {
	for b.Loop() {
		s := shop(b, 28_000, 12, 1)
		rows := len(s.Stock(s.Until()))
		b.ReportMetric(float64(rows), "stock_rows")
		b.ReportMetric(float64(len(s.Sales(s.Options.First.First(), s.Until()))), "sales_rows")
	}
}
