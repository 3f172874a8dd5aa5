package baseline

import (
	"math"

	"github.com/plastinka/predictor/domain/forecast"
	"github.com/plastinka/predictor/domain/panel"
	"github.com/plastinka/predictor/domain/regression"
)

// The constants of the gamma–Poisson model.
const (
	priorMonths   = 2    // κ: months that the shop's mean counts
	dispersionOld = 0.95 // what a month says about the dispersion fades so
	rounds        = 20   // of learning how common each dispersion is
)

// dispersions are the values of 1/r at the shop's mean rate between which a
// product's own is uncertain; at another mean m it is so many times √(g/m).
var dispersions = [8]float64{0.1, 0.3, 1, 2, 4, 8, 16, 32}

// byDispersion has a number for each of dispersions.
type byDispersion [len(dispersions)]float64

// gammaPoisson is a rate with a gamma prior around the shop's mean g, learnt
// from the product's own discounted months, m = (S + κ·g)/(W + κ) with the sums
// of levels (at full availability; less of it, less is expected); sales scatter around m as a negative binomial whose dispersion is
// the product's own: each of dispersions has the probability that the product's
// past gives it, from a prior that is how common it is among the products
// (empirical Bayes, learnt by expectation maximisation). The forecast is the
// mixture.
func gammaPoisson(p *panel.Panel, origin, horizon int) []forecast.Distribution {
	out := make([]forecast.Distribution, p.N()*horizon)
	g := meanRate(p, origin)
	if g == 0 {
		return out
	}
	for step := range horizon {
		logs, means := make([]byDispersion, p.N()), make([]float64, p.N())
		for i := range p.N() {
			means[i] = pastFit(&logs[i], p, i, origin, step+1, g)
		}
		prior := learnPrior(logs)
		for i, m := range means {
			weights := posterior(&logs[i], &prior)
			ds := make([]forecast.Distribution, len(weights))
			for j, w := range weights {
				if w < 1e-3 {
					weights[j] = 0
					continue
				}
				ds[j] = forecast.NegativeBinomial(m, math.Exp(logSize(j, math.Log(m), g)))
			}
			out[i*horizon+step] = forecast.Mix(ds, weights[:])
		}
	}
	return out
}

// meanRate is g, the mean sales of a fully available month before origin.
func meanRate(p *panel.Panel, origin int) float64 {
	var sold, months float64
	for i := range p.N() {
		for t := range origin {
			if at := p.At(i, t); p.Availability[at] > 0 {
				sold += float64(count(p.Sales[at]))
				months += float64(p.Availability[at])
			}
		}
	}
	if months == 0 {
		return 0
	}
	return sold / months
}

// logSize is log r of dispersion j at a mean.
func logSize(j int, logMean, g float64) float64 {
	return (logMean-math.Log(g))/2 - math.Log(dispersions[j])
}

// pastFit adds up, for each dispersion, the log-likelihood of product i's past
// months given what was expected lead months before, and returns what is
// expected now.
func pastFit(logs *byDispersion, p *panel.Panel, i, origin, lead int, g float64) float64 {
	var sales, weight float64
	expected := make([]float64, 0, origin)
	for t := range origin {
		sales *= levelDecay
		weight *= levelDecay
		for j := range logs {
			logs[j] *= dispersionOld
		}
		if at := p.At(i, t); p.Availability[at] > 0 {
			y := count(p.Sales[at])
			if t > lead {
				logMean, exposure := math.Log(expected[t-lead]), math.Log(float64(p.Availability[at]))
				for j := range logs {
					v, _, _ := regression.LogLikelihood(y, logMean+exposure, logSize(j, logMean, g))
					logs[j] += v
				}
			}
			sales += float64(y)
			weight += float64(p.Availability[at])
		}
		expected = append(expected, (sales+priorMonths*g)/(weight+priorMonths))
	}
	return expected[origin-1]
}

// learnPrior is how common each dispersion is among the products.
func learnPrior(logs []byDispersion) (prior byDispersion) {
	for j := range prior {
		prior[j] = 1 / float64(len(prior))
	}
	for range rounds {
		var next byDispersion
		for i := range logs {
			for j, v := range posterior(&logs[i], &prior) {
				next[j] += v
			}
		}
		for j := range next {
			prior[j] = math.Max(next[j]/float64(len(logs)), 1e-6)
		}
	}
	return prior
}

// posterior are the probabilities of the dispersions, given the log-likelihoods
// of a product's past.
func posterior(logs, prior *byDispersion) (weights byDispersion) {
	top := math.Inf(-1)
	for _, l := range logs {
		top = math.Max(top, l)
	}
	var sum float64
	for j, l := range logs {
		weights[j] = prior[j] * math.Exp(l-top)
		sum += weights[j]
	}
	for j := range weights {
		weights[j] /= sum
	}
	return weights
}
