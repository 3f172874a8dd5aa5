package app

import (
	"context"

	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/catalog"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/panel"
	"github.com/plastinka/predictor/ports"
)

// Products is the catalogue with what is known of each product now.
type Products struct {
	DB ports.Database
}

// ProductQuery selects products.
type ProductQuery struct {
	Text   string     // every word of it occurs in some attribute; "": all
	After  catalog.ID // only products after this one
	Limit  int        // how many; at least 1
	Months int        // how many of the last stored months
}

// ProductNow is a product with its stock and its last months.
type ProductNow struct {
	catalog.Entry
	Stock  *int            // copies at the start of StockDay; nil: no stock is known
	Months []panel.Feature // ascending; only months in which it was on hand or sold
}

// ProductPage is a page of products.
type ProductPage struct {
	Products []ProductNow
	Total    int           // in all pages
	StockDay *calendar.Day // nil: no stock is known
	Next     catalog.ID    // After of the next page; 0 on the last one
}

// Find is a page of products by id.
func (p *Products) Find(ctx context.Context, q ProductQuery) (page ProductPage, err error) {
	found, total, err := p.DB.Catalog().Search(ctx, q.Text, q.After, q.Limit+1)
	if err != nil {
		return page, fault.Wrap("app.Products", err)
	}
	page.Total = total
	if len(found) > q.Limit {
		found = found[:q.Limit]
		page.Next = found[len(found)-1].ID
	}
	ids := make([]catalog.ID, len(found))
	at := make(map[catalog.ID]*ProductNow, len(found))
	page.Products = make([]ProductNow, len(found))
	for i, e := range found {
		ids[i] = e.ID
		page.Products[i].Entry = e
		at[e.ID] = &page.Products[i]
	}
	if err := p.stock(ctx, &page, at); err != nil {
		return page, fault.Wrap("app.Products", err)
	}
	return page, fault.Wrap("app.Products", p.months(ctx, q.Months, ids, at))
}

func (p *Products) stock(ctx context.Context, page *ProductPage, at map[catalog.ID]*ProductNow) error {
	days, err := p.DB.Facts().Snapshots(ctx)
	if err != nil || len(days) == 0 {
		return err
	}
	day := days[len(days)-1]
	held, err := p.DB.Facts().Snapshot(ctx, day)
	if err != nil {
		return err
	}
	page.StockDay = &day
	for _, item := range at {
		item.Stock = new(int)
	}
	for _, h := range held {
		if item := at[h.Product]; item != nil {
			*item.Stock = h.Value
		}
	}
	return nil
}

func (p *Products) months(ctx context.Context, n int, ids []catalog.ID, at map[catalog.ID]*ProductNow) error {
	stored, err := p.DB.Facts().Months(ctx)
	if err != nil || len(stored) == 0 || n <= 0 {
		return err
	}
	last := stored[len(stored)-1].Month
	features, err := p.DB.Facts().FeaturesOf(ctx, ids, last-calendar.Month(n)+1, last)
	for _, f := range features {
		if item := at[f.Product]; item != nil {
			item.Months = append(item.Months, f)
		}
	}
	return err
}
