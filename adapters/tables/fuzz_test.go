package tables

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/ports"
)

// fuzzed opens and reads what a stranger sent: it must return, in bounds, with
// rows in order or an error that a person can act on.
func fuzzed(t *testing.T, data []byte) {
	limits := ports.TableLimits{UnpackedBytes: 1 << 24, Rows: 10_000, Columns: 300, CellCharacters: 5_000}
	s, err := open(context.Background(), bytes.NewReader(data), int64(len(data)), limits)
	if err != nil {
		requireOurs(t, err)
		return
	}
	for sheet := range s.Sheets() {
		last := 0
		for row, err := range s.Rows(context.Background(), sheet) {
			if err != nil {
				requireOurs(t, err)
				break
			}
			require.Greater(t, row.Number, last)
			require.NotEmpty(t, row.Cells)
			require.LessOrEqual(t, len(row.Cells), limits.Columns)
			last = row.Number
		}
	}
}

func requireOurs(t *testing.T, err error) {
	t.Helper()
	switch fault.CodeOf(err) {
	case "unsupported_format", "file_encrypted", "corrupt_file", "empty_file", "unpacked_too_large", "too_many_rows", "too_many_columns", "cell_too_long":
		require.NotEmpty(t, err.Error())
	default:
		t.Fatalf("code %q: %v", fault.CodeOf(err), err)
	}
}

func FuzzCSV(f *testing.F) {
	for _, s := range []string{"Штрихкод;Цена, руб.\n1;\"2\"\"\n\"\n", "a,b\r\n\"c", "\xEF\xBB\xBFa\tb\r", "\xFF\xFEa\x00,\x00\x3D\xD8\x00\xDE", "\xD8\xF2\xF0\xE8\xF5,\xE9\n", "<html>"} {
		f.Add([]byte(s))
	}
	f.Fuzz(fuzzed)
}

func FuzzXLS(f *testing.F) {
	f.Add(xlsOf(nil, number(1, 2, 3), rec(recMulRK, le(uint16(4), uint16(1), uint16(0), int32(6), uint16(1))), rec(recLabel, le(uint16(5), uint16(0), uint16(0)), wide("я"))))
	addFixture(f, "xlwt.xls")
	f.Fuzz(fuzzed)
}

// FuzzXLSX damages the parts, which the checksums of an archive would keep a
// fuzzer from reaching.
func FuzzXLSX(f *testing.F) {
	f.Add(`<row r="1"><c r="A1" t="s"><v>0</v></c><c s="1"><v>45000</v></c></row>`, `<si><t>a&amp;b</t></si>`, `<xf numFmtId="0"/><xf numFmtId="14"/>`)
	f.Add(`<row><c t="inlineStr"><is><r><t>_x0041_</t></r></is></c></row>`, `<si><r><t>x</t></r><rPh><t>y</t></rPh></si>`, ``)
	f.Fuzz(func(t *testing.T, rows, texts, styles string) {
		fuzzed(t, workbookOf(t, map[string]string{
			"xl/worksheets/sheet1.xml": "<worksheet><sheetData>" + rows + "</sheetData></worksheet>",
			"xl/sharedStrings.xml":     "<sst>" + texts + "</sst>",
			"xl/styles.xml":            "<styleSheet><cellXfs>" + styles + "</cellXfs></styleSheet>",
		}))
	})
}

// FuzzZIP damages the archive itself.
func FuzzZIP(f *testing.F) {
	f.Add(zipOf(f, "[Content_Types].xml", "xl/workbook.xml"))
	f.Add(sheetOf(f, `<row><c><v>1</v></c></row>`))
	addFixture(f, "openpyxl.xlsx")
	f.Fuzz(fuzzed)
}

func addFixture(f *testing.F, name string) {
	data, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(f, err)
	f.Add(data)
}

// TestNamesOfEntriesAreNotPaths: what is unpacked goes nowhere.
func TestNamesOfEntriesAreNotPaths(t *testing.T) {
	data := workbookOf(t, map[string]string{"../../evil.xml": "x", "/abs.xml": "y", strings.Repeat("n", 60_000): "z"})
	_, err := readAll(t, data, ports.TableLimits{})
	require.NoError(t, err)
}
