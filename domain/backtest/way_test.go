package backtest_test

import (
	"strings"
	"testing"

	"github.com/plastinka/predictor/domain/backtest"
	"github.com/plastinka/predictor/domain/forecast"
	"github.com/stretchr/testify/require"
)

// TestWay: a small shop of which the truth is known, with a launch, a product
// that was sold out, a hit, and one to which nothing happened.
func TestWay(t *testing.T) {
	p := of([][]float32{
		{0, 0, 0, 0, 4, 4}, // launched in the last month but one
		{2, 2, 2, 0, 2, 2}, // sold out in month 3
		{1, 1, 1, 1, 1, 6}, // a hit
		{2, 2, 2, 2, 2, 2},
		{2, 2, 2, 2, 2, 2}, // half available: not scored
		{2, 2, 2, 2, 2, 2}, // of unknown truth
	}, map[[2]int]float32{{0, 0}: 0, {0, 1}: 0, {0, 2}: 0, {0, 3}: 0, {1, 3}: 0, {4, 5}: 0.5})
	for i := range p.Products {
		p.Products[i].Barcode = string(rune('a' + i))
	}
	truth, err := backtest.ReadTruth(strings.NewReader("series,month,mean,size\na,2024-06,4,9\nb,2024-06,2,9\nc,2024-06,6,9\nd,2024-06,2,9\ne,2024-06,2,9\n"), "truth.csv", p)
	require.NoError(t, err)
	w := backtest.NewWay(p, truth)
	w.Add("zero", 5, 1, constant(p.N(), 0))
	exact := make([]forecast.Distribution, p.N())
	half := make([]forecast.Distribution, p.N())
	for i := range exact {
		exact[i] = truth[[2]int{i, 5}]
		half[i] = constant(1, 1)[0]
	}
	w.Add("truth", 5, 1, exact)
	w.Add("one", 5, 1, half)

	shares := w.Shares("zero", "truth")
	cells := map[string]int{}
	for _, s := range shares {
		cells[s.Group] = s.Cells
		require.InDelta(t, 1, s.Way, 1e-12, "the truth goes all of the way")
		require.InDelta(t, 0, s.WayError, 1e-12)
	}
	require.Equal(t, map[string]int{"all": 4, "launched": 1, "sold_out": 1, "hit": 1, "rest": 1}, cells)
	for _, s := range w.Shares("zero", "zero") {
		require.Zero(t, s.Way)
	}
	all := w.Shares("zero", "one")[0]
	require.InDelta(t, (4+2+6+2)/2.0/4, all.Simple, 1e-12)
	require.InDelta(t, (3+1+5+1)/2.0/4, all.Forecast, 1e-12)
	require.InDelta(t, (all.Simple-all.Forecast)/(all.Simple-all.Floor), all.Way, 1e-12)
	require.Positive(t, all.WayError)
}

func TestTruthIsChecked(t *testing.T) {
	p := of([][]float32{{1, 2}}, nil)
	p.Products[0].Barcode = "a"
	for text, says := range map[string]string{
		"":                                      "no truth below its header",
		"series,month,mu,size\n":                "must be series,month,mean,size",
		"series,month,mean,size\na,2024-02,1\n": "four columns",
		"series,month,mean,size\nb,2024-02,1,1\n":  `row 2 is "b,2024-02,1,1"`,
		"series,month,mean,size\na,2025-02,1,1\n":  "a month of the panel",
		"series,month,mean,size\na,2024-02,-1,1\n": "a mean from 0 on",
		"series,month,mean,size\na,2024-02,1,0\n":  "a size above 0",
		"series,month,mean,size\na,spring,1,1\n":   "row 2",
	} {
		_, err := backtest.ReadTruth(strings.NewReader(text), "truth.csv", p)
		require.ErrorContains(t, err, says)
		require.ErrorContains(t, err, "truth.csv")
	}
}
