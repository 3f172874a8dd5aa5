package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"golang.org/x/crypto/bcrypt"
	"gopkg.in/natefinch/lumberjack.v2"

	"github.com/plastinka/predictor/adapters/cli"
	"github.com/plastinka/predictor/adapters/httpapi"
	"github.com/plastinka/predictor/adapters/settings"
	"github.com/plastinka/predictor/adapters/support/filelock"
	"github.com/plastinka/predictor/app"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/job"
)

// shutdownLimit is how long running requests may take after the end began.
const shutdownLimit = 20 * time.Second

// serve runs the HTTP service until ctx ends, then stops in order: no new
// requests, running ones end, the worker hands back its jobs, the database
// closes. Trainings go on in their own processes and are found at the next
// start.
func serve(ctx context.Context, load func(map[string]string) (*settings.Settings, error), flags map[string]string, s cli.Streams) (err error) {
	set, err := load(flags)
	if err != nil {
		return err
	}
	key, err := keysFor(set, s.Out)
	if err != nil {
		return err
	}
	log, closeLog := serviceLog(set, s.Err)
	defer closeLog()
	token := &memoryToken{token: set.DataSphere.OAuthToken}
	in, err := open(ctx, set, log, token)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	for _, w := range in.Warnings {
		log.Warn(w)
	}
	mark, err := markService(ctx, in.Root)
	if err != nil {
		return err
	}
	defer mark()
	wake, stopping := make(chan struct{}, 1), make(chan struct{})
	in.Worker.Wake = wake
	service := httpapi.New(in.App, httpapi.Options{Version: programVersion(), APIKeyHash: set.APIKeyHash, AdminKeyHash: set.AdminKeyHash,
		AllowedOrigins: set.AllowedOrigins, DocsSecurity: set.DocsSecurity, MaxUploadSize: set.MaxUploadSize, MaxFiles: set.MaxFiles,
		Refractory: func(t job.Type) time.Duration {
			if d, ok := set.RefractoryByType[string(t)]; ok {
				return d
			}
			return set.Refractory
		},
		Threshold: set.MetricThreshold, Backend: set.ComputeBackend, Renderer: in.Renderer, Log: log, DataRoot: in.Root,
		KeepToken: token.set, Stopping: stopping,
		Wake: func() {
			select {
			case wake <- struct{}{}:
			default:
			}
		}})
	listener, err := net.Listen("tcp", net.JoinHostPort(set.Host, strconv.Itoa(set.Port)))
	if err != nil {
		return fault.New(fault.Unavailable, "address_in_use", "the service cannot listen on %s:%d: %v; choose another with --port", set.Host, set.Port, err)
	}
	server := &http.Server{Handler: service, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 64 << 10, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn)}
	address := "http://" + listener.Addr().String()
	fmt.Fprintf(s.Out, "Plastinka %s listens on %s\ndocumentation: %s/docs\ndata root: %s\ncompute: %s, engine: %s\n", programVersion(), address, address, in.Root, set.ComputeBackend, set.Engine)
	if key != "" {
		fmt.Fprintf(s.Out, "No keys are configured, so this key is for this run only: %s\nMake lasting ones with: plastinka keys\n", key)
	}
	log.Info("listening", "address", address, "documentation", address+"/docs", "data_root", in.Root, "compute", set.ComputeBackend,
		"engine", set.Engine, "lasting_keys", key == "")
	server.RegisterOnShutdown(func() { close(stopping) })
	return run(ctx, log, server, listener, in, cleaning(set, log, in))
}

// cleaning is what runs beside the service: the retention, on its schedule.
func cleaning(set *settings.Settings, log *slog.Logger, in *cli.Installation) func(context.Context) {
	return func(ctx context.Context) {
		if !set.Retention.Enabled {
			return
		}
		next := func(t time.Time) time.Time { return set.Retention.Schedule(t.In(set.Zone)) }
		app.Schedule(ctx, in.Clock, next, func(ctx context.Context) {
			removed, err := in.Retain.Clean(ctx, false)
			if err != nil {
				log.Warn("the clean-up failed; it will be tried again at its next time", "error", err)
				return
			}
			log.Info("cleaned up", "months", len(removed.Facts.Months), "forecasts", removed.Forecasts,
				"models", len(removed.Models), "backups", len(removed.Backups), "kept", removed.Facts.Kept)
		})
	}
}

// run serves until ctx ends or something fails.
func run(ctx context.Context, log *slog.Logger, server *http.Server, listener net.Listener, in *cli.Installation, beside func(context.Context)) error {
	work, stopWork := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWork()
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := in.Worker.Run(work); err != nil {
			log.Error("the worker stopped", "error", err)
		}
	})
	wg.Go(func() { beside(work) })
	failed := make(chan error, 1)
	wg.Go(func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			failed <- err
		}
	})
	var err error
	select {
	case <-ctx.Done():
		log.Info("stopping")
	case err = <-failed:
	}
	limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownLimit)
	defer cancel()
	if e := server.Shutdown(limit); e != nil {
		log.Warn("some requests were cut off", "error", e)
		_ = server.Close()
	}
	stopWork()
	wg.Wait()
	log.Info("stopped")
	return err
}

// keysFor makes a one-time key where none are configured and only this
// machine can call; elsewhere a service without keys does not start.
func keysFor(set *settings.Settings, out io.Writer) (string, error) {
	if set.APIKeyHash != "" || set.AdminKeyHash != "" {
		return "", nil
	}
	if !set.Loopback() {
		return "", fault.New(fault.Invalid, "invalid_settings",
			"no keys are configured, and %s can be reached from other machines: run plastinka keys and put the hashes into .env, or listen on 127.0.0.1", set.Host)
	}
	k, err := cli.NewKeys(bcrypt.MinCost) // lives as long as this process
	if err != nil {
		return "", err
	}
	set.APIKeyHash, set.AdminKeyHash = k.APIHash, k.AdminHash
	return k.APIKey + "\nadmin token: " + k.AdminToken, nil
}

// serviceLog logs to standard error and to a rotated file in the data root.
func serviceLog(set *settings.Settings, err io.Writer) (*slog.Logger, func()) {
	file := &lumberjack.Logger{Filename: filepath.Join(set.DataRoot, "logs", "plastinka.log"), MaxSize: 20, MaxBackups: 5, Compress: true}
	w := io.MultiWriter(err, file)
	opts := &slog.HandlerOptions{Level: logLevel(set.LogLevel)}
	var h slog.Handler = slog.NewTextHandler(w, opts)
	if set.LogFormat == "json" {
		h = slog.NewJSONHandler(w, opts)
	}
	return slog.New(h), func() { _ = file.Close() }
}

// markService says by a held lock that a service works on this data root.
func markService(ctx context.Context, root string) (func(), error) {
	lock, err := filelock.Open(filepath.Join(root, ".service"))
	if err == nil {
		_, err = lock.Shared(ctx, time.Second)
	}
	if err != nil {
		return nil, fault.Wrap("main.markService", err)
	}
	return func() { _ = lock.Close() }, nil
}

// serviceRuns is an error unless a service works on this data root.
func serviceRuns(ctx context.Context, root string) error {
	lock, err := filelock.Open(filepath.Join(root, ".service"))
	if err != nil {
		return fault.Wrap("main.serviceRuns", err)
	}
	defer lock.Close()
	alone, err := lock.Exclusive(ctx, 0)
	if err != nil {
		return fault.Wrap("main.serviceRuns", err)
	}
	if alone {
		return fault.New(fault.Conflict, "no_service", "no service works on this data root, so nobody would do the job; start one with plastinka serve, or leave out --detach")
	}
	return nil
}
