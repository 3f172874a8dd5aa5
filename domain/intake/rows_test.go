package intake

import (
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plastinka/predictor/domain/catalog"
	"github.com/plastinka/predictor/domain/fault"
)

func TestR9R10Reasons(t *testing.T) {
	for _, test := range []struct {
		reason string // "": accepted
		role   Role   // "": both
		change []any
		value  string
	}{
		{"", "", nil, ""},
		{"", "", []any{inBarcode, nil, inCover, nil, inReleased, nil, inStyle, nil}, ""},
		{"missing_artist", "", []any{inArtist, "  "}, ""},
		{"missing_artist", "", []any{inArtist, broken("#N/A")}, "#N/A"},
		{"missing_album", "", []any{inAlbum, nil}, ""},
		{"missing_release_type", "", []any{inType, ""}, ""},
		{"missing_price", "", []any{inPrice, nil}, ""},
		{"missing_price", "", []any{inPrice, "#Н/Д"}, "#Н/Д"},
		{"invalid_price", "", []any{inPrice, "договорная"}, "договорная"},
		{"invalid_price", "", []any{inPrice, 0}, "0"},
		{"invalid_price", "", []any{inPrice, -1.5}, "-1.5"},
		{"invalid_price", "", []any{inPrice, 100_000_001}, "100000001"},
		{"", "", []any{inPrice, 100_000_000}, ""},
		{"", "", []any{inPrice, 0.01}, ""},
		{"missing_date", "", []any{inCreated, nil}, ""},
		{"missing_date", SalesFile, []any{inLast, "#N/A"}, "#N/A"},
		{"invalid_date", "", []any{inCreated, "вчера"}, "вчера"},
		{"invalid_date", SalesFile, []any{inLast, "31.02.2024"}, "31.02.2024"},
		{"invalid_date", "", []any{inCreated, "1989-12-31"}, "1989-12-31"},
		{"date_in_future", "", []any{inCreated, "2024-06-16"}, "2024-06-16"},
		{"date_in_future", SalesFile, []any{inLast, serial(45459)}, "2024-06-16"},
		{"", "", []any{inCreated, "15.06.2024"}, ""},
		{"", SalesFile, []any{inLast, "15.06.2024"}, ""},
		{"invalid_count", StockFile, []any{inLast, nil}, ""},
		{"invalid_count", StockFile, []any{inLast, 0}, "0"},
		{"invalid_count", StockFile, []any{inLast, 1.5}, "1.5"},
		{"invalid_count", StockFile, []any{inLast, "-2"}, "-2"},
		{"invalid_count", StockFile, []any{inLast, 1_000_001}, "1000001"},
		{"invalid_count", StockFile, []any{inLast, "3 шт"}, "3 шт"},
		{"invalid_count", StockFile, []any{inLast, true}, "TRUE"},
		{"invalid_count", StockFile, []any{inLast, math.NaN()}, "NaN"},
		{"", StockFile, []any{inLast, 1_000_000}, ""},
		{"", StockFile, []any{inLast, "1 000,0"}, ""},
		{"invalid_recording_year", "", []any{inRecorded, nil}, ""},
		{"invalid_recording_year", "", []any{inRecorded, "197?"}, "197?"},
		{"invalid_recording_year", "", []any{inRecorded, "май 1988"}, "май 1988"},
		{"invalid_recording_year", "", []any{inRecorded, "١٩٨٨"}, "١٩٨٨"},
		{"invalid_recording_year", "", []any{inRecorded, 2026}, "2026"},
		{"", "", []any{inRecorded, 2025}, ""}, // next year
		{"", "", []any{inRecorded, "1988 (запись)"}, ""},
		{"", "", []any{inRecorded, serial(30000)}, ""}, // 1982-02-18
		{"invalid_price", "", []any{inPrice, strings.Repeat("я", 100)}, strings.Repeat("я", 59) + "…"},
	} {
		for _, role := range []Role{StockFile, SalesFile} {
			if test.role != "" && test.role != role {
				continue
			}
			t.Run(fmt.Sprint(role, test.reason, test.change), func(t *testing.T) {
				r := read(t, role, good(role, test.change...)).Report
				require.Equal(t, 1, r.RowsRead)
				if test.reason == "" {
					require.Equal(t, 1, r.RowsAccepted, "%v", r.Examples)
					require.Empty(t, r.RowsRejected)
					return
				}
				require.Zero(t, r.RowsAccepted)
				require.Equal(t, map[string]int{test.reason: 1}, r.RowsRejected)
				require.Equal(t, []Example{{test.reason, 2, test.value}}, r.Examples)
			})
		}
	}
}

