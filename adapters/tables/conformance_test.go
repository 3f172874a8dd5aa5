package tables

import (
	"bytes"
	"context"
	"encoding/csv"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"github.com/plastinka/predictor/domain/intake"
	"github.com/plastinka/predictor/ports"
)

func headers() []string {
	return []string{"Штрихкод", "Исполнитель", "Альбом", "Конверт", "Цена, руб.", "Тип", "Год записи", "Год выпуска", "Стиль", "Дата создания", "Экземпляры"}
}

// shopSheet is the sheet "Остатки" of the workbooks in testdata: what every
// program that wrote them put in. shift is the distance of the date systems.
func shopSheet(shift float64) []intake.Row {
	header := make([]intake.Cell, len(headers()))
	for i, h := range headers() {
		header[i] = txt(h)
	}
	return []intake.Row{
		{Number: 1, Cells: []intake.Cell{txt("Остатки магазина")}},
		{Number: 3, Cells: header},
		{Number: 4, Cells: []intake.Cell{num(4600012345678), txt("Кино"), txt("Группа крови"), txt("SS"), num(1290.5), txt("Оригинал"), num(1988), num(1988), txt("Rock"), day(45672 - shift), num(2)}},
		{Number: 5, Cells: []intake.Cell{txt("0012345"), txt("Björk"), txt(`Début "live"; a, b`), none, txt("1 290 ₽"), txt("Переиздание"), txt("1993"), txt("199?"), txt("Electronic"), day(45657.5 - shift), num(1)}},
		{Number: 7, Cells: []intake.Cell{none, txt("Sonic\nYouth"), txt(" Dirty "), txt("&<>'"), num(690), txt("LP"), boole(1), fail("#N/A"), txt("Noise Rock"), day(45688 - shift), num(65000)}},
		{Number: 8, Cells: []intake.Cell{num(-1.25), txt("plain bold end"), txt("x\u0301 😀"), txt("\u00a0"), num(0.1), txt("t"), num(1e300), num(1.0 / 3), txt("s"), day(36525 - shift), num(0)}},
	}
}

// TestR1TheSameTableInEveryWorkbookGivesTheSameCells reads what LibreOffice,
// xlwt, openpyxl and excelize wrote.
func TestR1TheSameTableInEveryWorkbookGivesTheSameCells(t *testing.T) {
	tests := []struct {
		file, format string
		date1904     bool
		change       func([]intake.Row) // what the program cannot write
	}{
		{"libreoffice.xlsx", "xlsx", false, nil},
		{"libreoffice1904.xlsx", "xlsx", true, nil},
		{"libreoffice.xls", "xls", false, nil},
		{"libreoffice1904.xls", "xls", true, nil},
		{"xlwt.xls", "xls", false, nil},
		{"xlwt1904.xls", "xls", true, nil},
		{"openpyxl.xlsx", "xlsx", false, withoutFormulas},
		{"openpyxl1904.xlsx", "xlsx", true, withoutFormulas},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			w, err := Reader{}.Open(context.Background(), filepath.Join("testdata", tt.file), ports.TableLimits{})
			require.NoError(t, err)
			defer func() { require.NoError(t, w.Close()) }()
			require.Equal(t, tt.format, w.Format())
			require.Equal(t, tt.date1904, w.Date1904())
			require.Equal(t, []intake.Sheet{{Name: "Черновик", Hidden: true}, {Name: "Остатки"}, {Name: "Служебный", Hidden: true}}, w.Sheets())
			shift := 0.0
			if tt.date1904 {
				shift = 1462
			}
			want := shopSheet(shift)
			if tt.change != nil {
				tt.change(want)
			}
			for range 2 { // sheets may be read several times
				rows, err := rowsOf(w, 1)
				require.NoError(t, err)
				requireRows(t, want, rows)
			}
		})
	}
}

// withoutFormulas: openpyxl writes formulas without their values, which are
// then empty (R6).
func withoutFormulas(rows []intake.Row) {
	for _, i := range []int{4, 7, 8, 9} {
		rows[4].Cells[i] = none
	}
}

