//go:build slow

package domain_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestMutationsAreCaught breaks each rule in turn, in a copy that the compiler
// is given instead of the file, and expects the named test to fail.
func TestMutationsAreCaught(t *testing.T) {
	for _, m := range mutations(t) {
		t.Run(m.name, func(t *testing.T) {
			code, err := os.ReadFile(m.file)
			require.NoError(t, err)
			dir := t.TempDir()
			broken := filepath.Join(dir, "broken.go")
			require.NoError(t, os.WriteFile(broken, []byte(strings.Replace(string(code), m.right, m.wrong, 1)), 0o600))
			original, err := filepath.Abs(m.file)
			require.NoError(t, err)
			overlay, err := json.Marshal(map[string]map[string]string{"Replace": {original: broken}})
			require.NoError(t, err)
			list := filepath.Join(dir, "overlay.json")
			require.NoError(t, os.WriteFile(list, overlay, 0o600))

			cmd := exec.CommandContext(t.Context(), "go", "test", "-count=1", "-overlay="+list, "-run=^"+m.test, ".")
			cmd.Dir = filepath.Dir(original)
			out, err := cmd.CombinedOutput()
			require.Error(t, err, "%s did not notice", m.test)
			require.Contains(t, string(out), "--- FAIL: "+m.test, "it must fail, not merely not compile: %s", out)
		})
	}
}
