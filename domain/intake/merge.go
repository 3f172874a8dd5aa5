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

// Spell gives the release types the spelling that they are kept in, which may
// make records equal, and returns how many rows each record has: its votes
// (§1.4).
func (r *Rows) Spell(kept []catalog.Record) []catalog.Vote {
	spelt := catalog.Spell(kept, r.Records)
	index := make(map[catalog.Raw]int32, len(spelt))
	at := make([]int32, len(spelt))
	r.Records = nil
	for i, raw := range spelt {
		at[i] = keep(raw, index, &r.Records)
	}
	votes := make([]catalog.Vote, len(r.Records))
	for i, raw := range r.Records {
		votes[i].Raw = raw
	}
	for i := range r.Lots {
		lot := &r.Lots[i]
		lot.Record = at[lot.Record]
		votes[lot.Record].Rows++
	}
	for i := range r.Sales {
		sale := &r.Sales[i]
		sale.Record = at[sale.Record]
		votes[sale.Record].Rows++
	}
	return votes
}
