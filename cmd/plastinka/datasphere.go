package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/plastinka/predictor/adapters/cli"
	"github.com/plastinka/predictor/adapters/clock"
	"github.com/plastinka/predictor/adapters/compute/datasphere"
	"github.com/plastinka/predictor/adapters/compute/datasphere/emulator"
	"github.com/plastinka/predictor/adapters/settings"
	"github.com/plastinka/predictor/adapters/support/safefile"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/ports"
)

// metadataAddress is where a virtual machine in Yandex Cloud finds its own
// tokens, unless YC_METADATA_ADDR says otherwise, as for Yandex's own tools.
const metadataAddress = "169.254.169.254:80"

// cloud is what the backend in the cloud needs beside settings.
type cloud struct {
	log   *slog.Logger
	oauth *memoryToken
	count func(context.Context, ports.RetryEvent) error
}

// dataSphere is the backend in the cloud.
func dataSphere(set *settings.Settings, root, diagnostics string, now ports.Clock, c cloud) (*datasphere.Backend, error) {
	d := set.DataSphere
	program := d.Program
	if program == "" {
		var err error
		if program, err = os.Executable(); err != nil {
			return nil, fault.New(fault.Internal, "internal_error", "the program's own path is not known: %v", err)
		}
	}
	metadata := os.Getenv("YC_METADATA_ADDR")
	if metadata == "" {
		metadata = metadataAddress
	} else if !strings.Contains(metadata, ":") {
		metadata += ":80"
	}
	// A job's own settings: it has no home folder to rely on.
	env := map[string]string{"DATA_ROOT_DIR": "/tmp/plastinka", "API_LOG_LEVEL": set.LogLevel}
	if set.Threads > 0 {
		env["COMPUTE_THREADS"] = fmt.Sprint(set.Threads)
	}
	return datasphere.New(datasphere.Options{Root: root, ProjectID: d.ProjectID, Program: program, Arguments: []string{"task", "run"}, Env: env,
		Version: programVersion(), InstanceTypes: words(d.InstanceTypes),
		Endpoints:   datasphere.Endpoints{Jobs: d.Endpoint, Operations: d.OperationEndpoint, IAM: d.IAMEndpoint, Plaintext: d.Plaintext},
		Credentials: datasphere.Credentials{IAMToken: d.IAMToken, KeyFile: d.KeyFile, Metadata: metadata, OAuth: c.oauth.get},
		Diagnostics: diagnostics, KeepOfSuccess: d.DiagnosticsOnSuccess, DeleteData: d.DeleteData,
		PollInterval: d.PollInterval, MaxRuntime: d.MaxRuntime, SubmitTimeout: d.SubmitTimeout, StatusTimeout: d.StatusTimeout,
		DownloadTimeout: d.DownloadTimeout, CancelTimeout: d.CancelTimeout, Clock: now, Log: c.log,
		Count: func(ctx context.Context, e ports.RetryEvent) {
			if c.count == nil {
				return
			}
			if err := c.count(ctx, e); err != nil {
				c.log.Warn("a retry could not be counted", "error", err)
			}
		}})
}

func words(list string) (words []string) {
	for w := range strings.SplitSeq(list, ",") {
		if w = strings.TrimSpace(w); w != "" {
			words = append(words, w)
		}
	}
	return words
}

// memoryToken is a secret that lives as long as this process: it is never
// written anywhere.
type memoryToken struct {
	mu    sync.Mutex
	token string
}

func (m *memoryToken) set(token string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.token = token
}

func (m *memoryToken) get() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.token
}

// dataSphereChecks are the doctor's.
func dataSphereChecks(ctx context.Context, set *settings.Settings) []cli.Check {
	root := filepath.Join(set.DataRoot, "datasphere_output", "runs")
	b, err := dataSphere(set, root, "", clock.System{Zone: set.Zone}, cloud{log: slog.New(slog.DiscardHandler), oauth: &memoryToken{token: set.DataSphere.OAuthToken}})
	if err != nil {
		return []cli.Check{{Name: "compute", Status: "error", Message: err.Error(), Advice: "mend the settings of the group DataSphere; plastinka config shows them"}}
	}
	defer b.Close()
	checks := []cli.Check{ok("compute", "%s, engine %s", set.ComputeBackend, set.Engine)}
	for _, f := range b.Check(ctx, set.DataSphere.FolderID) {
		checks = append(checks, cli.Check(f))
	}
	return checks
}

// emulate runs the emulator until ctx ends.
func emulate(ctx context.Context, o cli.EmulatorOptions, s cli.Streams) (err error) {
	life, err := time.ParseDuration(o.TokenLife)
	if err != nil || life <= 0 {
		return fault.New(fault.Invalid, "wrong_usage", "--token-life takes a duration such as 12h or 5s, not %q", o.TokenLife)
	}
	options := emulator.Options{Root: o.Dir, Listen: o.Listen, StoreListen: o.Store, Project: o.Project, TokenLife: life, MaxJobs: o.Quota}
	for _, text := range o.Faults {
		rule, err := emulator.ParseRule(text)
		if err != nil {
			return err
		}
		options.Faults = append(options.Faults, rule)
	}
	if options.Root == "" {
		if options.Root, err = os.MkdirTemp("", "plastinka-datasphere-"); err != nil {
			return fault.New(fault.Unavailable, "emulator", "no temporary folder can be made: %v; give one with --dir", err)
		}
		defer os.RemoveAll(options.Root)
	}
	e, err := emulator.Start(options)
	if err != nil {
		return err
	}
	defer func() {
		if e := e.Close(); err == nil {
			err = e
		}
	}()
	addresses := e.Address() + "\n" + e.Store() + "\n"
	if o.Ready != "" {
		err := safefile.Write(o.Ready, 0o644, func(w io.Writer) error {
			_, err := io.WriteString(w, addresses)
			return err
		})
		if err != nil {
			return err
		}
	}
	fmt.Fprintf(s.Out, "DataSphere is emulated at %s, its object store at %s\nuse it with COMPUTE_BACKEND=datasphere DATASPHERE_PLAINTEXT=true DATASPHERE_PROJECT_ID=demo YC_OAUTH_TOKEN=y0_demo and\nDATASPHERE_ENDPOINT=%[1]s DATASPHERE_OPERATION_ENDPOINT=%[1]s DATASPHERE_IAM_ENDPOINT=%[1]s\n", e.Address(), e.Store())
	<-ctx.Done()
	return nil
}
