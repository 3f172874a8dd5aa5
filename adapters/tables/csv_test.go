package tables

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding/charmap"

	"github.com/plastinka/predictor/ports"
)

func TestR2Fields(t *testing.T) {
	tests := []struct {
		name, text string
		want       [][]string
	}{
		{"quotes within a field are characters", "a,12\" single\nb,\"7\"\" single\"\n", [][]string{{"a", `12" single`}, {"b", `7" single`}}},
		{"text behind a closing quote stays", "\"Heroes\" (LP),x\nb,c\n", [][]string{{"Heroes (LP)", "x"}, {"b", "c"}}},
		{"separators and breaks within quotes", "\"a,b\r\nc\",d\r\n\"e\rf\",\"g;\"\r\n", [][]string{{"a,b\r\nc", "d"}, {"e\rf", "g;"}}},
		{"no break at the end", "a,b\nc,d", [][]string{{"a", "b"}, {"c", "d"}}},
		{"a closing quote at the end", "a,b\nc,\"d\"", [][]string{{"a", "b"}, {"c", "d"}}},
		{"empty fields at the ends of rows", ",b,\n,,\"\"\nc,,d\n", [][]string{{"", "b"}, nil, {"c", "", "d"}}},
		{"blank rows count", "a,b\n\n\nc,d\n", [][]string{{"a", "b"}, nil, nil, {"c", "d"}}},
		{"blank rows of CR and CRLF", "a,b\r\r\nc,d\r\n\r\n", [][]string{{"a", "b"}, nil, {"c", "d"}}},
		{"one column", "a\nb\n", [][]string{{"a"}, {"b"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			sheets, err := readAll(t, []byte(tt.text), ports.TableLimits{})
			require.NoError(t, err)
			got := map[int][]string{}
			for _, r := range sheets[0] {
				for _, c := range r.Cells {
					got[r.Number] = append(got[r.Number], c.Text)
				}
			}
			want := map[int][]string{}
			for i, row := range tt.want {
				if row != nil {
					want[i+1] = row
				}
			}
			require.Equal(t, want, got)
		})
	}
}

// TestR2Separator: the header decides, and without a known name how well the
// rows agree.
func TestR2Separator(t *testing.T) {
	tests := []struct {
		name, text string
		fields     int // of the last row
	}{
		{"a comma within a header's name", "Штрихкод;Цена, руб.;Альбом\n1;2,5;a, b, c\n", 3},
		{"commas in every cell", "Barcode\tArtist\tAlbum\na,b,c\td,e,f\tg,h,i\n", 3},
		{"semicolons in a cell", "Barcode,Artist,Album\n1,a;b;c;d;e,x\n", 3},
		{"no known header", "x;y;z\n1,5;2,5;3\n4;5;6\n", 3},
		{"a title with commas above", "Остатки, магазин, 1, 2, 3, 4\n\nBarcode;Artist\n1;2\n", 2},
		{"header in another case, with spaces", "  ШТРИХКОД ;исполнитель;Год   выпуска\n1,2,3,4;5;6\n", 3},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			sheets, err := readAll(t, []byte(tt.text), ports.TableLimits{})
			require.NoError(t, err)
			rows := sheets[0]
			require.Len(t, rows[len(rows)-1].Cells, tt.fields)
		})
	}
}

// TestR2Charset: known names decide between the Windows code pages, and without
// one the more plausible letters.
func TestR2Charset(t *testing.T) {
	cyrillic, western := encoder(charmap.Windows1251), encoder(charmap.Windows1252)
	tests := []struct {
		name, data, want string
	}{
		{"russian header", cyrillic("Штрихкод,Альбом\n1,é\n"[:len("Штрихкод,Альбом\n1,")]) + "\xE9\n", "й"},
		{"english header, russian cells", cyrillic("Barcode,Album\n1,Группа крови\n"), "Группа крови"},
		{"english header, western cells", western("Barcode,Album\n1,Début à Nîmes\n"), "Début à Nîmes"},
		{"a quotation mark of Windows", western("Barcode,Album\n1,Café “live” – £5\n"), "Café “live” – £5"},
		{"cells in capitals", cyrillic("Barcode,Album\n1,КИНО\n"), "КИНО"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			sheets, err := readAll(t, []byte(tt.data), ports.TableLimits{})
			require.NoError(t, err)
			require.Equal(t, tt.want, sheets[0][1].Cells[1].Text)
		})
	}
}

// TestR2BrokenUTF8 names the first broken byte if nearly all of the text is
// UTF-8; else the bytes are a code page's.
func TestR2BrokenUTF8(t *testing.T) {
	good := "Штрихкод,Альбом\n" + strings.Repeat("1,Группа крови\n", 20)
	_, err := readAll(t, []byte(good+"2,\xC3(\n"), ports.TableLimits{})
	requireFault(t, err, "corrupt_file", fmt.Sprintf("at byte %d", len(good)+2))

	_, err = readAll(t, []byte("\xEF\xBB\xBFa,b\n\xFF,c\n"), ports.TableLimits{})
	requireFault(t, err, "corrupt_file", "at byte 7")

	// exactly 95 % valid is not more than 95 %
	data := "Barcode,Album\n" + strings.Repeat("é", 19) + ",\xE9\xE9\n"
	sheets, err := readAll(t, []byte(data), ports.TableLimits{})
	require.NoError(t, err)
	require.NotContains(t, sheets[0][1].Cells[0].Text, "é")
}

// TestR2CharactersAcrossBlocks puts characters of several bytes at every
// position around the end of what is looked at at a time.
func TestR2CharactersAcrossBlocks(t *testing.T) {
	for shift := range 8 {
		text := "Barcode,Album\n" + strings.Repeat("x", shift)
		for len(text) < 3*surveyed {
			text += strings.Repeat("Ы😀", 100) + ",1\n"
		}
		sheets, err := readAll(t, []byte(text), ports.TableLimits{})
		require.NoError(t, err)
		wide := encoder16(t, text)
		same, err := readAll(t, wide, ports.TableLimits{})
		require.NoError(t, err)
		require.Equal(t, sheets, same)
	}
}
