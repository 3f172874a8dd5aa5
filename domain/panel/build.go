package panel

import (
	"iter"
	"slices"

	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/catalog"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/ledger"
)

// EnoughDays is how many days of an incomplete month must have been observed
// for its sales to be extrapolated to the whole month (R22).
const EnoughDays = 15

// Stored is what a panel is built from: the stored tables, each in its store's
// order.
type Stored struct {
	Months   []ledger.StoredMonth // ascending; the range asked for
	Entries  iter.Seq2[catalog.Entry, error]
	Features iter.Seq2[Feature, error] // of Months at least; others are passed over

	// Openings and Movements give the stock at the end of each month; nil
	// leaves Panel.Stock unknown.
	Openings  func(calendar.Month) ([]ledger.Holding, error)
	Movements iter.Seq2[ledger.Fact, error] // of Months
}

// Options are how a panel treats an incomplete last month.
type Options struct {
	FillMissingDays bool // R22; the default of the settings is true
}

// Build puts stored features into a panel: every product that was sold or
// could be bought in at least one of the months, by ascending id. An incomplete
// last month is filled up, or left out (R22). Months with a gap among them are
// the error missing_months (R15), no month at all is no_data.
func Build(s Stored, o Options) (*Panel, error) {
	months, err := usable(s.Months, o)
	if err != nil {
		return nil, err
	}
	b := builder{p: &Panel{First: months[0].Month, T: len(months)}, last: months[len(months)-1], row: map[catalog.ID]int{}}
	for f, err := range s.Features {
		if err != nil {
			return nil, err
		}
		b.add(f)
	}
	if err := b.name(s.Entries); err != nil {
		return nil, err
	}
	if s.Openings != nil && s.Movements != nil {
		if err := b.stock(s); err != nil {
			return nil, err
		}
	}
	return b.p, nil
}

// usable are the months that a panel takes.
func usable(months []ledger.StoredMonth, o Options) ([]ledger.StoredMonth, error) {
	if missing := ledger.Missing(months); len(missing) > 0 {
		return nil, fault.New(fault.Conflict, "missing_months", "%s", ledger.MissingMessage(missing)).With("months", missing)
	}
	if n := len(months); n > 0 && !months[n-1].Complete() && (!o.FillMissingDays || months[n-1].DaysObserved < EnoughDays) {
		months = months[:n-1]
	}
	if len(months) == 0 {
		return nil, fault.New(fault.Conflict, "no_data",
			"no complete month of sales is stored in the range asked for; upload the shop's stock and sales files first")
	}
	return months, nil
}

// builder collects features in the order in which products come, and sorts
// them by id at the end.
type builder struct {
	p    *Panel
	last ledger.StoredMonth
	row  map[catalog.ID]int // the product's row in the series
}

func (b *builder) add(f Feature) {
	column := int(f.Month - b.p.First)
	if column < 0 || column >= b.p.T || (f.Sales == 0 && f.Availability == 0) {
		return
	}
	row, ok := b.row[f.Product]
	if !ok {
		row = len(b.p.IDs)
		b.row[f.Product] = row
		b.p.IDs = append(b.p.IDs, f.Product)
		zeros := make([]float32, b.p.T)
		b.p.Sales = append(b.p.Sales, zeros...)
		b.p.Availability = append(b.p.Availability, zeros...)
		b.p.Confidence = append(b.p.Confidence, zeros...)
	}
	at := row*b.p.T + column
	b.p.Sales[at] = float32(f.Sales)
	if f.Month == b.last.Month && !b.last.Complete() {
		b.p.Sales[at] += float32(f.ExtrapolatedSales)
	}
	b.p.Availability[at] = float32(f.Availability)
	b.p.Confidence[at] = float32(f.Confidence)
}

// name sorts the rows by product id and gives them their attributes.
func (b *builder) name(entries iter.Seq2[catalog.Entry, error]) error {
	p := b.p
	ids := slices.Clone(p.IDs)
	slices.Sort(ids)
	from := make([]int, len(ids))
	for i, id := range ids {
		from[i], b.row[id] = b.row[id], i
	}
	for _, series := range []*[]float32{&p.Sales, &p.Availability, &p.Confidence} {
		sorted := make([]float32, 0, len(*series))
		for _, r := range from {
			sorted = append(sorted, (*series)[r*p.T:(r+1)*p.T]...)
		}
		*series = sorted
	}
	p.IDs, p.Products = ids, make([]catalog.Product, len(ids))
	named := 0
	for e, err := range entries {
		if err != nil {
			return err
		}
		if i, ok := b.row[e.ID]; ok {
			p.Products[i] = e.Product
			named++
		}
	}
	if named != len(ids) {
		return fault.New(fault.Internal, "internal_error",
			"%d products have monthly features, but only %d of them are in the table of products", len(ids), named)
	}
	return nil
}

// stock is the opening of each month and what moved in it.
func (b *builder) stock(s Stored) error {
	p := b.p
	p.Stock = make([]float32, p.N()*p.T)
	for t := range p.T {
		openings, err := s.Openings(p.Month(t))
		if err != nil {
			return err
		}
		for _, h := range openings {
			if i, ok := b.row[h.Product]; ok {
				p.Stock[p.At(i, t)] += float32(h.Value)
			}
		}
	}
	for f, err := range s.Movements {
		if err != nil {
			return err
		}
		t := int(f.Day.Month() - p.First)
		if i, ok := b.row[f.Product]; ok && t >= 0 && t < p.T {
			p.Stock[p.At(i, t)] += float32(f.Value)
		}
	}
	return nil
}
