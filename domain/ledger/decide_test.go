package ledger_test

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plastinka/predictor/domain/catalog"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/intake"
	"github.com/plastinka/predictor/domain/ledger"
)

// twoMonths is January and an unfinished February.
func twoMonths(t *testing.T) *upload {
	return newUpload(t).lot("Pier", "2023-05-05", 3, 1990).
		sold("jan.csv", "2024-01-10", 3).sold("jan.csv", "2024-01-28", 2).sold("feb.csv", "2024-02-14", 2)
}

func TestR18Decisions(t *testing.T) {
	before := func(t *testing.T, s string) []ledger.StoredMonth {
		return stored(twoMonths(t).plan(ledger.Options{Snapshot: dayPtr(t, s)}))
	}
	cases := []struct {
		name                         string
		before                       string // snapshot of what is stored
		now                          string // snapshot of the upload
		change                       func(*upload)
		overwrite                    bool
		stored, completed, unchanged string
		exist                        string
	}{
		{name: "first", now: "2024-02-15", stored: "2024-01 2024-02"},
		{name: "again", before: "2024-02-15", now: "2024-02-15", unchanged: "2024-01 2024-02"},
		{name: "again, earlier", before: "2024-02-20", now: "2024-02-15", unchanged: "2024-01 2024-02"},
		{name: "the same content completes", before: "2024-02-15", now: "2024-03-01", unchanged: "2024-01", completed: "2024-02"},
		{name: "later, still incomplete", before: "2024-02-15", now: "2024-02-20", unchanged: "2024-01", completed: "2024-02"},
		{name: "other content completes", before: "2024-02-15", now: "2024-03-01", unchanged: "2024-01", completed: "2024-02",
			change: func(u *upload) { u.sold("feb.csv", "2024-02-20", 1) }},
		{name: "other content of the same day", before: "2024-02-15", now: "2024-02-15", exist: "2024-02",
			change: func(u *upload) { u.sold("feb.csv", "2024-02-13", 1) }},
		{name: "other content of a complete month", before: "2024-02-15", now: "2024-03-01", exist: "2024-01",
			change: func(u *upload) { u.sold("jan.csv", "2024-01-20", 1) }},
		{name: "both", before: "2024-02-15", now: "2024-02-15", exist: "2024-01 2024-02",
			change: func(u *upload) { u.sold("jan.csv", "2024-01-20", 1).sold("feb.csv", "2024-02-13", 1) }},
		{name: "overwrite other content", before: "2024-02-15", now: "2024-02-15", overwrite: true, stored: "2024-01 2024-02",
			change: func(u *upload) { u.sold("jan.csv", "2024-01-20", 1) }},
		{name: "overwrite equal content: the stock file may have been wrong", before: "2024-02-15", now: "2024-02-15", overwrite: true,
			stored: "2024-01 2024-02", change: func(u *upload) { u.rows.Lots[0].Count = 9 }},
		{name: "a stock file alone changes no content", before: "2024-02-15", now: "2024-02-15", unchanged: "2024-01 2024-02",
			change: func(u *upload) { u.rows.Lots[0].Count = 9 }},
		{name: "overwrite and complete", before: "2024-02-15", now: "2024-03-01", overwrite: true, stored: "2024-01", completed: "2024-02"},
		{name: "a new month beside stored ones", before: "2024-02-29", now: "2024-04-01", unchanged: "2024-01", completed: "2024-02", stored: "2024-03",
			change: func(u *upload) { u.sold("mar.csv", "2024-03-05", 1) }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var have []ledger.StoredMonth
			if c.before != "" {
				have = before(t, c.before)
			}
			u := twoMonths(t)
			if c.change != nil {
				c.change(u)
			}
			d, err := u.plan(ledger.Options{Snapshot: dayPtr(t, c.now)}).Decide(have, c.overwrite)
			if c.exist != "" {
				requireFault(t, err, fault.Conflict, "months_exist")
				require.Equal(t, months(t, c.exist), details(t, err)["months"])
				require.ErrorContains(t, err, months(t, c.exist)[0].Short())
				return
			}
			require.NoError(t, err)
			require.Equal(t, months(t, c.stored), d.Stored)
			require.Equal(t, months(t, c.completed), d.Completed)
			require.Equal(t, months(t, c.unchanged), d.Unchanged)
			for _, m := range d.Unchanged {
				require.False(t, d.Writes(m))
			}
			for _, m := range append(d.Stored, d.Completed...) {
				require.True(t, d.Writes(m))
			}
		})
	}
}

