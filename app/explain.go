package app

import (
	"context"

	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/catalog"
	"github.com/plastinka/predictor/domain/explanation"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/forecast"
	"github.com/plastinka/predictor/domain/network"
	"github.com/plastinka/predictor/domain/panel"
	"github.com/plastinka/predictor/ports"
)

// Explanations is the use case of asking why a product's forecast is what it
// is. What is explained is the network's forecast: the members that it was
// mixed with are not kept with the model.
type Explanations struct {
	DB              ports.Database
	Models          *Models
	Revive          func(*network.Network) (ports.Model, error) // the engine's
	FillMissingDays bool                                        // R22
}

// Explained is what moved the forecast of a product.
type Explained struct {
	Product  catalog.ID      `json:"multiindex_id"`
	Metadata catalog.Product `json:"metadata"`
	ModelID  string          `json:"model_id"`
	Month    calendar.Month  `json:"prediction_month"`
	*explanation.Explanation
	Stored *StoredForecast `json:"forecast"` // as the report shows it; null if there is none
}

// StoredForecast is the model's forecast as it was stored, of whatever made it.
type StoredForecast struct {
	Method    string     `json:"method"`
	Mean      float64    `json:"mean"`
	Quantiles [5]float64 `json:"quantiles"`
}

// Explain explains the forecast that a model ("": the active one) makes of a
// product for the month after those that it was trained on.
func (u *Explanations) Explain(ctx context.Context, product catalog.ID, modelID string) (*Explained, error) {
	if modelID == "" {
		active, err := u.DB.Models().Active(ctx)
		if err != nil {
			return nil, err
		}
		modelID = active.ID
	}
	n, model, err := u.revive(ctx, modelID)
	if err != nil {
		return nil, err
	}
	last := n.First + calendar.Month(n.Months-1)
	p, err := LoadPanel(ctx, u.DB, &n.First, &last, u.FillMissingDays)
	if err != nil {
		return nil, err
	}
	if p.First != n.First || p.T != n.Months {
		return nil, fault.New(fault.Conflict, "missing_months", "the model %s was trained on %s … %s, which are not all stored any more; train a new one",
			modelID, n.First.Short(), last.Short())
	}
	index, err := u.find(ctx, p, product)
	if err != nil {
		return nil, err
	}
	e, err := explanation.Explain(ctx, model, p, explanation.Case{Product: index, Origin: p.T})
	if err != nil {
		return nil, fault.Wrap("app.Explain", err)
	}
	out := &Explained{Product: product, Metadata: p.Products[index], ModelID: modelID, Month: p.Month(p.T), Explanation: e}
	out.Stored, err = u.stored(ctx, out)
	return out, err
}

// revive reads a model's file.
func (u *Explanations) revive(ctx context.Context, modelID string) (*network.Network, explanation.Model, error) {
	path, err := u.Models.File(ctx, modelID)
	if err != nil {
		return nil, nil, err
	}
	n, err := u.Models.Files.Read(ctx, path)
	if err != nil {
		return nil, nil, fault.Wrap("app.Explain", err)
	}
	m, err := u.Revive(n)
	if err != nil {
		return nil, nil, fault.Wrap("app.Explain", err)
	}
	if e, ok := m.(explanation.Model); ok {
		return n, e, nil
	}
	return nil, nil, fault.New(fault.Invalid, "not_explainable", "the forecasts of the model %s cannot be explained", modelID)
}

// find is the product's row in the panel.
func (u *Explanations) find(ctx context.Context, p *panel.Panel, product catalog.ID) (int, error) {
	for i, id := range p.IDs {
		if id == product {
			return i, nil
		}
	}
	known, err := u.DB.Catalog().Entries(ctx, []catalog.ID{product})
	if err != nil {
		return 0, fault.Wrap("app.Explain", err)
	}
	if len(known) == 0 {
		return 0, fault.New(fault.NotFound, "not_found", "there is no product %d; search with plastinka export products", product)
	}
	return 0, fault.New(fault.NotFound, "no_predictions_found",
		"product %d was neither sold nor in stock in the months that the model was trained on, so it has no forecast", product)
}

// stored is the stored forecast beside the explanation.
func (u *Explanations) stored(ctx context.Context, x *Explained) (*StoredForecast, error) {
	for f, err := range u.DB.Forecasts().Forecasts(ctx, x.Month, x.Month, x.ModelID) {
		if err != nil {
			return nil, fault.Wrap("app.Explain", err)
		}
		if f.Product == x.Product {
			return storedForecast(f), nil
		}
	}
	return nil, nil
}

func storedForecast(f forecast.Forecast) *StoredForecast {
	return &StoredForecast{Method: f.Method, Mean: f.Distribution.Expected, Quantiles: f.Quantiles}
}
