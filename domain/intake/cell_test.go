package intake

import (
	"math"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/unicode/norm"

	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/catalog"
)

func TestR6Text(t *testing.T) {
	for _, test := range []struct {
		cell any
		want string
	}{
		{"  Pink \t\n Floyd\u00a0", "Pink Floyd"},
		{"a\u2003\u202f\u3000b\u0085c\u1680d", "a b c d"},
		{"и\u0306од", "йод"}, // NFC
		{"Кино\x00", "Кино"},
		{"1984", "1984"},
		{1984, "1984"},
		{1984.0, "1984"},
		{4600012345678, "4600012345678"},
		{0.1 + 0.2, "0.3"},
		{33.3, "33.3"},
		{-7, "-7"},
		{true, "TRUE"},
		{false, "FALSE"},
		{serial(45000), "2023-03-15"},
		{broken("#N/A"), ""},
		{"#N/A", ""},
		{"#н/д", ""},
		{"#ССЫЛКА!", ""},
		{"#DIV/0!", ""},
		{"#1", "#1"},
		{"N/A", "N/A"},
		{nil, ""},
		{" \u00a0 ", ""},
	} {
		c := cellOf(test.cell)
		require.Equal(t, test.want, newTexts(norm.NFC.String).text(&c, false), "%#v", test.cell)
	}
}

func TestR6TextIsCleanedInEveryColumn(t *testing.T) {
	raw := rawOf(t, good(SalesFile, inBarcode, " 46 ", inArtist, " и\u0306 ", inAlbum, "a  b", inCover, " SS ",
		inType, " Переиздание ", inRecorded, " 1988 ", inReleased, " 2015 ", inStyle, " Rock "))
	require.Equal(t, catalog.Raw{Barcode: "46", Artist: "й", Album: "a b", Cover: "SS", PriceCategory: "(2490.0, 3990.0]",
		ReleaseType: "Переиздание", RecordingYear: "1988", ReleaseYear: "2015", Style: "Rock"}, raw)
}

func TestR6Barcode(t *testing.T) {
	for _, test := range []struct {
		cell any
		want string
		lost bool
	}{
		{4600012345678, "4600012345678", false},
		{"4600012345678", "4600012345678", false},
		{"4600012345678.0", "4600012345678", false},
		{"4600012345678,00", "4600012345678", false},
		{"4600012345678.5", "4600012345678.5", false},
		{" 4 600012\u00a0345678 ", "4600012345678", false},
		{"0004600012345678", "4600012345678", false},
		{"", catalog.None, false},
		{nil, catalog.None, false},
		{"0", catalog.None, false},
		{0, catalog.None, false},
		{"0E+00", catalog.None, false},
		{"#Н/Д", catalog.None, false},
		{"4.600012345678E+12", "4600012345678", false},
		{"4,600012345678E+12", "4600012345678", false},
		{"4.600012345678e12", "4600012345678", false},
		{"4600012345678E0", "4600012345678", false},
		{"46000123456780E-1", "4600012345678", false},
		{"4.6000123E+12", "4600012300000", false}, // eight digits are no rounding
		{"4.600012E+12", catalog.None, true},      // seven are
		{"4.60001E+12", catalog.None, true},
		{"5E+3", catalog.None, true},
		{"1.234E+3", "1234", false}, // few digits, but all there
		{"1E+999", catalog.None, true},
		{"1.2345678E+99", catalog.None, true},
		{"1E+99999", "1E+99999", false},
		{"4.65E+1", "4.65E+1", false}, // 46.5 is no whole number
		{"E12", "E12", false},
		{"LP-4600E", "LP-4600E", false},
		{"12E", "12E", false},
		{"12E+-3", "12E+-3", false},
		{1e17, catalog.None, true},
		{true, "TRUE", false},
	} {
		f := read(t, SalesFile, good(SalesFile, inBarcode, test.cell))
		require.Equal(t, test.want, f.records[0].Barcode, "%#v", test.cell)
		require.Equal(t, test.lost, f.Report.BarcodeDigitsLost == 1, "%#v", test.cell)
	}
}