func TestR18OtherMonthsAreNeverTouched(t *testing.T) {
	have := stored(newUpload(t).sold("dec.csv", "2023-12-10", 3).plan(ledger.Options{}))
	have = append(have, stored(newUpload(t).sold("mar.csv", "2024-03-30", 3).plan(ledger.Options{}))...)
	for _, overwrite := range []bool{false, true} {
		d, err := twoMonths(t).plan(ledger.Options{Snapshot: dayPtr(t, "2024-03-01")}).Decide(have, overwrite)
		require.NoError(t, err)
		require.False(t, d.Writes(months(t, "2023-12")[0]) || d.Writes(months(t, "2024-03")[0]))
	}
}

// TestR18DigestIsOfTheMultisetAsGiven: what changes a month's content and what
// does not.
func TestR18DigestIsOfTheMultisetAsGiven(t *testing.T) {
	base := func() *upload {
		return newUpload(t).sale("a.csv", "Pier", "2024-01-03", "2024-01-10", 1990, 2).sale("a.csv", "Ferry", "2024-01-04", "2024-01-09", 990, 1)
	}
	digest := func(u *upload) string {
		return u.plan(ledger.Options{Snapshot: dayPtr(t, "2024-02-01")}).Months[0].Digest
	}
	sale := func(u *upload, i int) *intake.Sale { return &u.rows.Sales[i] }
	record := func(u *upload) *catalog.Raw { return &u.rows.Records[0] }

	same := map[string]func(*upload){
		"the order of rows":  func(u *upload) { u.rows.Sales[0], u.rows.Sales[2] = u.rows.Sales[2], u.rows.Sales[0] },
		"the file of a row":  func(u *upload) { u.file("b.csv", intake.SalesFile); sale(u, 1).File = 1 },
		"the place of a row": func(u *upload) { sale(u, 0).Row = 99 },
		"the stock":          func(u *upload) { u.lot("Pier", "2024-01-01", 4, 1990) },
		"the order of records": func(u *upload) {
			u.rows.Records[0], u.rows.Records[1] = u.rows.Records[1], u.rows.Records[0]
			for i := range u.rows.Sales {
				u.rows.Sales[i].Record = 1 - u.rows.Sales[i].Record
			}
		},
		"the spelling of the release type": func(u *upload) { record(u).ReleaseType = "ОРИГИНАЛ" },
	}
	for name, change := range same {
		u := base()
		change(u)
		want := digest(base())
		for range 20 { // files come in a map's order
			require.Equal(t, want, digest(u), name)
		}
	}
	other := map[string]func(*upload){
		"a row more":                       func(u *upload) { u.sale("a.csv", "Pier", "2024-01-03", "2024-01-10", 1990, 1) },
		"a row less":                       func(u *upload) { u.rows.Sales = u.rows.Sales[1:] },
		"a price":                          func(u *upload) { sale(u, 0).Price = 1991 },
		"a sold date":                      func(u *upload) { sale(u, 0).Sold++ },
		"an arrival":                       func(u *upload) { sale(u, 0).Created-- },
		"an arrival after sale as given":   func(u *upload) { sale(u, 0).Created = sale(u, 0).Sold + 2 },
		"another record":                   func(u *upload) { sale(u, 0).Record = 1 },
		"a barcode":                        func(u *upload) { record(u).Barcode = "4600" },
		"an artist":                        func(u *upload) { record(u).Artist = "Hugo Quist" },
		"an album":                         func(u *upload) { record(u).Album = "Kite" },
		"a cover":                          func(u *upload) { record(u).Cover = "SS" },
		"a release type":                   func(u *upload) { record(u).ReleaseType = "Переиздание" },
		"a recording year":                 func(u *upload) { record(u).RecordingYear = "1975" },
		"a release year":                   func(u *upload) { record(u).ReleaseYear = "1980" },
		"a style":                          func(u *upload) { record(u).Style = "Jazz" },
		"text moved to the next attribute": func(u *upload) { record(u).Artist, record(u).Album = "Alma NovakPi", "er" },
	}
	seen := map[string]string{digest(base()): "the base"}
	for name, change := range other {
		u := base()
		change(u)
		require.NotContains(t, seen, digest(u), name)
		seen[digest(u)] = name
	}
	late, later := base(), base()
	sale(late, 0).Created, sale(later, 0).Created = sale(late, 0).Sold+1, sale(later, 0).Sold+2
	require.NotEqual(t, digest(late), digest(later), "compared before R11")
}

// TestR18RandomOrder: shuffling rows and spreading them over files changes
// neither the months' digests nor any fact.
func TestR18RandomOrder(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	s := newShop(t, 40, 3, 11)
	want := s.upload(t, s.first, s.until, nil)
	for range 5 {
		got := s.upload(t, s.first, s.until, rng)
		require.Equal(t, stored(want.plan), stored(got.plan))
		require.Equal(t, want.months(), got.months())
		require.Equal(t, want.book.Held(), got.book.Held())
		for id := range s.ids() {
			require.Equal(t, want.book.Price(id), got.book.Price(id), "to the last bit")
		}
	}
}
