package report

import (
	"bufio"
	"context"
	"crypto/sha256"
	_ "embed" // the page's template, style and script
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"strings"

	"github.com/plastinka/predictor/adapters/support/svg"
	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/catalog"
	"github.com/plastinka/predictor/domain/report"
)

//go:embed page/page.html
var pageHTML string

//go:embed page/page.css
var pageCSS string

//go:embed page/page.js
var pageJS string

// page is what the template shows: text that is ready, in order of appearance.
type page struct {
	W        *words
	Lang     string
	Policy   string
	Style    template.CSS
	Script   template.JS
	Data     template.JS // JSON, escaped for HTML by its encoder
	Title    string
	Lead     template.HTML
	About    []string
	Chips    []chip
	Figures  []figure
	First    []firstRow
	Stocked  bool   // the stock is known
	Ordered  string // how many titles there are to order
	Sales    charts
	Incompl  string
	Trust    *trust
	Backtest *backtest
	Top      charts
	Styles   charts
	Decades  charts
	Shelf    charts
	Lost     charts
	How      []string
	Options  [2][]string // styles, decades
	Sizes    []int       // rows a page
}

type chip struct{ Name, Value string }

// figure is a number that stands out, with its name and what it means.
type figure struct {
	Name, Value, Note string
	Key               string  // for programs
	Exact             float64 // the value
}

// charts are one chart in its wide and narrow drawing.
type charts struct{ Wide, Narrow template.HTML }

// firstRow is a line of the list of what to order first.
type firstRow struct {
	Artist, Album, Edition string
	Stock, Demand, Spread  string
	Order, Brings, Why     string
	Urgent                 bool
}

// Policy is the page's Content-Security-Policy.
func (Renderer) Policy() string { return policy() }

