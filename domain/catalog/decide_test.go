package catalog

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// raw is a complete re-release, with some of its fields changed.
func raw(change func(*Raw)) Raw {
	r := Raw{Barcode: "46", Artist: "Кино", Album: "Группа крови", Cover: "SS", PriceCategory: "(0.0, 689.999]",
		ReleaseType: "Переиздание", RecordingYear: "1988", ReleaseYear: "2015", Style: "Rock"}
	if change != nil {
		change(&r)
	}
	return r
}

// decideOne is the product of a record that arrives alone.
func decideOne(change func(*Raw)) Product {
	return Decide(nil, []Vote{{raw(change), 1}})[0].Product
}

func TestIdentityTenAttributes(t *testing.T) {
	require.Equal(t, Product{Barcode: "46", Artist: "Кино", Album: "Группа крови", CoverType: "Sealed", PriceCategory: "(0.0, 689.999]",
		ReleaseType: "Переиздание", RecordingDecade: "1980s", ReleaseDecade: "2010s", Style: "Rock", RecordingYear: 1988}, decideOne(nil))
}

// TestProductsAreOrderedByAllAttributes: products that differ in one attribute
// alone are ordered by it.
func TestProductsAreOrderedByAllAttributes(t *testing.T) {
	p := decideOne(nil)
	for _, change := range []func(*Product){
		func(q *Product) { q.Barcode += "1" }, func(q *Product) { q.Artist += "1" }, func(q *Product) { q.Album += "1" },
		func(q *Product) { q.CoverType += "1" }, func(q *Product) { q.PriceCategory += "1" }, func(q *Product) { q.ReleaseType += "1" },
		func(q *Product) { q.RecordingDecade += "1" }, func(q *Product) { q.ReleaseDecade += "1" }, func(q *Product) { q.Style += "1" },
		func(q *Product) { q.RecordingYear++ },
	} {
		q := p
		change(&q)
		require.Equal(t, -1, p.Compare(q), "%v", q)
		require.Equal(t, 1, q.Compare(p), "%v", q)
	}
	require.Zero(t, p.Compare(p))
}

func TestIdentityStep1Barcode(t *testing.T) {
	for text, want := range map[string]string{
		"": None, "0": None, " 0\u00a00 ": None, "046": "46", " 4 6\u2009\t0 ": "460", "LP-01": "LP-01", "00LP": "LP", "None": None,
	} {
		require.Equal(t, want, CleanBarcode(text), "%q", text)
	}
}

func TestIdentityStep1ReleaseTypeSpelling(t *testing.T) {
	of := func(types ...string) (raws []Raw) {
		for _, s := range types {
			raws = append(raws, Raw{ReleaseType: s})
		}
		return raws
	}
	kept := []Record{{Raw: Raw{ReleaseType: "оРИГИНАЛ"}}}
	for _, test := range []struct {
		kept []Record
		in   []Raw
		want []Raw
	}{
		{nil, of("переиздание", "Переиздание", "ПЕРЕИЗДАНИЕ"), of("ПЕРЕИЗДАНИЕ", "ПЕРЕИЗДАНИЕ", "ПЕРЕИЗДАНИЕ")},
		{nil, of("b", "B", "a"), of("B", "B", "a")},
		{nil, of("x"), of("x")},
		{kept, of("Оригинал", "ОРИГИНАЛ", "Прочее"), of("оРИГИНАЛ", "оРИГИНАЛ", "Прочее")},
		{nil, of("K", "\u212a"), of("K", "K")}, // the Kelvin sign is a K in another case
	} {
		require.Equal(t, test.want, Spell(test.kept, test.in))
	}
}

func TestIdentityStep2RecordingYear(t *testing.T) {
	for text, want := range map[string]int{"1949": 1950, "0000": 1950, "1950": 1950, "1951": 1951, "1988 г.": 1988, "19885": 1988} {
		require.Equal(t, want, decideOne(func(r *Raw) { r.RecordingYear = text }).RecordingYear, text)
	}
}

func TestIdentityStep3ReleaseYear(t *testing.T) {
	for _, test := range []struct {
		kind, recorded, released string
		want                     string // the decade
	}{
		{"Переиздание", "1960", "1999", "1990s"},
		{"Переиздание", "1960", "198?", "1980s"}, // 1989
		{"Переиздание", "1960", "199", "1990s"},  // 1999
		{"Переиздание", "1960", "19", "1990s"},   // 1999
		{"Переиздание", "1960", "20", "1990s"},   // 2000
		{"Переиздание", "1960", "200x", "1990s"}, // 2000
		{"Переиздание", "1960", "201?", "2000s"}, // 2010
		{"Переиздание", "1960", "2021-05-01", ">2020"},
		{"Переиздание", "1960", "2099", ">2020"},
		{"Переиздание", "1960", "2101", "1970s"}, // missing: 1960 + 15
		{"Переиздание", "1960", "1875", "1970s"}, // neither 19 nor 20
		{"Переиздание", "1960", "?", "1970s"},
		{"Переиздание", "1960", "", "1970s"},
		{"Переиздание", "1960", "1959", "1970s"}, // before the recording
		{"Переиздание", "1960", "1960", "1950s"},
		{"Переиздание", "1940", "1945", "<1950"}, // not before the recording as given
		{"Переиздание", "1940", "1939", "1960s"}, // 1950 + 15
		{"Переиздание", "2015", "", ">2020"},
		{"Оригинал", "1960", "1999", "1950s"},
		{"ОРИГИНАЛ", "1975", "", "1970s"},
		{"Оригинал 2", "1975", "", "1980s"},
		{"оригинал", "1930", "1930", "<1950"},
	} {
		p := decideOne(func(r *Raw) { r.ReleaseType, r.RecordingYear, r.ReleaseYear = test.kind, test.recorded, test.released })
		require.Equal(t, test.want, p.ReleaseDecade, "%+v", test)
	}
}

