package app

import (
	"context"
	"iter"
	"slices"

	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/catalog"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/forecast"
	"github.com/plastinka/predictor/domain/ledger"
	"github.com/plastinka/predictor/domain/network"
	"github.com/plastinka/predictor/domain/panel"
	"github.com/plastinka/predictor/ports"
)

// Predict forecasts the month after the last one from a model file and
// exported tables alone, without a database.
type Predict struct {
	Files           ports.ModelFile
	Revive          func(*network.Network) (ports.Model, error) // the engine's
	FillMissingDays bool                                        // R22
}

// Run reads the model at path and forecasts for the rows of Export.Products and
// Export.Monthly. The forecast is the network's own, without the members of an
// ensemble.
func (u Predict) Run(ctx context.Context, path string, products []ProductRow, monthly []MonthlyRow) ([]ForecastRow, error) {
	n, err := u.Files.Read(ctx, path)
	if err != nil {
		return nil, fault.Wrap("app.Predict", err)
	}
	model, err := u.Revive(n)
	if err != nil {
		return nil, fault.Wrap("app.Predict", err)
	}
	p, err := exportedPanel(products, monthly, u.FillMissingDays)
	if err != nil {
		return nil, err
	}
	if p.T < n.Shape.Lookback {
		return nil, fault.New(fault.Invalid, "not_enough_history", "the model looks back %d months, but the tables have only %d", n.Shape.Lookback, p.T)
	}
	ds, err := model.Forecast(ctx, p, p.T, 1)
	if err != nil {
		return nil, fault.Wrap("app.Predict", err)
	}
	rows := make([]ForecastRow, p.N())
	for i, d := range ds {
		rows[i] = forecastRow(forecast.Forecast{Product: p.IDs[i], Month: p.Month(p.T), ModelID: "file",
			Quantiles: d.Quantiles(), Method: n.FeatureSet + " network", Distribution: d})
	}
	return rows, nil
}

// exportedPanel is the panel that the exported tables were made from.
func exportedPanel(products []ProductRow, monthly []MonthlyRow, fill bool) (*panel.Panel, error) {
	months := map[calendar.Month]int{}
	features := make([]panel.Feature, len(monthly))
	closing := map[calendar.Month][]ledger.Holding{}
	for i, r := range monthly {
		m, err := calendar.ParseMonth(r.Month)
		if err != nil {
			return nil, err
		}
		months[m] = max(months[m], int(r.DaysObserved))
		features[i] = panel.Feature{Month: m, Product: catalog.ID(r.ID), Sales: int(r.Sales), Availability: r.Availability,
			Confidence: r.Confidence, MaskedMeanItems: r.MaskedMeanItems, Price: r.Price, DaysObserved: int(r.DaysObserved),
			ExtrapolatedSales: int(r.ExtrapolatedSales)}
		closing[m] = append(closing[m], ledger.Holding{Product: catalog.ID(r.ID), Value: int(r.ClosingStock)})
	}
	stored := panel.Stored{
		Features:  values(features),
		Entries:   mapped(values(products), ProductRow.entry),
		Openings:  func(m calendar.Month) ([]ledger.Holding, error) { return closing[m], nil },
		Movements: values[ledger.Fact](nil), // the openings given are the stock at the end already
	}
	for m, days := range months {
		stored.Months = append(stored.Months, ledger.StoredMonth{Month: m, DaysObserved: days})
	}
	slices.SortFunc(stored.Months, func(a, b ledger.StoredMonth) int { return int(a.Month - b.Month) })
	return panel.Build(stored, panel.Options{FillMissingDays: fill})
}

func (r ProductRow) entry() catalog.Entry {
	return catalog.Entry{ID: catalog.ID(r.ID), Product: catalog.Product{Barcode: r.Barcode, Artist: r.Artist, Album: r.Album,
		CoverType: r.CoverType, PriceCategory: r.PriceCategory, ReleaseType: r.ReleaseType, RecordingDecade: r.RecordingDecade,
		ReleaseDecade: r.ReleaseDecade, Style: r.Style, RecordingYear: int(r.RecordingYear)}}
}

// values yields a slice as a series without errors.
func values[T any](list []T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, v := range list {
			if !yield(v, nil) {
				return
			}
		}
	}
}
