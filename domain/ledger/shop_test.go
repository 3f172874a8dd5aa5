package ledger_test

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/catalog"
	"github.com/plastinka/predictor/domain/intake"
	"github.com/plastinka/predictor/domain/ledger"
	"github.com/plastinka/predictor/domain/simulation"
)

// shop is a simulated shop and the days of its months.
type shop struct {
	*simulation.Shop
	first, until calendar.Day
}

func newShop(t testing.TB, products, months int, seed uint64) shop {
	t.Helper()
	s, err := simulation.New(simulation.Options{Products: products, Months: months, First: calendar.MonthOf(2023, 11), Seed: seed})
	require.NoError(t, err)
	return shop{s, s.Options.First.First(), s.Until()}
}

// id makes products' ids run against the order of the editions.
func (s shop) id(edition int) catalog.ID { return catalog.ID(3 * (len(s.Editions) - edition)) }

func (s shop) ids() iter.Seq2[catalog.ID, int] {
	return func(yield func(catalog.ID, int) bool) {
		for i := range s.Editions {
			if !yield(s.id(i), i) {
				return
			}
		}
	}
}

// uploaded is an upload of a shop's files, up to the facts.
type uploaded struct {
	rows *intake.Rows
	plan *ledger.Plan
	book *ledger.Book
}

func (u uploaded) months() []ledger.MonthFacts { return slices.Collect(u.book.Months()) }

// upload is what the shop's files of the days from … snapshot−1 say: one sales
// file a month, or, given rng, rows and files in any order.
func (s shop) upload(t testing.TB, from, snapshot calendar.Day, rng *rand.Rand) uploaded {
	t.Helper()
	rows, products := s.rows(from, snapshot, rng)
	return s.process(t, rows, products, from, snapshot)
}

func (s shop) process(t testing.TB, rows *intake.Rows, products []catalog.ID, from, snapshot calendar.Day) uploaded {
	t.Helper()
	have := map[calendar.Month]bool{}
	for _, sale := range rows.Sales {
		have[sale.Sold.Month()] = true
	}
	var empty []calendar.Month
	for m := from.Month(); m <= (snapshot - 1).Month(); m++ {
		if !have[m] {
			empty = append(empty, m)
		}
	}
	plan, err := ledger.NewPlan(rows, ledger.Options{Today: snapshot, Snapshot: &snapshot, EmptyMonths: empty})
	require.NoError(t, err)
	return uploaded{rows, plan, ledger.NewBook(plan, rows, products)}
}

// rows are the shop's rows with a raw record for each edition and price.
func (s shop) rows(from, snapshot calendar.Day, rng *rand.Rand) (*intake.Rows, []catalog.ID) {
	rows := &intake.Rows{Files: []intake.FileReport{{Name: "stock.csv", Role: intake.StockFile}}}
	index := map[[2]int]int32{}
	var products []catalog.ID
	record := func(r simulation.Row) int32 {
		key := [2]int{r.Edition, r.Price}
		i, ok := index[key]
		if !ok {
			i = int32(len(rows.Records))
			index[key] = i
			rows.Records = append(rows.Records, catalog.Raw{Artist: r.Artist, Album: r.Album, Barcode: fmt.Sprint(r.Edition)})
			products = append(products, s.id(r.Edition))
		}
		return i
	}
	stock, sales := s.Stock(snapshot), s.Sales(from, snapshot)
	if rng != nil {
		rng.Shuffle(len(stock), func(i, j int) { stock[i], stock[j] = stock[j], stock[i] })
		rng.Shuffle(len(sales), func(i, j int) { sales[i], sales[j] = sales[j], sales[i] })
	}
	for i, r := range stock {
		rows.Lots = append(rows.Lots, intake.Lot{Record: record(r), Row: int32(i + 2), Count: int32(r.Count), Created: r.Created, Price: float64(r.Price)})
	}
	for m := from.Month(); m <= (snapshot - 1).Month(); m++ {
		rows.Files = append(rows.Files, intake.FileReport{Name: m.Short() + ".csv", Role: intake.SalesFile})
	}
	for i, r := range sales {
		file := 1 + int32(r.Sold.Month()-from.Month())
		if rng != nil {
			file = 1 + rng.Int32N(int32(len(rows.Files)-1))
		}
		rows.Sales = append(rows.Sales, intake.Sale{Record: record(r), File: file, Row: int32(i + 2), Created: r.Created, Sold: r.Sold, Price: float64(r.Price)})
	}
	return rows, products
}

