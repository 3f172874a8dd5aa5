package app

import (
	"cmp"
	"context"
	"encoding/json"
	"iter"
	"maps"
	"slices"

	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/catalog"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/forecast"
	"github.com/plastinka/predictor/domain/ledger"
	"github.com/plastinka/predictor/ports"
)

// The rows of exported tables: flat, with the columns of the stored tables
// (§4.2). Days and months are text, YYYY-MM-DD.
type (
	// ProductRow is a row of dim_multiindex_mapping.
	ProductRow struct {
		ID              int64  `json:"multiindex_id"`
		Barcode         string `json:"barcode"`
		Artist          string `json:"artist"`
		Album           string `json:"album"`
		CoverType       string `json:"cover_type"`
		PriceCategory   string `json:"price_category"`
		ReleaseType     string `json:"release_type"`
		RecordingDecade string `json:"recording_decade"`
		ReleaseDecade   string `json:"release_decade"`
		Style           string `json:"style"`
		RecordingYear   int64  `json:"recording_year"`
	}
	// MonthlyRow is a row of report_features.
	MonthlyRow struct {
		Month             string  `json:"data_date"`
		ID                int64   `json:"multiindex_id"`
		Sales             int64   `json:"sales"`
		Availability      float64 `json:"availability"`
		Confidence        float64 `json:"confidence"`
		MaskedMeanItems   float64 `json:"masked_mean_sales_items"`
		MaskedMeanRub     float64 `json:"masked_mean_sales_rub"`
		LostSales         float64 `json:"lost_sales"`
		LostSalesItems    float64 `json:"lost_sales_items"`
		Price             float64 `json:"price"`
		ExtrapolatedSales int64   `json:"extrapolated_sales"`
		DaysObserved      int64   `json:"days_observed"`
		// ClosingStock is beside the stored columns: copies on hand after the
		// month's last observed day. A forecast from files needs it.
		ClosingStock int64 `json:"closing_stock"`
	}
	// DailyRow is a product's day on which something moved: a row of fact_sales
	// and one of fact_stock_movement together, with the stock that follows.
	DailyRow struct {
		ID       int64  `json:"multiindex_id"`
		Day      string `json:"data_date"`
		Sales    int64  `json:"sales"`    // copies sold
		Movement int64  `json:"movement"` // arrivals − sales
		Opening  int64  `json:"opening"`  // copies at the start of the day
	}
	// FactRow is a row of fact_sales or fact_stock_movement.
	FactRow struct {
		ID    int64  `json:"multiindex_id"`
		Day   string `json:"data_date"`
		Value int64  `json:"value"` // copies
	}
	// OpeningRow is a row of stock_openings.
	OpeningRow struct {
		Month string `json:"month"`
		ID    int64  `json:"multiindex_id"`
		Value int64  `json:"value"`
	}
	// ForecastRow is a row of fact_predictions.
	ForecastRow struct {
		ID      int64   `json:"multiindex_id"`
		Month   string  `json:"prediction_month"`
		ModelID string  `json:"model_id"`
		Q05     float64 `json:"quantile_05"`
		Q25     float64 `json:"quantile_25"`
		Q50     float64 `json:"quantile_50"`
		Q75     float64 `json:"quantile_75"`
		Q95     float64 `json:"quantile_95"`
		Method  string  `json:"method"`
		Mean    float64 `json:"mean"`
		Size    float64 `json:"size"`
		// Distribution is JSON: probs, or levels and values.
		Distribution string `json:"distribution"`
	}
)

// Export yields stored tables as flat rows.
type Export struct {
	DB ports.Database
}

// Tables are the names of what can be exported.
func (Export) Tables() []string {
	return []string{"products", "monthly", "daily", "sales", "movements", "openings", "forecasts"}
}

// Products yields all products by id.
func (e Export) Products(ctx context.Context) iter.Seq2[ProductRow, error] {
	return mapped(e.DB.Catalog().Products(ctx), func(p catalog.Entry) ProductRow {
		return ProductRow{int64(p.ID), p.Barcode, p.Artist, p.Album, p.CoverType, p.PriceCategory, p.ReleaseType,
			p.RecordingDecade, p.ReleaseDecade, p.Style, int64(p.RecordingYear)}
	})
}

// Monthly yields the features of all stored months, with the stock at their
// ends.
func (e Export) Monthly(ctx context.Context) iter.Seq2[MonthlyRow, error] {
	return func(yield func(MonthlyRow, error) bool) {
		var stock map[catalog.ID]int
		month := calendar.Month(-1)
		for f, err := range e.DB.Facts().Features(ctx, 0, lastMonth) {
			if err == nil && f.Month != month {
				month = f.Month
				stock, err = e.closing(ctx, month)
			}
			if err != nil {
				yield(MonthlyRow{}, fault.Wrap("app.Export", err))
				return
			}
			row := MonthlyRow{f.Month.String(), int64(f.Product), int64(f.Sales), f.Availability, f.Confidence, f.MaskedMeanItems,
				f.MaskedMeanRub, f.LostSalesRub, f.LostSalesItems, f.Price, int64(f.ExtrapolatedSales), int64(f.DaysObserved),
				int64(stock[f.Product])}
			if !yield(row, nil) {
				return
			}
		}
	}
}