func TestR6Price(t *testing.T) {
	bad := math.NaN()
	for _, test := range []struct {
		cell any
		want float64 // NaN: none
	}{
		{1290, 1290}, {1290.5, 1290.5}, {"1290", 1290}, {"1290.50", 1290.5}, {"1290,5", 1290.5},
		{"1 290,50", 1290.5}, {"1\u00a0290", 1290}, {"1\u2009290\u202f000", 1290000}, {"1\t290", 1290},
		{"1290 ₽", 1290}, {"₽1290", 1290}, {"1290руб", 1290}, {"1290 руб.", 1290}, {"руб. 1290", 1290}, {"1290р.", 1290},
		{"1290 Р.", 1290}, {"1290 РУБ.", 1290}, {"RUB 1,290.50", 1290.5}, {"1290rub", 1290}, {"1290,5руб.", 1290.5},
		{"1,290", 1290}, {"1.290", 1290}, {"12,290", 12290}, {"123,290", 123290}, {"1234,290", 1234.29}, {"1,29", 1.29}, {"1,2900", 1.29},
		{"0,500", 0.5}, {"0.500", 0.5}, {",500", 0.5}, {".5", 0.5}, {"1290.", 1290},
		{"1,290,000", 1290000}, {"1.290.000", 1290000}, {"1,290.5", 1290.5}, {"1.290,5", 1290.5}, {"1.290.000,25", 1290000.25},
		{"100000000", 1e8}, {"100000000.01", bad}, {100000001, bad}, {"0,01", 0.01}, {"0.00001", 0.00001},
		{"00000000000000001290.0000000000000001", 1290},
		{"0", bad}, {0, bad}, {"-5", bad}, {-5, bad}, {"abc", bad}, {"руб.", bad}, {"₽", bad}, {"1290 USD", bad}, {"1290₽₽", bad},
		{"1,29,000", bad}, {"1,290,00", bad}, {"1234,567,890", bad}, {"1.2.3", bad}, {"1,2,3.4", bad}, {"1,290.000.000", bad},
		{"1,290.5,0", bad}, {"1234,567.5", bad}, {",290,000", bad}, {"1e3", bad}, {"+5", bad}, {"1'290", bad}, {"١٢", bad}, {".", bad}, {",", bad},
		{strings.Repeat("1", 400), bad}, {strings.Repeat("1,", 40), bad},
		{math.NaN(), bad}, {math.Inf(1), bad}, {true, bad}, {serial(45000), bad},
	} {
		c := cellOf(test.cell)
		got, ok := cellPrice(&c, collapse(c.Text))
		require.Equal(t, !math.IsNaN(test.want), ok, "%#v", test.cell)
		if ok {
			require.Equal(t, test.want, got, "%#v", test.cell)
		}
	}
}

func TestR7Date(t *testing.T) {
	day := func(y int, m time.Month, d int) calendar.Day { return calendar.DayOf(y, m, d) }
	march := day(2024, time.March, 5)
	const none = calendar.Day(math.MinInt32)
	for _, test := range []struct {
		cell any
		want calendar.Day
	}{
		{"2024-03-05", march}, {"05.03.2024", march}, {"05/03/2024", march}, {"5.3.2024", march}, {"2024-3-5", march}, {"5/3/2024", march},
		{"2024-03-05 14:05", march}, {"2024-03-05T14:05:59", march}, {"05.03.2024 9:05", march}, {"05/03/2024 23:59:59.999", march},
		{"2024-03-05T00:00:00.123456789", march}, {"2024-03-05 00:00:00.1", march},
		{serial(45356), march}, {45356, march}, {45356.75, march}, {"45356", march}, {"45356.75", march}, {"45356,75", march},
		{45355.9999999999, march}, // a computed midnight
		{1709596800, march}, {"1709596800", march}, {1709683199, march}, {"1709596799", march - 1}, {1709596800.5, march},
		{"29.02.2024", day(2024, time.February, 29)}, {"1990-01-01", day(1990, time.January, 1)}, {32874, day(1990, time.January, 1)},
		{2958465, day(9999, time.December, 31)}, {4102444800, day(2100, time.January, 1)},

		{"29.02.2023", none}, {"31.04.2024", none}, {"00.03.2024", none}, {"05.13.2024", none}, {"05.00.2024", none}, {"2024-00-05", none},
		{"03/25/2024", none}, // day first, never guessed
		{"1989-12-31", none}, {32873, none}, {60, none}, {1, none}, {0, none}, {0.5, none}, {-1, none},
		{2958466, none}, {99999999, none}, {4102444801, none}, {math.NaN(), none}, {math.Inf(1), none},
		{"2024-03-05Z", none}, {"2024-03-05T14:05Z", none}, {"2024-03-05T14:05+03:00", none}, {"2024-03-05 24:00", none},
		{"2024-03-05 14:60", none}, {"2024-03-05 14:05:60", none}, {"2024-03-05 14", none}, {"2024-03-05 14:5", none},
		{"2024-03-05 14:05:5", none}, {"2024-03-05 14:05.5", none}, {"2024-03-05 14:05:59.", none}, {"2024-03-05 14:05:59.1234567890", none},
		{"2024-03-05t14:05", none}, {"2024-03-05  ", march}, {"2024-03-05T", none}, {"2024-03-05x", none},
		{"05.03.24", none}, {"2024.03.05", none}, {"2024/03/05", none}, {"05-03-2024", none}, {"5 марта 2024", none}, {"05.03", none}, {"05 03 2024", none},
		{"005.03.2024", none}, {"05.003.2024", none}, {"05.03/2024", none}, {"2024-03", none}, {"02024-03-05", none}, {"05.03.02024", none},
		{"abc", none}, {"", none}, {"-", none}, {"..", none}, {"99999999999999999999", none}, {"45356.", none}, {"45356.x", none}, {true, none},
	} {
		c := cellOf(test.cell)
		got, ok := cellDay(&c, collapse(c.Text), false)
		require.Equal(t, test.want != none, ok, "%#v", test.cell)
		if ok {
			require.Equal(t, test.want, got, "%#v", test.cell)
		}
	}
}