// TestR20EveryDaysStockFollowsFromTheFacts moves many shops copy by copy and
// reconstructs every day of them from the files of a part of their months,
// with the stock counted on any day of the last.
func TestR20EveryDaysStockFollowsFromTheFacts(t *testing.T) {
	for seed := range uint64(60) {
		rng := rand.New(rand.NewPCG(seed, 1))
		s := newShop(t, 25, 5, seed)
		from := (s.Options.First + calendar.Month(rng.IntN(4))).First()
		last := s.Options.First + 4
		snapshot := last.First() + 1 + calendar.Day(rng.IntN(last.Days()))
		u := s.upload(t, from, snapshot, rng)
		requireTruth(t, s, u.months(), u.book.Held(), from, snapshot)
		requirePrices(t, s, u.book, from, snapshot)
	}
}

// requireTruth compares the law of every day, as the stored tables give it,
// with the copies.
func requireTruth(t *testing.T, s shop, months []ledger.MonthFacts, held []ledger.Holding, from, snapshot calendar.Day) {
	t.Helper()
	tables := newTables(t, months, held)
	for id, edition := range s.ids() {
		stock, started := 0, false
		for d := from; d < snapshot; d++ {
			truth := s.On(edition, d)
			if d == d.Month().First() {
				opening := tables.opening[at{id, d}]
				require.True(t, !started || stock == opening, "R20 over the month's end, %s", d)
				stock, started = opening, true
			}
			sold, moved := tables.sales[at{id, d}], tables.moved[at{id, d}]
			if got := (simulation.DayTruth{Opening: stock, Arrivals: moved + sold, Sales: sold}); got != truth {
				require.Equal(t, truth, got, "product %d on %s", id, d)
			}
			stock += moved
		}
		require.Equal(t, stock, tables.held[id], "opening(p,S) is what was counted")
		require.Equal(t, stock, s.On(edition, snapshot).Opening)
	}
}

type at struct {
	id  catalog.ID
	day calendar.Day
}

type tables struct {
	opening, sales, moved map[at]int
	held                  map[catalog.ID]int
}

// newTables reads facts into maps, and sees that they are in order, each once,
// and never zero.
func newTables(t *testing.T, months []ledger.MonthFacts, held []ledger.Holding) tables {
	t.Helper()
	tb := tables{map[at]int{}, map[at]int{}, map[at]int{}, map[catalog.ID]int{}}
	for _, m := range months {
		previous := catalog.ID(0)
		for _, h := range m.Openings {
			require.Positive(t, h.Value)
			require.Greater(t, h.Product, previous)
			previous, tb.opening[at{h.Product, m.Month.Month.First()}] = h.Product, h.Value
		}
		read := func(facts []ledger.Fact, into map[at]int) {
			require.True(t, slices.IsSortedFunc(facts, func(a, b ledger.Fact) int {
				if a.Product != b.Product {
					return int(a.Product - b.Product)
				}
				return int(a.Day - b.Day)
			}))
			for _, f := range facts {
				require.Equal(t, m.Month.Month, f.Day.Month())
				require.NotZero(t, f.Value)
				require.NotContains(t, into, at{f.Product, f.Day})
				into[at{f.Product, f.Day}] = f.Value
			}
		}
		read(m.Sales, tb.sales)
		read(m.Movements, tb.moved)
	}
	for _, h := range held {
		require.Positive(t, h.Value)
		tb.held[h.Product] = h.Value
	}
	return tb
}

func requirePrices(t *testing.T, s shop, book *ledger.Book, from, snapshot calendar.Day) {
	t.Helper()
	sums, copies := map[int]int{}, map[int]int{}
	for _, c := range s.Copies {
		if c.Arrived < snapshot && c.Sold >= from {
			sums[int(c.Edition)] += int(c.Price)
			copies[int(c.Edition)]++
		}
	}
	for id, edition := range s.ids() {
		if copies[edition] > 0 {
			require.InEpsilon(t, float64(sums[edition])/float64(copies[edition]), book.Price(id), 1e-12)
		}
	}
	require.Zero(t, book.Price(-1))
}

