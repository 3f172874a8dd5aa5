package porttest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/intake"
	"github.com/plastinka/predictor/ports"
)

// TableFormat is a format of files that a ports.Tables reads, with a writer to
// try it by.
type TableFormat struct {
	Name  string // what Workbook.Format says
	Typed bool   // keeps numbers, dates, booleans and errors; else all is text
	Write func(t *testing.T, path string, table [][]intake.Cell)
}

// Tables is the conformance suite of ports.Tables: the same table in every
// format gives the same rows, limits and failures.
func Tables(t *testing.T, reader ports.Tables, formats []TableFormat) {
	for _, f := range formats {
		s := tableSuite{reader, f}
		t.Run(f.Name, func(t *testing.T) {
			t.Run("cells come back in their rows, as often as asked", s.cells)
			t.Run("blank rows count", s.blankRows)
			t.Run("more than a limit allows is refused", s.limits)
			t.Run("a caller may leave early, and come back", s.leave)
			t.Run("a caller may give up", s.giveUp)
			t.Run("a sheet that is not there is an error", s.noSheet)
		})
	}
}

type tableSuite struct {
	reader ports.Tables
	format TableFormat
}

func (s tableSuite) open(t *testing.T, table [][]intake.Cell, limits ports.TableLimits) ports.Workbook {
	t.Helper()
	path := filepath.Join(t.TempDir(), "table") // the content decides, not the name
	s.format.Write(t, path, table)
	w, err := s.reader.Open(t.Context(), path, limits)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.Close()) })
	require.Equal(t, s.format.Name, w.Format())
	require.Len(t, w.Sheets(), 1)
	return w
}

func (s tableSuite) read(w ports.Workbook) (rows []intake.Row, err error) {
	for r, err := range w.Rows(context.Background(), 0) {
		if err != nil {
			return rows, err
		}
		rows = append(rows, intake.Row{Number: r.Number, Cells: append([]intake.Cell(nil), r.Cells...)})
	}
	return rows, nil
}

func text(s string) intake.Cell { return intake.Cell{Kind: intake.Text, Text: s} }

// cells tries random tables of all kinds of cells that the format has.
func (s tableSuite) cells(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 12))
	for range 5 {
		table := make([][]intake.Cell, 40)
		for _, name := range intake.HeaderNames()[:11] { // a csv says by its header how it is separated
			table[0] = append(table[0], text(name))
		}
		for i := 1; i < len(table); i++ {
			table[i] = []intake.Cell{text(fmt.Sprintf("Запись %d", i))} // no row is blank
			for range rng.IntN(12) {
				table[i] = append(table[i], s.random(rng))
			}
		}
		w := s.open(t, table, ports.TableLimits{})
		for range 2 {
			rows, err := s.read(w)
			require.NoError(t, err)
			require.Len(t, rows, len(table))
			for i, want := range table {
				for len(want) > 0 && want[len(want)-1].Kind == intake.Empty {
					want = want[:len(want)-1] // a row may be shorter than the header
				}
				require.Equal(t, intake.Row{Number: i + 1, Cells: want}, rows[i])
			}
		}
	}
}

func (s tableSuite) random(rng *rand.Rand) intake.Cell {
	words := []string{"Кино", "Björk", `12" single`, "a;b,c\td", "two\nlines", " spaces ", "=1+1", "0012", "\u00a0", "坂本龍一 😀", "'", `""`}
	kinds := 2
	if s.format.Typed {
		kinds = 6
	}
	switch rng.IntN(kinds) {
	case 0:
		return intake.Cell{}
	case 2:
		return intake.Cell{Kind: intake.Number, Number: float64(rng.IntN(2_000_001)-1_000_000) / 8}
	case 3:
		return intake.Cell{Kind: intake.Number, Number: float64(4600000000000 + rng.Int64N(1e9))}
	case 4:
		return intake.Cell{Kind: intake.Date, Number: float64(30_000+rng.IntN(20_000)) + 0.5*float64(rng.IntN(2))}
	case 5:
		return intake.Cell{Kind: intake.Boolean, Number: float64(rng.IntN(2))}
	}
	return text(words[rng.IntN(len(words))])
}

func (s tableSuite) blankRows(t *testing.T) {
	rows, err := s.read(s.open(t, [][]intake.Cell{{text("a"), text("b")}, nil, nil, {{}, text("c")}, nil}, ports.TableLimits{}))
	require.NoError(t, err)
	require.Equal(t, []intake.Row{{Number: 1, Cells: []intake.Cell{text("a"), text("b")}}, {Number: 4, Cells: []intake.Cell{{}, text("c")}}}, rows)
}

func (s tableSuite) limits(t *testing.T) {
	fits := ports.TableLimits{Rows: 3, Columns: 2, CellCharacters: 5}
	header := []intake.Cell{text("a"), text("b")}
	table := [][]intake.Cell{header, {text("пять!")}, {text("2")}, {text("3"), text("4")}}
	rows, err := s.read(s.open(t, table, fits))
	require.NoError(t, err, "what just fits is read; the first row is the header")
	require.Len(t, rows, 4)
	for code, more := range map[string][]intake.Cell{
		"too_many_rows":    {text("4")},
		"too_many_columns": {text("1"), text("2"), text("3")},
		"cell_too_long":    {text("шесть!")},
	} {
		path := filepath.Join(t.TempDir(), "table")
		s.format.Write(t, path, append(table[:3:3], more, more))
		w, err := s.reader.Open(t.Context(), path, fits)
		if err == nil { // some formats keep texts apart, and find a long one early
			_, err = s.read(w)
			require.NoError(t, w.Close())
		}
		require.Equal(t, code, fault.CodeOf(err), "%v", err)
		require.Equal(t, fault.TooLarge, fault.KindOf(err))
	}
}

func (s tableSuite) leave(t *testing.T) {
	w := s.open(t, [][]intake.Cell{{text("1")}, {text("2")}, {text("3")}}, ports.TableLimits{})
	seen := 0
	for _, err := range w.Rows(t.Context(), 0) {
		require.NoError(t, err)
		if seen++; seen == 2 {
			break
		}
	}
	require.Equal(t, 2, seen)
	rows, err := s.read(w)
	require.NoError(t, err)
	require.Len(t, rows, 3)
}

func (s tableSuite) giveUp(t *testing.T) {
	table := make([][]intake.Cell, 2000)
	for i := range table {
		table[i] = []intake.Cell{text(strings.Repeat("x", 1+i%5)), text("y")}
	}
	w := s.open(t, table, ports.TableLimits{})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	seen := 0
	var last error
	for _, err := range w.Rows(ctx, 0) {
		if last = err; err == nil {
			seen++
		}
		cancel()
	}
	require.ErrorIs(t, last, context.Canceled)
	require.Equal(t, fault.Cancelled, fault.KindOf(last))
	require.Less(t, seen, len(table))
}

func (s tableSuite) noSheet(t *testing.T) {
	w := s.open(t, [][]intake.Cell{{text("1")}}, ports.TableLimits{})
	for _, sheet := range []int{-1, 1} {
		n := 0
		for _, err := range w.Rows(t.Context(), sheet) {
			require.Error(t, err)
			n++
		}
		require.Equal(t, 1, n)
	}
}
