package emulator

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	jobs "github.com/yandex-cloud/go-genproto/yandex/cloud/datasphere/v2/jobs"
	iam "github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/stretchr/testify/require"
)

func TestRules(t *testing.T) {
	for text, want := range map[string]Rule{
		"Create=UNAVAILABLE":       {What: "Create", Effect: "UNAVAILABLE"},
		"PUT:2=500":                {What: "PUT", First: 2, Last: 2, Effect: "500"},
		"Operation:1-3=slow 20ms":  {What: "Operation", First: 1, Last: 3, Effect: "slow", Argument: "20ms"},
		"ReadLogs:1=drop 2":        {What: "ReadLogs", First: 1, Last: 1, Effect: "drop", Argument: "2"},
		"Output=wronghash":         {What: "Output", Effect: "wronghash"},
		"Job:1=vanish":             {What: "Job", First: 1, Last: 1, Effect: "vanish"},
		"Token=DEADLINE_EXCEEDED":  {What: "Token", Effect: "DEADLINE_EXCEEDED"},
		"DownloadJobFiles:9=reset": {What: "DownloadJobFiles", First: 9, Last: 9, Effect: "reset"},
	} {
		got, err := ParseRule(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got)
	}
	for _, bad := range []string{"", "Create", "Create=", "create=hang", "Create:0=hang", "Create:3-2=hang", "Create:x=hang", "Create=SOMETIMES",
		"Create=OK", "PUT=200", "PUT=600", "Token=slow", "Token=slow soon", "ReadLogs=drop", "ReadLogs=drop -1"} {
		_, err := ParseRule(bad)
		require.Error(t, err, bad)
	}
}

// caller calls the emulator as any client does.
type caller struct {
	*testing.T
	e    *Emulator
	ctx  context.Context
	jobs jobs.ProjectJobServiceClient
	ops  operation.OperationServiceClient
	conn *grpc.ClientConn
}

func call(t *testing.T, o Options) *caller {
	o.Root = t.TempDir()
	e, err := Start(o)
	require.NoError(t, err)
	conn, err := grpc.NewClient(e.Address(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, conn.Close())
		require.NoError(t, e.Close())
	})
	token, err := iam.NewIamTokenServiceClient(conn).Create(t.Context(), &iam.CreateIamTokenRequest{
		Identity: &iam.CreateIamTokenRequest_YandexPassportOauthToken{YandexPassportOauthToken: "y0_x"}})
	require.NoError(t, err)
	return &caller{t, e, metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer "+token.IamToken),
		jobs.NewProjectJobServiceClient(conn), operation.NewOperationServiceClient(conn), conn}
}

func parameters(cmd string) *jobs.JobParameters {
	return &jobs.JobParameters{Cmd: cmd, Env: &jobs.Environment{}, CloudInstanceTypes: []*jobs.CloudInstanceType{{Name: "c1.4"}}}
}

func (c *caller) create(p *jobs.JobParameters) (string, error) {
	op, err := c.jobs.Create(c.ctx, &jobs.CreateProjectJobRequest{ProjectId: "p", Name: "n", JobParameters: p})
	if err != nil {
		return "", err
	}
	var answer jobs.CreateProjectJobResponse
	require.NoError(c, op.GetResponse().UnmarshalTo(&answer))
	return answer.JobId, nil
}

func (c *caller) execute(id string) *operation.Operation {
	op, err := c.jobs.Execute(c.ctx, &jobs.ExecuteProjectJobRequest{JobId: id})
	require.NoError(c, err)
	require.Eventually(c, func() bool {
		op, err = c.ops.Get(c.ctx, &operation.GetOperationRequest{OperationId: op.Id})
		return err == nil && op.Done
	}, 20*time.Second, time.Millisecond)
	return op
}

// TestParametersAreChecked as the service does.
func TestParametersAreChecked(t *testing.T) {
	c := call(t, Options{})
	file := func(path, hash string, size int64) []*jobs.File {
		return []*jobs.File{{Desc: &jobs.FileDesc{Path: path}, Sha256: hash, SizeBytes: size, CompressionType: jobs.FileCompressionType_NONE}}
	}
	hash := strings.Repeat("0a", 32)
	for what, change := range map[string]func(*jobs.JobParameters){
		"no command":       func(p *jobs.JobParameters) { p.Cmd = " " },
		"no instance type": func(p *jobs.JobParameters) { p.CloudInstanceTypes = nil },
		"no environment":   func(p *jobs.JobParameters) { p.Env = nil },
		"upper case hash":  func(p *jobs.JobParameters) { p.InputFiles = file("a", strings.ToUpper(hash), 1) },
		"empty file":       func(p *jobs.JobParameters) { p.InputFiles = file("a", hash, 0) },
		"path goes up":     func(p *jobs.JobParameters) { p.InputFiles = file("../a", hash, 1) },
		"absolute path":    func(p *jobs.JobParameters) { p.OutputFiles = []*jobs.FileDesc{{Path: "/etc/passwd"}} },
		"variable twice": func(p *jobs.JobParameters) {
			p.OutputFiles = []*jobs.FileDesc{{Path: "a", Var: "X"}, {Path: "b", Var: "X"}}
		},
	} {
		p := parameters("true")
		change(p)
		_, err := c.create(p)
		require.Equal(t, codes.InvalidArgument, status.Code(err), what)
	}
	id, err := c.create(parameters("true"))
	require.NoError(t, err)
	require.NotEmpty(t, id)
}

