package ledger_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/catalog"
	"github.com/plastinka/predictor/domain/intake"
	"github.com/plastinka/predictor/domain/ledger"
)

// upload writes an upload down briefly for the tests of the rules.
type upload struct {
	t     *testing.T
	rows  *intake.Rows
	names map[string]int32
}

func newUpload(t *testing.T) *upload {
	return &upload{t: t, rows: &intake.Rows{}, names: map[string]int32{}}
}

func (u *upload) file(name string, role intake.Role) int32 {
	for i, f := range u.rows.Files {
		if f.Name == name {
			return int32(i)
		}
	}
	u.rows.Files = append(u.rows.Files, intake.FileReport{Name: name, Role: role})
	return int32(len(u.rows.Files) - 1)
}

// record is the raw record of an album called name.
func (u *upload) record(name string) int32 {
	i, ok := u.names[name]
	if !ok {
		i = int32(len(u.rows.Records))
		u.names[name] = i
		u.rows.Records = append(u.rows.Records, catalog.Raw{Artist: "Alma Novak", Album: name, ReleaseType: "Оригинал"})
	}
	return i
}

func (u *upload) accept(file int32) (row int32) {
	f := &u.rows.Files[file]
	f.RowsRead++
	f.RowsAccepted++
	return int32(f.RowsRead + 1)
}

// lot adds a stock row.
func (u *upload) lot(album, created string, count int, price float64) *upload {
	f := u.file("stock.xlsx", intake.StockFile)
	u.rows.Lots = append(u.rows.Lots, intake.Lot{Record: u.record(album), File: f, Row: u.accept(f),
		Count: int32(count), Created: day(u.t, created), Price: price})
	return u
}

// sale adds n equal sales rows.
func (u *upload) sale(file, album, created, sold string, price float64, n int) *upload {
	f := u.file(file, intake.SalesFile)
	for range n {
		u.rows.Sales = append(u.rows.Sales, intake.Sale{Record: u.record(album), File: f, Row: u.accept(f),
			Created: day(u.t, created), Sold: day(u.t, sold), Price: price})
		if day(u.t, created) > day(u.t, sold) {
			u.rows.Files[f].RowsAdjusted++
		}
	}
	return u
}

// sold adds n sales of the album "Pier" on a day.
func (u *upload) sold(file, on string, n int) *upload {
	return u.sale(file, "Pier", "2020-01-01", on, 1990, n)
}

func (u *upload) plan(o ledger.Options) *ledger.Plan {
	u.t.Helper()
	if o.Today == 0 {
		o.Today = day(u.t, "2025-06-15")
	}
	p, err := ledger.NewPlan(u.rows, o)
	require.NoError(u.t, err)
	return p
}

// ids are products 1, 2, … for the records in their order.
func (u *upload) ids() []catalog.ID {
	ids := make([]catalog.ID, len(u.rows.Records))
	for i := range ids {
		ids[i] = catalog.ID(i + 1)
	}
	return ids
}

func day(t testing.TB, s string) calendar.Day {
	t.Helper()
	d, err := calendar.ParseDay(s)
	require.NoError(t, err)
	return d
}

func dayPtr(t testing.TB, s string) *calendar.Day {
	t.Helper()
	if s == "" {
		return nil
	}
	d := day(t, s)
	return &d
}

// months reads "2024-01 2024-02".
func months(t testing.TB, s string) []calendar.Month {
	t.Helper()
	var list []calendar.Month
	for word := range strings.FieldsSeq(s) {
		m, err := calendar.ParseMonth(word)
		require.NoError(t, err)
		list = append(list, m)
	}
	return list
}

func monthsOf(p *ledger.Plan) (list []calendar.Month) {
	for _, m := range p.Months {
		list = append(list, m.Month)
	}
	return list
}

// stored is what the plan's months would leave in the database.
func stored(p *ledger.Plan) (list []ledger.StoredMonth) {
	for _, m := range p.Months {
		list = append(list, ledger.StoredMonth{Month: m.Month, Digest: m.Digest, DaysObserved: m.DaysObserved, Rows: m.Rows})
	}
	return list
}
