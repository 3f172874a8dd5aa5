package app_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plastinka/predictor/adapters/simulate"
	"github.com/plastinka/predictor/app"
	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/catalog"
	"github.com/plastinka/predictor/domain/panel"
	"github.com/plastinka/predictor/domain/simulation"
)

// TestUploadFindsOutWhatHappened: from a simulated shop's untidy files, in two
// uploads of which the first ends in the middle of a month, to every product,
// its monthly sales, its stock and its availability.
func TestUploadFindsOutWhatHappened(t *testing.T) {
	first := calendar.MonthOf(2024, time.January)
	shop, err := simulation.New(simulation.Options{Products: 300, Months: 5, First: first, Seed: 3})
	require.NoError(t, err)
	b := newBench(t)

	r := b.done(t, written(t, shop, (first+4).First()+14, 0))
	require.Len(t, r.MonthsStored, 5)
	r = b.done(t, written(t, shop, shop.Until(), 3))
	require.Equal(t, []calendar.Month{first + 3}, r.MonthsUnchanged)
	require.Equal(t, []calendar.Month{first + 4}, r.MonthsCompleted)

	type place struct {
		id    catalog.ID
		month calendar.Month
	}
	ids := map[catalog.Product]catalog.ID{}
	for p, err := range b.DB.Catalog().Products(t.Context()) {
		require.NoError(t, err)
		ids[p.Product] = p.ID
	}
	features := map[place]panel.Feature{}
	opening := map[place]int{}
	for m := first; m < first+5; m++ {
		for f, err := range b.DB.Facts().Features(t.Context(), m, m) {
			require.NoError(t, err)
			features[place{f.Product, m}] = f
		}
		held, err := b.DB.Facts().Openings(t.Context(), m)
		require.NoError(t, err)
		for _, h := range held {
			opening[place{h.Product, m}] = h.Value
		}
	}
	sold := 0
	for i, e := range shop.Editions {
		for m := first; m < first+5; m++ {
			truth := shop.In(i, m, shop.Until())
			at := place{ids[e.Product], m}
			f := features[at]
			what := fmt.Sprintf("edition %d in %s", i, m.Short())
			require.Equal(t, truth.Sales, f.Sales, what)
			require.Equal(t, truth.Opening, opening[at], what)
			require.InDelta(t, float64(truth.Available)/float64(truth.Days), f.Availability, 1e-12, what)
			require.InDelta(t, float64(truth.Depth)/float64(5*truth.Days), f.Confidence, 1e-12, what)
			sold += f.Sales
		}
	}
	require.Greater(t, sold, 300)
	require.LessOrEqual(t, len(ids), len(shop.Editions), "no product was made up")
}

// written are the shop's files from a month on, with the stock of a day.
func written(t *testing.T, shop *simulation.Shop, snapshot calendar.Day, from int) app.UploadRequest {
	t.Helper()
	w, err := simulate.Write(t.Context(), filepath.Join(t.TempDir(), "shop"), shop, snapshot, simulate.Mixed)
	require.NoError(t, err)
	req := app.UploadRequest{Stock: onDisk(w.Stock), Options: app.UploadOptions{Snapshot: &snapshot}}
	for _, path := range w.Sales[from:] {
		req.Sales = append(req.Sales, onDisk(path))
	}
	return req
}
