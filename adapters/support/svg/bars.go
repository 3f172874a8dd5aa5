package svg

import (
	"fmt"
	"html"
	"math"
	"unicode/utf8"
)

// Bar is a named amount.
type Bar struct {
	Name   string
	Note   string // smaller, behind the name
	Value  float64
	Low    float64 // of the interval; NaN for none
	High   float64
	Before float64 // what it was before, drawn as an orange mark; NaN for none
	Text   string  // the amount in words, at the right
	Label  string  // for the pointer
}

// Bars are horizontal bars, each below its name, which so has the whole width.
type Bars struct {
	Frame
	Bars []Bar
}

const pitch = 38.0 // of the bars, CSS pixels

// SVG draws the chart.
func (b Bars) SVG() string {
	c := b.open(pitch*float64(len(b.Bars)) + 4)
	hi := 0.0
	for _, bar := range b.Bars {
		hi = highest(hi, bar.Value, bar.High, bar.Before)
	}
	x := scale{from: 0, to: math.Max(hi, 1e-9), low: 0, far: b.Width - 2}
	for i, bar := range b.Bars {
		y := pitch * float64(i)
		room := int((b.Width - 7*float64(utf8.RuneCountInString(bar.Text)) - 16) / 6.9)
		name := shorten(bar.Name, room)
		note := ""
		if room -= utf8.RuneCountInString(name) + 1; room > utf8.RuneCountInString(bar.Note)+1 {
			note = bar.Note
		}
		c.named(y+13, name, note)
		c.text(b.Width, y+13, "sv-b", "end", bar.Text)
		c.mark(rect(0, y+19, x.at(bar.Value), 9), "sv-soft", bar.Value, bar.Label)
		if !math.IsNaN(bar.Low) && bar.High > bar.Low {
			c.line(x.at(bar.Low), y+23.5, x.at(bar.High), y+23.5, "sv-whisker")
			c.line(x.at(bar.Low), y+20.5, x.at(bar.Low), y+26.5, "sv-whisker")
			c.line(x.at(bar.High), y+20.5, x.at(bar.High), y+26.5, "sv-whisker")
		}
		if !math.IsNaN(bar.Before) {
			c.line(x.at(bar.Before), y+17, x.at(bar.Before), y+30, "sv-mark")
		}
	}
	return c.close()
}

// named writes a name and a note behind it, which begins where the name really
// ends.
func (c *canvas) named(y float64, name, note string) {
	fmt.Fprintf(c, `<text x="0" y="%s">%s`, px(y), html.EscapeString(name))
	if note != "" {
		fmt.Fprintf(c, `<tspan dx="7" class="sv-m">%s</tspan>`, html.EscapeString(note))
	}
	c.WriteString("</text>")
}

// shorten cuts s to n characters, the last of them an ellipsis.
func shorten(s string, n int) string {
	r := []rune(s)
	if len(r) <= max(n, 1) {
		return s
	}
	return string(r[:max(n-1, 0)]) + "…"
}

// Share is a point of a calibration plot: both 0–1.
type Share struct {
	Nominal, Observed float64
	Label             string
}

// Calibration compares how often something should be and was.
type Calibration struct {
	Frame
	Points   []Share
	Observed string // what the vertical axis is, above it
	Nominal  string // what the horizontal axis is, below it
	Ideal    string // label of the diagonal
}

// SVG draws the plot, a square.
func (p Calibration) SVG() string {
	if p.Width == 0 {
		p.Width = 320
	}
	c := p.open(p.Width + 20)
	left, right := 46.0, p.Width-20
	x := scale{from: 0, to: 1, low: left, far: right}
	y := scale{from: 0, to: 1, low: p.Height - 44, far: p.Height - 44 - (right - left)}
	for _, v := range []float64{0, 0.25, 0.5, 0.75, 1} {
		c.line(left, y.at(v), right, y.at(v), "sv-grid")
		c.text(left-6, y.at(v)+4, "sv-m", "end", c.format(v))
		c.text(x.at(v), p.Height-28, "sv-m", "middle", c.format(v))
	}
	c.text(0, 10, "sv-m", "", p.Observed)
	c.text(right, p.Height-8, "sv-m", "end", p.Nominal)
	c.line(x.at(0), y.at(0), x.at(1), y.at(1), "sv-ref")
	c.text(x.at(0.99), y.at(0.78), "sv-m", "end", p.Ideal)
	points := make([][2]float64, len(p.Points))
	for i, s := range p.Points {
		points[i] = [2]float64{x.at(s.Nominal), y.at(s.Observed)}
	}
	c.path("sv-bline", points)
	for i, s := range p.Points {
		c.mark(circle(points[i][0], points[i][1], 4), "sv-blue", s.Observed, s.Label)
	}
	return c.close()
}
