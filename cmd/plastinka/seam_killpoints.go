//go:build killpoints

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/plastinka/predictor/app"
	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/catalog"
	"github.com/plastinka/predictor/domain/forecast"
	"github.com/plastinka/predictor/domain/job"
	"github.com/plastinka/predictor/domain/ledger"
	"github.com/plastinka/predictor/ports"
)

// lease is short, so that the tests need not wait for it.
const lease = 600 * time.Millisecond

// withKillPoints puts a point before and after everything that the use cases do
// to the outside. The environment names the file that the points passed are
// added to, and the point at which the process kills itself, as name#occurrence.
func (o outside) withKillPoints() outside {
	k := &killPoints{seen: map[string]int{}, victim: os.Getenv("KILL_AT"), trace: os.Getenv("KILL_TRACE")}
	return outside{killedDatabase{o.db, killedStores{o.db, k, ""}}, killedFiles{o.files, k}, killedCompute{o.compute, k}}
}

type killPoints struct {
	mu            sync.Mutex
	seen          map[string]int
	victim, trace string
}

func (k *killPoints) at(name string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.seen[name]++
	point := fmt.Sprintf("%s#%d", name, k.seen[name])
	if k.trace != "" {
		if f, err := os.OpenFile(k.trace, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err == nil {
			fmt.Fprintln(f, point)
			f.Close()
		}
	}
	if point == k.victim {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
}

// around is one deed with its points.
func (k *killPoints) around(name string, do func() error) error {
	k.at("before " + name)
	err := do()
	k.at("after " + name)
	return err
}

type killedDatabase struct {
	ports.Database
	killedStores
}

func (d killedDatabase) Atomically(ctx context.Context, f func(ports.Stores) error) error {
	return d.k.around("transaction", func() error {
		return d.Database.Atomically(ctx, func(s ports.Stores) error {
			err := f(killedStores{s, d.k, " in a transaction"})
			d.k.at("commit")
			return err
		})
	})
}

func (d killedDatabase) Catalog() ports.Catalog         { return d.killedStores.Catalog() }
func (d killedDatabase) Facts() ports.Facts             { return d.killedStores.Facts() }
func (d killedDatabase) Jobs() ports.Jobs               { return d.killedStores.Jobs() }
func (d killedDatabase) Models() ports.Models           { return d.killedStores.Models() }
func (d killedDatabase) Forecasts() ports.Forecasts     { return d.killedStores.Forecasts() }
func (d killedDatabase) Results() ports.Results         { return d.killedStores.Results() }
func (d killedDatabase) Submissions() ports.Submissions { return d.Database.Submissions() }
func (d killedDatabase) Configs() ports.Configs         { return d.Database.Configs() }
func (d killedDatabase) Settings() ports.Settings       { return d.Database.Settings() }

type killedStores struct {
	ports.Stores
	k     *killPoints
	where string
}

func (s killedStores) Catalog() ports.Catalog     { return killedCatalog{s.Stores.Catalog(), s} }
func (s killedStores) Facts() ports.Facts         { return killedFacts{s.Stores.Facts(), s} }
func (s killedStores) Jobs() ports.Jobs           { return killedJobs{s.Stores.Jobs(), s} }
func (s killedStores) Models() ports.Models       { return killedModels{s.Stores.Models(), s} }
func (s killedStores) Forecasts() ports.Forecasts { return killedForecasts{s.Stores.Forecasts(), s} }
func (s killedStores) Results() ports.Results     { return killedResults{s.Stores.Results(), s} }

func (s killedStores) around(name string, do func() error) error {
	return s.k.around(name+s.where, do)
}

// The stores' names as embedded fields: some have a method of their own name.
type (
	jobStore      = ports.Jobs
	modelStore    = ports.Models
	forecastStore = ports.Forecasts
	resultStore   = ports.Results
)

type killedCatalog struct {
	ports.Catalog
	s killedStores
}

func (c killedCatalog) AddProducts(ctx context.Context, p []catalog.Product) (ids []catalog.ID, err error) {
	err = c.s.around("products", func() error { ids, err = c.Catalog.AddProducts(ctx, p); return err })
	return ids, err
}

func (c killedCatalog) AddRecords(ctx context.Context, r []catalog.Record) error {
	return c.s.around("raw records", func() error { return c.Catalog.AddRecords(ctx, r) })
}

type killedFacts struct {
	ports.Facts
	s killedStores
}

func (f killedFacts) PutMonth(ctx context.Context, m ports.MonthContent) error {
	return f.s.around("month", func() error { return f.Facts.PutMonth(ctx, m) })
}

func (f killedFacts) PutSnapshot(ctx context.Context, day calendar.Day, run string, held []ledger.Holding) error {
	return f.s.around("snapshot", func() error { return f.Facts.PutSnapshot(ctx, day, run, held) })
}

type killedJobs struct {
	jobStore
	s killedStores
}

func (j killedJobs) Create(ctx context.Context, n job.Job) error {
	return j.s.around("job", func() error { return j.jobStore.Create(ctx, n) })
}

func (j killedJobs) Claim(ctx context.Context, owner string, types []job.Type, ids []string, now time.Time, lease time.Duration) (got job.Job, ok bool, err error) {
	got, ok, err = j.jobStore.Claim(ctx, owner, types, ids, now, lease)
	if ok {
		j.s.k.at("after claim")
	}
	return got, ok, err
}

func (j killedJobs) Change(ctx context.Context, c job.Change) error {
	name := "progress"
	switch {
	case c.Status != "":
		name = string(c.Status)
	case c.State != nil:
		name = "state"
	}
	return j.s.around(name, func() error { return j.jobStore.Change(ctx, c) })
}

type killedModels struct {
	modelStore
	s killedStores
}

func (m killedModels) Add(ctx context.Context, n ports.StoredModel) error {
	return m.s.around("model", func() error { return m.modelStore.Add(ctx, n) })
}

type killedForecasts struct {
	forecastStore
	s killedStores
}

func (f killedForecasts) Put(ctx context.Context, n []forecast.Forecast) error {
	return f.s.around("forecasts", func() error { return f.forecastStore.Put(ctx, n) })
}

type killedResults struct {
	resultStore
	s killedStores
}

func (r killedResults) Add(ctx context.Context, n ports.StoredResult) error {
	return r.s.around("result", func() error { return r.resultStore.Add(ctx, n) })
}

type killedFiles struct {
	app.UploadFiles
	k *killPoints
}

func (f killedFiles) Save(p ports.Place, name string, write func(io.Writer) error) error {
	return f.k.around("save", func() error {
		return f.UploadFiles.Save(p, name, func(w io.Writer) error {
			err := write(w)
			f.k.at("written, not yet complete")
			return err
		})
	})
}

func (f killedFiles) Adopt(path string, p ports.Place, name string) error {
	return f.k.around("adopt", func() error { return f.UploadFiles.Adopt(path, p, name) })
}

func (f killedFiles) Remove(p ports.Place, name string) error {
	return f.k.around("remove from "+string(p), func() error { return f.UploadFiles.Remove(p, name) })
}

type killedCompute struct {
	ports.Compute
	k *killPoints
}

func (c killedCompute) Submit(ctx context.Context, r ports.Run) (id string, err error) {
	err = c.k.around("submit", func() error { id, err = c.Compute.Submit(ctx, r); return err })
	return id, err
}

func (c killedCompute) Fetch(ctx context.Context, run string) (path string, err error) {
	err = c.k.around("fetch", func() error { path, err = c.Compute.Fetch(ctx, run); return err })
	return path, err
}

func (c killedCompute) Discard(ctx context.Context, run string) error {
	return c.k.around("discard", func() error { return c.Compute.Discard(ctx, run) })
}
