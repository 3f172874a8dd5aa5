package porttest

import (
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plastinka/predictor/domain/job"
	"github.com/plastinka/predictor/ports"
)

func testLeases(t *testing.T, u StoresUnderTest) {
	ctx := t.Context()
	claim := func(t *testing.T, db ports.Database, owner string, second int, types []job.Type, ids ...string) (job.Job, bool) {
		t.Helper()
		j, ok, err := db.Jobs().Claim(ctx, owner, types, ids, at(second), 30*time.Second)
		require.NoError(t, err)
		return j, ok
	}
	t.Run("the oldest job that may be run is claimed", func(t *testing.T) {
		db := u.Open(t)
		_, ok := claim(t, db, "w", 0, nil)
		require.False(t, ok, "none is there")
		upload := newJob("upload", 2)
		upload.Type = job.Upload
		for _, j := range []job.Job{newJob("young", 3), upload, newJob("old", 1)} {
			require.NoError(t, db.Jobs().Create(ctx, j))
		}
		_, ok = claim(t, db, "w", 9, []job.Type{job.Report})
		require.False(t, ok)
		_, ok = claim(t, db, "w", 9, nil, "none")
		require.False(t, ok)
		j, ok := claim(t, db, "w", 9, []job.Type{job.Upload, job.Report})
		require.True(t, ok)
		require.Equal(t, "upload", j.ID)
		j, ok = claim(t, db, "w", 9, nil, "young")
		require.True(t, ok)
		require.Equal(t, "young", j.ID)
		j, ok = claim(t, db, "w", 9, nil)
		require.True(t, ok)
		got, err := db.Jobs().Job(ctx, "old")
		require.NoError(t, err)
		require.Equal(t, got, j)
		want := newJob("old", 1)
		want.Status, want.Owner, want.Attempt = job.Running, "w", 1
		want.LeaseUntil, want.UpdatedAt, want.Message = at(39), at(9), got.Message
		require.Equal(t, want, got)
		_, ok = claim(t, db, "w", 9, nil)
		require.False(t, ok, "all are taken")
	})
	t.Run("the oldest is not the first that was stored", func(t *testing.T) {
		db := u.Open(t)
		for _, j := range []job.Job{newJob("young", 3), newJob("old", 1), newJob("middle", 2), newJob("middle, later", 2)} {
			require.NoError(t, db.Jobs().Create(ctx, j))
		}
		for _, want := range []string{"old", "middle", "middle, later", "young"} {
			j, ok := claim(t, db, "w", 9, nil)
			require.True(t, ok)
			require.Equal(t, want, j.ID)
		}
	})
	t.Run("a lease lapses unless its holder is heard", func(t *testing.T) {
		db := u.Open(t)
		require.NoError(t, db.Jobs().Create(ctx, newJob("a", 0)))
		_, ok := claim(t, db, "first", 0, nil)
		require.True(t, ok)
		_, ok = claim(t, db, "second", 29, nil)
		require.False(t, ok)
		asked, err := db.Jobs().Heartbeat(ctx, "a", 1, at(50))
		require.NoError(t, err)
		require.False(t, asked)
		_, ok = claim(t, db, "second", 49, nil)
		require.False(t, ok)
		j, ok := claim(t, db, "second", 50, nil)
		require.True(t, ok)
		require.Equal(t, 2, j.Attempt)
		require.Equal(t, "second", j.Owner)
	})
	t.Run("who was thought dead can do no harm", func(t *testing.T) {
		db := u.Open(t)
		require.NoError(t, db.Jobs().Create(ctx, newJob("a", 0)))
		claim(t, db, "first", 0, nil)
		claim(t, db, "second", 40, nil)
		before, err := db.Jobs().Job(ctx, "a")
		require.NoError(t, err)
		_, err = db.Jobs().Heartbeat(ctx, "a", 1, at(999))
		conflict(t, "lease_lost", err)
		for _, status := range []job.Status{"", job.Completed, job.Failed, job.Pending} {
			conflict(t, "lease_lost", db.Jobs().Change(ctx, job.Change{ID: "a", Attempt: 1, Status: status, Progress: 77, At: at(41)}))
		}
		after, err := db.Jobs().Job(ctx, "a")
		require.NoError(t, err)
		require.Equal(t, before, after)
		conflict(t, "lease_lost", db.Jobs().Change(ctx, job.Change{ID: "none", Attempt: 1, At: at(41)}))
		_, err = db.Jobs().Heartbeat(ctx, "none", 1, at(999))
		conflict(t, "lease_lost", err)
	})
	t.Run("steps keep what they do not name, and an end is final", func(t *testing.T) {
		db := u.Open(t)
		require.NoError(t, db.Jobs().Create(ctx, newJob("a", 0)))
		claim(t, db, "w", 0, nil)
		state := json.RawMessage(`{"run_id":"r"}`)
		require.NoError(t, db.Jobs().Change(ctx, job.Change{ID: "a", Attempt: 1, Progress: 10, Message: "submitted", State: state, At: at(1)}))
		require.NoError(t, db.Jobs().Change(ctx, job.Change{ID: "a", Attempt: 1, Progress: 20, At: at(2)}))
		j, err := db.Jobs().Job(ctx, "a")
		require.NoError(t, err)
		require.Equal(t, state, j.State)
		require.Equal(t, "submitted", j.Message)
		require.Equal(t, 20.0, j.Progress)
		require.Equal(t, job.Running, j.Status)

		require.NoError(t, db.Jobs().Change(ctx, job.Change{ID: "a", Attempt: 1, Status: job.Pending, Progress: 20, Message: "handed back", At: at(3)}))
		conflict(t, "lease_lost", db.Jobs().Change(ctx, job.Change{ID: "a", Attempt: 1, Progress: 30, At: at(3)}))
		_, err = db.Jobs().Heartbeat(ctx, "a", 1, at(99))
		conflict(t, "lease_lost", err)
		j, ok := claim(t, db, "next", 3, nil)
		require.True(t, ok, "handed back is free at once")
		require.Equal(t, state, j.State, "and knows what was reached")

		result := json.RawMessage(`{"model_id":"m","big":12345678901234567890}`)
		require.NoError(t, db.Jobs().Change(ctx, job.Change{ID: "a", Attempt: 2, Status: job.Completed, Progress: 100, Result: result, At: at(4)}))
		j, err = db.Jobs().Job(ctx, "a")
		require.NoError(t, err)
		require.Equal(t, result, j.Result)
		require.Zero(t, j.Owner)
		require.True(t, j.LeaseUntil.IsZero())
		list, _, err := db.Jobs().Jobs(ctx, job.Query{})
		require.NoError(t, err)
		require.Empty(t, list[0].Result, "lists are without results")
		for _, status := range []job.Status{"", job.Running, job.Pending, job.Failed, job.Cancelled} {
			conflict(t, "lease_lost", db.Jobs().Change(ctx, job.Change{ID: "a", Attempt: 2, Status: status, At: at(5)}))
		}
		_, ok = claim(t, db, "w", 9999, nil)
		require.False(t, ok)
	})
}

