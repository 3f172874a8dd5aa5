package app_test

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/plastinka/predictor/app"
	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/catalog"
	"github.com/plastinka/predictor/domain/forecast"
	"github.com/plastinka/predictor/domain/panel"
	"github.com/plastinka/predictor/domain/training"
	"github.com/stretchr/testify/require"
)

// shop is a made-up panel: products of several styles and rates, some launched
// later, some out of stock for a while.
func shop(products, months int, seed uint64) *panel.Panel {
	r := rand.New(rand.NewPCG(seed, 1))
	p := &panel.Panel{First: calendar.MonthOf(2020, 1), T: months}
	styles := []string{"Rock", "Pop", "Jazz"}
	for i := range products {
		p.Products = append(p.Products, catalog.Product{Barcode: string(rune('A'+i%26)) + time.Duration(i).String(), Style: styles[i%3]})
		p.IDs = append(p.IDs, catalog.ID(i+1))
		rate := math.Exp(r.NormFloat64() - 0.5)
		launch := 0
		if r.IntN(4) == 0 {
			launch = r.IntN(months)
		}
		for t := range months {
			a, y := float32(0), 0
			if t >= launch && r.IntN(8) > 0 {
				a = 1
				if r.IntN(6) == 0 {
					a = 0.5
				}
				mean := rate * float64(a) * (1 + 0.5*math.Cos(2*math.Pi*float64(t)/12)) * r.ExpFloat64()
				for x := r.ExpFloat64(); x < mean; x += r.ExpFloat64() {
					y++
				}
			}
			p.Sales = append(p.Sales, float32(y))
			p.Availability = append(p.Availability, a)
			p.Confidence = append(p.Confidence, a)
			p.Stock = append(p.Stock, 3*a)
		}
	}
	return p
}

type fixedClock struct{}

func (fixedClock) Now() time.Time      { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }
func (fixedClock) Today() calendar.Day { return calendar.DayOf(2026, 1, 2) }

// memoryBundle is a bundle whose files are values.
type memoryBundle struct {
	task   *training.Task
	result *training.Result
}

func (b *memoryBundle) WriteTask(_ context.Context, _ string, t *training.Task) error {
	b.task = t
	return nil
}
func (b *memoryBundle) ReadTask(context.Context, string) (*training.Task, error) { return b.task, nil }
func (b *memoryBundle) WriteResult(_ context.Context, _ string, r *training.Result) error {
	b.result = r
	return nil
}
func (b *memoryBundle) ReadResult(context.Context, string, string) (*training.Result, error) {
	return b.result, nil
}

func TestRunTaskTrainsTheBaseline(t *testing.T) {
	b := &memoryBundle{task: &training.Task{SchemaVersion: 1, Kind: training.Train, Engine: "baseline",
		Config: training.DefaultStandard(), Panel: shop(80, 30, 1), Horizon: 1}}
	tasks := &app.Tasks{Bundle: b, Clock: fixedClock{}}
	var last float64
	require.NoError(t, tasks.RunTask(t.Context(), "input.zip", t.TempDir()+"/output.zip", func(f float64, m string) {
		require.GreaterOrEqual(t, f, last, m)
		last = f
	}))
	r := b.result
	require.Len(t, r.Forecasts, 80)
	require.Equal(t, calendar.MonthOf(2022, 7), r.Month)
	require.Equal(t, "shrunk-histogram", r.Method)
	require.Equal(t, catalog.ID(80), r.Forecasts[79].Product)
	for _, name := range []string{"val_pinball", "val_relative_pinball", "val_MIWS", "val_MIC", "val_MIWS_MIC_Ratio", "train_pinball", "training_duration_seconds", "effective_epochs"} {
		require.Contains(t, r.Metrics, name)
	}
	require.Equal(t, 1.0, r.Metrics["val_relative_pinball"])
}

func TestRunTaskBacktest(t *testing.T) {
	p := shop(80, 30, 1)
	b := &memoryBundle{task: &training.Task{SchemaVersion: 1, Kind: training.Backtest, Engine: "baseline",
		Config: training.DefaultStandard(), Panel: p, Horizon: 1}}
	tasks := &app.Tasks{Bundle: b, Clock: fixedClock{}}
	require.NoError(t, tasks.RunTask(t.Context(), "input.zip", t.TempDir()+"/output.zip", nil))
	table := b.result.Backtest
	require.Len(t, table.Origins, 6)
	require.Equal(t, "shrunk-histogram", table.Chosen)
	for _, r := range table.Rows {
		if r.Class == "all" {
			t.Logf("%-18s %.4f %.4f ± %.4f cover %.2f %.2f", r.Method, r.Pinball, r.Difference, r.DifferenceError, r.Coverage50, r.Coverage90)
		}
	}
	_ = forecast.Levels
}
