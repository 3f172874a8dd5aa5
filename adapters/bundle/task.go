package bundle

import (
	"archive/zip"
	"context"
	"io"
	"iter"
	"math"
	"reflect"

	"github.com/plastinka/predictor/adapters/support/parquet"
	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/catalog"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/panel"
	"github.com/plastinka/predictor/domain/training"
)

// taskManifest is the manifest of input.zip.
type taskManifest struct {
	SchemaVersion int               `json:"schema_version"`
	TaskSchema    int               `json:"task_schema_version"`
	Task          training.TaskKind `json:"task"`
	Engine        string            `json:"engine"`
	FirstMonth    calendar.Month    `json:"first_month"`
	Months        int               `json:"months"`
	Products      int               `json:"products"`
	Identified    bool              `json:"identified"` // products have ids
	Stocked       bool              `json:"stocked"`    // the stock is known
	Horizon       int               `json:"horizon"`
	Origins       int               `json:"origins"`
	Seed          uint64            `json:"seed"`
	Limit         float64           `json:"limit_seconds,omitempty"`
	Configured    bool              `json:"configured"` // there is a config.json
}

// productRow is a row of products.parquet, in the panel's order.
type productRow struct {
	ID              int64  `json:"multiindex_id"` // 0 without ids
	Barcode         string `json:"barcode"`
	Artist          string `json:"artist"`
	Album           string `json:"album"`
	CoverType       string `json:"cover_type"`
	PriceCategory   string `json:"price_category"`
	ReleaseType     string `json:"release_type"`
	RecordingDecade string `json:"recording_decade"`
	ReleaseDecade   string `json:"release_decade"`
	Style           string `json:"style"`
	RecordingYear   int64  `json:"recording_year"`
}

// monthRow is a row of monthly.parquet: a product's month in which something
// is not zero. Product counts the rows of products.parquet from 0.
type monthRow struct {
	Product      int32   `json:"product"`
	Month        int32   `parquet:"data_date,date"` // its first day
	Sales        float32 `json:"sales"`
	Availability float32 `json:"availability"`
	Confidence   float32 `json:"confidence"`
	Stock        float32 `json:"stock"`
}

// WriteTask writes input.zip.
func (Files) WriteTask(ctx context.Context, path string, t *training.Task) error {
	m, err := describe(t)
	if err != nil {
		return err
	}
	return write(ctx, path, func(w writer) error {
		if err := w.json(manifestFile, m); err != nil {
			return err
		}
		if m.Configured {
			if err := w.json(configFile, t.Config); err != nil {
				return err
			}
		}
		if m.Task == training.Trials {
			if err := w.json(trialsFile, t.Trials); err != nil {
				return err
			}
		}
		if err := w.add(productsFile, zip.Store, func(out io.Writer) error {
			return parquet.Write(out, productRows(t.Panel.Products, t.Panel.IDs))
		}); err != nil {
			return err
		}
		return w.add(monthlyFile, zip.Store, func(out io.Writer) error { return parquet.Write(out, monthRows(t.Panel)) })
	})
}

// describe is the manifest of a task whose panel fits together.
func describe(t *training.Task) (m taskManifest, err error) {
	p := t.Panel
	if p == nil {
		return m, fault.New(fault.Internal, "internal_error", "a task has no panel")
	}
	cells := p.N() * p.T
	for _, s := range []struct {
		name   string
		values []float32
		absent bool
	}{{"sales", p.Sales, false}, {"availability", p.Availability, false}, {"confidence", p.Confidence, false}, {"stock", p.Stock, p.Stock == nil}} {
		if len(s.values) != cells && !s.absent {
			return m, fault.New(fault.Internal, "internal_error", "a task's panel has %d values of %s, not %d", len(s.values), s.name, cells)
		}
		if i := notANumber(s.values); i >= 0 {
			return m, fault.New(fault.Invalid, "not_finite", "%s of product %d in %s is %v, no finite number: the panel cannot be learned from",
				s.name, i/p.T, p.Month(i%p.T).Short(), s.values[i])
		}
	}
	if p.IDs != nil && len(p.IDs) != p.N() {
		return m, fault.New(fault.Internal, "internal_error", "a task's panel has %d ids for %d products", len(p.IDs), p.N())
	}
	return taskManifest{SchemaVersion: schemaVersion, TaskSchema: t.SchemaVersion, Task: t.Kind, Engine: t.Engine,
		FirstMonth: p.First, Months: p.T, Products: p.N(), Identified: p.IDs != nil, Stocked: p.Stock != nil,
		Horizon: t.Horizon, Origins: t.Origins, Seed: t.Seed, Limit: t.Limit, Configured: !reflect.ValueOf(t.Config).IsZero()}, nil
}

