package app

import (
	"context"

	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/ledger"
	"github.com/plastinka/predictor/domain/panel"
	"github.com/plastinka/predictor/ports"
)

// LoadPanel is the training data: the stored months from … to (nil: no bound),
// R22. Months missing among all that is stored are a Conflict, missing_months
// (R15): nothing is learnt from a history with holes.
func LoadPanel(ctx context.Context, db ports.Stores, from, to *calendar.Month, fillMissingDays bool) (*panel.Panel, error) {
	months, err := trainingMonths(ctx, db, from, to)
	if err != nil {
		return nil, err
	}
	stored := panel.Stored{Months: months, Entries: db.Catalog().Products(ctx)}
	if n := len(months); n > 0 {
		first, last := months[0].Month, months[n-1].Month
		stored.Features = db.Facts().Features(ctx, first, last)
		stored.Movements = db.Facts().Movements(ctx, first, last)
		stored.Openings = func(m calendar.Month) ([]ledger.Holding, error) { return db.Facts().Openings(ctx, m) }
	}
	p, err := panel.Build(stored, panel.Options{FillMissingDays: fillMissingDays})
	return p, fault.Wrap("app.LoadPanel", err)
}

// trainingMonths are the stored months in the range.
func trainingMonths(ctx context.Context, db ports.Stores, from, to *calendar.Month) (in []ledger.StoredMonth, err error) {
	months, err := db.Facts().Months(ctx)
	if err != nil {
		return nil, fault.Wrap("app.trainingMonths", err)
	}
	if missing := ledger.Missing(months); len(missing) > 0 {
		return nil, fault.New(fault.Conflict, "missing_months", "%s", ledger.MissingMessage(missing)).With("months", missing)
	}
	for _, m := range months {
		if (from == nil || m.Month >= *from) && (to == nil || m.Month <= *to) {
			in = append(in, m)
		}
	}
	if len(in) == 0 {
		return nil, fault.New(fault.Conflict, "no_data",
			"no month of sales is stored in the range asked for; upload the shop's stock and sales files first")
	}
	return in, nil
}
