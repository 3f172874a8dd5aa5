//go:build slow

package datasphere

import (
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plastinka/predictor/adapters/compute/datasphere/emulator"
	"github.com/plastinka/predictor/ports"
)

// TestLargeFilesStream: 200 MiB go up and come back without being held in
// memory, neither here nor in the emulator, which is the same process.
func TestLargeFilesStream(t *testing.T) {
	c := newCase(t, emulator.Options{}, func(o *Options) {
		o.PollInterval = 50 * time.Millisecond
		require.NoError(t, os.WriteFile(o.Program, []byte("#!/bin/sh\ncp input.zip output.zip\n"), 0o755))
	})
	const size = 200 << 20
	input := filepath.Join(t.TempDir(), "input.zip")
	f, err := os.Create(input)
	require.NoError(t, err)
	block := make([]byte, 1<<20)
	for i := range block {
		block[i] = byte(i * i >> 3)
	}
	for range size / len(block) {
		_, err = f.Write(block)
		require.NoError(t, err)
	}
	require.NoError(t, f.Close())

	stop := make(chan struct{})
	var peak uint64
	var watching sync.WaitGroup
	watching.Go(func() {
		for {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			peak = max(peak, m.HeapAlloc)
			select {
			case <-stop:
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	})
	id, err := c.b.Submit(t.Context(), ports.Run{TaskID: "job", Attempt: 1, Input: input})
	require.NoError(t, err)
	require.Equal(t, ports.RunSucceeded, c.until(id, over).State)
	path, err := c.b.Fetch(t.Context(), id)
	require.NoError(t, err)
	close(stop)
	watching.Wait()
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, int64(size), info.Size())
	t.Logf("peak heap %.1f MiB", float64(peak)/(1<<20))
	require.Less(t, peak, uint64(32<<20))
}

// TestStrictServerDoesNotBreakARun: a call that is silent for long is pinged,
// and a server that hangs up because of that is called again.
func TestStrictServerDoesNotBreakARun(t *testing.T) {
	c := newCase(t, emulator.Options{StrictPings: true}, func(o *Options) { o.StatusTimeout = 2 * time.Minute })
	c.fail("Operation:1=slow_90s")
	id := c.submit("succeed")
	deadline := time.Now().Add(3 * time.Minute)
	for time.Now().Before(deadline) {
		if s, err := c.b.Status(t.Context(), id); err == nil && over(s) {
			require.Equal(t, ports.RunSucceeded, s.State)
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	require.Fail(t, "it did not end")
}
