package simulate

import (
	"context"
	"encoding/csv"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plastinka/predictor/adapters/tables"
	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/catalog"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/intake"
	"github.com/plastinka/predictor/domain/simulation"
	"github.com/plastinka/predictor/ports"
)

func shopOf(t testing.TB, products, months int, seed uint64) *simulation.Shop {
	t.Helper()
	shop, err := simulation.New(simulation.Options{Products: products, Months: months, Seed: seed, First: calendar.MonthOf(2025, 1)})
	require.NoError(t, err)
	return shop
}

// TestR1FilesAreReadBackAsWritten: in every format and encoding the reader of
// shops' files finds the simulated rows, cell by cell.
func TestR1FilesAreReadBackAsWritten(t *testing.T) {
	shop := shopOf(t, 60, 4, 1)
	snapshot := shop.Until() - 10
	for _, format := range append(Formats(), Mixed) {
		t.Run(string(format), func(t *testing.T) {
			files, err := Write(t.Context(), filepath.Join(t.TempDir(), "new", "shop"), shop, snapshot, format)
			require.NoError(t, err)
			requireTable(t, files.Stock, simulation.StockHeader(simulation.Russian), shop.Stock(snapshot), simulation.Row.StockValues)
			require.Len(t, files.Sales, 4)
			for i, path := range files.Sales {
				m := shop.Options.First + calendar.Month(i)
				require.Contains(t, filepath.Base(path), m.Short())
				requireTable(t, path, simulation.SalesHeader(simulation.Russian), shop.Sales(m.First(), min((m+1).First(), snapshot)), simulation.Row.SalesValues)
			}
			extensions := map[string]bool{}
			for _, path := range append(files.Sales, files.Stock) {
				extensions[filepath.Ext(path)] = true
			}
			require.Equal(t, format == Mixed || format == XLSX, extensions[".xlsx"])
			require.Equal(t, format != XLSX, extensions[".csv"])
		})
	}
}

func requireTable(t *testing.T, path string, header []string, want []simulation.Row, values func(simulation.Row) []any) {
	t.Helper()
	w, err := tables.Reader{}.Open(context.Background(), path, ports.TableLimits{})
	require.NoError(t, err)
	defer func() { require.NoError(t, w.Close()) }()
	require.Len(t, w.Sheets(), 1)
	at := 0
	for row, err := range w.Rows(context.Background(), 0) {
		require.NoError(t, err)
		if at++; at == 1 {
			for i, h := range header {
				require.Equal(t, h, row.Cells[i].Text)
			}
			continue
		}
		require.Equal(t, at, row.Number)
		for i, v := range values(want[at-2]) {
			var c intake.Cell
			if i < len(row.Cells) {
				c = row.Cells[i]
			}
			requireCell(t, v, c, w.Format(), path)
		}
	}
	require.Equal(t, len(want)+1, at, path)
}

// requireCell: days are real date cells in a workbook, and text in a csv.
func requireCell(t *testing.T, want any, got intake.Cell, format, path string) {
	t.Helper()
	switch v := want.(type) {
	case calendar.Day:
		if format == "xlsx" {
			require.Equal(t, intake.Date, got.Kind, path)
			require.Equal(t, calendar.DayOf(1899, 12, 30)+calendar.Day(got.Number), v, path)
			return
		}
		y, m, d := v.Date()
		iso, russian := v.String(), strings.Join([]string{two(d), two(int(m)), strconv.Itoa(y)}, ".")
		require.Contains(t, []string{iso, russian}, got.Text, path)
	case int:
		if format == "xlsx" {
			require.Equal(t, intake.Cell{Kind: intake.Number, Number: float64(v)}, got, path)
			return
		}
		require.Equal(t, strconv.Itoa(v), got.Text, path)
	default:
		require.Equal(t, v, got.Text, path)
	}
}

func two(n int) string { return string([]byte{'0' + byte(n/10), '0' + byte(n%10)}) }

// TestTruthAgreesWithTheShop reads the truth files back.
func TestTruthAgreesWithTheShop(t *testing.T) {
	shop := shopOf(t, 40, 3, 2)
	files, err := Write(t.Context(), t.TempDir(), shop, shop.Until(), CSV)
	require.NoError(t, err)
	products, monthly := readCSV(t, files.Truth[0]), readCSV(t, files.Truth[1])
	require.Equal(t, append([]string{"edition"}, catalog.Attributes()...), products[0])
	require.Len(t, products, 41)
	for i, e := range shop.Editions {
		require.Equal(t, e.Product.Values(), products[i+1][1:])
	}
	require.Equal(t, []string{"edition", "month", "sales", "opening", "days", "availability", "confidence", "demand"}, monthly[0])
	require.Len(t, monthly, 1+40*3)
	sold := 0
	for _, row := range monthly[1:] {
		edition, err := strconv.Atoi(row[0])
		require.NoError(t, err)
		m, err := calendar.ParseMonth(row[1])
		require.NoError(t, err)
		require.Equal(t, strconv.Itoa(shop.On(edition, m.First()).Opening), row[3])
		require.Equal(t, strconv.Itoa(m.Days()), row[4])
		available := 0
		for d := m.First(); d <= m.Last(); d++ {
			if on := shop.On(edition, d); on.Opening+on.Arrivals > 0 {
				available++
			}
		}
		share, err := strconv.ParseFloat(row[5], 64)
		require.NoError(t, err)
		require.InDelta(t, float64(available)/float64(m.Days()), share, 1e-12)
		n, err := strconv.Atoi(row[2])
		require.NoError(t, err)
		sold += n
	}
	require.Len(t, shop.Sales(shop.Options.First.First(), shop.Until()), sold)
}

