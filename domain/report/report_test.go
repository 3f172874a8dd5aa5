package report

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/catalog"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/forecast"
	"github.com/plastinka/predictor/domain/ledger"
	"github.com/plastinka/predictor/domain/panel"
)

var november = calendar.MonthOf(2026, 11)

func entry(id catalog.ID, artist, album, style string) catalog.Entry {
	return catalog.Entry{ID: id, Product: catalog.Product{Artist: artist, Album: album, Style: style, RecordingDecade: "1970s", RecordingYear: 1975}}
}

func expecting(id catalog.ID, m calendar.Month, d forecast.Distribution) forecast.Forecast {
	return forecast.Forecast{Product: id, Month: m, ModelID: "m", Quantiles: d.Quantiles(), Method: "tide", Distribution: d}
}

// shop has three records: one sold out, one with plenty, one without features.
func shop() Facts {
	f := Facts{Month: november, ModelID: "m", StockDay: november.First(),
		Products: []catalog.Entry{entry(1, "B", "x", "Jazz"), entry(2, "A", "z", "Rock"), entry(3, "A", "y", "Rock"), entry(4, "C", "no forecast", "Rock")},
		Stock:    []ledger.Holding{{Product: 2, Value: 9}}}
	for m := november - 12; m < november; m++ {
		f.Months = append(f.Months, ledger.StoredMonth{Month: m, DaysObserved: m.Days()})
	}
	f.Forecasts = []forecast.Forecast{expecting(1, november, forecast.Poisson(3)), expecting(2, november, forecast.Poisson(2)), expecting(3, november, forecast.Poisson(0.4))}
	return f
}

func build(t *testing.T, f Facts, features []panel.Feature, past ...forecast.Forecast) *Report {
	t.Helper()
	b, err := NewBuilder(f)
	require.NoError(t, err)
	for _, x := range features {
		b.Feature(x)
	}
	for _, x := range past {
		b.Past(x)
	}
	return b.Report()
}

func TestReportRows(t *testing.T) {
	r := build(t, shop(), []panel.Feature{
		{Month: november - 12, Product: 1, Sales: 5, Availability: 1, Price: 900},
		{Month: november - 1, Product: 1, Sales: 4, Availability: 0.5, Price: 1000, LostSalesRub: 4000, LostSalesItems: 4},
		{Month: november - 1, Product: 2, Sales: 1, Availability: 1, Price: 500},
		{Month: november - 1, Product: 4, Sales: 2, Availability: 1, Price: 700},
		{Month: november - Window - 1, Product: 1, Sales: 99, Price: 1},
	})
	require.Equal(t, []catalog.ID{3, 2, 1}, []catalog.ID{r.Rows[0].ID, r.Rows[1].ID, r.Rows[2].ID}, "by artist and album")
	quiet, plenty, out := r.Rows[0], r.Rows[1], r.Rows[2]

	require.Equal(t, 4, *out.SalesLast)
	require.Equal(t, 5, *out.SalesYear)
	require.Equal(t, 1000.0, *out.Price, "the last known")
	require.Equal(t, 4, *out.Restock, "⌈q75 of Poisson(3)⌉ − 0")
	require.Equal(t, SoldOut, out.Reason)
	require.Zero(t, *out.FromStock)
	require.InDelta(t, soldFrom(3, 4), out.Gain, 1e-6)

	require.Equal(t, 0, *plenty.Restock)
	require.Empty(t, plenty.Reason)
	require.InDelta(t, soldFrom(2, 9), *plenty.FromStock, 1e-6)

	require.Nil(t, quiet.Last, "neither on hand nor sold")
	require.Nil(t, quiet.Price)
	require.Equal(t, 0, *quiet.SalesLast, "the month is stored and nothing was sold")
	require.Equal(t, 1, *quiet.Restock)

	require.Len(t, r.History, 12)
	last := r.LastMonth()
	require.Equal(t, 7, last.Sales, "all chosen products, with and without a forecast")
	require.InDelta(t, 2.5/3, last.Availability, 1e-12)
	require.Equal(t, 4000.0, last.LostRub)
	require.Equal(t, 4, out.Series[11])
	require.Equal(t, 5, out.Series[0])
}

// soldFrom is E[min(Poisson(mean), stock)], straight from its definition.
func soldFrom(mean float64, stock int) float64 {
	var sum, p float64 = 0, math.Exp(-mean)
	for k := range 60 {
		sum += p * math.Min(float64(k), float64(stock))
		p *= mean / float64(k+1)
	}
	return sum
}

