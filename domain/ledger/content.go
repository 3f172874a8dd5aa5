package ledger

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/catalog"
	"github.com/plastinka/predictor/domain/intake"
)

// fingerprint stands for a sales row as a value: 128 bits of its SHA-256.
type fingerprint [16]byte

// content is the multiset of a month's sales rows, by file; each file's sorted.
// A nil content is that of an empty month.
type content map[int32][]fingerprint

// contentOf has the content of each month with rows (R18): values after the
// cells' cleaning, before an arrival is corrected.
func contentOf(rows *intake.Rows) map[calendar.Month]content {
	records := make([][sha256.Size]byte, len(rows.Records))
	var scratch []byte
	for i, r := range rows.Records {
		records[i], scratch = hashRecord(r, scratch)
	}
	months := map[calendar.Month]content{}
	for _, s := range rows.Sales {
		m := s.Sold.Month()
		if months[m] == nil {
			months[m] = content{}
		}
		c := months[m]
		c[s.File] = append(c[s.File], hashSale(&records[s.Record], s))
	}
	for _, c := range months {
		for _, prints := range c {
			slices.SortFunc(prints, comparePrints)
		}
	}
	return months
}

func comparePrints(a, b fingerprint) int { return bytes.Compare(a[:], b[:]) }

// hashRecord covers the attributes as given. The price category is left out,
// as the price itself is in the row's; the release type is folded, as its
// spelling is the database's choice (§1.4 step 1). scratch is reused from one
// record to the next.
func hashRecord(r catalog.Raw, scratch []byte) ([sha256.Size]byte, []byte) {
	b := scratch[:0]
	for _, field := range [...]string{r.Barcode, r.Artist, r.Album, r.Cover, strings.ToLower(strings.ToUpper(r.ReleaseType)),
		r.RecordingYear, r.ReleaseYear, r.Style} {
		b = binary.LittleEndian.AppendUint64(b, uint64(len(field)))
		b = append(b, field...)
	}
	return sha256.Sum256(b), b
}

func hashSale(record *[sha256.Size]byte, s intake.Sale) fingerprint {
	var row [sha256.Size + 16]byte
	copy(row[:], record[:])
	binary.LittleEndian.PutUint64(row[sha256.Size:], math.Float64bits(s.Price))
	binary.LittleEndian.PutUint32(row[sha256.Size+8:], uint32(s.Created))
	binary.LittleEndian.PutUint32(row[sha256.Size+12:], uint32(s.Sold))
	sum := sha256.Sum256(row[:])
	return fingerprint(sum[:16])
}

func (c content) rows() int {
	n := 0
	for _, prints := range c {
		n += len(prints)
	}
	return n
}

// digest is the same for the same rows, whatever their order and their files:
// the SHA-256 of the sorted fingerprints.
func (c content) digest() string {
	var all []fingerprint
	for _, prints := range c {
		all = append(all, prints...)
	}
	slices.SortFunc(all, comparePrints)
	h := sha256.New()
	for i := range all {
		h.Write(all[i][:])
	}
	return hex.EncodeToString(h.Sum(nil))
}

// overlaps applies R19: two files that share a month, and at least half of the
// smaller one's rows of it. One warning a pair of files, with all such months.
func overlaps(files []intake.FileReport, months map[calendar.Month]content) []intake.Warning {
	type pair struct{ a, b int32 }
	type overlap struct {
		months []calendar.Month
		rows   int
	}
	found := map[pair]*overlap{}
	for _, m := range slices.Sorted(maps.Keys(months)) {
		c := months[m]
		names := slices.Sorted(maps.Keys(c))
		for i, a := range names {
			for _, b := range names[i+1:] {
				n := common(c[a], c[b])
				if 2*n < min(len(c[a]), len(c[b])) {
					continue
				}
				if found[pair{a, b}] == nil {
					found[pair{a, b}] = &overlap{}
				}
				o := found[pair{a, b}]
				o.months, o.rows = append(o.months, m), o.rows+n
			}
		}
	}
	var warnings []intake.Warning
	pairs := slices.SortedFunc(maps.Keys(found), func(x, y pair) int {
		return cmp.Or(cmp.Compare(x.a, y.a), cmp.Compare(x.b, y.b))
	})
	for _, p := range pairs {
		o, a, b := found[p], files[p.a].Name, files[p.b].Name
		warnings = append(warnings, intake.Warning{
			Code: "files_overlap", Count: o.rows, Files: []string{a, b}, Months: o.months,
			Message: fmt.Sprintf("%s and %s share %d equal sales rows of %s; if these are the same sales, upload them once", a, b, o.rows, span(o.months)),
		})
	}
	return warnings
}

// common is the size of the intersection of two sorted multisets.
func common(a, b []fingerprint) int {
	n := 0
	for len(a) > 0 && len(b) > 0 {
		switch comparePrints(a[0], b[0]) {
		case -1:
			a = a[1:]
		case 1:
			b = b[1:]
		default:
			n, a, b = n+1, a[1:], b[1:]
		}
	}
	return n
}