// closing is the stock after the last observed day of a month.
func (e Export) closing(ctx context.Context, m calendar.Month) (map[catalog.ID]int, error) {
	held, err := e.DB.Facts().Openings(ctx, m)
	if err != nil {
		return nil, err
	}
	stock := map[catalog.ID]int{}
	for _, h := range held {
		stock[h.Product] = h.Value
	}
	for f, err := range e.DB.Facts().Movements(ctx, m, m) {
		if err != nil {
			return nil, err
		}
		stock[f.Product] += f.Value
	}
	return stock, nil
}

// Forecasts yields all stored forecasts.
func (e Export) Forecasts(ctx context.Context) iter.Seq2[ForecastRow, error] {
	return mapped(e.DB.Forecasts().Forecasts(ctx, 0, lastMonth, ""), forecastRow)
}

func forecastRow(f forecast.Forecast) ForecastRow {
	q := f.Quantiles
	return ForecastRow{int64(f.Product), f.Month.String(), f.ModelID, q[0], q[1], q[2], q[3], q[4], f.Method,
		f.Distribution.Expected, f.Distribution.Size, distributionText(f.Distribution)}
}

// distributionText is a distribution without the mean and the size, which have
// columns of their own; "" for one that is not of numbers.
func distributionText(d forecast.Distribution) string {
	text, err := json.Marshal(struct {
		Probs  []float64 `json:"probs,omitempty"`
		Levels []float64 `json:"levels,omitempty"`
		Values []float64 `json:"values,omitempty"`
	}{d.Probs, d.Levels, d.Values})
	if err != nil {
		return ""
	}
	return string(text)
}

// Sales yields the copies sold, by day.
func (e Export) Sales(ctx context.Context) iter.Seq2[FactRow, error] {
	return mapped(e.DB.Facts().Sales(ctx, 0, lastMonth), factRow)
}

// Movements yields arrivals minus sales, by day.
func (e Export) Movements(ctx context.Context) iter.Seq2[FactRow, error] {
	return mapped(e.DB.Facts().Movements(ctx, 0, lastMonth), factRow)
}

func factRow(f ledger.Fact) FactRow { return FactRow{int64(f.Product), f.Day.String(), int64(f.Value)} }

// Openings yields the stock at the start of every stored month.
func (e Export) Openings(ctx context.Context) iter.Seq2[OpeningRow, error] {
	return func(yield func(OpeningRow, error) bool) {
		months, err := e.DB.Facts().Months(ctx)
		if err != nil {
			yield(OpeningRow{}, err)
			return
		}
		for _, m := range months {
			held, err := e.DB.Facts().Openings(ctx, m.Month)
			if err != nil {
				yield(OpeningRow{}, err)
				return
			}
			for _, h := range held {
				if !yield(OpeningRow{m.Month.String(), int64(h.Product), int64(h.Value)}, nil) {
					return
				}
			}
		}
	}
}

// Daily yields every product's days on which something moved, month by month,
// with the stock that follows from the month's opening.
func (e Export) Daily(ctx context.Context) iter.Seq2[DailyRow, error] {
	return func(yield func(DailyRow, error) bool) {
		months, err := e.DB.Facts().Months(ctx)
		if err != nil {
			yield(DailyRow{}, err)
			return
		}
		for _, m := range months {
			rows, err := e.month(ctx, m.Month)
			if err != nil {
				yield(DailyRow{}, err)
				return
			}
			for _, r := range rows {
				if !yield(r, nil) {
					return
				}
			}
		}
	}
}

// month are the daily rows of one month, by day, then product.
func (e Export) month(ctx context.Context, m calendar.Month) ([]DailyRow, error) {
	held, err := e.DB.Facts().Openings(ctx, m)
	if err != nil {
		return nil, err
	}
	type key struct {
		day     calendar.Day
		product catalog.ID
	}
	type moved struct{ sales, movement int }
	days := map[key]moved{} // sales without movement are days on which as many copies came
	for f, err := range e.DB.Facts().Sales(ctx, m, m) {
		if err != nil {
			return nil, err
		}
		days[key{f.Day, f.Product}] = moved{sales: f.Value}
	}
	for f, err := range e.DB.Facts().Movements(ctx, m, m) {
		if err != nil {
			return nil, err
		}
		k := key{f.Day, f.Product}
		days[k] = moved{days[k].sales, f.Value}
	}
	stock := map[catalog.ID]int{}
	for _, h := range held {
		stock[h.Product] = h.Value
	}
	keys := slices.SortedFunc(maps.Keys(days), func(a, b key) int {
		return cmp.Or(cmp.Compare(a.day, b.day), cmp.Compare(a.product, b.product))
	})
	rows := make([]DailyRow, len(keys))
	for i, k := range keys {
		d := days[k]
		rows[i] = DailyRow{int64(k.product), k.day.String(), int64(d.sales), int64(d.movement), int64(stock[k.product])}
		stock[k.product] += d.movement
	}
	return rows, nil
}

// lastMonth is the last month that can be written, December 9999.
const lastMonth = calendar.Month(9999*12 + 11)

func mapped[T, U any](rows iter.Seq2[T, error], f func(T) U) iter.Seq2[U, error] {
	return func(yield func(U, error) bool) {
		for row, err := range rows {
			if err != nil {
				var zero U
				yield(zero, fault.Wrap("app.Export", err))
				return
			}
			if !yield(f(row), nil) {
				return
			}
		}
	}
}