func TestIdentityStep3Gap(t *testing.T) {
	blank := raw(func(r *Raw) { r.Album, r.RecordingYear, r.ReleaseYear = "?", "1981", "" })
	rows := func(n int, kind, recorded, released string) Vote {
		return Vote{raw(func(r *Raw) { r.ReleaseType, r.RecordingYear, r.ReleaseYear = kind, recorded, released }), n}
	}
	for _, test := range []struct {
		name  string
		votes []Vote
		want  int
	}{
		{"ten rows are too few", []Vote{rows(10, "Re", "1980", "2010")}, 15},
		{"more than ten", []Vote{rows(11, "Re", "1980", "2010")}, 30},
		{"rows count, not records", []Vote{rows(11, "Re", "1980", "2010"), rows(11, "Re", "1980", "1990")}, 20},
		{"half away from zero", []Vote{rows(6, "Re", "1980", "2000"), rows(6, "Re", "1980", "2001")}, 21},
		{"originals do not count", []Vote{rows(11, "Re", "1980", "2010"), rows(50, "Оригинал", "1980", "1990")}, 30},
		{"nor rows without a release year", []Vote{rows(11, "Re", "1980", "2010"), rows(50, "Re", "1980", "?")}, 30},
		{"partial years are completed first", []Vote{rows(11, "Re", "1980", "201?")}, 30},
	} {
		require.Equal(t, test.want, usualGap(append(test.votes, Vote{blank, 100})), test.name)
	}
	// The gap is that of the upload's rows, kept or not, and it fills what is missing.
	kept := Decide(nil, []Vote{rows(1, "Re", "1980", "2010")})
	got := Decide(kept, []Vote{rows(11, "Re", "1980", "2010"), {blank, 1}})
	require.Equal(t, "2010s", got[1].Product.ReleaseDecade) // 1981 + 30
	require.Equal(t, "1990s", Decide(kept, []Vote{{blank, 1}})[0].Product.ReleaseDecade)
}

func TestIdentityStep4Decades(t *testing.T) {
	for year, want := range map[int]string{
		1900: "<1950", 1950: "<1950", 1951: "1950s", 1960: "1950s", 1961: "1960s", 1999: "1990s", 2000: "1990s",
		2001: "2000s", 2010: "2000s", 2011: "2010s", 2020: "2010s", 2021: ">2020", 2100: ">2020",
	} {
		require.Equal(t, want, decade(year), year)
	}
}

func TestIdentityStep6Cover(t *testing.T) {
	album := func(cover string, rows int) Vote {
		return Vote{raw(func(r *Raw) { r.Cover, r.Barcode = cover, cover+fmt.Sprint(rows) }), rows}
	}
	empty := album("", 9) // empty cells never vote
	elsewhere := func(cover string, rows int) Vote {
		return Vote{raw(func(r *Raw) { r.Album, r.Cover = "Ночь", cover }), rows}
	}
	for _, test := range []struct {
		name  string
		votes []Vote
		want  string
	}{
		{"the most frequent of the album", []Vote{empty, album("SS", 3), album("NM", 2)}, "Sealed"},
		{"rows count", []Vote{empty, album("SS", 3), album("NM", 2), album("EX", 4)}, "Opened"},
		{"a tie goes to the smallest", []Vote{empty, album("SS", 2), album("TT", 2)}, "Sealed"},
		{"by byte order", []Vote{empty, album("SS", 2), album("NM", 2)}, "Opened"},
		{"the album before the price", []Vote{empty, album("NM", 1), elsewhere("SS", 99)}, "Opened"},
		{"else the price category", []Vote{empty, elsewhere("SS", 1)}, "Sealed"},
		{"else opened", []Vote{empty}, "Opened"},
		{"SS is written so", []Vote{empty, album("ss", 1)}, "Opened"},
	} {
		require.Equal(t, test.want, Decide(nil, test.votes)[0].Product.CoverType, test.name)
	}
	otherDecade := Vote{raw(func(r *Raw) { r.ReleaseYear, r.Cover = "1995", "SS" }), 9}
	require.Equal(t, "Opened", Decide(nil, []Vote{empty, otherDecade})[0].Product.CoverType, "votes stay within the release decade")
	otherPrice := Vote{raw(func(r *Raw) { r.Album, r.PriceCategory, r.Cover = "Ночь", "(8590.0, 11990.0]", "SS" }), 9}
	require.Equal(t, "Opened", Decide(nil, []Vote{empty, otherPrice})[0].Product.CoverType, "votes stay within the price category")
}

