package panel_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/catalog"
	"github.com/plastinka/predictor/domain/ledger"
	"github.com/plastinka/predictor/domain/panel"
)

// april is a month of 30 days, of which days were observed.
func april(days int) ledger.MonthFacts {
	return ledger.MonthFacts{Month: ledger.Month{Month: calendar.MonthOf(2024, 4), DaysObserved: days}}
}

func fact(id catalog.ID, dayOfApril, n int) ledger.Fact {
	return ledger.Fact{Product: id, Day: calendar.DayOf(2024, 4, dayOfApril), Value: n}
}

func price1000(catalog.ID) float64 { return 1000 }

func TestFeaturesByDefinition(t *testing.T) {
	cases := []struct {
		name  string
		facts ledger.MonthFacts
		open  int
		moves []ledger.Fact
		sales []ledger.Fact
		want  *panel.Feature // nil: the product has none
	}{
		{name: "never on hand", facts: april(30)},
		{name: "on hand all month, nothing sold", facts: april(30), open: 2,
			want: &panel.Feature{Availability: 1, Confidence: 0.4}},
		{name: "more than five copies are as good as five", facts: april(30), open: 9,
			want: &panel.Feature{Availability: 1, Confidence: 1}},
		{name: "the last copy is sold on the 10th: available on it, not after it", facts: april(30), open: 1,
			moves: []ledger.Fact{fact(7, 10, -1)}, sales: []ledger.Fact{fact(7, 10, 1)},
			want: &panel.Feature{Sales: 1, Availability: 10. / 30, Confidence: 10. / 150, MaskedMeanItems: 0.1, MaskedMeanRub: 100,
				LostSalesItems: 2, LostSalesRub: 2000}},
		{name: "arrives on the 21st", facts: april(30),
			moves: []ledger.Fact{fact(7, 21, 3)},
			want:  &panel.Feature{Availability: 10. / 30, Confidence: 30. / 150}},
		{name: "arrives and is sold on one day: no movement, yet available", facts: april(30),
			sales: []ledger.Fact{fact(7, 15, 2)},
			want: &panel.Feature{Sales: 2, Availability: 1. / 30, Confidence: 2. / 150, MaskedMeanItems: 2, MaskedMeanRub: 2000,
				LostSalesItems: 58, LostSalesRub: 58_000}},
		{name: "sold out and back again", facts: april(30), open: 2,
			moves: []ledger.Fact{fact(7, 6, -2), fact(7, 16, 4), fact(7, 30, -1)}, sales: []ledger.Fact{fact(7, 6, 2), fact(7, 30, 1)},
			want: &panel.Feature{Sales: 3, Availability: 21. / 30, Confidence: (6*2 + 15*4) / 150., MaskedMeanItems: 3. / 21, MaskedMeanRub: 3. / 21 * 1000,
				LostSalesItems: 9 * (3. / 21), LostSalesRub: 9 * (3. / 21) * 1000}},
		{name: "twenty days observed: ten are missing", facts: april(20), open: 5,
			moves: []ledger.Fact{fact(7, 20, -3)}, sales: []ledger.Fact{fact(7, 20, 3)},
			want: &panel.Feature{Sales: 3, Availability: 1, Confidence: 1, MaskedMeanItems: 0.15, MaskedMeanRub: 150, ExtrapolatedSales: 2}},
		{name: "no day observed", facts: april(0), open: 5},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			m := c.facts
			if c.open > 0 {
				m.Openings = []ledger.Holding{{Product: 7, Value: c.open}}
			}
			m.Movements, m.Sales = c.moves, c.sales
			got := panel.Features(m, price1000)
			if c.want == nil {
				require.Empty(t, got)
				return
			}
			c.want.Month, c.want.Product, c.want.Price, c.want.DaysObserved = m.Month.Month, 7, 1000, m.DaysObserved
			require.Len(t, got, 1)
			requireEqual(t, *c.want, got[0])
		})
	}
}

// requireEqual allows the order of a product's factors.
func requireEqual(t *testing.T, want, got panel.Feature) {
	t.Helper()
	near := func(want, got float64) { t.Helper(); require.InDelta(t, want, got, 1e-9) }
	near(want.Availability, got.Availability)
	near(want.Confidence, got.Confidence)
	near(want.MaskedMeanItems, got.MaskedMeanItems)
	near(want.MaskedMeanRub, got.MaskedMeanRub)
	near(want.LostSalesItems, got.LostSalesItems)
	near(want.LostSalesRub, got.LostSalesRub)
	near(want.Price, got.Price)
	require.Equal(t, []int{want.Sales, want.DaysObserved, want.ExtrapolatedSales}, []int{got.Sales, got.DaysObserved, got.ExtrapolatedSales})
	require.Equal(t, want.Month, got.Month)
	require.Equal(t, want.Product, got.Product)
}

