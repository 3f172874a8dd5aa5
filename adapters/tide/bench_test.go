package tide

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/catalog"
	"github.com/plastinka/predictor/domain/panel"
	"github.com/plastinka/predictor/domain/training"
)

// shop is a made-up shop: n products of different levels, some launched later,
// some months sold out.
func shop(n, months int) *panel.Panel {
	rng := rand.New(rand.NewPCG(11, uint64(n)))
	p := &panel.Panel{First: calendar.MonthOf(2018, time.January), T: months}
	pick := func(what string, k int) string { return fmt.Sprintf("%s %d", what, rng.IntN(k)) }
	for range n {
		year := 1955 + rng.IntN(65)
		p.Products = append(p.Products, catalog.Product{Style: pick("style", 16), CoverType: pick("cover", 6), ReleaseType: pick("release", 8),
			PriceCategory: pick("price", 8), RecordingDecade: fmt.Sprintf("%ds", year/10*10), ReleaseDecade: pick("decade", 7), RecordingYear: year})
		first, level, stocked := 0, math.Exp(rng.NormFloat64()-0.3), true
		if rng.IntN(3) == 0 {
			first = rng.IntN(months)
		}
		for t := range months {
			if rng.Float64() < 0.15 {
				stocked = !stocked
			}
			if t < first || !stocked && t > first {
				p.Sales, p.Availability, p.Confidence = append(p.Sales, 0), append(p.Availability, 0), append(p.Confidence, 0)
				continue
			}
			season := 1 + 0.4*math.Cos(2*math.Pi*float64(t-11)/12)
			p.Sales = append(p.Sales, float32(int(level*season*rng.ExpFloat64()+0.3)))
			p.Availability = append(p.Availability, float32(1-0.5*float64(rng.IntN(4)/3)))
			p.Confidence = append(p.Confidence, float32(0.2+0.8*rng.Float64()))
		}
	}
	return p
}

// benchmarkSteps measures training steps on a fit's own samples, forecasting
// and validation left out.
func benchmarkSteps(b *testing.B, c training.Config, products int) {
	p := shop(products, 48)
	for _, n := range []int{1, 2} {
		if n > runtime.NumCPU() {
			continue
		}
		b.Run(fmt.Sprintf("threads_%d", n), func(b *testing.B) {
			team := newTeam(n)
			defer team.close()
			t, err := prepare(p, training.Fit{Config: c, Origin: 48, Horizon: 1, Seed: 1}, New(Options{}).options, team)
			if err != nil {
				b.Fatal(err)
			}
			t.learner.restart(1)
			order := numbers(len(t.train.product))
			shuffle(order, 1, 0)
			r, size, at := t.rates(len(order)), c.Model.BatchSize, 0
			b.ReportAllocs()
			for b.Loop() {
				if at+size > len(order) {
					at = 0
				}
				t.learner.step(t.train, order[at:at+size], r.rate(), uint64(at))
				at += size
			}
			b.ReportMetric(float64(b.N*size)/b.Elapsed().Seconds(), "samples/s")
			b.ReportMetric(float64(t.train.layoutFlops(t.learner.layout)), "flop/sample")
		})
	}
}

// layoutFlops is what a sample costs forward and back, in the products alone.
func (x *samples) layoutFlops(l *layout) int {
	n := 0
	for _, t := range l.tensors {
		if len(t.shape) == 2 {
			n += 6 * t.size()
		}
	}
	return n
}

func BenchmarkTrainClassic(b *testing.B)  { benchmarkSteps(b, training.DefaultClassic(), 3000) }
func BenchmarkTrainStandard(b *testing.B) { benchmarkSteps(b, training.DefaultStandard(), 3000) }

// BenchmarkForecast is a classic Monte-Carlo forecast of 3,000 products: mixed
// passes, and with PlainDraws 500 single draws.
func BenchmarkForecast(b *testing.B) {
	p := shop(3000, 48)
	for _, plain := range []bool{false, true} {
		b.Run(fmt.Sprintf("plain_%v", plain), func(b *testing.B) {
			c := training.DefaultClassic()
			m, _, err := New(Options{PlainDraws: plain}).Fit(context.Background(), p, training.Fit{Config: c, Origin: 48, Horizon: 1, Epochs: 1}, nil)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if _, err := m.Forecast(context.Background(), p, 48, 1); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkMonteCarlo says what mixing is worth: the standard error of a
// forecast's five quantiles by the random numbers alone, with 500 plain draws
// and with the mixed passes that stand for them, in copies.
func BenchmarkMonteCarlo(b *testing.B) {
	p := shop(300, 48)
	c := training.DefaultClassic()
	c.Model.Epochs, c.RoundQuantiles = 10, false
	m, _, err := New(Options{}).Fit(context.Background(), p, training.Fit{Config: c, Origin: 48, Horizon: 1, Epochs: 10, Seed: 3}, nil)
	if err != nil {
		b.Fatal(err)
	}
	for _, plain := range []bool{false, true} {
		b.Run(fmt.Sprintf("plain_%v", plain), func(b *testing.B) {
			const repeats = 8
			var variance float64
			for b.Loop() {
				variance = 0
				sums, squares := make([]float64, 5*p.N()), make([]float64, 5*p.N())
				for r := range repeats {
					n := *m.(*Model).network
					n.Config.Seed = uint64(100 + r)
					again, err := New(Options{PlainDraws: plain}).FromNetwork(&n)
					if err != nil {
						b.Fatal(err)
					}
					ds, err := again.Forecast(context.Background(), p, 48, 1)
					if err != nil {
						b.Fatal(err)
					}
					for i, d := range ds {
						for k, q := range d.Quantiles() {
							sums[5*i+k] += q
							squares[5*i+k] += q * q
						}
					}
				}
				for i, s := range sums {
					variance += (squares[i] - s*s/repeats) / (repeats - 1) / float64(len(sums))
				}
			}
			b.ReportMetric(math.Sqrt(variance), "copies-error")
		})
	}
}

// BenchmarkInference is the classic network forward, without dropout, 256
// samples at a time on one thread.
func BenchmarkInference(b *testing.B) {
	p := shop(300, 48)
	c := training.DefaultClassic()
	team := newTeam(1)
	defer team.close()
	t, err := prepare(p, training.Fit{Config: c, Origin: 48, Horizon: 1, Seed: 1}, Options{}, team)
	if err != nil {
		b.Fatal(err)
	}
	t.learner.restart(1)
	order := numbers(256)
	for b.Loop() {
		t.learner.loss(t.train, order)
	}
	b.ReportMetric(256*float64(b.N)/b.Elapsed().Seconds(), "samples/s")
}
