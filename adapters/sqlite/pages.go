package sqlite

import (
	"context"
	"database/sql"

	"github.com/uptrace/bun"

	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/catalog"
	"github.com/plastinka/predictor/domain/forecast"
	"github.com/plastinka/predictor/domain/panel"
	"github.com/plastinka/predictor/ports"
)

// Pages of products: everything here is found by the primary keys, so that a
// page costs the same wherever it lies and however much there is.

// Entries are the products of the given ids, by id.
func (c *Catalog) Entries(ctx context.Context, ids []catalog.ID) ([]catalog.Entry, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	q := c.entries().Where("multiindex_id IN (?)", bun.List(ids)).OrderExpr("multiindex_id")
	return collect(stream(ctx, c.s, "Entries", q, scanEntry))
}

// FeaturesOf are the features of the given products, by product, then month.
func (f *Facts) FeaturesOf(ctx context.Context, ids []catalog.ID, from, to calendar.Month) ([]panel.Feature, error) {
	first, last, ok, err := f.s.bounds(ctx, "report_features", "data_date", from, to, 0)
	if err != nil || !ok || len(ids) == 0 {
		return nil, translate(ctx, "FeaturesOf", err)
	}
	// The key begins with the month: naming the months makes every row a look-up.
	months := make([]string, 0, last-first+1)
	for m := first; m <= last; m++ {
		months = append(months, m.String())
	}
	q := f.s.read.NewSelect().TableExpr("report_features").ColumnExpr(featureColumns).
		Where("data_date IN (?)", bun.List(months)).Where("multiindex_id IN (?)", bun.List(ids)).
		OrderExpr("multiindex_id, data_date")
	return collect(stream(ctx, f.s, "FeaturesOf", q, scanFeature))
}

func scanFeature() func(*sql.Rows) (panel.Feature, error) {
	var days days
	return func(rows *sql.Rows) (x panel.Feature, err error) {
		var month string
		err = rows.Scan(&month, &x.Product, &x.Sales, &x.Availability, &x.Confidence, &x.MaskedMeanItems, &x.MaskedMeanRub,
			&x.LostSalesRub, &x.LostSalesItems, &x.Price, &x.ExtrapolatedSales, &x.DaysObserved)
		if err == nil {
			x.Month, err = days.month(month)
		}
		return x, err
	}
}

// bounds are the first and the last month of a table within a range, ok being
// false if there is none. Each is asked for alone: only then the index answers.
func (s *session) bounds(ctx context.Context, table, column string, from, to calendar.Month, product catalog.ID) (first, last calendar.Month, ok bool, err error) {
	var days days
	for function, into := range map[string]*calendar.Month{"min": &first, "max": &last} {
		var month sql.NullString
		q := s.read.NewSelect().TableExpr(table).ColumnExpr(function+"(?)", bun.Ident(column)).
			Where("? BETWEEN ? AND ?", bun.Ident(column), from.String(), to.String())
		if product != 0 {
			q = q.Where("multiindex_id = ?", int64(product))
		}
		if err := q.Scan(ctx, &month); err != nil || !month.Valid {
			return 0, 0, false, err
		}
		if *into, err = days.month(month.String); err != nil {
			return 0, 0, false, err
		}
	}
	return first, last, true, nil
}

// Extent is how much there is in a range.
func (f *Forecasts) Extent(ctx context.Context, r ports.ForecastRange) (e ports.ForecastExtent, err error) {
	var ok bool
	if e.First, e.Last, ok, err = f.s.bounds(ctx, "fact_predictions", "prediction_month", r.From, r.To, r.Product); err != nil || !ok {
		return ports.ForecastExtent{}, translate(ctx, "Extent", err)
	}
	count, err := f.within(r).Count(ctx)
	e.Products = int(count)
	return e, translate(ctx, "Extent", err)
}

// ProductsIn are the first products after the id after with forecasts in a range.
func (f *Forecasts) ProductsIn(ctx context.Context, r ports.ForecastRange, after catalog.ID, limit int) ([]catalog.ID, error) {
	q := f.within(r).ColumnExpr("d.multiindex_id").Where("d.multiindex_id > ?", int64(after)).OrderExpr("d.multiindex_id")
	if limit > 0 {
		q = q.Limit(int64(limit))
	}
	return collect(stream(ctx, f.s, "ProductsIn", q, func() func(*sql.Rows) (catalog.ID, error) {
		return func(rows *sql.Rows) (id catalog.ID, err error) {
			err = rows.Scan(&id)
			return id, err
		}
	}))
}

// within selects the products with forecasts in a range, by one look-up each.
func (f *Forecasts) within(r ports.ForecastRange) *bun.SelectQuery {
	q := f.s.read.NewSelect().TableExpr("dim_multiindex_mapping AS d").
		Where("EXISTS (SELECT 1 FROM fact_predictions AS p WHERE p.multiindex_id = d.multiindex_id AND p.prediction_month BETWEEN ? AND ?)",
			r.From.String(), r.To.String())
	if r.Product != 0 {
		q = q.Where("d.multiindex_id = ?", int64(r.Product))
	}
	return q
}

// ForecastsOf are the forecasts of the given products, by product, month and
// model, without their distributions.
func (f *Forecasts) ForecastsOf(ctx context.Context, ids []catalog.ID, from, to calendar.Month) ([]forecast.Forecast, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	q := f.s.read.NewSelect().TableExpr("fact_predictions").
		ColumnExpr("multiindex_id, prediction_month, model_id, quantile_05, quantile_25, quantile_50, quantile_75, quantile_95, method").
		Where("multiindex_id IN (?)", bun.List(ids)).Where("prediction_month BETWEEN ? AND ?", from.String(), to.String()).
		OrderExpr("multiindex_id, prediction_month, model_id")
	return collect(stream(ctx, f.s, "ForecastsOf", q, func() func(*sql.Rows) (forecast.Forecast, error) {
		var days days
		return func(rows *sql.Rows) (x forecast.Forecast, err error) {
			var month string
			v := &x.Quantiles
			if err = rows.Scan(&x.Product, &month, &x.ModelID, &v[0], &v[1], &v[2], &v[3], &v[4], &x.Method); err == nil {
				x.Month, err = days.month(month)
			}
			return x, err
		}
	}))
}
