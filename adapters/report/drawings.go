package report

import (
	"fmt"
	"html/template"
	"math"
	"strings"

	"github.com/plastinka/predictor/adapters/support/svg"
	"github.com/plastinka/predictor/domain/report"
)

// The widths of a chart, in CSS pixels: across the page, in half of it, and on
// a telephone.
const (
	wide  = 1040.0
	half  = 500.0
	phone = 360.0
)

// both draws a chart for a wide and for a narrow page.
func both(width float64, draw func(width float64, id, class string) string) charts {
	return charts{template.HTML(draw(width, "w", "sv-wide")), template.HTML(draw(phone, "n", "sv-narrow"))}
}

func (p *page) drawings(r *report.Report) {
	w := p.W
	p.Sales = both(wide, func(width float64, id, class string) string {
		return w.salesChart(r, months(r, width), width, id, class)
	})
	p.Shelf = both(half, func(width float64, id, class string) string {
		return w.shelfChart(months(r, width), width, id, class)
	})
	p.Lost = both(half, func(width float64, id, class string) string {
		return w.lostChart(months(r, width), width, id, class)
	})
	p.Top = both(half, func(width float64, id, class string) string { return w.topChart(r, width, id, class) })
	styles, decades := w.groupBars(top(w, r.Styles, 9), w.style), w.groupBars(r.Decades, w.decade)
	p.Styles = both(half, func(width float64, id, class string) string {
		return w.groupChart(w.StylesTitle, styles, width, "styles-"+id, class)
	})
	p.Decades = both(half, func(width float64, id, class string) string {
		return w.groupChart(w.DecadesTitle, decades, width, "decades-"+id, class)
	})
	for _, h := range r.History {
		if h.Incomplete {
			p.Incompl = w.Incomplete
		}
	}
}

// months are as much of the history as a chart of the width has room for.
func months(r *report.Report, width float64) []report.HistoryMonth {
	return r.History[max(0, len(r.History)-int(width/20)):]
}

// ticks names the Januaries, or every month of a short history, thinned so that
// labels do not touch.
func (w *words) ticks(months []report.HistoryMonth, width float64) []svg.Tick {
	var list []svg.Tick
	for i, h := range months {
		if len(months) > 14 {
			if h.Month.Number() == 1 {
				list = append(list, svg.Tick{At: i, Label: fmt.Sprint(h.Month.Year())})
			} else if h.Month.Number() == 7 && width/float64(len(months)) > 14 {
				list = append(list, svg.Tick{At: i, Label: w.monthsShort[6]})
			}
			continue
		}
		if every := 1 + int(float64(len(months))*52/width); i%every == 0 {
			list = append(list, svg.Tick{At: i, Label: w.monthShort(h.Month)})
		}
	}
	return list
}

func (w *words) salesChart(r *report.Report, history []report.HistoryMonth, width float64, id, class string) string {
	q := r.Totals.Copies.Quantiles
	n := func(x float64) string { return w.number(x, 0) }
	chart := svg.Line{
		Frame: svg.Frame{ID: "sales-" + id, Title: w.SalesTitle, Class: class, Width: width, Height: 280, Unit: w.SalesUnit, Format: n},
		Ticks: w.ticks(history, width),
		Fan: &svg.Fan{Quantiles: q, Label: w.month(r.Month) + ": " + n(q[2]), Tick: w.monthShort(r.Month),
			Names: [3]string{fmt.Sprintf(w.TopName, n(q[4])), fmt.Sprintf(w.MedianName, n(q[2])), fmt.Sprintf(w.LowName, n(q[0]))}},
	}
	for _, h := range history {
		pt := svg.Point{Label: w.month(h.Month) + ": " + w.count(h.Sales), Value: float64(h.Sales), Open: h.Incomplete}
		if h.Incomplete {
			pt.Label += " (" + w.Incomplete + ")"
		}
		if !h.Stored {
			pt.Value = math.NaN()
		}
		chart.Points = append(chart.Points, pt)
	}
	if k := len(history); k > 0 {
		chart.Last = w.count(history[k-1].Sales)
		chart.Desc = fmt.Sprintf(w.SalesDesc, w.since(history[0].Month), w.month(history[k-1].Month), w.month(r.Month), n(q[2]), n(q[0]), n(q[4]))
	}
	return chart.SVG()
}

func (w *words) shelfChart(history []report.HistoryMonth, width float64, id, class string) string {
	chart := svg.Line{Frame: svg.Frame{ID: "shelf-" + id, Title: w.AvailabilityTitle, Desc: w.ShelfNote, Class: class, Width: width, Height: 190, Unit: w.ShareUnit, Format: w.percent},
		Ticks: w.ticks(history, width), High: 1}
	for _, h := range history {
		v := h.Availability
		if h.Products == 0 {
			v = math.NaN()
		}
		chart.Points = append(chart.Points, svg.Point{Label: w.month(h.Month) + ": " + w.percent(h.Availability), Value: v, Open: h.Incomplete})
	}
	if n := len(history); n > 0 && history[n-1].Products > 0 {
		chart.Last = w.percent(history[n-1].Availability)
	}
	return chart.SVG()
}

func (w *words) lostChart(history []report.HistoryMonth, width float64, id, class string) string {
	chart := svg.Columns{Frame: svg.Frame{ID: "lost-" + id, Title: w.LostTitle, Desc: w.ShelfNote, Class: class, Width: width, Height: 190, Unit: w.LostUnit, Format: w.axisRub},
		Ticks: w.ticks(history, width), First: "sv-orange", Peak: w.short}
	for _, h := range history {
		chart.Columns = append(chart.Columns, svg.Column{Label: w.month(h.Month) + ": " + w.rub(h.LostRub), Values: []float64{h.LostRub}, Open: h.Incomplete})
	}
	return chart.SVG()
}

