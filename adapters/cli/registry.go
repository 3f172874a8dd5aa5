package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/plastinka/predictor/app"
	"github.com/plastinka/predictor/domain/job"
	"github.com/plastinka/predictor/ports"
)

func jobsCommand(s *session) *cobra.Command {
	var kind, status string
	var limit int
	list := &cobra.Command{
		Use: "list", Short: "The jobs, newest first", Args: noArgs,
		Example: "  plastinka jobs list --type training --status failed",
		RunE: s.installed(func(c *cobra.Command, _ []string, in *Installation) error {
			jobs, matching, err := in.DB.Jobs().Jobs(c.Context(), job.Query{Type: job.Type(kind), Status: job.Status(status), Limit: limit})
			if err != nil {
				return err
			}
			return s.print(map[string]any{"jobs": nonNil(jobs), "total": len(jobs), "total_matching": matching}, func() { s.showJobs(jobs, matching) })
		}),
	}
	list.Flags().StringVar(&kind, "type", "", "data_upload, training, tuning, backtest or report")
	list.Flags().StringVar(&status, "status", "", "pending, running, completed, failed or cancelled")
	list.Flags().IntVar(&limit, "limit", 20, "how many; 0 is all")

	show := &cobra.Command{
		Use: "show ID", Short: "A job with its result or its error, and its history", Args: exactly("ID of a job"),
		Example: "  plastinka jobs show 0f9c1d6e-1f0c-4d53-9f57-5a3f4c1b2a60 --json",
		RunE: s.installed(func(c *cobra.Command, args []string, in *Installation) error {
			j, err := in.DB.Jobs().Job(c.Context(), args[0])
			if err != nil {
				return err
			}
			return s.print(j, func() { s.showJob(c, in, j) })
		}),
	}
	cancel := &cobra.Command{
		Use: "cancel ID", Short: "Cancel a job, in the backend too", Args: exactly("ID of a job"),
		Example: "  plastinka jobs cancel 0f9c1d6e-1f0c-4d53-9f57-5a3f4c1b2a60",
		RunE: s.installed(func(c *cobra.Command, args []string, in *Installation) error {
			j, err := in.DB.Jobs().RequestCancel(c.Context(), args[0], in.Clock.Now())
			if err != nil {
				return err
			}
			return s.print(j, func() { s.term.Say("job %s: %s", j.ID, cancelled(j)) })
		}),
	}
	logs := &cobra.Command{
		Use: "logs ID", Short: "What a job has said while it ran", Args: exactly("ID of a job"),
		Example: "  plastinka jobs logs 0f9c1d6e-1f0c-4d53-9f57-5a3f4c1b2a60",
		RunE: s.installed(func(c *cobra.Command, args []string, in *Installation) error {
			if _, err := in.DB.Jobs().Job(c.Context(), args[0]); err != nil {
				return err
			}
			events, err := in.DB.Jobs().History(c.Context(), args[0], 0)
			if err != nil {
				return err
			}
			return s.print(events, func() {
				for _, e := range events {
					fmt.Fprintf(s.Out, "%s  %-9s  %3.0f %%  %s\n", e.At.Local().Format(time.DateTime), e.Status, e.Progress, e.Message)
				}
			})
		}),
	}
	return registry("jobs", "Look at jobs, cancel them", list, show, logs, cancel)
}

func cancelled(j job.Job) string {
	if j.Status == job.Cancelled {
		return "cancelled"
	}
	return "will stop as soon as its worker sees it"
}

func (s *session) showJobs(jobs []job.Job, matching int) {
	rows := make([][]string, len(jobs))
	for i, j := range jobs {
		rows[i] = []string{j.ID, string(j.Type), string(j.Status), j.CreatedAt.Local().Format(time.DateTime), short(j.Message, 60)}
	}
	s.term.Table([]string{"job", "type", "status", "created", "message"}, rows)
	if matching > len(jobs) {
		s.term.Say("%d of %d jobs; --limit 0 shows all", len(jobs), matching)
	}
}

