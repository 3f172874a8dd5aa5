package report

import (
	"cmp"
	"math"
	"slices"

	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/catalog"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/forecast"
	"github.com/plastinka/predictor/domain/ledger"
	"github.com/plastinka/predictor/domain/panel"
)

// Builder gathers a report. Feed it Feature for the months month − Window to
// month, then Past for earlier forecasts, then ask for Report. It keeps sums and
// the window of each product, not what it is given, so that memory grows with
// products only.
type Builder struct {
	facts    Facts
	first    calendar.Month // of the window
	products map[catalog.ID]int
	chosen   []product
	stored   map[calendar.Month]ledger.StoredMonth
	history  [Window]HistoryMonth

	overall     tally
	months      map[calendar.Month]*monthTally
	styles      map[string]*tally
	decades     map[string]*tally
	calibration [len(nominal)]float64
	unavailable int
}

// product is what is gathered of one product.
type product struct {
	entry     catalog.Entry
	sales     [Window + 1]int32
	available [Window + 1]float32 // 0: neither on hand nor sold
	last      *panel.Feature
	price     float64
	forecast  *forecast.Forecast
	stock     int
}

type monthTally struct {
	tally
	total moments
}

// NewBuilder starts a report. A level outside (0, 1) is Invalid; no forecast of
// a chosen product is NotFound: no_predictions_found.
func NewBuilder(f Facts) (*Builder, error) {
	if f.Level == 0 {
		f.Level = DefaultLevel
	}
	if !(f.Level > 0 && f.Level < 1) {
		return nil, fault.New(fault.Invalid, "validation_error", "the restock quantile must lie between 0 and 1, not be %g", f.Level).
			With("parameter", "quantile")
	}
	if f.Filters == nil {
		f.Filters = Filters{}
	}
	b := &Builder{
		facts: f, first: f.Month - Window,
		products: make(map[catalog.ID]int, len(f.Products)),
		stored:   make(map[calendar.Month]ledger.StoredMonth, len(f.Months)),
		months:   map[calendar.Month]*monthTally{}, styles: map[string]*tally{}, decades: map[string]*tally{},
	}
	for _, m := range f.Months {
		b.stored[m.Month] = m
	}
	for _, e := range f.Products {
		if f.Filters.Match(e.Product) {
			b.products[e.ID] = len(b.chosen)
			b.chosen = append(b.chosen, product{entry: e})
		}
	}
	forecasts := 0
	for i := range f.Forecasts {
		if p := b.product(f.Forecasts[i].Product); p != nil {
			p.forecast = &f.Forecasts[i]
			forecasts++
		}
	}
	if forecasts == 0 {
		return nil, nothing(f)
	}
	for _, h := range f.Stock {
		if p := b.product(h.Product); p != nil {
			p.stock = h.Value
		}
	}
	return b, nil
}

func nothing(f Facts) error {
	if len(f.Filters) > 0 {
		return fault.New(fault.NotFound, "no_predictions_found",
			"no product with a forecast for %s matches the filters; loosen them", f.Month.Short()).With("filters", f.Filters)
	}
	return fault.New(fault.NotFound, "no_predictions_found",
		"there is no forecast for %s; train a model on the months before it", f.Month.Short())
}

func (b *Builder) product(id catalog.ID) *product {
	if i, ok := b.products[id]; ok {
		return &b.chosen[i]
	}
	return nil
}

// Feature takes what is known of a product in a month. Prices must come with
// ascending months.
func (b *Builder) Feature(f panel.Feature) {
	p := b.product(f.Product)
	at := int(f.Month - b.first)
	if p == nil || at < 0 || at > Window {
		return
	}
	p.sales[at] = int32(f.Sales)
	p.available[at] = float32(f.Availability)
	if at == Window {
		return // the forecast month itself: what happened, not what was known
	}
	if f.Price > 0 {
		p.price = f.Price
	}
	if at == Window-1 {
		p.last = &f
	}
	h := &b.history[at]
	h.Sales += f.Sales
	h.Availability += f.Availability
	h.LostRub += f.LostSalesRub
	h.LostItems += f.LostSalesItems
	h.Products++
}

// Past takes an earlier forecast, at most one a product and month, to be
// compared with what was sold. Months outside the window, not stored, or not
// completely observed are passed over.
func (b *Builder) Past(f forecast.Forecast) {
	p := b.product(f.Product)
	at := int(f.Month - b.first)
	if p == nil || at < 0 || at >= Window || !b.stored[f.Month].Complete() || b.stored[f.Month].DaysObserved == 0 {
		return
	}
	if p.available[at] < scored {
		b.unavailable++
		return
	}
	s := spreadOf(&f)
	sold := int(p.sales[at])
	month := b.months[f.Month]
	if month == nil {
		month = &monthTally{}
		b.months[f.Month] = month
	}
	month.total.add(&s, 1)
	for _, t := range []*tally{&b.overall, &month.tally, of(b.styles, p.entry.Style), of(b.decades, p.entry.RecordingDecade)} {
		t.add(&f, s.mean, sold)
	}
	s.pit(sold, &b.calibration)
}