func TestReportTotalsAreTheRows(t *testing.T) {
	r := build(t, shop(), []panel.Feature{
		{Month: november - 1, Product: 1, Sales: 4, Availability: 1, Price: 1000, LostSalesRub: 10},
		{Month: november - 1, Product: 2, Sales: 1, Availability: 1, Price: 500, LostSalesRub: 5},
	})
	var restock, titles int
	var value, gain, fromStock float64
	for i := range r.Rows {
		x := &r.Rows[i]
		restock += x.Order()
		value += x.Value(float64(x.Order()))
		gain += x.Gain
		fromStock += *x.FromStock
		if x.Order() > 0 {
			titles++
		}
	}
	require.Equal(t, restock, r.Totals.Restock)
	require.Equal(t, 5, restock)
	require.Equal(t, titles, r.Totals.Titles)
	require.InDelta(t, value, r.Totals.RestockRub, 1e-9)
	require.InDelta(t, gain, r.Totals.Gain, 1e-9)
	require.InDelta(t, fromStock, r.Totals.FromStock, 1e-9)
	require.Equal(t, 1, r.Totals.Unpriced)
	require.InDelta(t, 3*1000+2*500, r.Totals.Rub.Mean, 1e-6)
	require.Equal(t, 5, *r.Totals.SalesLast)
	require.Equal(t, 15.0, r.Totals.LostRub)
	require.Equal(t, "convolution", r.Totals.Copies.Method)
	require.Equal(t, forecast.Poisson(5.4).Quantiles(), r.Totals.Copies.Quantiles, "a sum of Poissons is Poisson")
	require.Equal(t, "Rock", r.Styles[1].Name)
	require.Equal(t, 2, r.Styles[1].Products)
	require.InDelta(t, 2.4, r.Styles[1].Copies.Mean, 1e-9)
}

func TestReportWithoutWhatIsUnknown(t *testing.T) {
	f := shop()
	f.StockDay, f.Stock, f.Months = 0, nil, nil
	r := build(t, f, nil)
	for _, x := range r.Rows {
		require.Nil(t, x.Stock)
		require.Nil(t, x.Restock)
		require.Nil(t, x.FromStock)
		require.Nil(t, x.SalesLast)
		require.Nil(t, x.SalesYear)
		require.Nil(t, x.Sold)
	}
	require.Empty(t, r.History)
	require.Nil(t, r.Totals.SalesLast)
	require.Zero(t, r.Totals.Restock)
	require.Equal(t, november-1, r.LastMonth().Month)
}

func TestR22IncompleteMonthIsMarkedAndShownAsObserved(t *testing.T) {
	f := shop()
	f.Months[11].DaysObserved = 20
	r := build(t, f, []panel.Feature{{Month: november - 1, Product: 1, Sales: 4, ExtrapolatedSales: 3, Availability: 1}},
		expecting(1, november-1, forecast.Poisson(3)))
	require.True(t, r.LastMonth().Incomplete)
	require.Equal(t, 4, r.LastMonth().Sales)
	require.Zero(t, r.Accuracy.Cells, "an unfinished month is not compared")
}

func TestReportOfAPastMonthSaysWhatWasSold(t *testing.T) {
	f := shop()
	f.Months = append(f.Months, ledger.StoredMonth{Month: november, DaysObserved: 30})
	r := build(t, f, []panel.Feature{{Month: november, Product: 1, Sales: 7, Price: 5000, LostSalesRub: 9}})
	require.Equal(t, 7, *r.Rows[2].Sold)
	require.Equal(t, 7, *r.Totals.Sold)
	require.Nil(t, r.Rows[2].Price, "what came later is not known")
	require.Zero(t, r.LastMonth().Sales)
}

func TestRestockLevel(t *testing.T) {
	for _, c := range []struct {
		level  float64
		stock  int
		want   int
		reason Reason
	}{
		{0, 0, 4, SoldOut}, // the default, 0.75
		{0.5, 0, 3, SoldOut},
		{0.75, 2, 2, Short},
		{0.75, 3, 1, Buffer},
		{0.75, 4, 0, ""},
		{0.75, 40, 0, ""},
		{0.9, 3, 2, Buffer}, // between the stored levels: from the distribution
		{0.95, 3, 3, Buffer},
	} {
		f := shop()
		f.Level, f.Stock = c.level, []ledger.Holding{{Product: 1, Value: c.stock}}
		x := build(t, f, nil).Rows[2]
		require.Equal(t, c.want, *x.Restock, "%+v", c)
		require.Equal(t, c.reason, x.Reason, "%+v", c)
	}
	for _, level := range []float64{-1, 1, 2, math.NaN()} {
		f := shop()
		f.Level = level
		_, err := NewBuilder(f)
		require.Equal(t, fault.Invalid, fault.KindOf(err))
	}
}

