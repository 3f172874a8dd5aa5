package app

import (
	"context"
	"encoding/json"
	"maps"
	"slices"

	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/catalog"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/intake"
	"github.com/plastinka/predictor/domain/job"
	"github.com/plastinka/predictor/domain/ledger"
	"github.com/plastinka/predictor/domain/panel"
	"github.com/plastinka/predictor/ports"
)

// writing is the part of an upload that depends on what is stored, all of it
// within one transaction: what it reads there cannot change before it writes.
type writing struct {
	*processing
	stores ports.Stores
	rows   *intake.Rows // its own copy: the transaction may be tried again
	plan   *ledger.Plan
	bins   catalog.Bins // that the rows were read with
}

func (w *writing) run(ctx context.Context) (UploadResult, error) {
	if err := w.keepBins(ctx); err != nil {
		return UploadResult{}, err
	}
	stored, err := w.stores.Facts().Months(ctx)
	if err != nil {
		return UploadResult{}, err
	}
	decision, err := w.plan.Decide(stored, w.input.Options.Overwrite)
	if err != nil {
		return UploadResult{}, err
	}
	products, distinct, added, err := w.identify(ctx)
	if err != nil {
		return UploadResult{}, err
	}
	if err := w.putMonths(ctx, ledger.NewBook(w.plan, w.rows, products), decision); err != nil {
		return UploadResult{}, err
	}
	r := UploadResult{
		Files:            w.rows.Files,
		Warnings:         append(append(append([]intake.Warning{}, w.rows.Warnings()...), w.plan.Warnings...), decision.Warnings...),
		Snapshot:         w.plan.Snapshot,
		SnapshotInferred: w.plan.Inferred,
		MonthsStored:     append([]calendar.Month{}, decision.Stored...),
		MonthsUnchanged:  append([]calendar.Month{}, decision.Unchanged...),
		MonthsCompleted:  append([]calendar.Month{}, decision.Completed...),
		Products:         distinct, ProductsNew: added,
		RecordsProcessed:  len(w.rows.Lots) + len(w.rows.Sales),
		FeaturesGenerated: []string{},
		RunID:             w.id,
	}
	if len(r.MonthsStored)+len(r.MonthsCompleted) > 0 {
		r.FeaturesGenerated = featureNames()
	}
	return r, w.keepResult(ctx, r)
}

// featureNames are the features that a month is given (§1.7).
func featureNames() []string {
	return []string{"sales", "availability", "confidence", "masked_mean_sales_items", "masked_mean_sales_rub",
		"lost_sales", "lost_sales_items", "price", "days_observed", "extrapolated_sales"}
}

// keepBins makes the price categories of the first upload the database's. That
// may have been another one while this one was reading.
func (w *writing) keepBins(ctx context.Context) error {
	used := w.bins.String()
	_, stored, err := PriceBins(ctx, w.stores.Settings(), &used)
	if err != nil || stored {
		return err
	}
	return w.stores.Settings().SetSetting(ctx, priceBinsSetting, used)
}

// identify gives every raw record of the rows its product (§1.4): products by
// record, how many distinct ones they are, and how many of those are new.
func (w *writing) identify(ctx context.Context) (products []catalog.ID, distinct, added int, err error) {
	var kept []catalog.Record
	known := map[catalog.ID]bool{}
	for r, err := range w.stores.Catalog().Records(ctx) {
		if err != nil {
			return nil, 0, 0, err
		}
		kept = append(kept, r)
		known[r.ID] = true
	}
	records := catalog.Decide(kept, w.rows.Spell(kept))
	if err := w.addNew(ctx, records); err != nil {
		return nil, 0, 0, err
	}
	seen := map[catalog.ID]bool{}
	products = make([]catalog.ID, len(records))
	for i, r := range records {
		products[i] = r.ID
		if !seen[r.ID] && !known[r.ID] {
			added++
		}
		seen[r.ID] = true
	}
	return products, len(seen), added, nil
}

// addNew stores the records without a product's id, and gives them one.
// Products are added in the order of their attributes, so that ids do not
// depend on the order of rows.
func (w *writing) addNew(ctx context.Context, records []catalog.Record) error {
	places := map[catalog.Product][]int{}
	for i, r := range records {
		if r.ID == 0 {
			places[r.Product] = append(places[r.Product], i)
		}
	}
	products := slices.SortedFunc(maps.Keys(places), catalog.Product.Compare)
	ids, err := w.stores.Catalog().AddProducts(ctx, products)
	if err != nil {
		return err
	}
	var fresh []catalog.Record
	for k, p := range products {
		for _, i := range places[p] {
			records[i].ID = ids[k]
			fresh = append(fresh, records[i])
		}
	}
	return w.stores.Catalog().AddRecords(ctx, fresh)
}

// putMonths writes the months that the decision names, and the snapshot.
func (w *writing) putMonths(ctx context.Context, book *ledger.Book, decision *ledger.Decision) error {
	for m := range book.Months() {
		if !decision.Writes(m.Month.Month) {
			continue
		}
		err := w.stores.Facts().PutMonth(ctx, ports.MonthContent{
			Month: ledger.StoredMonth{Month: m.Month.Month, Digest: m.Digest, RunID: w.id,
				DaysObserved: m.DaysObserved, Rows: m.Rows},
			Sales: m.Sales, Movements: m.Movements, Openings: m.Openings,
			Features: panel.Features(m, book.Price),
		})
		if err != nil {
			return err
		}
	}
	return w.stores.Facts().PutSnapshot(ctx, w.plan.Snapshot, w.id, book.Held())
}

// keepResult leaves the result among those of its kind.
func (w *writing) keepResult(ctx context.Context, r UploadResult) error {
	body, err := json.Marshal(r)
	if err != nil {
		return fault.Wrap("app.Upload", err)
	}
	return w.stores.Results().Add(ctx, ports.StoredResult{ID: w.id, Kind: job.Upload, JobID: w.id,
		Metrics: map[string]float64{}, Body: body, CreatedAt: w.Clock.Now()})
}
