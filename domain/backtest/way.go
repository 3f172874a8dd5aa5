package backtest

import (
	"encoding/csv"
	"errors"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/forecast"
	"github.com/plastinka/predictor/domain/panel"
)

// Truth is the distribution behind product-months of a made-up shop, by product
// and column: what a clairvoyant would forecast, and nobody can do better.
type Truth map[[2]int]forecast.Distribution

// ReadTruth reads the truth of p's series from CSV: the columns series, month,
// mean and size of a negative binomial. file names the source in errors.
func ReadTruth(r io.Reader, file string, p *panel.Panel) (Truth, error) {
	index := make(map[string]int, p.N())
	for i, product := range p.Products {
		index[product.Barcode] = i
	}
	rows := csv.NewReader(r)
	rows.FieldsPerRecord = 4
	rows.ReuseRecord = true
	truth := Truth{}
	for line := 1; ; line++ {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fault.New(fault.Invalid, "invalid_truth", "%s is not readable as CSV with four columns: %v", file, err).Because(err)
		}
		if line == 1 {
			if got := strings.ToLower(strings.TrimPrefix(strings.Join(row, ","), "\ufeff")); got != "series,month,mean,size" {
				return nil, fault.New(fault.Invalid, "missing_columns", "%s: the header is %q, must be series,month,mean,size", file, got)
			}
			continue
		}
		month, err1 := calendar.ParseMonth(row[1])
		mean, err2 := strconv.ParseFloat(row[2], 64)
		size, err3 := strconv.ParseFloat(row[3], 64)
		i, known := index[row[0]]
		at := int(month - p.First)
		if err := errors.Join(err1, err2, err3); err != nil || !known || at < 0 || at >= p.T || !(mean >= 0) || !(size > 0) || math.IsInf(mean, 0) {
			return nil, fault.New(fault.Invalid, "invalid_truth",
				"%s: row %d is %q; it needs a series and a month of the panel, a mean from 0 on and a size above 0", file, line, strings.Join(row, ","))
		}
		truth[[2]int{i, at}] = forecast.NegativeBinomial(mean, size)
	}
	if len(truth) == 0 {
		return nil, fault.New(fault.Invalid, "empty_file", "%s has no truth below its header", file)
	}
	return truth, nil
}

// The groups of a way, beside All. They may overlap; the rest is in none.
const (
	Launched = "launched" // in the first four months that it could be bought
	SoldOut  = "sold_out" // could not be bought in one of the three months before
	Hit      = "hit"      // the true mean is at least three times its own mean before
	Rest     = "rest"
)

const (
	launchMonths  = 4
	soldOutMonths = 3
	hitTimes      = 3
)

// Way measures how far forecasts went from a simple method to the truth, over
// the fully available product-months of which the truth is known.
type Way struct {
	p      *panel.Panel
	truth  Truth
	losses map[string]map[[2]int]float64 // pinball by method and cell
}

// NewWay is an empty Way.
func NewWay(p *panel.Panel, truth Truth) *Way {
	return &Way{p: p, truth: truth, losses: map[string]map[[2]int]float64{}}
}

// Add takes what the method gave at origin, as Sheet.Add does. Of a month that
// several origins forecast, the last one counts.
func (w *Way) Add(name string, origin, horizon int, ds []forecast.Distribution) {
	if w.losses[name] == nil {
		w.losses[name] = map[[2]int]float64{}
	}
	for i := range w.p.N() {
		for step := range min(horizon, w.p.T-origin) {
			cell := [2]int{i, origin + step}
			if _, known := w.truth[cell]; known && w.p.Availability[w.p.At(i, cell[1])] >= forecast.FullyAvailable {
				w.losses[name][cell] = loss(ds[i*horizon+step], float64(w.p.Sales[w.p.At(i, cell[1])]))
			}
		}
	}
}

func loss(d forecast.Distribution, y float64) (sum float64) {
	q := d.Quantiles()
	for k, level := range forecast.Levels {
		sum += forecast.Pinball(level, y, q[k]) / float64(len(forecast.Levels))
	}
	return sum
}

// Share is how far a forecast went in a group of product-months.
type Share struct {
	Group    string  `json:"group"`
	Cells    int     `json:"cells"`
	Simple   float64 `json:"simple"` // mean pinball losses, copies
	Forecast float64 `json:"forecast"`
	Floor    float64 `json:"floor"` // of the truth
	// Way is (simple − forecast) / (simple − floor), with its standard error over
	// products; 0 in a group where there is no way to go.
	Way      float64 `json:"way"`
	WayError float64 `json:"way_error"`
}

// Shares are the ways of the forecast from the simple method to the truth,
// over all product-months, then by group; groups without one are left out.
func (w *Way) Shares(simple, forecast string) (shares []Share) {
	for _, group := range []string{All, Launched, SoldOut, Hit, Rest} {
		s := Share{Group: group}
		gone, all := make([]float64, w.p.N()), make([]float64, w.p.N())
		for i := range w.p.N() {
			for t := range w.p.T {
				cell := [2]int{i, t}
				from, ok := w.losses[simple][cell]
				if !ok || !w.in(group, cell) {
					continue
				}
				to, floor := w.losses[forecast][cell], loss(w.truth[cell], float64(w.p.Sales[w.p.At(i, t)]))
				s.Cells++
				s.Simple, s.Forecast, s.Floor = s.Simple+from, s.Forecast+to, s.Floor+floor
				gone[i] += from - to
				all[i] += from - floor
			}
		}
		if s.Cells == 0 {
			continue
		}
		s.finish(gone, all)
		shares = append(shares, s)
	}
	return shares
}

// finish turns sums into means; the error is that of a ratio of sums over
// products, linearised.
func (s *Share) finish(gone, all []float64) {
	if whole := s.Simple - s.Floor; whole > 0 {
		s.Way = (s.Simple - s.Forecast) / whole
		var squares float64
		for i := range gone {
			d := gone[i] - s.Way*all[i]
			squares += d * d
		}
		s.WayError = math.Sqrt(squares) / whole
	}
	n := float64(s.Cells)
	s.Simple, s.Forecast, s.Floor = s.Simple/n, s.Forecast/n, s.Floor/n
}

// in says whether a product-month belongs to a group.
func (w *Way) in(group string, cell [2]int) bool {
	i, t := cell[0], cell[1]
	first := launched(w.p, i, t)
	switch group {
	case Launched:
		return first > 0 && t-first < launchMonths
	case SoldOut:
		for back := 1; back <= soldOutMonths && t-back > first; back++ {
			if w.p.Availability[w.p.At(i, t-back)] <= 0 {
				return true
			}
		}
		return false
	case Hit:
		var sold, months float64
		for m := range t {
			if at := w.p.At(i, m); w.p.Availability[at] > 0 {
				sold, months = sold+float64(w.p.Sales[at]), months+1
			}
		}
		return sold > 0 && w.truth[cell].Expected >= hitTimes*sold/months
	case Rest:
		return !w.in(Launched, cell) && !w.in(SoldOut, cell) && !w.in(Hit, cell)
	}
	return true
}
