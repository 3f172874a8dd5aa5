package cli

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/plastinka/predictor/app"
	"github.com/plastinka/predictor/domain/job"
)

func tuneCommand(s *session) *cobra.Command {
	var f trainFlags
	var req app.TuneRequest
	c := &cobra.Command{
		Use: "tune", Short: "Search for a better training configuration", Args: noArgs,
		Long: `Judges configurations on the last months, begins with the present one and the
best stored ones, and goes on with what their scores suggest. The best are
stored; the best of all becomes active if it is better than the active one on
the same months. An interrupted search goes on when the command is repeated.

The mode lite leaves the network (nn_model_config) as it is; full searches it too.`,
		Example: "  plastinka tune\n  plastinka tune --mode full --budget 2h\n  plastinka tune --samples 10 --json",
		RunE: s.installed(func(c *cobra.Command, _ []string, in *Installation) error {
			j, done, err := s.tune(c, in, &f, req)
			if err != nil || !done {
				return err
			}
			var r app.TuneResult
			if err := json.Unmarshal(j.Result, &r); err != nil {
				return err
			}
			return s.print(json.RawMessage(j.Result), func() { s.showTuning(r) })
		}),
	}
	c.Flags().StringVar(&req.Mode, "mode", "", "lite or full")
	c.Flags().DurationVar(&req.Budget, "budget", 0, "how long it may take, e.g. 30m (default 1h for lite, 2h for full)")
	c.Flags().IntVar(&req.Samples, "samples", 0, "how many configurations are tried (default 50 for lite, 200 for full)")
	f.add(s, c)
	c.Flags().Lookup("config").Usage = "what the search begins from: a file (JSON), or the id of a stored configuration"
	_ = c.Flags().MarkHidden("engine") // it is the network's configuration that is searched
	return c
}

// tune submits a search or joins the unfinished one of the same request. done
// is false if it was left to the service.
func (s *session) tune(c *cobra.Command, in *Installation, f *trainFlags, req app.TuneRequest) (j job.Job, done bool, err error) {
	if c.Flags().Changed("budget") && req.Budget <= 0 {
		return j, false, usage("--budget is a time like 30m, not %s", req.Budget)
	}
	if c.Flags().Changed("samples") && req.Samples < 1 {
		return j, false, usage("--samples is at least 1, not %d", req.Samples)
	}
	if req.TrainRequest, err = f.request(c, in); err != nil {
		return j, false, err
	}
	return s.submitOrJoin(c, in, f, "tuning", func() (app.Submission, error) { return in.Tuning.Submit(c.Context(), req, true) })
}

func (s *session) showTuning(r app.TuneResult) {
	fmt.Fprintf(s.Out, "%s in %s, %d failed; loss relative to the shrunk histogram's on the same months, lower is better\n\n",
		plural(r.Trials, "trial", "trials"), (time.Duration(r.Duration) * time.Second).String(), r.Failed)
	rows := make([][]string, len(r.Best))
	for i, b := range r.Best {
		name := b.ConfigID[:12]
		switch b.ConfigID {
		case r.ActiveID:
			name += " *"
		case r.StartID:
			name += " (start)"
		}
		rows[i] = []string{name, fmt.Sprintf("%.4f", b.Relative), fmt.Sprint(b.TrialID), fmt.Sprint(b.Epochs)}
	}
	s.term.Table([]string{"configuration", "relative loss", "trial", "epochs"}, rows)
	if r.Yardstick > 0 {
		fmt.Fprintf(s.Out, "\nThe search began from %s, which reaches %.4f.\n", r.StartID[:12], r.Yardstick)
	}
	for _, w := range r.Warnings {
		s.term.Say("%s %s", s.term.Yellow("Note:"), w.Message)
	}
	if r.Ended == "time_budget" {
		s.term.Say("The time was over before all configurations were tried; --budget gives it more.")
	}
	if r.ActiveID != "" {
		s.term.Say("* is the active configuration now: plastinka train")
	}
}
