// Package report turns what is stored into the page that a shop reads before it
// orders: what is expected of every record, what to order because of it, what
// that would bring, how sure it is, and how good earlier forecasts were.
//
// A report is a value. A Builder is given the products, the forecasts of one
// month, and then, in any order of products, monthly features and earlier
// forecasts; Report computes the rest. Everything is arithmetic on what was
// observed and forecast: renderers only choose words and places.
//
// Sums over products. A sum's interval is not the sum of the intervals. The
// products' distributions are added as independent ones: exactly, by
// convolution, while that is cheap; for many products by their first three
// moments (Cornish and Fisher's expansion of the normal quantile). What all
// products have in common, a bad December say, is not in it; the accuracy of
// past totals shows how much that matters.
package report

import (
	"time"

	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/catalog"
	"github.com/plastinka/predictor/domain/forecast"
	"github.com/plastinka/predictor/domain/ledger"
	"github.com/plastinka/predictor/domain/panel"
)

// Window is how many months before the forecast month a report looks back.
const Window = 36

// DefaultLevel is the quantile of demand that a suggested restock covers.
const DefaultLevel = 0.75

// Reason says why a record should be ordered; "" when it need not be.
type Reason string

// The reasons.
const (
	SoldOut Reason = "sold_out" // nothing is left
	Short   Reason = "short"    // less is left than the median forecast
	Buffer  Reason = "buffer"   // the median is covered, the chosen level is not
)

// Row is one product of the report. Nil means unknown.
type Row struct {
	catalog.Entry
	Method    string     `json:"method"`
	Quantiles [5]float64 `json:"quantiles"` // at forecast.Levels, copies
	Mean      float64    `json:"mean"`      // copies
	FromStock *float64   `json:"expected_from_stock"`

	SalesLast *int           `json:"sales_last_month"` // copies, the month before
	SalesYear *int           `json:"sales_last_year"`  // copies, the same month a year before
	Sold      *int           `json:"sold"`             // copies, the forecast month itself once it is stored
	Last      *panel.Feature `json:"last_month"`       // the month before; nil if neither on hand nor sold
	Price     *float64       `json:"price"`            // RUB, the last known

	Stock   *int    `json:"stock"`   // copies at the start of StockDay
	Restock *int    `json:"restock"` // copies to order
	Reason  Reason  `json:"reason,omitempty"`
	Gain    float64 `json:"gain"` // copies expected to be sold more with the restock than without

	Series []int `json:"series"` // copies sold in the months of History
}

// Value is the price of n copies in RUB, 0 while the price is unknown.
func (r *Row) Value(n float64) float64 {
	if r.Price == nil {
		return 0
	}
	return n * *r.Price
}

// Order is the suggested restock in copies, 0 where none is known.
func (r *Row) Order() int {
	if r.Restock == nil {
		return 0
	}
	return *r.Restock
}

// Sum is what is expected of several products together.
type Sum struct {
	Mean      float64    `json:"mean"`
	Quantiles [5]float64 `json:"quantiles"` // at forecast.Levels
	Method    string     `json:"method"`    // "convolution" or "moments"
}

// Totals are the report in one line.
type Totals struct {
	Products     int     `json:"products"`
	Copies       Sum     `json:"copies"`
	Rub          Sum     `json:"rub"`                 // at the products' last known prices
	Unpriced     int     `json:"unpriced"`            // products without a known price, not in the amounts
	FromStock    float64 `json:"expected_from_stock"` // copies, if nothing is ordered
	FromStockRub float64 `json:"expected_from_stock_rub"`
	Stock        int     `json:"stock"`
	Titles       int     `json:"restock_titles"` // products to order
	Restock      int     `json:"restock"`        // copies to order
	RestockRub   float64 `json:"restock_rub"`    // at shelf prices
	Gain         float64 `json:"gain"`           // copies expected to be sold more with the restock
	GainRub      float64 `json:"gain_rub"`
	SalesLast    *int    `json:"sales_last_month"`
	SalesYear    *int    `json:"sales_last_year"`
	Sold         *int    `json:"sold"`
	LostRub      float64 `json:"lost_sales_rub"` // last month
}

// HistoryMonth is what happened in a month.
type HistoryMonth struct {
	Month        calendar.Month `json:"month"`
	Stored       bool           `json:"stored"`
	Incomplete   bool           `json:"incomplete"` // not all of its days were observed
	Sales        int            `json:"sales"`
	Availability float64        `json:"availability"` // mean over the products on hand or sold
	LostRub      float64        `json:"lost_sales_rub"`
	LostItems    float64        `json:"lost_sales_items"`
	Products     int            `json:"products"` // on hand or sold
}

// Group is the products that share an attribute.
type Group struct {
	Name      string  `json:"name"`
	Products  int     `json:"products"`
	Copies    Sum     `json:"copies"`
	SalesLast *int    `json:"sales_last_month"`
	SalesYear *int    `json:"sales_last_year"`
	Stock     int     `json:"stock"`
	Restock   int     `json:"restock"`
	Rub       float64 `json:"restock_rub"`
	Past      Scores  `json:"past"` // how good earlier forecasts of the group were
}

// Report is all that a renderer needs.
type Report struct {
	Month       calendar.Month     `json:"prediction_month"`
	Level       float64            `json:"restock_quantile"`
	ModelID     string             `json:"model_id"`
	ResultID    string             `json:"result_id"`
	Filters     Filters            `json:"filters_applied"`
	GeneratedAt time.Time          `json:"generated_at"`
	StockDay    calendar.Day       `json:"stock_day,omitzero"` // 0: no stock is known
	Rows        []Row              `json:"rows"`               // by artist, album, id
	Totals      Totals             `json:"totals"`
	History     []HistoryMonth     `json:"history"` // ascending, up to the month before
	Styles      []Group            `json:"styles"`  // by expected copies, descending
	Decades     []Group            `json:"decades"` // of the recording, ascending
	Accuracy    Accuracy           `json:"accuracy"`
	Backtest    *forecast.Backtest `json:"backtest,omitempty"`
}

// LastMonth is the last month of the history: the one before the forecast's.
func (r *Report) LastMonth() HistoryMonth {
	if len(r.History) == 0 {
		return HistoryMonth{Month: r.Month - 1}
	}
	return r.History[len(r.History)-1]
}

// Facts are the parts of a report that are given as they are.
type Facts struct {
	Month       calendar.Month
	Level       float64 // 0: DefaultLevel
	ModelID     string
	ResultID    string
	Filters     Filters
	GeneratedAt time.Time
	Products    []catalog.Entry      // all; the filters choose
	Forecasts   []forecast.Forecast  // of Month, at most one a product
	Months      []ledger.StoredMonth // all stored
	StockDay    calendar.Day         // 0: no stock is known
	Stock       []ledger.Holding     // at the start of StockDay
	Backtest    *forecast.Backtest   // may be nil
}
