package catalog

// Vote is what the rows of an upload say about one raw record.
type Vote struct {
	Raw  Raw
	Rows int // accepted rows; one each, whatever their count of copies
}

// Spell is step 1 for release types: every record gets the spelling that was
// kept for the same letters in another case, or among new ones the smallest by
// byte order. Records that differed in it alone become equal.
func Spell(kept []Record, raws []Raw) []Raw {
	spelling := map[string]string{} // by folded form
	learn := func(s, folded string) {
		if known, ok := spelling[folded]; !ok || s < known {
			spelling[folded] = s
		}
	}
	folded := map[string]string{} // there are few release types
	of := func(s string) string {
		f, ok := folded[s]
		if !ok {
			f = fold(s)
			folded[s] = f
		}
		return f
	}
	for i := range kept {
		learn(kept[i].Raw.ReleaseType, of(kept[i].Raw.ReleaseType))
	}
	decided := map[string]bool{}
	for f := range spelling {
		decided[f] = true
	}
	for i := range raws {
		if f := of(raws[i].ReleaseType); !decided[f] {
			learn(raws[i].ReleaseType, f)
		}
	}
	spelt := make([]Raw, len(raws))
	for i, r := range raws {
		r.ReleaseType = spelling[of(r.ReleaseType)]
		spelt[i] = r
	}
	return spelt
}

// Decide gives every voted record its product, in the votes' order: the kept
// one where it has been decided before, else what steps 2 to 7 make of it
// (R12). The votes' records are distinct and spelt. The result depends on the
// kept records and the votes as sets, not on their order.
func Decide(kept []Record, votes []Vote) []Record {
	decided := make(map[Raw]int, len(kept))
	for i := range kept {
		decided[kept[i].Raw] = i
	}
	gap := usualGap(votes)
	decades := make([]string, len(votes)) // of the release
	ballot := newBallot(len(kept) + len(votes))
	for i := range kept {
		ballot.add(kept[i].Raw, kept[i].Product.ReleaseDecade, 1)
	}
	for i, v := range votes {
		if _, ok := decided[v.Raw]; !ok {
			decades[i] = decade(v.Raw.release(gap))
			ballot.add(v.Raw, decades[i], v.Rows)
		}
	}
	records := make([]Record, len(votes))
	for i, v := range votes {
		if k, ok := decided[v.Raw]; ok {
			records[i] = kept[k]
			continue
		}
		records[i] = Record{Raw: v.Raw, Product: ballot.product(v.Raw, decades[i])}
	}
	return records
}

// product puts together what a new record is.
func (b *ballot) product(r Raw, releaseDecade string) Product {
	year, _ := RecordingYear(r.RecordingYear)
	year = max(year, earliestYear)
	return Product{
		Barcode: r.Barcode, Artist: r.Artist, Album: r.Album,
		CoverType: b.cover(r, releaseDecade), PriceCategory: r.PriceCategory, ReleaseType: r.ReleaseType,
		RecordingDecade: decade(year), ReleaseDecade: releaseDecade,
		Style: b.style(r), RecordingYear: year,
	}
}
