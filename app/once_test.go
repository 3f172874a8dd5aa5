package app_test

import (
	"errors"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plastinka/predictor/adapters/sqlite"
	"github.com/plastinka/predictor/app"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/job"
	"github.com/plastinka/predictor/ports"
)

// TestOnceFromTwoProcesses: two open databases on one file stand for two
// services; of many equal submissions at the same moment one is stored.
func TestOnceFromTwoProcesses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	var dbs [2]*sqlite.Database
	for i := range dbs {
		db, err := sqlite.Open(t.Context(), path, sqlite.Options{})
		require.NoError(t, err)
		defer db.Close()
		dbs[i] = db
	}
	clock := &uploadClock{time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	var stored atomic.Int64
	answers := make([]int64, 24)
	errs := make([]error, len(answers))
	var wg sync.WaitGroup
	for i := range answers {
		wg.Go(func() {
			req := app.OnceRequest{Repeat: app.Repeat{Key: "k", Refractory: time.Minute}, Type: job.Training, Request: "r"}
			answers[i], errs[i] = app.Once(t.Context(), dbs[i%2], clock, req, func() (func(ports.Stores) (int64, error), error) {
				return func(ports.Stores) (int64, error) { return stored.Add(1), nil }, nil
			})
		})
	}
	wg.Wait()
	require.NoError(t, errors.Join(errs...))
	require.Equal(t, slices.Repeat([]int64{1}, len(answers)), answers)
	require.EqualValues(t, 1, stored.Load())
}

// TestOnceThatFailsLeavesNothing: neither a lock nor an answer.
func TestOnceThatFailsLeavesNothing(t *testing.T) {
	db, err := sqlite.OpenMemory(t.Context())
	require.NoError(t, err)
	defer db.Close()
	clock := &uploadClock{time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	try := func(key string, prepare, store error) (string, error) {
		req := app.OnceRequest{Repeat: app.Repeat{Key: key, Refractory: time.Minute}, Type: job.Training, Request: "r"}
		return app.Once(t.Context(), db, clock, req, func() (func(ports.Stores) (string, error), error) {
			return func(s ports.Stores) (string, error) {
				return "stored", errors.Join(s.Settings().SetSetting(t.Context(), "stored", "yes"), store)
			}, prepare
		})
	}
	_, err = try("k", errors.New("not checked"), nil)
	require.ErrorContains(t, err, "not checked")
	_, err = try("k", nil, errors.New("not stored"))
	require.ErrorContains(t, err, "not stored")
	_, ok, err := db.Settings().Setting(t.Context(), "stored")
	require.NoError(t, err)
	require.False(t, ok)
	a, err := try("k", nil, nil)
	require.NoError(t, err)
	require.Equal(t, "stored", a)
	_, err = try("another key", nil, nil)
	require.Equal(t, "job_refractory_active", fault.CodeOf(err))
	a, err = try("k", errors.New("not even looked at"), nil)
	require.NoError(t, err)
	require.Equal(t, "stored", a)
}
