package tables

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"

	"github.com/plastinka/predictor/ports"
)

// benchRows is how many rows of 11 columns a measured file has.
const benchRows = 20_000

func BenchmarkCSV(b *testing.B) {
	var text strings.Builder
	text.WriteString(strings.Join(headers(), ";") + "\n")
	for i := range benchRows {
		fmt.Fprintf(&text, "46000%08d;Исполнитель %d;Альбом %d;SS;%d,50;Переиздание;1988;1993;Rock;15.01.2025;2\n", i, i%700, i%3000, 900+i%4000)
	}
	path := filepath.Join(b.TempDir(), "b.csv")
	require.NoError(b, os.WriteFile(path, []byte(text.String()), 0o600))
	benchmarkFile(b, path)
}

// BenchmarkXLSX reads what excelize's stream writer wrote (inline strings) and
// what its ordinary one did (shared strings), and beside it the same files by
// excelize's row iterator.
func BenchmarkXLSX(b *testing.B) {
	for _, shared := range []bool{false, true} {
		path := filepath.Join(b.TempDir(), fmt.Sprintf("%v.xlsx", shared))
		writeBenchWorkbook(b, path, shared)
		b.Run(fmt.Sprintf("shared=%v", shared), func(b *testing.B) { benchmarkFile(b, path) })
		b.Run(fmt.Sprintf("shared=%v/excelize", shared), func(b *testing.B) { benchmarkExcelize(b, path) })
	}
}

func benchmarkExcelize(b *testing.B, path string) {
	b.ReportAllocs()
	read := 0
	for b.Loop() {
		f, err := excelize.OpenFile(path)
		require.NoError(b, err)
		rows, err := f.Rows("Sheet1")
		require.NoError(b, err)
		for rows.Next() {
			_, err := rows.Columns(excelize.Options{RawCellValue: true})
			require.NoError(b, err)
			read++
		}
		require.NoError(b, rows.Close())
		require.NoError(b, f.Close())
	}
	b.ReportMetric(float64(read)/b.Elapsed().Seconds(), "rows/s")
}

func writeBenchWorkbook(b *testing.B, path string, shared bool) {
	f := excelize.NewFile()
	date, err := f.NewStyle(&excelize.Style{NumFmt: 14})
	require.NoError(b, err)
	var w *excelize.StreamWriter
	if !shared {
		w, err = f.NewStreamWriter("Sheet1")
		require.NoError(b, err)
	}
	for i := range benchRows {
		row := []any{4600000000000 + i, fmt.Sprintf("Исполнитель %d", i%700), fmt.Sprintf("Альбом %d", i%3000), "SS", 900.5 + float64(i%4000),
			"Переиздание", 1988, "1993", "Rock", excelize.Cell{StyleID: date, Value: 45672}, 2}
		if shared {
			for j, v := range row {
				cell, err := excelize.CoordinatesToCellName(j+1, i+1)
				require.NoError(b, err)
				if c, ok := v.(excelize.Cell); ok {
					require.NoError(b, f.SetCellStyle("Sheet1", cell, cell, c.StyleID))
					v = c.Value
				}
				require.NoError(b, f.SetCellValue("Sheet1", cell, v))
			}
			continue
		}
		require.NoError(b, w.SetRow(fmt.Sprintf("A%d", i+1), row))
	}
	if !shared {
		require.NoError(b, w.Flush())
	}
	require.NoError(b, f.SaveAs(path))
	require.NoError(b, f.Close())
}

func BenchmarkXLS(b *testing.B) {
	var cells [][]byte
	for i := range benchRows {
		for j := range 11 {
			cells = append(cells, number(i, j, float64(i+j)))
		}
	}
	path := filepath.Join(b.TempDir(), "b.xls")
	require.NoError(b, os.WriteFile(path, xlsOf(nil, cells...), 0o600))
	benchmarkFile(b, path)
}

func benchmarkFile(b *testing.B, path string) {
	b.ReportAllocs()
	rows := 0
	for b.Loop() {
		w, err := Reader{}.Open(context.Background(), path, ports.TableLimits{})
		require.NoError(b, err)
		for _, err := range w.Rows(context.Background(), 0) {
			require.NoError(b, err)
			rows++
		}
		require.NoError(b, w.Close())
	}
	b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
}
