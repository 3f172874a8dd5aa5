package porttest_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plastinka/predictor/adapters/clock"
	"github.com/plastinka/predictor/adapters/compute/inprocess"
	"github.com/plastinka/predictor/ports"
	"github.com/plastinka/predictor/ports/porttest"
)

// Bell is a compute backend of one's own: it rings once for every run that has
// ended, and leaves the running to the backend behind it.
type Bell struct {
	ports.Compute
	Ring func(runID string, state ports.RunState)

	mu   sync.Mutex
	rung map[string]bool
}

// Status looks at the run, and rings if it has ended.
func (b *Bell) Status(ctx context.Context, runID string) (ports.RunStatus, error) {
	s, err := b.Compute.Status(ctx, runID)
	if err != nil || s.State == ports.RunQueued || s.State == ports.RunRunning {
		return s, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.rung[runID] {
		if b.rung == nil {
			b.rung = map[string]bool{}
		}
		b.rung[runID] = true
		b.Ring(runID, s.State)
	}
	return s, nil
}

// bellConforms runs the suite against Bell. In a test file of its own this is
// func TestBell(t *testing.T).
func bellConforms(t *testing.T) {
	porttest.Compute(t, porttest.ComputeBackend{
		Open: func(t *testing.T, root string) ports.Compute {
			backend, err := inprocess.New(root, porttest.ComputeTask, clock.System{})
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, backend.Close()) })
			return &Bell{Compute: backend, Ring: func(string, ports.RunState) {}}
		},
		Leave: func(t *testing.T, c ports.Compute) {
			require.NoError(t, c.(*Bell).Compute.(*inprocess.Backend).Close())
		},
	})
}

// A compute backend of one's own, with the conformance suite run against it.
func ExampleCompute() {
	dir, err := os.MkdirTemp("", "runs")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	task := func(ctx context.Context, input, output string, progress func(float64, string)) error {
		progress(0.5, "half way")
		return os.WriteFile(output, []byte("forecasts"), 0o600)
	}
	backend, err := inprocess.New(filepath.Join(dir, "runs"), task, clock.System{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer backend.Close()

	bell := &Bell{Compute: backend, Ring: func(run string, state ports.RunState) { fmt.Println(run, state) }}
	ctx := context.Background()
	run, err := bell.Submit(ctx, ports.Run{TaskID: "training", Attempt: 1, Input: filepath.Join(dir, "input.zip")})
	if err != nil {
		fmt.Println(err)
		return
	}
	for {
		s, err := bell.Status(ctx, run)
		if err != nil {
			fmt.Println(err)
			return
		}
		if s.State == ports.RunSucceeded {
			break
		}
		time.Sleep(time.Millisecond)
	}
	// Output: training-1 succeeded
}
