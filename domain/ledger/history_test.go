package ledger_test

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/ledger"
)

// history is a database reduced to what the laws need.
type history struct {
	months map[calendar.Month]ledger.MonthFacts
	held   []ledger.Holding
}

func (h *history) stored() (list []ledger.StoredMonth) {
	for _, m := range h.facts() {
		list = append(list, ledger.StoredMonth{Month: m.Month.Month, Digest: m.Digest, DaysObserved: m.DaysObserved})
	}
	return list
}

func (h *history) facts() (list []ledger.MonthFacts) {
	for _, m := range slices.Sorted(maps.Keys(h.months)) {
		list = append(list, h.months[m])
	}
	return list
}

func (h *history) take(t *testing.T, u uploaded, overwrite bool) *ledger.Decision {
	t.Helper()
	d, err := u.plan.Decide(h.stored(), overwrite)
	require.NoError(t, err)
	all := slices.Concat(d.Stored, d.Completed, d.Unchanged)
	slices.Sort(all)
	require.Equal(t, monthsOf(u.plan), all, "each month is decided once")
	for m := range u.book.Months() {
		if d.Writes(m.Month.Month) {
			h.months[m.Month.Month] = m
		}
	}
	h.held = u.book.Held()
	return d
}

// TestR18R20HistoryFromUploadsAtAnyTime uploads a shop now and then: from
// months that overlap what is stored, with the stock counted on any day, once
// from a wrong stock file that is corrected by overwriting. What is stored is
// always the truth up to the last snapshot.
func TestR18R20HistoryFromUploadsAtAnyTime(t *testing.T) {
	for seed := range uint64(25) {
		rng := rand.New(rand.NewPCG(seed, 9))
		s := newShop(t, 15, 6, seed)
		h := &history{months: map[calendar.Month]ledger.MonthFacts{}}
		snapshot, last := s.first, s.Options.First
		for snapshot < s.until {
			snapshot = min(snapshot+1+calendar.Day(rng.IntN(45)), s.until)
			from := (s.Options.First + calendar.Month(rng.IntN(int(last-s.Options.First)+1))).First()
			u := s.upload(t, from, snapshot, rng)
			d := h.take(t, u, false)
			require.Empty(t, d.Warnings)
			requireTruth(t, s, h.facts(), h.held, s.first, snapshot)
			for _, m := range d.Unchanged {
				require.Equal(t, h.months[m].Digest, u.plan.Months[m-u.plan.First()].Digest)
			}
			last = u.plan.Last()
		}

		rows, products := s.rows(s.first, s.until, rng)
		rows.Lots = rows.Lots[len(rows.Lots)/2:]
		h.take(t, s.process(t, rows, products, s.first, s.until), true)
		right := s.upload(t, s.first, s.until, rng)
		require.Len(t, h.take(t, right, false).Unchanged, 6, "the sales are the same")
		require.NotEqual(t, right.months(), h.facts())
		require.Len(t, h.take(t, right, true).Stored, 6)
		requireTruth(t, s, h.facts(), h.held, s.first, s.until)
	}
}
