package app_test

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plastinka/predictor/adapters/sqlite"
	"github.com/plastinka/predictor/app"
	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/catalog"
	"github.com/plastinka/predictor/domain/forecast"
)

// TestExportedForecastsAreTheWholeTable: the columns of fact_predictions in
// their order (§4.2), the distribution included.
func TestExportedForecastsAreTheWholeTable(t *testing.T) {
	db, err := sqlite.OpenMemory(t.Context())
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	ids, err := db.Catalog().AddProducts(t.Context(), []catalog.Product{{Artist: "Кино"}, {Artist: "Алиса"}})
	require.NoError(t, err)
	counts := forecast.Distribution{Probs: []float64{0.5, 0.25, 0.25}, Expected: 0.75, Size: 2}
	curve := forecast.Distribution{Levels: []float64{0.05, 0.95}, Values: []float64{0.5, 3}, Expected: 1.75}
	month := calendar.MonthOf(2026, 4)
	require.NoError(t, db.Forecasts().Put(t.Context(), []forecast.Forecast{
		{Product: ids[0], Month: month, ModelID: "m", Quantiles: [5]float64{0, 0, 0, 1, 2}, Method: "tide", Distribution: counts},
		{Product: ids[1], Month: month, ModelID: "m", Quantiles: [5]float64{1, 1, 2, 2, 3}, Method: "own", Distribution: curve},
	}))

	var rows []app.ForecastRow
	for row, err := range (app.Export{DB: db}).Forecasts(t.Context()) {
		require.NoError(t, err)
		rows = append(rows, row)
	}
	require.Equal(t, []app.ForecastRow{
		{int64(ids[0]), "2026-04-01", "m", 0, 0, 0, 1, 2, "tide", 0.75, 2, `{"probs":[0.5,0.25,0.25]}`},
		{int64(ids[1]), "2026-04-01", "m", 1, 1, 2, 2, 3, "own", 1.75, 0, `{"levels":[0.05,0.95],"values":[0.5,3]}`},
	}, rows)

	var names []string
	for i := range reflect.TypeFor[app.ForecastRow]().NumField() {
		names = append(names, reflect.TypeFor[app.ForecastRow]().Field(i).Tag.Get("json"))
	}
	require.Equal(t, []string{"multiindex_id", "prediction_month", "model_id", "quantile_05", "quantile_25", "quantile_50", "quantile_75",
		"quantile_95", "method", "mean", "size", "distribution"}, names)
}
