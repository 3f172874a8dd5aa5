package porttest

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plastinka/predictor/domain/catalog"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/ports"
)

// product is the n-th product of the suite.
func product(n int) catalog.Product {
	return catalog.Product{Barcode: fmt.Sprint(4600000000000 + n), Artist: "Кино", Album: fmt.Sprintf("Album %d", n), CoverType: "Sealed",
		PriceCategory: "(2490.0, 3990.0]", ReleaseType: "Оригинал", RecordingDecade: "1980s", ReleaseDecade: "1980s", Style: "Rock", RecordingYear: 1988}
}

// products makes n products and returns their ids.
func products(t *testing.T, s ports.Stores, n int) []catalog.ID {
	t.Helper()
	list := make([]catalog.Product, n)
	for i := range list {
		list[i] = product(i)
	}
	ids, err := s.Catalog().AddProducts(t.Context(), list)
	require.NoError(t, err)
	return ids
}

func testCatalog(t *testing.T, u StoresUnderTest) {
	ctx := t.Context()
	t.Run("a product has one id for ever", func(t *testing.T) {
		db := u.Open(t)
		ids, err := db.Catalog().AddProducts(ctx, []catalog.Product{product(2), product(1), product(2)})
		require.NoError(t, err)
		require.Equal(t, ids[0], ids[2])
		require.Greater(t, ids[0], catalog.ID(0))
		again, err := db.Catalog().AddProducts(ctx, []catalog.Product{product(1), product(3), product(2)})
		require.NoError(t, err)
		require.Equal(t, []catalog.ID{ids[1], again[1], ids[0]}, again)
		got := all(t, db.Catalog().Products(ctx))
		require.Equal(t, []catalog.Entry{{ID: ids[0], Product: product(2)}, {ID: ids[1], Product: product(1)}, {ID: again[1], Product: product(3)}}, got)
		none, err := db.Catalog().AddProducts(ctx, nil)
		require.NoError(t, err)
		require.Empty(t, none)
	})
	t.Run("each of the ten attributes is part of the identity", func(t *testing.T) {
		db := u.Open(t)
		list := []catalog.Product{{}, {Barcode: "x"}, {Artist: "x"}, {Album: "x"}, {CoverType: "x"}, {PriceCategory: "x"}, {ReleaseType: "x"},
			{RecordingDecade: "x"}, {ReleaseDecade: "x"}, {Style: "x"}, {RecordingYear: 1}, {Artist: "X"}, {Artist: "x\x00"}, {Artist: "'; DROP TABLE jobs --"}}
		ids, err := db.Catalog().AddProducts(ctx, list)
		require.NoError(t, err)
		for i, e := range all(t, db.Catalog().Products(ctx)) {
			require.Equal(t, catalog.Entry{ID: ids[i], Product: list[i]}, e)
		}
	})
	t.Run("a kept record is never decided again", func(t *testing.T) {
		db := u.Open(t)
		ids := products(t, db, 2)
		rec := func(style string, n int) catalog.Record {
			return catalog.Record{Raw: catalog.Raw{Barcode: "1", Artist: "Кино", Album: "A", Cover: "SS", PriceCategory: "c", ReleaseType: "Оригинал",
				RecordingYear: "1988", ReleaseYear: "", Style: style}, Product: product(n), ID: ids[n]}
		}
		require.NoError(t, db.Catalog().AddRecords(ctx, []catalog.Record{rec("Rock", 0), rec("", 1)}))
		require.NoError(t, db.Catalog().AddRecords(ctx, []catalog.Record{rec("Rock", 1)}))
		got := all(t, db.Catalog().Records(ctx))
		require.ElementsMatch(t, []catalog.Record{rec("Rock", 0), rec("", 1)}, got)
		require.Equal(t, got, all(t, db.Catalog().Records(ctx)), "the order is fixed")
	})
	t.Run("a record without a product is refused", func(t *testing.T) {
		db := u.Open(t)
		err := db.Catalog().AddRecords(ctx, []catalog.Record{{ID: 7}})
		require.Equal(t, fault.Conflict, fault.KindOf(err))
	})
	t.Run("search finds every word, in any attribute and case", func(t *testing.T) {
		db := u.Open(t)
		ids := products(t, db, 30)
		for text, want := range map[string]int{"": 30, "  ": 30, "кино": 30, "КИНО rock": 30, "album 29": 1, "29 ALBUM кИнО": 1,
			"4600000000007": 1, "оригинал 1988": 30, "none": 0, "кинo": 0, "%": 0, "_": 0, "'": 0, "\x00": 0, "album\n29": 1, "ino rock": 0} {
			_, total, err := db.Catalog().Search(ctx, text, 0, 5)
			require.NoError(t, err, "%q", text)
			require.Equal(t, want, total, "%q", text)
		}
		var pages []catalog.ID
		for after := catalog.ID(0); ; {
			found, total, err := db.Catalog().Search(ctx, "kino", after, 7)
			require.NoError(t, err)
			require.Zero(t, total)
			require.Empty(t, found)
			found, total, err = db.Catalog().Search(ctx, "кино", after, 7)
			require.NoError(t, err)
			require.Equal(t, 30, total, "the total does not depend on the page")
			if len(found) == 0 {
				break
			}
			for _, e := range found {
				pages = append(pages, e.ID)
			}
			after = pages[len(pages)-1]
		}
		require.Equal(t, ids, pages)
	})
}
