package porttest

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/job"
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
