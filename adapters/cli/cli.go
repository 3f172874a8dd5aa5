// Package cli has the commands: each decodes its flags, calls one use case,
// and shows the result, to a person or, with --json, to a program.
//
// Results go to standard output, progress and remarks to standard error. Exit
// codes: 0 done, 1 failed, 2 wrong usage or input, 130 interrupted. The
// commands know use cases and ports only; what stands behind them the
// composition root decides, by the House it gives.
//
// cobra parses the command line: help, examples and shell completion are what
// people expect of it.
package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/plastinka/predictor/adapters/support/terminal"
	"github.com/plastinka/predictor/domain/fault"
)

// Streams are what a process is started with.
type Streams struct {
	Args     []string // without the program's name
	In       io.Reader
	Out, Err io.Writer
	Getenv   func(string) string
}

// The exit codes.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 130
)

// session is one run of the program: its streams, global flags and the house.
type session struct {
	Streams
	house House
	term  *terminal.Terminal

	json, quiet bool
	settings    map[string]string // of flags that stand for settings, by setting name
	code        int               // an exit code other than the error's own
}

// Run parses the command line, runs the command, and returns the exit code.
func Run(ctx context.Context, streams Streams, house House) int {
	s := &session{Streams: streams, house: house, settings: map[string]string{},
		term: terminal.New(streams.Out, streams.Err, streams.Getenv)}
	root := s.root()
	root.SetArgs(streams.Args)
	root.SetIn(streams.In)
	root.SetOut(streams.Out)
	root.SetErr(streams.Err)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return s.code
	}
	s.json = s.json || asksForJSON(streams.Args)
	return s.fail(ctx, err)
}

// asksForJSON reports whether the flag is there, also on a command line that
// could not be parsed up to it.
func asksForJSON(args []string) bool {
	if end := slices.Index(args, "--"); end >= 0 {
		args = args[:end]
	}
	return slices.Contains(args, "--json")
}

func (s *session) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "plastinka",
		Short: "Forecasts for shops with many slow-moving items",
		Long: `Plastinka reads what a record shop's till and stock system export, rebuilds the
monthly history of every record edition, trains a TiDE network, forecasts next
month's sales as quantiles, and reports what to restock.

Start with:  plastinka demo`,
		SilenceErrors: true, SilenceUsage: true,
		Version: s.house.Version,
		PersistentPreRun: func(*cobra.Command, []string) {
			s.term.Quiet = s.quiet
		},
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	f := root.PersistentFlags()
	f.BoolVar(&s.json, "json", false, "print the result as one JSON value")
	f.BoolVarP(&s.quiet, "quiet", "q", false, "no progress and no remarks")
	s.settingFlag(f, "data-root", "DATA_ROOT_DIR", "the folder with database, models and reports")
	s.settingFlag(f, "config-file", "CONFIG_FILE_PATH", "a YAML or JSON file with settings")
	s.settingFlag(f, "log-level", "API_LOG_LEVEL", "DEBUG, INFO, WARNING or ERROR")
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error { return usage("%v; see: %s --help", err, c.CommandPath()) })
	for _, command := range commands() {
		root.AddCommand(command(s))
	}
	return root
}

// commands are all commands, in the order of the help.
func commands() []func(*session) *cobra.Command {
	return []func(*session) *cobra.Command{
		demoCommand, uploadCommand, trainCommand, tuneCommand, backtestCommand, reportCommand, explainCommand, statusCommand, serveCommand,
		exportCommand, predictCommand, evaluateCommand, simulateCommand,
		jobsCommand, configsCommand, modelsCommand,
		keysCommand, doctorCommand, configCommand, backupCommand, restoreCommand, retainCommand,
		openapiCommand, taskCommand, emulatorCommand, versionCommand,
	}
}

// settingFlag is a flag that stands for a setting.
func (s *session) settingFlag(f *pflag.FlagSet, name, setting, usage string) {
	f.Func(name, usage+" ("+setting+")", func(v string) error {
		s.settings[setting] = v
		return nil
	})
}

// usage is an error about how a command was called.
func usage(format string, args ...any) error {
	return fault.New(fault.Invalid, "wrong_usage", format, args...)
}

// noArgs refuses arguments with a sentence.
func noArgs(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usage("%q is not expected here; see: %s --help", args[0], c.CommandPath())
	}
	return nil
}

// fail shows an error and returns its exit code.
func (s *session) fail(ctx context.Context, err error) int {
	var e *fault.Error
	if !errors.As(err, &e) {
		if strings.HasPrefix(err.Error(), "unknown command") {
			err = usage("%v; see: plastinka --help", err)
		}
		e = fault.Wrap("", err).(*fault.Error)
	}
	code := exitFailed
	switch {
	case ctx.Err() != nil:
		code = exitInterrupted
		e = fault.New(fault.Cancelled, "interrupted", "interrupted; repeat the command to go on where it stopped")
	case e.Kind == fault.Invalid, e.Kind == fault.NotFound, e.Kind == fault.Conflict, e.Kind == fault.TooLarge:
		code = exitUsage
	}
	if s.code != exitDone {
		code = s.code
	}
	if s.json {
		_ = s.printJSON(map[string]any{"error": map[string]any{"code": e.Code, "message": e.Error(), "details": details(e)}})
		return code
	}
	fmt.Fprintf(s.Err, "%s %s\n", s.term.Red("Error:"), e.Error())
	return code
}

func details(e *fault.Error) map[string]any {
	if e.Details == nil {
		return map[string]any{}
	}
	return e.Details
}

func (s *session) printJSON(v any) error {
	enc := json.NewEncoder(s.Out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// print shows a result: as JSON, or by show.
func (s *session) print(v any, show func()) error {
	if s.json {
		return s.printJSON(v)
	}
	show()
	return nil
}

// logger is for what the use cases have to say while a command runs: warnings
// and worse, unless more was asked for.
func (s *session) logger(level slog.Level) *slog.Logger {
	if s.quiet {
		level = slog.LevelError
	}
	return slog.New(slog.NewTextHandler(s.Err, &slog.HandlerOptions{Level: level}))
}
