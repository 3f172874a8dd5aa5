package porttest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/catalog"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/ports"
)

// StoresUnderTest opens a database for the suite.
type StoresUnderTest struct {
	// Open opens an empty database; it closes it when the test ends.
	Open func(t *testing.T) ports.Database
	// Reopen closes the database and opens the same again. nil: it does not
	// outlive its closing.
	Reopen func(t *testing.T, db ports.Database) ports.Database
}

// Stores is the conformance suite of ports.Database and all its stores.
func Stores(t *testing.T, u StoresUnderTest) {
	parts := []struct {
		name string
		test func(*testing.T, StoresUnderTest)
	}{
		{"catalog", testCatalog},
		{"facts", testFacts},
		{"jobs", testJobs},
		{"leases", testLeases},
		{"registries", testRegistries},
		{"forecasts", testForecasts},
		{"results", testResults},
		{"submissions and settings", testSubmissions},
		{"atomically", testAtomically},
		{"concurrency", testConcurrency},
	}
	for _, p := range parts {
		t.Run(p.name, func(t *testing.T) { p.test(t, u) })
	}
	if u.Reopen != nil {
		t.Run("reopen", func(t *testing.T) { testReopen(t, u) })
	}
}

// at is an instant of the suite, n seconds after its beginning.
func at(n int) time.Time {
	return time.Date(2026, 3, 1, 12, 0, 0, 123456789, time.UTC).Add(time.Duration(n) * time.Second)
}

func all[T any](t *testing.T, rows iter.Seq2[T, error]) (list []T) {
	t.Helper()
	for row, err := range rows {
		require.NoError(t, err)
		list = append(list, row)
	}
	return list
}

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

func testSubmissions(t *testing.T, u StoresUnderTest) {
	ctx := t.Context()
	t.Run("a lock is free again at its time", func(t *testing.T) {
		db := u.Open(t)
		lock := func(key string, now, until int) (bool, time.Time) {
			ok, free, err := db.Submissions().Lock(ctx, key, at(now), at(until))
			require.NoError(t, err)
			return ok, free
		}
		ok, _ := lock("training", 0, 300)
		require.True(t, ok)
		ok, free := lock("training", 299, 1000)
		require.False(t, ok)
		require.True(t, free.Equal(at(300)), "free is %s", free)
		ok, _ = lock("tuning", 299, 400)
		require.True(t, ok, "another key is another lock")
		ok, _ = lock("training", 300, 600)
		require.True(t, ok)
	})
	t.Run("the first answer under a key stays", func(t *testing.T) {
		db := u.Open(t)
		_, _, ok, err := db.Submissions().Answer(ctx, "k")
		require.NoError(t, err)
		require.False(t, ok)
		require.NoError(t, db.Submissions().KeepAnswer(ctx, "k", "digest", json.RawMessage(`{"job_id":"1"}`), at(0)))
		require.NoError(t, db.Submissions().KeepAnswer(ctx, "k", "other", json.RawMessage(`{}`), at(1)))
		request, answer, ok, err := db.Submissions().Answer(ctx, "k")
		require.NoError(t, err)
		require.True(t, ok)
		require.Equal(t, "digest", request)
		require.Equal(t, `{"job_id":"1"}`, string(answer))
	})
	t.Run("a setting has its last value", func(t *testing.T) {
		db := u.Open(t)
		_, ok, err := db.Settings().Setting(ctx, "bins")
		require.NoError(t, err)
		require.False(t, ok)
		for _, v := range []string{"0,689.999,inf", "", "новое 'значение'"} {
			require.NoError(t, db.Settings().SetSetting(ctx, "bins", v))
			got, ok, err := db.Settings().Setting(ctx, "bins")
			require.NoError(t, err)
			require.True(t, ok)
			require.Equal(t, v, got)
		}
	})
}

