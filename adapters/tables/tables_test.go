package tables

import (
	"archive/zip"
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plastinka/predictor/domain/intake"
	"github.com/plastinka/predictor/ports"
)

// Short forms of cells for tables.
func txt(s string) intake.Cell    { return textCell(s) }
func num(v float64) intake.Cell   { return intake.Cell{Kind: intake.Number, Number: v} }
func day(v float64) intake.Cell   { return intake.Cell{Kind: intake.Date, Number: v} }
func boole(v float64) intake.Cell { return intake.Cell{Kind: intake.Boolean, Number: v} }
func fail(s string) intake.Cell   { return intake.Cell{Kind: intake.Error, Text: s} }

var none intake.Cell

// openBytes opens a file of these bytes under a name that says nothing.
func openBytes(t testing.TB, data []byte, limits ports.TableLimits) (ports.Workbook, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file.bin")
	require.NoError(t, os.WriteFile(path, data, 0o600))
	return Reader{}.Open(context.Background(), path, limits)
}

// readAll opens the bytes and reads all rows of all sheets.
func readAll(t testing.TB, data []byte, limits ports.TableLimits) ([][]intake.Row, error) {
	t.Helper()
	w, err := openBytes(t, data, limits)
	if err != nil {
		return nil, err
	}
	defer func() { require.NoError(t, w.Close()) }()
	var sheets [][]intake.Row
	for i := range w.Sheets() {
		rows, err := rowsOf(w, i)
		if err != nil {
			return sheets, err
		}
		sheets = append(sheets, rows)
	}
	return sheets, nil
}

func rowsOf(s intake.Source, sheet int) ([]intake.Row, error) {
	var rows []intake.Row
	for r, err := range s.Rows(context.Background(), sheet) {
		if err != nil {
			return rows, err
		}
		rows = append(rows, intake.Row{Number: r.Number, Cells: append([]intake.Cell(nil), r.Cells...)})
	}
	return rows, nil
}

// workbookOf is an xlsx of the given parts; what is not given is a plain
// workbook with one sheet.
func workbookOf(t testing.TB, parts map[string]string) []byte {
	t.Helper()
	const xmlns = `xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"`
	const rels = `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">`
	const kind = `http://schemas.openxmlformats.org/officeDocument/2006/relationships/`
	all := map[string]string{
		"[Content_Types].xml": `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>`,
		"_rels/.rels":         rels + `<Relationship Id="rId1" Type="` + kind + `officeDocument" Target="xl/workbook.xml"/></Relationships>`,
		"xl/workbook.xml":     `<workbook ` + xmlns + `><sheets><sheet name="S" sheetId="1" r:id="rId1"/></sheets></workbook>`,
		"xl/_rels/workbook.xml.rels": rels + `<Relationship Id="rId1" Type="` + kind + `worksheet" Target="worksheets/sheet1.xml"/>` +
			`<Relationship Id="rId2" Type="` + kind + `sharedStrings" Target="/xl/sharedStrings.xml"/>` +
			`<Relationship Id="rId3" Type="` + kind + `styles" Target="styles.xml"/></Relationships>`,
		"xl/worksheets/sheet1.xml": `<worksheet ` + xmlns + `><sheetData/></worksheet>`,
	}
	for name, text := range parts {
		all[name] = text
	}
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	for name, text := range all {
		if text == "" {
			continue // left out
		}
		w, err := z.Create(name)
		require.NoError(t, err)
		_, err = w.Write([]byte(text))
		require.NoError(t, err)
	}
	require.NoError(t, z.Close())
	return buf.Bytes()
}

// sheetOf is an xlsx whose only sheet has this data.
func sheetOf(t testing.TB, data string) []byte {
	t.Helper()
	return workbookOf(t, map[string]string{"xl/worksheets/sheet1.xml": `<worksheet><sheetData>` + data + `</sheetData></worksheet>`})
}
