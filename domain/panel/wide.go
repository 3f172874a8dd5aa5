package panel

import (
	"encoding/csv"
	"errors"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/catalog"
	"github.com/plastinka/predictor/domain/fault"
)

// ReadWide reads a panel of any series as CSV: a header "series,YYYY-MM,…" of
// contiguous months and a row per series; an empty cell is missing, the others
// are whole non-negative numbers. The series' names become the barcodes of its
// products. file names the source in errors.
func ReadWide(r io.Reader, file string) (*Panel, error) {
	rows := csv.NewReader(r)
	header, err := rows.Read()
	if errors.Is(err, io.EOF) {
		return nil, fault.New(fault.Invalid, "empty_file", "%s is empty; it needs a header and a row per series", file).With("file", file)
	}
	if err != nil {
		return nil, unreadable(err, file)
	}
	p := &Panel{T: len(header) - 1}
	if err := p.readMonths(header, file); err != nil {
		return nil, err
	}
	line := map[string]int{}
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, unreadable(err, file)
		}
		at, _ := rows.FieldPos(0)
		name := strings.Clone(strings.TrimSpace(row[0]))
		if other, ok := line[name]; ok || name == "" {
			return nil, fault.New(fault.Invalid, "invalid_panel",
				"%s: row %d: series %q is unnamed or already in row %d; every series needs a name of its own",
				file, at, name, other).With("file", file).With("row", at)
		}
		line[name] = at
		p.Products = append(p.Products, catalog.Product{Barcode: name})
		for j, cell := range row[1:] {
			if err := p.appendCell(cell); err != nil {
				return nil, fault.New(fault.Invalid, "invalid_panel",
					"%s: row %d, month %s: %q %s; leave the cell empty if the value is missing",
					file, at, header[j+1], cell, err).With("file", file).With("row", at)
			}
		}
	}
	if p.N() == 0 {
		return nil, fault.New(fault.Invalid, "empty_file", "%s has no series below its header", file).With("file", file)
	}
	return p, nil
}

func (p *Panel) readMonths(header []string, file string) error {
	if p.T < 1 || strings.ToLower(strings.TrimPrefix(strings.TrimSpace(header[0]), "\ufeff")) != "series" {
		return fault.New(fault.Invalid, "missing_columns",
			"%s: the header must be series, then one column per month, YYYY-MM", file).With("file", file)
	}
	for j, text := range header[1:] {
		m, err := calendar.ParseMonth(strings.TrimSpace(text))
		if err != nil {
			return fault.New(fault.Invalid, "invalid_date", "%s: column %d: %v", file, j+2, err).With("file", file)
		}
		if j == 0 {
			p.First = m
		} else if m != p.Month(j) {
			return fault.New(fault.Invalid, "invalid_panel",
				"%s: column %d is %s where %s should follow; the months must be contiguous and ascending",
				file, j+2, m.Short(), p.Month(j).Short()).With("file", file)
		}
	}
	return nil
}

func (p *Panel) appendCell(cell string) error {
	cell = strings.TrimSpace(cell)
	if cell == "" {
		p.Sales = append(p.Sales, 0)
		p.Availability = append(p.Availability, 0)
		p.Confidence = append(p.Confidence, 0)
		return nil
	}
	x, err := strconv.ParseFloat(cell, 32)
	if err != nil || !(x >= 0) || x != math.Trunc(x) || x > 1<<24 {
		return errors.New("is not a whole number of copies from 0 on")
	}
	p.Sales = append(p.Sales, float32(x))
	p.Availability = append(p.Availability, 1)
	p.Confidence = append(p.Confidence, 1)
	return nil
}

func unreadable(err error, file string) error {
	return fault.New(fault.Invalid, "invalid_panel", "%s is not readable as CSV with commas: %v", file, err).
		Because(err).With("file", file)
}

// ReadAttributes reads the attributes of p's series from CSV: a column series
// and any of the product attributes under their names. Series that p does not
// have are ignored; those without a row keep empty attributes.
func (p *Panel) ReadAttributes(r io.Reader, file string) error {
	rows := csv.NewReader(r)
	header, err := rows.Read()
	if err != nil {
		return unreadable(err, file)
	}
	columns := slices.Clone(header)
	for j := range columns {
		columns[j] = strings.ToLower(strings.TrimPrefix(strings.TrimSpace(columns[j]), "\ufeff"))
	}
	key := slices.Index(columns, "series")
	if key < 0 {
		return fault.New(fault.Invalid, "missing_columns",
			"%s has no column series; it says which row is whose", file).With("file", file)
	}
	index := make(map[string]int, p.N())
	for i, product := range p.Products {
		index[product.Barcode] = i
	}
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return unreadable(err, file)
		}
		i, ok := index[strings.TrimSpace(row[key])]
		if !ok {
			continue
		}
		for j, name := range columns {
			if err := setAttribute(&p.Products[i], name, strings.TrimSpace(row[j])); err != nil {
				at, _ := rows.FieldPos(j)
				return fault.New(fault.Invalid, "invalid_panel", "%s: row %d, column %s: %q is not a year",
					file, at, name, row[j]).With("file", file).With("row", at)
			}
		}
	}
}

func setAttribute(p *catalog.Product, name, value string) (err error) {
	switch value = strings.Clone(value); name {
	case "artist":
		p.Artist = value
	case "album":
		p.Album = value
	case "cover_type":
		p.CoverType = value
	case "price_category":
		p.PriceCategory = value
	case "release_type":
		p.ReleaseType = value
	case "recording_decade":
		p.RecordingDecade = value
	case "release_decade":
		p.ReleaseDecade = value
	case "style":
		p.Style = value
	case "recording_year":
		if value != "" {
			p.RecordingYear, err = strconv.Atoi(value)
		}
	}
	return err
}