// TestR9TheFirstReasonCounts breaks a row in every way, then mends it from the
// first reason on.
func TestR9TheFirstReasonCounts(t *testing.T) {
	all := map[Role][]any{
		SalesFile: {inArtist, nil, inAlbum, nil, inType, nil, inPrice, nil, inRecorded, nil, inCreated, "?", inLast, nil},
		StockFile: {inArtist, nil, inAlbum, nil, inType, nil, inPrice, nil, inRecorded, nil, inCreated, nil, inLast, 0},
	}
	type step struct {
		reason string
		mend   []any
	}
	steps := map[Role][]step{
		SalesFile: {{"missing_artist", []any{inArtist, "x"}}, {"missing_album", []any{inAlbum, "x"}}, {"missing_release_type", []any{inType, "x"}},
			{"missing_price", []any{inPrice, "?"}}, {"invalid_price", []any{inPrice, 1}},
			{"missing_date", []any{inLast, "?"}}, // the sold date is missing, the arrival no date
			{"invalid_date", []any{inCreated, "2024-07-01"}}, {"invalid_date", []any{inLast, "2024-07-02"}},
			{"date_in_future", []any{inCreated, "2024-01-01", inLast, "2024-01-01"}}, {"invalid_recording_year", []any{inRecorded, "1999"}}, {"", nil}},
		StockFile: {{"missing_artist", []any{inArtist, "x"}}, {"missing_album", []any{inAlbum, "x"}}, {"missing_release_type", []any{inType, "x"}},
			{"missing_price", []any{inPrice, "?"}}, {"invalid_price", []any{inPrice, 1}}, {"missing_date", []any{inCreated, "?"}},
			{"invalid_date", []any{inCreated, "2024-07-01"}}, {"date_in_future", []any{inCreated, "2024-01-01"}},
			{"invalid_count", []any{inLast, 1}}, {"invalid_recording_year", []any{inRecorded, "1999"}}, {"", nil}},
	}
	for role, list := range steps {
		change := all[role]
		for _, s := range list {
			r := read(t, role, good(role, change...)).Report
			if s.reason == "" {
				require.Equal(t, 1, r.RowsAccepted)
				continue
			}
			require.Equal(t, map[string]int{s.reason: 1}, r.RowsRejected, "%s after %v", role, change)
			change = append(change, s.mend...)
		}
	}
}

func TestR9EveryRowIsAccountedFor(t *testing.T) {
	rows := [][]any{
		good(SalesFile),
		nil, // blank
		make([]any, 12),
		{"", "  ", broken("#REF!"), nil, nil, nil, nil, nil, nil, nil, nil, nil, "Итого: 25"}, // known columns empty
		{nil, "Кино"}, // short, but a row
		good(SalesFile, inPrice, "?"),
		good(SalesFile),
	}
	r := read(t, SalesFile, rows...).Report
	require.Equal(t, FileReport{Name: "shop.xlsx", Role: SalesFile, Format: "xlsx", Sheet: "Лист1",
		RowsRead: 4, RowsAccepted: 2, RowsRejected: map[string]int{"missing_album": 1, "invalid_price": 1},
		Examples: []Example{{"missing_album", 6, ""}, {"invalid_price", 7, "?"}}}, r)
}

func TestR9TwentyExamplesOfEachReason(t *testing.T) {
	var rows [][]any
	for range 25 {
		rows = append(rows, good(SalesFile, inPrice, "?"), good(SalesFile, inArtist, nil))
	}
	r := read(t, SalesFile, rows...).Report
	require.Equal(t, map[string]int{"invalid_price": 25, "missing_artist": 25}, r.RowsRejected)
	require.Len(t, r.Examples, 40)
	require.Equal(t, Example{"missing_artist", 41, ""}, r.Examples[39])
}

