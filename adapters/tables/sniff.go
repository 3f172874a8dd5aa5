package tables

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strings"
	"unicode/utf16"

	"github.com/plastinka/predictor/domain/fault"
)

// container is what holds a file's tables.
type container int

const (
	plain    container = iota // text: a csv, if anything
	zipped                    // a ZIP archive: an xlsx, if anything
	compound                  // an OLE compound file: an xls or an encrypted workbook, if anything
)

const (
	zipMagic      = "PK\x03\x04"
	compoundMagic = "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"
)

// foreign are formats that are refused by name: they begin with these bytes.
func foreign() []struct{ magic, name string } {
	return []struct{ magic, name string }{
		{"%PDF-", "it is a PDF; export the table itself as xlsx or csv"},
		{"\x89PNG", "it is a picture (PNG); export the table itself as xlsx or csv"},
		{"\xFF\xD8\xFF", "it is a picture (JPEG); export the table itself as xlsx or csv"},
		{"GIF8", "it is a picture (GIF); export the table itself as xlsx or csv"},
		{"\x1F\x8B", "it is packed (gzip); unpack it and give the file inside"},
		{"BZh", "it is packed (bzip2); unpack it and give the file inside"},
		{"\xFD7zXZ", "it is packed (xz); unpack it and give the file inside"},
		{"7z\xBC\xAF\x27\x1C", "it is an archive (7z); unpack it and give the files inside"},
		{"Rar!", "it is an archive (RAR); unpack it and give the files inside"},
		{"PK\x05\x06", "it is an empty ZIP archive; give the table as xlsx or csv"},
		{"SQLite format 3", "it is a database (SQLite); export the table as xlsx or csv"},
		{"PAR1", "it is a Parquet file; export the table as xlsx or csv"},
		{`{\rtf`, "it is a text document (RTF); " + asXLSX},
		{"ID;P", "it is a SYLK file; " + asXLSX},
		{"\x09\x08", "it is an Excel file without its container, or of before 1997; " + asXLSX},
		{"\x09\x04", "it is an Excel file of before 1997; " + asXLSX},
		{"\x09\x02", "it is an Excel file of before 1997; " + asXLSX},
		{"\x09\x00", "it is an Excel file of before 1997; " + asXLSX},
	}
}

// sniffed is how much of a file is looked at to recognise it.
const sniffed = 4096

// sniff recognises a file by its first bytes, whatever it is called.
func sniff(r io.ReaderAt, size int64) (container, error) {
	head := make([]byte, min(size, sniffed))
	if _, err := r.ReadAt(head, 0); err != nil && !errors.Is(err, io.EOF) {
		return plain, unreadable(err)
	}
	switch {
	case len(head) == 0:
		return plain, emptyFile()
	case bytes.HasPrefix(head, []byte(zipMagic)):
		return zipped, nil
	case bytes.HasPrefix(head, []byte(compoundMagic)):
		return compound, nil
	}
	for _, f := range foreign() {
		if bytes.HasPrefix(head, []byte(f.magic)) {
			return plain, unsupported("%s", f.name)
		}
	}
	return plain, disguised(head)
}

// disguised refuses what shops' systems write as .xls although it is markup.
func disguised(head []byte) error {
	text := strings.ToLower(strings.TrimSpace(asText(head)))
	switch {
	case strings.HasPrefix(text, "mime-version:"):
		return unsupported("it is a web page (MHTML) that was named as a spreadsheet; %s", asXLSX)
	case !strings.HasPrefix(text, "<"):
		return nil
	case strings.Contains(text, "urn:schemas-microsoft-com:office:spreadsheet"), strings.Contains(text, `progid="excel.sheet"`):
		return unsupported("it is SpreadsheetML (XML) that was named as a spreadsheet; %s", asXLSX)
	case regexp.MustCompile(`<(!doctype html|html|head|meta|title|body|table|style|script|div|font|p|tr)[\s>/]`).MatchString(text):
		return unsupported("it is a web page (HTML) that was named as a spreadsheet; %s", asXLSX)
	case strings.HasPrefix(text, "<?xml"):
		return unsupported("it is an XML file; export the table as xlsx or csv")
	}
	return nil
}

// asText reads the head as far as its byte order mark says, well enough to
// recognise markup, which is ASCII.
func asText(head []byte) string {
	order := markOf(head)
	if !order.wide() {
		return string(head[len(order.mark()):])
	}
	units := make([]uint16, 0, len(head)/2)
	for i := 2; i+1 < len(head); i += 2 {
		units = append(units, order.unit(head[i:]))
	}
	return string(utf16.Decode(units))
}

func unreadable(err error) error {
	return fault.New(fault.Unavailable, "file_unreadable", "the file cannot be read (%v); try again", err).Because(err)
}
