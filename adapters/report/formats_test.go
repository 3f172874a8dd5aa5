package report_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"flag"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"

	"github.com/plastinka/predictor/domain/catalog"
	"github.com/plastinka/predictor/domain/forecast"
	"github.com/plastinka/predictor/domain/report"
)

var update = flag.Bool("update", false, "write the golden files")

// hostile are names that try to be something else.
func hostile() []string {
	return []string{`</script><script>document.title="owned"</script>`, `=cmd|' /C calc'!A0`, "@SUM(A1)", "+7 (495) 123", "-1+1", "-12.5", "-", "=",
		"\u202eevil\u202c", `"quoted", with; comma`, "<img src=x onerror=alert(1)>", "{{.W}}", "line\nbreak", "тире — и ёлочки «»", "a&amp;b", "\u2028sep", "!--<!--<script"}
}

// dangerous is a report whose every text is hostile.
func dangerous() *report.Report {
	r := sample(24, 14)
	for i := range r.Rows {
		name := hostile()[i%len(hostile())]
		p := &r.Rows[i].Product
		p.Artist, p.Album, p.Style, p.ReleaseType, p.CoverType, p.Barcode = name, name, name, name, name, name
		r.Rows[i].Method = name
	}
	for i := range r.Styles {
		r.Styles[i].Name = hostile()[i%len(hostile())]
	}
	r.ModelID, r.Filters = hostile()[0], report.Filters{"artist": hostile()[0]}
	r.Backtest.Rows[0].Method = hostile()[0]
	return r
}

func TestCSVGolden(t *testing.T) {
	r := sample(6, 14)
	r.Rows[1].Last, r.Rows[1].SalesYear, r.Rows[1].Price = nil, nil, nil
	got := render(t, r, report.CSV, report.Russian)
	if *update {
		require.NoError(t, os.WriteFile("testdata/report.csv", got, 0o644))
	}
	want, err := os.ReadFile("testdata/report.csv")
	require.NoError(t, err)
	require.Equal(t, string(want), string(got))
}

// The header that old clients read (§3.4), column by column.
func TestCSVBeginsWithTheOldColumns(t *testing.T) {
	const ours = "result_id,multiindex_id,barcode,artist,album,cover_type,price_category,release_type,recording_decade,release_decade,style,recording_year," +
		"model_id,prediction_month,quantile_05,quantile_25,quantile_50,quantile_75,quantile_95,availability,confidence,"
	russian := string(render(t, sample(3, 14), report.CSV, report.Russian))
	require.True(t, strings.HasPrefix(russian, ours+"Средние продажи (шт),Средние продажи (руб),Потерянные продажи (руб),"), russian)
	english := string(render(t, sample(3, 14), report.CSV, report.English))
	require.True(t, strings.HasPrefix(english, ours+"Mean sales (copies),Mean sales (RUB),Lost sales (RUB),"), english)
	require.NotContains(t, russian, "\r")
}

func TestCSVCellsAreTheModel(t *testing.T) {
	r := sample(300, 20)
	lines, err := csv.NewReader(bytes.NewReader(render(t, r, report.CSV, report.Russian))).ReadAll()
	require.NoError(t, err)
	require.Len(t, lines, len(r.Rows)+1)
	at := map[string]int{}
	for i, name := range lines[0] {
		at[name] = i
	}
	number := func(line []string, name string) float64 {
		x, err := strconv.ParseFloat(line[at[name]], 64)
		require.NoError(t, err, name)
		return x
	}
	restock := 0.0
	for i, line := range lines[1:] {
		x := &r.Rows[i]
		require.Equal(t, strconv.FormatInt(int64(x.ID), 10), line[at["multiindex_id"]])
		require.Equal(t, x.Values(), line[2:12])
		require.Equal(t, "2026-11-01", line[at["prediction_month"]])
		for q, name := range []string{"quantile_05", "quantile_25", "quantile_50", "quantile_75", "quantile_95"} {
			require.InDelta(t, x.Quantiles[q], number(line, name), 1e-8)
		}
		require.InDelta(t, x.Last.Availability, number(line, "availability"), 1e-8)
		require.InDelta(t, x.Last.LostSalesRub, number(line, "Потерянные продажи (руб)"), 1e-8)
		require.Equal(t, float64(*x.Stock), number(line, "Остаток (шт)"))
		restock += number(line, "Заказать (шт)")
	}
	require.Equal(t, float64(r.Totals.Restock), restock)
}

func TestFormulasAreNeutralised(t *testing.T) {
	want := map[string]string{`=cmd|' /C calc'!A0`: `'=cmd|' /C calc'!A0`, "@SUM(A1)": "'@SUM(A1)", "+7 (495) 123": "'+7 (495) 123", "-1+1": "'-1+1",
		"-12.5": "-12.5", "-": "-", "=": "=", "\tx": "'\tx", "\rx": "'\rx", "-inf": "'-inf", "+0x1p2": "'+0x1p2", "-5e3": "-5e3", "a=b": "a=b", "": "", "-е": "'-е"}
	names := make([]string, 0, len(want))
	for name := range want {
		names = append(names, name)
	}
	r := sample(len(names), 14)
	for i, name := range names {
		r.Rows[i].Artist = name
	}
	lines, err := csv.NewReader(bytes.NewReader(render(t, r, report.CSV, report.Russian))).ReadAll()
	require.NoError(t, err)
	book, err := excelize.OpenReader(bytes.NewReader(render(t, r, report.XLSX, report.Russian)))
	require.NoError(t, err)
	for i, name := range names {
		require.Equal(t, want[name], lines[i+1][3])
		cell, err := book.GetCellValue("Прогноз", "A"+strconv.Itoa(i+2))
		require.NoError(t, err)
		require.Equal(t, want[name], cell)
	}
}