func TestR21R22ExtrapolationIsRoundedAndKeptApart(t *testing.T) {
	for _, c := range []struct{ days, sold, extrapolated int }{
		{30, 10, 0}, {20, 10, 5}, {20, 3, 2} /* 1.5 */, {20, 1, 1} /* 0.5 */, {29, 14, 0} /* 0.48 */, {10, 1, 2},
	} {
		m := april(c.days)
		m.Openings = []ledger.Holding{{Product: 7, Value: 50}}
		m.Sales, m.Movements = []ledger.Fact{fact(7, 3, c.sold)}, []ledger.Fact{fact(7, 3, -c.sold)}
		f := panel.Features(m, price1000)[0]
		require.Equal(t, c.sold, f.Sales, "as observed")
		require.Equal(t, c.extrapolated, f.ExtrapolatedSales, "%+v", c)
	}
}

// naive is §1.7 to the letter, day by day.
func naive(m ledger.MonthFacts, price float64) []panel.Feature {
	type pd struct {
		id  catalog.ID
		day calendar.Day
	}
	opening, moved, sold, ids := map[catalog.ID]int{}, map[pd]int{}, map[pd]int{}, map[catalog.ID]bool{}
	for _, h := range m.Openings {
		opening[h.Product], ids[h.Product] = h.Value, true
	}
	for _, f := range m.Movements {
		moved[pd{f.Product, f.Day}], ids[f.Product] = f.Value, true
	}
	for _, f := range m.Sales {
		sold[pd{f.Product, f.Day}], ids[f.Product] = f.Value, true
	}
	var features []panel.Feature
	for id := range ids {
		f := panel.Feature{Month: m.Month.Month, Product: id, Price: price, DaysObserved: m.DaysObserved}
		stock, available, depth := opening[id], 0, 0.0
		for k := range m.DaysObserved {
			d := pd{id, m.Month.Month.First() + calendar.Day(k)}
			arrivals := moved[d] + sold[d]
			onHand := stock + arrivals
			if onHand > 0 {
				available++
			}
			depth += float64(min(onHand, 5)) / 5
			f.Sales += sold[d]
			stock = onHand - sold[d]
		}
		if available == 0 && f.Sales == 0 {
			continue
		}
		days := float64(m.DaysObserved)
		f.Availability, f.Confidence = float64(available)/days, depth/days
		f.MaskedMeanItems = float64(f.Sales) / float64(available)
		f.MaskedMeanRub = f.MaskedMeanItems * price
		f.LostSalesRub = (days - float64(available)) * f.MaskedMeanRub
		f.LostSalesItems = (days - float64(available)) * f.MaskedMeanItems
		if left := m.Month.Month.Days() - m.DaysObserved; left > 0 {
			f.ExtrapolatedSales = int(f.MaskedMeanItems*float64(left) + 0.5)
		}
		features = append(features, f)
	}
	slices.SortFunc(features, func(a, b panel.Feature) int { return int(a.Product - b.Product) })
	return features
}

// TestFeaturesAgainstDayByDay: random months, walked from change to change and
// day by day.
func TestFeaturesAgainstDayByDay(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for range 300 {
		m := april(1 + rng.IntN(30))
		for id := catalog.ID(2); id < 12; id += 2 {
			stock := max(0, rng.IntN(8)-3)
			if stock > 0 {
				m.Openings = append(m.Openings, ledger.Holding{Product: id, Value: stock})
			}
			for d := 1; d <= m.DaysObserved; d++ {
				arrivals := max(0, rng.IntN(40)-36)
				sales := 0
				if rng.IntN(4) == 0 {
					sales = rng.IntN(stock + arrivals + 1)
				}
				if sales > 0 {
					m.Sales = append(m.Sales, fact(id, d, sales))
				}
				if arrivals != sales {
					m.Movements = append(m.Movements, fact(id, d, arrivals-sales))
				}
				stock += arrivals - sales
			}
		}
		want, got := naive(m, 1000), panel.Features(m, price1000)
		require.Len(t, got, len(want))
		for i := range want {
			requireEqual(t, want[i], got[i])
		}
	}
}