func (w *words) topChart(r *report.Report, width float64, id, class string) string {
	chart := svg.Bars{Frame: svg.Frame{ID: "top-" + id, Title: w.TopTitle, Desc: w.TopNote, Class: class, Width: width}}
	for _, i := range report.Best(r.Rows, 12, func(x *report.Row) float64 { return x.Mean }) {
		x := &r.Rows[i]
		chart.Bars = append(chart.Bars, svg.Bar{Name: x.Artist + " — " + x.Album, Note: w.cover(x.CoverType), Value: x.Mean, Low: x.Quantiles[0], High: x.Quantiles[4],
			Before: known(x.SalesYear), Text: w.few(x.Mean), Label: x.Artist + " — " + x.Album + ", " + w.edition(x) + ": " + w.few(x.Mean) + " (" + w.span(x.Quantiles) + ")"})
	}
	return chart.SVG()
}

func (w *words) groupChart(title string, bars []svg.Bar, width float64, id, class string) string {
	return svg.Bars{Frame: svg.Frame{ID: id, Title: title, Desc: w.GroupNote, Class: class, Width: width}, Bars: bars}.SVG()
}

func (w *words) groupBars(groups []report.Group, name func(string) string) []svg.Bar {
	var bars []svg.Bar
	for _, g := range groups {
		q := g.Copies.Quantiles
		bars = append(bars, svg.Bar{Name: name(g.Name), Note: w.counted(g.Products, w.titles), Value: g.Copies.Mean, Low: q[0], High: q[4],
			Before: known(g.SalesLast), Text: w.few(g.Copies.Mean), Label: name(g.Name) + ": " + w.few(g.Copies.Mean) + " (" + w.span(q) + ")"})
	}
	return bars
}

func known(n *int) float64 {
	if n == nil {
		return math.NaN()
	}
	return float64(*n)
}

// top are the first n groups; the others are one more, without an interval of
// its own, since the groups' sums cannot be added as intervals.
func top(w *words, groups []report.Group, n int) []report.Group {
	if len(groups) <= n+1 {
		return groups
	}
	rest := report.Group{Name: fmt.Sprintf(w.Others, w.count(len(groups)-n))}
	for _, g := range groups[n:] {
		rest.Products += g.Products
		rest.Copies.Mean += g.Copies.Mean
		if g.SalesLast != nil {
			if rest.SalesLast == nil {
				rest.SalesLast = new(0)
			}
			*rest.SalesLast += *g.SalesLast
		}
	}
	for i := range rest.Copies.Quantiles {
		rest.Copies.Quantiles[i] = math.NaN()
	}
	return append(append([]report.Group(nil), groups[:n]...), rest)
}

// trust is how good past forecasts were.
type trust struct {
	Lead, Unavailable string
	Months            charts
	Calibration       template.HTML
}

func trustOf(r *report.Report, w *words) *trust {
	a := &r.Accuracy
	if a.Cells == 0 {
		return nil
	}
	t := &trust{Lead: fmt.Sprintf(w.TrustLead, w.monthsCount(len(a.Months)), w.signed(a.Bias), w.number(a.Forecast, 0), w.count(a.Sold), w.percent(a.Coverage90), w.percent(a.Coverage50))}
	if a.Unavailable > 0 {
		t.Unavailable = fmt.Sprintf(w.Unavailable, w.counted(a.Unavailable, w.cells))
	}
	t.Months = both(half, func(width float64, id, class string) string { return w.monthsChart(a, width, id, class) })
	cal := svg.Calibration{Frame: svg.Frame{ID: "calibration", Title: w.Calibration, Width: 330, Format: w.percent},
		Observed: w.CalObserved, Nominal: w.CalNominal, Ideal: w.CalIdeal}
	var said []string
	for _, p := range a.Calibration {
		label := w.percent(p.Nominal) + " → " + w.percent(p.Observed)
		said = append(said, label)
		cal.Points = append(cal.Points, svg.Share{Nominal: p.Nominal, Observed: p.Observed, Label: label})
	}
	cal.Desc = w.CalibrationNote + " " + strings.Join(said, "; ")
	t.Calibration = template.HTML(cal.SVG())
	return t
}

func (w *words) monthsChart(a *report.Accuracy, width float64, id, class string) string {
	chart := svg.Intervals{Frame: svg.Frame{ID: "past-" + id, Title: w.TrustMonths, Desc: w.TrustMonthsNote, Class: class, Width: width, Height: 300, Unit: w.SalesUnit,
		Format: func(x float64) string { return w.number(x, 0) }}}
	for i, m := range a.Months {
		if every := 1 + int(float64(len(a.Months))*52/width); i%every == 0 {
			chart.Ticks = append(chart.Ticks, svg.Tick{At: i, Label: w.monthShort(m.Month)})
		}
		chart.Items = append(chart.Items, svg.Interval{Label: w.month(m.Month) + ": " + w.span(m.Total.Quantiles) + " → " + w.count(m.Sold),
			Quantiles: m.Total.Quantiles, Actual: float64(m.Sold)})
	}
	return chart.SVG()
}

// backtest is the table of methods.
type backtest struct {
	Title string
	Rows  []backtestRow
	More  string // how many rows are not shown
}

type backtestRow struct {
	Method, Pinball, Difference, Coverage50, Coverage90, WAPE, Bias, Mark string
	Chosen                                                                bool
}
