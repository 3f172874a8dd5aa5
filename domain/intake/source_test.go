package intake

import (
	"context"
	"iter"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/unicode/norm"

	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/catalog"
	"github.com/plastinka/predictor/domain/fault"
)

// workbook is a Source made of values: a nil row is a blank one, which a
// reader leaves out but counts.
type workbook struct {
	format    string
	sheets    []Sheet
	rows      [][][]any
	dates1904 bool
	failAt    int // the row at which reading fails; 0: none
}

func (w *workbook) Format() string  { return w.format }
func (w *workbook) Sheets() []Sheet { return w.sheets }
func (w *workbook) Date1904() bool  { return w.dates1904 }

func (w *workbook) Rows(_ context.Context, sheet int) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		var cells []Cell // reused, as readers do
		for i, row := range w.rows[sheet] {
			if i+1 == w.failAt {
				yield(Row{}, fault.New(fault.Invalid, "corrupt_file", "the file is damaged"))
				return
			}
			if row == nil {
				continue
			}
			cells = cells[:0]
			for _, v := range row {
				cells = append(cells, cellOf(v))
			}
			if !yield(Row{Number: i + 1, Cells: cells}, nil) {
				return
			}
		}
	}
}

// serial and broken are cells that no plain Go value stands for.
type (
	serial float64 // a date cell
	broken string  // an error value
)

func cellOf(v any) Cell {
	switch v := v.(type) {
	case string:
		return Cell{Kind: Text, Text: v}
	case int:
		return Cell{Kind: Number, Number: float64(v)}
	case float64:
		return Cell{Kind: Number, Number: v}
	case serial:
		return Cell{Kind: Date, Number: float64(v)}
	case bool:
		c := Cell{Kind: Boolean}
		if v {
			c.Number = 1
		}
		return c
	case broken:
		return Cell{Kind: Error, Text: string(v)}
	}
	return Cell{}
}

var today = calendar.DayOf(2024, time.June, 15)

func options(role Role) Options {
	return Options{Name: "shop.xlsx", Role: role, Today: today, Bins: catalog.DefaultBins(), Normalise: norm.NFC.String}
}

// headers are a role's columns in Russian, in the order that the rows of the
// tests have; the last is the role's own.
func headers(role Role) []any {
	h := []any{"Штрихкод", "Исполнитель", "Альбом", "Конверт", "Цена, руб.", "Тип", "Год записи", "Год выпуска", "Стиль", "Дата создания"}
	if role == StockFile {
		return append(h, "Экземпляры")
	}
	return append(h, "Дата заказа")
}

// The places of the columns in the rows of the tests.
const (
	inBarcode = iota
	inArtist
	inAlbum
	inCover
	inPrice
	inType
	inRecorded
	inReleased
	inStyle
	inCreated
	inLast
)

// good is a row that is accepted, with some cells replaced.
func good(role Role, change ...any) []any {
	row := []any{"4600012345678", "Кино", "Группа крови", "SS", 2990, "Переиздание", "1988", "2015", "Rock", "01.02.2024"}
	if role == StockFile {
		row = append(row, 3)
	} else {
		row = append(row, "05.03.2024")
	}
	for i := 0; i < len(change); i += 2 {
		row[change[i].(int)] = change[i+1]
	}
	return row
}

// sheetOf is a workbook of one sheet: the role's header and these rows.
func sheetOf(role Role, rows ...[]any) *workbook {
	return &workbook{format: "xlsx", sheets: []Sheet{{Name: "Лист1"}}, rows: [][][]any{append([][]any{headers(role)}, rows...)}}
}

func read(t *testing.T, role Role, rows ...[]any) *File {
	t.Helper()
	f, err := Read(t.Context(), sheetOf(role, rows...), options(role))
	require.NoError(t, err)
	return f
}

// rawOf is the raw record of a single accepted row.
func rawOf(t *testing.T, row []any) catalog.Raw {
	t.Helper()
	f := read(t, SalesFile, row)
	require.Equal(t, 1, f.Report.RowsAccepted, "rejected: %v", f.Report.Examples)
	return f.records[0]
}

// prepared is a Source whose cells are made beforehand.
type prepared struct {
	workbook
	cells [][]Cell
}

func (p *prepared) Rows(context.Context, int) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		for i, cells := range p.cells {
			if !yield(Row{Number: i + 1, Cells: cells}, nil) {
				return
			}
		}
	}
}
