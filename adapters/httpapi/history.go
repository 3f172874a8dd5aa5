package httpapi

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/plastinka/predictor/app"
	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/catalog"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/panel"
)

type historyInput struct {
	Product  int64       `query:"multiindex_id" minimum:"1" doc:"only this product"`
	From     string      `query:"prediction_month_from" maxLength:"40" doc:"the first month, YYYY-MM-01" example:"2026-01-01"`
	To       string      `query:"prediction_month_to" maxLength:"40" doc:"the last month, YYYY-MM-01" example:"2026-03-01"`
	Actuals  LenientBool `query:"include_actuals" doc:"what was sold; true if absent"`
	Features LenientBool `query:"include_features" doc:"availability, means and lost sales; true if absent"`
	Limit    int         `query:"limit" minimum:"1" maximum:"10000" doc:"how many products; all, streamed, if absent"`
	Cursor   string      `query:"cursor" maxLength:"40" doc:"next_cursor of the page before"`
}

// PredictionHistory is what was forecast, and what then happened.
type PredictionHistory struct {
	Items    []PredictionItem   `json:"items"`
	Metadata PredictionMetadata `json:"metadata"`
	Next     string             `json:"next_cursor" doc:"empty on the last page"`
}

// PredictionMetadata is about all pages.
type PredictionMetadata struct {
	Total int       `json:"total_items" doc:"products with forecasts in the range, in all pages"`
	Range DateRange `json:"date_range"`
}

// DateRange is from the first month with forecasts to the last.
type DateRange struct {
	Min calendar.Month `json:"min"`
	Max calendar.Month `json:"max"`
}

// PredictionItem is one product's history.
type PredictionItem struct {
	ID          catalog.ID        `json:"multiindex_id"`
	Metadata    catalog.Product   `json:"metadata" doc:"the ten attributes"`
	Predictions []MonthPrediction `json:"predictions"`
	Actuals     []MonthActual     `json:"actuals"`
	Features    []MonthFeature    `json:"features"`
}

// MonthPrediction is a forecast.
type MonthPrediction struct {
	Month     calendar.Month `json:"prediction_month"`
	ModelID   string         `json:"model_id"`
	Quantiles Quantiles      `json:"quantiles"`
}

// Quantiles are in copies.
type Quantiles struct {
	Q05 float64 `json:"q05"`
	Q25 float64 `json:"q25"`
	Q50 float64 `json:"q50"`
	Q75 float64 `json:"q75"`
	Q95 float64 `json:"q95"`
}

// MonthActual is what was sold.
type MonthActual struct {
	Month calendar.Month `json:"month"`
	Sales int            `json:"sales_count"`
}

// MonthFeature is how a month was.
type MonthFeature struct {
	Month        calendar.Month `json:"month"`
	Availability float64        `json:"availability"`
	Confidence   float64        `json:"confidence"`
	MeanItems    float64        `json:"masked_mean_sales_items"`
	MeanRub      float64        `json:"masked_mean_sales_rub"`
	LostRub      float64        `json:"lost_sales_rub"`
}

func (s *Service) registerHistory() {
	schema := s.api.OpenAPI().Components.Schemas.Schema(typeOf[PredictionHistory](), true, "PredictionHistory")
	huma.Register(s.api, key(huma.Operation{OperationID: "prediction-history", Method: http.MethodGet, Path: "/api/v1/predictions/history", Tags: []string{"predictions"},
		Summary:     "What was forecast, and what then happened",
		Description: "Products with forecasts in a range of months, by id. Without a limit all of them are streamed. The bounds are inclusive, for what was sold and the features too.",
		Errors:      []int{http.StatusBadRequest, http.StatusNotFound, http.StatusUnprocessableEntity},
		Responses: map[string]*huma.Response{"200": {Description: "the history", Content: map[string]*huma.MediaType{
			"application/json": {Schema: schema}}}}}), s.history)
}

