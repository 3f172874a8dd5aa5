package intake

import (
	"slices"

	"github.com/plastinka/predictor/domain/catalog"
)

// Merge puts the files of an upload together, in the order given, with one
// table of raw records. The files are not needed afterwards.
func Merge(files []*File) *Rows {
	r := &Rows{}
	var lots, sales int
	for _, f := range files {
		lots, sales = lots+len(f.lots), sales+len(f.sales)
	}
	r.Lots, r.Sales = make([]Lot, 0, lots), make([]Sale, 0, sales)
	index := map[catalog.Raw]int32{}
	for i, f := range files {
		r.Files = append(r.Files, f.Report)
		at := make([]int32, len(f.records))
		for k, raw := range f.records {
			at[k] = keep(raw, index, &r.Records)
		}
		for _, lot := range f.lots {
			lot.Record, lot.File = at[lot.Record], int32(i)
			r.Lots = append(r.Lots, lot)
		}
		for _, sale := range f.sales {
			sale.Record, sale.File = at[sale.Record], int32(i)
			r.Sales = append(r.Sales, sale)
		}
	}
	return r
}

// keep is the record's place among the distinct ones.
func keep(raw catalog.Raw, index map[catalog.Raw]int32, records *[]catalog.Raw) int32 {
	i, ok := index[raw]
	if !ok {
		i = int32(len(*records))
		index[raw] = i
		*records = append(*records, raw)
	}
	return i
}

// Clone is a copy that may be changed without changing r.
func (r *Rows) Clone() *Rows {
	c := &Rows{Records: slices.Clone(r.Records), Lots: slices.Clone(r.Lots), Sales: slices.Clone(r.Sales)}
	for _, f := range r.Files {
		rejected := make(map[string]int, len(f.RowsRejected))
		for reason, n := range f.RowsRejected {
			rejected[reason] = n
		}
		f.RowsRejected, f.Examples = rejected, slices.Clone(f.Examples)
		c.Files = append(c.Files, f)
	}
	return c
}

// Spell gives the release types the spelling that they are kept in, drops the
// records that no row is left of, and returns how many rows each of the
// remaining has: its votes (§1.4).
func (r *Rows) Spell(kept []catalog.Record) []catalog.Vote {
	counts := r.countRows()
	var used []catalog.Raw
	place := make([]int32, len(r.Records)) // in used, then in the records spelt
	for i, raw := range r.Records {
		place[i] = int32(len(used))
		if counts[i] > 0 {
			used = append(used, raw)
		}
	}
	index := make(map[catalog.Raw]int32, len(used))
	var records []catalog.Raw
	at := make([]int32, len(used))
	for k, raw := range catalog.Spell(kept, used) {
		at[k] = keep(raw, index, &records)
	}
	votes := make([]catalog.Vote, len(records))
	for i, n := range counts {
		if n > 0 {
			place[i] = at[place[i]]
			votes[place[i]].Raw = records[place[i]]
			votes[place[i]].Rows += n
		}
	}
	r.Records = records
	for i := range r.Lots {
		r.Lots[i].Record = place[r.Lots[i].Record]
	}
	for i := range r.Sales {
		r.Sales[i].Record = place[r.Sales[i].Record]
	}
	return votes
}

// countRows is how many rows each record has.
func (r *Rows) countRows() []int {
	counts := make([]int, len(r.Records))
	for _, lot := range r.Lots {
		counts[lot.Record]++
	}
	for _, sale := range r.Sales {
		counts[sale.Record]++
	}
	return counts
}
