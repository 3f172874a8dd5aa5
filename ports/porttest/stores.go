package porttest

import (
	"encoding/json"
	"iter"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

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
		{"activations", testActivations},
		{"forecasts", testForecasts},
		{"pages of products", testPages},
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
