package ports

import (
	"context"
	"io"

	"github.com/plastinka/predictor/domain/report"
)

// ReportRenderer writes a report in a format and a language.
type ReportRenderer interface {
	Render(ctx context.Context, w io.Writer, r *report.Report, f report.Format, l report.Language) error
	// Policy is the Content-Security-Policy under which the HTML page works; it
	// allows the page's own script and style by their digests, and nothing else.
	Policy() string
}
