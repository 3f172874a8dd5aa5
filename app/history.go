package app

import (
	"context"
	"iter"

	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/catalog"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/forecast"
	"github.com/plastinka/predictor/domain/panel"
	"github.com/plastinka/predictor/ports"
)

// History is what was forecast of the products and what then happened.
type History struct {
	DB ports.Database
}

// HistoryRequest selects products with forecasts. Bounds are inclusive and
// hold for what happened too.
type HistoryRequest struct {
	Product  catalog.ID      // 0: all
	From, To *calendar.Month // nil: no bound
	Happened bool            // with the features of the months
	After    catalog.ID      // only products after this one
	Limit    int             // how many products; 0: all
}

// ProductHistory is one product's.
type ProductHistory struct {
	catalog.Entry
	Forecasts []forecast.Forecast // by month and model, without distributions
	Features  []panel.Feature     // by month
}

// HistoryPage is what a request found. Items may be read once, after the rest.
type HistoryPage struct {
	Total       int // products in all pages
	First, Last calendar.Month
	// Items yields the products by id; they are read chunk by chunk, so that
	// all of them never have to fit into memory.
	Items iter.Seq2[ProductHistory, error]
	// Next is the id to give as After for the next page; 0 on the last one.
	Next catalog.ID
}

// historyChunk is how many products are read at once.
const historyChunk = 500

// Find is NotFound (no_predictions_found) if no product of the range has a
// forecast.
func (h *History) Find(ctx context.Context, q HistoryRequest) (HistoryPage, error) {
	r := ports.ForecastRange{From: 0, To: lastMonth, Product: q.Product}
	if q.From != nil {
		r.From = *q.From
	}
	if q.To != nil {
		r.To = *q.To
	}
	extent, err := h.DB.Forecasts().Extent(ctx, r)
	if err != nil {
		return HistoryPage{}, fault.Wrap("app.History", err)
	}
	if extent.Products == 0 {
		return HistoryPage{}, fault.New(fault.NotFound, "no_predictions_found",
			"there are no forecasts in the range asked for; train a model, or ask for other months")
	}
	page := HistoryPage{Total: extent.Products, First: extent.First, Last: extent.Last}
	wanted := q.Limit
	if wanted > 0 {
		wanted++ // one more, to know whether there is a next page
	}
	ids, err := h.DB.Forecasts().ProductsIn(ctx, r, q.After, wanted)
	if err != nil {
		return HistoryPage{}, fault.Wrap("app.History", err)
	}
	if q.Limit > 0 && len(ids) > q.Limit {
		ids = ids[:q.Limit]
		page.Next = ids[len(ids)-1]
	}
	page.Items = func(yield func(ProductHistory, error) bool) {
		for len(ids) > 0 {
			chunk := ids[:min(historyChunk, len(ids))]
			ids = ids[len(chunk):]
			items, err := h.read(ctx, chunk, r, q.Happened)
			if err != nil {
				yield(ProductHistory{}, fault.Wrap("app.History", err))
				return
			}
			for _, item := range items {
				if !yield(item, nil) {
					return
				}
			}
		}
	}
	return page, nil
}

// read gathers the histories of a chunk of products.
func (h *History) read(ctx context.Context, ids []catalog.ID, r ports.ForecastRange, happened bool) ([]ProductHistory, error) {
	entries, err := h.DB.Catalog().Entries(ctx, ids)
	if err != nil {
		return nil, err
	}
	items := make([]ProductHistory, len(entries))
	at := make(map[catalog.ID]*ProductHistory, len(entries))
	for i, e := range entries {
		items[i].Entry = e
		at[e.ID] = &items[i]
	}
	forecasts, err := h.DB.Forecasts().ForecastsOf(ctx, ids, r.From, r.To)
	if err != nil {
		return nil, err
	}
	for _, f := range forecasts {
		if item := at[f.Product]; item != nil {
			item.Forecasts = append(item.Forecasts, f)
		}
	}
	if !happened {
		return items, nil
	}
	features, err := h.DB.Facts().FeaturesOf(ctx, ids, r.From, r.To)
	for _, f := range features {
		if item := at[f.Product]; item != nil {
			item.Features = append(item.Features, f)
		}
	}
	return items, err
}
