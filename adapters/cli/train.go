package cli

import (
	"encoding/json"
	"fmt"
	"sort"

	"github.com/spf13/cobra"

	"github.com/plastinka/predictor/app"
	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/forecast"
	"github.com/plastinka/predictor/domain/job"
)

// trainFlags are the flags of a training and of a back-test.
type trainFlags struct {
	from, to, config, engine string
	detach, wait             bool
}

func (f *trainFlags) add(s *session, c *cobra.Command) {
	c.Flags().StringVar(&f.from, "from", "", "the first day or month to learn from")
	c.Flags().StringVar(&f.to, "to", "", "the last one")
	c.Flags().StringVar(&f.config, "config", "", "a file with a configuration (JSON), or the id of a stored one")
	c.Flags().StringVar(&f.engine, "engine", "", "tide or baseline")
	c.Flags().BoolVar(&f.detach, "detach", false, "leave the work to the running service and return at once")
	c.Flags().BoolVar(&f.wait, "wait", true, "wait for the end")
	s.settingFlag(c.Flags(), "compute", "COMPUTE_BACKEND", "local, inprocess or datasphere")
}

// request reads the flags; a configuration from a file is stored first.
func (f *trainFlags) request(c *cobra.Command, in *Installation) (app.TrainRequest, error) {
	req := app.TrainRequest{Engine: f.engine}
	if f.engine != "" && f.engine != "tide" && f.engine != "baseline" {
		return req, usage("--engine is tide or baseline, not %q", f.engine)
	}
	for _, bound := range []struct {
		text string
		into **calendar.Day
		last bool
	}{{f.from, &req.From, false}, {f.to, &req.To, true}} {
		if bound.text == "" {
			continue
		}
		d, err := calendar.ParseDay(bound.text)
		if err != nil {
			m, err := calendar.ParseMonth(bound.text)
			if err != nil {
				return req, err
			}
			if d = m.First(); bound.last {
				d = m.Last()
			}
		}
		*bound.into = &d
	}
	if f.config == "" {
		return req, nil
	}
	if id, err := configID(c, in, f.config); err == nil && len(id) > len(f.config) || len(f.config) == 64 {
		req.ConfigID = id
		return req, nil
	}
	text, err := readFile(f.config, maxConfig)
	if err != nil {
		return req, err
	}
	stored, _, err := in.Configs.Put(c.Context(), text, false, "train")
	req.ConfigID = stored.ID
	return req, err
}

func trainCommand(s *session) *cobra.Command {
	var f trainFlags
	c := &cobra.Command{
		Use: "train", Short: "Train a model and forecast the next month", Args: noArgs,
		Long: `Trains on all stored months and forecasts the month after the last one, for every
product. An interrupted training goes on when the command is repeated.`,
		Example: "  plastinka train\n  plastinka train --engine baseline --from 2023-01\n  plastinka train --config config.json",
		RunE: s.installed(func(c *cobra.Command, _ []string, in *Installation) error {
			j, done, err := s.submitAndFollow(c, in, job.Training, &f, 0, "training")
			if err != nil || !done {
				return err
			}
			var r app.TrainResult
			if err := json.Unmarshal(j.Result, &r); err != nil {
				return err
			}
			return s.print(json.RawMessage(j.Result), func() { s.showTraining(r) })
		}),
	}
	f.add(s, c)
	return c
}

func backtestCommand(s *session) *cobra.Command {
	var f trainFlags
	var months int
	var out string
	c := &cobra.Command{
		Use: "backtest", Short: "Forecast the last months again and compare with what was sold", Args: noArgs,
		Example: "  plastinka backtest --months 6\n  plastinka backtest --out scores.csv",
		RunE: s.installed(func(c *cobra.Command, _ []string, in *Installation) error {
			j, done, err := s.submitAndFollow(c, in, job.Backtest, &f, months, "back-test")
			if err != nil || !done {
				return err
			}
			var b forecast.Backtest
			if err := json.Unmarshal(j.Result, &b); err != nil {
				return err
			}
			if out != "" {
				w, finish, err := s.output(out)
				if err != nil {
					return err
				}
				if err := finish(s.house.WriteScores(w, b.Rows)); err != nil {
					return err
				}
			}
			return s.print(json.RawMessage(j.Result), func() { s.showBacktest(&b) })
		}),
	}
	c.Flags().IntVar(&months, "months", 6, "how many of the last months")
	c.Flags().StringVarP(&out, "out", "o", "", "a CSV file for the whole table: every method in every class of products")
	f.add(s, c)
	return c
}