func TestR7Serials(t *testing.T) {
	for _, test := range []struct {
		serial    float64
		dates1904 bool
		want      string // "": none
	}{
		{1, false, "1900-01-01"}, {59, false, "1900-02-28"}, {60, false, ""}, {61, false, "1900-03-01"}, {0, false, ""},
		{0, true, "1904-01-01"}, {60, true, "1904-03-01"}, {43894, true, "2024-03-05"}, {2957003, true, "9999-12-31"}, {2957004, true, ""},
	} {
		d, ok := serialDay(test.serial, test.dates1904)
		require.Equal(t, test.want != "", ok, test.serial)
		if ok {
			require.Equal(t, test.want, d.String())
		}
	}
	w := sheetOf(SalesFile, good(SalesFile, inCreated, serial(43800), inLast, serial(43894), inRecorded, serial(30000)))
	w.dates1904 = true
	f, err := Read(t.Context(), w, options(SalesFile))
	require.NoError(t, err)
	require.Equal(t, "2024-03-05", f.sales[0].Sold.String())
	require.Equal(t, "1986", f.records[0].RecordingYear)
}

// TestR7AgreesWithTheStandardLibrary reads every day of forty years in every form.
func TestR7AgreesWithTheStandardLibrary(t *testing.T) {
	for d := earliestDay(); d < earliestDay()+40*365; d++ {
		for _, layout := range []string{"2006-01-02", "2006-1-2 15:04", "02.01.2006", "2.1.2006 15:04:05", "02/01/2006"} {
			got, ok := parseDay(d.Time().Format(layout))
			require.True(t, ok && got == d, "%s as %s", d, layout)
		}
	}
}

func FuzzPrice(f *testing.F) {
	for _, s := range []string{"1 290,50 ₽", "1,290", "1.290.000,5", "руб.", "0,500"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v, ok := parsePrice(collapse(s))
		if !ok {
			return
		}
		require.False(t, math.IsNaN(v) || math.IsInf(v, 0) || v < 0)
		spaced := strings.Map(func(r rune) rune {
			if unicode.IsSpace(r) || r == 0 {
				return -1
			}
			return r
		}, s)
		again, ok := parsePrice(spaced)
		require.True(t, ok, "without its white space %q is a price too", s)
		require.Equal(t, v, again)
	})
}

func FuzzDate(f *testing.F) {
	for _, s := range []string{"2024-03-05", "5.3.2024 9:05", "05/03/2024T23:59:59.5", "45356.5", "1709596800"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, ok := parseDay(s)
		if !ok || !strings.ContainsAny(s, "-/") {
			return
		}
		again, ok := parseDay(d.String())
		require.True(t, ok)
		require.Equal(t, d, again)
	})
}

func FuzzBarcode(f *testing.F) {
	for _, s := range []string{"4600012345678", "4,6E+12", "000", "1E+39", " 46 00.0", "LP-1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		code, lost := parseBarcode(s)
		require.NotEmpty(t, code)
		require.False(t, strings.HasPrefix(code, "0"))
		require.False(t, strings.ContainsFunc(code, unicode.IsSpace))
		require.True(t, !lost || code == catalog.None)
		require.LessOrEqual(t, len(code), max(len(s), maxBarcode)+len(catalog.None))
	})
}
