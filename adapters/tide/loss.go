package tide

import (
	"math"

	"github.com/plastinka/predictor/domain/regression"
	"github.com/plastinka/predictor/domain/training"
)

// likelihood is what the network's outputs mean: the loss of one output step
// and its derivatives.
type likelihood interface {
	// loss returns the loss of the P outputs out when y came, and writes its
	// derivatives by them to grad, times scale. loga is the log of the exposure.
	loss(grad, out []float32, y, loga float32, scale float64) float64
}

// quantileLoss is Σ_q w_q·max((q−1)·e, q·e), e = y − ŷ_q, the weighted pinball
// loss (Koenker and Bassett 1978) of the quantiles at the levels.
type quantileLoss struct {
	levels, weights []float64
}

func (l quantileLoss) loss(grad, out []float32, y, _ float32, scale float64) (sum float64) {
	for i, q := range l.levels {
		e := float64(y) - float64(out[i])
		d := -q
		if e < 0 {
			d = 1 - q
		}
		sum -= l.weights[i] * d * e
		grad[i] = float32(d) * float32(l.weights[i]*scale)
	}
	return sum
}

// quantileWeights are an asymmetric Gaussian around the median: up to it
// exp(−½((q − 0.5)/(σ_l·0.5))²), above it 0.5 + 0.5·exp(−½((q − 0.5)/(σ_r·0.5))²).
func quantileWeights(levels []float64, c training.WeightsConfig) []float64 {
	weights := make([]float64, len(levels))
	bell := func(q, sigma float64) float64 {
		z := (q - 0.5) / (sigma * 0.5)
		return math.Exp(-0.5 * z * z)
	}
	for i, q := range levels {
		if q <= 0.5 {
			weights[i] = bell(q, c.SigmaLeft)
		} else {
			weights[i] = 0.5 + 0.5*bell(q, c.SigmaRight)
		}
	}
	return weights
}

// negativeBinomial is −log P(y) of the negative binomial with mean μ·e^loga and
// size r, μ = exp(clamp(o₁)) and r = exp(clamp(o₂)):
//
//	log P = log Γ(y+r) − log Γ(r) − log y! + y·log m + r·log r − (y + r)·log(m + r)
//	∂/∂log m = r(y − m)/(m + r)
//	∂/∂log r = r(ψ(y+r) − ψ(r) + log r − log(m + r) + 1 − (y + r)/(m + r))
//
// Clamped outputs have no gradient. y is rounded to whole copies.
type negativeBinomial struct{}

func (negativeBinomial) loss(grad, out []float32, y, loga float32, scale float64) float64 {
	eta, zeta := clampMean(out[0]), clampSize(out[1])
	logMean := eta + float64(loga)
	mean, size := math.Exp(logMean), math.Exp(zeta)
	n := math.Round(float64(y))
	logSum := math.Log(mean + size)
	rising, dRising := regression.RisingLog(int(n), size)
	if grad[0] = 0; eta == float64(out[0]) {
		grad[0] = float32(size * (mean - n) / (mean + size) * scale)
	}
	if grad[1] = 0; zeta == float64(out[1]) {
		grad[1] = float32(size * ((n+size)/(mean+size) - 1 + logSum - zeta - dRising) * scale)
	}
	return regression.LogGamma(n+1) - rising - n*(logMean-logSum) - size*(zeta-logSum)
}

func clampMean(o float32) float64 {
	return min(max(float64(o), regression.MinLogMean), regression.MaxLogMean)
}

func clampSize(o float32) float64 {
	return min(max(float64(o), regression.MinLogSize), regression.MaxLogSize)
}
