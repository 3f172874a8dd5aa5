package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"iter"
	"slices"

	"github.com/uptrace/bun"

	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/ledger"
	"github.com/plastinka/predictor/domain/panel"
	"github.com/plastinka/predictor/ports"
)

// Facts is ports.Facts.
type Facts struct{ s *session }

var _ ports.Facts = (*Facts)(nil)

const featureColumns = "data_date, multiindex_id, sales, availability, confidence, masked_mean_sales_items, " +
	"masked_mean_sales_rub, lost_sales, lost_sales_items, price, extrapolated_sales, days_observed"

// Months are the stored months, ascending.
func (f *Facts) Months(ctx context.Context) ([]ledger.StoredMonth, error) {
	q := f.s.read.NewSelect().TableExpr("upload_months").
		ColumnExpr("month, content_digest, run_id, days_observed, rows").OrderExpr("month")
	return collect(stream(ctx, f.s, "Months", q, func() func(*sql.Rows) (ledger.StoredMonth, error) {
		var days days
		return func(rows *sql.Rows) (m ledger.StoredMonth, err error) {
			var month string
			if err = rows.Scan(&month, &m.Digest, &m.RunID, &m.DaysObserved, &m.Rows); err == nil {
				m.Month, err = days.month(month)
			}
			return m, err
		}
	}))
}

// PutMonth replaces exactly this month.
func (f *Facts) PutMonth(ctx context.Context, m ports.MonthContent) error {
	return f.s.change(ctx, "PutMonth", func(tx bun.Tx) error {
		if err := within(m); err != nil {
			return err
		}
		if err := clearMonth(ctx, tx, m.Month.Month, true); err != nil {
			return err
		}
		if err := keepRun(ctx, tx, m.Month.RunID); err != nil {
			return err
		}
		_, err := tx.Tx.ExecContext(ctx, "INSERT INTO upload_months (month, content_digest, run_id, days_observed, rows) VALUES (?, ?, ?, ?, ?)",
			m.Month.Month.String(), m.Month.Digest, m.Month.RunID, m.Month.DaysObserved, m.Month.Rows)
		if err != nil {
			return err
		}
		if err := putFacts(ctx, tx, "fact_sales", m.Sales); err != nil {
			return err
		}
		if err := putFacts(ctx, tx, "fact_stock_movement", m.Movements); err != nil {
			return err
		}
		month := m.Month.Month.String()
		err = bulk(ctx, tx, "INSERT INTO stock_openings (month, multiindex_id, value)", 3, len(m.Openings), func(i int, row []any) {
			row[0], row[1], row[2] = month, int64(m.Openings[i].Product), m.Openings[i].Value
		})
		if err != nil {
			return err
		}
		return bulk(ctx, tx, "INSERT INTO report_features ("+featureColumns+")", 12, len(m.Features), func(i int, row []any) {
			x := &m.Features[i]
			row[0], row[1], row[2], row[3], row[4] = month, int64(x.Product), x.Sales, x.Availability, x.Confidence
			row[5], row[6], row[7], row[8] = x.MaskedMeanItems, x.MaskedMeanRub, x.LostSalesRub, x.LostSalesItems
			row[9], row[10], row[11] = x.Price, x.ExtrapolatedSales, x.DaysObserved
		})
	})
}

// within refuses rows of another month: they would not be replaced with it.
func within(m ports.MonthContent) error {
	for _, facts := range [][]ledger.Fact{m.Sales, m.Movements} {
		for _, x := range facts {
			if x.Day.Month() != m.Month.Month {
				return fault.New(fault.Internal, "internal_error", "a fact of %s does not belong to the month %s", x.Day, m.Month.Month)
			}
		}
	}
	for _, x := range m.Features {
		if x.Month != m.Month.Month {
			return fault.New(fault.Internal, "internal_error", "a feature of %s does not belong to the month %s", x.Month, m.Month.Month)
		}
	}
	return nil
}

// putFacts writes in the order of the table, so that each of its pages is
// visited once.
func putFacts(ctx context.Context, tx bun.Tx, table string, facts []ledger.Fact) error {
	var days dayTexts
	facts = slices.SortedFunc(slices.Values(facts), func(a, b ledger.Fact) int {
		return cmp.Or(cmp.Compare(a.Product, b.Product), cmp.Compare(a.Day, b.Day))
	})
	return bulk(ctx, tx, "INSERT INTO "+table+" (multiindex_id, data_date, value)", 3, len(facts), func(i int, row []any) {
		row[0], row[1], row[2] = int64(facts[i].Product), days.format(facts[i].Day), facts[i].Value
	})
}

// RemoveMonth removes the month's daily facts, openings and digest, and its
// features if asked.
func (f *Facts) RemoveMonth(ctx context.Context, m calendar.Month, features bool) error {
	return f.s.change(ctx, "RemoveMonth", func(tx bun.Tx) error { return clearMonth(ctx, tx, m, features) })
}