// submitAndFollow submits a training or joins the unfinished one of the same
// request. done is false if it was left to the service.
func (s *session) submitAndFollow(c *cobra.Command, in *Installation, kind job.Type, f *trainFlags, months int, what string) (j job.Job, done bool, err error) {
	req, err := f.request(c, in)
	if err != nil {
		return j, false, err
	}
	req.Origins = months
	return s.submitOrJoin(c, in, f, what, func() (app.Submission, error) { return in.Training.Submit(c.Context(), kind, req, true) })
}

// submitOrJoin submits a job, or joins the unfinished one of the same request,
// and follows it to its end, unless it is left to the service.
func (s *session) submitOrJoin(c *cobra.Command, in *Installation, f *trainFlags, what string, submit func() (app.Submission, error)) (j job.Job, done bool, err error) {
	if f.detach || !f.wait {
		if err := in.ServiceRuns(c.Context()); err != nil {
			return j, false, err
		}
	}
	sub, err := submit()
	if err != nil {
		return j, false, err
	}
	if sub.Joined {
		s.term.Say("going on with the unfinished job %s", sub.Job.ID)
	}
	if f.detach || !f.wait {
		return sub.Job, false, s.print(map[string]string{"job_id": sub.Job.ID, "status": string(sub.Job.Status)},
			func() { fmt.Fprintln(s.Out, sub.Job.ID) })
	}
	j, err = s.follow(c.Context(), in, what, sub.Job.ID)
	return j, err == nil, err
}

func (s *session) showTraining(r app.TrainResult) {
	fmt.Fprintf(s.Out, "%s %s\n", s.term.Bold("Model"), r.ModelID)
	fmt.Fprintf(s.Out, "forecasts %s for %s, made by %s\n", r.Month.Short(), plural(r.Forecasts, "product", "products"), r.Method)
	names := make([]string, 0, len(r.Metrics))
	for name := range r.Metrics {
		names = append(names, name)
	}
	sort.Strings(names)
	rows := make([][]string, len(names))
	for i, name := range names {
		rows[i] = []string{name, fmt.Sprintf("%.4g", r.Metrics[name])}
	}
	s.term.Table([]string{"metric", "value"}, rows)
	for _, w := range r.Warnings {
		s.term.Say("%s %s", s.term.Yellow("Note:"), w.Message)
	}
	s.term.Say("Read the forecast: plastinka report --out report.html")
}

// showBacktest is the table of the methods over all products, best first.
func (s *session) showBacktest(b *forecast.Backtest) {
	var all []forecast.BacktestRow
	for _, r := range b.Rows {
		if r.Class == "all" {
			all = append(all, r)
		}
	}
	sort.SliceStable(all, func(i, j int) bool { return all[i].Pinball < all[j].Pinball })
	rows := make([][]string, len(all))
	for i, r := range all {
		name := r.Method
		if r.Method == b.Chosen {
			name += " *"
		}
		difference := fmt.Sprintf("%+.4f ± %.4f", r.Difference, r.DifferenceError)
		if r.Method == b.Best {
			difference = "best simple"
		}
		rows[i] = []string{name, fmt.Sprintf("%.4f", r.Pinball), difference, fmt.Sprintf("%.3f", r.WQL),
			fmt.Sprintf("%.0f %%", 100*r.Coverage50), fmt.Sprintf("%.0f %%", 100*r.Coverage90), fmt.Sprintf("%+.3f", r.Bias)}
	}
	fmt.Fprintf(s.Out, "Back-test over %s, %s product-months; pinball loss in copies, lower is better; * is what the product forecasts with\n\n",
		span(b.Origins), plural(b.Cells, "scored", "scored"))
	s.term.Table([]string{"method", "pinball", "difference", "WQL", "in 50 %", "in 90 %", "bias"}, rows)
}

func span(months []calendar.Month) string {
	if len(months) == 0 {
		return "no month"
	}
	return months[0].Short() + " … " + months[len(months)-1].Short()
}