func (s *Service) history(ctx context.Context, in *historyInput) (*huma.StreamResponse, error) {
	q := app.HistoryRequest{Product: catalog.ID(in.Product), Limit: in.Limit, Happened: in.Actuals.Or(true) || in.Features.Or(true)}
	var err error
	if q.From, err = firstOfMonth("prediction_month_from", in.From); err != nil {
		return nil, err
	}
	if q.To, err = firstOfMonth("prediction_month_to", in.To); err != nil {
		return nil, err
	}
	if q.From != nil && q.To != nil && *q.From > *q.To {
		return nil, badRange("prediction_month_from", in.From, "it is later than prediction_month_to, "+in.To)
	}
	if q.After, err = productCursor(in.Cursor); err != nil {
		return nil, err
	}
	page, err := s.app.History.Find(ctx, q)
	if err != nil {
		return nil, problem(err)
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		r, w := humago.Unwrap(hc)
		w.Header().Set("Content-Type", "application/json")
		if r.Method == http.MethodHead {
			return
		}
		if err := writeHistory(w, page, in.Actuals.Or(true), in.Features.Or(true)); err != nil {
			s.log.Warn("a history was broken off", "request_id", r.Header.Get(requestIDHeader), "error", err)
			panic(http.ErrAbortHandler) // half an answer must not look like a whole one
		}
	}}, nil
}

// writeHistory writes a PredictionHistory, item by item.
func writeHistory(to io.Writer, page app.HistoryPage, actuals, features bool) error {
	w := bufio.NewWriterSize(to, 64<<10)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_, _ = w.WriteString(`{"items":[`) // its errors come with Flush
	first := true
	for item, err := range page.Items {
		if err != nil {
			return err
		}
		if !first {
			_ = w.WriteByte(',')
		}
		first = false
		if err := enc.Encode(itemView(item, actuals, features)); err != nil {
			return err
		}
	}
	meta, err := json.Marshal(PredictionMetadata{Total: page.Total, Range: DateRange{Min: page.First, Max: page.Last}})
	if err != nil {
		return err
	}
	_, _ = w.WriteString(`],"metadata":` + string(meta) + `,"next_cursor":"` + cursorOf(page.Next) + "\"}\n")
	return w.Flush()
}

func itemView(h app.ProductHistory, actuals, features bool) PredictionItem {
	item := PredictionItem{ID: h.ID, Metadata: h.Product, Predictions: make([]MonthPrediction, len(h.Forecasts)),
		Actuals: []MonthActual{}, Features: []MonthFeature{}}
	for i, f := range h.Forecasts {
		q := f.Quantiles
		item.Predictions[i] = MonthPrediction{Month: f.Month, ModelID: f.ModelID, Quantiles: Quantiles{q[0], q[1], q[2], q[3], q[4]}}
	}
	if actuals {
		item.Actuals = each(h.Features, func(f panel.Feature) MonthActual { return MonthActual{f.Month, f.Sales} })
	}
	if features {
		item.Features = each(h.Features, func(f panel.Feature) MonthFeature {
			return MonthFeature{f.Month, f.Availability, f.Confidence, f.MaskedMeanItems, f.MaskedMeanRub, f.LostSalesRub}
		})
	}
	return item
}

// firstOfMonth reads a month that must be written as its first day.
func firstOfMonth(parameter, text string) (*calendar.Month, error) {
	if text == "" {
		return nil, nil
	}
	trimmed := trimDay(text)
	m, err := calendar.ParseMonth(trimmed)
	if err != nil {
		return nil, invalid(Violation{Loc: []any{"query", parameter}, Msg: err.Error(), Type: "date_parsing"})
	}
	if trimmed != m.String() && trimmed != m.Short() {
		return nil, badRange(parameter, text, "it is not the first day of a month")
	}
	return &m, nil
}

func badRange(parameter, value, reason string) error {
	return problem(fault.New(fault.Invalid, "invalid_date_range", "%s cannot be %.40q: %s", parameter, value, reason).
		With("parameter", parameter).With("value", value).With("reason", reason))
}
