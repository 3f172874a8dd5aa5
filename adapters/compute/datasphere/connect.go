package datasphere

import (
	"context"
	"net"
	"sync"
	"time"

	project "github.com/yandex-cloud/go-genproto/yandex/cloud/datasphere/v2"
	jobs "github.com/yandex-cloud/go-genproto/yandex/cloud/datasphere/v2/jobs"
	iam "github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	ycsdk "github.com/yandex-cloud/go-sdk/v2"
	"github.com/yandex-cloud/go-sdk/v2/credentials"
	"github.com/yandex-cloud/go-sdk/v2/pkg/endpoints"
	"github.com/yandex-cloud/go-sdk/v2/pkg/options"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/plastinka/predictor/domain/fault"
)

// Endpoints are the addresses of the three services, host:port.
type Endpoints struct {
	Jobs, Operations, IAM string
	Plaintext             bool // without TLS: loopback only
}

// cloud is the connection to the services. Nothing is dialled before the first
// call.
type cloud struct {
	endpoints Endpoints
	tokens    *tokens

	mu  sync.Mutex
	sdk *ycsdk.SDK
}

func (e Endpoints) check() error {
	for _, address := range []string{e.Jobs, e.Operations, e.IAM} {
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			return fault.New(fault.Invalid, "invalid_settings", "%q is not an address of DataSphere such as datasphere.api.cloud.yandex.net:443; mend DATASPHERE_ENDPOINT, DATASPHERE_OPERATION_ENDPOINT or DATASPHERE_IAM_ENDPOINT", address)
		}
		if ip := net.ParseIP(host); e.Plaintext && host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			return fault.New(fault.Invalid, "invalid_settings", "DATASPHERE_PLAINTEXT is for this machine only, not for %s: credentials would travel readable", host)
		}
	}
	return nil
}

// open makes the SDK, once. Its own authentication is off: it cannot tell an
// outage of IAM from wrong credentials, and keeps a refused token. Its pings,
// which servers with gRPC's default policy answer by hanging up, are sent only
// while a call waits, to find dead connections.
func (c *cloud) open() (*ycsdk.SDK, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sdk != nil {
		return c.sdk, nil
	}
	var security []endpoints.EndpointOption // the endpoint's, which win over the SDK's
	if c.endpoints.Plaintext {
		security = append(security, endpoints.Plaintext())
	}
	sdk, err := ycsdk.Build(context.Background(), options.WithCredentials(credentials.NoAuthentication()),
		options.WithKeepalive(keepalive.ClientParameters{Time: 20 * time.Second, Timeout: 10 * time.Second}),
		options.WithEndpointsResolver(endpoints.NewPrefixEndpointsResolver(endpoints.PrefixToEndpoint{
			"yandex.cloud.datasphere": endpoints.NewEndpointParams(c.endpoints.Jobs, security...),
			"yandex.cloud.operation":  endpoints.NewEndpointParams(c.endpoints.Operations, security...),
			"yandex.cloud.iam":        endpoints.NewEndpointParams(c.endpoints.IAM, security...),
		})))
	if err != nil {
		return nil, fault.New(fault.Internal, "internal_error", "the SDK of Yandex Cloud cannot be set up: %v", err)
	}
	c.sdk = sdk
	return sdk, nil
}

func (c *cloud) close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sdk == nil {
		return nil
	}
	sdk := c.sdk
	c.sdk = nil
	return fault.Wrap("datasphere.Close", sdk.Shutdown(context.Background()))
}

func (c *cloud) connection(ctx context.Context, service protoreflect.FullName) (grpc.ClientConnInterface, error) {
	sdk, err := c.open()
	if err != nil {
		return nil, err
	}
	return sdk.GetConnection(ctx, service)
}

// exchange asks IAM for a token.
func (c *cloud) exchange(ctx context.Context, req *iam.CreateIamTokenRequest) (*iam.CreateIamTokenResponse, error) {
	conn, err := c.connection(ctx, "yandex.cloud.iam.v1.IamTokenService")
	if err != nil {
		return nil, err
	}
	return iam.NewIamTokenServiceClient(conn).Create(ctx, req)
}

// authorized makes a call with a token and a deadline, and once more with
// another token if that one is refused: a refused call has had no effect. The
// error is the service's own.
func (c *cloud) authorized(ctx context.Context, limit time.Duration, call func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for again := false; ; again = true {
		token, err := c.tokens.token(ctx)
		if err != nil {
			return err
		}
		err = call(metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token))
		if status.Code(err) != codes.Unauthenticated {
			return err
		}
		if c.tokens.refused(token); again {
			return err
		}
	}
}

// ask makes one call of the jobs' service.
func ask[Req, Resp any](ctx context.Context, c *cloud, limit time.Duration,
	call func(jobs.ProjectJobServiceClient, context.Context, *Req, ...grpc.CallOption) (*Resp, error), req *Req) (resp *Resp, err error) {
	err = c.authorized(ctx, limit, func(ctx context.Context) error {
		conn, err := c.connection(ctx, "yandex.cloud.datasphere.v2.jobs.ProjectJobService")
		if err != nil {
			return err
		}
		resp, err = call(jobs.NewProjectJobServiceClient(conn), ctx, req)
		return err
	})
	return resp, err
}

// askProject makes one call of the projects' service.
func askProject[Req, Resp any](ctx context.Context, c *cloud, limit time.Duration,
	call func(project.ProjectServiceClient, context.Context, *Req, ...grpc.CallOption) (*Resp, error), req *Req) (resp *Resp, err error) {
	err = c.authorized(ctx, limit, func(ctx context.Context) error {
		conn, err := c.connection(ctx, "yandex.cloud.datasphere.v2.ProjectService")
		if err != nil {
			return err
		}
		resp, err = call(project.NewProjectServiceClient(conn), ctx, req)
		return err
	})
	return resp, err
}

// operation looks at an operation.
func (c *cloud) operation(ctx context.Context, limit time.Duration, id string) (op *operation.Operation, err error) {
	err = c.authorized(ctx, limit, func(ctx context.Context) error {
		conn, err := c.connection(ctx, "yandex.cloud.operation.OperationService")
		if err != nil {
			return err
		}
		op, err = operation.NewOperationServiceClient(conn).Get(ctx, &operation.GetOperationRequest{OperationId: id})
		return err
	})
	return op, err
}
