package tables

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/unicode"

	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/ports"
)

func requireFault(t testing.TB, err error, code string, says ...string) {
	t.Helper()
	require.Error(t, err)
	require.Equal(t, code, fault.CodeOf(err), "%v", err)
	require.NotEqual(t, fault.Internal, fault.KindOf(err), "%v", err)
	for _, s := range says {
		require.Contains(t, err.Error(), s)
	}
}

func encoder16(t testing.TB, text string) []byte {
	t.Helper()
	return []byte(encoder(unicode.UTF16(unicode.LittleEndian, unicode.UseBOM))(text))
}

// TestR1R2NastyInputs: what is not a table of a shop is refused by its code,
// with what to do next.
func TestR1R2NastyInputs(t *testing.T) {
	html := "<html><body><table><tr><td>Штрихкод</td></tr></table></body></html>"
	xls := func(name string) []byte {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		require.NoError(t, err)
		return data
	}
	noise := make([]byte, 5000)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range noise {
		noise[i] = byte(rng.Uint32())
	}
	narrow := ports.TableLimits{Columns: 3, CellCharacters: 10, Rows: 2}
	tests := []struct {
		name   string
		data   []byte
		limits ports.TableLimits
		code   string
		says   []string
	}{
		{"no bytes", nil, ports.TableLimits{}, "empty_file", []string{"export it again"}},
		{"a mark and nothing else", []byte("\xEF\xBB\xBF"), ports.TableLimits{}, "empty_file", nil},
		{"white space", []byte(" \r\n\t\n  "), ports.TableLimits{}, "empty_file", nil},
		{"white space in UTF-16", encoder16(t, " \r\n"), ports.TableLimits{}, "empty_file", nil},
		{"HTML", []byte(html), ports.TableLimits{}, "unsupported_format", []string{"HTML", "save it as xlsx"}},
		{"HTML after blanks and a mark", []byte("\xEF\xBB\xBF\r\n  <!DOCTYPE html>" + html), ports.TableLimits{}, "unsupported_format", []string{"HTML", "save it as xlsx"}},
		{"HTML in UTF-16", encoder16(t, html), ports.TableLimits{}, "unsupported_format", []string{"HTML"}},
		{"HTML behind an XML declaration", []byte(`<?xml version="1.0"?>` + html), ports.TableLimits{}, "unsupported_format", []string{"HTML"}},
		{"a table without html", []byte("<table border=1><tr><td>1</td></tr></table>"), ports.TableLimits{}, "unsupported_format", []string{"HTML"}},
		{"SpreadsheetML", []byte(`<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"/>`), ports.TableLimits{}, "unsupported_format", []string{"SpreadsheetML", "save it as xlsx"}},
		{"XML", []byte(`<?xml version="1.0"?><shop/>`), ports.TableLimits{}, "unsupported_format", []string{"XML"}},
		{"MHTML", []byte("MIME-Version: 1.0\r\nContent-Type: multipart/related"), ports.TableLimits{}, "unsupported_format", []string{"MHTML", "save it as xlsx"}},
		{"PDF", []byte("%PDF-1.7\n"), ports.TableLimits{}, "unsupported_format", []string{"PDF"}},
		{"PNG", []byte("\x89PNG\r\n\x1a\n\x00\x00"), ports.TableLimits{}, "unsupported_format", []string{"PNG"}},
		{"gzip", []byte("\x1F\x8B\x08\x00"), ports.TableLimits{}, "unsupported_format", []string{"unpack it"}},
		{"noise", noise, ports.TableLimits{}, "unsupported_format", []string{"NUL byte"}},
		{"NUL in a csv", []byte("a,b\n1,\x002\n"), ports.TableLimits{}, "unsupported_format", []string{"at byte 6"}},
		{"UTF-16 without a mark", encoder16(t, "a,b\n")[2:], ports.TableLimits{}, "unsupported_format", []string{"NUL"}},
		{"NUL in UTF-16", encoder16(t, "a,\x00\n"), ports.TableLimits{}, "unsupported_format", []string{"at byte 6"}},
		{"half a character of UTF-16", encoder16(t, "a,b\nc")[:11], ports.TableLimits{}, "corrupt_file", []string{"at byte 10"}},
		{"half a pair of UTF-16", []byte("\xFF\xFEa\x00\x00\xD8b\x00"), ports.TableLimits{}, "corrupt_file", []string{"at byte 4"}},
		{"the second half of a pair alone", []byte("\xFF\xFEa\x00\x00\xDCb\x00"), ports.TableLimits{}, "corrupt_file", []string{"at byte 4"}},
		{"an unclosed quote", []byte("a,b\n\n1,\"2\n3,4\n"), ports.TableLimits{}, "corrupt_file", []string{"row 3"}},
		{"an unclosed quote before much text", []byte("a,b\n1,\"" + strings.Repeat("x", 200_000)), ports.TableLimits{}, "corrupt_file", []string{"row 2"}},
		{"an overlong cell in a csv", []byte("a,b\n1,\"2345678901x\"\n"), narrow, "cell_too_long", []string{"row 2", "10 characters"}},
		{"too many columns in a csv", []byte("a,b,c\n1,2,3,4\n"), narrow, "too_many_columns", []string{"row 2", "column 3"}},
		{"too many rows in a csv", []byte("a\n1\n2\n3\n"), narrow, "too_many_rows", []string{"row 4", "2 rows"}},

		{"an empty ZIP", []byte("PK\x05\x06" + strings.Repeat("\x00", 18)), ports.TableLimits{}, "unsupported_format", []string{"empty ZIP"}},
		{"a ZIP of other things", zipOf(t, "stock.csv"), ports.TableLimits{}, "unsupported_format", []string{"unpack it"}},
		{"ods", zipOf(t, "mimetype", "content.xml"), ports.TableLimits{}, "unsupported_format", []string{"OpenDocument", "save it as xlsx"}},
		{"xlsb", zipOf(t, "[Content_Types].xml", "xl/workbook.bin"), ports.TableLimits{}, "unsupported_format", []string{"xlsb", "save it as xlsx"}},
		{"docx", zipOf(t, "[Content_Types].xml", "word/document.xml"), ports.TableLimits{}, "unsupported_format", []string{"docx"}},
		{"a truncated xlsx", xls("openpyxl.xlsx")[:4000], ports.TableLimits{}, "corrupt_file", []string{"send it whole"}},
		{"an xlsx with a flipped bit", flipped(t), ports.TableLimits{}, "corrupt_file", []string{"sheet1.xml"}},
		{"a password in xlsx", protected(t), ports.TableLimits{}, "file_encrypted", []string{"remove the password"}},
		{"an encrypted entry", encryptedEntry(t), ports.TableLimits{}, "file_encrypted", nil},
		{"no sheet part", workbookOf(t, map[string]string{"xl/worksheets/sheet1.xml": ""}), ports.TableLimits{}, "corrupt_file", []string{"sheet1.xml is missing"}},
		{"two sheets in one part", workbookOf(t, map[string]string{"xl/workbook.xml": `<workbook xmlns:r="r"><sheets><sheet name="S" r:id="rId1"/><sheet name="T" r:id="rId1"/></sheets></workbook>`}), ports.TableLimits{}, "corrupt_file", []string{"same part"}},
		{"endless styles", workbookOf(t, map[string]string{"xl/styles.xml": "<styleSheet>" + strings.Repeat(" ", maxSmallPart) + "</styleSheet>"}), ports.TableLimits{}, "unpacked_too_large", []string{"styles.xml"}},
		{"a sheet that ends early", workbookOf(t, map[string]string{"xl/worksheets/sheet1.xml": `<worksheet><sheetData><row r="1"><c r="A1"><v>1</v></c></row>`}), ports.TableLimits{}, "corrupt_file", []string{"sheet “S”", "ends too early"}},
		{"a shared string that does not exist", sheetOf(t, `<row r="7"><c r="A7" t="s"><v>3</v></c></row>`), ports.TableLimits{}, "corrupt_file", []string{"row 7", `shared string "3"`}},
		{"shared strings that end early", workbookOf(t, map[string]string{"xl/sharedStrings.xml": `<sst><si><t>a</t></si>`}), ports.TableLimits{}, "corrupt_file", []string{"sharedStrings.xml", "too early"}},
		{"text that is not UTF-8", sheetOf(t, "<row><c t=\"str\"><v>\xFF</v></c></row>"), ports.TableLimits{}, "corrupt_file", []string{"UTF-8"}},
		{"rows going back", sheetOf(t, `<row r="7"><c><v>1</v></c></row><row r="7"><c><v>1</v></c></row>`), ports.TableLimits{}, "corrupt_file", []string{"after row 7"}},
		{"a cell that ends twice", sheetOf(t, `<row><c><v>1</v></c></c></row>`), ports.TableLimits{}, "corrupt_file", []string{"row 1", "nested"}},
		{"a cell outside a row", sheetOf(t, `<c r="A1"><v>1</v></c>`), ports.TableLimits{}, "corrupt_file", []string{"nested"}},
		{"a row within a row", sheetOf(t, `<row r="1"><row r="2"></row></row>`), ports.TableLimits{}, "corrupt_file", []string{"nested"}},
		{"a document type", workbookOf(t, map[string]string{"xl/worksheets/sheet1.xml": `<!DOCTYPE x [<!ENTITY a "b">]><worksheet><sheetData/></worksheet>`}), ports.TableLimits{}, "corrupt_file", []string{"document type"}},
		{"an overlong cell in xlsx", sheetOf(t, `<row r="2"><c t="inlineStr"><is><t>12345678901</t></is></c></row>`), narrow, "cell_too_long", []string{"row 2"}},
		{"an overlong shared string", workbookOf(t, map[string]string{"xl/sharedStrings.xml": `<sst><si><t>` + strings.Repeat("x", 300_000) + `</t></si></sst>`}), ports.TableLimits{}, "cell_too_long", nil},
		{"too many columns between semicolons", []byte("Штрихкод;Исполнитель;Альбом;\"Цена, руб.\"\n1;2;3;4\n"), narrow, "too_many_columns", []string{"row 1", "column 3"}},
		{"too many columns in xlsx", sheetOf(t, `<row r="2"><c r="D2"><v>1</v></c></row>`), narrow, "too_many_columns", []string{"sheet “S”, row 2"}},
		{"too many rows in xlsx", sheetOf(t, strings.Repeat(`<row><c><v>1</v></c></row>`, 4)), narrow, "too_many_rows", []string{"row 4"}},
		{"a bomb by its directory", bomb(t, 1<<20, 0), ports.TableLimits{UnpackedBytes: 1 << 19}, "unpacked_too_large", []string{"524288 bytes"}},
		{"a bomb that lies", bomb(t, 1<<20, 1000), ports.TableLimits{UnpackedBytes: 1 << 19}, "unpacked_too_large", []string{"sheet1.xml"}},

		{"an archive that is all directory", zipOf(t, longNames()...), ports.TableLimits{}, "unpacked_too_large", []string{"directory"}},

		{"a truncated xls", xls("xlwt.xls")[:3000], ports.TableLimits{}, "corrupt_file", []string{"send it whole"}},
		{"an OLE header alone", []byte(compoundMagic + strings.Repeat("\xFF", 600)), ports.TableLimits{}, "corrupt_file", nil},
		{"a password in xls", compoundOf("Workbook", biff(globals, rec(recFilePass, le(uint16(1), uint16(1))), rec(recEOF, nil))), ports.TableLimits{}, "file_encrypted", []string{"remove the password"}},
		{"Excel 95", compoundOf("Book", biff(rec(recBOF, le(uint16(0x0500), uint16(5), uint32(0))), rec(recEOF, nil))), ports.TableLimits{}, "unsupported_format", []string{"before 1997", "save it as xlsx"}},
		{"Excel 4", []byte("\x09\x04\x06\x00\x00\x00\x10\x00\x00\x00"), ports.TableLimits{}, "unsupported_format", []string{"before 1997"}},
		{"a doc", compoundOf("WordDocument", make([]byte, 5000)), ports.TableLimits{}, "unsupported_format", []string{"text document"}},
		{"another OLE file", compoundOf("Contents", make([]byte, 5000)), ports.TableLimits{}, "unsupported_format", []string{"no workbook"}},
		{"too many columns in xls", xlsOf(nil, number(1, 3, 5)), narrow, "too_many_columns", []string{"row 2"}},
		{"an overlong cell in xls", xlsOf(nil, rec(recLabel, le(uint16(1), uint16(0), uint16(0)), wide("12345678901"))), narrow, "cell_too_long", []string{"row 2"}},
		{"a string that does not exist in xls", xlsOf(nil, rec(recLabelSST, le(uint16(0), uint16(0), uint16(0), uint32(9)))), ports.TableLimits{}, "corrupt_file", []string{"shared string 9"}},
		{"a record that is too short", xlsOf(nil, rec(recNumber, le(uint16(0), uint16(0), uint16(0)))), ports.TableLimits{}, "corrupt_file", []string{"0x0203"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := readAll(t, tt.data, tt.limits)
			requireFault(t, err, tt.code, tt.says...)
		})
	}
}

