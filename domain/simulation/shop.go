// Package simulation is a made-up record shop, moved copy by copy.
//
// It exists to know the answers: every copy has a day on which it came and
// perhaps one on which it was sold, so stock, sales and availability of any day
// are found by counting copies, without a thought about how they are
// reconstructed from files. The ledger is tested against it, the demonstration
// runs on it, and its files show what a real export looks like, untidy rows
// included. Names are invented; a likeness is chance.
//
// Demand is what the forecasts are made for: counts wider than Poisson (a
// negative binomial with a mean for each product and month), December, launches
// that fade, sudden hits, styles whose share drifts, a long tail that hardly
// moves. A customer finds a copy or leaves without one, and the shop orders
// late and too little for its hits, as shops do.
//
// A shop is a function of its options: the same seed gives the same shop. It
// is read-only once made and safe for concurrent readers.
package simulation

import (
	"math"
	"math/rand/v2"
	"slices"

	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/catalog"
	"github.com/plastinka/predictor/domain/fault"
)

// warmUp is how many months the shop has been open before its first month, so
// that the shelves hold old copies too.
const warmUp = 18

// Unsold is the day of sale of a copy still on the shelf.
const Unsold = calendar.Day(math.MaxInt32)

// Options make a shop.
type Options struct {
	Products int            // 1 … 1,000,000
	Months   int            // 1 … 240, of sales
	First    calendar.Month // the first of them; from 1992 on
	Seed     uint64
}

// Shop is what happened in a shop during its months.
type Shop struct {
	Options  Options
	Editions []Edition
	Copies   []Copy // that were there in the months, by edition and arrival
}

// Edition is one product of the shop.
type Edition struct {
	Product catalog.Product // the identity that its rows must lead to
	// Demand is the mean demand of each month in copies, when a copy is always
	// on hand, and Size the size of its negative binomial: what a clairvoyant
	// knows.
	Demand []float64
	Size   float64

	writings []writing // how rows write it; the first is tidy
	prices   []int     // RUB, of one category, ascending
	nature   nature
	from, to int // its copies
}

// Copy is one physical record.
type Copy struct {
	Edition int32
	writing int16
	Price   int32        // RUB, its list price
	Arrived calendar.Day // as the ledger must see it
	Sold    calendar.Day // or Unsold
	entered calendar.Day // the arrival as written, later than Sold by mistake; 0: as it was
}

// New moves a shop through its months.
func New(o Options) (*Shop, error) {
	switch {
	case o.Products < 1 || o.Products > 1_000_000:
		return nil, fault.New(fault.Invalid, "invalid_options", "a simulated shop has 1 to 1,000,000 products, not %d", o.Products)
	case o.Months < 1 || o.Months > 240:
		return nil, fault.New(fault.Invalid, "invalid_options", "a simulated shop has 1 to 240 months, not %d", o.Months)
	case o.First.Year() < 1992 || o.First.Year() > 2090:
		return nil, fault.New(fault.Invalid, "invalid_options", "a simulated shop starts in 1992 to 2090, not in %s", o.First.Short())
	}
	s := &Shop{Options: o, Editions: newCatalogue(o)}
	market := newMarket(o)
	for i := range s.Editions {
		e := &s.Editions[i]
		rng := stream(o.Seed, uint64(i)+1)
		e.from = len(s.Copies)
		s.Copies = append(s.Copies, s.move(int32(i), market, rng)...)
		e.to = len(s.Copies)
		s.untidy(s.Copies[e.from:e.to], len(e.writings), rng)
	}
	return s, nil
}

// Until is the first of the month after the shop's last one.
func (s *Shop) Until() calendar.Day {
	return (s.Options.First + calendar.Month(s.Options.Months)).First()
}

// stream is a random sequence of its own for each use, so that one product's
// fortune does not depend on another's.
func stream(seed, use uint64) *rand.Rand {
	return rand.New(rand.NewPCG(seed, use*0x9E3779B97F4A7C15))
}

// untidy writes some copies of an edition as people do: another spelling, or
// entered after the sale. The first copy stays tidy, so that whoever sees an
// untidy row has seen, in the same upload or before, what it should have said.
func (s *Shop) untidy(copies []Copy, writings int, rng *rand.Rand) {
	slices.SortStableFunc(copies, func(a, b Copy) int { return int(a.Arrived - b.Arrived) })
	for i := range copies {
		c := &copies[i]
		if i == 0 || rng.Float64() > 0.05 {
			continue
		}
		if c.Sold != Unsold && rng.Float64() < 0.25 {
			c.entered = min(c.Sold+1+calendar.Day(rng.IntN(4)), c.Sold.Month().Last())
			c.Arrived = c.Sold
			continue
		}
		c.writing = int16(rng.IntN(writings))
	}
	slices.SortStableFunc(copies, func(a, b Copy) int { return int(a.Arrived - b.Arrived) })
}
