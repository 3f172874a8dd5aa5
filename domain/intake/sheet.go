package intake

import (
	"context"
	"strings"

	"github.com/plastinka/predictor/domain/fault"
)

// table is where the rows of a file are: a sheet and its header row.
type table struct {
	sheet  int
	name   string
	header *header
}

// where names the table in messages. Whose file it is, the caller adds.
func (t table) where() string {
	if t.name == "" {
		return "the file"
	}
	return "sheet “" + t.name + "”"
}

// Inspect checks what can be told of a file without reading all of it: that it
// has one sheet of the role, with each required column once. Of the options it
// needs Role and Normalise. As of Read, its errors speak of "the file": only the
// caller knows which of several it is.
func Inspect(ctx context.Context, src Source, o Options) error {
	_, err := locate(ctx, src, o)
	return err
}

// locate finds the file's table (R3–R5).
func locate(ctx context.Context, src Source, o Options) (table, error) {
	needed := needed(o.Role)
	var names []string
	var candidates, complete []table
	var best *header // of the sheet looked at last
	for i, sheet := range src.Sheets() {
		if sheet.Hidden {
			continue
		}
		names = append(names, sheet.Name)
		h, err := findHeader(ctx, src, i, needed, o)
		if err != nil {
			return table{}, err
		}
		best = h
		if !h.isHeader(needed) {
			continue
		}
		t := table{sheet: i, name: sheet.Name, header: h}
		candidates = append(candidates, t)
		if len(h.missing) == 0 {
			complete = append(complete, t)
		}
	}
	switch {
	case len(complete) == 1:
		candidates = complete
	case len(candidates) == 0 && src.Format() == "csv" && best != nil:
		return table{}, best.check(table{}.where())
	case len(candidates) == 0:
		return table{}, fault.New(fault.Invalid, "no_data_sheet",
			"no visible sheet (of %s) has a header row among its first %d rows; a %s file needs the columns %s",
			listed(names), headerRows, o.Role, describedAll(needed)).With("sheets", names)
	case len(candidates) > 1:
		names = names[:0]
		for _, t := range candidates {
			names = append(names, t.name)
		}
		return table{}, fault.New(fault.Invalid, "several_data_sheets",
			"the sheets %s all look like data; leave one of them, or hide the others", listed(names)).With("sheets", names)
	}
	t := candidates[0]
	return t, t.header.check(t.where())
}

// findHeader is the first header row of a sheet, or else what came closest.
func findHeader(ctx context.Context, src Source, sheet int, needed []column, o Options) (*header, error) {
	texts := newTexts(o.Normalise)
	best := readHeader(Row{}, needed, texts.clean)
	for row, err := range src.Rows(ctx, sheet) {
		if err != nil {
			return nil, fault.Wrap("intake.findHeader", err)
		}
		if row.Number > headerRows {
			break
		}
		h := readHeader(row, needed, texts.clean)
		if h.isHeader(needed) {
			return h, nil
		}
		if h.matched > best.matched || len(best.found) == 0 {
			best = h
		}
	}
	return best, nil
}

func describedAll(columns []column) string {
	parts := make([]string, len(columns))
	for i, c := range columns {
		parts[i] = c.described()
	}
	return strings.Join(parts, ", ")
}
