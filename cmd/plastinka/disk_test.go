package main

import (
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestR18FullDisk: where files cannot grow, an upload ends with a clear error,
// stores nothing and leaves nothing; once there is room, it works.
func TestR18FullDisk(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	dir := b.shop("shop", "--products", "300", "--months", "4", "--format", "csv")
	upload := append(uploadOf(t, dir), "--json")
	for _, c := range []struct {
		when       string
		kilobytes  int // no file can be larger
		begun      bool
		code, says string
	}{
		{"the database is made", 4, false, "disk_full", "free some space and try again"},
		{"the files are received", 30, true, "disk_full", "free some space and try again"},
		{"the transaction is written", 400, true, "disk_full", "nothing was changed; free some space and try again"},
	} {
		if c.begun {
			b.must("status")
		}
		o := b.limited(c.kilobytes, upload...)
		require.Equal(t, 1, o.code, "%s: %s%s", c.when, o.out, o.err)
		failed := failureOf(t, o)
		require.Equal(t, c.code, failed.Code, c.when)
		require.Contains(t, failed.Message, c.says, c.when)
		require.Empty(t, b.months(), c.when)
		require.Empty(t, b.exported("products"), c.when)
		require.Empty(t, b.leftovers(), c.when)
	}
	b.must(uploadOf(t, dir)...)
	requireTruth(b, filepath.Join(dir, "truth"), "csv")

	o := b.limited(20, "train", "--engine", "baseline", "--json")
	require.Equal(t, 1, o.code, "a training: %s%s", o.out, o.err)
	require.Equal(t, "disk_full", failureOf(t, o).Code)
	require.Empty(t, b.models())
	b.must("train", "--engine", "baseline")
	require.Len(t, b.models(), 1)
	require.Empty(t, b.leftovers())
}

// limited runs a command that can make no file larger than some kilobytes.
func (b *box) limited(kilobytes int, args ...string) outcome {
	b.Helper()
	cmd := b.command(args...)
	limit := `ulimit -f "$0" && exec "$@"` // in units of 512 bytes
	shell := exec.Command("sh", append([]string{"-c", limit, strconv.Itoa(2 * kilobytes)}, cmd.Args...)...)
	shell.Dir, shell.Env = cmd.Dir, cmd.Env
	return finish(b, shell)
}
