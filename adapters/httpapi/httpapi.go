// Package httpapi is the HTTP service: the same use cases as the commands, for
// clients of the Python service that it replaces and for new ones.
//
// Huma turns typed operations into handlers, validation and OpenAPI, on
// net/http. Around its mux stands one chain of plain middleware, outermost
// first: request id, figures and log; panics; security headers and CORS; sizes
// and pace of bodies; the paths. Authentication is a Huma middleware that reads
// what the operation itself declares (its security), so that an operation
// without credentials cannot be written by forgetting a line; it comes before
// anything of a body is read. Forms are streamed to the data root, large answers
// from the store, so that memory does not grow with either.
//
// A handler decodes, calls one use case, and encodes. Errors become answers in
// one place, errors.go; what OpenAPI says of every operation alike is added in
// one place, describe.go, and openapi.yaml is the whole of it, to be read in a
// review.
//
// gopsutil reads the machine's figures on any system, client_golang writes what
// Prometheus reads, bcrypt is how keys are kept. Huma's constructors of errors
// are package variables; they are set once, to the one mapping of errors.go.
package httpapi

import (
	"log/slog"
	"net/http"
	"reflect"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/plastinka/predictor/app"
	"github.com/plastinka/predictor/domain/job"
	"github.com/plastinka/predictor/ports"
)

// Options are the service's settings.
type Options struct {
	Version        string
	APIKeyHash     string // bcrypt; "" together with AdminKeyHash: no keys are configured
	AdminKeyHash   string
	AllowedOrigins []string
	DocsSecurity   bool
	MaxUploadSize  int64 // bytes of a request
	MaxFiles       int
	Refractory     func(job.Type) time.Duration
	Threshold      float64 // of the active model's metric, beyond which health is degraded
	Backend        string  // of compute, for /health
	Renderer       ports.ReportRenderer
	Log            *slog.Logger
	DataRoot       string // whose disk /health/system looks at
	// Wake, if not nil, is called when a job was submitted.
	Wake func()
	// KeepToken, if not nil, gets the Yandex OAuth token that an admin sets.
	KeepToken func(token string)
	// Stopping, if not nil, is closed when the service begins to stop: streams
	// end, and it is no longer ready.
	Stopping <-chan struct{}
}

// Service is the HTTP service over the use cases of one installation. It is
// safe for concurrent use.
type Service struct {
	app     *app.App
	opts    Options
	log     *slog.Logger
	api     huma.API
	auth    *authenticator
	metrics *metrics
	pace    pace
	started time.Time
	handler http.Handler
}

// New builds the service.
func New(a *app.App, opts Options) *Service {
	s := &Service{app: a, opts: opts, log: opts.Log, started: a.Clock.Now(), pace: usualPace()}
	s.metrics = newMetrics(s)
	s.auth = newAuthenticator(opts.APIKeyHash, opts.AdminKeyHash, a.Clock, s.metrics)
	mux := http.NewServeMux()
	s.api = humago.New(mux, s.config())
	s.api.UseMiddleware(s.authenticate)
	for _, register := range []func(){
		s.registerHealth, s.registerSystem, s.registerMetrics,
		s.registerJobs, s.registerUpload, s.registerTraining, s.registerTuning, s.registerReports,
		s.registerConfigs, s.registerModels, s.registerResults, s.registerHistory, s.registerProducts,
		s.registerAdmin, s.registerToken,
	} {
		register()
	}
	s.complete()
	s.registerDocuments(mux)
	s.handler = s.chain(s.fallback(mux, literalPaths(s.OpenAPI())))
	return s
}

// ServeHTTP serves one request.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// OpenAPI is the service's description of itself.
func (s *Service) OpenAPI() *huma.OpenAPI { return s.api.OpenAPI() }

func (s *Service) config() huma.Config {
	setErrors()
	c := huma.DefaultConfig("Plastinka", s.opts.Version)
	c.Info.Description = "Forecasts for shops with many slow-moving items: uploads, trainings, forecasts and reports."
	for _, tag := range [][2]string{{"health", "how the service is"}, {"jobs", "uploads, trainings, back-tests and reports; follow and cancel them"},
		{"predictions", "what was forecast, and what then happened"}, {"products", "the catalogue"}, {"results", "what jobs left as their results"},
		{"models", "the registry of models"}, {"configs", "the registry of training configurations"}, {"admin", "retention, backup and secrets; with the admin token"}} {
		c.Tags = append(c.Tags, &huma.Tag{Name: tag[0], Description: tag[1]})
	}
	c.CreateHooks = nil // no $schema in answers: old clients do not know it
	c.DocsPath, c.SchemasPath, c.OpenAPIPath = "", "", ""
	c.Components.Schemas = huma.NewMapRegistry("#/components/schemas/", schemaName)
	c.AllowAdditionalPropertiesByDefault = true // unknown members are ignored, and answers may grow
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		schemeKey:   {Type: "apiKey", In: "header", Name: "X-API-Key", Description: "the API key"},
		schemeAdmin: {Type: "http", Scheme: "bearer", Description: "the admin token"},
	}
	c.Formats = map[string]huma.Format{"application/json": huma.DefaultJSONFormat, "json": huma.DefaultJSONFormat}
	c.Transformers = []huma.Transformer{s.finish}
	return c
}

// finish gives a problem its request's id, and logs what is not told.
func (s *Service) finish(ctx huma.Context, _ string, v any) (any, error) {
	p, ok := v.(*Problem)
	if !ok {
		return v, nil
	}
	id := ctx.Header(requestIDHeader)
	p.Err.RequestID, p.Instance = id, "urn:request:"+id
	if p.Status >= http.StatusInternalServerError {
		s.log.Error("request failed", "request_id", id, "operation", ctx.Operation().OperationID, "status", p.Status, "error", p.cause)
	}
	return p, nil
}

// schemaName keeps the names of types that live in several packages apart.
func schemaName(t reflect.Type, hint string) string {
	name := huma.DefaultSchemaNamer(t, hint)
	pkg := t.PkgPath()
	if i := strings.LastIndexByte(pkg, '/'); i >= 0 {
		pkg = pkg[i+1:]
	}
	if pkg == "" || pkg == "httpapi" {
		return name
	}
	return strings.ToUpper(pkg[:1]) + pkg[1:] + name
}

// The names of the security schemes.
const (
	schemeKey   = "ApiKey"
	schemeAdmin = "Admin"
)

// ownLimits leaves the time-outs and sizes of bodies to movingBody.
const ownLimits = -1

// open, key and admin are the ways an operation can be protected.
func open(op huma.Operation) huma.Operation {
	op.Security = []map[string][]string{}
	return op
}

func key(op huma.Operation) huma.Operation {
	op.Security = []map[string][]string{{schemeKey: {}}, {schemeAdmin: {}}}
	op.BodyReadTimeout, op.MaxBodyBytes = ownLimits, ownLimits
	return op
}

func admin(op huma.Operation) huma.Operation {
	op.Security = []map[string][]string{{schemeAdmin: {}}}
	op.BodyReadTimeout, op.MaxBodyBytes = ownLimits, ownLimits
	return op
}

func typeOf[T any]() reflect.Type { return reflect.TypeFor[T]() }

// Body is an answer with nothing but a body.
type Body[T any] struct {
	Body T
}

func answer[T any](v T, err error) (*Body[T], error) {
	if err != nil {
		return nil, problem(err)
	}
	return &Body[T]{Body: v}, nil
}

var _ http.Handler = (*Service)(nil)
