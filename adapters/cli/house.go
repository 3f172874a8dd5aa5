package cli

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"github.com/plastinka/predictor/app"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/forecast"
	"github.com/plastinka/predictor/ports"
)

// Installation is an opened data root: its use cases, and how to let go of it.
type Installation struct {
	*app.App
	Root     string   // the data root
	Warnings []string // about the settings
	Renderer ports.ReportRenderer
	// WriteTable writes a stored table in a format, csv or parquet.
	WriteTable func(ctx context.Context, w io.Writer, table, format string) error
	// ServiceRuns is an error unless a service works on this data root.
	ServiceRuns func(ctx context.Context) error
	Close       func() error
}

// House is what the composition root gives the commands. The maps are settings
// by name, as far as flags give them.
type House struct {
	Version  string
	Settings func(flags map[string]string) (values []Setting, warnings []string, err error)
	Open     func(ctx context.Context, flags map[string]string, log func(slog.Level) *slog.Logger) (*Installation, error)
	Doctor   func(ctx context.Context, flags map[string]string) []Check
	Serve    func(ctx context.Context, flags map[string]string, streams Streams) error
	// Restore puts a backup in the database's place and returns where the old
	// database is now; "" if there was none.
	Restore func(ctx context.Context, flags map[string]string, file string) (aside string, err error)
	// OpenAPI is the description of the HTTP API, of version 3.1 or 3.0, as yaml
	// or json.
	OpenAPI  func(format, version string) ([]byte, error)
	Simulate func(ctx context.Context, o SimulateOptions) (Simulated, error)
	// Task runs the task program and returns its exit code.
	Task     func(ctx context.Context, flags map[string]string, input, output string, streams Streams) (int, error)
	Evaluate func(ctx context.Context, flags map[string]string, files PanelFiles, q app.Evaluation, progress func(percent float64, message string)) (*app.Evaluated, error)
	Predict  func(ctx context.Context, flags map[string]string, files PredictFiles, w io.Writer) error
	// Emulator runs an emulator of DataSphere until ctx ends.
	Emulator func(ctx context.Context, o EmulatorOptions, streams Streams) error
	// WriteScores writes the table of a back-test as CSV.
	WriteScores func(w io.Writer, rows []forecast.BacktestRow) error
	// Create begins a file that appears whole under its name when finish is
	// called without an error, or not at all.
	Create func(path string) (w io.Writer, finish func(error) error, err error)
}

// Check is one thing that the doctor looked at.
type Check struct {
	Name    string `json:"name"`
	Status  string `json:"status"` // ok, warning, error
	Message string `json:"message"`
	Advice  string `json:"advice,omitempty"` // what to do
}

// group is a command that only has subcommands.
func group(name, about string, subs ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{Use: name, Short: about, Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	c.AddCommand(subs...)
	return c
}

// registry is a group whose list is shown when no subcommand is given.
func registry(name, about string, list *cobra.Command, others ...*cobra.Command) *cobra.Command {
	c := group(name, about, append([]*cobra.Command{list}, others...)...)
	c.RunE, c.Example = list.RunE, list.Example
	c.Flags().AddFlagSet(list.Flags())
	return c
}

// exactly wants one argument and names it if it is not there.
func exactly(what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) != 1 {
			return usage("give one %s; see: %s --help", what, c.CommandPath())
		}
		return nil
	}
}

// someArgs wants one argument or more and names it if there is none.
func someArgs(what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) == 0 {
			return usage("give at least one %s; see: %s --help", what, c.CommandPath())
		}
		return nil
	}
}

type installedFunc func(c *cobra.Command, args []string, in *Installation) error

// installed opens the installation around a command.
func (s *session) installed(f installedFunc) func(*cobra.Command, []string) error {
	return func(c *cobra.Command, args []string) (err error) {
		in, err := s.open(c.Context())
		if err != nil {
			return err
		}
		defer func() {
			if e := in.Close(); err == nil {
				err = e
			}
		}()
		return f(c, args, in)
	}
}

func (s *session) open(ctx context.Context) (*Installation, error) {
	in, err := s.house.Open(ctx, s.settings, s.logger)
	if err != nil {
		return nil, err
	}
	for _, w := range in.Warnings {
		s.term.Say("%s %s", s.term.Yellow("Note:"), w)
	}
	return in, nil
}

// maxConfig is the largest configuration file that is read, bytes.
const maxConfig = 1 << 20

func readFile(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fault.New(fault.Invalid, "file_not_found", "the file cannot be read: %v", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, fault.New(fault.Invalid, "file_not_found", "the file %s cannot be read: %v", path, err)
	}
	if int64(len(b)) > limit {
		return nil, fault.New(fault.TooLarge, "upload_too_large", "the file %s is larger than %d bytes", path, limit)
	}
	return b, nil
}

// output is where a result's bytes go: the file named by --out, or standard
// output. finish makes the file appear whole, or removes what was written.
func (s *session) output(path string) (w io.Writer, finish func(error) error, err error) {
	if path == "" || path == "-" {
		return s.Out, func(err error) error { return err }, nil
	}
	return s.house.Create(path)
}

// tableOutput is the output of a table that is no JSON value: with --json it
// must go to a file.
func (s *session) tableOutput(path string) (w io.Writer, finish func(error) error, err error) {
	if s.json && (path == "" || path == "-") {
		return nil, nil, usage("with --json say where the table goes with --out FILE")
	}
	return s.output(path)
}

// wrote says what was written to a file, if it was one.
func (s *session) wrote(path, format, remark string) error {
	if path == "" || path == "-" {
		return nil
	}
	return s.print(map[string]string{"path": path, "format": format}, func() {
		if remark != "" {
			s.term.Say("%s: %s", path, remark)
		}
	})
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