func readCSV(t *testing.T, path string) [][]string {
	t.Helper()
	f, err := os.Open(path)
	require.NoError(t, err)
	defer func() { require.NoError(t, f.Close()) }()
	rows, err := csv.NewReader(f).ReadAll()
	require.NoError(t, err)
	return rows
}

// TestNothingIsOverwritten: a folder that holds anything is left as it is.
func TestNothingIsOverwritten(t *testing.T) {
	shop := shopOf(t, 3, 1, 3)
	dir := t.TempDir()
	kept := filepath.Join(dir, "notes.txt")
	require.NoError(t, os.WriteFile(kept, []byte("mine"), 0o600))
	_, err := Write(t.Context(), dir, shop, shop.Until(), CSV)
	require.Equal(t, "folder_not_empty", fault.CodeOf(err))
	_, err = Write(t.Context(), kept, shop, shop.Until(), CSV)
	require.Equal(t, fault.Invalid, fault.KindOf(err))
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 1)
}

func TestAnUnknownFormatWritesNothing(t *testing.T) {
	shop := shopOf(t, 3, 1, 3)
	dir := filepath.Join(t.TempDir(), "shop")
	_, err := Write(t.Context(), dir, shop, shop.Until(), "xml")
	require.Equal(t, fault.Invalid, fault.KindOf(err))
	require.ErrorContains(t, err, "csv-1251")
	require.NoDirExists(t, dir)
}

func TestCancelledWritingStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	shop := shopOf(t, 3, 1, 3)
	_, err := Write(ctx, filepath.Join(t.TempDir(), "shop"), shop, shop.Until(), XLSX)
	require.Equal(t, fault.Cancelled, fault.KindOf(err))
}

// TestTheSameShopIsTheSameBytes, in every format whose container carries no
// clock time.
func TestTheSameShopIsTheSameBytes(t *testing.T) {
	var seen [2][]byte
	for i := range seen {
		shop := shopOf(t, 30, 2, 9)
		files, err := Write(t.Context(), filepath.Join(t.TempDir(), "shop"), shop, shop.Until(), CSV)
		require.NoError(t, err)
		for _, path := range slices.Concat([]string{files.Stock}, files.Sales, files.Truth) {
			data, err := os.ReadFile(path)
			require.NoError(t, err)
			seen[i] = append(seen[i], data...)
		}
	}
	require.Equal(t, seen[0], seen[1])
}

// TestCellsStartNoFormula: no spreadsheet program takes a cell for a formula.
func TestCellsStartNoFormula(t *testing.T) {
	for seed := range uint64(5) {
		shop := shopOf(t, 300, 2, seed)
		for _, r := range append(shop.Stock(shop.Until()), shop.Sales(shop.Options.First.First(), shop.Until())...) {
			for _, v := range r.SalesValues() {
				if s, ok := v.(string); ok && s != "" {
					require.NotContains(t, "=+-@\t\r", s[:1], s)
				}
			}
		}
	}
}

// TestEveryNameCanBeWrittenIn1251, the narrowest of the encodings.
func TestEveryNameCanBeWrittenIn1251(t *testing.T) {
	for seed := range uint64(4) {
		shop := shopOf(t, 400, 2, seed)
		_, err := Write(t.Context(), filepath.Join(t.TempDir(), "shop"), shop, shop.Until(), CSV1251)
		require.NoError(t, err)
	}
}

func BenchmarkWriteXLSX(b *testing.B) {
	shop := shopOf(b, 2000, 6, 1)
	rows := len(shop.Sales(shop.Options.First.First(), shop.Until())) + len(shop.Stock(shop.Until()))
	for b.Loop() {
		_, err := Write(b.Context(), b.TempDir(), shop, shop.Until(), XLSX)
		require.NoError(b, err)
	}
	b.ReportMetric(float64(rows*b.N)/b.Elapsed().Seconds(), "rows/s")
}

// TestStockCountedBeforeTheShopsLastMonth: files and truth end with the day
// before the count, months that begin later are in neither.
func TestStockCountedBeforeTheShopsLastMonth(t *testing.T) {
	shop := shopOf(t, 20, 5, 3)
	for name, c := range map[string]struct {
		snapshot calendar.Day
		months   int
	}{
		"within the fourth month":     {calendar.DayOf(2025, 4, 11), 4},
		"at the start of the fourth":  {calendar.DayOf(2025, 4, 1), 3},
		"on the second day of all":    {calendar.DayOf(2025, 1, 2), 1},
		"long after the shop's last":  {calendar.DayOf(2025, 9, 1), 5},
		"on the last day of the last": {calendar.DayOf(2025, 5, 31), 5},
	} {
		t.Run(name, func(t *testing.T) {
			files, err := Write(t.Context(), filepath.Join(t.TempDir(), "shop"), shop, c.snapshot, CSV)
			require.NoError(t, err)
			f, err := os.Open(files.Truth[1])
			require.NoError(t, err)
			defer f.Close()
			rows, err := csv.NewReader(f).ReadAll()
			require.NoError(t, err)
			require.Len(t, rows, 1+c.months*len(shop.Editions))
			for _, r := range rows[1:] {
				days, err := strconv.Atoi(r[4])
				require.NoError(t, err)
				require.Positive(t, days)
			}
		})
	}
	_, err := Write(t.Context(), filepath.Join(t.TempDir(), "shop"), shop, calendar.DayOf(2025, 1, 1), CSV)
	require.Equal(t, "invalid_options", fault.CodeOf(err))
}