func TestQuantilesAloneAreEnough(t *testing.T) {
	f := shop()
	f.Level = 0.9
	f.Forecasts = []forecast.Forecast{{Product: 1, Month: november, Quantiles: [5]float64{0, 1, 2, 4, 10}}}
	r := build(t, f, nil)
	require.Equal(t, 9, *r.Rows[0].Restock, "8.5 lies on the line between 4 and 10")
	require.InDelta(t, 2.0+0.1*4+0.45, r.Rows[0].Mean, 1)
}

func TestFilters(t *testing.T) {
	for _, c := range []struct {
		given map[string]any
		want  Filters
		bad   bool
	}{
		{nil, Filters{}, false},
		{map[string]any{"style": "Jazz", "artist": nil}, Filters{"style": "Jazz"}, false},
		{map[string]any{"record_year": 1975.0}, Filters{"recording_year": "1975"}, false},
		{map[string]any{"recording_year": "1975", "record_year": 1975}, Filters{"recording_year": "1975"}, false},
		{map[string]any{"recording_year": "1975", "record_year": 1976}, nil, true},
		{map[string]any{"Style": "Jazz"}, nil, true},
		{map[string]any{"style": []any{"Jazz"}}, nil, true},
		{map[string]any{"recording_year": 1975.5}, nil, true},
	} {
		got, err := ParseFilters(c.given)
		if c.bad {
			require.Equal(t, "validation_error", fault.CodeOf(err), "%v", c.given)
			require.Equal(t, fault.Invalid, fault.KindOf(err))
			continue
		}
		require.NoError(t, err)
		require.Equal(t, c.want, got)
	}
	f := shop()
	f.Filters = Filters{"style": "Rock", "recording_year": "1975"}
	r := build(t, f, nil)
	require.Len(t, r.Rows, 2)
	f.Filters = Filters{"style": "rock"}
	_, err := NewBuilder(f)
	require.Equal(t, "no_predictions_found", fault.CodeOf(err))
	require.Equal(t, fault.NotFound, fault.KindOf(err))
}

func TestSumsOfManyProducts(t *testing.T) {
	one := expecting(1, november, forecast.NegativeBinomial(0.3, 0.8))
	s := spreadOf(&one)
	for _, n := range []int{40, 300, 20000} {
		var all []*spread
		for range n {
			all = append(all, &s)
		}
		// The sum of n negative binomials is one of n times the mean and size.
		exact := forecast.NegativeBinomial(0.3*float64(n), 0.8*float64(n)).Quantiles()
		got := sumOf(all)
		require.Equal(t, map[bool]string{true: "convolution", false: "moments"}[cheap(all)], got.Method)
		if n == 20000 {
			require.Equal(t, "moments", got.Method)
			// forecast counts end before 6,000 copies: compare with the normal law.
			deviation := math.Sqrt(20000 * (0.3 + 0.09/0.8))
			exact = [5]float64{6000 - 1.645*deviation, 6000 - 0.6745*deviation, 6000, 6000 + 0.6745*deviation, 6000 + 1.645*deviation}
		}
		for i := range exact {
			require.InDelta(t, exact[i], got.Quantiles[i], 1.01, "n=%d q=%g %s", n, forecast.Levels[i], got.Method)
		}
		var m moments
		for _, x := range all {
			m.add(x, 1)
		}
		byMoments := m.sum().whole()
		for i := range exact {
			require.InDelta(t, exact[i], byMoments.Quantiles[i], 1.01, "n=%d q=%g by moments", n, forecast.Levels[i])
		}
	}
}

