package tide

import (
	"context"
	"encoding/csv"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/catalog"
	"github.com/plastinka/predictor/domain/forecast"
	"github.com/plastinka/predictor/domain/panel"
	"github.com/plastinka/predictor/domain/training"
	"github.com/stretchr/testify/require"
)

// carParts reads the public car-parts set: monthly sales of 2,674 parts; an
// empty cell is a missing month.
func carParts(t testing.TB) *panel.Panel {
	path := os.Getenv("PLASTINKA_CARPARTS")
	if path == "" {
		path = filepath.Join("..", "..", "..", "shared", "data", "carparts.csv")
	}
	f, err := os.Open(path)
	if err != nil {
		t.Skip("the car-parts set is not part of the repository: set PLASTINKA_CARPARTS to its path")
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	require.NoError(t, err)
	p := &panel.Panel{First: calendar.MonthOf(1998, time.January), T: len(rows[0]) - 1}
	for _, row := range rows[1:] {
		p.Products = append(p.Products, catalog.Product{Barcode: row[0]})
		for _, cell := range row[1:] {
			y, err := strconv.ParseFloat(cell, 32)
			known := float32(1)
			if cell == "" {
				known = 0
			} else {
				require.NoError(t, err)
			}
			p.Sales = append(p.Sales, float32(y))
			p.Availability = append(p.Availability, known)
			p.Confidence = append(p.Confidence, known)
		}
	}
	return p
}

// scoreMonths is the WQL over the deciles and the mean pinball loss over the five
// levels of forecasts one month ahead from each origin, over known months.
func scoreMonths(t testing.TB, m *Model, p *panel.Panel, from, to int) (wql, five float64) {
	var deciles, sold, cells float64
	for origin := from; origin < to; origin++ {
		ds, err := m.Forecast(context.Background(), p, origin, 1)
		require.NoError(t, err)
		for i, d := range ds {
			at := p.At(i, origin)
			if p.Availability[at] <= 0 {
				continue
			}
			y := float64(p.Sales[at])
			for k := 1; k < 10; k++ {
				q := float64(k) / 10
				deciles += 2 * forecast.Pinball(q, y, d.Quantile(q)) / 9
			}
			for k, v := range d.Quantiles() {
				five += forecast.Pinball(forecast.Levels[k], y, v) / 5
			}
			sold += y
			cells++
		}
	}
	return deciles / sold, five / cells
}

// TestCarParts: one month ahead over the last 12 months, trained once on the
// 39 before. All zeros score 1 and 0.2085, the shrunk histogram 0.8425 and
// 0.1472.
func TestCarParts(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	p := carParts(t)
	e := New(Options{})
	c := training.DefaultStandard()
	fit := training.Fit{Config: c, Origin: 39, Horizon: 1, Validation: c.ValidationMonths, Seed: c.Seed}
	began := time.Now()
	_, first, err := e.Fit(context.Background(), p, fit, nil)
	require.NoError(t, err)
	fit.Validation, fit.Epochs = 0, max(1, int(1.1*float64(first.BestEpoch)))
	m, second, err := e.Fit(context.Background(), p, fit, nil)
	require.NoError(t, err)
	t.Logf("phase 1 %+v, phase 2 %+v, %v", first, second, time.Since(began))
	wql, five := scoreMonths(t, m.(*Model), p, 39, 51)
	t.Logf("WQL %.4f, pinball_five %.4f", wql, five)
	require.Less(t, wql, 0.845)
	require.Less(t, five, 0.1480)
}
