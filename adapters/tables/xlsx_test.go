package tables

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plastinka/predictor/domain/intake"
	"github.com/plastinka/predictor/ports"
)

// TestR6CellsOfXLSX has every way in which a cell is written.
func TestR6CellsOfXLSX(t *testing.T) {
	tests := []struct {
		name, cells string
		want        []intake.Cell
	}{
		{"a number, with and without its kind", `<c r="A3"><v>1.5</v></c><c r="B3" t="n"><v>4.600012345678E+12</v></c>`, []intake.Cell{num(1.5), num(4600012345678)}},
		{"cells without names", `<c><v>1</v></c><c r="C3"><v>3</v></c><c><v>4</v></c>`, []intake.Cell{num(1), none, num(3), num(4)}},
		{"a shared string", `<c r="A3" t="s"><v>1</v></c>`, []intake.Cell{txt("Кино & мы")}},
		{"a rich shared string without its pronunciation", `<c r="A3" t="s"><v>2</v></c>`, []intake.Cell{txt("坂本龍一")}},
		{"an empty shared string", `<c r="A3" t="s"><v>0</v></c><c r="B3"><v>1</v></c>`, []intake.Cell{none, num(1)}},
		{"an inline string", `<c r="A3" t="inlineStr"><is><t xml:space="preserve"> a </t></is></c>`, []intake.Cell{txt(" a ")}},
		{"an inline string of runs", `<c r="A3" t="inlineStr"><is><r><rPr><b/></rPr><t>a</t></r><r><t>b</t></r></is></c>`, []intake.Cell{txt("ab")}},
		{"an inline string without its pronunciation", `<c t="inlineStr"><is><r><t>坂本</t></r><rPh><t>サカモト</t></rPh><r><t>龍一</t></r></is></c>`, []intake.Cell{txt("坂本龍一")}},
		{"digits as text stay text", `<c r="A3" t="str"><v>0012</v></c><c r="B3" t="inlineStr"><is><t>7</t></is></c>`, []intake.Cell{txt("0012"), txt("7")}},
		{"entities, CDATA and the format's own escapes", `<c t="str"><v>&lt;&#1046;&#x42F;&apos;<![CDATA[<&amp;>]]>&gt;&unknown;_x0041__x005F_x</v></c>`, []intake.Cell{txt("<ЖЯ'<&amp;>>&unknown;A_x")}},
		{"a boolean", `<c t="b"><v>1</v></c><c t="b"><v>0</v></c>`, []intake.Cell{boole(1), boole(0)}},
		{"an error", `<c t="e"><v>#N/A</v></c>`, []intake.Cell{fail("#N/A")}},
		{"a formula with its value", `<c t="str"><f>A1&amp;"x"</f><v>Rock</v></c><c><f>1+1</f><v>2</v></c>`, []intake.Cell{txt("Rock"), num(2)}},
		{"a formula without one", `<c><f>1+1</f></c><c t="str"><f>""</f><v></v></c><c t="b"><f>1</f></c><c t="s"><f>1</f><v></v></c><c t="e"><v></v></c><c><v>3</v></c>`, []intake.Cell{none, none, none, none, none, num(3)}},
		{"dates by their formats", `<c s="1"><v>45672</v></c><c s="2"><v>45672.5</v></c><c s="3"><v>45672</v></c><c s="99"><v>1</v></c>`, []intake.Cell{day(45672), day(45672.5), num(45672), num(1)}},
		{"a date in ISO form", `<c t="d" s="1"><v>2025-01-15T10:00:00</v></c>`, []intake.Cell{txt("2025-01-15T10:00:00")}},
		{"a formatted cell without a value", `<c r="A3" s="1"/><c r="XFD3" s="1"/><c r="B3"><v>2</v></c>`, []intake.Cell{none, num(2)}},
		{"a number that is none", `<c><v>abc</v></c><c><v>NaN</v></c>`, []intake.Cell{txt("abc"), txt("NaN")}},
		{"prefixes, other quotes, a > in an attribute", `<x:c r='A3' x:note="a>b" t='str'><x:v>1</x:v></x:c><x:c x:note='>"' t="str"><x:v>2</x:v></x:c>`, []intake.Cell{txt("1"), txt("2")}},
		{"comments", `<!-- <c><v>9</v></c> --><c><v>1</v></c><!----><c><v>2</v></c>`, []intake.Cell{num(1), num(2)}},
	}
	parts := map[string]string{
		"xl/sharedStrings.xml": `<sst count="9"><si/><si><t>Кино &amp; мы</t></si><si><r><t>坂本</t></r><r><t>龍一</t></r><rPh sb="0" eb="2"><t>サカモト</t></rPh></si></sst>`,
		"xl/styles.xml": `<styleSheet><numFmts><numFmt numFmtId="164" formatCode="dd.mm.yyyy\ hh:mm"/><numFmt numFmtId="165" formatCode="0.00 &quot;days&quot;"/></numFmts>` +
			`<cellStyleXfs><xf numFmtId="14"/></cellStyleXfs><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="164"/><xf numFmtId="165"/></cellXfs></styleSheet>`,
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			parts["xl/worksheets/sheet1.xml"] = `<?xml version="1.0" encoding="UTF-8"?><worksheet><cols><col/></cols><sheetData><row/><row r="3">` + tt.cells + `</row></sheetData></worksheet>`
			sheets, err := readAll(t, workbookOf(t, parts), ports.TableLimits{})
			require.NoError(t, err)
			require.Equal(t, []intake.Row{{Number: 3, Cells: tt.want}}, sheets[0])
		})
	}
}