// TestExecuteOfAnEndedJobRunsItAgain: a client must not do that to rejoin.
func TestExecuteOfAnEndedJobRunsItAgain(t *testing.T) {
	c := call(t, Options{})
	id, err := c.create(parameters("echo once"))
	require.NoError(t, err)
	first, second := c.execute(id), c.execute(id)
	require.NotEqual(t, first.Id, second.Id)
	require.Equal(t, 2, c.e.Jobs()[0].Executions)
}

// TestReturnCodeIsNotAnError of the operation.
func TestReturnCodeIsNotAnError(t *testing.T) {
	c := call(t, Options{})
	id, err := c.create(parameters("exit 3"))
	require.NoError(t, err)
	var answer jobs.ExecuteProjectJobResponse
	require.NoError(t, c.execute(id).GetResponse().UnmarshalTo(&answer))
	require.Equal(t, int64(3), answer.Result.ReturnCode)
	require.Equal(t, "ERROR", c.e.Jobs()[0].Status)
}

// TestNothingOfAJobIsLeftRunning: what its command left in the background ends
// with it.
func TestNothingOfAJobIsLeftRunning(t *testing.T) {
	c := call(t, Options{})
	mark := filepath.Join(t.TempDir(), "mark")
	id, err := c.create(parameters("(sleep 0.3; touch " + mark + ") & exit 0"))
	require.NoError(t, err)
	require.Nil(t, c.execute(id).GetError())
	time.Sleep(500 * time.Millisecond) // longer than it would have taken
	_, err = os.Stat(mark)
	require.ErrorIs(t, err, os.ErrNotExist)
}

// TestListInPages, by status.
func TestListInPages(t *testing.T) {
	c := call(t, Options{})
	var made []string
	for range 5 {
		id, err := c.create(parameters("true"))
		require.NoError(t, err)
		made = append([]string{id}, made...) // the newest comes first
	}
	var seen []string
	req := &jobs.ListProjectJobRequest{ProjectId: "p", PageSize: 2}
	for pages := 1; ; pages++ {
		page, err := c.jobs.List(c.ctx, req)
		require.NoError(t, err)
		for _, j := range page.Jobs {
			seen = append(seen, j.Id)
		}
		if req.PageToken = page.NextPageToken; req.PageToken == "" {
			require.Equal(t, 3, pages)
			break
		}
	}
	require.Equal(t, made, seen)
	c.execute(made[0])
	page, err := c.jobs.List(c.ctx, &jobs.ListProjectJobRequest{ProjectId: "p", Filter: `status IN ("SUCCESS")`})
	require.NoError(t, err)
	require.Len(t, page.Jobs, 1)
	_, err = c.jobs.List(c.ctx, &jobs.ListProjectJobRequest{ProjectId: "p", Filter: "name = x"})
	require.Equal(t, codes.InvalidArgument, status.Code(err))
}

// TestNothingWithoutAToken.
func TestNothingWithoutAToken(t *testing.T) {
	c := call(t, Options{})
	for _, ctx := range []context.Context{t.Context(), metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer t1.made-up")} {
		_, err := c.jobs.List(ctx, &jobs.ListProjectJobRequest{ProjectId: "p"})
		require.Equal(t, codes.Unauthenticated, status.Code(err))
		stream, err := c.jobs.ReadLogs(ctx, &jobs.ReadProjectJobLogsRequest{JobId: "x"})
		require.NoError(t, err)
		_, err = stream.Recv()
		require.Equal(t, codes.Unauthenticated, status.Code(err))
	}
}

// TestGraceIsTheWholeGroups: the signal ends the shell at once, but not the
// program, which has its time.
func TestGraceIsTheWholeGroups(t *testing.T) {
	for grace, heeds := range map[time.Duration]bool{20 * time.Second: true, 50 * time.Millisecond: false} {
		c := call(t, Options{})
		mark := filepath.Join(t.TempDir(), "mark")
		p := parameters("sh -c 'trap \"sleep 0.2; touch " + mark + "; exit 130\" TERM; echo begun; for i in $(seq 200); do sleep 0.05; done'; true")
		p.GracefulShutdownParameters = &jobs.GracefulShutdownParameters{Timeout: durationpb.New(grace)}
		id, err := c.create(p)
		require.NoError(t, err)
		op, err := c.jobs.Execute(c.ctx, &jobs.ExecuteProjectJobRequest{JobId: id})
		require.NoError(t, err)
		stream, err := c.jobs.ReadLogs(c.ctx, &jobs.ReadProjectJobLogsRequest{JobId: id})
		require.NoError(t, err)
		_, err = stream.Recv()
		require.NoError(t, err)
		_, err = c.jobs.Cancel(c.ctx, &jobs.CancelProjectJobRequest{JobId: id, Graceful: true})
		require.NoError(t, err)
		require.Eventually(t, func() bool {
			op, err = c.ops.Get(c.ctx, &operation.GetOperationRequest{OperationId: op.Id})
			return err == nil && op.Done
		}, 20*time.Second, time.Millisecond)
		require.Equal(t, int32(codes.Canceled), op.GetError().GetCode())
		_, err = os.Stat(mark)
		require.Equal(t, heeds, err == nil)
	}
}
