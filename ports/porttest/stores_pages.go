package porttest

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/catalog"
	"github.com/plastinka/predictor/domain/forecast"
	"github.com/plastinka/predictor/domain/panel"
	"github.com/plastinka/predictor/ports"
)

// testPages: what is asked for page by page is the same as what is read whole.
func testPages(t *testing.T, u StoresUnderTest) {
	ctx := t.Context()
	nov, dec, jan := calendar.MonthOf(2025, 11), calendar.MonthOf(2025, 12), calendar.MonthOf(2026, 1)
	db := u.Open(t)
	ids := products(t, db, 7)
	for _, m := range []ports.MonthContent{month(2025, 11, ids[:5]), month(2025, 12, ids[2:]), month(2026, 1, ids)} {
		require.NoError(t, db.Facts().PutMonth(ctx, m))
	}
	var put []forecast.Forecast
	for i, id := range ids {
		for _, m := range []calendar.Month{dec, jan} {
			if i == 3 || i == 5 && m == dec {
				continue // no forecasts at all; none for December
			}
			for _, model := range []string{"a", "b"} {
				put = append(put, forecast.Forecast{Product: id, Month: m, ModelID: model, Method: "tide", Quantiles: [5]float64{0, 1, 2, 3, float64(i)}})
			}
		}
	}
	require.NoError(t, db.Forecasts().Put(ctx, put))

	t.Run("entries", func(t *testing.T) {
		got, err := db.Catalog().Entries(ctx, []catalog.ID{ids[4], ids[1], 9999, ids[1]})
		require.NoError(t, err)
		require.Equal(t, []catalog.Entry{{ID: ids[1], Product: product(1)}, {ID: ids[4], Product: product(4)}}, got)
		got, err = db.Catalog().Entries(ctx, nil)
		require.NoError(t, err)
		require.Empty(t, got)
	})
	t.Run("features", func(t *testing.T) {
		got, err := db.Facts().FeaturesOf(ctx, []catalog.ID{ids[6], ids[1]}, nov, dec)
		require.NoError(t, err)
		require.Equal(t, [][2]int{{int(ids[1]), int(nov)}, {int(ids[6]), int(dec)}}, where(got))
		whole := all(t, db.Facts().Features(ctx, dec, dec))
		require.Contains(t, whole, got[1])
		for _, none := range [][2]calendar.Month{{jan + 1, jan + 9}, {dec, nov}} {
			got, err = db.Facts().FeaturesOf(ctx, ids, none[0], none[1])
			require.NoError(t, err)
			require.Empty(t, got)
		}
		got, err = db.Facts().FeaturesOf(ctx, ids, 0, lastMonth)
		require.NoError(t, err)
		require.Len(t, got, 5+5+7)
	})
	t.Run("forecasts", func(t *testing.T) {
		got, err := db.Forecasts().ForecastsOf(ctx, []catalog.ID{ids[5], ids[0], ids[3]}, dec, jan)
		require.NoError(t, err)
		require.Len(t, got, 4+2)
		require.Equal(t, put[:4], got[:4], "by product, month and model")
		require.Equal(t, ids[5], got[4].Product)
		got, err = db.Forecasts().ForecastsOf(ctx, nil, dec, jan)
		require.NoError(t, err)
		require.Empty(t, got)
	})
	t.Run("extent", func(t *testing.T) {
		for _, c := range []struct {
			in   ports.ForecastRange
			want ports.ForecastExtent
		}{
			{ports.ForecastRange{From: 0, To: lastMonth}, ports.ForecastExtent{Products: 6, First: dec, Last: jan}},
			{ports.ForecastRange{From: dec, To: dec}, ports.ForecastExtent{Products: 5, First: dec, Last: dec}},
			{ports.ForecastRange{From: 0, To: lastMonth, Product: ids[5]}, ports.ForecastExtent{Products: 1, First: jan, Last: jan}},
			{ports.ForecastRange{From: dec, To: dec, Product: ids[5]}, ports.ForecastExtent{}},
			{ports.ForecastRange{From: jan + 1, To: jan + 2}, ports.ForecastExtent{}},
		} {
			got, err := db.Forecasts().Extent(ctx, c.in)
			require.NoError(t, err)
			require.Equal(t, c.want, got, "%+v", c.in)
		}
	})
	t.Run("products with forecasts", func(t *testing.T) {
		whole := ports.ForecastRange{From: dec, To: jan}
		page, err := db.Forecasts().ProductsIn(ctx, whole, 0, 4)
		require.NoError(t, err)
		require.Equal(t, []catalog.ID{ids[0], ids[1], ids[2], ids[4]}, page)
		page, err = db.Forecasts().ProductsIn(ctx, whole, page[3], 4)
		require.NoError(t, err)
		require.Equal(t, []catalog.ID{ids[5], ids[6]}, page)
		page, err = db.Forecasts().ProductsIn(ctx, ports.ForecastRange{From: dec, To: dec}, 0, 0)
		require.NoError(t, err)
		require.Equal(t, []catalog.ID{ids[0], ids[1], ids[2], ids[4], ids[6]}, page)
	})
}

func where(features []panel.Feature) (at [][2]int) {
	for _, f := range features {
		at = append(at, [2]int{int(f.Product), int(f.Month)})
	}
	return at
}