// notANumber is the index of the first value that is not finite, or −1.
func notANumber(values []float32) int {
	for i, v := range values {
		if f := float64(v); math.IsNaN(f) || math.IsInf(f, 0) {
			return i
		}
	}
	return -1
}

func productRows(products []catalog.Product, ids []catalog.ID) iter.Seq2[productRow, error] {
	return func(yield func(productRow, error) bool) {
		for i, p := range products {
			row := productRow{0, p.Barcode, p.Artist, p.Album, p.CoverType, p.PriceCategory, p.ReleaseType,
				p.RecordingDecade, p.ReleaseDecade, p.Style, int64(p.RecordingYear)}
			if ids != nil {
				row.ID = int64(ids[i])
			}
			if !yield(row, nil) {
				return
			}
		}
	}
}

// product is a row's product.
func (r productRow) product() catalog.Product {
	return catalog.Product{Barcode: r.Barcode, Artist: r.Artist, Album: r.Album, CoverType: r.CoverType,
		PriceCategory: r.PriceCategory, ReleaseType: r.ReleaseType, RecordingDecade: r.RecordingDecade,
		ReleaseDecade: r.ReleaseDecade, Style: r.Style, RecordingYear: int(r.RecordingYear)}
}

// monthRows are the months in which something is not zero, in its bits: a
// negative zero is kept.
func monthRows(p *panel.Panel) iter.Seq2[monthRow, error] {
	return func(yield func(monthRow, error) bool) {
		for i := range p.N() * p.T {
			row := monthRow{Product: int32(i / p.T), Month: int32(p.Month(i % p.T).First()),
				Sales: p.Sales[i], Availability: p.Availability[i], Confidence: p.Confidence[i]}
			if p.Stock != nil {
				row.Stock = p.Stock[i]
			}
			bits := math.Float32bits(row.Sales) | math.Float32bits(row.Availability) |
				math.Float32bits(row.Confidence) | math.Float32bits(row.Stock)
			if bits != 0 && !yield(row, nil) {
				return
			}
		}
	}
}

// ReadTask reads input.zip.
func (Files) ReadTask(ctx context.Context, path string) (t *training.Task, err error) {
	err = read(ctx, path, func(r reader) error {
		t, err = r.task()
		return err
	})
	if err != nil {
		return nil, fault.Wrap("bundle.ReadTask", err)
	}
	return t, nil
}

func (r reader) task() (*training.Task, error) {
	var m taskManifest
	if err := r.json(manifestFile, &m); err != nil {
		return nil, err
	}
	if err := m.check(); err != nil {
		return nil, err
	}
	t := &training.Task{SchemaVersion: m.TaskSchema, Kind: m.Task, Engine: m.Engine, Horizon: m.Horizon, Origins: m.Origins, Seed: m.Seed, Limit: m.Limit}
	if m.Configured {
		if err := r.json(configFile, &t.Config); err != nil {
			return nil, err
		}
	}
	if m.Task == training.Trials {
		if err := r.json(trialsFile, &t.Trials); err != nil {
			return nil, err
		}
	}
	var err error
	t.Panel, err = r.panel(m)
	return t, err
}

