package backtest

import (
	"math"

	"github.com/plastinka/predictor/domain/panel"
)

// The classes of product-months. All holds every one of the others but Partly.
const (
	All          = "all"
	Smooth       = "smooth"
	Erratic      = "erratic"
	Intermittent = "intermittent"
	Lumpy        = "lumpy"
	New          = "new"
	Partly       = "partly_available"
)

// Classes are the classes in the order of a table.
func Classes() []string { return []string{All, Smooth, Erratic, Intermittent, Lumpy, New, Partly} }

const (
	manyMonths  = 1.32 // mean interval between sales, in available months
	wideSquare  = 0.49 // squared coefficient of variation of the sales
	youngMonths = 6    // a product is new in its first so many months
)

// demand is the class of a product's demand in months [0, origin) by Syntetos,
// Boylan and Croston (2005): the mean interval between months with sales against
// 1.32, the squared variation of the sales in them against 0.49. A product
// without a sale is intermittent.
func demand(p *panel.Panel, product, origin int) string {
	var months, sold, sum, squares float64
	for t := range origin {
		at := p.At(product, t)
		if p.Availability[at] <= 0 {
			continue
		}
		months++
		if y := float64(p.Sales[at]); y > 0 {
			sold++
			sum += y
			squares += y * y
		}
	}
	if sold == 0 {
		return Intermittent
	}
	mean := sum / sold
	variation := math.Max(squares/sold-mean*mean, 0) / (mean * mean)
	often := months/sold < manyMonths
	switch {
	case often && variation < wideSquare:
		return Smooth
	case often:
		return Erratic
	case variation < wideSquare:
		return Intermittent
	}
	return Lumpy
}

// launched is the first available month before origin, origin if there is none;
// 0 also for a product that was there when the data began, whose age nobody
// knows.
func launched(p *panel.Panel, product, origin int) int {
	t := 0
	for t < origin && p.Availability[p.At(product, t)] <= 0 {
		t++
	}
	return t
}