func testAtomically(t *testing.T, u StoresUnderTest) {
	ctx := t.Context()
	set := func(s ports.Stores, name string) {
		require.NoError(t, s.Settings().SetSetting(ctx, name, "x"))
		products(t, s, 3)
	}
	nothingOf := func(t *testing.T, db ports.Database, name string) {
		t.Helper()
		_, ok, err := db.Settings().Setting(ctx, name)
		require.NoError(t, err)
		require.False(t, ok)
		require.Empty(t, all(t, db.Catalog().Products(ctx)))
	}
	t.Run("all of it is there afterwards, and inside at once", func(t *testing.T) {
		db := u.Open(t)
		require.NoError(t, db.Atomically(ctx, func(s ports.Stores) error {
			set(s, "a")
			require.Len(t, all(t, s.Catalog().Products(ctx)), 3)
			return nil
		}))
		require.Len(t, all(t, db.Catalog().Products(ctx)), 3)
	})
	t.Run("an error leaves nothing, and is returned", func(t *testing.T) {
		db := u.Open(t)
		ours := fault.New(fault.Conflict, "months_exist", "there are such months").With("months", []string{"2026-01-01"})
		err := db.Atomically(ctx, func(s ports.Stores) error { set(s, "a"); return ours })
		require.ErrorIs(t, err, ours)
		require.Equal(t, "months_exist", fault.CodeOf(err))
		nothingOf(t, db, "a")
	})
	t.Run("a panic leaves nothing, and goes on", func(t *testing.T) {
		db := u.Open(t)
		require.PanicsWithValue(t, "defect", func() {
			_ = db.Atomically(ctx, func(s ports.Stores) error { set(s, "a"); panic("defect") })
		})
		nothingOf(t, db, "a")
		require.NoError(t, db.Settings().SetSetting(ctx, "b", "x"), "the database goes on working")
	})
	t.Run("a context that ends leaves nothing", func(t *testing.T) {
		db := u.Open(t)
		dying, kill := context.WithCancel(ctx)
		err := db.Atomically(dying, func(s ports.Stores) error { set(s, "a"); kill(); return nil })
		require.Equal(t, fault.Cancelled, fault.KindOf(err))
		nothingOf(t, db, "a")
		for _, err := range db.Catalog().Products(dying) {
			require.Equal(t, fault.Cancelled, fault.KindOf(err))
		}
		require.NoError(t, db.Settings().SetSetting(ctx, "b", "x"), "the database goes on working")
	})
	t.Run("a method that fails inside does nothing by halves", func(t *testing.T) {
		db := u.Open(t)
		require.NoError(t, db.Atomically(ctx, func(s ports.Stores) error {
			ids := products(t, s, 2)
			bad := month(2026, 1, ids)
			bad.Features = append(bad.Features, bad.Features[0]) // twice the same
			require.Error(t, s.Facts().PutMonth(ctx, bad))
			return nil
		}))
		months, err := db.Facts().Months(ctx)
		require.NoError(t, err)
		require.Empty(t, months)
		require.Empty(t, all(t, db.Facts().Sales(ctx, 0, lastMonth)))
		require.Len(t, all(t, db.Catalog().Products(ctx)), 2)
	})
	t.Run("a stream may be left early, and written beside", func(t *testing.T) {
		db := u.Open(t)
		products(t, db, 100)
		for range 100 { // an abandoned reader would exhaust something
			for _, err := range db.Catalog().Products(ctx) {
				require.NoError(t, err)
				break
			}
		}
		n := 0
		for e, err := range db.Catalog().Products(ctx) {
			require.NoError(t, err)
			require.NoError(t, db.Settings().SetSetting(ctx, e.Album, "x"))
			if n++; n == 5 {
				break
			}
		}
		require.NoError(t, db.Atomically(ctx, func(s ports.Stores) error {
			for e, err := range s.Catalog().Products(ctx) {
				require.NoError(t, err)
				other := e.Product
				other.Style = "other"
				_, err = s.Catalog().AddProducts(ctx, []catalog.Product{other})
				require.NoError(t, err)
			}
			return nil
		}))
		require.Len(t, all(t, db.Catalog().Products(ctx)), 200)
	})
}

func testReopen(t *testing.T, u StoresUnderTest) {
	ctx := t.Context()
	db := u.Open(t)
	ids := products(t, db, 3)
	want := month(2026, 1, ids)
	require.NoError(t, db.Facts().PutMonth(ctx, want))
	require.NoError(t, db.Jobs().Create(ctx, newJob("a", 0)))
	_, ok, err := db.Jobs().Claim(ctx, "dies", nil, nil, at(1), time.Minute)
	require.NoError(t, err)
	require.True(t, ok)
	_ = db.Atomically(ctx, func(s ports.Stores) error {
		require.NoError(t, s.Settings().SetSetting(ctx, "never", "x"))
		return errors.New("no")
	})

	db = u.Reopen(t, db)
	require.Equal(t, want, stored(t, db, calendar.MonthOf(2026, 1)))
	_, ok, err = db.Settings().Setting(ctx, "never")
	require.NoError(t, err)
	require.False(t, ok)
	_, ok, err = db.Jobs().Claim(ctx, "next", nil, nil, at(60), time.Minute)
	require.NoError(t, err)
	require.False(t, ok, "the lease of the dead lasts")
	j, ok, err := db.Jobs().Claim(ctx, "next", nil, nil, at(61), time.Minute)
	require.NoError(t, err)
	require.True(t, ok, "and lapses")
	require.Equal(t, 2, j.Attempt)
	require.Equal(t, ids, products(t, db, 3), "ids stay")
}
