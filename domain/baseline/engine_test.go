package baseline_test

import (
	"context"
	"testing"

	"github.com/plastinka/predictor/domain/baseline"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/training"
	"github.com/stretchr/testify/require"
)

func TestNewEngine(t *testing.T) {
	e, err := baseline.NewEngine("")
	require.NoError(t, err)
	require.Equal(t, "baseline", e.Name())
	require.Equal(t, "shrunk-histogram", e.Method())
	_, err = baseline.NewEngine("magic")
	require.Equal(t, fault.Invalid, fault.KindOf(err))
	require.ErrorContains(t, err, `no method "magic"; the methods are adida, croston, gamma-poisson`)
}

// TestFitKeepsValidationMonthsUnseen: with months kept back, what is in them
// does not change the regression.
func TestFitKeepsValidationMonthsUnseen(t *testing.T) {
	e, err := baseline.NewEngine(baseline.Regression)
	require.NoError(t, err)
	const origin, kept = 20, 4
	p, changed := random(40, origin, 3), random(40, origin, 3)
	for i := range p.N() {
		changed.Sales[changed.At(i, origin-kept)] += 3
	}
	fit := training.Fit{Config: training.DefaultStandard(), Origin: origin, Horizon: 1, Validation: kept}
	a, _, err := e.Fit(t.Context(), p, fit, nil)
	require.NoError(t, err)
	b, _, err := e.Fit(t.Context(), changed, fit, nil)
	require.NoError(t, err)
	require.Equal(t, a, b)
	fit.Validation = 0
	b, _, err = e.Fit(t.Context(), changed, fit, nil)
	require.NoError(t, err)
	require.NotEqual(t, a, b)
}

func TestEngineRefusesWhatDoesNotFit(t *testing.T) {
	p := random(5, 10, 1)
	for _, method := range []string{"", baseline.Regression} {
		e, err := baseline.NewEngine(method)
		require.NoError(t, err)
		for _, fit := range []training.Fit{{Origin: 11, Horizon: 1}, {Origin: -1, Horizon: 1}, {Origin: 10}, {Origin: 10, Horizon: 1, Validation: 11}} {
			_, _, err := e.Fit(t.Context(), p, fit, nil)
			require.Equal(t, fault.Internal, fault.KindOf(err))
		}
		m, _, err := e.Fit(t.Context(), p, training.Fit{Origin: 10, Horizon: 1}, nil)
		require.NoError(t, err)
		for _, at := range [][2]int{{11, 1}, {-1, 1}, {10, 0}} {
			_, err = m.Forecast(t.Context(), p, at[0], at[1])
			require.ErrorContains(t, err, "does not suit a panel of 10 months")
		}
		stopped, cancel := context.WithCancel(t.Context())
		cancel()
		_, _, err = e.Fit(stopped, p, training.Fit{Origin: 10, Horizon: 1}, nil)
		require.Equal(t, fault.Cancelled, fault.KindOf(err))
		_, err = m.Forecast(stopped, p, 10, 1)
		require.ErrorIs(t, err, context.Canceled)
	}
}

func BenchmarkShrunkHistogram(b *testing.B) {
	p := random(10_000, 60, 1)
	m, err := baseline.Find(baseline.ShrunkHistogram)
	require.NoError(b, err)
	for b.Loop() {
		m.Forecast(p, p.T, 1)
	}
}

func BenchmarkGammaPoisson(b *testing.B) {
	p := random(10_000, 60, 1)
	m, err := baseline.Find("gamma-poisson")
	require.NoError(b, err)
	for b.Loop() {
		m.Forecast(p, p.T, 1)
	}
}

// BenchmarkRegression fits 2,674 products × 51 months, the size of the car
// parts.
func BenchmarkRegression(b *testing.B) {
	p := random(2674, 51, 1)
	e, err := baseline.NewEngine(baseline.Regression)
	require.NoError(b, err)
	for b.Loop() {
		_, _, err := e.Fit(b.Context(), p, training.Fit{Config: training.DefaultStandard(), Origin: p.T, Horizon: 1}, nil)
		require.NoError(b, err)
	}
}
