package porttest_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plastinka/predictor/adapters/sqlite"
	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/ledger"
	"github.com/plastinka/predictor/ports"
	"github.com/plastinka/predictor/ports/porttest"
)

// Journal is a store of one's own: it tells of every month that was written,
// when it is there to stay, and leaves the keeping to the database behind it.
type Journal struct {
	ports.Database
	Tell func(calendar.Month)
}

// Facts tells of each month at once: a call for itself is a transaction.
func (j Journal) Facts() ports.Facts { return journalFacts{j.Database.Facts(), j.Tell} }

// Atomically tells when all has been committed. f may be called again: what an
// earlier call wrote is not told.
func (j Journal) Atomically(ctx context.Context, f func(ports.Stores) error) error {
	var written []calendar.Month
	err := j.Database.Atomically(ctx, func(s ports.Stores) error {
		written = nil
		return f(journalStores{s, func(m calendar.Month) { written = append(written, m) }})
	})
	if err != nil {
		return err
	}
	for _, m := range written {
		j.Tell(m)
	}
	return nil
}

type journalStores struct {
	ports.Stores
	tell func(calendar.Month)
}

func (s journalStores) Facts() ports.Facts { return journalFacts{s.Stores.Facts(), s.tell} }

type journalFacts struct {
	ports.Facts
	tell func(calendar.Month)
}

func (f journalFacts) PutMonth(ctx context.Context, m ports.MonthContent) error {
	if err := f.Facts.PutMonth(ctx, m); err != nil {
		return err
	}
	f.tell(m.Month.Month)
	return nil
}

// journalConforms runs the suite against Journal. In a test file of its own
// this is func TestJournal(t *testing.T).
func journalConforms(t *testing.T) {
	porttest.Stores(t, porttest.StoresUnderTest{Open: func(t *testing.T) ports.Database {
		db, err := sqlite.OpenMemory(t.Context())
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, db.Close()) })
		return Journal{db, func(calendar.Month) {}}
	}})
}

// A store of one's own, with the conformance suite run against it.
func ExampleStores() {
	ctx := context.Background()
	db, err := sqlite.OpenMemory(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer db.Close()
	journal := Journal{db, func(m calendar.Month) { fmt.Println("written:", m.Short()) }}
	put := func(s ports.Stores, m calendar.Month) error {
		return s.Facts().PutMonth(ctx, ports.MonthContent{Month: ledger.StoredMonth{Month: m, Digest: "d", RunID: "r", DaysObserved: m.Days()}})
	}
	may := calendar.MonthOf(2025, 5)
	err = journal.Atomically(ctx, func(s ports.Stores) error { return put(s, may) })
	fmt.Println(err)
	err = journal.Atomically(ctx, func(s ports.Stores) error {
		if err := put(s, may+1); err != nil {
			return err
		}
		return context.Canceled // nothing of it stays, and nothing is told
	})
	fmt.Println(err)
	// Output:
	// written: 2025-05
	// <nil>
	// context canceled
}
