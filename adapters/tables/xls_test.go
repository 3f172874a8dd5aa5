package tables

import (
	"context"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plastinka/predictor/domain/intake"
	"github.com/plastinka/predictor/ports"
)

// TestR6CellsOfXLS has every record that holds a cell.
func TestR6CellsOfXLS(t *testing.T) {
	place := func(column int) []byte { return le(uint16(4), uint16(column), uint16(0)) }
	formula := func(result []byte) []byte {
		return rec(recFormula, place(0), result, le(uint16(0), uint32(0), uint16(0)))
	}
	special := func(kind, value uint8) []byte { return le(kind, uint8(0), value, uint8(0), uint16(0), uint16(0xFFFF)) }
	shared := rec(0x04BC, make([]byte, 12))
	tests := []struct {
		name    string
		records [][]byte
		want    []intake.Cell
	}{
		{"NUMBER", [][]byte{number(4, 1, 12.5)}, []intake.Cell{none, num(12.5)}},
		{"RK of a whole number", [][]byte{rec(recRK, place(0), le(int32(-7)<<2|2))}, []intake.Cell{num(-7)}},
		{"RK of hundredths", [][]byte{rec(recRK, place(0), le(int32(129050)<<2|3))}, []intake.Cell{num(1290.5)}},
		{"RK of a fraction", [][]byte{rec(recRK, place(0), le(uint32(math.Float64bits(0.75)>>32)))}, []intake.Cell{num(0.75)}},
		{"RK of a fraction of hundredths", [][]byte{rec(recRK, place(0), le(uint32(math.Float64bits(75)>>32)|1))}, []intake.Cell{num(0.75)}},
		{"MULRK", [][]byte{rec(recMulRK, le(uint16(4), uint16(1)), le(uint16(0), int32(1)<<2|2), le(uint16(1), int32(2)<<2|2), le(uint16(2)))}, []intake.Cell{none, num(1), day(2)}},
		{"a date by its format", [][]byte{rec(recNumber, le(uint16(4), uint16(0), uint16(1), 45672.0))}, []intake.Cell{day(45672)}},
		{"BOOLERR", [][]byte{rec(recBoolErr, place(0), le(uint8(1), uint8(0))), rec(recBoolErr, place(1), le(uint8(0x2A), uint8(1)))}, []intake.Cell{boole(1), fail("#N/A")}},
		{"LABEL in Latin 1", [][]byte{rec(recLabel, place(0), le(uint16(2), uint8(0)), []byte("\xE9a"))}, []intake.Cell{txt("éa")}},
		{"LABEL in UTF-16", [][]byte{rec(recLabel, place(0), wide("Кино 😀"))}, []intake.Cell{txt("Кино 😀")}},
		{"LABEL with half a pair", [][]byte{rec(recLabel, place(0), le(uint16(2), uint8(1), uint16(0xD83D), uint16('a')))}, []intake.Cell{txt("\uFFFDa")}},
		{"RSTRING with its fonts", [][]byte{rec(recRString, place(0), wide("abc"), le(uint16(1), uint16(1), uint16(5)))}, []intake.Cell{txt("abc")}},
		{"FORMULA of a number", [][]byte{formula(le(690.0))}, []intake.Cell{num(690)}},
		{"FORMULA of a text", [][]byte{formula(special(0, 0)), rec(recString, wide("Рок"))}, []intake.Cell{txt("Рок")}},
		{"FORMULA of a text behind a shared one", [][]byte{formula(special(0, 0)), shared, rec(recString, wide("Рок"))}, []intake.Cell{txt("Рок")}},
		{"FORMULA of a text that was not stored", [][]byte{formula(special(0, 0)), number(4, 1, 1)}, []intake.Cell{none, num(1)}},
		{"FORMULA of a boolean, an error, nothing", [][]byte{formula(special(1, 1)), number(4, 1, 1)}, []intake.Cell{boole(1), num(1)}},
		{"FORMULA of an error", [][]byte{formula(special(2, 0x07))}, []intake.Cell{fail("#DIV/0!")}},
		{"FORMULA of an empty text", [][]byte{formula(special(3, 0)), number(4, 1, 1)}, []intake.Cell{none, num(1)}},
		{"a chart within the sheet", [][]byte{rec(recBOF, le(uint16(0x0600), uint16(0x20), uint32(0), uint64(0))), number(4, 0, 9), rec(recEOF), number(4, 1, 1)}, []intake.Cell{none, num(1)}},
	}
	// extended format 0 is General, 1 a date
	formats := biff(rec(recXF, le(uint16(0), uint16(0))), rec(recXF, le(uint16(0), uint16(14))))
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			sheets, err := readAll(t, xlsOf(formats, tt.records...), ports.TableLimits{})
			require.NoError(t, err)
			require.Equal(t, []intake.Row{{Number: 5, Cells: tt.want}}, sheets[0])
		})
	}
}