func TestR9NoRowsAccepted(t *testing.T) {
	for name, test := range map[string]struct {
		rows [][]any
		says string
	}{
		"no rows":     {nil, "no rows below its header"},
		"only blanks": {[][]any{nil, make([]any, 5)}, "no rows below its header"},
		"all bad":     {[][]any{good(SalesFile, inPrice, "?"), good(SalesFile, inArtist, nil)}, `none of the file's 2 rows can be used; the first, row 2, is rejected as invalid_price ("?")`},
	} {
		t.Run(name, func(t *testing.T) {
			err := read(t, SalesFile, test.rows...).Check()
			require.Equal(t, "no_rows_accepted", fault.CodeOf(err))
			require.ErrorContains(t, err, test.says)
		})
	}
	require.NoError(t, read(t, SalesFile, good(SalesFile), good(SalesFile, inPrice, "?")).Check())
}

func TestR11ArrivalAfterSale(t *testing.T) {
	f := read(t, SalesFile,
		good(SalesFile, inCreated, "06.03.2024", inLast, "05.03.2024"),
		good(SalesFile, inCreated, "05.03.2024", inLast, "05.03.2024"))
	require.Equal(t, 1, f.Report.RowsAdjusted)
	require.Equal(t, 2, f.Report.RowsAccepted)
	require.Equal(t, "2024-03-06", f.sales[0].Created.String(), "kept as given")
	require.Equal(t, "2024-03-05", f.sales[0].Arrival().String())
}

func TestRowsAreReadAsTheyAre(t *testing.T) {
	f := read(t, StockFile, good(StockFile, inPrice, "2 490,00 ₽", inLast, "12"))
	require.Equal(t, []Lot{{Row: 2, Count: 12, Created: f.lots[0].Created, Price: 2490}}, f.lots)
	require.Equal(t, "2024-02-01", f.lots[0].Created.String())
	require.Equal(t, "(689.999, 2490.0]", f.records[0].PriceCategory)
}

func TestMergeKeepsOneTableOfRecords(t *testing.T) {
	other := good(SalesFile, inArtist, "ДДТ")
	stock := read(t, StockFile, good(StockFile, inAlbum, "Ночь"), good(StockFile))
	first := read(t, SalesFile, other, good(SalesFile))
	second := read(t, SalesFile, good(SalesFile, inPrice, 500), other)
	rows := Merge([]*File{stock, first, second})
	require.Len(t, rows.Files, 3)
	require.Len(t, rows.Records, 4)
	artists := func() (list []string) {
		for _, s := range rows.Sales {
			list = append(list, fmt.Sprint(s.File, rows.Records[s.Record].Artist, rows.Records[s.Record].PriceCategory))
		}
		return list
	}
	require.Equal(t, []string{"1ДДТ(2490.0, 3990.0]", "1Кино(2490.0, 3990.0]", "2Кино(0.0, 689.999]", "2ДДТ(2490.0, 3990.0]"}, artists())
	require.Equal(t, rows.Lots[1].Record, rows.Sales[1].Record)
	stock = read(t, StockFile, good(StockFile))
	second = read(t, StockFile, good(StockFile, inAlbum, "Ночь"))
	require.Equal(t, "Ночь", Merge([]*File{stock, second}).Records[1].Album)
	require.Equal(t, int32(1), Merge([]*File{stock, second}).Lots[1].Record)

	c := rows.Clone()
	c.Files[0].Reject("outside_file_month", 2, "")
	c.Lots[0].Count = 99
	require.Empty(t, rows.Files[0].RowsRejected)
	require.Equal(t, int32(3), rows.Lots[0].Count)
}

func TestSpellMergesRecordsAndCountsVotes(t *testing.T) {
	rows := Merge([]*File{
		read(t, StockFile, good(StockFile, inType, "переиздание", inLast, 50)),
		read(t, SalesFile, good(SalesFile), good(SalesFile, inType, "ПЕРЕИЗДАНИЕ"), good(SalesFile, inArtist, "ДДТ")),
	})
	require.Len(t, rows.Records, 4)
	votes := rows.Spell(nil)
	require.Len(t, rows.Records, 2)
	require.Equal(t, 3, votes[0].Rows, "a lot is one row, whatever its count")
	require.Equal(t, 1, votes[1].Rows)
	require.Equal(t, "ПЕРЕИЗДАНИЕ", votes[0].Raw.ReleaseType)
	require.Equal(t, rows.Records[rows.Sales[2].Record].Artist, "ДДТ")
	require.Zero(t, rows.Lots[0].Record)

	kept := []catalog.Record{{Raw: catalog.Raw{ReleaseType: "пЕРЕИЗДАНИЕ"}}}
	require.Equal(t, "пЕРЕИЗДАНИЕ", rows.Spell(kept)[0].Raw.ReleaseType)
}

