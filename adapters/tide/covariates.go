package tide

import (
	"encoding/json"
	"math"

	"github.com/plastinka/predictor/domain/covariate"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/network"
	"github.com/plastinka/predictor/domain/panel"
	"github.com/plastinka/predictor/domain/training"
)

// featureSet is a fitted feature set: what a network was trained with and what
// it needs again for every forecast.
type featureSet interface {
	// widths are those of the past, future and static covariates.
	widths() (past, future, static int)
	// over makes the covariates of the samples of one panel whose origins lie
	// within from … to−1; add them to it first.
	over(p *panel.Panel, s network.Shape) covariates
	// prepare computes what belongs to the samples one by one.
	prepare(c covariates, x *samples)
	// first is the least origin that can be trained on.
	first(lookback int) int
	scaler() covariate.Scaler
	// Check says what is wrong with a feature set that was read.
	Check() error
}

// fitFeatures learns the feature set of a configuration from months [0, months).
func fitFeatures(p *panel.Panel, months int, c training.Config) (featureSet, error) {
	if c.FeatureSet == training.Classic {
		f, err := covariate.FitClassic(p, months, c.DataSet.Span)
		return classic{f}, err
	}
	f, err := covariate.FitStandard(p, months, c.DataSet.Exposure)
	if err == nil {
		f.SwitchOff(c.FeaturesOff)
	}
	return standard{f}, err
}

// readFeatures reads back what a network was trained with.
func readFeatures(n *network.Network) (featureSet, error) {
	var set featureSet
	var err error
	if n.FeatureSet == training.Classic {
		f := new(covariate.Classic)
		set, err = classic{f}, json.Unmarshal(n.Features, f)
	} else {
		f := new(covariate.Standard)
		set, err = standard{f}, json.Unmarshal(n.Features, f)
	}
	if err == nil {
		err = set.Check()
	}
	if err != nil {
		return nil, fault.New(fault.Invalid, "invalid_model_file", "the model's feature definition cannot be read: %v", err).Because(err)
	}
	return set, nil
}

// standard: past are availability and confidence, known in advance month and
// age, static the features at the origin.
type standard struct{ *covariate.Standard }

const standardPast = 2

func (f standard) widths() (past, future, static int) {
	return standardPast, covariate.FutureWidth, f.Width()
}

func (standard) first(int) int { return covariate.FirstTarget }

// scaler is log1p: a quantile network on these features forecasts that.
func (standard) scaler() covariate.Scaler { return covariate.Scaler{High: 1} }

func (f standard) over(p *panel.Panel, s network.Shape) covariates {
	x := &standardCovariates{p: p, set: f.Standard, lookbackMonths: s.Lookback, horizon: s.Horizon, first: covariate.First(p)}
	// The rows known in advance depend on the month and on the age alone, so two
	// products tell them all: one launched in month 1, one there from the start.
	x.old = make([]float32, (s.Lookback+p.T+s.Horizon)*covariate.FutureWidth)
	f.Future(x.old, p, 0, p.T+s.Horizon, -s.Lookback, p.T+s.Horizon)
	x.launched = make([]float32, (p.T+s.Horizon+1)*covariate.FutureWidth)
	f.Future(x.launched, p, 1, p.T+s.Horizon, 0, p.T+s.Horizon+1)
	return x
}

func (f standard) prepare(c covariates, x *samples) {
	s := c.(*standardCovariates)
	width := f.Width()
	s.static = make([]float32, len(x.product)*width)
	first, last := x.p.T+1, -1
	byOrigin := map[int][]int{}
	for i, o := range x.origin {
		byOrigin[int(o)] = append(byOrigin[int(o)], i)
		first, last = min(first, int(o)), max(last, int(o))
	}
	f.Origins(x.p, first, last+1, func(t int, rows []float32) {
		for _, i := range byOrigin[t] {
			copy(s.static[i*width:(i+1)*width], rows[int(x.product[i])*width:])
		}
	})
}

type standardCovariates struct {
	p                       *panel.Panel
	set                     *covariate.Standard
	lookbackMonths, horizon int
	first                   []int
	old                     []float32 // by month + lookback: of a product without a known launch
	launched                []float32 // by age + 1: of a launched one, but for the season
	static                  []float32 // by sample
}

// lookback: a month without availability is missing, which the mask says.
func (*standardCovariates) lookback(sales, availability float32) float32 {
	if availability <= 0 {
		return 0
	}
	return float32(math.Log1p(max(float64(sales), 0)))
}

func (s *standardCovariates) write(in *input, i, product, origin int) {
	start := origin - s.lookbackMonths
	for l := range s.lookbackMonths {
		past := in.Past(l)
		past[0], past[1] = 0, 0
		if start+l >= 0 {
			if at := s.p.At(product, start+l); s.p.Availability[at] > 0 {
				past[0], past[1] = s.p.Availability[at], s.p.Confidence[at]
			}
		}
	}
	const width = covariate.FutureWidth
	first := min(s.first[product], origin)
	for l := range s.lookbackMonths + s.horizon {
		t, row := start+l, in.Future(l)
		copy(row, s.old[(t+s.lookbackMonths)*width:][:width])
		if first > 0 {
			age := max(t-first, -1)
			copy(row[covariate.MonthWidth:], s.launched[(age+1)*width+covariate.MonthWidth:][:covariate.AgeWidth])
		}
	}
	copy(in.Static, s.static[i*len(in.Static):])
}

// classic: the Python service's covariates.
type classic struct{ *covariate.Classic }

func (f classic) widths() (past, future, static int) {
	return covariate.ClassicPast, covariate.ClassicFuture, f.Width()
}

func (classic) first(lookback int) int { return lookback }

func (f classic) scaler() covariate.Scaler { return f.Scaler }

func (f classic) over(p *panel.Panel, s network.Shape) covariates {
	x := &classicCovariates{set: f.Classic, p: p, lookbackMonths: s.Lookback, horizon: s.Horizon,
		history: f.History(p, p.T), static: make([]float32, p.N()*f.Width())}
	f.Static(x.static, p.Products)
	for t := -s.Lookback; t < p.T+s.Horizon; t++ {
		var row [covariate.ClassicFuture]float32
		f.Future(row[:], p, p.Month(t).Year(), t)
		x.known = append(x.known, row)
	}
	return x
}

func (classic) prepare(covariates, *samples) {}

type classicCovariates struct {
	set                     *covariate.Classic
	p                       *panel.Panel
	lookbackMonths, horizon int
	history                 *covariate.ClassicHistory
	known                   [][covariate.ClassicFuture]float32 // by month + lookback, as in the year of the recording
	static                  []float32                          // by product
}

func (c *classicCovariates) lookback(sales, _ float32) float32 {
	return float32(c.set.Scaler.Scale(float64(sales)))
}

func (c *classicCovariates) write(in *input, _, product, origin int) {
	start := origin - c.lookbackMonths
	for l := range c.lookbackMonths {
		if past := in.Past(l); start+l >= 0 {
			c.history.Row(past, product, start+l, origin)
		} else {
			clear(past)
		}
	}
	year := c.p.Products[product].RecordingYear
	for l := range c.lookbackMonths + c.horizon {
		row := in.Future(l)
		copy(row, c.known[start+l+c.lookbackMonths][:])
		if c.p.Month(start+l).Year() != year {
			row[3] = 0
		}
	}
	copy(in.Static, c.static[product*len(in.Static):])
}
