package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/plastinka/predictor/domain/fault"
)

// EmulatorOptions say what emulator of DataSphere to run.
type EmulatorOptions struct {
	Listen, Store string // addresses; port 0 takes a free one
	Ready         string // a file that gets both addresses, a line each, when calls are taken
	Dir           string // for the files; "": a temporary folder
	Project       string // the only project there is; "": any
	Faults        []string
	TokenLife     string // of IAM tokens, a duration
	Quota         int    // jobs at once; 0: no limit
}

func emulatorCommand(s *session) *cobra.Command {
	o := EmulatorOptions{Listen: "127.0.0.1:0", Store: "127.0.0.1:0", TokenLife: "12h"}
	c := &cobra.Command{
		Use: "datasphere-emulator", Short: "Run an emulator of Yandex DataSphere on this machine", Args: noArgs, Hidden: true,
		Long: `Serves DataSphere's jobs, operations, projects and IAM (gRPC, one port, without
TLS) and an object store (HTTP), and really runs what is submitted. It ends with
an interrupt. A fault is WHAT[:FIRST[-LAST]]=EFFECT, for example Create:1=lost,
Operation:2-3=UNAVAILABLE, PUT=500, GET:1=corrupt, ReadLogs=drop 2, Job:1=vanish,
Execute=hang, Token=slow 2s, Output=wronghash.`,
		Example: "  plastinka datasphere-emulator --listen 127.0.0.1:9098 --ready ready.txt --fault Execute:1=lost",
		RunE: func(c *cobra.Command, _ []string) error {
			return s.house.Emulator(c.Context(), o, s.Streams)
		},
	}
	f := c.Flags()
	f.StringVar(&o.Listen, "listen", o.Listen, "the address of the gRPC services")
	f.StringVar(&o.Store, "store-listen", o.Store, "the address of the object store")
	f.StringVar(&o.Ready, "ready", "", "a file that gets both addresses when all is ready")
	f.StringVar(&o.Dir, "dir", "", "a folder for jobs and files; a temporary one if absent")
	f.StringVar(&o.Project, "project", "", "the id of the only project there is; any if absent")
	f.StringArrayVar(&o.Faults, "fault", nil, "something that fails; may be repeated")
	f.StringVar(&o.TokenLife, "token-life", o.TokenLife, "how long an IAM token is valid")
	f.IntVar(&o.Quota, "quota", 0, "jobs at once; 0 is no limit")
	return c
}

// terraformNames are the outputs of the cloud resources that are settings here.
func terraformNames() map[string]string {
	return map[string]string{"datasphere_project_id": "DATASPHERE_PROJECT_ID", "folder_id": "DATASPHERE_FOLDER_ID",
		"datasphere_instance_types": "DATASPHERE_INSTANCE_TYPES", "compute_backend": "COMPUTE_BACKEND"}
}

func importTerraformCommand(s *session) *cobra.Command {
	var out string
	c := &cobra.Command{
		Use: "import-terraform [FILE]", Short: "Turn terraform output -json into settings for .env", Args: cobra.MaximumNArgs(1),
		Long: `Reads what terraform output -json prints, from FILE or standard input, and prints
the settings it means. With --out they are put into that file: lines of the same
settings are replaced, all others stay.`,
		Example: "  terraform -chdir=infrastructure/envs/prod output -json | plastinka config import-terraform --out .env",
		RunE: func(c *cobra.Command, args []string) error {
			text, err := s.terraformOutput(args)
			if err != nil {
				return err
			}
			lines, hints, err := terraformSettings(text)
			if err != nil {
				return err
			}
			for _, h := range hints {
				s.term.Say("%s %s", s.term.Yellow("Note:"), h)
			}
			if out == "" {
				_, err := fmt.Fprintln(s.Out, strings.Join(lines, "\n"))
				return err
			}
			return s.mergeEnv(out, lines)
		},
	}
	c.Flags().StringVarP(&out, "out", "o", "", "the .env file to put them into")
	return c
}

func (s *session) terraformOutput(args []string) ([]byte, error) {
	if len(args) == 1 && args[0] != "-" {
		return readFile(args[0], maxConfig)
	}
	text, err := io.ReadAll(io.LimitReader(s.In, maxConfig))
	if err != nil {
		return nil, fault.New(fault.Invalid, "file_unreadable", "standard input cannot be read: %v", err)
	}
	return text, nil
}

// terraformSettings are the lines for .env, and what is left to do by hand.
func terraformSettings(text []byte) (lines, hints []string, err error) {
	var outputs map[string]struct {
		Value any `json:"value"`
	}
	bad := func(format string, args ...any) error {
		return fault.New(fault.Invalid, "invalid_input", "this is not what terraform output -json prints for infrastructure/envs/prod: %s", fmt.Sprintf(format, args...))
	}
	if err := json.Unmarshal(text, &outputs); err != nil {
		return nil, nil, bad("%v", err)
	}
	for output, setting := range terraformNames() {
		o, there := outputs[output]
		if !there {
			continue
		}
		value, err := terraformValue(o.Value)
		if err != nil {
			return nil, nil, bad("%s: %v", output, err)
		}
		lines = append(lines, setting+"="+value)
	}
	if _, there := outputs["datasphere_project_id"]; !there {
		return nil, nil, bad("the output datasphere_project_id is missing; run terraform apply first")
	}
	slices.Sort(lines)
	secret, _ := terraformValue(outputs["service_account_key_secret_id"].Value)
	key, _ := terraformValue(outputs["service_account_key_id"].Value)
	account, _ := terraformValue(outputs["service_account_id"].Value)
	if secret != "" && key != "" && account != "" {
		hints = append(hints, fmt.Sprintf(`the service account's private key is in Lockbox; make its key file and set YC_SERVICE_ACCOUNT_KEY_FILE to it:
  (umask 077; yc lockbox payload get --id %s --key private_key | jq -Rs '{id: "%s", service_account_id: "%s", private_key: .}' > sa-key.json)`, secret, key, account))
	}
	return lines, hints, nil
}

// terraformValue is a value as a line of .env has it: without quotes, so
// nothing may be in it that would need them.
func terraformValue(v any) (string, error) {
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	parts := make([]string, len(list))
	for i, item := range list {
		text, ok := item.(string)
		if !ok || strings.ContainsFunc(text, func(r rune) bool {
			return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_.", r))
		}) {
			return "", fmt.Errorf("%v is not an identifier", item)
		}
		parts[i] = text
	}
	return strings.Join(parts, ","), nil
}

// mergeEnv puts settings into a .env file.
func (s *session) mergeEnv(path string, lines []string) error {
	old, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		return fault.New(fault.Invalid, "file_unreadable", "%s cannot be read: %v", path, err)
	}
	var kept []string
	for line := range strings.Lines(string(old)) {
		line = strings.TrimRight(line, "\r\n")
		name, _, _ := strings.Cut(line, "=")
		if !slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, strings.TrimSpace(name)+"=") }) {
			kept = append(kept, line)
		}
	}
	w, finish, err := s.house.Create(path)
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, strings.Join(append(kept, lines...), "\n")+"\n")
	if err := finish(err); err != nil {
		return err
	}
	if err := os.Chmod(path, 0o600); err != nil { // it may hold secrets
		return fault.New(fault.Invalid, "not_writable", "%s: %v", path, err)
	}
	s.term.Say("%s: %s", path, strings.Join(lines, ", "))
	return nil
}
