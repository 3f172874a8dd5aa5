package intake

import (
	"fmt"

	"github.com/plastinka/predictor/domain/catalog"
)

// Warnings are what a person should know about the rows themselves: barcodes
// that a spreadsheet has rounded, and records whose copies were sold at prices
// of other categories than they are in stock at, which makes them two products.
func (r *Rows) Warnings() []Warning {
	var list []Warning
	lost := 0
	var files []string
	for _, f := range r.Files {
		if f.BarcodeDigitsLost > 0 {
			lost += f.BarcodeDigitsLost
			files = append(files, f.Name)
		}
	}
	if lost > 0 {
		list = append(list, Warning{Code: "barcode_digits_lost", Count: lost, Files: files, Message: fmt.Sprintf(
			"rows whose barcode is in rounded form (like 4.6E+12), which counts as unknown: %d; format the column as text and export again", lost)})
	}
	if n := r.priceSplits(); n > 0 {
		list = append(list, Warning{Code: "price_category_split", Count: n, Message: fmt.Sprintf(
			"records sold at prices of another category than their stock has, which makes two products of each: %d", n)})
	}
	return list
}

// priceSplits counts the records (but for their price category) that have lots
// and a copy sold in a category in which none of the lots is (§1.9).
func (r *Rows) priceSplits() int {
	stocked := map[catalog.Raw]bool{}
	categories := map[catalog.Raw]bool{}
	without := func(raw catalog.Raw) catalog.Raw { raw.PriceCategory = ""; return raw }
	for _, lot := range r.Lots {
		raw := r.Records[lot.Record]
		categories[raw] = true
		stocked[without(raw)] = true
	}
	split := map[catalog.Raw]bool{}
	seen := make([]bool, len(r.Records))
	for _, sale := range r.Sales {
		if seen[sale.Record] {
			continue
		}
		seen[sale.Record] = true
		if raw := r.Records[sale.Record]; stocked[without(raw)] && !categories[raw] {
			split[without(raw)] = true
		}
	}
	return len(split)
}
