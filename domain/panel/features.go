package panel

import (
	"cmp"
	"math"

	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/catalog"
	"github.com/plastinka/predictor/domain/ledger"
)

// deep is the stock above which more copies add nothing to confidence.
const deep = 5 // copies

// Features are the monthly features of §1.7 for every product that was on hand
// or sold in the month, by product. price is a product's mean price in RUB.
// The facts are walked from one change of stock to the next: on hand on a day
// is what was there after the day, and what was sold on it.
func Features(m ledger.MonthFacts, price func(catalog.ID) float64) []Feature {
	if m.DaysObserved == 0 {
		return nil
	}
	features := make([]Feature, 0, len(m.Openings))
	w := walk{opens: m.Openings, moves: m.Movements, sales: m.Sales}
	for id, more := w.product(); more; id, more = w.product() {
		days := w.days(id, m.Month.Month.First(), m.DaysObserved)
		if days.available > 0 {
			features = append(features, feature(m.Month, id, price(id), days))
		}
	}
	return features
}

// tally counts a product's days in a month.
type tally struct {
	sales     int // copies
	available int // days with a copy on hand
	depth     int // Σ min(copies on hand, deep) over days
}

func (t *tally) spend(days, onHand int) {
	if onHand > 0 {
		t.available += days
	}
	t.depth += days * min(onHand, deep)
}

func feature(m ledger.Month, id catalog.ID, price float64, t tally) Feature {
	days := float64(m.DaysObserved)
	unavailable := float64(m.DaysObserved - t.available)
	mean := float64(t.sales) / float64(t.available)
	meanRub := mean * price
	return Feature{
		Month:           m.Month,
		Product:         id,
		Sales:           t.sales,
		Availability:    float64(t.available) / days,
		Confidence:      float64(t.depth) / (deep * days),
		MaskedMeanItems: mean,
		MaskedMeanRub:   meanRub,
		LostSalesRub:    unavailable * meanRub,
		LostSalesItems:  unavailable * mean,
		Price:           price,
		DaysObserved:    m.DaysObserved,
		// 0 for a complete month: no day is left.
		ExtrapolatedSales: int(math.Round(mean * float64(m.Month.Days()-m.DaysObserved))),
	}
}

// walk goes through a month's facts, product by product. Each list is by
// product, then day.
type walk struct {
	opens        []ledger.Holding
	moves, sales []ledger.Fact
}

// product is the smallest product left in any of the lists.
func (w *walk) product() (id catalog.ID, more bool) {
	least := func(p catalog.ID) {
		if !more || p < id {
			id, more = p, true
		}
	}
	if len(w.opens) > 0 {
		least(w.opens[0].Product)
	}
	if len(w.moves) > 0 {
		least(w.moves[0].Product)
	}
	if len(w.sales) > 0 {
		least(w.sales[0].Product)
	}
	return id, more
}

// days takes the product id out of the lists and counts its days among the
// observed ones from first on.
func (w *walk) days(id catalog.ID, first calendar.Day, observed int) tally {
	var t tally
	stock := 0
	if len(w.opens) > 0 && w.opens[0].Product == id {
		stock, w.opens = w.opens[0].Value, w.opens[1:]
	}
	from, end := first, first+calendar.Day(observed) // days before from are counted
	for {
		day, moved, sold, ok := w.change(id)
		if !ok {
			t.spend(int(end-from), stock)
			return t
		}
		t.spend(int(day-from), stock)
		stock += moved
		t.spend(1, stock+sold)
		t.sales += sold
		from = day + 1
	}
}

// change takes the next day on which the product came or went.
func (w *walk) change(id catalog.ID) (day calendar.Day, moved, sold int, ok bool) {
	move := len(w.moves) > 0 && w.moves[0].Product == id
	sale := len(w.sales) > 0 && w.sales[0].Product == id
	if move && sale { // the earlier one, or both
		order := cmp.Compare(w.moves[0].Day, w.sales[0].Day)
		move, sale = order <= 0, order >= 0
	}
	if move {
		day, moved, w.moves = w.moves[0].Day, w.moves[0].Value, w.moves[1:]
	}
	if sale {
		day, sold, w.sales = w.sales[0].Day, w.sales[0].Value, w.sales[1:]
	}
	return day, moved, sold, move || sale
}
