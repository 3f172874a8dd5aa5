package porttest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/catalog"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/forecast"
	"github.com/plastinka/predictor/domain/ledger"
	"github.com/plastinka/predictor/domain/panel"
	"github.com/plastinka/predictor/ports"
)

// lastMonth is the last month that can be written.
const lastMonth = calendar.Month(9999*12 + 11)

// month is a month's content over the products ids, in the stores' order.
func month(year, number int, ids []catalog.ID) ports.MonthContent {
	m := calendar.MonthOf(year, time.Month(number))
	c := ports.MonthContent{Month: ledger.StoredMonth{Month: m, Digest: "digest of " + m.String(), RunID: "run-1", DaysObserved: m.Days(), Rows: 17}}
	for _, day := range []calendar.Day{m.First(), m.First() + 9, m.Last()} {
		for i, id := range ids {
			c.Sales = append(c.Sales, ledger.Fact{Product: id, Day: day, Value: i + 1})
			c.Movements = append(c.Movements, ledger.Fact{Product: id, Day: day, Value: 5 - 10*i})
		}
	}
	for i, id := range ids {
		c.Openings = append(c.Openings, ledger.Holding{Product: id, Value: 10 + i})
		c.Features = append(c.Features, panel.Feature{Month: m, Product: id, Sales: i, Availability: 1.0 / 3, Confidence: 0.1 + 0.2, MaskedMeanItems: 1e-9,
			MaskedMeanRub: 1e7 / 3, LostSalesRub: 123456.789, LostSalesItems: 0.7, Price: 2990.5, DaysObserved: 28, ExtrapolatedSales: i})
	}
	return c
}

// stored is all that db has of a month.
func stored(t *testing.T, db ports.Stores, m calendar.Month) (c ports.MonthContent) {
	t.Helper()
	ctx := t.Context()
	months, err := db.Facts().Months(ctx)
	require.NoError(t, err)
	for _, x := range months {
		if x.Month == m {
			c.Month = x
		}
	}
	c.Sales = all(t, db.Facts().Sales(ctx, m, m))
	c.Movements = all(t, db.Facts().Movements(ctx, m, m))
	c.Openings, err = db.Facts().Openings(ctx, m)
	require.NoError(t, err)
	c.Features = all(t, db.Facts().Features(ctx, m, m))
	return c
}