// TestR1WorkbooksOfOtherPrograms: names, paths and encodings that differ from
// Excel's own.
func TestR1WorkbooksOfOtherPrograms(t *testing.T) {
	const rels = `<Relationships><Relationship Id="a" Type="http://purl.oclc.org/ooxml/officeDocument/relationships/`
	sheet := `<worksheet><sheetData><row><c><v>7</v></c></row></sheetData></worksheet>`
	tests := []struct {
		name  string
		parts map[string]string
	}{
		{"strict, with other names", map[string]string{
			"xl/workbook.xml": "", "xl/_rels/workbook.xml.rels": "", "xl/worksheets/sheet1.xml": "",
			"_rels/.rels":              rels + `officeDocument" Target="/data/book.xml"/></Relationships>`,
			"data/book.xml":            `<w:workbook xmlns:w="w" xmlns:q="q"><w:sheets><w:sheet name="S" q:id="a"/></w:sheets></w:workbook>`,
			"data/_rels/book.xml.rels": rels + `worksheet" Target="../Sheets\One.xml"/></Relationships>`,
			"Sheets/one.xml":           sheet,
		}},
		{"UTF-16 with a mark", map[string]string{"xl/worksheets/sheet1.xml": string(encoder16(t, `<?xml version="1.0" encoding="UTF-16"?>`+sheet))}},
		{"a workbook part in UTF-16", map[string]string{"xl/workbook.xml": string(encoder16(t, `<?xml version="1.0" encoding="UTF-16"?><workbook xmlns:r="r"><sheets><sheet name="S" r:id="rId1"/></sheets></workbook>`))}},
		{"UTF-8 with a mark", map[string]string{"xl/worksheets/sheet1.xml": "\xEF\xBB\xBF" + sheet}},
		{"no styles, no strings", map[string]string{"xl/worksheets/sheet1.xml": sheet}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, ok := tt.parts["xl/worksheets/sheet1.xml"]; !ok {
				tt.parts["xl/worksheets/sheet1.xml"] = sheet
			}
			sheets, err := readAll(t, workbookOf(t, tt.parts), ports.TableLimits{})
			require.NoError(t, err)
			require.Equal(t, [][]intake.Row{{{Number: 1, Cells: []intake.Cell{num(7)}}}}, sheets)
		})
	}
}

// TestR4Sheets: hidden ones are marked, sheets of charts are none.
func TestR4Sheets(t *testing.T) {
	kind := `Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/`
	w, err := openBytes(t, workbookOf(t, map[string]string{
		"xl/workbook.xml": `<workbook xmlns:r="r"><workbookPr date1904="true"/><sheets><sheet name="a" r:id="1"/><sheet name="b" state="hidden" r:id="2"/>` +
			`<sheet name="c" state="veryHidden" r:id="4"/><sheet name="chart" r:id="3"/><sheet name="d" state="visible" r:id="5"/><sheet name="lost" r:id="9"/></sheets></workbook>`,
		"xl/_rels/workbook.xml.rels": `<Relationships><Relationship Id="1" ` + kind + `worksheet" Target="worksheets/sheet1.xml"/>` +
			`<Relationship Id="2" ` + kind + `worksheet" Target="worksheets/sheet2.xml"/><Relationship Id="4" ` + kind + `worksheet" Target="worksheets/sheet4.xml"/>` +
			`<Relationship Id="5" ` + kind + `worksheet" Target="worksheets/sheet5.xml"/><Relationship Id="3" ` + kind + `chartsheet" Target="c.xml"/></Relationships>`,
	}), ports.TableLimits{})
	require.NoError(t, err)
	defer func() { require.NoError(t, w.Close()) }()
	require.Equal(t, []intake.Sheet{{Name: "a"}, {Name: "b", Hidden: true}, {Name: "c", Hidden: true}, {Name: "d"}}, w.Sheets())
	require.True(t, w.Date1904())
}

func TestR6DateFormats(t *testing.T) {
	for id, want := range map[int]bool{0: false, 1: false, 4: false, 9: false, 11: false, 13: false, 14: true, 17: true, 22: true, 23: false, 36: true, 37: false, 44: false, 45: true, 47: true, 48: false, 49: false, 58: true, 59: false} {
		require.Equal(t, want, isDateFormat(id, ""), "built-in %d", id)
	}
	require.True(t, isDateFormat(14, "ДД.ММ.ГГГГ"))
	require.False(t, isDateFormat(50, "0.00"))
	for code, want := range map[string]bool{
		"General": false, "GENERAL": false, "0": false, "0.00E+00": false, "#,##0 USD": false, "??? d": false, "@": false, `#,##0.00\ "₽"`: false, `#,##0.00 [$руб.-419]`: false, `[Red]#,##0`: false, `0 "days"`: false, `0.0\d`: false, "_-* #,##0_d": false, `0;[Red]yyyy`: false,
		"yyyy-mm-dd": true, "DD.MM.YYYY": true, `[$-419]d mmmm yyyy;@`: true, `dd/mm/yy\ hh:mm`: true, "h:mm AM/PM": true, "[h]:mm:ss": true, "[mm]:ss.0": true, `"дата" d`: true, `"unclosed`: false, `d\`: true, "[hh]": true, "": false,
	} {
		require.Equal(t, want, isDateCode(code), "%q", code)
	}
}

// TestTextIsBounded: a part of one endless text or tag is not held in memory.
func TestTextIsBounded(t *testing.T) {
	endless := strings.Repeat("x", 3<<20)
	for name, c := range map[string]string{"text": `<c t="str"><v>` + endless + `</v></c>`, "CDATA": `<c t="str"><v><![CDATA[` + endless + `]]></v></c>`, "tag": `<c a="` + endless + `"/>`} {
		_, err := readAll(t, sheetOf(t, "<row>"+c+"</row>"), ports.TableLimits{CellCharacters: 100})
		require.Error(t, err, name)
	}
}
