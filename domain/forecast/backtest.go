package forecast

import "github.com/plastinka/predictor/domain/calendar"

// Backtest is the table of a back-test: every method's scores on the same
// product-months, overall and by demand class, with standard errors.
type Backtest struct {
	Origins []calendar.Month `json:"origins"` // the months that were forecast
	Cells   int              `json:"cells"`   // product-months scored
	Chosen  string           `json:"chosen"`  // the product's own choice
	Best    string           `json:"best"`    // the best simple baseline, by pinball
	Rows    []BacktestRow    `json:"rows"`
	// Forecasts are what was forecast, for those who want to score it otherwise;
	// kept in a file, not in the table.
	Forecasts []BacktestForecast `json:"-"`
}

// BacktestRow is one method within one class of products.
type BacktestRow struct {
	Method     string  `json:"method"`
	Class      string  `json:"class"` // "all", smooth, erratic, intermittent, lumpy, new, partly_available
	Cells      int     `json:"cells"`
	Pinball    float64 `json:"pinball"` // mean over the five levels, copies
	WQL        float64 `json:"wql"`     // over the deciles
	Coverage50 float64 `json:"coverage_50"`
	Coverage90 float64 `json:"coverage_90"`
	WAPE       float64 `json:"wape"` // of the mean
	Bias       float64 `json:"bias"` // mean forecast − mean sales, copies
	WAPEMedian float64 `json:"wape_median"`
	BiasMedian float64 `json:"bias_median"`
	RMSSE      float64 `json:"rmsse"`
	Scaled     float64 `json:"scaled_pinball"`
	MASE       float64 `json:"mase"` // with a warning: zeros win it on intermittent demand
	// Difference is Pinball minus the best simple baseline's, with its standard
	// error by paired bootstrap over products.
	Difference      float64 `json:"difference"`
	DifferenceError float64 `json:"difference_error"`
}

// BacktestForecast is one forecast of a back-test beside what was sold.
type BacktestForecast struct {
	Product   int            `json:"product"` // index in the panel
	Month     calendar.Month `json:"month"`
	Method    string         `json:"method"`
	Quantiles [5]float64     `json:"quantiles"`
	Mean      float64        `json:"mean"`
	Actual    float64        `json:"actual"`
}
