package forecast

import (
	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/catalog"
)

// Levels are the five quantile levels of every stored forecast.
var Levels = [5]float64{0.05, 0.25, 0.5, 0.75, 0.95}

// Forecast is what is expected of one product in one month: demand in copies
// if the record can be bought all month.
type Forecast struct {
	Product   catalog.ID     `json:"multiindex_id"`
	Month     calendar.Month `json:"prediction_month"`
	ModelID   string         `json:"model_id"`
	Quantiles [5]float64     `json:"quantiles"` // at Levels, copies, ascending
	Method    string         `json:"method"`    // what made it, e.g. "tide", "ensemble(regression 0.5, tide 0.5)"
	// Distribution is the whole predictive distribution; its Mean and, where it
	// is a single negative binomial, its Size are stored beside it.
	Distribution Distribution `json:"distribution"`
}
