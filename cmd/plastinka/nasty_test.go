package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"
)

const (
	head       = "Штрихкод;Исполнитель;Альбом;Конверт;Цена, руб.;Тип;Год записи;Год выпуска;Стиль;Дата создания;"
	stockHead  = head + "Экземпляры\n"
	salesHead  = head + "Дата заказа\n"
	record     = "4600012345678;Кино;Группа крови;SS;2990;Оригинал;1988;;Рок;"
	stockLine  = record + "2025-10-01;3\n"
	goodStock  = stockHead + stockLine
	goodSales  = salesHead + december + december + december
	december   = record + "2025-10-01;2025-12-03\n"
	october    = record + "2025-09-01;2025-10-03\n"
	stockRow   = "4600012345678|Кино|Группа крови|SS|2990|Оригинал|1988||Рок|2025-10-01|3"
	stockNames = "Barcode|Artist|Album|Cover|Price|Type|Recording year|Release year|Style|Created|Count"
)

// TestNastyInputs: what may be wrong with an upload (§1.2–1.5) → its code, and
// what its message says: the file, and the row where there is one.
func TestNastyInputs(t *testing.T) {
	t.Parallel()
	workbook := func(change func(*excelize.File)) string {
		f := excelize.NewFile()
		defer f.Close()
		for i, row := range []string{stockNames, stockRow} {
			require.NoError(t, f.SetSheetRow("Sheet1", fmt.Sprintf("A%d", i+1), cells(row)))
		}
		if change != nil {
			change(f)
		}
		var b bytes.Buffer
		require.NoError(t, f.Write(&b))
		return b.String()
	}
	second := func(names string) func(f *excelize.File) {
		return func(f *excelize.File) {
			_, err := f.NewSheet("Лист2")
			require.NoError(t, err)
			require.NoError(t, f.SetSheetRow("Лист2", "A1", cells(names)))
		}
	}
	book := workbook(nil)
	xls, err := os.ReadFile("testdata/libreoffice/stock.xls")
	require.NoError(t, err)

	for _, c := range []struct {
		name         string
		stock, sales string   // "" is the good one
		more         []string // further sales files
		args         []string
		env          string
		code         string
		says         []string
	}{
		{name: "R1 empty", stock: " \n\t\n", code: "empty_file", says: []string{"stock.csv"}},
		{name: "R1 HTML", sales: "<html><table><tr><td>1</td></tr></table></html>", code: "unsupported_format", says: []string{"sales.csv", "xlsx"}},
		{name: "R1 SpreadsheetML", stock: `<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"></Workbook>`, code: "unsupported_format", says: []string{"stock.csv", "xlsx"}},
		{name: "R1 PDF", stock: "%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj", code: "unsupported_format", says: []string{"stock.csv", "PDF"}},
		{name: "R1 password", stock: encrypted(t, book), code: "file_encrypted", says: []string{"stock.csv", "password"}},
		{name: "R1 half a workbook", stock: book[:len(book)/2], code: "corrupt_file", says: []string{"stock.csv"}},
		{name: "R1 half an xls", stock: string(xls[:len(xls)/2]), code: "corrupt_file", says: []string{"stock.csv"}},
		{name: "R2 broken UTF-8", stock: goodStock + strings.Repeat(stockLine, 20) + "4600012345678;Кин\xff;x\n", code: "corrupt_file", says: []string{"stock.csv", "byte"}},
		{name: "R2 NUL", stock: stockHead + "46\x00000;Кино;" + stockLine, code: "unsupported_format", says: []string{"stock.csv"}},
		{name: "R2 unclosed quote", sales: salesHead + december + `"Кино;` + december, code: "corrupt_file", says: []string{"sales.csv", "row 3"}},
		{name: "R3 two columns for one field", stock: strings.TrimSpace(stockHead) + ";Barcode\n" + stockLine, code: "duplicate_columns", says: []string{"stock.csv", "Штрихкод", "Barcode"}},
		{name: "R4 two data sheets", stock: workbook(second(stockNames)), code: "several_data_sheets", says: []string{"stock.csv", "Sheet1", "Лист2"}},
		{name: "R4 no data sheet", stock: workbook(func(f *excelize.File) {
			require.NoError(t, f.SetSheetRow("Sheet1", "A1", cells("some|other|table|of|six|names|a|b|c|d|e")))
		}), code: "no_data_sheet", says: []string{"stock.csv", "Sheet1"}},
		{name: "R4 CSV without a header", stock: stockLine, code: "missing_columns", says: []string{"stock.csv"}},
		{name: "R5 missing columns", sales: strings.ReplaceAll(strings.ReplaceAll(goodSales, "Цена, руб.", "Стоимость"), "Дата заказа", "Когда"), code: "missing_columns", says: []string{"sales.csv", "price", "sold_date", "Стоимость", "Когда"}},
		{name: "R8 unpacked size", stock: book, env: "MAX_UNPACKED_SIZE=2048", code: "unpacked_too_large", says: []string{"stock.csv"}},
		{name: "R8 columns", stock: strings.TrimSpace(stockHead) + ";a;b\n" + stockLine, env: "MAX_COLUMNS=12", code: "too_many_columns", says: []string{"stock.csv", "row 1", "column 12"}},
		{name: "R8 rows", stock: goodStock + stockLine + stockLine, env: "MAX_ROWS=2", code: "too_many_rows", says: []string{"stock.csv"}},
		{name: "R8 cell", sales: salesHead + strings.Replace(december, "Кино", strings.Repeat("Ы", 101), 1), env: "MAX_CELL_CHARACTERS=100", code: "cell_too_long", says: []string{"sales.csv", "row 2"}},
		{name: "R8 files", more: []string{salesHead + october}, env: "MAX_FILES=2", code: "too_many_files", says: []string{"3", "2"}},
		{name: "R9 no row accepted", sales: salesHead + strings.ReplaceAll(december, "2990", "даром"), code: "no_rows_accepted", says: []string{"sales.csv", "invalid_price"}},
		{name: "R14 a month missing", more: []string{salesHead + october}, code: "months_not_contiguous", says: []string{"2025-11"}},
		{name: "R14 a closed month with sales", args: []string{"--empty-months", "2025-12"}, code: "invalid_empty_months", says: []string{"2025-12"}},
		{name: "R14 not a month", args: []string{"--empty-months", "2025-13"}, code: "invalid_date", says: []string{"2025-13"}},
		{name: "R16 a row on the stock's day", args: []string{"--snapshot-date", "2025-12-03"}, code: "snapshot_incoherent", says: []string{"2025-12-03", "sales.csv", "row 2"}},
		{name: "R16 a stock of the future", args: []string{"--snapshot-date", "2026-01-15"}, code: "snapshot_incoherent", says: []string{"2026-01-15"}},
		{name: "R16 a late stock", stock: goodStock, sales: strings.ReplaceAll(goodSales, "2025-12-03", "2025-11-03"), args: []string{"--snapshot-date", "2025-12-20"}, code: "snapshot_incoherent", says: []string{"2025-12-20"}},
		{name: "R16 not a day", args: []string{"--snapshot-date", "31.12"}, code: "invalid_date", says: []string{"31.12"}},
		{name: "R19 the same file twice", more: []string{goodSales}, code: "duplicate_file", says: []string{"sales.csv", "more-1.csv"}},
		{name: "a file that is not there", args: []string{"--sales", "nowhere.csv"}, code: "file_unreadable", says: []string{"nowhere.csv"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBox(t)
			if c.env != "" {
				b.env = append(b.env, c.env)
			}
			args := append(b.files(c.stock, c.sales, c.more...), c.args...)
			failed := b.failure(2, args...)
			require.Equal(t, c.code, failed.Code, failed.Message)
			for _, words := range c.says {
				require.Contains(t, failed.Message, words)
			}
			require.NotContains(t, failed.Message, b.dir, "a message names files as they were given, not the paths of their copies")
			require.Empty(t, b.leftovers())
			dry := b.failure(2, append(args, "--dry-run")...)
			require.Equal(t, failed, dry, "a dry run says the same")
		})
	}
}

