package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// The kill tests enumerate the deeds of an upload and of a training (every file
// kept, row changed, transaction, run) and kill the process, by SIGKILL, before
// and after each of them, in a build that can do that to itself. After a kill,
// repeating the command must end as if nothing had happened.

// TestR18KilledUpload: all of the upload is there or none; nothing is doubled,
// and no file is left over.
func TestR18KilledUpload(t *testing.T) {
	t.Parallel()
	calm := newKillBox(t)
	args := uploadOf(t, calm.shop("shop", "--products", "60", "--months", "2", "--format", "csv"))
	points := calm.trace(args...)
	want := calm.stored()
	require.Contains(t, points, "written, not yet complete#1", "killed while the files are received")
	require.Contains(t, points, "after progress#2", "while they are read")
	require.Contains(t, points, "before month in a transaction#2", "within the transaction")
	require.Contains(t, points, "commit#2", "before its commit")
	require.Contains(t, points, "after transaction#2", "after it")
	require.Contains(t, points, "before remove from uploads#2", "while the files are removed")
	for _, point := range some(points) {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			b := newKillBox(t)
			b.killedAt(point, args...)
			if months := b.months(); len(months) > 0 {
				require.Len(t, months, 2, "half an upload")
				require.Equal(t, want, b.stored(), "stored, and killed after it")
			} else {
				b.must(args...)
				require.Equal(t, want, b.stored())
			}
			require.Empty(t, b.unfinished())
			require.Empty(t, b.leftovers())
		})
	}
}

// TestKilledTraining: the result arrives exactly once, and no file is left over.
func TestKilledTraining(t *testing.T) {
	t.Parallel()
	calm := newKillBox(t, "ENGINE=baseline")
	calm.must(uploadOf(t, calm.shop("shop", "--products", "60", "--months", "5", "--format", "csv"))...)
	before := filepath.Join(calm.dir, "before")
	require.NoError(t, os.CopyFS(before, os.DirFS(calm.root)))
	points := calm.trace("train")
	want := forecasts(calm)
	require.Contains(t, points, "before submit#1", "killed before the run began")
	require.Contains(t, points, "after submit#1", "while it runs, unknown to the job")
	require.Contains(t, points, "after state#2", "while it runs")
	require.Contains(t, points, "after fetch#1", "while its result is collected")
	require.Contains(t, points, "before forecasts in a transaction#1", "within the transaction")
	require.Contains(t, points, "after transaction#1", "after it")
	require.Contains(t, points, "before remove from datasphere_input#1", "while its files are removed")
	for _, point := range some(points) {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			b := newKillBox(t, "ENGINE=baseline")
			require.NoError(t, os.CopyFS(b.root, os.DirFS(before)))
			b.killedAt(point, "train")
			if len(b.models()) == 0 {
				b.must("train")
			}
			require.Len(t, b.models(), 1, "the result arrived once")
			require.Equal(t, want, forecasts(b))
			require.Empty(t, b.unfinished())
			require.Empty(t, b.leftovers())
		})
	}
}

// newKillBox is a box for the build with kill points.
func newKillBox(t testing.TB, env ...string) *box {
	t.Helper()
	require.NoError(t, program.killPoints())
	b := newBox(t, env...)
	b.binary += "-killpoints"
	return b
}

// trace runs a command to its end and returns the points that it passed.
// Progress is told as often as somebody looks: only its first points are taken.
func (b *box) trace(args ...string) (points []string) {
	b.Helper()
	file := filepath.Join(b.dir, "trace")
	cmd := b.command(args...)
	cmd.Env = append(cmd.Env, "KILL_TRACE="+file)
	o := finish(b, cmd)
	require.Zero(b, o.code, o.err)
	content, err := os.ReadFile(file)
	require.NoError(b, err)
	for _, point := range strings.Fields(strings.ReplaceAll(string(content), " ", "\x00")) {
		if point = strings.ReplaceAll(point, "\x00", " "); !strings.Contains(point, "progress#") || strings.HasSuffix(point, "#1") || strings.HasSuffix(point, "#2") {
			points = append(points, point)
		}
	}
	return points
}

// killedAt runs a command that kills itself at a point.
func (b *box) killedAt(point string, args ...string) {
	b.Helper()
	cmd := b.command(args...)
	cmd.Env = append(cmd.Env, "KILL_AT="+point)
	o := finish(b, cmd)
	require.Equal(b, syscall.SIGKILL, cmd.ProcessState.Sys().(syscall.WaitStatus).Signal(), "%s was not reached\n%s", point, o.err)
}

// stored is all that an upload stores.
func (b *box) stored() string {
	b.Helper()
	var all strings.Builder
	for _, table := range []string{"products", "monthly", "daily", "openings"} {
		all.WriteString(b.must("export", table))
	}
	return all.String()
}

// forecasts is the exported table of forecasts, without the model's name.
func forecasts(b *box) (rows []string) {
	b.Helper()
	for _, f := range b.exported("forecasts") {
		delete(f, "model_id")
		rows = append(rows, fmt.Sprint(f)) // maps print sorted
	}
	require.NotEmpty(b, rows)
	slices.Sort(rows)
	return rows
}

func (b *box) months() (months []any) {
	b.Helper()
	var status struct{ Months []any }
	b.result(&status, "status")
	return status.Months
}

func (b *box) models() (models []map[string]any) {
	b.Helper()
	b.result(&models, "models", "list")
	return models
}

// unfinished are the jobs that have not ended.
func (b *box) unfinished() (jobs []string) {
	b.Helper()
	var answer struct {
		Jobs []struct {
			ID     string `json:"job_id"`
			Status string
		}
	}
	b.result(&answer, "jobs", "list")
	require.NotEmpty(b, answer.Jobs)
	for _, j := range answer.Jobs {
		if j.Status != "completed" {
			jobs = append(jobs, j.ID+" "+j.Status)
		}
	}
	return jobs
}

// leftovers are files that belong to no unfinished job.
func (b *box) leftovers() (names []string) {
	b.Helper()
	for _, place := range []string{"uploads", "datasphere_input", "datasphere_output"} {
		require.NoError(b, filepath.WalkDir(filepath.Join(b.root, place), func(path string, e os.DirEntry, err error) error {
			if err == nil && e.Name() != place && e.Name() != "runs" && e.Name() != ".gate" {
				names = append(names, path)
			}
			return err
		}))
	}
	return names
}