func (m taskManifest) check() error {
	refuse := func(what string, value, low, high any) error {
		return corrupt(manifestFile, "%s is %v, must be between %v and %v", what, value, low, high)
	}
	switch {
	case m.SchemaVersion != schemaVersion:
		return fault.New(fault.Invalid, "unsupported_schema", "%s: its schema_version is %d; this program reads %d: use programs of one version on both sides",
			manifestFile, m.SchemaVersion, schemaVersion)
	case m.Task != training.Train && m.Task != training.Trials && m.Task != training.Backtest:
		return corrupt(manifestFile, "task is %.80q, not train, trials or backtest", m.Task)
	case m.Months < 0 || m.Months > maxMonths:
		return refuse("months", m.Months, 0, maxMonths)
	case m.FirstMonth < 0 || m.FirstMonth > 12*9999:
		return refuse("first_month", m.FirstMonth, "year 0", "year 9999")
	case m.Products < 0 || m.Products > maxProducts:
		return refuse("products", m.Products, 0, maxProducts)
	case m.Products*m.Months > maxCells:
		return refuse("products × months", m.Products*m.Months, 0, maxCells)
	case m.Horizon < 0 || m.Horizon > maxMonths:
		return refuse("horizon", m.Horizon, 0, maxMonths)
	case m.Origins < 0 || m.Origins > maxMonths:
		return refuse("origins", m.Origins, 0, maxMonths)
	case !(m.Limit >= 0) || math.IsInf(m.Limit, 0):
		return refuse("limit_seconds", m.Limit, 0, "any number")
	}
	return nil
}

// panel reads both tables. The products are read first: no memory is taken for
// months of products that are not there.
func (r reader) panel(m taskManifest) (*panel.Panel, error) {
	products, ids, err := r.products(m.Products, m.Identified)
	if err != nil {
		return nil, err
	}
	rows, err := table[monthRow](r, monthlyFile, m.Products*m.Months, 32)
	if err != nil {
		return nil, err
	}
	cells := m.Products * m.Months
	p := &panel.Panel{First: m.FirstMonth, T: m.Months, IDs: ids, Products: products,
		Sales: make([]float32, cells), Availability: make([]float32, cells), Confidence: make([]float32, cells)}
	if m.Stocked {
		p.Stock = make([]float32, cells)
	}
	last := -1
	for i, row := range rows {
		day := calendar.Day(row.Month)
		month := int(day.Month() - p.First)
		if row.Product < 0 || int(row.Product) >= m.Products || month < 0 || month >= m.Months || day.Month().First() != day {
			return nil, corrupt(monthlyFile, "row %d: there is no product %d, or %s is not one of its months", i, row.Product, day)
		}
		at := p.At(int(row.Product), month)
		if at <= last {
			return nil, corrupt(monthlyFile, "row %d: product %d, %s is not after the row before", i, row.Product, day.Month().Short())
		}
		last = at
		if notANumber([]float32{row.Sales, row.Availability, row.Confidence, row.Stock}) >= 0 || !m.Stocked && row.Stock != 0 {
			return nil, corrupt(monthlyFile, "row %d: product %d, %s: a value that is no finite number, or a stock although none is known", i, row.Product, day.Month().Short())
		}
		p.Sales[at], p.Availability[at], p.Confidence[at] = row.Sales, row.Availability, row.Confidence
		if m.Stocked {
			p.Stock[at] = row.Stock
		}
	}
	return p, nil
}

func (r reader) products(n int, identified bool) (products []catalog.Product, ids []catalog.ID, err error) {
	rows, err := table[productRow](r, productsFile, n, 4096)
	if err != nil {
		return nil, nil, err
	}
	if len(rows) != n {
		return nil, nil, corrupt(productsFile, "it has %d products; the manifest says %d", len(rows), n)
	}
	products = make([]catalog.Product, n)
	if identified {
		ids = make([]catalog.ID, n)
	}
	for i, row := range rows {
		products[i] = row.product()
		if identified {
			ids[i] = catalog.ID(row.ID)
		}
	}
	return products, ids, nil
}
