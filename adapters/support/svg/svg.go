// Package svg draws the charts of reports and pages as inline SVG.
//
// One style everywhere: a light grid, an axis with its unit and round ticks,
// direct labels in place of legends, two hues that people with any colour vision
// tell apart (blue and orange of Okabe and Ito), and shape beside colour. Colours
// come from CSS variables (Style), so that one drawing serves light, dark and
// paper. Every chart has a title and a text alternative, every mark a title of
// its own for the pointer and its value in data-value for programs. All text is
// escaped; a drawing depends on its input alone.
//
// A chart is drawn for one width, in CSS pixels; a page that serves telephones
// draws it twice and shows one (classes sv-wide and sv-narrow).
package svg

import (
	"fmt"
	"html"
	"math"
	"strconv"
	"strings"
)

// Style is the CSS of all charts; put it once into the page. It uses the
// variables --ink, --muted, --grid, --paper, --blue, --blue-soft, --orange.
const Style = `
.sv{display:block;width:100%;height:auto;overflow:visible;font:12px/1 system-ui,sans-serif;font-variant-numeric:tabular-nums}
.sv text{fill:var(--ink)}.sv text.sv-m,.sv tspan.sv-m{fill:var(--muted)}.sv .sv-b{font-weight:600}
.sv .sv-grid{stroke:var(--grid);stroke-width:1}.sv .sv-axis{stroke:var(--muted);stroke-width:1}
.sv .sv-line{fill:none;stroke:var(--ink);stroke-width:1.6;stroke-linejoin:round;stroke-linecap:round}
.sv .sv-ref{stroke:var(--muted);stroke-width:1;stroke-dasharray:3 3;fill:none}
.sv .sv-dot{fill:var(--ink)}.sv .sv-open{fill:var(--paper);stroke:var(--ink);stroke-width:1.6}
.sv .sv-fan90{fill:var(--blue);opacity:.2}.sv .sv-fan50{fill:var(--blue);opacity:.35}
.sv .sv-blue{fill:var(--blue)}.sv .sv-bline{stroke:var(--blue);stroke-width:2;fill:none;stroke-linejoin:round}
.sv .sv-soft{fill:var(--blue-soft)}.sv .sv-orange{fill:var(--orange)}.sv .sv-hatch{opacity:.45}
.sv .sv-whisker{stroke:var(--ink);stroke-width:1.2;fill:none}.sv .sv-mark{stroke:var(--orange);stroke-width:2.4}
.sv-narrow{display:none}
@media screen and (max-width:600px){.sv-wide{display:none}.sv-narrow{display:block}}
`

// Frame is what all charts have: an id, unique on the page, a title and a
// description in words for those who cannot see it, a width, and how numbers
// are written.
type Frame struct {
	ID     string
	Title  string
	Desc   string
	Class  string  // further CSS class
	Width  float64 // CSS pixels; 0: 480
	Height float64 // CSS pixels; 0: the chart's own
	Unit   string  // of the value axis
	Format func(float64) string
}

// Tick is a named place on the axis of categories.
type Tick struct {
	At    int
	Label string
}

// canvas writes elements.
type canvas struct {
	strings.Builder
	format func(float64) string
}

func (f *Frame) open(height float64) *canvas {
	if f.Width == 0 {
		f.Width = 480
	}
	if f.Height == 0 {
		f.Height = height
	}
	if f.Format == nil {
		f.Format = func(x float64) string { return strconv.FormatFloat(x, 'g', 6, 64) }
	}
	c := &canvas{format: f.Format}
	id := html.EscapeString(f.ID)
	fmt.Fprintf(c, `<svg class="%s" id="%s" viewBox="0 0 %s %s" role="img" aria-labelledby="%s-t %s-d"><title id="%s-t">%s</title><desc id="%s-d">%s</desc>`,
		html.EscapeString(strings.TrimSpace("sv "+f.Class)), id, px(f.Width), px(f.Height), id, id, id, html.EscapeString(f.Title), id, html.EscapeString(f.Desc))
	return c
}

func (c *canvas) close() string {
	c.WriteString("</svg>")
	return c.String()
}

func (c *canvas) text(x, y float64, class, anchor, s string) {
	fmt.Fprintf(c, `<text x="%s" y="%s"`, px(x), px(y))
	if class != "" {
		fmt.Fprintf(c, ` class="%s"`, class)
	}
	if anchor != "" {
		fmt.Fprintf(c, ` text-anchor="%s"`, anchor)
	}
	fmt.Fprintf(c, `>%s</text>`, html.EscapeString(s))
}

func (c *canvas) line(x1, y1, x2, y2 float64, class string) {
	fmt.Fprintf(c, `<line x1="%s" y1="%s" x2="%s" y2="%s" class="%s"/>`, px(x1), px(y1), px(x2), px(y2), class)
}

// mark is an element with a value and a title: what the pointer and a test see.
func (c *canvas) mark(element, class string, value float64, title string) {
	fmt.Fprintf(c, `<%s class="%s" data-value="%s"><title>%s</title></%s>`,
		element, class, strconv.FormatFloat(value, 'g', -1, 64), html.EscapeString(title), strings.Fields(element)[0])
}

func circle(x, y, r float64) string {
	return fmt.Sprintf(`circle cx="%s" cy="%s" r="%s"`, px(x), px(y), px(r))
}

func rect(x, y, w, h float64) string {
	return fmt.Sprintf(`rect x="%s" y="%s" width="%s" height="%s"`, px(x), px(y), px(math.Max(w, 0)), px(math.Max(h, 0)))
}

// area is a polygon through the points.
func (c *canvas) area(class string, points ...[2]float64) {
	fmt.Fprintf(c, `<polygon class="%s" points="%s"/>`, class, list(points))
}

// path is a line through the points, broken at NaN.
func (c *canvas) path(class string, points [][2]float64) {
	var d strings.Builder
	pen := false
	for _, p := range points {
		if math.IsNaN(p[1]) {
			pen = false
			continue
		}
		command := "M"
		if pen {
			command = "L"
		}
		pen = true
		d.WriteString(command + px(p[0]) + " " + px(p[1]))
	}
	fmt.Fprintf(c, `<path class="%s" d="%s"/>`, class, d.String())
}

func list(points [][2]float64) string {
	s := make([]string, len(points))
	for i, p := range points {
		s[i] = px(p[0]) + "," + px(p[1])
	}
	return strings.Join(s, " ")
}

// px is a length to a tenth of a pixel; what is no number is zero, so that no
// input makes a broken drawing.
func px(x float64) string {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return "0"
	}
	return strconv.FormatFloat(math.Round(x*10)/10+0, 'f', -1, 64)
}