// TestR1SharedStringsAcrossRecords breaks the table of shared strings at every
// place where a program may: the strings are the same.
func TestR1SharedStringsAcrossRecords(t *testing.T) {
	texts := []string{"Группа крови", "abc", "", "Début 😀!", "ж", strings.Repeat("n", 40)}
	rng := rand.New(rand.NewPCG(3, 4))
	for limit := 12; limit < 60; limit++ {
		for range 4 {
			table := sharedStrings(rng, texts, limit)
			var cells [][]byte
			for i := range texts {
				cells = append(cells, rec(recLabelSST, le(uint16(i), uint16(0), uint16(0), uint32(i))))
			}
			sheets, err := readAll(t, xlsOf(table, append(cells, number(len(texts), 0, 1))...), ports.TableLimits{})
			require.NoError(t, err)
			got := map[int]string{}
			for _, r := range sheets[0] {
				got[r.Number-1] = r.Cells[0].Text
			}
			for i, s := range texts {
				require.Equal(t, s, got[i], "records of %d bytes", limit)
			}
		}
	}
}

// sharedStrings is an SST in records of at most limit bytes. Characters go on in
// the next record behind new flags, there perhaps in the other width.
func sharedStrings(rng *rand.Rand, texts []string, limit int) []byte {
	var records [][]byte
	body := le(uint32(len(texts)), uint32(len(texts)))
	room := func(n int) bool { return len(body)+n <= limit }
	flush := func() {
		id := uint16(recContinue)
		if len(records) == 0 {
			id = recSST
		}
		records = append(records, rec(id, body))
		body = nil
	}
	for _, s := range texts {
		var units []uint16
		for _, b := range s {
			if b < 0x10000 {
				units = append(units, uint16(b))
			} else {
				units = append(units, uint16(0xD800+(b-0x10000)>>10), uint16(0xDC00+(b-0x10000)&0x3FF))
			}
		}
		runs, extra := rng.IntN(3), rng.IntN(7)
		head := le(uint16(len(units)), uint8(richText|farEast|flagsOf(units)), uint16(runs), uint32(extra))
		if !room(len(head)) {
			flush()
		}
		body = append(body, head...)
		flags := flagsOf(units)
		for i, u := range units {
			width := 1 + int(flags&wideText)
			if !room(width) {
				flush()
				if flags = flagsOf(units[i:]); rng.IntN(3) == 0 {
					flags = wideText
				}
				body = append(body, flags)
			}
			if flags&wideText != 0 {
				body = append(body, le(u)...)
			} else {
				body = append(body, byte(u))
			}
		}
		for range 4*runs + extra {
			if !room(1) {
				flush()
			}
			body = append(body, 0xEE)
		}
	}
	flush()
	return biff(records...)
}

func flagsOf(units []uint16) uint8 {
	for _, u := range units {
		if u > 0xFF {
			return wideText
		}
	}
	return 0
}