func TestIdentityStep7Style(t *testing.T) {
	style := func(s string, rows int) Vote {
		return Vote{raw(func(r *Raw) { r.Style, r.ReleaseYear = s, fmt.Sprint(1990+rows) }), rows}
	}
	for _, test := range []struct {
		votes []Vote
		want  string
	}{
		{[]Vote{style("Rock", 2), style("Punk", 3)}, "Punk"}, // whatever the row itself says
		{[]Vote{style("Rock", 2), style("Punk", 2)}, "Punk"},
		{[]Vote{style("", 9), style("Rock", 1)}, "Rock"},
		{[]Vote{style("", 9)}, None},
	} {
		for _, r := range Decide(nil, test.votes) {
			require.Equal(t, test.want, r.Product.Style)
		}
	}
	other := Vote{raw(func(r *Raw) { r.Album, r.Style = "Ночь", "Pop" }), 9}
	require.Equal(t, "Rock", Decide(nil, []Vote{style("Rock", 1), other})[0].Product.Style)
}

func TestIdentityIsDecidedOnceAndKept(t *testing.T) {
	punk := func(barcode string) Raw {
		return raw(func(r *Raw) { r.Barcode, r.Style, r.Cover = barcode, "Punk", "" })
	}
	first := Decide(nil, []Vote{{raw(nil), 1}})
	first[0].ID = 7
	later := Decide(first, []Vote{{raw(nil), 100}, {punk("1"), 2}})
	require.Equal(t, first[0], later[0], "the kept answer, though Punk now has more votes")
	require.Equal(t, "Punk", later[1].Product.Style, "two rows of Punk beat one kept record, whatever rows that has now")
	require.Zero(t, later[1].ID)

	tie := Decide(first, []Vote{{raw(nil), 100}, {punk("1"), 1}})
	require.Equal(t, "Punk", tie[1].Product.Style, "one each: the smallest by byte order")
	absent := Decide(first, []Vote{{raw(func(r *Raw) { r.Barcode, r.Style, r.Cover = "2", "", "" }), 1}})
	require.Equal(t, "Rock", absent[0].Product.Style, "a kept record votes though the upload does not have it")
	require.Equal(t, "Sealed", absent[0].Product.CoverType)
}

// TestR12OrderDoesNotMatter: random shops in which everything collides, decided
// in random orders, with some of the records kept.
func TestR12OrderDoesNotMatter(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 12))
		pick := func(of ...string) string { return of[rng.IntN(len(of))] }
		seen := map[Raw]bool{}
		var votes []Vote
		for range 60 {
			r := Raw{Barcode: pick("1", None), Artist: pick("A", "B"), Album: pick("x", "y"), Cover: pick("", "SS", "NM", "EX"),
				PriceCategory: pick("(0.0, 689.999]", "(11990.0, inf]"), ReleaseType: pick("Re", "rE", "Оригинал", "ОРИГИНАЛ"),
				RecordingYear: pick("1970", "1945"), ReleaseYear: pick("", "198?", "2015", "20", "1944"), Style: pick("", "Rock", "Pop")}
			if !seen[r] {
				seen[r] = true
				votes = append(votes, Vote{r, 1 + rng.IntN(3)})
			}
		}
		kept := Decide(nil, votes[:len(votes)/3])
		for i := range kept {
			kept[i].ID = ID(i + 1)
		}
		want := map[Raw]Record{}
		for _, r := range Decide(kept, votes) {
			want[r.Raw] = r
		}
		raws := make([]Raw, len(votes))
		for i, v := range votes {
			raws[i] = v.Raw
		}
		spelt := map[Raw]Raw{}
		for i, r := range Spell(kept, raws) {
			spelt[raws[i]] = r
		}
		for range 3 {
			rng.Shuffle(len(votes), func(i, j int) { votes[i], votes[j] = votes[j], votes[i] })
			rng.Shuffle(len(kept), func(i, j int) { kept[i], kept[j] = kept[j], kept[i] })
			rng.Shuffle(len(raws), func(i, j int) { raws[i], raws[j] = raws[j], raws[i] })
			for i, r := range Decide(kept, votes) {
				require.Equal(t, votes[i].Raw, r.Raw)
				require.Equal(t, want[r.Raw], r, "seed %d", seed)
			}
			for i, r := range Spell(kept, raws) {
				require.Equal(t, spelt[raws[i]], r, "seed %d", seed)
				require.True(t, strings.EqualFold(raws[i].ReleaseType, r.ReleaseType))
			}
		}
	}
}

func BenchmarkDecide(b *testing.B) {
	votes := make([]Vote, 28_000)
	for i := range votes {
		votes[i] = Vote{raw(func(r *Raw) { r.Barcode, r.Album = fmt.Sprint(i), fmt.Sprint("Альбом ", i/2) }), 4}
	}
	kept := Decide(nil, votes[:14_000])
	b.ReportAllocs()
	for b.Loop() {
		Decide(kept, votes)
	}
}
