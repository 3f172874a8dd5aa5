package porttest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/catalog"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/ports"
)

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