// TestR1LongSharedStringsOfXlwt: what another program makes of texts that do not
// fit into one record.
func TestR1LongSharedStringsOfXlwt(t *testing.T) {
	w, err := Reader{}.Open(context.Background(), filepath.Join("testdata", "xlwt-long.xls"), ports.TableLimits{})
	require.NoError(t, err)
	defer func() { require.NoError(t, w.Close()) }()
	rows, err := rowsOf(w, 0)
	require.NoError(t, err)
	require.Len(t, rows, 40)
	for i, r := range rows {
		letter := []string{"a", "я"}[i%2]
		require.Equal(t, []intake.Cell{txt(strings.Repeat(letter, 900+i) + fmt.Sprint(i)), txt(strings.Repeat("ä€", i) + fmt.Sprintf("k%d", i))}, r.Cells)
	}
}

// TestEndlessChainsAreLeft: a stream that claims to be endless, by sectors that
// run in a circle, is not followed.
func TestEndlessChainsAreLeft(t *testing.T) {
	bound := func(at uint32) []byte {
		return rec(recBoundSheet, le(at, uint8(0), uint8(0), uint8(1), uint8(0)), []byte("S"))
	}
	data := compoundOf("Workbook", biff(globals, bound(0xFFFF0000), rec(recEOF)))
	const stream, directory = 8, 512 * (1 + 8)             // sectors of 4096 bytes, and what lies behind them
	copy(data[directory+128+120:], le(uint32(0xFFFFFFFF))) // its size
	copy(data[directory+512+4*(stream-1):], le(uint32(0))) // its last sector's next
	counted := &counter{ReaderAt: strings.NewReader(string(data))}
	s, err := open(context.Background(), counted, int64(len(data)), withDefaults(ports.TableLimits{}))
	require.NoError(t, err)
	_, err = rowsOf(s, 0)
	requireFault(t, err, "corrupt_file")
	require.Less(t, counted.reads, 1_000)
}

// counter counts reads.
type counter struct {
	io.ReaderAt
	reads int
}

func (c *counter) ReadAt(p []byte, at int64) (int, error) {
	c.reads++
	return c.ReaderAt.ReadAt(p, at)
}

// TestPool: texts come back whatever block they are in, and what is too much is
// refused.
func TestPool(t *testing.T) {
	var p pool
	for i := range 3 * poolBlock {
		require.NoError(t, p.add([]byte(strings.Repeat("ж", i%3)+fmt.Sprint(i))))
	}
	p.seal()
	for i := range 3 * poolBlock {
		text, ok := p.at(i)
		if !ok || text != strings.Repeat("ж", i%3)+fmt.Sprint(i) {
			t.Fatalf("text %d is %q", i, text)
		}
	}
	for _, i := range []int{-1, 3 * poolBlock} {
		_, ok := p.at(i)
		require.False(t, ok)
	}
	p.cost = maxPool - 20
	require.NoError(t, p.add([]byte("four")))
	requireFault(t, p.add(nil), "unpacked_too_large")
}

// TestR8RowsInOrder: some programs write cells column by column.
func TestR8RowsInOrder(t *testing.T) {
	var cells [][]byte
	for column := range 3 {
		for row := range 4 {
			cells = append(cells, number(row*2, column, float64(10*row+column)))
		}
	}
	sheets, err := readAll(t, xlsOf(nil, cells...), ports.TableLimits{})
	require.NoError(t, err)
	var want []intake.Row
	for row := range 4 {
		v := float64(10 * row)
		want = append(want, intake.Row{Number: 2*row + 1, Cells: []intake.Cell{num(v), num(v + 1), num(v + 2)}})
	}
	require.Equal(t, want, sheets[0])
}

