package httpapi

import (
	"bytes"
	"context"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/plastinka/predictor/app"
	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/report"
)

type reportBody struct {
	Type    string         `json:"report_type" enum:"prediction_report" example:"prediction_report"`
	Month   *string        `json:"prediction_month,omitempty" nullable:"true" maxLength:"40" doc:"any day or YYYY-MM; the latest month with forecasts if absent" example:"2026-01-01"`
	ModelID *string        `json:"model_id,omitempty" nullable:"true" maxLength:"200" doc:"the active model if absent"`
	Filters map[string]any `json:"filters,omitempty" nullable:"true" doc:"equality on the ten attributes (alias record_year)" example:"{\"style\":\"Jazz\"}"`
}

type reportInput struct {
	withContext
	Lang     string  `query:"lang" enum:"ru,en" doc:"the language of the HTML and XLSX report"`
	Quantile float64 `query:"quantile" minimum:"0.01" maximum:"0.99" doc:"of demand that the suggested restock covers; 0.75 if absent"`
	Body     reportBody
}

// ReportAnswer is a report for programs.
type ReportAnswer struct {
	Type      string            `json:"report_type"`
	Month     string            `json:"prediction_month" doc:"YYYY-MM"`
	Records   int               `json:"records_count"`
	CSV       string            `json:"csv_data"`
	Generated time.Time         `json:"generated_at"`
	Filters   map[string]string `json:"filters_applied"`
}

type reportOutput struct {
	ContentType string `header:"Content-Type"`
	Policy      string `header:"Content-Security-Policy"`
	Disposition string `header:"Content-Disposition"`
	Body        any
}

func (s *Service) registerReports() {
	schema := s.api.OpenAPI().Components.Schemas.Schema(typeOf[ReportAnswer](), true, "ReportAnswer")
	file := func() *huma.MediaType { return &huma.MediaType{Schema: &huma.Schema{Type: "string"}} }
	huma.Register(s.api, key(huma.Operation{OperationID: "report", Method: http.MethodPost, Path: "/api/v1/jobs/reports", Tags: []string{"jobs"},
		Summary:     "What to restock: the forecast report",
		Description: "JSON with the report as CSV; Accept: text/html, text/csv or the XLSX media type gives the report itself.",
		Errors:      []int{http.StatusNotFound, http.StatusUnprocessableEntity},
		Responses: map[string]*huma.Response{"200": {Description: "the report", Content: map[string]*huma.MediaType{
			"application/json": {Schema: schema}, "text/html": file(), "text/csv": file(),
			xlsxType: file()}}},
	}), s.report)
}

const xlsxType = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

func (s *Service) report(ctx context.Context, in *reportInput) (*reportOutput, error) {
	req, err := reportRequest(in)
	if err != nil {
		return nil, err
	}
	lang, err := report.ParseLanguage(in.Lang)
	if err != nil {
		return nil, problem(err)
	}
	made, err := s.app.Reports.Report(ctx, req)
	if err != nil {
		return nil, problem(err)
	}
	asked := wantedFormat(in.ctx.Header("Accept"))
	format := asked
	if asked == report.JSON {
		format = report.CSV // within the answer
	}
	var b bytes.Buffer
	if err := s.opts.Renderer.Render(ctx, &b, made, format, lang); err != nil {
		return nil, problem(err)
	}
	out := &reportOutput{ContentType: asked.MediaType(), Body: b.Bytes()}
	switch asked {
	case report.JSON:
		applied := map[string]string{}
		maps.Copy(applied, made.Filters)
		out.Body = ReportAnswer{Type: "prediction_report", Month: made.Month.Short(), Records: len(made.Rows), CSV: b.String(),
			Generated: made.GeneratedAt.UTC(), Filters: applied}
	case report.HTML:
		out.Policy = s.opts.Renderer.Policy()
	default:
		out.Disposition = `attachment; filename="report-` + made.Month.Short() + "." + string(asked) + `"`
	}
	return out, nil
}

// reportRequest is the request as the use case knows it.
func reportRequest(in *reportInput) (req app.ReportRequest, err error) {
	req.Level = in.Quantile
	if in.Body.Month != nil && *in.Body.Month != "" {
		m, err := calendar.ParseMonth(trimDay(*in.Body.Month))
		if err != nil {
			return req, invalid(Violation{Loc: []any{"body", "prediction_month"}, Msg: err.Error(), Type: "date_parsing"})
		}
		req.Month = &m
	}
	if in.Body.ModelID != nil {
		req.ModelID = *in.Body.ModelID
	}
	if req.Filters, err = report.ParseFilters(in.Body.Filters); err != nil {
		return req, invalid(Violation{Loc: []any{"body", "filters"}, Msg: err.Error(), Type: "value_error"})
	}
	return req, nil
}

// wantedFormat is the first format of the Accept header that a report has;
// JSON, which old clients get, if there is none.
func wantedFormat(accept string) report.Format {
	for part := range strings.SplitSeq(accept, ",") {
		t, _, _ := strings.Cut(part, ";")
		switch strings.ToLower(strings.TrimSpace(t)) {
		case "application/json":
			return report.JSON
		case "text/html":
			return report.HTML
		case "text/csv":
			return report.CSV
		case xlsxType:
			return report.XLSX
		}
	}
	return report.JSON
}
