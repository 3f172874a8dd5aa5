package tables

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"

	"github.com/plastinka/predictor/domain/intake"
	"github.com/plastinka/predictor/ports/porttest"
)

func TestPort(t *testing.T) {
	porttest.Tables(t, Reader{}, []porttest.TableFormat{
		{Name: "csv", Write: writeCSV},
		{Name: "xlsx", Typed: true, Write: writeXLSX},
		{Name: "xls", Typed: true, Write: writeXLS},
	})
}

func writeCSV(t *testing.T, path string, table [][]intake.Cell) {
	texts := make([][]string, len(table))
	for i, row := range table {
		texts[i] = []string{}
		for _, c := range row {
			texts[i] = append(texts[i], c.Text)
		}
		if len(texts[i]) == 0 {
			texts[i] = []string{""}
		}
	}
	require.NoError(t, os.WriteFile(path, []byte(asCSV(t, texts, ',', "\r\n")), 0o600))
}

// writeXLSX writes shared strings, by excelize.
func writeXLSX(t *testing.T, path string, table [][]intake.Cell) {
	f := excelize.NewFile()
	date, err := f.NewStyle(&excelize.Style{NumFmt: 22})
	require.NoError(t, err)
	for i, row := range table {
		for j, c := range row {
			cell, err := excelize.CoordinatesToCellName(j+1, i+1)
			require.NoError(t, err)
			switch c.Kind {
			case intake.Text:
				require.NoError(t, f.SetCellStr("Sheet1", cell, c.Text))
			case intake.Boolean:
				require.NoError(t, f.SetCellBool("Sheet1", cell, c.Number == 1))
			case intake.Number, intake.Date:
				require.NoError(t, f.SetCellValue("Sheet1", cell, c.Number))
			}
			if c.Kind == intake.Date {
				require.NoError(t, f.SetCellStyle("Sheet1", cell, cell, date))
			}
		}
	}
	to, err := os.Create(path)
	require.NoError(t, err)
	require.NoError(t, f.Write(to))
	require.NoError(t, to.Close())
	require.NoError(t, f.Close())
}

func writeXLS(t *testing.T, path string, table [][]intake.Cell) {
	formats := biff(rec(recXF, le(uint16(0), uint16(0))), rec(recXF, le(uint16(0), uint16(14))))
	var cells [][]byte
	for i, row := range table {
		for j, c := range row {
			place := le(uint16(i), uint16(j), uint16(0))
			switch c.Kind {
			case intake.Text:
				cells = append(cells, rec(recLabel, place, wide(c.Text)))
			case intake.Boolean:
				cells = append(cells, rec(recBoolErr, place, le(uint8(c.Number), uint8(0))))
			case intake.Number:
				cells = append(cells, number(i, j, c.Number))
			case intake.Date:
				cells = append(cells, rec(recNumber, le(uint16(i), uint16(j), uint16(1), c.Number)))
			}
		}
	}
	require.NoError(t, os.WriteFile(path, xlsOf(formats, cells...), 0o600))
}