func policy() string {
	digest := func(s string) string {
		sum := sha256.Sum256([]byte(s))
		return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	return "default-src 'none'; script-src " + digest(pageJS) + "; style-src " + digest(style()) +
		"; img-src data:; base-uri 'none'; form-action 'none'"
}

func style() string { return pageCSS + svg.Style }

// writeHTML writes the page.
func writeHTML(ctx context.Context, w io.Writer, r *report.Report, l report.Language) error {
	t, err := template.New("page").Parse(pageHTML)
	if err != nil {
		return err
	}
	words := wordsOf(l)
	data, err := tableJSON(r, words)
	if err != nil {
		return err
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	p := &page{W: words, Lang: words.Lang, Policy: policy(), Style: template.CSS(style()), Script: template.JS(pageJS), Data: template.JS(data), Sizes: []int{25, 50, 100, 500}}
	p.head(r)
	p.first(r)
	p.drawings(r)
	p.Trust, p.Backtest = trustOf(r, words), backtestOf(r, words)
	p.how(r)
	for _, g := range r.Styles {
		p.Options[0] = append(p.Options[0], words.style(g.Name))
	}
	for _, g := range r.Decades {
		p.Options[1] = append(p.Options[1], words.decade(g.Name))
	}
	out := bufio.NewWriterSize(w, 1<<16)
	if err := t.Execute(out, p); err != nil {
		return err
	}
	return out.Flush()
}

// head fills the title, the sentence that says it all, and the figures.
func (p *page) head(r *report.Report) {
	w, t := p.W, &r.Totals
	p.Title = fmt.Sprintf(w.Title, w.month(r.Month))
	p.About = append(p.About, fmt.Sprintf(w.Made, w.day(calendar.DayIn(r.GeneratedAt)), r.GeneratedAt.Format("15:04\u00a0MST")))
	if r.StockDay != 0 {
		p.About = append(p.About, fmt.Sprintf(w.StockOn, w.day(r.StockDay)))
	}
	if r.ModelID != "" {
		p.About = append(p.About, fmt.Sprintf(w.Model, r.ModelID))
	}
	for i, name := range catalog.Attributes() {
		if v, ok := r.Filters[name]; ok {
			p.Chips = append(p.Chips, chip{w.attributes()[i], v})
		}
	}
	p.Lead = w.lead(r)
	if r.StockDay != 0 {
		p.Figures = append(p.Figures,
			figure{w.ToOrder, w.count(t.Restock), fmt.Sprintf(w.ToOrderNote, w.counted(t.Titles, w.titles), w.short(t.RestockRub)), "restock", float64(t.Restock)},
			figure{w.Brings, w.short(t.GainRub), fmt.Sprintf(w.BringsNote, w.counted(round(t.Gain), w.sales)), "gain_rub", t.GainRub})
	}
	p.Figures = append(p.Figures, figure{w.Demand, w.number(t.Copies.Quantiles[2], 0),
		fmt.Sprintf(w.DemandNote, w.number(t.Copies.Quantiles[0], 0), w.number(t.Copies.Quantiles[4], 0), w.short(t.Rub.Mean)), "demand", t.Copies.Quantiles[2]})
	past := figure{w.Past, "–", w.PastNone, "coverage_90", 0}
	if a := &r.Accuracy; a.Cells > 0 {
		past.Value, past.Exact = w.percent(a.Coverage90), a.Coverage90
		past.Note = fmt.Sprintf(w.PastNote, w.counted(a.Cells, w.cells), w.monthsCount(len(a.Months)))
	} else if x := chosen(r.Backtest); x != nil {
		past.Value, past.Exact = w.percent(x.Coverage90), x.Coverage90
		past.Note = fmt.Sprintf(w.OnHistory, w.monthsCount(len(r.Backtest.Origins)))
	}
	p.Figures = append(p.Figures, past)
}

// lead is the report in a sentence; only its numbers are given, so that the
// emphasis is ours and the text is escaped.
func (w *words) lead(r *report.Report) template.HTML {
	t := &r.Totals
	strong := func(s string) string { return "<strong>" + template.HTMLEscapeString(s) + "</strong>" }
	switch {
	case r.StockDay == 0:
		return template.HTML(template.HTMLEscapeString(w.LeadUnknown))
	case t.Restock == 0:
		return template.HTML(template.HTMLEscapeString(w.LeadNothing))
	}
	return template.HTML(fmt.Sprintf(template.HTMLEscapeString(w.Lead),
		strong(w.counted(t.Restock, w.copies)), template.HTMLEscapeString(w.counted(t.Titles, w.titles)),
		template.HTMLEscapeString(w.leadMonth(r.Month)), strong(w.short(t.GainRub))))
}

// counted is a number with its noun.
func (w *words) counted(n int, forms [3]string) string {
	return w.count(n) + "\u00a0" + w.plural(n, forms)
}

// first fills the list of what to order first: by the money it is expected to
// bring, where prices are known, else by copies.
func (p *page) first(r *report.Report) {
	w := p.W
	p.Stocked = r.StockDay != 0
	p.Ordered = w.counted(r.Totals.Titles, w.titles)
	for _, i := range report.Best(r.Rows, 15, func(x *report.Row) float64 {
		return x.Value(x.Gain) + 1e-6*float64(x.Order())
	}) {
		x := &r.Rows[i]
		f := firstRow{Artist: x.Artist, Album: x.Album, Edition: w.edition(x), Order: w.count(x.Order()), Stock: w.count(*x.Stock),
			Demand: w.few(x.Mean), Spread: w.span(x.Quantiles), Why: w.why(r, x), Urgent: x.Reason == report.SoldOut, Brings: "–"}
		if x.Price != nil {
			f.Brings = w.short(x.Value(x.Gain))
		}
		p.First = append(p.First, f)
	}
}

// edition tells two editions of an album apart.
func (w *words) edition(x *report.Row) string {
	var parts []string
	for _, s := range []string{x.ReleaseType, w.cover(x.CoverType), w.decade(x.ReleaseDecade)} {
		if s != "" && s != "None" {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, " · ")
}

// why is the reason of a suggested restock.
func (w *words) why(r *report.Report, x *report.Row) string {
	var parts []string
	last := r.Month - 1
	switch x.Reason {
	case report.SoldOut:
		parts = append(parts, w.SoldOut)
	case report.Short:
		parts = append(parts, fmt.Sprintf(w.ShortOf, w.count(*x.Stock), w.few(x.Mean)))
	case report.Buffer:
		parts = append(parts, fmt.Sprintf(w.BufferOf, w.count(*x.Stock), w.count(*x.Stock+x.Order())))
	}
	if x.SalesLast != nil && *x.SalesLast > 0 {
		parts = append(parts, fmt.Sprintf(w.SoldOutMonth, w.monthIn(last), w.count(*x.SalesLast)))
	}
	if f := x.Last; f != nil && f.LostSalesItems >= 0.5 {
		parts = append(parts, fmt.Sprintf(w.LostThen, w.percent(1-f.Availability), w.few(f.LostSalesItems)))
	}
	return strings.Join(parts, "; ")
}

// span is an interval of 90 %.
func (w *words) span(q [5]float64) string { return w.few(q[0]) + "–" + w.few(q[4]) }

func (p *page) how(r *report.Report) {
	w := p.W
	level := w.percent(r.Level)
	p.How = []string{w.How[0], fmt.Sprintf(w.How[1], level, w.number(100*r.Level, 0)), w.How[2],
		fmt.Sprintf(w.How[3], w.sumMethod(r.Totals.Copies.Method)), w.How[4]}
}

func round(x float64) int { return int(x + 0.5) }
