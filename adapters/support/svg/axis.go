package svg

import "math"

// margins of a plot, in CSS pixels.
const (
	top    = 26.0
	bottom = 22.0
)

// scale maps values to pixels.
type scale struct {
	from, to float64 // values
	low, far float64 // pixels
}

func (s scale) at(v float64) float64 {
	if s.to == s.from {
		return s.low
	}
	return s.low + (v-s.from)/(s.to-s.from)*(s.far-s.low)
}

// ticks are round values from 0 (or the round value below lo) to at least hi:
// steps of 1, 2 or 5 times a power of ten, about n of them.
func ticks(lo, hi float64, n int) []float64 {
	if !(hi > lo) {
		hi = lo + 1
	}
	rough := (hi - lo) / float64(n)
	power := math.Pow(10, math.Floor(math.Log10(rough)))
	step := 10 * power
	for _, m := range []float64{1, 2, 5} {
		if rough <= m*power*1.0001 {
			step = m * power
			break
		}
	}
	var list []float64
	for i := math.Floor(lo / step); ; i++ {
		list = append(list, i*step)
		if i*step >= hi-step*1e-9 || len(list) > 50 {
			return list
		}
	}
}

// values draws the grid and the labels of a vertical value axis from 0 to hi and
// returns its scale. The unit stands above the axis.
func (c *canvas) values(f *Frame, hi float64, left, right float64) scale {
	t := ticks(0, hi, 4)
	s := scale{from: 0, to: t[len(t)-1], low: f.Height - bottom, far: top}
	for _, v := range t {
		y := s.at(v)
		c.line(left, y, right, y, "sv-grid")
		c.text(left-6, y+4, "sv-m", "end", c.format(v))
	}
	c.text(0, 12, "sv-m", "", f.Unit)
	return s
}

// gutter is the room that the labels of values up to hi need on the left.
func (f *Frame) gutter(hi float64) float64 {
	widest := 0
	for _, v := range ticks(0, hi, 4) {
		widest = max(widest, len([]rune(f.Format(v))))
	}
	return 7*float64(widest) + 10
}

// categories draws the named places below the plot.
func (c *canvas) categories(f *Frame, x func(i int) float64, named []Tick) {
	y := f.Height - bottom
	for _, t := range named {
		c.line(x(t.At), y, x(t.At), y+4, "sv-axis")
		c.text(x(t.At), y+17, "sv-m", "middle", t.Label)
	}
}

// highest is the largest number among the values, 0 for none.
func highest(values ...float64) float64 {
	hi := 0.0
	for _, v := range values {
		if v > hi && !math.IsInf(v, 0) {
			hi = v
		}
	}
	return hi
}
