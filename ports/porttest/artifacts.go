package porttest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/ports"
)

// Artifacts is the conformance suite of ports.Artifacts. open opens an empty
// one.
func Artifacts(t *testing.T, open func(t *testing.T) ports.Artifacts) {
	t.Run("a file that is adopted is there, whole, and gone from where it was", func(t *testing.T) {
		a := open(t)
		for _, content := range []string{"first", "second, in its place"} {
			from := filepath.Join(t.TempDir(), "made")
			require.NoError(t, os.WriteFile(from, []byte(content), 0o644))
			require.NoError(t, a.Adopt(from, ports.ModelFiles, "модель 1.onnx"))
			require.NoFileExists(t, from)
			path, err := a.Path(ports.ModelFiles, "модель 1.onnx")
			require.NoError(t, err)
			b, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Equal(t, content, string(b))
		}
		list, err := a.List(ports.ModelFiles)
		require.NoError(t, err)
		require.Len(t, list, 1)
		require.Equal(t, "модель 1.onnx", list[0].Name)
		require.EqualValues(t, len("second, in its place"), list[0].Size)
		require.False(t, list[0].Modified.IsZero())
	})
	t.Run("nothing to adopt leaves what was there", func(t *testing.T) {
		a := open(t)
		from := filepath.Join(t.TempDir(), "made")
		require.NoError(t, os.WriteFile(from, []byte("kept"), 0o600))
		require.NoError(t, a.Adopt(from, ports.ReportFiles, "r.html"))
		require.Equal(t, fault.NotFound, fault.KindOf(a.Adopt(from, ports.ReportFiles, "r.html")))
		require.Equal(t, fault.Invalid, fault.KindOf(a.Adopt(t.TempDir(), ports.ReportFiles, "r.html")), "a folder is no file")
		path, err := a.Path(ports.ReportFiles, "r.html")
		require.NoError(t, err)
		require.FileExists(t, path)
	})
	t.Run("remove takes files and folders, and what is not there", func(t *testing.T) {
		a := open(t)
		dir, err := a.Path(ports.TaskOutputs, "job")
		require.NoError(t, err)
		require.NoError(t, os.MkdirAll(filepath.Join(dir, "deep"), 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(dir, "deep", "x"), []byte("12345"), 0o600))
		list, err := a.List(ports.TaskOutputs)
		require.NoError(t, err)
		require.Len(t, list, 1)
		require.EqualValues(t, 5, list[0].Size)
		require.NoError(t, a.Remove(ports.TaskOutputs, "job"))
		require.NoDirExists(t, dir)
		require.NoError(t, a.Remove(ports.TaskOutputs, "job"))
		list, err = a.List(ports.TaskOutputs)
		require.NoError(t, err)
		require.Empty(t, list)
	})
	t.Run("a name is one path element", func(t *testing.T) {
		a := open(t)
		for _, name := range []string{"", ".", "..", "../x", "a/b", `a\b`, "/etc/passwd", "c:x", "nul\x00", "line\nbreak", strings.Repeat("x", 300)} {
			_, err := a.Path(ports.Uploads, name)
			require.Equal(t, fault.Invalid, fault.KindOf(err), "Path of %q", name)
			require.Equal(t, fault.Invalid, fault.KindOf(a.Remove(ports.Uploads, name)), "Remove of %q", name)
			require.Equal(t, fault.Invalid, fault.KindOf(a.Adopt("x", ports.Uploads, name)), "Adopt as %q", name)
		}
		for _, place := range []ports.Place{"", "database", "..", "uploads/x"} {
			_, err := a.Path(place, "x")
			require.Equal(t, fault.Invalid, fault.KindOf(err), "the place %q", place)
			_, err = a.List(place)
			require.Equal(t, fault.Invalid, fault.KindOf(err), "the place %q", place)
		}
	})
}