func (s *session) showJob(c *cobra.Command, in *Installation, j job.Job) {
	fmt.Fprintf(s.Out, "%s  %s\n%s\n\n", s.term.Bold(string(j.Type)), j.ID, j.Status)
	events, err := in.DB.Jobs().History(c.Context(), j.ID, 0)
	if err == nil {
		for _, e := range events {
			fmt.Fprintf(s.Out, "  %s  %-9s  %3.0f %%  %s\n", e.At.Local().Format(time.DateTime), e.Status, e.Progress, e.Message)
		}
	}
	if j.Error != nil {
		fmt.Fprintf(s.Out, "\n%s %s (%s)\n", s.term.Red("Failed:"), j.Error.Message, j.Error.Code)
	}
	if len(j.Result) > 0 {
		fmt.Fprintln(s.Out)
		_ = s.printJSON(j.Result)
	}
}

func configsCommand(s *session) *cobra.Command {
	list := &cobra.Command{
		Use: "list", Short: "The stored training configurations, newest first", Args: noArgs,
		Example: "  plastinka configs list",
		RunE: s.installed(func(c *cobra.Command, _ []string, in *Installation) error {
			configs, err := in.DB.Configs().Configs(c.Context(), 0)
			if err != nil {
				return err
			}
			return s.print(nonNil(configs), func() {
				rows := make([][]string, len(configs))
				for i, x := range configs {
					rows[i] = []string{short(x.ID, 13), mark(x.Active), x.CreatedAt.Local().Format(time.DateTime), x.Source}
				}
				s.term.Table([]string{"configuration", "active", "created", "from"}, rows)
			})
		}),
	}
	show := &cobra.Command{
		Use: "show ID", Short: "A configuration as JSON", Args: exactly("ID of a configuration"),
		Example: "  plastinka configs show e56149 > config.json   # the beginning of an id is enough",
		RunE: s.installed(func(c *cobra.Command, args []string, in *Installation) error {
			id, err := configID(c, in, args[0])
			if err != nil {
				return err
			}
			config, err := in.DB.Configs().Config(c.Context(), id)
			if err != nil {
				return err
			}
			return s.printJSON(config)
		}),
	}
	var activate bool
	add := &cobra.Command{
		Use: "add FILE", Short: "Check and store a configuration (JSON)", Args: exactly("FILE with a configuration"),
		Example: "  plastinka configs add config.json --activate",
		RunE: s.installed(func(c *cobra.Command, args []string, in *Installation) error {
			text, err := readFile(args[0], maxConfig)
			if err != nil {
				return err
			}
			stored, warnings, err := in.Configs.Put(c.Context(), text, activate, "upload")
			if err != nil {
				return err
			}
			for _, w := range warnings {
				s.term.Say("%s %s", s.term.Yellow("Note:"), w.Message)
			}
			return s.print(stored, func() { fmt.Fprintln(s.Out, stored.ID) })
		}),
	}
	add.Flags().BoolVar(&activate, "activate", false, "make it the one that trainings use")
	use := &cobra.Command{
		Use: "activate ID", Short: "Make a configuration the one that trainings use", Args: exactly("ID of a configuration"),
		Example: "  plastinka configs activate e56149",
		RunE: s.installed(func(c *cobra.Command, args []string, in *Installation) error {
			id, err := configID(c, in, args[0])
			if err != nil {
				return err
			}
			return s.done(in.Configs.SetActive(c.Context(), id), "the configuration %s is active", short(id, 13))
		}),
	}
	remove := &cobra.Command{
		Use: "delete ID…", Short: "Delete configurations; the active one stays", Args: someArgs("ID of a configuration"),
		Example: "  plastinka configs delete e56149 07ab12",
		RunE: s.installed(func(c *cobra.Command, args []string, in *Installation) error {
			ids := make([]string, len(args))
			for i, a := range args {
				ids[i] = a
				if id, err := configID(c, in, a); err == nil {
					ids[i] = id
				}
			}
			d, err := in.Configs.Delete(c.Context(), ids)
			return s.deleted(d, err)
		}),
	}
	history, rollback := activationCommands(s, "config", func(in *Installation) activations { return in.Configs })
	return registry("configs", "The training configurations", list, show, add, use, history, rollback, remove)
}