// requireRows compares rows; a third may differ in its last digit, which
// LibreOffice rounds away.
func requireRows(t testing.TB, want, got []intake.Row) {
	t.Helper()
	require.Len(t, got, len(want))
	for i := range want {
		require.Equal(t, want[i].Number, got[i].Number)
		require.Len(t, got[i].Cells, len(want[i].Cells), "row %d", want[i].Number)
		for j, c := range want[i].Cells {
			if g := got[i].Cells[j]; c.Kind == intake.Number && g.Kind == intake.Number {
				require.InEpsilon(t, 1+c.Number, 1+g.Number, 1e-14, "row %d, cell %d", want[i].Number, j)
			} else {
				require.Equal(t, c, g, "row %d, cell %d", want[i].Number, j)
			}
		}
	}
}

// TestFixturesAreRead fails on a file in testdata that no test names.
func TestFixturesAreRead(t *testing.T) {
	read := map[string]bool{"README.md": true, "fuzz": true, "xlwt-long.xls": true,
		"libreoffice.xlsx": true, "libreoffice1904.xlsx": true, "libreoffice.xls": true, "libreoffice1904.xls": true,
		"xlwt.xls": true, "xlwt1904.xls": true, "openpyxl.xlsx": true, "openpyxl1904.xlsx": true, "libreoffice-1251.csv": true}
	entries, err := os.ReadDir("testdata")
	require.NoError(t, err)
	for _, e := range entries {
		require.True(t, read[e.Name()], "no test reads testdata/%s", e.Name())
	}
}

// TestExcelizeSeesTheSame holds the reader of xlsx against excelize's: every
// value that it reads in the workbooks of other programs.
func TestExcelizeSeesTheSame(t *testing.T) {
	for _, file := range []string{"libreoffice.xlsx", "libreoffice1904.xlsx", "openpyxl.xlsx", "openpyxl1904.xlsx"} {
		path := filepath.Join("testdata", file)
		w, err := Reader{}.Open(context.Background(), path, ports.TableLimits{})
		require.NoError(t, err)
		x, err := excelize.OpenFile(path)
		require.NoError(t, err)
		for i, sheet := range w.Sheets() {
			want, err := x.GetRows(sheet.Name, excelize.Options{RawCellValue: true})
			require.NoError(t, err)
			rows, err := rowsOf(w, i)
			require.NoError(t, err)
			filled := 0
			for _, row := range rows {
				for j, c := range row.Cells {
					if c.Kind == intake.Empty {
						continue
					}
					filled++
					require.Equal(t, want[row.Number-1][j], asExcelize(t, want[row.Number-1][j], c), "%s, %s, row %d, cell %d", file, sheet.Name, row.Number, j)
				}
			}
			require.Equal(t, countFilled(want), filled, "%s, %s", file, sheet.Name)
		}
		require.NoError(t, x.Close())
		require.NoError(t, w.Close())
	}
}

func countFilled(rows [][]string) (n int) {
	for _, row := range rows {
		for _, v := range row {
			if v != "" {
				n++
			}
		}
	}
	return n
}

// asExcelize writes a cell as excelize does; a number in the file's own digits.
func asExcelize(t *testing.T, raw string, c intake.Cell) string {
	switch c.Kind {
	case intake.Text, intake.Error:
		return c.Text
	case intake.Boolean:
		return strconv.Itoa(int(c.Number))
	}
	v, err := strconv.ParseFloat(raw, 64)
	require.NoError(t, err)
	require.Equal(t, v, c.Number)
	return raw
}

