package ledger

import (
	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/catalog"
)

// Fact is a product's daily count: copies sold (> 0), or movement, arrivals
// minus sales (≠ 0). Zero days are not stored.
type Fact struct {
	Product catalog.ID   `json:"multiindex_id"`
	Day     calendar.Day `json:"data_date"`
	Value   int          `json:"value"`
}

// Holding is a product's positive stock in copies, at the start of a day that
// the context names.
type Holding struct {
	Product catalog.ID `json:"multiindex_id"`
	Value   int        `json:"value"`
}

// StoredMonth says what is stored of one month.
type StoredMonth struct {
	Month        calendar.Month `json:"month"`
	Digest       string         `json:"content_digest"` // of the multiset of its sales rows
	RunID        string         `json:"run_id"`
	DaysObserved int            `json:"days_observed"` // fewer than the month's days: incomplete
	Rows         int            `json:"rows"`          // accepted sales rows
}

// Complete reports whether every day of the month was observed.
func (m StoredMonth) Complete() bool { return m.DaysObserved >= m.Month.Days() }
