package svg

import (
	"fmt"
	"math"
)

// Point is one value of a series over time. NaN is a gap.
type Point struct {
	Label string // in full, for the pointer: "October 2026: 312"
	Value float64
	Open  bool // drawn hollow: not all of it has been observed
}

// Fan is a forecast after the last point: quantiles at 5, 25, 50, 75, 95 %.
type Fan struct {
	Quantiles [5]float64
	Label     string    // for the pointer
	Tick      string    // below the axis
	Names     [3]string // of the 95 %, the 50 % and the 5 % quantile, beside the fan
	After     int       // places after the last point; 0 is 1
}

// Line is a series over time, with a forecast fan.
type Line struct {
	Frame
	Points []Point
	Ticks  []Tick
	Fan    *Fan
	High   float64 // the axis goes at least so far
	Last   string  // direct label of the last point; "" for none
}

// SVG draws the chart.
func (l Line) SVG() string {
	c := l.open(240)
	hi := l.High
	for _, p := range l.Points {
		hi = highest(hi, p.Value)
	}
	right := l.Width - 12
	places := len(l.Points) - 1
	if l.Fan != nil {
		hi = highest(hi, l.Fan.Quantiles[4])
		right = l.Width - 96
		places += max(l.Fan.After, 1)
	}
	left := l.gutter(hi)
	y := c.values(&l.Frame, hi, left, right)
	x := func(i int) float64 { return left + 8 + float64(i)*(right-left-16)/float64(max(places, 1)) }
	for _, t := range l.Ticks {
		if l.Fan == nil || x(places)-x(t.At) > 44 { // else it would touch the fan's own
			c.categories(&l.Frame, x, []Tick{t})
		}
	}
	if l.Fan != nil {
		l.fan(c, x, y, places)
	}
	points := make([][2]float64, len(l.Points))
	for i, p := range l.Points {
		points[i] = [2]float64{x(i), y.at(p.Value)}
	}
	c.path("sv-line", points)
	for i, p := range l.Points {
		if math.IsNaN(p.Value) {
			continue
		}
		class := "sv-dot"
		if p.Open {
			class = "sv-open"
		}
		c.mark(circle(points[i][0], points[i][1], 2.6), class, p.Value, p.Label)
	}
	if n := len(points); n > 0 && l.Last != "" && !math.IsNaN(l.Points[n-1].Value) {
		c.text(points[n-1][0], points[n-1][1]-9, "sv-b", "end", l.Last)
	}
	return c.close()
}

// fan is drawn from the last known point to the forecast's place, with its three
// labels pushed apart where they would touch.
func (l Line) fan(c *canvas, x func(int) float64, y scale, at int) {
	q := l.Fan.Quantiles
	from := l.last()
	px, fx := x(max(from, 0)), x(at)
	start := y.at(q[2])
	if from >= 0 {
		start = y.at(l.Points[from].Value)
	}
	c.area("sv-fan90", [2]float64{px, start}, [2]float64{fx, y.at(q[4])}, [2]float64{fx, y.at(q[0])})
	c.area("sv-fan50", [2]float64{px, start}, [2]float64{fx, y.at(q[3])}, [2]float64{fx, y.at(q[1])})
	c.path("sv-bline", [][2]float64{{px, start}, {fx, y.at(q[2])}})
	c.mark(circle(fx, y.at(q[2]), 4), "sv-blue sv-forecast", q[2], l.Fan.Label)
	c.text(fx, l.Height-bottom+17, "sv-b", "middle", l.Fan.Tick)
	middle := y.at(q[2])
	upper, lower := math.Min(y.at(q[4]), middle-15), math.Max(y.at(q[0]), middle+15)
	for i, label := range []struct {
		y     float64
		class string
	}{{upper, "sv-m"}, {middle, "sv-b"}, {lower, "sv-m"}} {
		c.text(fx+9, label.y+4, label.class, "", l.Fan.Names[i])
	}
}

// last is the index of the last known point, −1 for none.
func (l Line) last() int {
	for i := len(l.Points) - 1; i >= 0; i-- {
		if !math.IsNaN(l.Points[i].Value) {
			return i
		}
	}
	return -1
}

// Column is one place of a column chart: one value a series.
type Column struct {
	Label  string // in full, for the pointer
	Values []float64
	Open   bool // drawn pale: not all of it has been observed
}

// Columns are bars over time, side by side or stacked; series i has the class of
// its place: blue, orange, soft blue.
type Columns struct {
	Frame
	Columns []Column
	Ticks   []Tick
	Stacked bool
	First   string // class of the first series; "" is sv-blue
	Peak    func(v float64) string
}

