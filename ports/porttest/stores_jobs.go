package porttest

import (
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/job"
	"github.com/plastinka/predictor/ports"
)

func newJob(id string, second int) job.Job {
	return job.Job{ID: id, Type: job.Training, Status: job.Pending, CreatedAt: at(second), UpdatedAt: at(second), Message: "waiting",
		Input: json.RawMessage(`{"config_id":"c1","n":1.50}`)}
}

func conflict(t *testing.T, code string, err error) {
	t.Helper()
	require.Equal(t, fault.Conflict, fault.KindOf(err), "%v", err)
	require.Equal(t, code, fault.CodeOf(err))
}

func notFound(t *testing.T, code string, err error) {
	t.Helper()
	require.Equal(t, fault.NotFound, fault.KindOf(err), "%v", err)
	require.Equal(t, code, fault.CodeOf(err))
}

func testJobs(t *testing.T, u StoresUnderTest) {
	ctx := t.Context()
	t.Run("a job is kept as it was given", func(t *testing.T) {
		db := u.Open(t)
		j := newJob("a'\x00б", 0)
		require.NoError(t, db.Jobs().Create(ctx, j))
		got, err := db.Jobs().Job(ctx, j.ID)
		require.NoError(t, err)
		require.Equal(t, j, got)
		conflict(t, "conflict", db.Jobs().Create(ctx, j))
		for _, id := range []string{"b", "", "a'", "a'\x00"} {
			_, err = db.Jobs().Job(ctx, id)
			notFound(t, "job_not_found", err)
		}
	})
	t.Run("pages, newest first", func(t *testing.T) {
		db := u.Open(t)
		for i := range 25 {
			j := newJob(fmt.Sprintf("j%02d", i), i/2) // two of each second
			if i%5 == 0 {
				j.Type = job.Upload
			}
			require.NoError(t, db.Jobs().Create(ctx, j))
		}
		var seen []string
		q := job.Query{Limit: 7}
		for {
			page, total, err := db.Jobs().Jobs(ctx, q)
			require.NoError(t, err)
			require.Equal(t, 25, total)
			if len(page) == 0 {
				break
			}
			for _, j := range page {
				seen = append(seen, j.ID)
			}
			q.Cursor = seen[len(seen)-1]
		}
		require.Len(t, seen, 25)
		for i, id := range seen {
			require.Equal(t, fmt.Sprintf("j%02d", 24-i), id)
		}
		uploads, total, err := db.Jobs().Jobs(ctx, job.Query{Type: job.Upload, Status: job.Pending, Limit: 2})
		require.NoError(t, err)
		require.Equal(t, 5, total)
		require.Len(t, uploads, 2)
		require.NotEmpty(t, uploads[0].Input)
		none, total, err := db.Jobs().Jobs(ctx, job.Query{Status: job.Failed})
		require.NoError(t, err)
		require.Zero(t, total)
		require.Empty(t, none)
		_, _, err = db.Jobs().Jobs(ctx, job.Query{Cursor: "gone"})
		notFound(t, "job_not_found", err)
	})
	t.Run("every step is in the history", func(t *testing.T) {
		db := u.Open(t)
		require.NoError(t, db.Jobs().Create(ctx, newJob("other", -1)))
		require.NoError(t, db.Jobs().Create(ctx, newJob("a", 0)))
		_, ok, err := db.Jobs().Claim(ctx, "w", nil, []string{"a"}, at(1), time.Minute)
		require.NoError(t, err)
		require.True(t, ok)
		require.NoError(t, db.Jobs().Change(ctx, job.Change{ID: "a", Attempt: 1, Progress: 40, Message: "half", At: at(2)}))
		require.NoError(t, db.Jobs().Change(ctx, job.Change{ID: "a", Attempt: 1, Status: job.Failed, Progress: 41, Message: "no",
			Error: &job.Failure{Code: "c", Message: "m", Details: map[string]any{"row": "7"}}, At: at(3)}))
		h, err := db.Jobs().History(ctx, "a", 0)
		require.NoError(t, err)
		require.Len(t, h, 4)
		for i, want := range []job.Event{
			{Status: job.Pending, Message: "waiting", At: at(0)},
			{Status: job.Running, Message: "started", At: at(1)},
			{Status: job.Running, Progress: 40, Message: "half", At: at(2)},
			{Status: job.Failed, Progress: 41, Message: "no", At: at(3)},
		} {
			want.JobID, want.Sequence = "a", h[i].Sequence
			require.Equal(t, want, h[i])
			require.True(t, i == 0 || h[i].Sequence > h[i-1].Sequence)
		}
		rest, err := db.Jobs().History(ctx, "a", h[1].Sequence)
		require.NoError(t, err)
		require.Equal(t, h[2:], rest)
		j, err := db.Jobs().Job(ctx, "a")
		require.NoError(t, err)
		require.Equal(t, &job.Failure{Code: "c", Message: "m", Details: map[string]any{"row": "7"}}, j.Error)
	})
	t.Run("only an ended job can be removed", func(t *testing.T) {
		db := u.Open(t)
		require.NoError(t, db.Jobs().Create(ctx, newJob("a", 0)))
		conflict(t, "conflict", db.Jobs().Remove(ctx, "a"))
		_, err := db.Jobs().RequestCancel(ctx, "a", at(1))
		require.NoError(t, err)
		require.NoError(t, db.Jobs().Remove(ctx, "a"))
		notFound(t, "job_not_found", db.Jobs().Remove(ctx, "a"))
		h, err := db.Jobs().History(ctx, "a", 0)
		require.NoError(t, err)
		require.Empty(t, h)
	})
	t.Run("a cancel is asked for, and a pending job ends by it", func(t *testing.T) {
		db := u.Open(t)
		for _, id := range []string{"waits", "runs"} {
			require.NoError(t, db.Jobs().Create(ctx, newJob(id, 0)))
		}
		_, ok, err := db.Jobs().Claim(ctx, "w", nil, []string{"runs"}, at(1), time.Minute)
		require.NoError(t, err)
		require.True(t, ok)
		j, err := db.Jobs().RequestCancel(ctx, "waits", at(2))
		require.NoError(t, err)
		require.Equal(t, job.Cancelled, j.Status)
		for range 2 { // asking twice is asking
			j, err = db.Jobs().RequestCancel(ctx, "runs", at(2))
			require.NoError(t, err)
			require.Equal(t, job.Running, j.Status)
			require.True(t, j.CancelRequested)
		}
		asked, err := db.Jobs().Heartbeat(ctx, "runs", 1, at(99))
		require.NoError(t, err)
		require.True(t, asked)
		require.NoError(t, db.Jobs().Change(ctx, job.Change{ID: "runs", Attempt: 1, Status: job.Cancelled, At: at(3)}))
		for _, id := range []string{"waits", "runs"} {
			_, err = db.Jobs().RequestCancel(ctx, id, at(4))
			conflict(t, "job_not_cancellable", err)
		}
		_, err = db.Jobs().RequestCancel(ctx, "none", at(4))
		notFound(t, "job_not_found", err)
	})
}

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