func of(m map[string]*tally, key string) *tally {
	t := m[key]
	if t == nil {
		t = &tally{}
		m[key] = t
	}
	return t
}

// Report computes the report.
func (b *Builder) Report() *Report {
	f := b.facts
	r := &Report{Month: f.Month, Level: f.Level, ModelID: f.ModelID, ResultID: f.ResultID, Filters: f.Filters,
		GeneratedAt: f.GeneratedAt, StockDay: f.StockDay, Backtest: f.Backtest}
	start := b.historyOf(r)
	slices.SortFunc(b.chosen, func(x, y product) int {
		return cmp.Or(cmp.Compare(x.entry.Artist, y.entry.Artist), cmp.Compare(x.entry.Album, y.entry.Album), cmp.Compare(x.entry.ID, y.entry.ID))
	})
	var spreads []*spread
	for i := range b.chosen {
		if p := &b.chosen[i]; p.forecast != nil {
			s := spreadOf(p.forecast)
			r.Rows = append(r.Rows, b.row(p, &s, start))
			spreads = append(spreads, &s)
		}
	}
	r.Totals = b.totals(r.Rows, spreads)
	r.Styles = groups(r.Rows, spreads, b.styles, func(p *catalog.Product) string { return p.Style })
	r.Decades = groups(r.Rows, spreads, b.decades, func(p *catalog.Product) string { return p.RecordingDecade })
	slices.SortFunc(r.Styles, func(x, y Group) int {
		return cmp.Or(cmp.Compare(y.Copies.Mean, x.Copies.Mean), cmp.Compare(x.Name, y.Name))
	})
	slices.SortFunc(r.Decades, func(x, y Group) int { return cmp.Compare(decadeOrder(x.Name), decadeOrder(y.Name)) })
	r.Accuracy = b.accuracy()
	return r
}

// historyOf fills r.History from the first month with something stored on, and
// returns that month's place in the window.
func (b *Builder) historyOf(r *Report) (start int) {
	start = Window
	for at := range b.history {
		h := &b.history[at]
		h.Month = b.first + calendar.Month(at)
		m, ok := b.stored[h.Month]
		h.Stored = ok || h.Products > 0 // daily facts go earlier than features (§4.3)
		h.Incomplete = ok && !m.Complete()
		if h.Products > 0 {
			h.Availability /= float64(h.Products)
		}
		if h.Stored && start == Window {
			start = at
		}
	}
	r.History = slices.Clone(b.history[start:])
	return start
}

func (b *Builder) row(p *product, s *spread, start int) Row {
	f := p.forecast
	r := Row{Entry: p.entry, Method: f.Method, Quantiles: f.Quantiles, Mean: s.mean, Last: p.last, Series: make([]int, Window-start)}
	for i := range r.Series {
		r.Series[i] = int(p.sales[start+i])
	}
	r.SalesLast = b.known(p, Window-1)
	r.SalesYear = b.known(p, Window-12)
	if _, ok := b.stored[b.facts.Month]; ok {
		r.Sold = new(int(p.sales[Window]))
	}
	if p.price > 0 {
		r.Price = new(p.price)
	}
	if b.facts.StockDay == 0 {
		return r
	}
	level := b.level(f)
	r.Stock = new(p.stock)
	r.Restock = new(forecast.Restock(level, p.stock))
	r.FromStock = new(s.sold(p.stock))
	r.Gain = math.Max(0, s.sold(p.stock+*r.Restock)-*r.FromStock)
	r.Reason = reason(p.stock, *r.Restock, f.Quantiles[2])
	return r
}

// known is what was sold in a month of the window, nil if it is not stored.
func (b *Builder) known(p *product, at int) *int {
	if !b.history[at].Stored {
		return nil
	}
	return new(int(p.sales[at]))
}

// level is the forecast's quantile that the stock should reach.
func (b *Builder) level(f *forecast.Forecast) float64 {
	if i := slices.Index(forecast.Levels[:], b.facts.Level); i >= 0 {
		return f.Quantiles[i]
	}
	d := f.Distribution
	if d.Levels == nil && len(d.Probs) == 0 {
		d = forecast.QuantileFunction(forecast.Levels[:], slices.Clone(f.Quantiles[:]))
	}
	return d.Quantile(b.facts.Level)
}

func reason(stock, restock int, median float64) Reason {
	switch {
	case restock == 0:
		return ""
	case stock == 0:
		return SoldOut
	case float64(stock) < median:
		return Short
	}
	return Buffer
}
