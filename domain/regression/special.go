package regression

import "math"

// The bounds of the linear predictors: mean = exp(clamp(·, −9, 6)) copies and
// size = exp(clamp(·, −4, 5)).
const (
	MinLogMean, MaxLogMean = -9, 6
	MinLogSize, MaxLogSize = -4, 5
)

// Digamma is ψ(x), the derivative of log Γ, for x > 0: the recurrence
// ψ(x) = ψ(x+1) − 1/x up to 8, then the asymptotic series (Abramowitz and
// Stegun 6.3.18). The error is below 1e-12.
func Digamma(x float64) float64 {
	var sum float64
	for x < 8 {
		sum -= 1 / x
		x++
	}
	i := 1 / (x * x)
	return sum + math.Log(x) - 0.5/x -
		i*(1.0/12-i*(1.0/120-i*(1.0/252-i*(1.0/240-i*(1.0/132-i*(691.0/32760))))))
}

// LogGamma is log Γ(x) for x > 0.
func LogGamma(x float64) float64 { v, _ := math.Lgamma(x); return v }

// smallCount is the count up to which sums over it are cheaper than series.
const smallCount = 12

// RisingLog is log Γ(y+r) − log Γ(r) and its derivative by r, for a count y ≥ 0
// and r > 0.
func RisingLog(y int, r float64) (value, derivative float64) {
	if y == 0 { // the usual case
		return 0, 0
	}
	if y <= smallCount {
		product := 1.0
		for i := range y {
			product *= r + float64(i)
			derivative += 1 / (r + float64(i))
		}
		return math.Log(product), derivative
	}
	n := float64(y)
	return LogGamma(n+r) - LogGamma(r), Digamma(n+r) - Digamma(r)
}

// LogLikelihood is the log-probability of y copies under a negative binomial of
// mean exp(eta) and size exp(zeta), but for −log y!, with its derivatives by eta
// and zeta. Predictors outside their bounds are clamped and their derivatives 0.
func LogLikelihood(y int, eta, zeta float64) (value, dEta, dZeta float64) {
	ce, cz := clamp(eta, MinLogMean, MaxLogMean), clamp(zeta, MinLogSize, MaxLogSize)
	mean, size := math.Exp(ce), math.Exp(cz)
	n := float64(y)
	logSum := math.Log(mean + size)
	rising, dRising := RisingLog(y, size)
	value = rising + n*(ce-logSum) + size*(cz-logSum)
	dEta = size * (n - mean) / (mean + size)
	dZeta = size * (dRising + cz - logSum + 1 - (n+size)/(mean+size))
	if ce != eta {
		dEta = 0
	}
	if cz != zeta {
		dZeta = 0
	}
	return value, dEta, dZeta
}

func clamp(x, low, high float64) float64 {
	if x < low {
		return low
	}
	if x > high {
		return high
	}
	return x
}