// TestBrokenXLSNeverPanics damages a good workbook at every byte.
func TestBrokenXLSNeverPanics(t *testing.T) {
	good := xlsOf(biff(rec(recDateMode, le(uint16(1))), sharedStrings(rand.New(rand.NewPCG(1, 1)), []string{"Кино", "b"}, 30)),
		rec(recLabelSST, le(uint16(0), uint16(0), uint16(0), uint32(0))), number(1, 0, 1))
	for i := range good {
		if good[i] == 0 && i%5 > 0 {
			continue // padding, mostly
		}
		for _, value := range []byte{0, 0xFF, good[i] ^ 1} {
			bad := append([]byte(nil), good...)
			bad[i] = value
			s, err := open(context.Background(), strings.NewReader(string(bad)), int64(len(bad)), withDefaults(ports.TableLimits{}))
			if err != nil {
				continue
			}
			for sheet := range s.Sheets() {
				_, _ = rowsOf(s, sheet) // that it returns is what is tested
			}
		}
	}
}

// TestR1ObjectsWithinAnXLS: what is embedded in a workbook does not make it a
// text document, an encrypted file or another workbook.
func TestR1ObjectsWithinAnXLS(t *testing.T) {
	for _, name := range []string{"WordDocument", "EncryptionInfo", "Workbook", "Book"} {
		sheets, err := readAll(t, compoundOf("Workbook", streamOf(nil, number(0, 0, 7)), name), ports.TableLimits{})
		require.NoError(t, err, name)
		require.Equal(t, num(7), sheets[0][0].Cells[0])
	}
	_, err := readAll(t, compoundOf("Contents", streamOf(nil, number(0, 0, 7)), "Workbook"), ports.TableLimits{})
	requireFault(t, err, "unsupported_format", "no workbook")
}

// TestR1SheetsOfXLS: hidden ones are marked, charts and macros are no sheets,
// and a sheet that would begin outside of the file is damage.
func TestR1SheetsOfXLS(t *testing.T) {
	bound := func(at uint32, state, kind uint8, name string) []byte {
		return rec(recBoundSheet, le(at, state, kind, uint8(len(name)), uint8(0)), []byte(name))
	}
	data := xlsOf(biff(bound(0, 1, 0, "hidden"), bound(1, 2, 0, "very"), bound(0, 0, 2, "chart"), bound(0xFFFFFF00, 0, 0, "far")), number(0, 0, 1))
	s, err := open(context.Background(), strings.NewReader(string(data)), int64(len(data)), withDefaults(ports.TableLimits{}))
	require.NoError(t, err)
	require.Equal(t, []intake.Sheet{{Name: "hidden", Hidden: true}, {Name: "very", Hidden: true}, {Name: "far"}, {Name: "S"}}, s.Sheets())
	_, err = rowsOf(s, 0)
	requireFault(t, err, "corrupt_file", "byte 0")
	_, err = rowsOf(s, 2)
	requireFault(t, err, "corrupt_file", "sheet “far”")
	_, err = rowsOf(s, 3)
	require.NoError(t, err)

	same := streamOf(nil, number(0, 0, 1))
	head := biff(globals, bound(0, 0, 0, "S"), bound(0, 0, 0, "T"), rec(recEOF))
	same = biff(globals, bound(uint32(len(head)), 0, 0, "S"), bound(uint32(len(head)), 0, 0, "T"), rec(recEOF), same)
	_, err = readAll(t, compoundOf("Workbook", same), ports.TableLimits{})
	requireFault(t, err, "corrupt_file", "two sheets")

	inner := biff(rec(recBOF, le(uint16(0x0600), uint16(bofSheet), uint32(0), uint64(0))), number(0, 0, 1), rec(recEOF))
	outer := biff(rec(recBOF, le(uint16(0x0600), uint16(bofSheet), uint32(0), uint64(0))), inner, rec(recEOF))
	nested := biff(globals, bound(uint32(len(head)), 0, 0, "S"), bound(uint32(len(head)+20), 0, 0, "T"), rec(recEOF), outer)
	_, err = readAll(t, compoundOf("Workbook", nested), ports.TableLimits{})
	requireFault(t, err, "corrupt_file", "sheet “S”", "too early")
}
