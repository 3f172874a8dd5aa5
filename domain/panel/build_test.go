package panel_test

import (
	"errors"
	"iter"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/catalog"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/ledger"
	"github.com/plastinka/predictor/domain/panel"
)

func each[T any](list ...T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, x := range list {
			if !yield(x, nil) {
				return
			}
		}
	}
}

func fails[T any](err error) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		yield(none, err)
	}
}

var errDisk = errors.New("disk")

func month(n int) calendar.Month { return calendar.MonthOf(2024, 1) + calendar.Month(n) }

// threeMonths are January to March, of which days of March were observed.
func threeMonths(days int) []ledger.StoredMonth {
	return []ledger.StoredMonth{{Month: month(0), DaysObserved: 31}, {Month: month(1), DaysObserved: 29}, {Month: month(2), DaysObserved: days}}
}

func entry(id catalog.ID, album string) catalog.Entry {
	return catalog.Entry{ID: id, Product: catalog.Product{Album: album}}
}

// small is a history of three products, 9 before 4, and one that never was
// there.
func small(days int) panel.Stored {
	return panel.Stored{
		Months:  threeMonths(days),
		Entries: each(entry(2, "Never"), entry(4, "Four"), entry(9, "Nine")),
		Features: each(
			panel.Feature{Month: month(-1), Product: 4, Sales: 50, Availability: 1},
			panel.Feature{Month: month(0), Product: 9, Sales: 2, Availability: 0.5, Confidence: 0.25},
			panel.Feature{Month: month(1), Product: 4, Sales: 0, Availability: 1, Confidence: 0.75},
			panel.Feature{Month: month(1), Product: 9, Sales: 1, Availability: 1, ExtrapolatedSales: 3},
			panel.Feature{Month: month(2), Product: 4, Sales: 3, Availability: 0.5, Confidence: 1, ExtrapolatedSales: 2},
			panel.Feature{Month: month(3), Product: 2, Sales: 50, Availability: 1},
		),
	}
}

func TestBuildByProductAndMonth(t *testing.T) {
	p, err := panel.Build(small(31), panel.Options{FillMissingDays: true})
	require.NoError(t, err)
	require.Equal(t, month(0), p.First)
	require.Equal(t, 3, p.T)
	require.Equal(t, []catalog.ID{4, 9}, p.IDs, "products that were never sold nor on hand take no part")
	require.Equal(t, []catalog.Product{{Album: "Four"}, {Album: "Nine"}}, p.Products)
	require.Equal(t, []float32{0, 0, 3 /* complete: nothing is added */, 2, 1, 0}, p.Sales)
	require.Equal(t, []float32{0, 1, 0.5, 0.5, 1, 0}, p.Availability)
	require.Equal(t, []float32{0, 0.75, 1, 0.25, 0, 0}, p.Confidence)
	require.Nil(t, p.Stock, "unknown")
}

func TestR22IncompleteLastMonth(t *testing.T) {
	for _, c := range []struct {
		name   string
		days   int
		fill   bool
		months int
		last   float32 // of product 4
	}{
		{"complete", 31, true, 3, 3},
		{"complete, not to fill", 31, false, 3, 3},
		{"incomplete, filled up", 20, true, 3, 5},
		{"fifteen days are enough", 15, true, 3, 5},
		{"fourteen are not", 14, true, 2, 0},
		{"incomplete, not to fill", 30, false, 2, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := panel.Build(small(c.days), panel.Options{FillMissingDays: c.fill})
			require.NoError(t, err)
			require.Equal(t, c.months, p.T)
			require.Equal(t, c.last, p.Sales[p.At(0, p.T-1)])
		})
	}
}

func TestR22AProductOfTheMonthLeftOutTakesNoPart(t *testing.T) {
	s := small(10)
	s.Features = each(
		panel.Feature{Month: month(0), Product: 9, Sales: 2, Availability: 0.5},
		panel.Feature{Month: month(2), Product: 4, Sales: 3, Availability: 0.5},
	)
	p, err := panel.Build(s, panel.Options{FillMissingDays: true})
	require.NoError(t, err)
	require.Equal(t, []catalog.ID{9}, p.IDs)
}

func TestStockIsThatOfTheMonthsEnd(t *testing.T) {
	s := small(20)
	s.Openings = func(m calendar.Month) ([]ledger.Holding, error) {
		return map[calendar.Month][]ledger.Holding{
			month(0): {{Product: 2, Value: 8}, {Product: 9, Value: 4}},
			month(1): {{Product: 9, Value: 2}},
			month(2): {{Product: 4, Value: 5}, {Product: 9, Value: 1}},
		}[m], nil
	}
	s.Movements = each(
		ledger.Fact{Product: 9, Day: month(0).First(), Value: -1}, ledger.Fact{Product: 9, Day: month(0).Last(), Value: -1},
		ledger.Fact{Product: 4, Day: month(1).Last(), Value: 5}, ledger.Fact{Product: 9, Day: month(1).First(), Value: -1},
		ledger.Fact{Product: 4, Day: month(2).First() + 9, Value: -3}, ledger.Fact{Product: 2, Day: month(2).First(), Value: 1},
		ledger.Fact{Product: 4, Day: month(3).First(), Value: 7},
	)
	p, err := panel.Build(s, panel.Options{FillMissingDays: true})
	require.NoError(t, err)
	require.Equal(t, []float32{0, 5, 2, 2, 1, 1}, p.Stock)
}

func TestR15BuildRefusesAGap(t *testing.T) {
	s := small(31)
	s.Months = append(s.Months[:1:1], s.Months[2])
	_, err := panel.Build(s, panel.Options{})
	require.Equal(t, "missing_months", fault.CodeOf(err))
	require.Equal(t, fault.Conflict, fault.KindOf(err))
	require.ErrorContains(t, err, "2024-02")

	s.Months = threeMonths(31)
	s.Months[1].DaysObserved = 12
	_, err = panel.Build(s, panel.Options{FillMissingDays: true})
	require.Equal(t, "missing_months", fault.CodeOf(err), "unfinished before the last")
}

func TestBuildWithoutMonths(t *testing.T) {
	for _, months := range [][]ledger.StoredMonth{nil, {{Month: month(0), DaysObserved: 3}}} {
		s := small(31)
		s.Months = months
		_, err := panel.Build(s, panel.Options{FillMissingDays: true})
		require.Equal(t, "no_data", fault.CodeOf(err))
	}
}

func TestBuildPassesErrorsOn(t *testing.T) {
	breaks := map[string]func(*panel.Stored){
		"features":  func(s *panel.Stored) { s.Features = fails[panel.Feature](errDisk) },
		"entries":   func(s *panel.Stored) { s.Entries = fails[catalog.Entry](errDisk) },
		"movements": func(s *panel.Stored) { s.Movements = fails[ledger.Fact](errDisk) },
		"openings": func(s *panel.Stored) {
			s.Openings = func(calendar.Month) ([]ledger.Holding, error) { return nil, errDisk }
		},
	}
	for name, change := range breaks {
		s := small(31)
		s.Movements = each[ledger.Fact]()
		s.Openings = func(calendar.Month) ([]ledger.Holding, error) { return nil, nil }
		change(&s)
		_, err := panel.Build(s, panel.Options{})
		require.ErrorIs(t, err, errDisk, name)
	}
	s := small(31)
	s.Entries = each(entry(9, "Nine"))
	_, err := panel.Build(s, panel.Options{})
	require.Equal(t, fault.Internal, fault.KindOf(err), "a product without attributes")
}
