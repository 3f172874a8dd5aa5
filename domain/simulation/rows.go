package simulation

import (
	"slices"

	"github.com/plastinka/predictor/domain/calendar"
)

// Row is a row of a stock or sales file, as the shop's program exports it.
type Row struct {
	Barcode, Artist, Album, Cover, ReleaseType, RecordingYear, ReleaseYear, Style string

	Edition int // index into Shop.Editions: no cell, but what a reader must find out
	Price   int // RUB
	Created calendar.Day
	Sold    calendar.Day // of a sales row
	Count   int          // of a stock row
}

// Language of the headers.
type Language string

// The languages.
const (
	Russian Language = "ru"
	English Language = "en"
)

// StockHeader are the names of a stock file's columns.
func StockHeader(l Language) []string {
	if l == English {
		return append(commonHeader(l), "Created", "Count")
	}
	return append(commonHeader(l), "Дата создания", "Экземпляры")
}

// SalesHeader are the names of a sales file's columns.
func SalesHeader(l Language) []string {
	if l == English {
		return append(commonHeader(l), "Created", "Sold")
	}
	return append(commonHeader(l), "Дата добавления", "Дата продажи")
}

func commonHeader(l Language) []string {
	if l == English {
		return []string{"Barcode", "Artist", "Album", "Cover", "Price", "Type", "Recording year", "Release year", "Style"}
	}
	return []string{"Штрихкод", "Исполнитель", "Альбом", "Конверт", "Цена, руб.", "Тип", "Год записи", "Год выпуска", "Стиль"}
}

// StockValues are the row's cells below StockHeader: string, int or
// calendar.Day.
func (r Row) StockValues() []any { return append(r.common(), r.Created, r.Count) }

// SalesValues are the row's cells below SalesHeader: string, int or
// calendar.Day.
func (r Row) SalesValues() []any { return append(r.common(), r.Created, r.Sold) }

func (r Row) common() []any {
	return []any{r.Barcode, r.Artist, r.Album, r.Cover, r.Price, r.ReleaseType, r.RecordingYear, r.ReleaseYear, r.Style}
}

// Stock is the stock file taken at the start of the day snapshot: equal copies
// of one delivery are one row.
func (s *Shop) Stock(snapshot calendar.Day) []Row {
	type lot struct {
		writing int16
		price   int32
		arrived calendar.Day
	}
	var rows []Row
	for i := range s.Editions {
		first := len(rows)
		lots := map[lot]int{} // its row
		for _, c := range s.CopiesOf(i) {
			if c.Arrived >= snapshot || c.Sold < snapshot {
				continue
			}
			k := lot{c.writing, c.Price, c.Arrived}
			at, ok := lots[k]
			if !ok {
				at = len(rows)
				lots[k] = at
				rows = append(rows, s.row(c))
			}
			rows[at].Count++
		}
		slices.SortStableFunc(rows[first:], func(a, b Row) int { return int(a.Created - b.Created) })
	}
	return rows
}

// Sales are the sales rows of the days from … until−1, by day. until is the
// day on which the file is exported: no row has a later date.
func (s *Shop) Sales(from, until calendar.Day) []Row {
	var rows []Row
	for _, c := range s.Copies {
		if c.Sold < from || c.Sold >= until {
			continue
		}
		r := s.row(c)
		if c.entered > 0 {
			r.Created = min(c.entered, until-1)
		}
		r.Sold = c.Sold
		rows = append(rows, r)
	}
	slices.SortStableFunc(rows, func(a, b Row) int { return int(a.Sold - b.Sold) })
	return rows
}

func (s *Shop) row(c Copy) Row {
	w := s.Editions[c.Edition].writings[c.writing]
	return Row{Edition: int(c.Edition), Barcode: w.barcode, Artist: w.artist, Album: w.album, Cover: w.cover, Price: int(c.Price),
		ReleaseType: w.releaseType, RecordingYear: w.recordingYear, ReleaseYear: w.releaseYear, Style: w.style,
		Created: c.Arrived}
}