func testFacts(t *testing.T, u StoresUnderTest) {
	ctx := t.Context()
	dec, jan, feb := calendar.MonthOf(2025, 12), calendar.MonthOf(2026, 1), calendar.MonthOf(2026, 2)
	t.Run("R18 exactly the month is replaced", func(t *testing.T) {
		db := u.Open(t)
		ids := products(t, db, 300)
		before, old, after := month(2025, 12, ids), month(2026, 1, ids), month(2026, 2, ids)
		for _, m := range []ports.MonthContent{after, old, before} {
			require.NoError(t, db.Facts().PutMonth(ctx, m))
		}
		next := month(2026, 1, ids[100:105])
		next.Month.Digest, next.Month.RunID, next.Month.DaysObserved, next.Month.Rows = "other", "run-2", 12, 3
		require.NoError(t, db.Facts().PutMonth(ctx, next))
		require.Equal(t, before, stored(t, db, dec))
		require.Equal(t, next, stored(t, db, jan))
		require.Equal(t, after, stored(t, db, feb))
		months, err := db.Facts().Months(ctx)
		require.NoError(t, err)
		require.Equal(t, []ledger.StoredMonth{before.Month, next.Month, after.Month}, months)
	})
	t.Run("series are ordered by day, then product, over all months asked for", func(t *testing.T) {
		db := u.Open(t)
		ids := products(t, db, 3)
		a, b := month(2025, 12, ids), month(2026, 1, ids)
		mixed := month(2026, 1, ids)
		mixed.Sales[0], mixed.Sales[8] = mixed.Sales[8], mixed.Sales[0]
		mixed.Features[0], mixed.Features[2] = mixed.Features[2], mixed.Features[0]
		require.NoError(t, db.Facts().PutMonth(ctx, mixed))
		require.NoError(t, db.Facts().PutMonth(ctx, a))
		require.Equal(t, append(a.Sales, b.Sales...), all(t, db.Facts().Sales(ctx, dec, jan)))
		require.Equal(t, append(a.Movements, b.Movements...), all(t, db.Facts().Movements(ctx, 0, lastMonth)))
		require.Equal(t, append(a.Features, b.Features...), all(t, db.Facts().Features(ctx, 0, lastMonth)))
		require.Empty(t, all(t, db.Facts().Sales(ctx, feb, lastMonth)))
		require.Empty(t, all(t, db.Facts().Sales(ctx, jan, dec)))
	})
	t.Run("a month without sales is a stored month", func(t *testing.T) {
		db := u.Open(t)
		closed := ports.MonthContent{Month: ledger.StoredMonth{Month: jan, Digest: "none", RunID: "r", DaysObserved: 31}}
		require.NoError(t, db.Facts().PutMonth(ctx, closed))
		require.Equal(t, closed, stored(t, db, jan))
	})
	t.Run("what must not be stored is refused whole", func(t *testing.T) {
		db := u.Open(t)
		ids := products(t, db, 2)
		good := month(2026, 1, ids)
		require.NoError(t, db.Facts().PutMonth(ctx, good))
		for name, spoil := range map[string]func(*ports.MonthContent){
			"a sale of nothing":         func(c *ports.MonthContent) { c.Sales[0].Value = 0 },
			"a sale of less":            func(c *ports.MonthContent) { c.Sales[0].Value = -1 },
			"a movement of nothing":     func(c *ports.MonthContent) { c.Movements[0].Value = 0 },
			"an opening of nothing":     func(c *ports.MonthContent) { c.Openings[0].Value = 0 },
			"a day of another month":    func(c *ports.MonthContent) { c.Sales[0].Day = feb.First() },
			"a feature of another":      func(c *ports.MonthContent) { c.Features[0].Month = feb },
			"an unknown product":        func(c *ports.MonthContent) { c.Sales[0].Product = 99999 },
			"a product's day twice":     func(c *ports.MonthContent) { c.Sales[1] = c.Sales[0] },
			"a product's feature twice": func(c *ports.MonthContent) { c.Features[1] = c.Features[0] },
		} {
			bad := month(2026, 1, ids)
			bad.Month.Digest = name
			spoil(&bad)
			require.Error(t, db.Facts().PutMonth(ctx, bad), name)
			require.Equal(t, good, stored(t, db, jan), name)
		}
	})
	t.Run("removing a month keeps its features unless asked", func(t *testing.T) {
		db := u.Open(t)
		ids := products(t, db, 2)
		first, second := month(2025, 12, ids), month(2026, 1, ids)
		require.NoError(t, db.Facts().PutMonth(ctx, first))
		require.NoError(t, db.Facts().PutMonth(ctx, second))
		require.NoError(t, db.Facts().RemoveMonth(ctx, dec, false))
		require.Equal(t, ports.MonthContent{Features: first.Features}, stored(t, db, dec))
		require.NoError(t, db.Facts().RemoveMonth(ctx, dec, true))
		require.Equal(t, ports.MonthContent{}, stored(t, db, dec))
		require.Equal(t, second, stored(t, db, jan))
		require.NoError(t, db.Facts().RemoveMonth(ctx, dec, true), "none is no error")
	})
	t.Run("a snapshot is replaced by one of its day only", func(t *testing.T) {
		db := u.Open(t)
		ids := products(t, db, 3)
		s, later := feb.First(), feb.First()+3
		one := []ledger.Holding{{Product: ids[0], Value: 3}, {Product: ids[2], Value: 1}}
		two := []ledger.Holding{{Product: ids[1], Value: 9}}
		require.NoError(t, db.Facts().PutSnapshot(ctx, later, "r1", two))
		require.NoError(t, db.Facts().PutSnapshot(ctx, s, "r1", two))
		require.NoError(t, db.Facts().PutSnapshot(ctx, s, "r2", one))
		days, err := db.Facts().Snapshots(ctx)
		require.NoError(t, err)
		require.Equal(t, []calendar.Day{s, later}, days)
		for day, want := range map[calendar.Day][]ledger.Holding{s: one, later: two, later + 1: nil} {
			got, err := db.Facts().Snapshot(ctx, day)
			require.NoError(t, err)
			require.Equal(t, want, got)
		}
	})
}