func TestAccuracyByHand(t *testing.T) {
	f := shop()
	m := november - 2
	point := forecast.Forecast{Product: 1, Month: m, Quantiles: [5]float64{0, 1, 2, 3, 5}, Distribution: forecast.Counts([]float64{0.25, 0.25, 0.25, 0.25})}
	second, third := point, point
	second.Product, third.Product = 2, 3
	r := build(t, f, []panel.Feature{
		{Month: m, Product: 1, Sales: 6, Availability: 1},
		{Month: m, Product: 2, Sales: 1, Availability: 0.9},
		{Month: m, Product: 3, Sales: 0, Availability: 0.89},
	}, point, second, third)
	a := r.Accuracy
	require.Equal(t, 2, a.Cells)
	require.Equal(t, 1, a.Unavailable)
	require.Equal(t, 7, a.Sold)
	require.InDelta(t, 3, a.Forecast, 1e-12)
	require.Equal(t, 0.5, a.Coverage90, "6 lies outside, 1 inside")
	require.Equal(t, 0.5, a.Coverage50, "closed intervals")
	require.InDelta(t, (4.5+0.5)/7, a.WAPE, 1e-12)
	require.InDelta(t, -4.0/7, a.Bias, 1e-12)
	six := (0.05*6 + 0.25*5 + 0.5*4 + 0.75*3 + 0.95*1) / 5
	oneSold := (0.05*1 + 0 + 0.5*1 + 0.25*2 + 0.05*4) / 5
	require.InDelta(t, (six+oneSold)/2, a.Pinball, 1e-12)
	require.Len(t, a.Months, 1)
	require.Equal(t, 7, a.Months[0].Sold)
	require.Equal(t, 1, r.Styles[0].Past.Cells)
	// 1 copy has F(0) = 0.25 and F(1) = 0.5; 6 copies lie beyond everything.
	for _, p := range a.Calibration {
		require.InDelta(t, math.Min(1, math.Max(0, (p.Nominal-0.25)/0.25))/2, p.Observed, 1e-12, "%g", p.Nominal)
	}
}

// A right forecast of counts lies on the diagonal, an overconfident one does not.
func TestCalibrationOfCounts(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	right, narrow := forecast.NegativeBinomial(1.2, 0.9), forecast.Poisson(1.2)
	for name, c := range map[string]struct {
		d     forecast.Distribution
		right bool
	}{"right": {right, true}, "narrow": {narrow, false}} {
		f := expecting(1, november, c.d)
		s := spreadOf(&f)
		var sums [len(nominal)]float64
		const n = 40000
		for range n {
			s.pit(int(right.Quantile(rng.Float64())), &sums)
		}
		worst := 0.0
		for i, u := range nominal {
			worst = math.Max(worst, math.Abs(sums[i]/n-u))
		}
		require.Equal(t, c.right, worst < 0.01, "%s: %g", name, worst)
	}
}

func TestPastOutsideTheWindowOrNotStoredIsPassedOver(t *testing.T) {
	f := shop()
	features := []panel.Feature{{Month: november - 2, Product: 1, Sales: 3, Availability: 1}}
	for _, m := range []calendar.Month{november, november + 1, november - Window - 1, november - 20} {
		require.Zero(t, build(t, f, features, expecting(1, m, forecast.Poisson(3))).Accuracy.Cells, m.Short())
	}
	require.Zero(t, build(t, f, features, expecting(77, november-2, forecast.Poisson(3))).Accuracy.Cells, "an unknown product")
	require.Equal(t, 1, build(t, f, features, expecting(1, november-2, forecast.Poisson(3))).Accuracy.Cells)
}

func TestDecadesAscend(t *testing.T) {
	f := shop()
	for i, d := range []string{">2020", "<1950", "1990s", "1950s"} {
		f.Products[i].RecordingDecade = d
	}
	var names []string
	for _, g := range build(t, f, nil).Decades {
		names = append(names, g.Name)
	}
	require.Equal(t, []string{"<1950", "1990s", ">2020"}, names)
}

func TestBest(t *testing.T) {
	rows := []Row{{Mean: 1}, {Mean: 3}, {Mean: 0}, {Mean: 3}, {Mean: 2}}
	mean := func(r *Row) float64 { return r.Mean }
	require.Equal(t, []int{1, 3, 4}, Best(rows, 3, mean))
	require.Equal(t, []int{1, 3, 4, 0}, Best(rows, 9, mean))
	require.Empty(t, Best(nil, 3, mean))
}

func TestFormatsAndLanguages(t *testing.T) {
	for _, name := range []string{"html", "CSV", "xlsx", "json"} {
		f, err := ParseFormat(name)
		require.NoError(t, err)
		require.NotEmpty(t, f.MediaType())
	}
	_, err := ParseFormat("pdf")
	require.Equal(t, fault.Invalid, fault.KindOf(err))
	l, err := ParseLanguage("")
	require.NoError(t, err)
	require.Equal(t, Russian, l)
	_, err = ParseLanguage("de")
	require.Equal(t, fault.Invalid, fault.KindOf(err))
}

func BenchmarkReport20000(b *testing.B) {
	f := shop()
	f.Products, f.Forecasts = nil, nil
	d := forecast.NegativeBinomial(0.7, 1)
	for i := range 20000 {
		f.Products = append(f.Products, entry(catalog.ID(i+1), "A", "x", string(rune('a'+i%20))))
		f.Forecasts = append(f.Forecasts, expecting(catalog.ID(i+1), november, d))
	}
	for b.Loop() {
		builder, err := NewBuilder(f)
		require.NoError(b, err)
		builder.Report()
	}
}
