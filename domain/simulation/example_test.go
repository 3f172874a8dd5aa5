package simulation_test

import (
	"fmt"

	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/simulation"
)

// A shop of three months: the files that it would export, and what its first
// record really did.
func ExampleNew() {
	shop, err := simulation.New(simulation.Options{Products: 50, Months: 3, First: calendar.MonthOf(2024, 1), Seed: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	snapshot := shop.Until()
	stock, sales := shop.Stock(snapshot), shop.Sales(shop.Options.First.First(), snapshot)
	fmt.Println(len(stock) > 0, len(sales) > 0, snapshot)
	fmt.Println(simulation.SalesHeader(simulation.English))

	january := shop.In(0, shop.Options.First, snapshot)
	fmt.Println(january.Month.Short(), january.Days, january.Available <= january.Days)
	// Output:
	// true true 2024-04-01
	// [Barcode Artist Album Cover Price Type Recording year Release year Style Created Sold]
	// 2024-01 31 true
}
