package tables

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plastinka/predictor/ports"
)

// TestR8MemoryIsFlat: far down a file no more is held than near its top.
func TestR8MemoryIsFlat(t *testing.T) {
	const rows = 40_000
	csv, xlsx := []byte("Barcode,Artist,Album\n"), strings.Builder{}
	var xls [][]byte
	for i := range rows {
		csv = fmt.Appendf(csv, "46000%d,\"Исполнитель %d\",Альбом\n", i, i)
		fmt.Fprintf(&xlsx, `<row><c><v>46000%d</v></c><c t="inlineStr"><is><t>Исполнитель %d</t></is></c></row>`, i, i)
		xls = append(xls, number(i, 0, float64(i)), rec(recLabel, le(uint16(i), uint16(1), uint16(0)), wide("Исполнитель")))
	}
	dir := t.TempDir()
	for name, data := range map[string][]byte{"csv": csv, "xlsx": sheetOf(t, xlsx.String()), "xls": xlsOf(nil, xls...)} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), data, 0o600))
	}
	for _, name := range []string{"csv", "xlsx", "xls"} {
		w, err := Reader{}.Open(t.Context(), filepath.Join(dir, name), ports.TableLimits{})
		require.NoError(t, err)
		var early, late uint64
		n := 0
		for _, err := range w.Rows(t.Context(), 0) {
			require.NoError(t, err)
			switch n++; n {
			case 1_000:
				early = held()
			case rows - 1_000:
				late = held()
			}
		}
		require.NoError(t, w.Close())
		require.Less(t, late, early+100_000, "%s: bytes held near the end, near the top %d", name, early)
	}
}

// held is what the heap holds.
func held() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
