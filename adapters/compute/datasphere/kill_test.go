package datasphere

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plastinka/predictor/adapters/compute/datasphere/emulator"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/ports"
)

// service is a process that submits a task and follows it, as the service
// does, until it kills itself at a step; whether it wants the task stopped is
// its last argument.
func service(args []string) int {
	root, address, program, input, stopAt, cancel := args[0], args[1], args[2], args[3], args[4], args[5] == "cancel"
	o := optionsAt(address, root, program)
	b, err := New(o)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	trust(panics{}, b)
	b.reached = func(step string) {
		if step == stopAt {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {} // until it comes
		}
	}
	ctx := context.Background()
	id, err := b.Submit(ctx, ports.Run{TaskID: "job", Attempt: 1, Input: input})
	for err == nil || fault.KindOf(err) == fault.Unavailable {
		var s ports.RunStatus
		if s, err = b.Status(ctx, id); err == nil && over(s) {
			break
		}
		if cancel && waits(s) {
			err = b.Cancel(ctx, id)
		}
		time.Sleep(time.Millisecond)
	}
	fmt.Println("ended without reaching", stopAt, err)
	return 0
}

// panics is a test that has nobody to tell.
type panics struct{}

func (panics) Errorf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }
func (panics) FailNow()                          { panic("failed") }

// TestKilledAtEveryStep: a service that is killed before or after writing down
// a step, which is before or after every call, is followed by another one that
// ends the same run, without a second execution and without a second job.
func TestKilledAtEveryStep(t *testing.T) {
	for _, step := range []string{"submitted", "creating", "create called", "created", "uploaded plastinka", "uploaded input.zip",
		"executing", "executed", "ended", "settled"} {
		for _, when := range []string{"before ", ""} {
			t.Run(when+step, func(t *testing.T) {
				t.Parallel()
				c := newCase(t, emulator.Options{}, nil)
				killed(c, when+step, "succeed", "")
				id := c.submit("succeed")
				require.Equal(t, ports.RunSucceeded, c.until(id, over).State)
				require.Equal(t, 1, c.executions())
				require.Len(t, c.e.Jobs(), 1)
				_, err := c.b.Fetch(t.Context(), id)
				require.NoError(t, err)
			})
		}
	}
}

// TestKilledWhileCancelling: the wish to stop survives, and reaches the cloud.
func TestKilledWhileCancelling(t *testing.T) {
	for _, step := range []string{"before cancel sent", "cancel sent"} {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			c := newCase(t, emulator.Options{}, nil)
			killed(c, step, "wait", "cancel")
			require.Equal(t, ports.RunCancelled, c.until("job-1", over).State)
			require.Equal(t, 1, c.executions())
		})
	}
}

// killed runs a service until it has killed itself at a step.
func killed(c *cloudCase, step, what, cancel string) {
	c.Helper()
	input := filepath.Join(c.TempDir(), "input.zip")
	require.NoError(c, os.WriteFile(input, []byte(what), 0o600))
	exe, err := os.Executable()
	require.NoError(c, err)
	cmd := exec.CommandContext(c.Context(), exe, "service", c.options.Root, c.e.Address(), c.options.Program, input, step, cancel)
	said, err := cmd.CombinedOutput()
	require.Error(c, err, "%s", said)
	state, ok := cmd.ProcessState.Sys().(syscall.WaitStatus)
	require.True(c, ok && state.Signaled() && state.Signal() == syscall.SIGKILL, "%s %s", cmd.ProcessState, said)
}
