package datasphere

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/access"
	project "github.com/yandex-cloud/go-genproto/yandex/cloud/datasphere/v2"
	jobs "github.com/yandex-cloud/go-genproto/yandex/cloud/datasphere/v2/jobs"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/plastinka/predictor/domain/fault"
)

// Finding is one thing that Check looked at.
type Finding struct {
	Name    string
	Status  string // ok, warning, error
	Message string
	Advice  string // what to do
}

// submitRole is the role that a service account needs on the project.
const submitRole = "datasphere.community-projects.developer"

// Check looks whether jobs could be run, by calls that cost nothing: the
// program, the credentials, the project and its folder, the role, the quota. A
// finding without which the next one cannot be looked at ends the list.
func (b *Backend) Check(ctx context.Context, folderID string) (found []Finding) {
	add := func(f Finding) bool {
		found = append(found, f)
		return f.Status != "error"
	}
	add(b.checkProgram())
	if !add(b.checkCredentials(ctx)) {
		return found
	}
	p, f := b.checkProject(ctx)
	if !add(f) {
		return found
	}
	add(checkFolder(p, folderID))
	if !add(b.checkJobs(ctx)) {
		return found
	}
	add(b.checkRole(ctx))
	add(b.checkQuota(ctx, p))
	return found
}

func fine(name, format string, args ...any) Finding {
	return Finding{Name: name, Status: "ok", Message: fmt.Sprintf(format, args...)}
}

func (b *Backend) checkProgram() Finding {
	const name = "program"
	is, err := b.program.file()
	if err != nil {
		return Finding{name, "error", err.Error(), "build it with CGO_ENABLED=0 GOOS=linux GOARCH=amd64 go build ./cmd/plastinka and set DATASPHERE_PROGRAM"}
	}
	return fine(name, "%s, static linux/amd64, %.1f MB, sha256 %.12s…", b.options.Program, float64(is.Size)/1e6, is.SHA256)
}

func (b *Backend) checkCredentials(ctx context.Context) Finding {
	const name = "credentials"
	limited, cancel := context.WithTimeout(ctx, b.options.StatusTimeout)
	defer cancel()
	if _, err := b.cloud.tokens.token(limited); err != nil {
		advice := "make a service account's key (yc iam key create) and set YC_SERVICE_ACCOUNT_KEY_FILE"
		if fault.KindOf(err) == fault.Unavailable || ctx.Err() == nil && limited.Err() != nil {
			advice = "check the network, and DATASPHERE_IAM_ENDPOINT " + b.options.Endpoints.IAM
		}
		return Finding{name, "error", translate(ctx, "asking for a token", err).Error(), advice}
	}
	return fine(name, "a token was given out by %s", b.options.Endpoints.IAM)
}

func (b *Backend) checkProject(ctx context.Context) (*project.Project, Finding) {
	const name = "project"
	p, err := askProject(ctx, b.cloud, b.options.StatusTimeout, project.ProjectServiceClient.Get, &project.GetProjectRequest{ProjectId: b.options.ProjectID})
	if err == nil {
		return p, fine(name, "%s (%s)", p.Name, p.Id)
	}
	f := Finding{name, "error", translate(ctx, "looking at the project "+b.options.ProjectID, err).Error(), "check the network, and DATASPHERE_ENDPOINT " + b.options.Endpoints.Jobs}
	switch codeOf(err) {
	case codes.NotFound, codes.InvalidArgument:
		f.Advice = "set DATASPHERE_PROJECT_ID to the id that the project's page shows"
	case codes.PermissionDenied:
		f.Advice = "add the service account to the project's members, with the role " + submitRole
	case codes.Unauthenticated:
		f.Advice = "give new credentials"
	}
	return nil, f
}

func checkFolder(p *project.Project, folderID string) Finding {
	const name = "folder"
	switch is := p.GetSettings().GetDefaultFolderId(); {
	case folderID == "" && is == "":
		return fine(name, "none is set, and none is needed")
	case folderID == "" || folderID == is:
		return fine(name, "%s", is)
	case is == "":
		return Finding{name, "warning", "the project has no default folder, DATASPHERE_FOLDER_ID is " + folderID, "set the folder in the project's settings, or leave the setting out"}
	default:
		return Finding{name, "error", "the project's folder is " + is + ", DATASPHERE_FOLDER_ID is " + folderID, "is DATASPHERE_PROJECT_ID the right project?"}
	}
}

func (b *Backend) checkJobs(ctx context.Context) Finding {
	const name = "jobs"
	if _, err := ask(ctx, b.cloud, b.options.StatusTimeout, jobs.ProjectJobServiceClient.List, &jobs.ListProjectJobRequest{ProjectId: b.options.ProjectID, PageSize: 1}); err != nil {
		return Finding{name, "error", translate(ctx, "listing the project's jobs", err).Error(), "give the service account the role " + submitRole + " on the project"}
	}
	return fine(name, "the project's jobs can be seen")
}

// checkRole looks for the role among the project's members; who may submit jobs
// need not be allowed to see them.
func (b *Backend) checkRole(ctx context.Context) Finding {
	const name = "role"
	request := &access.ListAccessBindingsRequest{ResourceId: b.options.ProjectID, PageSize: 1000}
	var roles []string
	for {
		page, err := askProject(ctx, b.cloud, b.options.StatusTimeout, project.ProjectServiceClient.ListAccessBindings, request)
		if err != nil {
			return Finding{name, "warning", "the project's roles cannot be seen with these credentials", "the service account needs " + submitRole + "; a training will show whether it has it"}
		}
		for _, binding := range page.AccessBindings {
			roles = append(roles, binding.RoleId)
		}
		if request.PageToken = page.NextPageToken; request.PageToken == "" {
			break
		}
	}
	may := []string{submitRole, "datasphere.community-projects.editor", "datasphere.community-projects.admin"}
	if !slices.ContainsFunc(roles, func(r string) bool { return slices.Contains(may, r) }) {
		return Finding{name, "warning", "no member of the project has a role that may submit jobs", "give the service account " + submitRole + " on the project, unless it has it from the community"}
	}
	return fine(name, "the project has members that may submit jobs")
}

func (b *Backend) checkQuota(ctx context.Context, p *project.Project) Finding {
	const name = "quota"
	var parts []string
	for _, l := range []struct {
		what  string
		limit *wrapperspb.Int64Value
	}{{"an hour", p.GetLimits().GetMaxUnitsPerHour()}, {"an execution", p.GetLimits().GetMaxUnitsPerExecution()}} {
		if l.limit == nil {
			continue
		}
		parts = append(parts, fmt.Sprintf("%d units %s", l.limit.Value, l.what))
		if l.limit.Value <= 0 {
			return Finding{name, "error", strings.Join(parts, ", "), "raise the project's limits: with 0 units nothing runs"}
		}
	}
	balance, err := askProject(ctx, b.cloud, b.options.StatusTimeout, project.ProjectServiceClient.GetUnitBalance, &project.GetUnitBalanceRequest{ProjectId: b.options.ProjectID})
	if err == nil && balance.UnitBalance != nil {
		parts = append(parts, fmt.Sprintf("%d units left", balance.UnitBalance.Value))
		if balance.UnitBalance.Value <= 0 {
			return Finding{name, "error", strings.Join(parts, ", "), "raise the project's balance of units"}
		}
	}
	if len(parts) == 0 {
		parts = []string{"no limits are set"}
	}
	return fine(name, "%s", strings.Join(parts, ", "))
}
