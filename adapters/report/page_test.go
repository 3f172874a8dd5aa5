package report_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	adapter "github.com/plastinka/predictor/adapters/report"
	"github.com/plastinka/predictor/domain/report"
)

var write = flag.String("write", "", "folder to write the sample pages to, for looking at them")

func render(t testing.TB, r *report.Report, f report.Format, l report.Language) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, adapter.Renderer{}.Render(t.Context(), &b, r, f, l))
	return b.Bytes()
}

func TestPagesForLooking(t *testing.T) {
	for _, l := range []report.Language{report.Russian, report.English} {
		b := render(t, sample(400, 34), report.HTML, l)
		require.Contains(t, string(b), `<html lang="`+string(l)+`">`)
		if *write != "" {
			require.NoError(t, os.WriteFile(filepath.Join(*write, string(l)+".html"), b, 0o644))
		}
	}
}

func BenchmarkHTML20000(b *testing.B) {
	r := sample(20000, 36)
	var size int
	for b.Loop() {
		size = len(render(b, r, report.HTML, report.Russian))
	}
	b.ReportMetric(float64(size)/1e6, "MB")
}

func BenchmarkXLSX20000(b *testing.B) {
	r := sample(20000, 36)
	for b.Loop() {
		render(b, r, report.XLSX, report.Russian)
	}
}

func BenchmarkCSV20000(b *testing.B) {
	r := sample(20000, 36)
	for b.Loop() {
		render(b, r, report.CSV, report.Russian)
	}
}