func TestOpenWhatIsNoFile(t *testing.T) {
	_, err := Reader{}.Open(context.Background(), t.TempDir(), ports.TableLimits{})
	requireFault(t, err, "unsupported_format", "folder")
	_, err = Reader{}.Open(context.Background(), filepath.Join(t.TempDir(), "none.xlsx"), ports.TableLimits{})
	requireFault(t, err, "file_not_found", "none.xlsx")
}

// TestR1TheContentDecides: names say nothing.
func TestR1TheContentDecides(t *testing.T) {
	for file, format := range map[string]string{"xlwt.xls": "xls", "openpyxl.xlsx": "xlsx", "libreoffice-1251.csv": "csv"} {
		data, err := os.ReadFile(filepath.Join("testdata", file))
		require.NoError(t, err)
		w, err := openBytes(t, data, ports.TableLimits{})
		require.NoError(t, err)
		require.Equal(t, format, w.Format())
		require.NoError(t, w.Close())
	}
}

// longNames are names of 18 MiB in all.
func longNames() []string {
	names := make([]string, 300)
	for i := range names {
		names[i] = strings.Repeat("n", 60_000+i)
	}
	return names
}

// TestDetailsForPrograms: places are in the details too.
func TestDetailsForPrograms(t *testing.T) {
	for _, tt := range []struct {
		data []byte
		want map[string]any
	}{
		{[]byte("a,b\n1,\"2"), map[string]any{"row": 2}},
		{[]byte("a,\x00"), map[string]any{"byte": int64(2)}},
		{sheetOf(t, `<row r="7"><c t="s"><v>3</v></c></row>`), map[string]any{"sheet": "S", "row": 7, "part": "xl/worksheets/sheet1.xml"}},
	} {
		_, err := readAll(t, tt.data, ports.TableLimits{})
		e, ok := errors.AsType[*fault.Error](err)
		require.True(t, ok)
		require.Equal(t, tt.want, e.Details)
	}
}

