package datasphere

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plastinka/predictor/adapters/compute/datasphere/emulator"
	"github.com/plastinka/predictor/adapters/support/taskrun"
	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/ports"
	"github.com/plastinka/predictor/ports/porttest"
)

// TestMain lets the test binary be the task program ("child" comes first), and
// a service that is killed at a step ("service").
func TestMain(m *testing.M) {
	switch {
	case len(os.Args) == 6 && os.Args[1] == "child":
		os.Exit(taskrun.Program{Task: porttest.ComputeTask, Input: os.Args[3], Output: os.Args[5],
			Stdout: os.Stdout, Stderr: os.Stderr, Clock: &clock{}}.Main(context.Background(), os.Getenv))
	case len(os.Args) == 8 && os.Args[1] == "service":
		os.Exit(service(os.Args[2:]))
	}
	os.Exit(m.Run())
}

// clock is the system's clock, moved on by what a test adds.
type clock struct{ ahead atomic.Int64 }

func (c *clock) Now() time.Time          { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c *clock) Today() calendar.Day     { return calendar.DayIn(c.Now()) }
func (c *clock) advance(d time.Duration) { c.ahead.Add(int64(d)) }

// script makes a program for jobs that is this test binary: a script, which is
// small, so that uploading it is quick.
func script(t *testing.T) string {
	exe, err := os.Executable()
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "program")
	require.NoError(t, os.WriteFile(path, fmt.Appendf(nil, "#!/bin/sh\nexec %s \"$@\"\n", exe), 0o755))
	return path
}

// optionsFor are those of a backend that uses the emulator.
func optionsFor(e *emulator.Emulator, root, program string) Options {
	return optionsAt(e.Address(), root, program)
}

func optionsAt(address, root, program string) Options {
	return Options{Root: root, ProjectID: "bt1project", Program: program, Arguments: []string{"child"}, Version: "test",
		Endpoints:     Endpoints{Jobs: address, Operations: address, IAM: address, Plaintext: true},
		Credentials:   Credentials{OAuth: func() string { return "y0_test" }},
		InstanceTypes: []string{"c1.8", "c1.4"}, PollInterval: 2 * time.Millisecond, LogPause: 15 * time.Millisecond,
		StatusTimeout: 2 * time.Second, Clock: &clock{}, Log: slog.New(slog.DiscardHandler)}
}

// start makes a backend. Its program is a script, which no check would let
// pass.
func start(t *testing.T, o Options) *Backend {
	b, err := New(o)
	require.NoError(t, err)
	trust(t, b)
	t.Cleanup(func() { require.NoError(t, b.Close()) })
	return b
}

func trust(t require.TestingT, b *Backend) {
	is, err := measure(b.program.path)
	require.NoError(t, err)
	info, err := os.Stat(b.program.path)
	require.NoError(t, err)
	is.Path = programName
	b.program.is, b.program.changed = is, info.ModTime()
}

func emulate(t *testing.T, o emulator.Options) *emulator.Emulator {
	if o.Root == "" {
		o.Root = t.TempDir()
	}
	e, err := emulator.Start(o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, e.Close()) })
	return e
}

func TestConformance(t *testing.T) {
	var mu sync.Mutex
	clouds := map[string]*emulator.Emulator{} // by the state's root
	program := script(t)
	porttest.Compute(t, porttest.ComputeBackend{
		Open: func(t *testing.T, root string) ports.Compute {
			mu.Lock()
			defer mu.Unlock()
			if clouds[root] == nil {
				clouds[root] = emulate(t, emulator.Options{Project: "bt1project"})
			}
			return start(t, optionsFor(clouds[root], root, program))
		},
		Kill: func(t *testing.T, root, id string) {
			r, err := load(taskrun.Folder(filepath.Join(root, id)), id)
			require.NoError(t, err)
			mu.Lock()
			defer mu.Unlock()
			clouds[root].Lose(r.JobID)
		},
	})
}