func clearMonth(ctx context.Context, tx bun.Tx, m calendar.Month, features bool) error {
	for _, table := range []string{"fact_sales", "fact_stock_movement"} {
		_, err := tx.NewDelete().Table(table).Where("data_date BETWEEN ? AND ?", m.First().String(), m.Last().String()).Exec(ctx)
		if err != nil {
			return err
		}
	}
	columns := map[string]string{"stock_openings": "month", "upload_months": "month"}
	if features {
		columns["report_features"] = "data_date"
	}
	for table, column := range columns {
		if _, err := tx.NewDelete().Table(table).Where("? = ?", bun.Ident(column), m.String()).Exec(ctx); err != nil {
			return err
		}
	}
	return nil
}

// keepRun makes the run's row, to which what it stores refers.
func keepRun(ctx context.Context, tx bun.Tx, runID string) error {
	_, err := tx.Tx.ExecContext(ctx, "INSERT INTO processing_runs (run_id) VALUES (?) ON CONFLICT DO NOTHING", runID)
	return err
}

// PutSnapshot replaces the snapshot of the day s; one without copies is none.
func (f *Facts) PutSnapshot(ctx context.Context, s calendar.Day, runID string, held []ledger.Holding) error {
	return f.s.change(ctx, "PutSnapshot", func(tx bun.Tx) error {
		day := s.String()
		if _, err := tx.NewDelete().Table("stock_snapshots").Where("snapshot_date = ?", day).Exec(ctx); err != nil {
			return err
		}
		if err := keepRun(ctx, tx, runID); err != nil {
			return err
		}
		return bulk(ctx, tx, "INSERT INTO stock_snapshots (snapshot_date, multiindex_id, value, run_id)", 4, len(held), func(i int, row []any) {
			row[0], row[1], row[2], row[3] = day, int64(held[i].Product), held[i].Value, runID
		})
	})
}

// Snapshots are the days that have a snapshot, ascending.
func (f *Facts) Snapshots(ctx context.Context) ([]calendar.Day, error) {
	q := f.s.read.NewSelect().TableExpr("stock_snapshots").ColumnExpr("DISTINCT snapshot_date").OrderExpr("snapshot_date")
	return collect(stream(ctx, f.s, "Snapshots", q, scanDay))
}

func scanDay() func(*sql.Rows) (calendar.Day, error) {
	var days days
	return func(rows *sql.Rows) (calendar.Day, error) {
		var s string
		if err := rows.Scan(&s); err != nil {
			return 0, err
		}
		return days.parse(s)
	}
}

// Snapshot is the stock at the start of the day s, by product; none if there
// is no snapshot of s.
func (f *Facts) Snapshot(ctx context.Context, s calendar.Day) ([]ledger.Holding, error) {
	return f.holdings(ctx, "Snapshot", "stock_snapshots", "snapshot_date", s.String())
}

// Openings are the stock at the start of the month, by product.
func (f *Facts) Openings(ctx context.Context, m calendar.Month) ([]ledger.Holding, error) {
	return f.holdings(ctx, "Openings", "stock_openings", "month", m.String())
}

func (f *Facts) holdings(ctx context.Context, op, table, column, day string) ([]ledger.Holding, error) {
	q := f.s.read.NewSelect().TableExpr(table).ColumnExpr("multiindex_id, value").
		Where("? = ?", bun.Ident(column), day).OrderExpr("multiindex_id")
	return collect(stream(ctx, f.s, op, q, func() func(*sql.Rows) (ledger.Holding, error) {
		return func(rows *sql.Rows) (h ledger.Holding, err error) {
			err = rows.Scan(&h.Product, &h.Value)
			return h, err
		}
	}))
}

// Sales yields copies sold, by day, then product.
func (f *Facts) Sales(ctx context.Context, from, to calendar.Month) iter.Seq2[ledger.Fact, error] {
	return f.facts(ctx, "Sales", "fact_sales", from, to)
}

// Movements yields arrivals minus sales, by day, then product.
func (f *Facts) Movements(ctx context.Context, from, to calendar.Month) iter.Seq2[ledger.Fact, error] {
	return f.facts(ctx, "Movements", "fact_stock_movement", from, to)
}

func (f *Facts) facts(ctx context.Context, op, table string, from, to calendar.Month) iter.Seq2[ledger.Fact, error] {
	q := f.s.read.NewSelect().TableExpr(table).ColumnExpr("multiindex_id, data_date, value").
		Where("data_date BETWEEN ? AND ?", from.String(), to.Last().String()).OrderExpr("data_date, multiindex_id")
	return stream(ctx, f.s, op, q, func() func(*sql.Rows) (ledger.Fact, error) {
		var days days
		return func(rows *sql.Rows) (x ledger.Fact, err error) {
			var day sql.RawBytes
			if err = rows.Scan(&x.Product, &day, &x.Value); err == nil {
				x.Day, err = days.parse(string(day))
			}
			return x, err
		}
	})
}

// Features yields monthly features, by month, then product.
func (f *Facts) Features(ctx context.Context, from, to calendar.Month) iter.Seq2[panel.Feature, error] {
	q := f.s.read.NewSelect().TableExpr("report_features").ColumnExpr(featureColumns).
		Where("data_date BETWEEN ? AND ?", from.String(), to.String()).OrderExpr("data_date, multiindex_id")
	return stream(ctx, f.s, "Features", q, scanFeature)
}