// configID completes the beginning of a configuration's id.
func configID(c *cobra.Command, in *Installation, start string) (string, error) {
	configs, err := in.DB.Configs().Configs(c.Context(), 0)
	if err != nil {
		return "", err
	}
	var found []string
	for _, x := range configs {
		if strings.HasPrefix(x.ID, start) {
			found = append(found, x.ID)
		}
	}
	if len(found) == 1 {
		return found[0], nil
	}
	if len(found) > 1 {
		return "", usage("%d configurations begin with %q; give more of the id", len(found), start)
	}
	return start, nil
}

func modelsCommand(s *session) *cobra.Command {
	list := &cobra.Command{
		Use: "list", Short: "The models, newest first", Args: noArgs,
		Example: "  plastinka models list",
		RunE: s.installed(func(c *cobra.Command, _ []string, in *Installation) error {
			models, err := in.DB.Models().Models(c.Context(), 0)
			if err != nil {
				return err
			}
			return s.print(nonNil(models), func() { s.showModels(models) })
		}),
	}
	show := &cobra.Command{
		Use: "show ID", Short: "A model with its metrics", Args: exactly("ID of a model"),
		Example: "  plastinka models show tide_20260301-101500_0f9c1d6e",
		RunE: s.installed(func(c *cobra.Command, args []string, in *Installation) error {
			m, err := in.DB.Models().Model(c.Context(), args[0])
			if err != nil {
				return err
			}
			return s.printJSON(m)
		}),
	}
	use := &cobra.Command{
		Use: "activate ID", Short: "Make a model the one whose forecasts are shown first", Args: exactly("ID of a model"),
		Example: "  plastinka models activate tide_20260301-101500_0f9c1d6e",
		RunE: s.installed(func(c *cobra.Command, args []string, in *Installation) error {
			return s.done(in.Models.SetActive(c.Context(), args[0]), "the model %s is active", args[0])
		}),
	}
	remove := &cobra.Command{
		Use: "delete ID…", Short: "Delete models with their files; the active one stays", Args: someArgs("ID of a model"),
		Example: "  plastinka models delete tide_20260201-101500_77aa0c1e",
		RunE: s.installed(func(c *cobra.Command, args []string, in *Installation) error {
			d, err := in.Models.Delete(c.Context(), args)
			return s.deleted(d, err)
		}),
	}
	file := &cobra.Command{
		Use: "file ID", Short: "The path of a model's file", Args: exactly("ID of a model"),
		Example: "  cp \"$(plastinka models file tide_20260301-101500_0f9c1d6e)\" model.onnx",
		RunE: s.installed(func(c *cobra.Command, args []string, in *Installation) error {
			path, err := in.Models.File(c.Context(), args[0])
			if err != nil {
				return err
			}
			return s.print(map[string]string{"path": path}, func() { fmt.Fprintln(s.Out, path) })
		}),
	}
	history, rollback := activationCommands(s, "model", func(in *Installation) activations { return in.Models })
	return registry("models", "The trained models", list, show, file, use, history, rollback, remove)
}

func (s *session) showModels(models []ports.StoredModel) {
	rows := make([][]string, len(models))
	for i, m := range models {
		rows[i] = []string{m.ID, mark(m.Active), m.CreatedAt.Local().Format(time.DateTime), m.Path}
	}
	s.term.Table([]string{"model", "active", "created", "file"}, rows)
}

func (s *session) deleted(d app.Deletion, err error) error {
	if err != nil {
		return err
	}
	if len(d.Failed) > 0 {
		s.code = exitUsage
	}
	return s.print(d, func() {
		for _, id := range d.Successful {
			s.term.Say("deleted %s", id)
		}
		for _, e := range d.Errors {
			s.term.Say("%s %s", s.term.Yellow("kept"), e)
		}
	})
}

// done reports a step that has no result of its own.
func (s *session) done(err error, format string, args ...any) error {
	if err != nil {
		return err
	}
	message := fmt.Sprintf(format, args...)
	return s.print(map[string]any{"success": true, "message": message}, func() { s.term.Say("%s", message) })
}

func mark(b bool) string {
	if b {
		return "active"
	}
	return ""
}

func short(s string, n int) string {
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}

// nonNil makes an empty list [] in JSON.
func nonNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