// TestR20UploadsInTurn: a history that is uploaded month by month, each with
// the stock of its end, equals the one uploaded at once, and a later stock
// file says the same about earlier days.
func TestR20UploadsInTurn(t *testing.T) {
	for seed := range uint64(10) {
		s := newShop(t, 30, 4, seed)
		var turn []ledger.MonthFacts
		for k := range 4 {
			m := s.Options.First + calendar.Month(k)
			u := s.upload(t, m.First(), (m + 1).First(), nil)
			turn = append(turn, u.months()...)
		}
		whole := s.upload(t, s.first, s.until, nil)
		require.Equal(t, whole.months(), turn)
		requireTruth(t, s, turn, whole.book.Held(), s.first, s.until)
	}
}

// TestR20FactsOfAKnownDay: the small print of the law on one product.
func TestR20FactsOfAKnownDay(t *testing.T) {
	u := newUpload(t).
		lot("Pier", "2023-12-31", 2, 100). // on the shelf before, and at the end
		lot("Pier", "2024-01-01", 1, 400). // arrives on the first day
		sale("jan.csv", "Pier", "2023-06-01", "2024-01-01", 100, 1).
		sale("jan.csv", "Pier", "2024-01-05", "2024-01-05", 100, 1). // the same day
		sale("jan.csv", "Pier", "2024-01-20", "2024-01-10", 100, 1). // R11: arrives on the 10th
		sale("jan.csv", "Kite", "2024-01-07", "2024-01-31", 100, 2)
	p := u.plan(ledger.Options{})
	book := ledger.NewBook(p, u.rows, u.ids())
	all := slices.Collect(book.Months())
	require.Len(t, all, 1)
	fact := func(id catalog.ID, on string, n int) ledger.Fact {
		return ledger.Fact{Product: id, Day: day(t, on), Value: n}
	}
	require.Equal(t, []ledger.Holding{{Product: 1, Value: 3}}, all[0].Openings)
	require.Equal(t, []ledger.Fact{fact(1, "2024-01-01", 1), fact(1, "2024-01-05", 1), fact(1, "2024-01-10", 1), fact(2, "2024-01-31", 2)}, all[0].Sales)
	require.Equal(t, []ledger.Fact{fact(2, "2024-01-07", 2), fact(2, "2024-01-31", -2)}, all[0].Movements, "days without a movement are not stored")
	require.Equal(t, []ledger.Holding{{Product: 1, Value: 3}}, book.Held())
	require.InDelta(t, (2*100+400+3*100)/6.0, book.Price(1), 1e-12, "lots weighted by count")
	require.InDelta(t, 100, book.Price(2), 1e-12)
}

func TestR20SeveralRecordsAreOneProduct(t *testing.T) {
	u := newUpload(t).lot("Pier", "2023-12-31", 2, 100).lot("Pier, again", "2023-12-31", 1, 100).
		sale("jan.csv", "Pier", "2024-01-03", "2024-01-05", 100, 1).sale("jan.csv", "Pier, again", "2024-01-03", "2024-01-05", 100, 1)
	book := ledger.NewBook(u.plan(ledger.Options{}), u.rows, []catalog.ID{8, 8})
	m := slices.Collect(book.Months())[0]
	require.Equal(t, []ledger.Holding{{Product: 8, Value: 3}}, m.Openings)
	require.Equal(t, []ledger.Fact{{Product: 8, Day: day(t, "2024-01-05"), Value: 2}}, m.Sales)
	require.Equal(t, []ledger.Holding{{Product: 8, Value: 3}}, book.Held())
}

func TestMonthsMayBeLeftEarlyAndAskedAgain(t *testing.T) {
	s := newShop(t, 10, 3, 1)
	u := s.upload(t, s.first, s.until, nil)
	for m := range u.book.Months() {
		require.Equal(t, s.Options.First, m.Month.Month)
		break
	}
	require.Len(t, u.months(), 3)
	require.Equal(t, u.months(), u.months())
}

// BenchmarkReconstruction is a year of 120,000 sales with 40,000 lots, from
// rows to the facts of all its months.
func BenchmarkReconstruction(b *testing.B) {
	s := newShop(b, 31_000, 12, 1)
	rows, products := s.rows(s.first, s.until, nil)
	b.ReportAllocs()
	for b.Loop() {
		u := s.process(b, rows, products, s.first, s.until)
		facts := 0
		for m := range u.book.Months() {
			facts += len(m.Sales) + len(m.Movements) + len(m.Openings)
		}
		b.ReportMetric(float64(facts), "facts")
	}
	b.ReportMetric(float64(len(rows.Sales)), "sales")
	b.ReportMetric(float64(len(rows.Lots)), "lots")
}
