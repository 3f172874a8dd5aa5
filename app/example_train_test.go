package app_test

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/plastinka/predictor/adapters/clock"
	"github.com/plastinka/predictor/adapters/tide"
	"github.com/plastinka/predictor/app"
	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/training"
	"github.com/plastinka/predictor/ports"
)

// A model is trained, and forecasts the next month, in memory: no database, no
// files, no server. The panel is any table of monthly sales.
func ExampleTasks_Do() {
	var wide strings.Builder
	wide.WriteString("series")
	first := calendar.MonthOf(2023, 1)
	for t := range 30 {
		wide.WriteString("," + (first + calendar.Month(t)).Short())
	}
	for i := range 40 {
		fmt.Fprintf(&wide, "\nrecord %d", i)
		for t := range 30 {
			fmt.Fprintf(&wide, ",%d", (i*7+t*t*3)%(2+i%5)) // made up
		}
	}
	panel, err := app.ReadPanel(strings.NewReader(wide.String()), "sales.csv", nil, "")
	if err != nil {
		fmt.Println(err)
		return
	}

	tasks := app.Tasks{Engines: []ports.Engine{tide.New(tide.Options{})}, Clock: clock.System{}}
	result, err := tasks.Do(context.Background(), &training.Task{Kind: training.Train, Engine: "tide",
		Config: training.DefaultStandard(), Panel: panel, Horizon: 1, Seed: 1}, "", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(result.Forecasts), "forecasts of", result.Month.Short())
	for i, f := range result.Forecasts[:2] {
		// Five quantiles of next month's sales, and the whole distribution.
		fmt.Println(result.Products[i].Barcode, len(f.Quantiles), slices.IsSorted(f.Quantiles[:]), f.Distribution.Expected > 0)
	}
	// Output:
	// 40 forecasts of 2025-07
	// record 0 5 true true
	// record 1 5 true true
}
