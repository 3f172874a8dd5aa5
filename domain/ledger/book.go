package ledger

import (
	"cmp"
	"iter"
	"slices"

	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/catalog"
	"github.com/plastinka/predictor/domain/intake"
)

// Book is the daily law of §1.6 for an upload: what arrived and what was sold,
// by product and day. It is read-only and safe for concurrent readers.
type Book struct {
	plan     *Plan
	products []catalog.ID // ascending
	events   []event      // by product, then day; at most one a pair
	starts   []int        // of each product's events, and the end of the last one's
	held     []int        // copies of each product at the start of the snapshot day
	prices   []float64    // mean RUB of each product
}

// event is a day on which copies of a product came or went.
type event struct {
	product  int32 // index
	day      calendar.Day
	arrivals int
	sales    int
}

// MonthFacts are the facts of one month; each list by product, then day.
type MonthFacts struct {
	Month
	Sales     []Fact    // copies sold, > 0
	Movements []Fact    // arrivals − sales, ≠ 0
	Openings  []Holding // copies at the start of the month's first day, > 0
}

// NewBook puts the rows of a plan on their days. products is the product of
// each raw record, by its index in rows.Records; several records may be one
// product. The order of rows and files does not matter.
func NewBook(p *Plan, rows *intake.Rows, products []catalog.ID) *Book {
	b := &Book{plan: p, products: distinct(products)}
	number := make([]int32, len(products)) // record → index of its product
	for i, id := range products {
		n, _ := slices.BinarySearch(b.products, id)
		number[i] = int32(n)
	}
	b.held = make([]int, len(b.products))
	events := make([]event, 0, len(rows.Lots)+2*len(rows.Sales))
	for _, l := range rows.Lots {
		n := number[l.Record]
		b.held[n] += int(l.Count)
		events = append(events, event{product: n, day: l.Created, arrivals: int(l.Count)})
	}
	for _, s := range rows.Sales {
		n := number[s.Record]
		events = append(events,
			event{product: n, day: s.Arrival(), arrivals: 1},
			event{product: n, day: s.Sold, sales: 1})
	}
	b.events = add(events)
	b.starts = make([]int, len(b.products)+1)
	for _, e := range b.events {
		b.starts[e.product+1]++
	}
	for i := range b.products {
		b.starts[i+1] += b.starts[i]
	}
	b.prices = meanPrices(rows, number, len(b.products))
	return b
}

func distinct(ids []catalog.ID) []catalog.ID {
	ids = slices.Clone(ids)
	slices.Sort(ids)
	return slices.Clip(slices.Compact(ids))
}

// add sorts events by product and day, and adds up those of one day in place.
func add(events []event) []event {
	slices.SortFunc(events, func(a, b event) int {
		return cmp.Or(cmp.Compare(a.product, b.product), cmp.Compare(a.day, b.day))
	})
	sum := events[:0]
	for _, e := range events {
		if n := len(sum); n > 0 && sum[n-1].product == e.product && sum[n-1].day == e.day {
			sum[n-1].arrivals += e.arrivals
			sum[n-1].sales += e.sales
			continue
		}
		sum = append(sum, e)
	}
	return sum
}

// Months yields the facts of the plan's months, ascending. It may be used
// again and again. Facts of a month are made when it is asked for, so that
// only one month of them exists at a time.
func (b *Book) Months() iter.Seq[MonthFacts] {
	return func(yield func(MonthFacts) bool) {
		stock := make([]int, len(b.products))
		next := slices.Clone(b.starts[:len(b.products)]) // the first event not yet in stock
		first := b.plan.First().First()
		for i := range b.products {
			for ; next[i] < b.starts[i+1] && b.events[next[i]].day < first; next[i]++ {
				stock[i] += b.events[next[i]].arrivals // no sale is earlier than first
			}
		}
		for _, m := range b.plan.Months {
			if !yield(b.month(m, stock, next)) {
				return
			}
		}
	}
}

// month takes the events of m, and moves stock and next past them.
func (b *Book) month(m Month, stock, next []int) MonthFacts {
	f := MonthFacts{Month: m}
	last := m.Month.Last()
	for i, id := range b.products {
		if stock[i] > 0 {
			f.Openings = append(f.Openings, Holding{Product: id, Value: stock[i]})
		}
		for ; next[i] < b.starts[i+1] && b.events[next[i]].day <= last; next[i]++ {
			e := b.events[next[i]]
			if e.sales > 0 {
				f.Sales = append(f.Sales, Fact{Product: id, Day: e.day, Value: e.sales})
			}
			if e.arrivals != e.sales {
				f.Movements = append(f.Movements, Fact{Product: id, Day: e.day, Value: e.arrivals - e.sales})
			}
			stock[i] += e.arrivals - e.sales
		}
	}
	return f
}

// Held is the stock at the start of the snapshot day, by product.
func (b *Book) Held() []Holding {
	var held []Holding
	for i, n := range b.held {
		if n > 0 {
			held = append(held, Holding{Product: b.products[i], Value: n})
		}
	}
	return held
}

// Price is the mean price in RUB of the product's rows in the upload, stock
// lots weighted by their counts; 0 for a product without rows.
func (b *Book) Price(id catalog.ID) float64 {
	if i, ok := slices.BinarySearch(b.products, id); ok {
		return b.prices[i]
	}
	return 0
}

// meanPrices adds up each product's prices in ascending order: in the rows' own
// order the mean's last digit would depend on it.
func meanPrices(rows *intake.Rows, number []int32, n int) []float64 {
	type priced struct {
		product, count int32
		price          float64
	}
	all := make([]priced, 0, len(rows.Lots)+len(rows.Sales))
	for _, l := range rows.Lots {
		all = append(all, priced{number[l.Record], l.Count, l.Price})
	}
	for _, s := range rows.Sales {
		all = append(all, priced{number[s.Record], 1, s.Price})
	}
	slices.SortFunc(all, func(a, b priced) int {
		return cmp.Or(cmp.Compare(a.product, b.product), cmp.Compare(a.price, b.price), cmp.Compare(a.count, b.count))
	})
	sums, copies := make([]float64, n), make([]int, n)
	for _, r := range all {
		sums[r.product] += r.price * float64(r.count)
		copies[r.product] += int(r.count)
	}
	for i, c := range copies {
		if c > 0 {
			sums[i] /= float64(c)
		}
	}
	return sums
}
