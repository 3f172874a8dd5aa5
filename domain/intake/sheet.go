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
	var visible []table
	for i, sheet := range src.Sheets() {
		if sheet.Hidden {
			continue
		}
		h, err := findHeader(ctx, src, i, needed, o)
		if err != nil {
			return table{}, err
		}
		visible = append(visible, table{sheet: i, name: sheet.Name, header: h})
	}
	data := selected(visible, func(h *header) bool { return h.isHeader(needed) })
	if complete := selected(data, func(h *header) bool { return len(h.missing) == 0 }); len(complete) == 1 {
		data = complete
	}
	switch {
	case len(data) == 1:
		return data[0], data[0].header.check(data[0].where())
	case len(data) > 1:
		return table{}, fault.New(fault.Invalid, "several_data_sheets",
			"the sheets %s all look like data; leave one of them, or hide the others", listed(names(data))).With("sheets", names(data))
	case src.Format() == "csv" && len(visible) == 1:
		return table{}, visible[0].header.check(visible[0].where())
	}
	return table{}, fault.New(fault.Invalid, "no_data_sheet",
		"no visible sheet (of %s) has a header row among its first %d rows; a %s file needs the columns %s",
		listed(names(visible)), headerRows, o.Role, describedAll(needed)).With("sheets", names(visible))
}

func selected(tables []table, is func(*header) bool) (list []table) {
	for _, t := range tables {
		if is(t.header) {
			list = append(list, t)
		}
	}
	return list
}

func names(tables []table) []string {
	list := make([]string, len(tables))
	for i, t := range tables {
		list[i] = t.name
	}
	return list
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
