package emulator

import (
	"context"
	"syscall"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/access"
	datasphere "github.com/yandex-cloud/go-genproto/yandex/cloud/datasphere/v2"
	jobs "github.com/yandex-cloud/go-genproto/yandex/cloud/datasphere/v2/jobs"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// Of the project that there is.
const (
	Folder  = "b1gemulator"
	balance = 1000
)

// projectService is ProjectService, as far as somebody needs it who submits
// jobs.
type projectService struct {
	datasphere.UnimplementedProjectServiceServer
	e *Emulator
}

func (s *projectService) known(id string) error {
	if s.e.options.Project != "" && id != s.e.options.Project {
		return status.Errorf(codes.NotFound, "Project %s not found", id)
	}
	return nil
}

func (s *projectService) Get(_ context.Context, req *datasphere.GetProjectRequest) (*datasphere.Project, error) {
	if err := s.known(req.ProjectId); err != nil {
		return nil, err
	}
	return &datasphere.Project{Id: req.ProjectId, Name: "emulator", CommunityId: "bt1community",
		Settings: &datasphere.Project_Settings{DefaultFolderId: Folder},
		Limits:   &datasphere.Project_Limits{MaxUnitsPerHour: wrapperspb.Int64(1000), MaxUnitsPerExecution: wrapperspb.Int64(1000)}}, nil
}

func (s *projectService) GetUnitBalance(_ context.Context, req *datasphere.GetUnitBalanceRequest) (*datasphere.GetUnitBalanceResponse, error) {
	if err := s.known(req.ProjectId); err != nil {
		return nil, err
	}
	return &datasphere.GetUnitBalanceResponse{UnitBalance: wrapperspb.Int64(balance)}, nil
}

func (s *projectService) ListAccessBindings(_ context.Context, req *access.ListAccessBindingsRequest) (*access.ListAccessBindingsResponse, error) {
	if err := s.known(req.ResourceId); err != nil {
		return nil, err
	}
	answer := &access.ListAccessBindingsResponse{}
	for _, role := range s.e.options.ServiceRoles {
		answer.AccessBindings = append(answer.AccessBindings, &access.AccessBinding{RoleId: role, Subject: &access.Subject{Id: "ajeemulator", Type: "serviceAccount"}})
	}
	return answer, nil
}

// signalOf is the signal of a graceful end: SIGTERM, if it asks for none.
func signalOf(p *jobs.GracefulShutdownParameters) syscall.Signal {
	if p.Signal == 0 {
		return syscall.SIGTERM
	}
	return syscall.Signal(p.Signal)
}
