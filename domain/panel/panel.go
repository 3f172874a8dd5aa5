// Package panel has the multi-index time series: products × months, and the
// monthly features that are computed from daily facts.
package panel

import (
	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/catalog"
)

// Feature is one row of report_features: what is known about a product in a
// month. Observations only: nothing estimated but ExtrapolatedSales, which is
// named as such and kept apart.
type Feature struct {
	Month             calendar.Month `json:"data_date"`
	Product           catalog.ID     `json:"multiindex_id"`
	Sales             int            `json:"sales"`                   // copies
	Availability      float64        `json:"availability"`            // share of observed days, 0–1
	Confidence        float64        `json:"confidence"`              // mean of min(on hand, 5)/5
	MaskedMeanItems   float64        `json:"masked_mean_sales_items"` // copies per available day
	MaskedMeanRub     float64        `json:"masked_mean_sales_rub"`   // RUB per available day
	LostSalesRub      float64        `json:"lost_sales"`              // RUB
	LostSalesItems    float64        `json:"lost_sales_items"`        // copies
	Price             float64        `json:"price"`                   // RUB, mean
	DaysObserved      int            `json:"days_observed"`
	ExtrapolatedSales int            `json:"extrapolated_sales"` // copies
}

// Panel is the training data: N products × T contiguous months. All series are
// row-major, index product·T + month, and have N·T values. A Panel is
// read-only once built and safe for concurrent readers.
type Panel struct {
	First    calendar.Month    // the month of column 0
	T        int               // number of months
	IDs      []catalog.ID      // N; may be nil for a panel without a database
	Products []catalog.Product // N; attributes are "" / 0 where unknown

	Sales        []float32 // copies sold, the target y (R22); 0 before the first appearance
	Availability []float32 // 0–1; 0: could not be bought, which is missing, not zero demand
	Confidence   []float32 // 0–1, how deep the stock was
	Stock        []float32 // copies on hand at the end of the month; nil if unknown
}

// N is the number of products.
func (p *Panel) N() int { return len(p.Products) }

// At is the index of a product's month in the series.
func (p *Panel) At(product, month int) int { return product*p.T + month }

// Month is the calendar month of a column; columns after the last are the
// months that follow.
func (p *Panel) Month(column int) calendar.Month { return p.First + calendar.Month(column) }

// Until is the panel with its first t columns only: what was known then.
// The copy shares nothing with p, so that a forecast from it cannot see later.
func (p *Panel) Until(t int) *Panel {
	q := &Panel{First: p.First, T: t, IDs: p.IDs, Products: p.Products}
	cut := func(x []float32) []float32 {
		if x == nil {
			return nil
		}
		y := make([]float32, p.N()*t)
		for i := range p.N() {
			copy(y[i*t:(i+1)*t], x[i*p.T:i*p.T+t])
		}
		return y
	}
	q.Sales, q.Availability, q.Confidence, q.Stock = cut(p.Sales), cut(p.Availability), cut(p.Confidence), cut(p.Stock)
	return q
}