func testConcurrency(t *testing.T, u StoresUnderTest) {
	ctx := t.Context()
	t.Run("eight workers run two hundred jobs exactly once", func(t *testing.T) {
		db := u.Open(t)
		require.NoError(t, db.Atomically(ctx, func(s ports.Stores) error {
			for i := range 200 {
				if err := s.Jobs().Create(ctx, newJob(fmt.Sprint(i), i)); err != nil {
					return err
				}
			}
			return nil
		}))
		var mu sync.Mutex
		runs := map[string]int{}
		var wg sync.WaitGroup
		errs := make([]error, 8)
		for w := range errs {
			wg.Go(func() {
				for {
					j, ok, err := db.Jobs().Claim(ctx, fmt.Sprint("worker ", w), nil, nil, at(1000), time.Hour)
					if err != nil || !ok {
						errs[w] = err
						return
					}
					mu.Lock()
					runs[j.ID]++
					mu.Unlock()
					if err := db.Jobs().Change(ctx, job.Change{ID: j.ID, Attempt: j.Attempt, Status: job.Completed, At: at(1001)}); err != nil {
						errs[w] = err
						return
					}
				}
			})
		}
		wg.Wait()
		for _, err := range errs {
			require.NoError(t, err)
		}
		require.Len(t, runs, 200)
		for id, n := range runs {
			require.Equal(t, 1, n, "job %s", id)
		}
		_, done, err := db.Jobs().Jobs(ctx, job.Query{Status: job.Completed})
		require.NoError(t, err)
		require.Equal(t, 200, done)
	})
	t.Run("readers see a month whole, before or after", func(t *testing.T) {
		db := u.Open(t)
		ids := products(t, db, 50)
		big, small := month(2026, 1, ids), month(2026, 1, ids[:7])
		require.NoError(t, db.Facts().PutMonth(ctx, big))
		stop := make(chan struct{})
		var wg sync.WaitGroup
		errs := make([]error, 4)
		reads := make([]int, 4)
		for r := range errs {
			wg.Go(func() {
				for {
					n := 0
					for _, err := range db.Facts().Sales(ctx, 0, lastMonth) {
						if errs[r] = err; err != nil {
							return
						}
						n++
					}
					if n != len(big.Sales) && n != len(small.Sales) {
						errs[r] = fmt.Errorf("a reader saw %d sales, half a change", n)
						return
					}
					reads[r]++
					select {
					case <-stop:
						return
					default:
					}
				}
			})
		}
		for i := range 20 {
			m := big
			if i%2 == 0 {
				m = small
			}
			require.NoError(t, db.Facts().PutMonth(ctx, m))
		}
		close(stop)
		wg.Wait()
		for r := range errs {
			require.NoError(t, errs[r])
			require.Positive(t, reads[r])
		}
	})
	t.Run("one of many takes a lock", func(t *testing.T) {
		db := u.Open(t)
		var wg sync.WaitGroup
		got := make([]bool, 16)
		errs := make([]error, 16)
		for i := range got {
			wg.Go(func() { got[i], _, errs[i] = db.Submissions().Lock(ctx, "k", at(0), at(10)) })
		}
		wg.Wait()
		n := 0
		for i := range got {
			require.NoError(t, errs[i])
			if got[i] {
				n++
			}
		}
		require.Equal(t, 1, n)
	})
}
