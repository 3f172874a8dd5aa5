package report_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/catalog"
	"github.com/plastinka/predictor/domain/forecast"
	"github.com/plastinka/predictor/domain/ledger"
	"github.com/plastinka/predictor/domain/panel"
	"github.com/plastinka/predictor/domain/report"
)

// sample is a shop with invented records: products × months of history and a
// forecast for the month after. The same arguments give the same report.
func sample(products, months int) *report.Report {
	rng := rand.New(rand.NewPCG(7, uint64(products)))
	month := calendar.MonthOf(2026, 11)
	f := report.Facts{Month: month, ModelID: "tide-2026-11-01", ResultID: "b1946ac9", StockDay: month.First(),
		GeneratedAt: time.Date(2026, 11, 1, 9, 30, 0, 0, time.FixedZone("MSK", 3*3600)), Backtest: sampleBacktest(month)}
	var features []panel.Feature
	var past []forecast.Forecast
	for m := month - calendar.Month(months); m < month; m++ {
		observed := m.Days()
		f.Months = append(f.Months, ledger.StoredMonth{Month: m, DaysObserved: observed, Rows: 1})
	}
	for i := range products {
		id := catalog.ID(i + 1)
		f.Products = append(f.Products, catalog.Entry{ID: id, Product: sampleProduct(rng, i)})
		level := math.Exp(rng.NormFloat64()*1.1 - 0.6)
		price := float64(1490 + 100*rng.IntN(70))
		for m := month - calendar.Month(months); m < month; m++ {
			season := 1 + 0.25*math.Cos(2*math.Pi*float64(m.Number()-12)/12)
			available := math.Min(1, 0.55+rng.Float64()*0.7)
			sold := draw(rng, level*season*available)
			features = append(features, panel.Feature{Month: m, Product: id, Sales: sold, Availability: available, Confidence: available / 2, Price: price,
				MaskedMeanItems: float64(sold) / (30 * available), MaskedMeanRub: price * float64(sold) / (30 * available), DaysObserved: m.Days(),
				LostSalesItems: (1 - available) * float64(sold) / available, LostSalesRub: price * (1 - available) * float64(sold) / available})
			if m >= month-8 {
				past = append(past, sampleForecast(id, m, level*season*1.03))
			}
		}
		f.Forecasts = append(f.Forecasts, sampleForecast(id, month, level*1.2))
		if n := draw(rng, level*1.1); n > 0 {
			f.Stock = append(f.Stock, ledger.Holding{Product: id, Value: n})
		}
	}
	return build(f, features, past)
}

func build(f report.Facts, features []panel.Feature, past []forecast.Forecast) *report.Report {
	b, err := report.NewBuilder(f)
	if err != nil {
		panic(err)
	}
	for _, x := range features {
		b.Feature(x)
	}
	for _, x := range past {
		b.Past(x)
	}
	return b.Report()
}

func sampleForecast(id catalog.ID, m calendar.Month, mean float64) forecast.Forecast {
	d := forecast.NegativeBinomial(mean, 1.8)
	return forecast.Forecast{Product: id, Month: m, ModelID: "tide-2026-11-01", Quantiles: d.Quantiles(), Method: "tide", Distribution: d}
}

// draw is a count around a mean, wider than Poisson.
func draw(rng *rand.Rand, mean float64) int {
	d := forecast.NegativeBinomial(mean, 2)
	return int(d.Quantile(rng.Float64()))
}

func sampleProduct(rng *rand.Rand, i int) catalog.Product {
	artists := []string{"Северный Причал", "The Paper Lanterns", "Галина Ветрова", "Ансамбль «Орбита»", "Blue Tram Quartet", "Нина Осокина", "Cold Harbour Choir",
		"Лев Таганский", "Moth & Meridian", "Тихие Дворы", "Ада Кречет", "Silver Kiosk", "Ржавый Компас", "Velvet Static", "Трио Полынь", "Old Signal Road"}
	albums := []string{"Ночной рейс", "Glass Weather", "Песни с окраины", "Live at the Boathouse", "Второе лето", "Seven Small Rooms", "Мосты", "A Field Guide to Rain",
		"Письма без адреса", "Northern Light Suite", "Сорок один день", "The Long Way Down to Harbour Street and Back Again"}
	styles := []string{"Rock", "Jazz", "Pop", "Electronic", "Folk", "Classical", "Soul/Funk", "Hip-Hop", "Blues", "Metal", "Soundtrack", "None", "Reggae"}
	decades := []string{"<1950", "1960s", "1970s", "1980s", "1990s", "2000s", "2010s", ">2020"}
	d := rng.IntN(len(decades))
	p := catalog.Product{Barcode: fmt.Sprint(4600000000000 + int64(i)*7919), Artist: artists[rng.IntN(len(artists))], Album: albums[rng.IntN(len(albums))],
		CoverType: []string{"Sealed", "Opened"}[rng.IntN(2)], PriceCategory: "(2490.0, 3990.0]", ReleaseType: []string{"Оригинал", "Переиздание"}[rng.IntN(2)],
		RecordingDecade: decades[d], ReleaseDecade: decades[max(d, 4)], Style: styles[int(math.Abs(rng.NormFloat64())*4)%len(styles)], RecordingYear: 1950 + 10*d + 3}
	if i >= len(artists)*len(albums)/2 {
		p.Album = fmt.Sprintf("%s, часть %d", p.Album, i%97+2)
	}
	return p
}

func sampleBacktest(month calendar.Month) *forecast.Backtest {
	b := &forecast.Backtest{Cells: 2140, Chosen: "ensemble(tide 0.6, regression 0.4)", Best: "shrunk-histogram"}
	for m := month - 6; m < month; m++ {
		b.Origins = append(b.Origins, m)
	}
	for _, x := range []struct {
		method                    string
		pinball, difference, wape float64
	}{{b.Chosen, 0.2711, -0.0079, 0.81}, {"tide", 0.2726, -0.0064, 0.82}, {"regression", 0.2741, -0.0049, 0.82}, {"shrunk-histogram", 0.2790, 0, 0.85},
		{"level-group", 0.2803, 0.0013, 0.86}, {"own-12", 0.3002, 0.0212, 0.9}, {"croston", 0.3077, 0.0287, 0.95}, {"zero", 0.4512, 0.1722, 1}} {
		b.Rows = append(b.Rows, forecast.BacktestRow{Method: x.method, Class: "all", Cells: b.Cells, Pinball: x.pinball, Difference: x.difference, DifferenceError: 0.0011,
			Coverage50: 0.62, Coverage90: 0.94, WAPE: x.wape, Bias: -0.02})
	}
	return b
}
