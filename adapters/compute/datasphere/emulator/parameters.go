package emulator

import (
	"path/filepath"
	"regexp"
	"strings"

	jobs "github.com/yandex-cloud/go-genproto/yandex/cloud/datasphere/v2/jobs"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

var (
	digest   = regexp.MustCompile(`^[0-9a-f]{64}$`)
	variable = regexp.MustCompile(`^[0-9A-Za-z_-]{1,50}$`)
)

func checkParameters(p *jobs.JobParameters) error {
	bad := func(format string, args ...any) error { return status.Errorf(codes.InvalidArgument, format, args...) }
	switch {
	case p == nil:
		return bad("job_parameters: required")
	case strings.TrimSpace(p.Cmd) == "":
		return bad("job_parameters.cmd: required")
	case len(p.CloudInstanceTypes) == 0:
		return bad("job_parameters.cloud_instance_types: at least one is required")
	case p.Env == nil:
		return bad("job_parameters.env: required")
	case len(p.InputFiles) > 100 || len(p.OutputFiles) > 100:
		return bad("job_parameters: too many files")
	}
	names := map[string]bool{}
	check := func(d *jobs.FileDesc) error {
		name := d.GetVar()
		switch {
		case d.GetPath() == "":
			return bad("a file has no path")
		case name == "" && !filepath.IsLocal(d.Path):
			return bad("path %s: relative paths without .. only", d.Path)
		case name != "" && (!variable.MatchString(name) || names[name]):
			return bad("variable %s: not a name, or used twice", name)
		}
		names[name] = name != ""
		return nil
	}
	for _, f := range p.InputFiles {
		if err := check(f.Desc); err != nil {
			return err
		}
		if !digest.MatchString(f.Sha256) || f.SizeBytes <= 0 || f.SizeBytes > 5<<30 || f.CompressionType == 0 {
			return bad("file %s: sha256, size_bytes and compression_type are required, 5 GiB at most", f.Desc.Path)
		}
	}
	for _, d := range p.OutputFiles {
		if err := check(d); err != nil {
			return err
		}
	}
	return nil
}
