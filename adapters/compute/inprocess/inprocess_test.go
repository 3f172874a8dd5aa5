package inprocess_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plastinka/predictor/adapters/compute/inprocess"
	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/ports"
	"github.com/plastinka/predictor/ports/porttest"
)

type fixedClock struct{}

func (fixedClock) Now() time.Time      { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }
func (fixedClock) Today() calendar.Day { return calendar.DayIn(fixedClock{}.Now()) }

func open(t *testing.T, root string) *inprocess.Backend {
	b, err := inprocess.New(root, porttest.ComputeTask, fixedClock{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, b.Close()) })
	return b
}

func TestConformance(t *testing.T) {
	porttest.Compute(t, porttest.ComputeBackend{
		Open:  func(t *testing.T, root string) ports.Compute { return open(t, root) },
		Leave: func(t *testing.T, c ports.Compute) { require.NoError(t, c.(*inprocess.Backend).Close()) },
	})
}

func TestClosedTakesNothingMore(t *testing.T) {
	b := open(t, t.TempDir())
	require.NoError(t, b.Close())
	_, err := b.Submit(t.Context(), ports.Run{TaskID: "job", Attempt: 1, Input: "x"})
	require.Equal(t, fault.Unavailable, fault.KindOf(err))
}

func TestDiscardEndsWhatRuns(t *testing.T) {
	root := t.TempDir()
	b := open(t, root)
	input := filepath.Join(t.TempDir(), "input.zip")
	require.NoError(t, os.WriteFile(input, []byte("wait"), 0o600))
	id, err := b.Submit(t.Context(), ports.Run{TaskID: "job", Attempt: 1, Input: input})
	require.NoError(t, err)
	require.NoError(t, b.Discard(t.Context(), id))
	require.NoDirExists(t, filepath.Join(root, id))
	_, err = b.Status(t.Context(), id)
	require.Equal(t, fault.NotFound, fault.KindOf(err))
}