// TestR18OtherContent: a stored month is not replaced by other content without
// being told to.
func TestR18OtherContent(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	b.must(b.files("", "")...)
	again := b.files("", goodSales+december)
	failed := b.failure(2, again...)
	require.Equal(t, "months_exist", failed.Code)
	require.Contains(t, failed.Message, "2025-12")
	b.must(append(again, "--overwrite")...)
	require.Equal(t, "4", b.exported("monthly")[0]["sales"])
	b.env = append(b.env, "PRICE_CATEGORY_BINS=0,1000,inf")
	require.Equal(t, "price_bins_differ", b.failure(2, "status").Code)
}

// TestR9EveryRowIsAccountedFor: rows are rejected with their reason and number,
// and the rest is stored.
func TestR9EveryRowIsAccountedFor(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	change := func(old, new string) string { return strings.Replace(december, old, new, 1) }
	var result struct {
		Files []struct {
			Name         string
			RowsRead     int            `json:"rows_read"`
			RowsAccepted int            `json:"rows_accepted"`
			RowsRejected map[string]int `json:"rows_rejected"`
			RowsAdjusted int            `json:"rows_adjusted"`
			Examples     []struct {
				Reason, Value string
				Row           int
			}
		}
	}
	b.result(&result, b.files("", goodSales+
		change("Кино", "")+
		change("Группа крови", "")+
		change("Оригинал", " ")+
		change("2990", "")+
		change("2990", "даром")+
		change("2025-12-03", "")+
		change("2025-12-03", "12/31/2025")+
		change("2025-12-03", "2027-12-03")+
		change("1988", "88")+
		change("2025-10-01", "2025-12-05")+
		";;;;;;;;;;\n")...)
	sales := result.Files[1]
	require.Equal(t, 13, sales.RowsRead, "a row without anything is no row")
	require.Equal(t, 4, sales.RowsAccepted)
	require.Equal(t, 1, sales.RowsAdjusted, "R11: an arrival after the sale")
	require.Equal(t, map[string]int{"missing_artist": 1, "missing_album": 1, "missing_release_type": 1, "missing_price": 1, "invalid_price": 1,
		"missing_date": 1, "invalid_date": 1, "date_in_future": 1, "invalid_recording_year": 1}, sales.RowsRejected)
	rows := map[string]int{}
	for _, e := range sales.Examples {
		rows[e.Reason] = e.Row
	}
	require.Equal(t, map[string]int{"missing_artist": 5, "missing_album": 6, "missing_release_type": 7, "missing_price": 8, "invalid_price": 9,
		"missing_date": 10, "invalid_date": 11, "date_in_future": 12, "invalid_recording_year": 13}, rows)
}

// files writes an upload's files ("" is a good one) and returns the command.
func (b *box) files(stock, sales string, more ...string) []string {
	b.Helper()
	write := func(name, content, good string) string {
		if content == "" {
			content = good
		}
		path := filepath.Join(b.dir, name)
		require.NoError(b, os.WriteFile(path, []byte(content), 0o600))
		return path
	}
	args := []string{"upload", "--stock", write("stock.csv", stock, goodStock), "--sales", write("sales.csv", sales, goodSales)}
	for i, content := range more {
		args = append(args, "--sales", write(fmt.Sprintf("more-%d.csv", i+1), content, ""))
	}
	return args
}

func cells(row string) *[]string {
	list := strings.Split(row, "|")
	return &list
}

func encrypted(t *testing.T, book string) string {
	t.Helper()
	f, err := excelize.OpenReader(strings.NewReader(book))
	require.NoError(t, err)
	defer f.Close()
	path := filepath.Join(t.TempDir(), "locked.xlsx")
	require.NoError(t, f.SaveAs(path, excelize.Options{Password: "secret"}))
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(content)
}
