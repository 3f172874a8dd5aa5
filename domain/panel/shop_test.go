package panel_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/catalog"
	"github.com/plastinka/predictor/domain/intake"
	"github.com/plastinka/predictor/domain/ledger"
	"github.com/plastinka/predictor/domain/panel"
	"github.com/plastinka/predictor/domain/simulation"
)

// bookOf is the ledger of a simulated shop's files; product i+1 is edition i.
func bookOf(t testing.TB, s *simulation.Shop, snapshot calendar.Day) *ledger.Book {
	t.Helper()
	rows := &intake.Rows{Files: make([]intake.FileReport, 2)}
	var products []catalog.ID
	for i := range s.Editions {
		rows.Records = append(rows.Records, catalog.Raw{})
		products = append(products, catalog.ID(i+1))
	}
	for _, r := range s.Stock(snapshot) {
		rows.Lots = append(rows.Lots, intake.Lot{Record: int32(r.Edition), Count: int32(r.Count), Created: r.Created, Price: float64(r.Price)})
	}
	for _, r := range s.Sales(s.Options.First.First(), snapshot) {
		rows.Sales = append(rows.Sales, intake.Sale{File: 1, Record: int32(r.Edition), Created: r.Created, Sold: r.Sold, Price: float64(r.Price)})
	}
	plan, err := ledger.NewPlan(rows, ledger.Options{Today: snapshot, Snapshot: &snapshot})
	require.NoError(t, err)
	return ledger.NewBook(plan, rows, products)
}

// TestFeaturesOfASimulatedShop: sales, availability and depth of stock are what
// the copies say, and the panel of them has every month of every product.
func TestFeaturesOfASimulatedShop(t *testing.T) {
	for seed := range uint64(5) {
		s, err := simulation.New(simulation.Options{Products: 120, Months: 5, First: calendar.MonthOf(2024, 1), Seed: seed})
		require.NoError(t, err)
		snapshot := s.Until() - 8
		book := bookOf(t, s, snapshot)

		var stored panel.Stored
		var features []panel.Feature
		var movements []ledger.Fact
		openings := map[calendar.Month][]ledger.Holding{}
		for m := range book.Months() {
			features = append(features, panel.Features(m, book.Price)...)
			movements = append(movements, m.Movements...)
			openings[m.Month.Month] = m.Openings
			stored.Months = append(stored.Months, ledger.StoredMonth{Month: m.Month.Month, DaysObserved: m.DaysObserved})
		}
		stored.Features, stored.Movements = each(features...), each(movements...)
		stored.Openings = func(m calendar.Month) ([]ledger.Holding, error) { return openings[m], nil }
		var entries []catalog.Entry
		for i, e := range s.Editions {
			entries = append(entries, catalog.Entry{ID: catalog.ID(i + 1), Product: e.Product})
		}
		stored.Entries = each(entries...)
		p, err := panel.Build(stored, panel.Options{FillMissingDays: true})
		require.NoError(t, err)
		require.Equal(t, 5, p.T)

		row := map[catalog.ID]int{}
		for i, id := range p.IDs {
			row[id] = i
			require.Equal(t, s.Editions[id-1].Product, p.Products[i])
		}
		for edition := range s.Editions {
			i, there := row[catalog.ID(edition+1)]
			for k := range p.T {
				truth := s.In(edition, s.Options.First+calendar.Month(k), snapshot)
				if !there {
					require.Zero(t, truth.Sales+truth.Available)
					continue
				}
				at := p.At(i, k)
				if k < p.T-1 {
					require.Equal(t, float32(truth.Sales), p.Sales[at])
				}
				require.InDelta(t, float64(truth.Available)/float64(truth.Days), p.Availability[at], 1e-6)
				require.InDelta(t, float64(truth.Depth)/float64(5*truth.Days), p.Confidence[at], 1e-6)
				end := min((s.Options.First + calendar.Month(k+1)).First(), snapshot)
				require.Equal(t, float32(s.On(edition, end).Opening), p.Stock[at])
			}
		}
	}
}

// BenchmarkFeatures is the features of 12 months of 28,000 products.
func BenchmarkFeatures(b *testing.B) {
	s, err := simulation.New(simulation.Options{Products: 28_000, Months: 12, First: calendar.MonthOf(2024, 1), Seed: 1})
	require.NoError(b, err)
	book := bookOf(b, s, s.Until())
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		for m := range book.Months() {
			n += len(panel.Features(m, book.Price))
		}
		b.ReportMetric(float64(n), "features")
	}
}