func zipOf(t testing.TB, names ...string) []byte {
	t.Helper()
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	for _, name := range names {
		_, err := z.Create(name)
		require.NoError(t, err)
	}
	require.NoError(t, z.Close())
	return buf.Bytes()
}

// bomb is an xlsx whose sheet unpacks to size bytes; its directory says told,
// if that is not 0.
func bomb(t testing.TB, size, told int) []byte {
	t.Helper()
	data := workbookOf(t, map[string]string{"xl/worksheets/sheet1.xml": "<worksheet><sheetData>" + strings.Repeat(" ", size-46) + "</sheetData></worksheet>"})
	if told == 0 {
		return data
	}
	for i := 0; i < len(data)-46; i++ { // the directory's entry, and the size within it
		if string(data[i:i+4]) == "PK\x01\x02" && strings.HasPrefix(string(data[i+46:]), "xl/worksheets/sheet1.xml") {
			binary.LittleEndian.PutUint32(data[i+24:], uint32(told))
			return data
		}
	}
	panic("no entry")
}

func encryptedEntry(t testing.TB) []byte {
	t.Helper()
	data := zipOf(t, "[Content_Types].xml")
	i := bytes.Index(data, []byte("PK\x01\x02"))
	data[i+8] |= 1
	return data
}

func protected(t testing.TB) []byte {
	t.Helper()
	f := excelize.NewFile()
	path := filepath.Join(t.TempDir(), "p.xlsx")
	require.NoError(t, f.SaveAs(path, excelize.Options{Password: "vinyl"}))
	require.NoError(t, f.Close())
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	return data
}

// flipped is a workbook in which a bit of the sheet changed on its way, behind
// the rows: only the checksum knows.
func flipped(t testing.TB) []byte {
	t.Helper()
	plain := workbookOf(t, map[string]string{"xl/worksheets/sheet1.xml": `<worksheet><sheetData><row><c><v>1</v></c></row></sheetData><!--vinyl--></worksheet>`})
	r, err := zip.NewReader(bytes.NewReader(plain), int64(len(plain)))
	require.NoError(t, err)
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	for _, f := range r.File {
		part, err := f.Open()
		require.NoError(t, err)
		w, err := z.CreateHeader(&zip.FileHeader{Name: f.Name, Method: zip.Store})
		require.NoError(t, err)
		_, err = io.Copy(w, part)
		require.NoError(t, err)
	}
	require.NoError(t, z.Close())
	return bytes.Replace(buf.Bytes(), []byte("vinyl"), []byte("vinyL"), 1)
}
