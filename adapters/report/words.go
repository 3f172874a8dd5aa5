package report

import (
	"fmt"
	"strings"

	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/report"
)

// words are a language: all that a report says, and how it writes numbers.
type words struct {
	Lang string
	// Numbers and days.
	thousands, point, percentSign string
	million, thousand             string
	rubFirst, slavic              bool
	months                        [12]string // in a heading: "November 2026"
	monthsOf                      [12]string // in a date: "1 November 2026"
	monthsIn                      [12]string // in a sentence: "in October"
	monthsShort                   [12]string

	// Columns.
	ID, Barcode, Artist, Album, Cover, PriceCategory, ReleaseType, RecordingDecade, ReleaseDecade, Style, Year string
	ResultID, ModelID, Month, Availability, Confidence                                                         string
	MeanItems, MeanRub, LostRub, SalesLast, SalesYear, Mean, Price, Stock, Restock, RestockRub, FromStock      string
	Method, Quantile                                                                                           string
	SheetForecast, SheetTotals                                                                                 string

	// The page.
	Title, Lead, LeadNothing, LeadUnknown, Made, StockOn, Model, Filtered                             string
	ToOrder, ToOrderNote, Brings, BringsNote, Demand, DemandNote, Past, PastNote, PastNone, OnHistory string
	First, FirstNote, NothingToOrder, Why, OnHand, BringsRub, Forecast, Record                        string
	SoldOut, SoldOutMonth, LostThen, ShortOf, BufferOf                                                string
	SalesTitle, SalesNote, SalesUnit, MedianName, TopName, LowName, Incomplete, SalesDesc             string
	TrustTitle, TrustLead, TrustMonths, TrustMonthsNote, Calibration, CalibrationNote                 string
	CalObserved, CalNominal, CalIdeal, TrustNone, Unavailable                                         string
	BacktestTitle, BacktestNote, Pinball, Difference, Same, Coverage50, Coverage90                    string
	WAPE, Bias, Chosen, BestBaseline, More                                                            string
	WhatSells, TopTitle, TopNote, StylesTitle, DecadesTitle, GroupNote, Others                        string
	ShelfTitle, AvailabilityTitle, LostTitle, ShelfNote, LostUnit, ShareUnit                          string
	TableTitle, TableNote, Search, AllStyles, AllDecades, OnlyOrder, PerPage, Prev, Next              string
	Of, NoScript, PrintNote, Trend, Last, YearAgo, Sum, Interval, NoneFound                           string
	Sealed, Opened, NoStyle, Before1950, After2020, Decade                                            string
	HowTitle                                                                                          string
	How                                                                                               []string
	copies, titles, sales, methods, cells                                                             [3]string
	Product                                                                                           string
}

// wordsOf is the language's words.
func wordsOf(l report.Language) *words {
	if l == report.English {
		return english()
	}
	return russian()
}

// month is "November 2026".
func (w *words) month(m calendar.Month) string {
	return fmt.Sprintf("%s %d", w.months[m.Number()-1], m.Year())
}

// since is the month after "from".
func (w *words) since(m calendar.Month) string {
	return fmt.Sprintf("%s %d", w.monthsOf[m.Number()-1], m.Year())
}

// monthIn is the month within a sentence, after "in".
func (w *words) monthIn(m calendar.Month) string { return w.monthsIn[m.Number()-1] }

// monthShort is "Nov 26".
func (w *words) monthShort(m calendar.Month) string {
	return fmt.Sprintf("%s %02d", w.monthsShort[m.Number()-1], m.Year()%100)
}

// day is "1 November 2026".
func (w *words) day(d calendar.Day) string {
	y, m, n := d.Date()
	return fmt.Sprintf("%d\u00a0%s %d", n, w.monthsOf[int(m)-1], y)
}

// attributes are the titles of the ten attributes, in their order.
func (w *words) attributes() []string {
	return []string{w.Barcode, w.Artist, w.Album, w.Cover, w.PriceCategory, w.ReleaseType, w.RecordingDecade, w.ReleaseDecade, w.Style, w.Year}
}

// monthsCount is "6 months".
func (w *words) monthsCount(n int) string {
	if w.slavic {
		return w.counted(n, [3]string{"месяц", "месяца", "месяцев"})
	}
	return w.counted(n, [3]string{"month", "", "months"})
}

// leadMonth is the month as the first sentence needs it.
func (w *words) leadMonth(m calendar.Month) string {
	if w.slavic {
		return "в " + w.monthIn(m)
	}
	return w.monthIn(m)
}

// sumMethod says how a sum's interval was computed.
func (w *words) sumMethod(method string) string {
	switch {
	case w.slavic && method == "convolution":
		return "точная свёртка"
	case w.slavic:
		return "по трём моментам"
	case method == "convolution":
		return "exactly, by convolution"
	}
	return "by their first three moments"
}

// axisRub is an amount on an axis: without its sign, which the unit has.
func (w *words) axisRub(x float64) string {
	s := w.short(x)
	return strings.TrimSpace(strings.Trim(s, "₽\u00a0"))
}

// cover, style and decade are the catalogue's own words (§1.4) in the page's
// language; words that it does not know stay as they are.
func (w *words) cover(s string) string {
	switch s {
	case "Sealed":
		return w.Sealed
	case "Opened":
		return w.Opened
	}
	return s
}

func (w *words) style(s string) string {
	if s == "None" || s == "" {
		return w.NoStyle
	}
	return s
}

func (w *words) decade(s string) string {
	switch {
	case s == "<1950":
		return w.Before1950
	case s == ">2020":
		return w.After2020
	case len(s) == 5 && s[4] == 's':
		return fmt.Sprintf(w.Decade, s[:4])
	}
	return s
}
