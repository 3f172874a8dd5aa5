package covariate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/plastinka/predictor/domain/catalog"
	"github.com/plastinka/predictor/domain/panel"
)

// attribute is one attribute of a product as categories; most have one, a
// style such as "Rock/Pop" has several.
type attribute struct {
	name   string
	values func(catalog.Product) []string
}

var attributes = []attribute{
	{"style", func(p catalog.Product) []string { return strings.Split(p.Style, "/") }},
	{"cover_type", func(p catalog.Product) []string { return []string{p.CoverType} }},
	{"recording_decade", func(p catalog.Product) []string { return []string{decade(p)} }},
	{"price_category", func(p catalog.Product) []string { return []string{p.PriceCategory} }},
	{"release_type", func(p catalog.Product) []string { return []string{p.ReleaseType} }},
	{"release_decade", func(p catalog.Product) []string { return []string{p.ReleaseDecade} }},
}

// decade of the recording, from its year where the attribute is missing.
func decade(p catalog.Product) string {
	if p.RecordingDecade == "" && p.RecordingYear > 0 {
		return fmt.Sprintf("%ds", p.RecordingYear/10*10)
	}
	return p.RecordingDecade
}

// learnAttributes collects the categories of the products seen. An attribute
// that says the same of all of them says nothing and is left out.
func (s *Standard) learnAttributes(p *panel.Panel, seen []bool) {
	for _, a := range attributes {
		count := map[string]bool{}
		for i, product := range p.Products {
			if !seen[i] {
				continue
			}
			for _, v := range a.values(product) {
				count[v] = true
			}
		}
		if len(count) < 2 {
			continue
		}
		learnt := Attribute{Name: a.name}
		for v := range count {
			learnt.Values = append(learnt.Values, v)
		}
		slices.Sort(learnt.Values)
		s.Attributes = append(s.Attributes, learnt)
	}
	styles := map[string]bool{}
	for i, product := range p.Products {
		if seen[i] {
			styles[product.Style] = true
		}
	}
	if len(styles) < 2 {
		return
	}
	for v := range styles {
		s.Styles = append(s.Styles, v)
	}
	slices.Sort(s.Styles)
}

func (s *Standard) attributeWidth() (n int) {
	for _, a := range s.Attributes {
		n += len(a.Values)
	}
	return n
}

// encode gives, for every product, the positions of its ones among the
// attribute features, and its style's number, −1 if that is not known.
func (s *Standard) encode(products []catalog.Product) (ones [][]int32, style []int32) {
	ones, style = make([][]int32, len(products)), make([]int32, len(products))
	index := map[[2]string]int32{}
	var offset int32
	for _, a := range s.Attributes {
		for _, v := range a.Values {
			index[[2]string{a.Name, v}] = offset
			offset++
		}
	}
	styles := map[string]int32{}
	for j, v := range s.Styles {
		styles[v] = int32(j)
	}
	for i, product := range products {
		style[i] = -1
		if j, ok := styles[product.Style]; ok {
			style[i] = j
		}
		for _, a := range attributes {
			for _, v := range a.values(product) {
				if j, ok := index[[2]string{a.name, v}]; ok && !slices.Contains(ones[i], j) {
					ones[i] = append(ones[i], j)
				}
			}
		}
	}
	return ones, style
}
