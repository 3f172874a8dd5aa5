package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"iter"
	"strings"

	"github.com/uptrace/bun"

	"github.com/plastinka/predictor/domain/catalog"
	"github.com/plastinka/predictor/ports"
)

// Catalog is ports.Catalog.
type Catalog struct{ s *session }

var _ ports.Catalog = (*Catalog)(nil)

const (
	productColumns = "barcode, artist, album, cover_type, price_category, release_type, recording_decade, release_decade, style, recording_year"
	rawColumns     = "barcode, artist, album, cover, price_category, release_type, recording_year, release_year, style"
)

// Records yields all kept records, in the order of their columns.
func (c *Catalog) Records(ctx context.Context) iter.Seq2[catalog.Record, error] {
	q := c.s.read.NewSelect().TableExpr("raw_records AS r").
		Join("JOIN dim_multiindex_mapping AS d USING (multiindex_id)").
		ColumnExpr(prefixed("r.", rawColumns)).ColumnExpr("multiindex_id").ColumnExpr(prefixed("d.", productColumns)).
		OrderExpr(prefixed("r.", rawColumns))
	return stream(ctx, c.s, "Records", q, func() func(*sql.Rows) (catalog.Record, error) {
		return func(rows *sql.Rows) (r catalog.Record, err error) {
			w := &r.Raw
			err = rows.Scan(append([]any{&w.Barcode, &w.Artist, &w.Album, &w.Cover, &w.PriceCategory, &w.ReleaseType,
				&w.RecordingYear, &w.ReleaseYear, &w.Style, &r.ID}, productFields(&r.Product)...)...)
			return r, err
		}
	})
}

// AddProducts returns the products' ids in their order; those that are new
// get theirs in that order too.
func (c *Catalog) AddProducts(ctx context.Context, products []catalog.Product) (ids []catalog.ID, err error) {
	err = c.s.change(ctx, "AddProducts", func(tx bun.Tx) error {
		add, err := tx.Tx.PrepareContext(ctx, "INSERT INTO dim_multiindex_mapping ("+productColumns+", search_text) VALUES "+
			placeholders(11, 1)+" ON CONFLICT DO NOTHING RETURNING multiindex_id")
		if err != nil {
			return err
		}
		defer add.Close()
		find, err := tx.Tx.PrepareContext(ctx, "SELECT multiindex_id FROM dim_multiindex_mapping WHERE ("+productColumns+") = "+placeholders(10, 1))
		if err != nil {
			return err
		}
		defer find.Close()
		ids = make([]catalog.ID, len(products))
		for i, p := range products {
			args := productArgs(p)
			err := add.QueryRowContext(ctx, append(args, searchText(p))...).Scan(&ids[i])
			if errors.Is(err, sql.ErrNoRows) { // it is there
				err = find.QueryRowContext(ctx, args...).Scan(&ids[i])
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	return ids, err
}

// AddRecords keeps records; one already kept stays as it is.
func (c *Catalog) AddRecords(ctx context.Context, records []catalog.Record) error {
	return c.s.change(ctx, "AddRecords", func(tx bun.Tx) error {
		add, err := tx.Tx.PrepareContext(ctx, "INSERT INTO raw_records ("+rawColumns+", multiindex_id) VALUES "+
			placeholders(10, 1)+" ON CONFLICT DO NOTHING")
		if err != nil {
			return err
		}
		defer add.Close()
		for _, r := range records {
			w := r.Raw
			if _, err := add.ExecContext(ctx, w.Barcode, w.Artist, w.Album, w.Cover, w.PriceCategory, w.ReleaseType,
				w.RecordingYear, w.ReleaseYear, w.Style, int64(r.ID)); err != nil {
				return err
			}
		}
		return nil
	})
}

// Products yields all products by ascending id.
func (c *Catalog) Products(ctx context.Context) iter.Seq2[catalog.Entry, error] {
	return stream(ctx, c.s, "Products", c.entries().OrderExpr("multiindex_id"), scanEntry)
}

// Search finds products in which every word of text occurs in an attribute.
func (c *Catalog) Search(ctx context.Context, text string, after catalog.ID, limit int) (found []catalog.Entry, total int, err error) {
	q := c.entries()
	for _, word := range strings.Fields(strings.ToLower(text)) {
		q = q.Where("instr(search_text, ?) > 0", word)
	}
	count, err := q.Clone().Count(ctx)
	if err != nil {
		return nil, 0, translate(ctx, "Search", err)
	}
	q = q.Where("multiindex_id > ?", int64(after)).OrderExpr("multiindex_id")
	if limit > 0 {
		q = q.Limit(int64(limit))
	}
	found, err = collect(stream(ctx, c.s, "Search", q, scanEntry))
	return found, int(count), err
}

func (c *Catalog) entries() *bun.SelectQuery {
	return c.s.read.NewSelect().TableExpr("dim_multiindex_mapping").ColumnExpr("multiindex_id, " + productColumns)
}

func scanEntry() func(*sql.Rows) (catalog.Entry, error) {
	return func(rows *sql.Rows) (e catalog.Entry, err error) {
		err = rows.Scan(append([]any{&e.ID}, productFields(&e.Product)...)...)
		return e, err
	}
}

func productFields(p *catalog.Product) []any {
	return []any{&p.Barcode, &p.Artist, &p.Album, &p.CoverType, &p.PriceCategory,
		&p.ReleaseType, &p.RecordingDecade, &p.ReleaseDecade, &p.Style, &p.RecordingYear}
}

func productArgs(p catalog.Product) []any {
	return []any{p.Barcode, p.Artist, p.Album, p.CoverType, p.PriceCategory,
		p.ReleaseType, p.RecordingDecade, p.ReleaseDecade, p.Style, p.RecordingYear}
}

// searchText is what Search looks through. A word has no line break, so it
// never matches across two attributes.
func searchText(p catalog.Product) string {
	return strings.ToLower(strings.Join(p.Values(), "\n"))
}

// prefixed puts a table before every column of a list.
func prefixed(table, columns string) string {
	return table + strings.ReplaceAll(columns, ", ", ", "+table)
}
