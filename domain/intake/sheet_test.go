package intake

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plastinka/predictor/domain/fault"
)

func TestR3HeaderRow(t *testing.T) {
	blank := func(n int) [][]any { return make([][]any, n) }
	six := []any{"Barcode", "artist", "ALBUM", "Cover", "Price", "Type"}
	for name, test := range map[string]struct {
		rows   [][]any
		header int // its row; 0: none
	}{
		"first row":                         {[][]any{headers(SalesFile)}, 1},
		"below a title and blank rows":      {append(append([][]any{{"Продажи за март"}}, blank(3)...), headers(SalesFile)), 5},
		"twentieth row, blank ones counted": {append(blank(19), headers(SalesFile)), 20},
		"twenty-first row":                  {append(blank(20), headers(SalesFile)), 0},
		"six columns make a header":         {[][]any{six}, 1},
		"five do not":                       {[][]any{six[:5]}, 0},
		"the first of two header rows":      {[][]any{six, headers(SalesFile)}, 1},
		"any case, any white space": {[][]any{{"  ШТРИХКОД ", "исполнитель", "Альбом", "конверт",
			"цена,\u00a0 руб.", "тип", "Год\t записи"}}, 1},
		"numbers are no headers":           {[][]any{{1, 2, 3, 4, 5, 6}}, 0},
		"the same header six times is one": {[][]any{{"Тип", "Тип", "Тип", "Тип", "Тип", "Тип"}}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			w := &workbook{rows: [][][]any{test.rows}}
			h, err := findHeader(t.Context(), w, 0, needed(SalesFile), options(SalesFile))
			require.NoError(t, err)
			require.Equal(t, test.header > 0, h.isHeader(needed(SalesFile)))
			if test.header > 0 {
				require.Equal(t, test.header, h.row)
			}
		})
	}
}

func TestR3RowsAboveTheHeaderAreSkipped(t *testing.T) {
	w := sheetOf(SalesFile)
	w.rows[0] = [][]any{{"Отчёт", "о", "продажах"}, nil, headers(SalesFile), good(SalesFile), good(SalesFile, inPrice, "?")}
	f, err := Read(t.Context(), w, options(SalesFile))
	require.NoError(t, err)
	require.Equal(t, 2, f.Report.RowsRead)
	require.Equal(t, int32(4), f.sales[0].Row)
	require.Equal(t, 5, f.Report.Examples[0].Row)
}

func TestR3EveryHeaderName(t *testing.T) {
	require.Len(t, HeaderNames(), 26)
	for _, role := range []Role{StockFile, SalesFile} {
		require.Len(t, needed(role), 11)
		for _, c := range needed(role) {
			for _, name := range c.headers {
				h := readHeader(Row{Cells: []Cell{{Kind: Text, Text: "?"}, {Kind: Text, Text: name}}}, needed(role), newTexts(options(role).Normalise).clean)
				require.Equal(t, 1, h.at[c.field], name)
				require.Equal(t, 1, h.matched, name)
			}
		}
	}
}

func TestR3R4R5RefusedTables(t *testing.T) {
	full := [][]any{headers(SalesFile), good(SalesFile)}
	partial := [][]any{headers(SalesFile)[:8], good(SalesFile)[:8]}
	other := [][]any{{"Заметки"}}
	sheets := func(format string, rows ...[][]any) *workbook {
		w := &workbook{format: format, rows: rows}
		for i := range rows {
			w.sheets = append(w.sheets, Sheet{Name: string(rune('A' + i))})
		}
		return w
	}
	hidden := sheets("xlsx", full, full)
	hidden.sheets[0].Hidden = true
	allHidden := sheets("xls", full)
	allHidden.sheets[0].Hidden = true
	double := [][]any{append(headers(SalesFile), "Artist"), good(SalesFile)}
	for name, test := range map[string]struct {
		w       *workbook
		code    string // "": the sheet is read
		sheet   string
		says    []string
		details map[string]any
	}{
		"one sheet with a header row":          {w: sheets("xlsx", other, full), sheet: "B"},
		"the only complete one of several":     {w: sheets("xlsx", partial, full, other), sheet: "B"},
		"several complete ones":                {w: sheets("xlsx", full, other, full), code: "several_data_sheets", says: []string{"“A”, “C”"}, details: map[string]any{"sheets": []string{"A", "C"}}},
		"several, none complete":               {w: sheets("xlsx", partial, partial), code: "several_data_sheets", says: []string{"“A”, “B”"}},
		"none":                                 {w: sheets("xls", other, other), code: "no_data_sheet", says: []string{"“A”, “B”", "sold_date"}, details: map[string]any{"sheets": []string{"A", "B"}}},
		"hidden sheets are ignored":            {w: hidden, sheet: "B"},
		"all sheets hidden":                    {w: allHidden, code: "no_data_sheet"},
		"missing columns are all named":        {w: sheets("xlsx", partial), code: "missing_columns", says: []string{"style (“Стиль”, “Style”)", "created_date", "sold_date", "“Штрихкод”", "sheet “A”"}, details: map[string]any{"missing": []string{"style", "created_date", "sold_date"}}},
		"a csv without a header row":           {w: sheets("csv", [][]any{{"Штрихкод", "x"}, {"1", "2"}}), code: "missing_columns", says: []string{"artist", "count", "“Штрихкод”, “x”"}},
		"a csv of nothing that is known":       {w: sheets("csv", other), code: "missing_columns", says: []string{"barcode", "“Заметки”"}},
		"two columns for one field":            {w: sheets("xlsx", double), code: "duplicate_columns", says: []string{"artist (“Исполнитель”, “Artist”)"}},
		"missing ones come before double ones": {w: sheets("xlsx", [][]any{append(headers(SalesFile)[:10], "Artist")}), code: "missing_columns", says: []string{"sold_date"}},
		"the other kind of file":               {w: sheets("xlsx", [][]any{headers(StockFile)}), code: "missing_columns", says: []string{"is this the stock file?"}},
	} {
		t.Run(name, func(t *testing.T) {
			role := SalesFile
			if name == "a csv without a header row" {
				role = StockFile
			}
			f, err := Read(t.Context(), test.w, options(role))
			require.Equal(t, test.code, fault.CodeOf(err), "%v", err)
			require.Equal(t, err, Inspect(t.Context(), test.w, options(role)), "Inspect sees it too")
			if test.code == "" {
				require.Equal(t, test.sheet, f.Report.Sheet)
				return
			}
			require.Equal(t, fault.Invalid, fault.KindOf(err))
			for _, s := range test.says {
				require.ErrorContains(t, err, s)
			}
			for k, v := range test.details {
				require.Equal(t, v, fault.Wrap("", err).(*fault.Error).Details[k])
			}
		})
	}
}

func TestReadingEndsWithTheSourcesError(t *testing.T) {
	for _, at := range []int{1, 3} {
		w := sheetOf(SalesFile, good(SalesFile), good(SalesFile))
		w.failAt = at
		_, err := Read(t.Context(), w, options(SalesFile))
		require.Equal(t, "corrupt_file", fault.CodeOf(err))
	}
}