func TestXLSXReadBack(t *testing.T) {
	for l, sheets := range map[report.Language][]string{report.Russian: {"Прогноз", "Итоги"}, report.English: {"Forecast", "Totals"}} {
		r := sample(120, 20)
		r.Rows[3].Last, r.Rows[3].Price = nil, nil
		book, err := excelize.OpenReader(bytes.NewReader(render(t, r, report.XLSX, l)))
		require.NoError(t, err)
		require.Equal(t, sheets, book.GetSheetList())
		rows, err := book.GetRows(sheets[0], excelize.Options{RawCellValue: true})
		require.NoError(t, err)
		require.Len(t, rows, len(r.Rows)+1)
		for i := range r.Rows {
			x, row := &r.Rows[i], rows[i+1]
			require.Equal(t, []string{x.Artist, x.Album, strconv.Itoa(*x.Restock), strconv.Itoa(*x.Stock)}, row[:4])
			kind, err := book.GetCellType(sheets[0], "C"+strconv.Itoa(i+2))
			require.NoError(t, err)
			require.NotEqual(t, excelize.CellTypeInlineString, kind, "a number is a number")
		}
		require.Empty(t, rows[4][5], "no price, no cell")
		panes, err := book.GetPanes(sheets[0])
		require.NoError(t, err)
		require.True(t, panes.Freeze)
		require.Equal(t, 1, panes.YSplit)
		width, err := book.GetColWidth(sheets[0], "B")
		require.NoError(t, err)
		require.Greater(t, width, 20.0)
		require.Contains(t, sheetXML(t, book), "<autoFilter")
		for _, name := range book.GetSheetList() {
			all, err := book.GetRows(name)
			require.NoError(t, err)
			for n := range all {
				for c := range all[n] {
					at, err := excelize.CoordinatesToCellName(c+1, n+1)
					require.NoError(t, err)
					formula, err := book.GetCellFormula(name, at)
					require.NoError(t, err)
					require.Empty(t, formula)
				}
			}
		}
	}
}

func sheetXML(t *testing.T, book *excelize.File) string {
	t.Helper()
	b, ok := book.Pkg.Load("xl/worksheets/sheet1.xml")
	require.True(t, ok)
	return string(b.([]byte))
}

func TestJSONIsTheModel(t *testing.T) {
	r := sample(20, 14)
	var back report.Report
	require.NoError(t, json.Unmarshal(render(t, r, report.JSON, report.Russian), &back))
	require.Equal(t, r.Totals, back.Totals)
	require.Equal(t, r.Rows, back.Rows)
	require.Equal(t, r.History, back.History)
	require.Equal(t, r.Month, back.Month)
}

// Hostile names stay text in every format.
func TestHostileNames(t *testing.T) {
	page := string(render(t, dangerous(), report.HTML, report.Russian))
	require.Equal(t, 2, strings.Count(strings.ToLower(page), "<script"), "the data and the page's own script")
	require.Equal(t, 2, strings.Count(strings.ToLower(page), "</script"))
	require.NotContains(t, page, "<img")
	require.NotContains(t, page, "<!--")
	data := page[strings.Index(page, `id="data">`)+len(`id="data">`):]
	data = data[:strings.Index(data, "</script>")]
	var table struct{ Rows [][]any }
	require.NoError(t, json.Unmarshal([]byte(data), &table))
	found := map[string]bool{}
	for _, row := range table.Rows {
		found[row[1].(string)] = true
	}
	for _, name := range hostile() {
		require.True(t, found[name], "%q survives as it is", name)
	}
	_, err := csv.NewReader(bytes.NewReader(render(t, dangerous(), report.CSV, report.English))).ReadAll()
	require.NoError(t, err)
	_, err = excelize.OpenReader(bytes.NewReader(render(t, dangerous(), report.XLSX, report.English)))
	require.NoError(t, err)
}

// A report of which almost nothing is known is still a report, in every format
// and language.
func TestPoorReports(t *testing.T) {
	f := report.Facts{Month: 24311, Products: []catalog.Entry{{ID: 1}}, Forecasts: []forecast.Forecast{{Product: 1, Month: 24311}}}
	r := build(f, nil, nil)
	for _, l := range []report.Language{report.Russian, report.English} {
		for _, format := range []report.Format{report.HTML, report.CSV, report.XLSX, report.JSON} {
			b := render(t, r, format, l)
			require.NotEmpty(t, b)
			require.NotContains(t, string(b), "NaN", "%s %s", format, l)
			require.NotContains(t, string(b), "%!", "%s %s: a word misses a value", format, l)
			require.NotContains(t, string(b), "1970", "%s %s: no day for a stock that is not known", format, l)
		}
	}
}

func TestWordsHaveTheirValues(t *testing.T) {
	for _, l := range []report.Language{report.Russian, report.English} {
		for _, r := range []*report.Report{sample(200, 30), sample(3, 2)} {
			page, _, _ := strings.Cut(string(render(t, r, report.HTML, l)), "<script")
			for _, bad := range []string{"%!", "%%", "%s", "NaN", "ZgotmplZ"} {
				require.Zero(t, strings.Count(page, bad), bad)
			}
		}
	}
}
