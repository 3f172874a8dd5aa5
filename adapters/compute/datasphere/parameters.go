package datasphere

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	jobs "github.com/yandex-cloud/go-genproto/yandex/cloud/datasphere/v2/jobs"
	"google.golang.org/protobuf/types/known/durationpb"
	"gopkg.in/yaml.v3"

	"github.com/plastinka/predictor/domain/fault"
)

// The names of a job's files in its folder.
const (
	programName = "plastinka"
	inputName   = "input.zip"
	outputName  = "output.zip"
)

// dataLife is how long the cloud keeps a job's files, and grace how long a
// program that is told to stop may take.
const (
	dataLife = 14 * 24 * time.Hour
	grace    = time.Minute
)

func itoa(n int) string { return strconv.Itoa(n) }

// command is one simple command: no shell need understand more.
func (o *Options) command() string {
	words := append([]string{"./" + programName}, o.Arguments...)
	return strings.Join(append(words, "--input", inputName, "--output", outputName), " ")
}

// request is how a run becomes a job.
func (o *Options) request(r *run) (*jobs.CreateProjectJobRequest, error) {
	config, err := o.config(r)
	if err != nil {
		return nil, err
	}
	input := func(f file) *jobs.File {
		return &jobs.File{Desc: &jobs.FileDesc{Path: f.Path}, Sha256: f.SHA256, SizeBytes: f.Size, CompressionType: jobs.FileCompressionType_NONE}
	}
	p := &jobs.JobParameters{
		InputFiles:                 []*jobs.File{input(r.Program), input(r.Input)},
		OutputFiles:                []*jobs.FileDesc{{Path: outputName}},
		Cmd:                        o.command(),
		Env:                        &jobs.Environment{Vars: o.Env},
		GracefulShutdownParameters: &jobs.GracefulShutdownParameters{Timeout: durationpb.New(grace), Signal: int64(syscall.SIGTERM)},
	}
	for _, t := range o.InstanceTypes {
		p.CloudInstanceTypes = append(p.CloudInstanceTypes, &jobs.CloudInstanceType{Name: t})
	}
	return &jobs.CreateProjectJobRequest{ProjectId: o.ProjectID, JobParameters: p, Config: config, Name: r.name(), Desc: o.description(),
		DataTtl: durationpb.New(dataLife)}, nil
}

func (o *Options) description() string { return "Plastinka " + o.Version }

// config is the same job as a file of Yandex's own client, so that a person can
// repeat it by hand.
func (o *Options) config(r *run) (string, error) {
	type shutdown struct {
		Signal  string `yaml:"signal"`
		Timeout string `yaml:"timeout"`
	}
	type environment struct {
		Vars []map[string]string `yaml:"vars"`
	}
	c := struct {
		Name     string       `yaml:"name"`
		Desc     string       `yaml:"desc"`
		Cmd      string       `yaml:"cmd"`
		Env      *environment `yaml:"env,omitempty"`
		Inputs   []string     `yaml:"inputs"`
		Outputs  []string     `yaml:"outputs"`
		Types    []string     `yaml:"cloud-instance-types"`
		Shutdown shutdown     `yaml:"graceful-shutdown"`
	}{Name: r.name(), Desc: o.description(), Cmd: o.command(), Inputs: []string{programName, inputName}, Outputs: []string{outputName},
		Types: o.InstanceTypes, Shutdown: shutdown{"SIGTERM", "60s"}}
	if len(o.Env) > 0 {
		c.Env = &environment{}
		for _, name := range slices.Sorted(maps.Keys(o.Env)) {
			c.Env.Vars = append(c.Env.Vars, map[string]string{name: o.Env[name]})
		}
	}
	text, err := yaml.Marshal(c)
	return string(text), fault.Wrap("datasphere.config", err)
}