func TestWarnings(t *testing.T) {
	rows := Merge([]*File{
		read(t, StockFile,
			good(StockFile),                                  // 2990
			good(StockFile, inAlbum, "Ночь"),                 // 2990 and
			good(StockFile, inAlbum, "Ночь", inPrice, 5000)), // 5000
		read(t, SalesFile,
			good(SalesFile), good(SalesFile, inPrice, 3500), good(SalesFile, inPrice, 5000), good(SalesFile, inPrice, 600), // one record, counted once
			good(SalesFile, inAlbum, "Ночь", inPrice, 5100), // in stock in this category
			good(SalesFile, inAlbum, "45", inPrice, 600),    // never in stock at all
			good(SalesFile, inBarcode, "4.6E+12", inAlbum, "x"), good(SalesFile, inBarcode, "4,6E+12", inAlbum, "y")),
	})
	list := rows.Warnings()
	require.Len(t, list, 2)
	require.Equal(t, "barcode_digits_lost", list[0].Code)
	require.Equal(t, 2, list[0].Count)
	require.Equal(t, []string{"shop.xlsx"}, list[0].Files)
	require.Equal(t, "price_category_split", list[1].Code)
	require.Equal(t, 1, list[1].Count)
	require.Empty(t, Merge([]*File{read(t, StockFile, good(StockFile)), read(t, SalesFile, good(SalesFile))}).Warnings())
}

// TestR8TextsAreKeptOnce: what many rows say costs memory once.
func TestR8TextsAreKeptOnce(t *testing.T) {
	var rows [][]any
	for i := range 3000 {
		rows = append(rows, good(SalesFile, inAlbum, fmt.Sprint("Альбом ", i%7), inPrice, fmt.Sprint("1 29", i%10, ",50 ₽"), inLast, fmt.Sprintf("2024-03-05 12:%02d:%02d", i/60%60, i%60)))
	}
	w := sheetOf(SalesFile, rows...)
	o := options(SalesFile)
	r := newReader(w, o, table{header: readHeader(Row{Cells: cellsOf(headers(SalesFile))}, needed(SalesFile), newTexts(o.Normalise).clean)})
	for i, row := range rows {
		r.row(Row{Number: i + 2, Cells: cellsOf(row)})
	}
	require.Equal(t, 3000, r.file.Report.RowsAccepted)
	require.Len(t, r.file.records, 7)
	require.Less(t, len(r.texts.byText), 20, "neither times nor prices are kept")
	require.Empty(t, r.texts.byNumber)
	row := cellsOf(rows[0])
	require.Zero(t, testing.AllocsPerRun(50, func() {
		r.load(row)
		var lot Lot
		var sale Sale
		if reason, _ := r.judge(&lot, &sale); reason != "" {
			panic(reason)
		}
		r.record(sale.Price)
	}), "a row of known texts costs nothing")
}

func cellsOf(row []any) []Cell {
	cells := make([]Cell, len(row))
	for i, v := range row {
		cells[i] = cellOf(v)
	}
	return cells
}

func BenchmarkRead(b *testing.B) {
	const n = 160_000
	w := &prepared{workbook: workbook{format: "csv", sheets: []Sheet{{}}}}
	w.cells = append(w.cells, cellsOf(headers(SalesFile)))
	for i := range n {
		w.cells = append(w.cells, cellsOf(good(SalesFile, inBarcode, fmt.Sprint(4600012000000+i%28000), inArtist, fmt.Sprint("Исполнитель ", i%3000),
			inAlbum, fmt.Sprint("Альбом ", i%28000), inPrice, "2 990,00 ₽", inLast, "05.03.2024 12:34:56")))
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Read(b.Context(), w, options(SalesFile)); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

// TestR8AcceptedRowsAreSmall: 32 bytes each, as the package says.
func TestR8AcceptedRowsAreSmall(t *testing.T) {
	require.EqualValues(t, 32, reflect.TypeFor[Sale]().Size())
	require.LessOrEqual(t, reflect.TypeFor[Lot]().Size(), uintptr(32))
}
