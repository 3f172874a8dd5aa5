package simulation_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/catalog"
	"github.com/plastinka/predictor/domain/simulation"
)

// decide gives the rows their products by the rules of identity, beside the
// records kept before, and returns the kept records with the new ones.
func decide(kept []catalog.Record, rows []simulation.Row) (map[catalog.Raw]catalog.Product, []catalog.Record) {
	votes := map[catalog.Raw]int{}
	var order []catalog.Raw
	for _, r := range rows {
		raw := rawOf(r)
		if votes[raw] == 0 {
			order = append(order, raw)
		}
		votes[raw]++
	}
	var list []catalog.Vote
	for _, raw := range order {
		list = append(list, catalog.Vote{Raw: raw, Rows: votes[raw]})
	}
	known := map[catalog.Raw]bool{}
	for _, k := range kept {
		known[k.Raw] = true
	}
	products := map[catalog.Raw]catalog.Product{}
	for _, record := range catalog.Decide(kept, list) {
		products[record.Raw] = record.Product
		if !known[record.Raw] {
			kept = append(kept, record)
		}
	}
	return products, kept
}

func rawOf(r simulation.Row) catalog.Raw {
	return catalog.Raw{Barcode: catalog.CleanBarcode(r.Barcode), Artist: r.Artist, Album: r.Album, Cover: r.Cover,
		PriceCategory: catalog.DefaultBins().Category(float64(r.Price)), ReleaseType: r.ReleaseType,
		RecordingYear: r.RecordingYear, ReleaseYear: r.ReleaseYear, Style: r.Style}
}

// TestUntidyRowsLeadToTheirEdition: whatever is missing or misspelt, the rules
// of §1.4 find the product that was meant, when all files are uploaded
// together and when they come month by month.
func TestUntidyRowsLeadToTheirEdition(t *testing.T) {
	for seed := range uint64(4) {
		s, err := simulation.New(simulation.Options{Products: 700, Months: 6, First: calendar.MonthOf(2023, 8), Seed: seed})
		require.NoError(t, err)
		check := func(kept []catalog.Record, rows []simulation.Row) []catalog.Record {
			products, kept := decide(kept, rows)
			for _, r := range rows {
				if want, got := s.Editions[r.Edition].Product, products[rawOf(r)]; got != want {
					require.Equal(t, want, got, "%+v", r)
				}
			}
			return kept
		}
		check(nil, slices.Concat(s.Stock(s.Until()), s.Sales(s.Options.First.First(), s.Until())))
		var kept []catalog.Record
		for k := range 6 {
			m := s.Options.First + calendar.Month(k)
			end := (m + 1).First()
			kept = check(kept, slices.Concat(s.Stock(end), s.Sales(m.First(), end)))
		}
	}
}
