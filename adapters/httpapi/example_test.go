package httpapi_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"

	"golang.org/x/crypto/bcrypt"
	"golang.org/x/text/unicode/norm"

	"github.com/plastinka/predictor/adapters/bundle"
	systemclock "github.com/plastinka/predictor/adapters/clock"
	"github.com/plastinka/predictor/adapters/compute/inprocess"
	"github.com/plastinka/predictor/adapters/files"
	"github.com/plastinka/predictor/adapters/httpapi"
	"github.com/plastinka/predictor/adapters/onnx"
	"github.com/plastinka/predictor/adapters/report"
	"github.com/plastinka/predictor/adapters/sqlite"
	"github.com/plastinka/predictor/adapters/tables"
	"github.com/plastinka/predictor/adapters/tide"
	"github.com/plastinka/predictor/app"
	"github.com/plastinka/predictor/domain/job"
	"github.com/plastinka/predictor/ports"
)

// The HTTP service is a part of another program: an http.Handler below a prefix
// of its own, beside a worker that does the jobs.
func ExampleNew() {
	dir, err := os.MkdirTemp("", "plastinka")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	a, closeAll, err := installation(ctx, dir)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer closeAll()
	hash, err := bcrypt.GenerateFromPassword([]byte("the key"), bcrypt.MinCost)
	if err != nil {
		fmt.Println(err)
		return
	}

	mux := http.NewServeMux() // the program's own
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "the shop") })
	mux.Handle("/forecasts/", http.StripPrefix("/forecasts", httpapi.New(a, httpapi.Options{Version: "1", APIKeyHash: string(hash),
		AdminKeyHash: string(hash), MaxUploadSize: 1 << 20, Renderer: report.Renderer{}, Log: a.Log})))
	server := httptest.NewServer(mux)
	defer server.Close()
	worked := make(chan error, 1)
	go func() { worked <- a.Worker.Run(ctx) }()

	for _, path := range []string{"/", "/forecasts/health/live", "/forecasts/api/v1/jobs"} {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+path, nil)
		if err != nil {
			fmt.Println(err)
			return
		}
		req.Header.Set("X-API-Key", "the key")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			fmt.Println(err)
			return
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		fmt.Println(res.StatusCode, string(body), err)
	}
	stop()
	fmt.Println("worker:", <-worked)
	// Output:
	// 200 the shop <nil>
	// 200 {"status":"alive"}
	//  <nil>
	// 200 {"jobs":[],"total":0,"total_matching":0,"next_cursor":""}
	//  <nil>
	// worker: <nil>
}

// installation puts the parts together, as cmd/plastinka does: a data root,
// trainings within this process.
func installation(ctx context.Context, dir string) (*app.App, func(), error) {
	store, err := files.Open(ctx, dir)
	if err != nil {
		return nil, nil, err
	}
	db, err := sqlite.Open(ctx, store.Database(), sqlite.Options{})
	if err != nil {
		return nil, nil, err
	}
	runs, err := store.Path(ports.TaskOutputs, "runs")
	if err != nil {
		return nil, nil, err
	}
	now := systemclock.System{}
	tasks := &app.Tasks{Bundle: bundle.Files{}, Models: onnx.Files{}, Clock: now, Engines: []ports.Engine{tide.New(tide.Options{})}}
	compute, err := inprocess.New(runs, tasks.RunTask, now)
	if err != nil {
		return nil, nil, err
	}
	log := slog.New(slog.DiscardHandler)
	metric := app.Metric{Name: "val_MIWS_MIC_Ratio"}
	a := &app.App{DB: db, Clock: now, Log: log, Artifacts: store, Export: app.Export{DB: db},
		Configs: &app.Configs{DB: db, Clock: now, Metric: metric}, Models: &app.Models{DB: db, Clock: now, Artifacts: store, Files: onnx.Files{}, Metric: metric},
		Reports: &app.Reports{DB: db, Clock: now}, History: &app.History{DB: db}, Products: &app.Products{DB: db},
		Retain:  &app.Retention{DB: db, Clock: now, Artifacts: store, Log: log},
		Uploads: &app.Upload{DB: db, Clock: now, Tables: tables.Reader{}, Artifacts: store, Log: log, Normalise: norm.NFC.String, Cores: 2}}
	a.Training = &app.Training{DB: db, Clock: now, Compute: compute, Bundle: bundle.Files{}, Artifacts: store, Configs: a.Configs, Log: log, Engine: "tide"}
	a.Tuning = &app.Tuning{Training: a.Training}
	a.Worker = &app.Worker{DB: db, Clock: now, Log: log, Owner: "example", Handlers: map[job.Type]app.Handler{
		job.Upload: a.Uploads.Handle, job.Training: a.Training.Handle, job.Backtest: a.Training.HandleBacktest}, Parallel: 2}
	return a, func() { _ = compute.Close(); _ = db.Close(); _ = store.Close() }, nil
}
