package main

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestServiceLogsWhatItIsToldAndWhereItIs: warnings about the settings, a fixed
// today among them (§4.3), the address and what is configured (§7.2).
func TestServiceLogsWhatItIsToldAndWhereItIs(t *testing.T) {
	t.Parallel()
	b := newBox(t, "PLASTINKA_TODAY=2026-01-15", "DATASPHERE_MAX_POLLS=3", "ENGINE=baseline")
	service := b.start("serve", "--port", "0")
	service.until("listens on")
	require.NoError(t, service.cmd.Process.Signal(syscall.SIGTERM))
	o := service.wait()
	require.Zero(t, o.code, o.err)
	logged, err := os.ReadFile(filepath.Join(b.root, "logs", "plastinka.log"))
	require.NoError(t, err)
	for _, log := range []string{o.err, string(logged)} {
		require.Regexp(t, `level=WARN msg="today is fixed to 2026-01-15 by PLASTINKA_TODAY"`, log)
		require.Regexp(t, `level=WARN msg="DATASPHERE_MAX_POLLS \(environment\) is no longer used"`, log)
		require.Regexp(t, `level=INFO msg=listening address=http://127.0.0.1:\d+ documentation=http://\S+/docs .*engine=baseline`, log)
	}
}
