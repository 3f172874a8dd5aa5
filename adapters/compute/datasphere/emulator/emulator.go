// Package emulator is Yandex DataSphere Jobs on this machine, for tests and for
// trying things out: a real gRPC server (jobs, projects, operations, IAM) and a
// real HTTP object store, which really run what is submitted. It can be told to
// fail in every way that the cloud can (see Rule).
//
// A job has a folder of its own. Its inputs are laid there, executable, its
// command is run by sh -c in a process group of its own, and signals reach the
// whole group. What nobody has documented of the service is decided here so:
//
//   - Create is done at once, or after Options.LateCreate.
//   - A return code other than 0 is a response, and the job's status is ERROR;
//     a cancelled job's operation has the error CANCELLED.
//   - A missing output is an entry of output_files_errors; the job succeeds.
//   - Execute before all uploads is FAILED_PRECONDITION; of a running job it
//     answers with the running operation; of one that has ended it runs it again.
//   - The offset of a log counts its messages.
//
// Everything is in memory but the files: an emulator that ends forgets its jobs.
//
// grpc and go-genproto are what the service itself speaks.
package emulator

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/hex"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	datasphere "github.com/yandex-cloud/go-genproto/yandex/cloud/datasphere/v2"
	jobs "github.com/yandex-cloud/go-genproto/yandex/cloud/datasphere/v2/jobs"
	iam "github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"

	"github.com/plastinka/predictor/domain/fault"
)

// Options say what an Emulator is like. The zero value of each is what most
// want.
type Options struct {
	Root         string // a folder for files; it must be there
	Listen       string // the gRPC address; "": 127.0.0.1 and a free port
	StoreListen  string // the object store's; the same
	Project      string // the only project there is; "": any
	IAMTokens    []string
	Key          *rsa.PublicKey // verifies the signature of JSON web tokens; nil: not verified
	TokenLife    time.Duration  // of an IAM token; 0: 12 h
	URLLife      time.Duration  // of an upload's or download's address; 0: 1 h
	LateCreate   time.Duration  // after which an operation of Create is done
	MaxJobs      int            // executions at once, beyond which there is no quota; 0: no limit
	StrictPings  bool           // a client that pings often is cut off, as gRPC servers do by default
	Faults       []Rule
	Now          func() time.Time // nil: the system's
	ServiceRoles []string         // roles of the project's members; nil: the one that submits jobs
}

// Emulator is a running emulator. Close must be called.
type Emulator struct {
	options Options
	faults  *faults
	grpc    *grpc.Server
	http    *http.Server
	address string
	store   string
	stop    context.CancelFunc
	running context.Context
	group   sync.WaitGroup

	mu         sync.Mutex
	jobs       map[string]*job
	order      []*job // oldest first
	operations map[string]*longOperation
	tokens     map[string]time.Time // when each ends
	issued     int
	links      map[string]link // by their secret part
}

// Start starts both servers.
func Start(options Options) (*Emulator, error) {
	e := &Emulator{options: options.filled(), jobs: map[string]*job{}, operations: map[string]*longOperation{},
		tokens: map[string]time.Time{}, links: map[string]link{}}
	e.faults = &faults{}
	for _, r := range options.Faults {
		e.faults.add(r)
	}
	for _, t := range options.IAMTokens {
		e.tokens[t] = e.options.Now().Add(e.options.TokenLife)
	}
	for _, folder := range []string{"blobs", "jobs"} {
		if err := os.MkdirAll(filepath.Join(options.Root, folder), 0o700); err != nil {
			return nil, cannotStart(err)
		}
	}
	calls, err := net.Listen("tcp", e.options.Listen)
	if err != nil {
		return nil, cannotStart(err)
	}
	transfers, err := net.Listen("tcp", e.options.StoreListen)
	if err != nil {
		calls.Close()
		return nil, cannotStart(err)
	}
	e.address, e.store = calls.Addr().String(), transfers.Addr().String()
	e.running, e.stop = context.WithCancel(context.Background())
	e.serve(calls, transfers)
	return e, nil
}

func (o Options) filled() Options {
	for _, address := range []*string{&o.Listen, &o.StoreListen} {
		if *address == "" {
			*address = "127.0.0.1:0"
		}
	}
	if o.TokenLife == 0 {
		o.TokenLife = 12 * time.Hour
	}
	if o.URLLife == 0 {
		o.URLLife = time.Hour
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.ServiceRoles == nil {
		o.ServiceRoles = []string{"datasphere.community-projects.developer"}
	}
	return o
}

func cannotStart(err error) error {
	return fault.New(fault.Unavailable, "emulator", "the emulator cannot start: %v; give another address or folder", err).Because(err)
}

func (e *Emulator) serve(calls, transfers net.Listener) {
	pings := keepalive.EnforcementPolicy{MinTime: 10 * time.Second, PermitWithoutStream: true}
	if e.options.StrictPings {
		pings = keepalive.EnforcementPolicy{MinTime: 5 * time.Minute}
	}
	e.grpc = grpc.NewServer(grpc.KeepaliveEnforcementPolicy(pings),
		grpc.ChainUnaryInterceptor(e.unary), grpc.ChainStreamInterceptor(e.stream))
	jobs.RegisterProjectJobServiceServer(e.grpc, &jobService{e: e})
	operation.RegisterOperationServiceServer(e.grpc, &operationService{e: e})
	datasphere.RegisterProjectServiceServer(e.grpc, &projectService{e: e})
	iam.RegisterIamTokenServiceServer(e.grpc, &tokenService{e: e})
	e.http = &http.Server{Handler: e.transfers(), ReadHeaderTimeout: 10 * time.Second}
	e.group.Go(func() { _ = e.grpc.Serve(calls) })
	e.group.Go(func() { _ = e.http.Serve(transfers) })
}

// Address is the gRPC server's host and port, and Store the object store's.
func (e *Emulator) Address() string { return e.address }

// Store is the object store's host and port.
func (e *Emulator) Store() string { return e.store }

// Fail adds a rule; it counts the calls from now on.
func (e *Emulator) Fail(r Rule) { e.faults.add(r) }

// Heal removes all rules.
func (e *Emulator) Heal() { e.faults.clear() }

// Close ends the servers and kills the jobs that run.
func (e *Emulator) Close() error {
	e.stop()
	e.grpc.Stop()
	err := e.http.Close()
	e.mu.Lock()
	for _, j := range e.order {
		j.kill()
	}
	e.mu.Unlock()
	e.group.Wait()
	if errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	return fault.Wrap("emulator.Close", err)
}

// random is an id or a secret that cannot be guessed.
func random(prefix string) string {
	var b [12]byte
	rand.Read(b[:]) // never fails
	return prefix + hex.EncodeToString(b[:])
}
