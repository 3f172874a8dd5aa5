// Package report writes reports: as CSV for programs, as a workbook for the
// shop's own tables, as a page for people, and as JSON.
//
// The page is one file that needs nothing else: words, style, script and charts
// are in it, and a Content-Security-Policy (by digests, without unsafe-inline)
// that forbids everything more. It begins with what to order, then says what it
// brings, how sure that is and how good earlier forecasts were; the long table
// travels as JSON in a script element that is data, and the page's script draws
// only the rows in sight, so that 20,000 products open as fast as 20.
// html/template escapes all text; numbers are formatted in one place for each
// language.
//
// Workbooks are written by excelize's stream writer, whose memory does not grow
// with the rows (XLSX has no writer in the standard library).
package report

import (
	"context"
	"encoding/json"
	"io"

	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/report"
	"github.com/plastinka/predictor/ports"
)

// Renderer writes reports. Its zero value is ready; it is safe for concurrent use.
type Renderer struct{}

var _ ports.ReportRenderer = Renderer{}

// Render writes r to w.
func (Renderer) Render(ctx context.Context, w io.Writer, r *report.Report, f report.Format, l report.Language) error {
	write := writeHTML
	switch f {
	case report.CSV:
		write = writeCSV
	case report.XLSX:
		write = writeXLSX
	case report.JSON:
		write = writeJSON
	}
	return fault.Wrap("report.Render", write(ctx, w, r, l))
}

func writeJSON(_ context.Context, w io.Writer, r *report.Report, _ report.Language) error {
	return json.NewEncoder(w).Encode(r)
}
