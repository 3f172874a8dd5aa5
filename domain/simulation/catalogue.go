package simulation

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"github.com/plastinka/predictor/domain/catalog"
)

// writing is one way in which the shop writes an edition down.
type writing struct {
	barcode, artist, album, cover, releaseType, recordingYear, releaseYear, style string
}

// The release types as the shop writes them.
const (
	original = "Оригинал"
	reissue  = "Переиздание"
)

// band is a price category and the list prices within it.
type band struct {
	category string
	from, to int // RUB
	weight   int
	pull     float64
}

func bands() []band {
	return []band{
		{"(0.0, 689.999]", 290, 590, 6, 0.3}, {"(689.999, 2490.0]", 790, 2490, 26, 0.2},
		{"(2490.0, 3990.0]", 2590, 3990, 32, 0.1}, {"(3990.0, 5590.0]", 4090, 5590, 19, 0},
		{"(5590.0, 7390.0]", 5690, 7390, 9, -0.3}, {"(7390.0, 8590.0]", 7490, 8590, 4, -0.6},
		{"(8590.0, 11990.0]", 8690, 11990, 3, -0.8}, {"(11990.0, inf]", 12490, 24990, 1, -1.1},
	}
}

// decade is the label of a year, by the table of §1.4.
func decade(year int) string {
	switch {
	case year <= 1950:
		return "<1950"
	case year > 2020:
		return ">2020"
	}
	return strconv.Itoa((year-1)/10*10) + "s"
}

// album is what its editions share.
type album struct {
	artist, title string
	style         int
	recorded      int // year
	pull          float64
}

// cataloguer invents albums and their editions.
type cataloguer struct {
	o       Options
	rng     *rand.Rand
	names   namer
	made    map[catalog.Product]bool
	styles  []styleWords
	bands   []band
	catalog []Edition
}

func newCatalogue(o Options) []Edition {
	rng := stream(o.Seed, 1<<40)
	c := &cataloguer{o: o, rng: rng, names: namer{rng, map[string]bool{}}, made: map[catalog.Product]bool{},
		styles: styles(), bands: bands()}
	for len(c.catalog) < o.Products {
		style := pick(rng, c.styles, func(s styleWords) int { return s.weight })
		artist := c.names.artist(c.styles[style].russian)
		fame := 0.7 * rng.NormFloat64()
		for range 1 + rng.IntN(4) {
			a := album{artist: artist, style: style, title: c.names.album(artist, c.styles[style].russian),
				recorded: c.recorded(), pull: fame + 0.3*rng.NormFloat64() + c.styles[style].pull}
			editions := 1 + rng.IntN(3)
			for range min(editions, o.Products-len(c.catalog)) {
				c.catalog = append(c.catalog, c.edition(a))
			}
		}
	}
	c.spell()
	return c.catalog
}

func pick[T any](rng *rand.Rand, from []T, weight func(T) int) int {
	total := 0
	for _, x := range from {
		total += weight(x)
	}
	n := rng.IntN(total)
	for i, x := range from {
		if n -= weight(x); n < 0 {
			return i
		}
	}
	return len(from) - 1
}

// recorded is a year of recording: many of the seventies and eighties, and of
// the last years.
func (c *cataloguer) recorded() int {
	now := c.o.First.Year()
	switch c.rng.IntN(10) {
	case 0:
		return 1936 + c.rng.IntN(25)
	case 1, 2:
		return now - c.rng.IntN(12)
	default:
		return min(now, 1962+c.rng.IntN(35))
	}
}

// edition invents one edition of an album, different from all others.
func (c *cataloguer) edition(a album) Edition {
	rng := c.rng
	used := rng.Float64() < 0.35
	price := pick(rng, c.bands, func(b band) int { return b.weight })
	n := newNature(c.o, a.style, used, a.pull+c.bands[price].pull, rng)

	w := writing{artist: a.artist, album: a.title, style: c.styles[a.style].name, releaseType: original, cover: "SS"}
	released := a.recorded
	if launched := c.o.First.Year() - (warmUp-n.launch)/12; rng.Float64() < 0.65 && a.recorded < launched {
		w.releaseType = reissue
		released = a.recorded + 1 + rng.IntN(launched-a.recorded)
	}
	if used {
		w.cover = "NM"
	}
	w.recordingYear, w.releaseYear = strconv.Itoa(a.recorded), strconv.Itoa(released)
	if used || rng.Float64() < 0.9 {
		w.barcode = c.barcode(used)
	}
	e := Edition{nature: n, prices: prices(c.bands[price], rng)}
	for {
		e.Product = c.product(w, a, released, c.bands[price].category)
		if !c.made[e.Product] {
			break
		}
		w.barcode = c.barcode(false)
	}
	c.made[e.Product] = true
	e.writings = []writing{w}
	return e
}

