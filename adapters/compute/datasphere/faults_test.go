package datasphere

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plastinka/predictor/adapters/compute/datasphere/emulator"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/ports"
)

// cloudCase is one emulator and one backend that uses it.
type cloudCase struct {
	*testing.T
	e       *emulator.Emulator
	b       *Backend
	options Options
	clock   *clock
}

func newCase(t *testing.T, o emulator.Options, change func(*Options)) *cloudCase {
	c := &cloudCase{T: t, clock: &clock{}}
	o.Project = "bt1project"
	c.e = emulate(t, o)
	c.options = optionsFor(c.e, filepath.Join(t.TempDir(), "runs"), script(t))
	c.options.Clock = c.clock
	if change != nil {
		change(&c.options)
	}
	c.b = start(t, c.options)
	return c
}

// submit submits the first attempt of a task that does what its input says.
func (c *cloudCase) submit(what string) string {
	c.Helper()
	input := filepath.Join(c.TempDir(), "input.zip")
	require.NoError(c, os.WriteFile(input, []byte(what), 0o600))
	id, err := c.b.Submit(c.Context(), ports.Run{TaskID: "job", Attempt: 1, Input: input})
	require.NoError(c, err)
	return id
}

// until looks at the run until it is as wanted, as a job does: errors that can
// pass are waited for.
func (c *cloudCase) until(id string, wanted func(ports.RunStatus) bool) ports.RunStatus {
	c.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for time.Now().Before(deadline) {
		s, err := c.b.Status(c.Context(), id)
		if kind := fault.KindOf(err); kind != fault.Unavailable && kind != fault.Unauthenticated {
			require.NoError(c, err)
		}
		if err == nil && wanted(s) {
			return s
		}
		if strings.Contains(s.Message, "quota") {
			c.clock.advance(20 * time.Minute) // as long as the longest wait
		}
		time.Sleep(time.Millisecond)
	}
	require.Fail(c, "the run did not come to what was awaited")
	return ports.RunStatus{}
}

func over(s ports.RunStatus) bool { return s.State != ports.RunQueued && s.State != ports.RunRunning }

func waits(s ports.RunStatus) bool { return s.Message == "waiting" }

func (c *cloudCase) executions() (n int) {
	for _, j := range c.e.Jobs() {
		n += j.Executions
	}
	return n
}

func (c *cloudCase) fail(rules string) {
	for text := range strings.SplitSeq(rules, ",") {
		r, err := emulator.ParseRule(strings.ReplaceAll(text, "_", " "))
		if err != nil {
			r, err = emulator.ParseRule(text) // names of codes have the sign too
		}
		require.NoError(c, err)
		c.e.Fail(r)
	}
}

// TestFaults: each step × each fault → what becomes of the run, by the table
// testdata/faults.txt.
func TestFaults(t *testing.T) {
	table, err := os.ReadFile("testdata/faults.txt")
	require.NoError(t, err)
	rows := 0
	for line := range strings.Lines(string(table)) {
		f := strings.Fields(line)
		if len(f) == 0 || f[0] == "#" {
			continue
		}
		require.Len(t, f, 6, line)
		rows++
		t.Run(f[0]+" "+f[1], func(t *testing.T) {
			t.Parallel()
			c := newCase(t, emulator.Options{}, func(o *Options) {
				if strings.Contains(f[0], "hang") {
					o.StatusTimeout, o.SubmitTimeout, o.DownloadTimeout = 400*time.Millisecond, 400*time.Millisecond, 400*time.Millisecond
				}
			})
			c.fail(f[0])
			id := c.submit(f[1])
			s := c.until(id, over)
			got := string(s.State)
			if s.Failure != "" {
				got += "/" + string(s.Failure)
			}
			code := s.Code
			if code == "" {
				code = "-"
			}
			require.Equal(t, f[2:4], []string{got, code}, "%+v", s)
			require.Equal(t, f[4:6], []string{strconv.Itoa(len(c.e.Jobs())), strconv.Itoa(c.executions())})
			if s.State == ports.RunSucceeded {
				path, err := c.b.Fetch(t.Context(), id)
				require.NoError(t, err)
				require.FileExists(t, path)
			} else {
				require.NotEmpty(t, s.Reason)
				require.NotContains(t, s.Reason, "X-Amz-Signature", "an address that works like a password")
			}
		})
	}
	require.Greater(t, rows, 60)
}
