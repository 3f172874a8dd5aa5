package report

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/plastinka/predictor/domain/catalog"
)

func (b *Builder) totals(rows []Row, spreads []*spread) Totals {
	t := Totals{Products: len(rows), Copies: sumOf(spreads)}
	var money moments
	for i := range rows {
		r := &rows[i]
		if r.Price == nil {
			t.Unpriced++
		} else {
			money.add(spreads[i], *r.Price)
		}
		if r.Last != nil {
			t.LostRub += r.Last.LostSalesRub
		}
		t.SalesLast, t.SalesYear, t.Sold = plus(t.SalesLast, r.SalesLast), plus(t.SalesYear, r.SalesYear), plus(t.Sold, r.Sold)
		if r.Stock == nil {
			continue
		}
		t.Stock += *r.Stock
		t.FromStock += *r.FromStock
		t.FromStockRub += r.Value(*r.FromStock)
		if n := r.Order(); n > 0 {
			t.Titles++
			t.Restock += n
			t.RestockRub += r.Value(float64(n))
			t.Gain += r.Gain
			t.GainRub += r.Value(r.Gain)
		}
	}
	t.Rub = money.sum()
	return t
}

// plus adds what is known; nil until something is.
func plus(sum, n *int) *int {
	if n == nil {
		return sum
	}
	if sum == nil {
		return new(*n)
	}
	return new(*sum + *n)
}

// groups sums the rows that share a key.
func groups(rows []Row, spreads []*spread, past map[string]*tally, key func(*catalog.Product) string) []Group {
	members := map[string][]int{}
	for i := range rows {
		k := key(&rows[i].Product)
		members[k] = append(members[k], i)
	}
	var list []Group
	for _, name := range slices.Sorted(maps.Keys(members)) {
		g := Group{Name: name, Products: len(members[name]), Past: past[name].scores()}
		var own []*spread
		for _, i := range members[name] {
			r := &rows[i]
			own = append(own, spreads[i])
			g.SalesLast, g.SalesYear = plus(g.SalesLast, r.SalesLast), plus(g.SalesYear, r.SalesYear)
			if r.Stock != nil {
				g.Stock += *r.Stock
			}
			g.Restock += r.Order()
			g.Rub += r.Value(float64(r.Order()))
		}
		g.Copies = sumOf(own)
		list = append(list, g)
	}
	return list
}

// decadeOrder sorts <1950 first and >2020 last.
func decadeOrder(decade string) string {
	switch {
	case strings.HasPrefix(decade, "<"):
		return "0" + decade
	case strings.HasPrefix(decade, ">"):
		return "9" + decade
	}
	return "5" + decade
}

func (b *Builder) accuracy() Accuracy {
	a := Accuracy{Scores: b.overall.scores(), Unavailable: b.unavailable}
	for _, m := range slices.Sorted(maps.Keys(b.months)) {
		t := b.months[m]
		a.Months = append(a.Months, MonthScores{Month: m, Scores: t.scores(), Total: t.total.sum().whole()})
	}
	if a.Cells > 0 {
		for i, u := range nominal {
			a.Calibration = append(a.Calibration, CalibrationPoint{Nominal: u, Observed: b.calibration[i] / float64(a.Cells)})
		}
	}
	return a
}

// Best are the indices of the n rows with the largest measure above zero, the
// largest first.
func Best(rows []Row, n int, measure func(*Row) float64) []int {
	var list []int
	for i := range rows {
		if measure(&rows[i]) > 0 {
			list = append(list, i)
		}
	}
	slices.SortStableFunc(list, func(i, j int) int { return cmp.Compare(measure(&rows[j]), measure(&rows[i])) })
	return list[:min(n, len(list))]
}
