// Package catalog says which product a row of a shop's files is about (§1.4).
//
// What a row says is its raw record; what is forecast is a product. Between
// them stand seven steps, some of which fill in or vote by what other rows say.
// So that a record does not change its identity when other rows come, its
// product is decided once and kept: Decide takes the kept records and the rows
// of an upload as votes, and is a pure function of both as sets (R12): no clock,
// no order.
package catalog

import (
	"cmp"
	"strconv"
)

// ID is a product's surrogate key, multiindex_id at every boundary; given by
// the store, never reused, greater than zero.
type ID int64

// Product is the identity that is forecast: the ten attributes of a record
// edition. It is comparable; two equal values are one product.
type Product struct {
	Barcode         string `json:"barcode"`
	Artist          string `json:"artist"`
	Album           string `json:"album"`
	CoverType       string `json:"cover_type"`
	PriceCategory   string `json:"price_category"`
	ReleaseType     string `json:"release_type"`
	RecordingDecade string `json:"recording_decade"`
	ReleaseDecade   string `json:"release_decade"`
	Style           string `json:"style"`
	RecordingYear   int    `json:"recording_year"`
}

// Attributes are the names of a product's ten attributes, in the order of
// every table and file.
func Attributes() []string {
	return []string{"barcode", "artist", "album", "cover_type", "price_category",
		"release_type", "recording_decade", "release_decade", "style", "recording_year"}
}

// Values are the attributes as text, in the order of Attributes.
func (p Product) Values() []string {
	return []string{p.Barcode, p.Artist, p.Album, p.CoverType, p.PriceCategory,
		p.ReleaseType, p.RecordingDecade, p.ReleaseDecade, p.Style, strconv.Itoa(p.RecordingYear)}
}

// Compare orders products by their attributes, text by byte order.
func (p Product) Compare(q Product) int {
	return cmp.Or(cmp.Compare(p.Barcode, q.Barcode), cmp.Compare(p.Artist, q.Artist), cmp.Compare(p.Album, q.Album),
		cmp.Compare(p.CoverType, q.CoverType), cmp.Compare(p.PriceCategory, q.PriceCategory), cmp.Compare(p.ReleaseType, q.ReleaseType),
		cmp.Compare(p.RecordingDecade, q.RecordingDecade), cmp.Compare(p.ReleaseDecade, q.ReleaseDecade),
		cmp.Compare(p.Style, q.Style), cmp.Compare(p.RecordingYear, q.RecordingYear))
}

// Raw is a raw record: what one row says about the copy it is about, as given,
// after the cells' cleaning and the barcode's and release type's (§1.4 step 1).
// Empty text means that the cell was empty, but for the barcode, which is None
// then.
type Raw struct {
	Barcode       string
	Artist        string
	Album         string
	Cover         string
	PriceCategory string
	ReleaseType   string
	RecordingYear string
	ReleaseYear   string
	Style         string
}

// Record is a raw record whose product has been decided: it is kept, and never
// decided again.
type Record struct {
	Raw     Raw
	Product Product
	ID      ID // of the product; 0 while it has none
}

// Entry is a stored product.
type Entry struct {
	ID ID `json:"multiindex_id"`
	Product
}
