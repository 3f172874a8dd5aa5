package httpapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/plastinka/predictor/app"
	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/catalog"
	"github.com/plastinka/predictor/domain/panel"
)

type productsInput struct {
	Search string        `query:"search" maxLength:"200" doc:"every word of it occurs in some attribute" example:"miles davis"`
	Limit  int           `query:"limit" default:"50" minimum:"1" maximum:"500"`
	Months optional[int] `query:"months" minimum:"0" maximum:"60" doc:"how many of the last stored months; 12 if absent"`
	Cursor string        `query:"cursor" maxLength:"40" doc:"next_cursor of the page before"`
}

// ProductList is a page of products.
type ProductList struct {
	Products []Product     `json:"products"`
	Total    int           `json:"total" doc:"products in this answer"`
	Matching int           `json:"total_matching"`
	StockDay *calendar.Day `json:"stock_date" doc:"the day of the newest stock file; null if there is none"`
	Next     string        `json:"next_cursor" doc:"empty on the last page"`
}

// Product is a record edition with its last stock and its last months.
type Product struct {
	ID catalog.ID `json:"multiindex_id"`
	catalog.Product
	Stock  *int           `json:"stock" doc:"copies at the start of stock_date; null if no stock is known"`
	Months []ProductMonth `json:"months" doc:"ascending; months in which it was on hand or sold"`
}

// ProductMonth is a month of a product.
type ProductMonth struct {
	Month        calendar.Month `json:"month"`
	Sales        int            `json:"sales"`
	Availability float64        `json:"availability"`
	LostItems    float64        `json:"lost_sales_items"`
	Price        float64        `json:"price" doc:"RUB; 0 if unknown"`
}

func (s *Service) registerProducts() {
	huma.Register(s.api, key(huma.Operation{OperationID: "list-products", Method: http.MethodGet, Path: "/api/v1/products", Tags: []string{"products"},
		Summary: "Search the products; each with its last stock and its last months", Errors: []int{http.StatusUnprocessableEntity}}),
		func(ctx context.Context, in *productsInput) (*Body[ProductList], error) {
			after, err := productCursor(in.Cursor)
			if err != nil {
				return nil, err
			}
			page, err := s.app.Products.Find(ctx, app.ProductQuery{Text: in.Search, After: after, Limit: in.Limit, Months: in.Months.or(12)})
			return answer(ProductList{Products: each(page.Products, productView), Total: len(page.Products), Matching: page.Total,
				StockDay: page.StockDay, Next: cursorOf(page.Next)}, err)
		})
}

func productView(p app.ProductNow) Product {
	return Product{ID: p.ID, Product: p.Product, Stock: p.Stock, Months: each(p.Months, func(f panel.Feature) ProductMonth {
		return ProductMonth{Month: f.Month, Sales: f.Sales, Availability: f.Availability, LostItems: f.LostSalesItems, Price: f.Price}
	})}
}
