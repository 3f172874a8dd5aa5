package app_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/plastinka/predictor/app"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/forecast"
	"github.com/plastinka/predictor/domain/panel"
	"github.com/plastinka/predictor/domain/training"
	"github.com/stretchr/testify/require"
)

// wide writes a panel as an evaluation's CSV.
func wide(p *panel.Panel) string {
	var b strings.Builder
	b.WriteString("series")
	for t := range p.T {
		b.WriteString("," + p.Month(t).Short())
	}
	for i, product := range p.Products {
		b.WriteString("\n" + product.Barcode)
		for t := range p.T {
			b.WriteByte(',')
			if at := p.At(i, t); p.Availability[at] > 0 {
				fmt.Fprint(&b, p.Sales[at])
			}
		}
	}
	return b.String() + "\n"
}

func evaluation(t *testing.T, p *panel.Panel) app.Evaluation {
	read, err := app.ReadPanel(strings.NewReader(wide(p)), "panel.csv", strings.NewReader("series,style\n0,Rock\n1,Pop\n"), "products.csv")
	require.NoError(t, err)
	require.Equal(t, "Pop", read.Products[1].Style)
	return app.Evaluation{Panel: read, Config: training.DefaultStandard(), Engine: "baseline", Horizon: 1, Origins: 1, Seed: 1}
}

func TestEvaluate(t *testing.T) {
	tasks := &app.Tasks{Engines: []engineOf{newLearning(t)}, Clock: fixedClock{}}
	p := madeUp(50, 34, 3)
	for _, c := range []struct {
		engine, method   string
		horizon, origins int
		refit            app.Refit
		chosen           string
	}{
		{"baseline", "", 1, 4, "", "shrunk-histogram"},
		{"baseline", "croston", 3, 1, app.RefitOnce, "croston"},
		{"baseline", "regression", 2, 2, app.RefitEvery, "regression"},
		{"tide", "", 1, 2, app.RefitOnce, "tide"},
		{"ensemble", "", 1, 2, app.RefitEvery, "ensemble"},
	} {
		e := evaluation(t, p)
		e.Engine, e.Method, e.Horizon, e.Origins, e.Refit = c.engine, c.method, c.horizon, c.origins, c.refit
		e.Quantiles = []float64{0.9, 0.1}
		got, err := tasks.Evaluate(t.Context(), e, nil)
		require.NoError(t, err, c.engine)
		require.Equal(t, c.chosen, got.Table.Chosen)
		held := c.horizon + c.origins - 1
		require.Len(t, got.Table.Origins, held)
		require.Equal(t, p.Month(p.T-1), got.Table.Origins[held-1])
		require.Len(t, got.Forecasts, 50*held, "every series and held month")
		require.Equal(t, []float64{0.1, 0.9}, got.Quantiles)
		cells := 0
		for i := range p.N() {
			for o := range c.origins {
				for k := range c.horizon {
					if p.Availability[p.At(i, p.T-held+o+k)] > 0 {
						cells++
					}
				}
			}
		}
		require.Equal(t, cells, got.Table.Cells)
		for _, f := range got.Forecasts {
			require.LessOrEqual(t, f.Quantiles[0], f.Quantiles[1])
		}
		var out bytes.Buffer
		require.NoError(t, got.WriteForecasts(&out))
		lines := strings.Split(out.String(), "\n")
		require.Equal(t, "series,month,0.1,0.9", lines[0])
		require.Regexp(t, `^0,20\d\d-\d\d,[0-9.]+,[0-9.]+$`, lines[1])
		require.Len(t, lines, 50*held+2)
	}
}

// TestEvaluateScoresZeroAsKnown: the table's figures by hand for the forecast
// of nothing: WQL 1, pinball half the mean sales.
func TestEvaluateScoresZeroAsKnown(t *testing.T) {
	e := evaluation(t, madeUp(30, 26, 3))
	e.Method, e.Horizon = "zero", 2
	got, err := (&app.Tasks{Clock: fixedClock{}}).Evaluate(t.Context(), e, nil)
	require.NoError(t, err)
	var sold, n float64
	for i := range e.Panel.N() {
		for m := 24; m < 26; m++ {
			if at := e.Panel.At(i, m); e.Panel.Availability[at] > 0 {
				sold += float64(e.Panel.Sales[at])
				n++
			}
		}
	}
	row := got.Table.Rows[0]
	require.Equal(t, forecast.BacktestRow{Method: "zero", Class: "all"}, forecast.BacktestRow{Method: row.Method, Class: row.Class})
	require.InDelta(t, 1, row.WQL, 1e-12)
	require.InDelta(t, sold/n/2, row.Pinball, 1e-12)
	require.InDelta(t, -sold/n, row.Bias, 1e-12)
}

func TestEvaluateRefuses(t *testing.T) {
	tasks := &app.Tasks{Engines: []engineOf{newLearning(t)}, Clock: fixedClock{}}
	for text, change := range map[string]func(*app.Evaluation){
		"must be at least 1":           func(e *app.Evaluation) { e.Horizon = 0 },
		"must be once or every":        func(e *app.Evaluation) { e.Refit = "never" },
		"between 0 and 1":              func(e *app.Evaluation) { e.Quantiles = []float64{0, 0.5} },
		`no method "magic"`:            func(e *app.Evaluation) { e.Method = "magic" },
		`no engine "oracle"`:           func(e *app.Evaluation) { e.Engine = "oracle" },
		"with the engine baseline":     func(e *app.Evaluation) { e.Engine, e.Method = "tide", "zero" },
		"need more than 20 months":     func(e *app.Evaluation) { e.Origins = 20 },
		"lags is 0, must be between 1": func(e *app.Evaluation) { e.Config.Lags = 0 },
	} {
		e := evaluation(t, madeUp(5, 20, 3))
		change(&e)
		_, err := tasks.Evaluate(t.Context(), e, nil)
		require.Equal(t, fault.Invalid, fault.KindOf(err), text)
		require.ErrorContains(t, err, text)
	}
}