// TestR1TheSameTableInEveryCSV writes one table in every encoding, separator and
// line ending, and reads the same cells from each.
func TestR1TheSameTableInEveryCSV(t *testing.T) {
	cyrillic := [][]string{
		headers(),
		{"4600012345678", "Кино", "Группа крови", "", "1290,50", "Оригинал", "1988", "", "Рок", "15.01.2025", "2"},
		{"", "Sonic\nYouth", `Dirty "live"; a, b` + "\tc", "SS", "1 290", "Переиздание", "1992", "199?", "", "31.12.2024", "1"},
		{"0012", "", "Ночь", "", "", "", "", "", "", "", ""},
	}
	western := [][]string{
		{"Barcode", "Artist", "Album", "Cover", "Price", "Type", "Recording year", "Release year", "Style", "Created", "Count"},
		{"4600012345678", "Björk", "Début", "", "1290.50", "Original", "1993", "", "Pop", "2025-01-15", "2"},
		{"", "Sigur Rós\nlive", `Ágætis "byrjun"; a, b` + "\tc", "SS", "990", "Reissue", "1999", "199?", "", "2024-12-31", "1"},
	}
	world := append(append([][]string{}, cyrillic...), western[1], western[2], []string{"1", "坂本龍一", "千のナイフ 😀", "", "1", "₽", "", "", "", "", ""})
	encodings := []struct {
		name   string
		tables [][][]string
		encode func(string) string
	}{
		{"utf-8", [][][]string{cyrillic, western, world}, func(s string) string { return s }},
		{"utf-8 marked", [][][]string{cyrillic, western, world}, func(s string) string { return "\xEF\xBB\xBF" + s }},
		{"utf-16 le", [][][]string{cyrillic, western, world}, encoder(unicode.UTF16(unicode.LittleEndian, unicode.UseBOM))},
		{"utf-16 be", [][][]string{cyrillic, western, world}, encoder(unicode.UTF16(unicode.BigEndian, unicode.UseBOM))},
		{"windows-1251", [][][]string{cyrillic}, encoder(charmap.Windows1251)},
		{"windows-1252", [][][]string{western}, encoder(charmap.Windows1252)},
	}
	for _, e := range encodings {
		for _, separator := range ",;\t" {
			for _, ending := range []string{"\n", "\r\n", "\r"} {
				for i, table := range e.tables {
					data := e.encode(asCSV(t, table, separator, ending))
					sheets, err := readAll(t, []byte(data), ports.TableLimits{})
					require.NoError(t, err)
					requireTexts(t, table, sheets[0], "%s, %q, %q, table %d", e.name, separator, ending, i)
				}
			}
		}
	}
}

func encoder(e encoding.Encoding) func(string) string {
	return func(s string) string {
		out, err := e.NewEncoder().String(s)
		if err != nil {
			panic(err)
		}
		return out
	}
}

// asCSV writes the table; line breaks within cells stay LF.
func asCSV(t testing.TB, table [][]string, separator rune, ending string) string {
	t.Helper()
	var out strings.Builder
	for _, row := range table {
		var line bytes.Buffer
		w := csv.NewWriter(&line)
		w.Comma = separator
		require.NoError(t, w.Write(row))
		w.Flush()
		out.WriteString(strings.TrimSuffix(line.String(), "\n") + ending)
	}
	return out.String()
}

func requireTexts(t testing.TB, want [][]string, got []intake.Row, message string, args ...any) {
	t.Helper()
	args = append([]any{message}, args...)
	require.Len(t, got, len(want), args...)
	for i, row := range got {
		require.Equal(t, i+1, row.Number, args...)
		texts := make([]string, len(want[i]))
		for j, c := range row.Cells {
			texts[j] = c.Text
			require.Equal(t, c.Text == "", c.Kind == intake.Empty, args...)
		}
		require.Equal(t, want[i], texts, args...)
	}
}

// TestR2CSVOfLibreOffice reads Windows-1251 with semicolons, a title and blank
// rows above and between.
func TestR2CSVOfLibreOffice(t *testing.T) {
	w, err := Reader{}.Open(context.Background(), filepath.Join("testdata", "libreoffice-1251.csv"), ports.TableLimits{})
	require.NoError(t, err)
	defer func() { require.NoError(t, w.Close()) }()
	require.Equal(t, "csv", w.Format())
	require.Equal(t, []intake.Sheet{{}}, w.Sheets())
	rows, err := rowsOf(w, 0)
	require.NoError(t, err)
	var numbers []int
	for _, r := range rows {
		numbers = append(numbers, r.Number)
	}
	require.Equal(t, []int{1, 3, 4, 5, 7, 8}, numbers)
	for i, h := range headers() {
		require.Equal(t, txt(h), rows[1].Cells[i])
	}
	require.Equal(t, []intake.Cell{txt("4600012345678"), txt("Кино"), txt("Группа крови"), txt("SS"), txt("1290.5"), txt("Оригинал"), txt("1988"), txt("1988"), txt("Rock"), txt("01/15/2025"), txt("2")}, rows[2].Cells)
	require.Equal(t, txt("Sonic\nYouth"), rows[4].Cells[1])
	require.Equal(t, none, rows[4].Cells[0])
}