// product is the identity behind a tidy writing.
func (c *cataloguer) product(w writing, a album, released int, category string) catalog.Product {
	p := catalog.Product{Barcode: strings.TrimLeft(w.barcode, "0"), Artist: w.artist, Album: w.album,
		CoverType: "Opened", PriceCategory: category, ReleaseType: w.releaseType,
		RecordingDecade: decade(a.recorded), ReleaseDecade: decade(released),
		Style: w.style, RecordingYear: max(a.recorded, 1950)}
	if p.Barcode == "" {
		p.Barcode = "None"
	}
	if w.cover == "SS" {
		p.CoverType = "Sealed"
	}
	return p
}

// barcode is an EAN-13 or a UPC with a leading zero; many used records have
// none.
func (c *cataloguer) barcode(maybe bool) string {
	if maybe && c.rng.IntN(2) == 0 {
		return ""
	}
	prefix := []string{"46", "50", "40", "88", "07"}[c.rng.IntN(5)]
	code := fmt.Sprintf("%s%010d", prefix, c.rng.Int64N(1e10))
	sum := 0
	for i, digit := range code {
		sum += int(digit-'0') * (1 + 2*(i%2))
	}
	return code + strconv.Itoa((10-sum%10)%10)
}

// prices are up to six list prices of a category, ascending.
func prices(b band, rng *rand.Rand) []int {
	steps := (b.to - b.from) / 100
	start := rng.IntN(steps)
	var list []int
	for k := start; k <= steps && len(list) < 6; k++ {
		list = append(list, b.from+100*k)
	}
	return list
}

// spell adds the untidy writings of each edition: ones that lead to the same
// product by the rules of §1.4, whatever else is in the shop.
func (c *cataloguer) spell() {
	type shelfmark struct{ artist, album, decade string }
	covers := map[shelfmark][]string{} // the cover types that an empty cover might take
	for _, e := range c.catalog {
		k := shelfmark{e.Product.Artist, e.Product.Album, e.Product.ReleaseDecade}
		if !slices.Contains(covers[k], e.Product.CoverType) {
			covers[k] = append(covers[k], e.Product.CoverType)
		}
	}
	for i := range c.catalog {
		e := &c.catalog[i]
		tidy, p := e.writings[0], e.Product
		vary := func(change func(*writing)) {
			w := tidy
			if change(&w); w != tidy {
				e.writings = append(e.writings, w)
			}
		}
		vary(func(w *writing) { w.style = "" })
		vary(func(w *writing) { w.recordingYear += "/" + w.recordingYear[2:] })
		if len(covers[shelfmark{p.Artist, p.Album, p.ReleaseDecade}]) == 1 {
			vary(func(w *writing) { w.cover = "" })
		}
		if p.CoverType == "Opened" {
			vary(func(w *writing) { w.cover = "EX" })
			vary(func(w *writing) { w.cover = "VG+" })
		}
		if tidy.barcode != "" {
			vary(func(w *writing) { w.barcode = w.barcode[:1] + " " + w.barcode[1:7] + " " + w.barcode[7:] })
		}
		switch year := tidy.releaseYear; {
		case tidy.releaseType == original:
			vary(func(w *writing) { w.releaseYear = "" })
		case partial(year) == p.ReleaseDecade:
			vary(func(w *writing) { w.releaseYear = year[:3] + "?" })
		}
	}
}

// partial is the decade that a year's first three digits and a question mark
// stand for: 198? is 1989, 200? is 2000.
func partial(year string) string {
	last := "9"
	if year[0] == '2' {
		last = "0"
	}
	y, _ := strconv.Atoi(year[:3] + last)
	return decade(y)
}