func testForecasts(t *testing.T, u StoresUnderTest) {
	ctx := t.Context()
	jan, feb, mar := calendar.MonthOf(2026, 1), calendar.MonthOf(2026, 2), calendar.MonthOf(2026, 3)
	db := u.Open(t)
	ids := products(t, db, 40)
	forms := []forecast.Distribution{
		{},
		forecast.NegativeBinomial(1.0/3, 0.8),
		forecast.Poisson(2.5),
		forecast.Counts([]float64{3, 2, 1}),
		forecast.QuantileFunction([]float64{0.05, 0.5, 0.95}, []float64{0, 1.25, 7}),
	}
	var want []forecast.Forecast
	for _, m := range []calendar.Month{jan, feb} {
		for i, id := range ids {
			for _, model := range []string{"a", "b"} {
				d := forms[i%len(forms)]
				want = append(want, forecast.Forecast{Product: id, Month: m, ModelID: model, Quantiles: d.Quantiles(), Method: "tide", Distribution: d})
			}
		}
	}
	mixed := append([]forecast.Forecast(nil), want...)
	for i := range len(mixed) / 2 {
		mixed[i], mixed[len(mixed)-1-i] = mixed[len(mixed)-1-i], mixed[i]
	}
	require.NoError(t, db.Forecasts().Put(ctx, mixed))
	require.NoError(t, db.Forecasts().Put(ctx, nil))
	same := func(t *testing.T, want, got []forecast.Forecast) {
		t.Helper()
		require.Len(t, got, len(want))
		for i := range want {
			w, g := want[i].Distribution, got[i].Distribution
			inDelta(t, w.Probs, g.Probs)
			inDelta(t, w.Levels, g.Levels)
			inDelta(t, w.Values, g.Values)
			require.Equal(t, w.Expected, g.Expected)
			require.Equal(t, w.Size, g.Size)
			w.Probs, w.Levels, w.Values = g.Probs, g.Levels, g.Values
			whole := want[i]
			whole.Distribution = w
			require.Equal(t, whole, got[i])
		}
	}
	same(t, want, all(t, db.Forecasts().Forecasts(ctx, 0, lastMonth, "")))
	same(t, want[:80], all(t, db.Forecasts().Forecasts(ctx, jan, jan, "")))
	require.Len(t, all(t, db.Forecasts().Forecasts(ctx, jan, feb, "b")), 80)
	require.Empty(t, all(t, db.Forecasts().Forecasts(ctx, jan, feb, "c")))

	newer := want[0]
	newer.Method, newer.Distribution = "ensemble", forms[2]
	require.NoError(t, db.Forecasts().Put(ctx, []forecast.Forecast{newer}))
	want[0] = newer
	same(t, want, all(t, db.Forecasts().Forecasts(ctx, 0, lastMonth, "")))

	odd := want[1]
	odd.Distribution = forecast.Distribution{Probs: []float64{nan()}}
	odd.ModelID = "odd"
	require.Equal(t, fault.Internal, fault.KindOf(db.Forecasts().Put(ctx, []forecast.Forecast{want[2], odd})))
	same(t, want, all(t, db.Forecasts().Forecasts(ctx, 0, lastMonth, "")))

	months, err := db.Forecasts().Months(ctx)
	require.NoError(t, err)
	require.Equal(t, []calendar.Month{jan, feb}, months)
	for _, c := range []struct {
		before calendar.Month
		n      int
	}{{jan, 0}, {feb, 80}, {feb, 0}, {mar, 80}} {
		n, err := db.Forecasts().RemoveBefore(ctx, c.before)
		require.NoError(t, err)
		require.Equal(t, c.n, n)
	}
}

// inDelta: equal to six digits.
func inDelta(t *testing.T, want, got []float64) {
	t.Helper()
	require.Len(t, got, len(want))
	for i := range want {
		require.InEpsilon(t, 1+want[i], 1+got[i], 1e-6)
	}
}