// SVG draws the chart. Peak, if set, labels the highest column.
func (b Columns) SVG() string {
	c := b.open(170)
	hi, peak := 0.0, -1
	for i, col := range b.Columns {
		h := highest(col.Values...)
		if b.Stacked {
			h = total(col.Values)
		}
		if h > hi {
			hi, peak = h, i
		}
	}
	left, right := b.gutter(hi), b.Width-12
	y := c.values(&b.Frame, hi, left, right)
	step := (right - left) / float64(max(len(b.Columns), 1))
	x := func(i int) float64 { return left + (float64(i)+0.5)*step }
	c.categories(&b.Frame, x, b.Ticks)
	for i, col := range b.Columns {
		b.column(c, x(i), step*0.72, y, col)
	}
	if peak >= 0 && b.Peak != nil {
		anchor := "middle"
		if peak > len(b.Columns)-3 {
			anchor = "end"
		}
		c.text(x(peak), y.at(hi)-5, "sv-b", anchor, b.Peak(hi))
	}
	return c.close()
}

func (b Columns) column(c *canvas, x, width float64, y scale, col Column) {
	classes := []string{"sv-blue", "sv-orange", "sv-soft"}
	if b.First != "" {
		classes[0] = b.First
	}
	base, each := 0.0, width/float64(max(len(col.Values), 1))
	for s, v := range col.Values {
		if math.IsNaN(v) {
			continue
		}
		class := classes[s%len(classes)]
		if col.Open {
			class += " sv-hatch"
		}
		at, w := x-width/2+float64(s)*each, each-0.5
		if b.Stacked {
			at, w = x-width/2, width
		}
		c.mark(rect(at, y.at(base+v), w, y.at(base)-y.at(base+v)), class, v, col.Label)
		if b.Stacked {
			base += v
		}
	}
}

func total(values []float64) (sum float64) {
	for _, v := range values {
		if v > 0 {
			sum += v
		}
	}
	return sum
}

// Interval is a forecast beside what happened.
type Interval struct {
	Label     string
	Quantiles [5]float64
	Actual    float64
}

// Intervals are forecasts of several months beside what happened: a box from
// 25 to 75 %, a whisker from 5 to 95 %, a dot for what was sold (orange where it
// fell outside the whisker).
type Intervals struct {
	Frame
	Items []Interval
	Ticks []Tick
}

// SVG draws the chart.
func (v Intervals) SVG() string {
	c := v.open(220)
	hi := 0.0
	for _, it := range v.Items {
		hi = highest(hi, it.Quantiles[4], it.Actual)
	}
	left, right := v.gutter(hi), v.Width-12
	y := c.values(&v.Frame, hi, left, right)
	step := (right - left) / float64(max(len(v.Items), 1))
	x := func(i int) float64 { return left + (float64(i)+0.5)*step }
	c.categories(&v.Frame, x, v.Ticks)
	half := math.Min(step*0.3, 9)
	for i, it := range v.Items {
		q := it.Quantiles
		c.line(x(i), y.at(q[0]), x(i), y.at(q[4]), "sv-whisker")
		c.mark(rect(x(i)-half, y.at(q[3]), 2*half, math.Max(y.at(q[1])-y.at(q[3]), 1.5)), "sv-soft", q[2], it.Label)
		c.line(x(i)-half, y.at(q[2]), x(i)+half, y.at(q[2]), "sv-bline")
		class := "sv-dot"
		if it.Actual < q[0] || it.Actual > q[4] {
			class = "sv-orange"
		}
		c.mark(circle(x(i), y.at(it.Actual), 3.6), class, it.Actual, it.Label)
	}
	return c.close()
}

// Sparkline is a line without axes, a dot at its end.
func Sparkline(id, title string, values []float64) string {
	f := Frame{ID: id, Title: title, Width: 96, Height: 22}
	c := f.open(22)
	hi := math.Max(highest(values...), 1)
	points := make([][2]float64, len(values))
	for i, v := range values {
		points[i] = [2]float64{2 + float64(i)*92/float64(max(len(values)-1, 1)), 20 - 18*v/hi}
	}
	c.path("sv-line", points)
	if n := len(points); n > 0 && !math.IsNaN(points[n-1][1]) {
		c.mark(circle(points[n-1][0], points[n-1][1], 2), "sv-dot", values[n-1], fmt.Sprint(values[n-1]))
	}
	return c.close()
}
