package regression

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDigamma(t *testing.T) {
	// Abramowitz and Stegun, table 6.1 and 6.3.
	require.InDelta(t, -0.5772156649015329, Digamma(1), 1e-13)
	require.InDelta(t, -1.9635100260214235, Digamma(0.5), 1e-13)
	require.InDelta(t, 2.2517525890667212, Digamma(10), 1e-12)
	require.InDelta(t, -100.56088545786868, Digamma(0.01), 1e-10)
}

func TestRisingLogAgreesWithTheGammaFunction(t *testing.T) {
	for _, y := range []int{0, 1, 5, 12, 13, 200} {
		for _, r := range []float64{0.02, 0.7, 3, 140} {
			value, derivative := RisingLog(y, r)
			require.InDelta(t, LogGamma(float64(y)+r)-LogGamma(r), value, 1e-9)
			require.InDelta(t, Digamma(float64(y)+r)-Digamma(r), derivative, 1e-9)
		}
	}
}

func TestLogLikelihoodDerivatives(t *testing.T) {
	const h = 1e-6
	for _, y := range []int{0, 1, 4, 30} {
		for _, eta := range []float64{-3, 0.2, 2.5} {
			for _, zeta := range []float64{-2, 0.1, 3} {
				_, dEta, dZeta := LogLikelihood(y, eta, zeta)
				up, _, _ := LogLikelihood(y, eta+h, zeta)
				down, _, _ := LogLikelihood(y, eta-h, zeta)
				require.InDelta(t, (up-down)/(2*h), dEta, 1e-5)
				up, _, _ = LogLikelihood(y, eta, zeta+h)
				down, _, _ = LogLikelihood(y, eta, zeta-h)
				require.InDelta(t, (up-down)/(2*h), dZeta, 1e-5)
			}
		}
	}
}

func TestMinimizeFindsRosenbrocksValley(t *testing.T) {
	rosenbrock := func(grad, x []float64) (value float64) {
		clear(grad)
		for i := range len(x) - 1 {
			a, b := 1-x[i], x[i+1]-x[i]*x[i]
			value += a*a + 100*b*b
			grad[i] += -2*a - 400*x[i]*b
			grad[i+1] += 200 * b
		}
		return value
	}
	x := []float64{-1.2, 1, -0.5, 2, 0}
	Minimize(rosenbrock, x, 500)
	for _, v := range x {
		require.InDelta(t, 1, v, 1e-3)
	}
}

func TestMinimizeStopsOnWhatIsNotFinite(t *testing.T) {
	x := []float64{1}
	value := Minimize(func(grad, _ []float64) float64 { grad[0] = 1; return math.NaN() }, x, 5)
	require.True(t, math.IsNaN(value))
	require.Equal(t, []float64{1}, x)
}
