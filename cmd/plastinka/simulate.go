package main

import (
	"context"
	"path/filepath"
	"time"

	"github.com/plastinka/predictor/adapters/cli"
	"github.com/plastinka/predictor/adapters/simulate"
	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/simulation"
)

// simulateShop writes a shop whose last month ends at the end of 2025, so that
// the same options make the same files on any day.
func simulateShop(ctx context.Context, o cli.SimulateOptions) (cli.Simulated, error) {
	after := calendar.MonthOf(2026, time.January)
	shop, err := simulation.New(simulation.Options{Products: o.Products, Months: o.Months, Seed: o.Seed, First: after - calendar.Month(o.Months)})
	if err != nil {
		return cli.Simulated{}, err
	}
	made := cli.Simulated{Snapshot: after.First(), Products: len(shop.Editions)}
	for _, c := range shop.Copies {
		if c.Sold >= shop.Options.First.First() && c.Sold < made.Snapshot {
			made.Sold++
		}
	}
	formats := []simulate.Format{simulate.Format(o.Format)}
	if o.Format == "all" {
		formats = simulate.Formats()
	}
	for _, f := range formats {
		dir := o.Dir
		if o.Format == "all" {
			dir = filepath.Join(o.Dir, string(f))
		}
		files, err := simulate.Write(ctx, dir, shop, made.Snapshot, f)
		if err != nil {
			return cli.Simulated{}, err
		}
		made.Stock, made.Sales = files.Stock, files.Sales
		made.Files = append(append(append(made.Files, files.Stock), files.Sales...), files.Truth...)
	}
	return made, nil
}
