package cli

import (
	"fmt"
	"sort"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/plastinka/predictor/app"
	"github.com/plastinka/predictor/domain/forecast"
	"github.com/plastinka/predictor/domain/training"
)

func taskCommand(s *session) *cobra.Command {
	var input, output string
	run := &cobra.Command{
		Use: "run --input input.zip --output output.zip", Short: "Run one task: train, judge trials or back-test", Args: noArgs,
		Long: `Reads the task, runs it, writes progress as JSON lines to standard output and the
result whole or not at all. This is all that any compute backend executes.
Exit codes: 0 done, 2 bad input, 3 training failed, 130 cancelled.`,
		Example: "  plastinka task run --input input.zip --output output.zip",
		RunE: func(c *cobra.Command, _ []string) error {
			if input == "" || output == "" {
				return usage("give --input and --output")
			}
			code, err := s.house.Task(c.Context(), s.settings, input, output, s.Streams)
			s.code = code
			return err
		},
	}
	run.Flags().StringVar(&input, "input", "", "the task (input.zip)")
	run.Flags().StringVar(&output, "output", "", "where the result goes (output.zip)")
	c := group("task", "The program that compute backends run", run)
	c.Hidden = true
	return c
}

func serveCommand(s *session) *cobra.Command {
	c := &cobra.Command{
		Use: "serve", Short: "Run the HTTP service", Args: noArgs,
		Example: "  plastinka serve\n  plastinka serve --host 0.0.0.0 --port 8000   # needs keys: plastinka keys",
		RunE:    func(c *cobra.Command, _ []string) error { return s.house.Serve(c.Context(), s.settings, s.Streams) },
	}
	s.settingFlag(c.Flags(), "host", "API_HOST", "the address to listen on")
	s.settingFlag(c.Flags(), "port", "API_PORT", "its port")
	s.settingFlag(c.Flags(), "compute", "COMPUTE_BACKEND", "local, inprocess or datasphere")
	return c
}

func evaluateCommand(s *session) *cobra.Command {
	q := app.Evaluation{Config: training.DefaultStandard()}
	var files PanelFiles
	var config, quantiles, refit, out string
	c := &cobra.Command{
		Use: "evaluate --panel FILE", Short: "Compare the methods on any monthly panel", Args: noArgs,
		Long: `Trains and forecasts a monthly panel (wide CSV: a column series, then one column
per month; an empty cell is missing) and scores every method over the last
months, which are held out. With several origins each forecast sees only the
months before its own.`,
		Example: "  plastinka evaluate --panel carparts.csv --horizon 12\n  plastinka evaluate --panel sales.csv --products products.csv --origins 12 --out forecasts.csv\n  plastinka evaluate --panel sales.csv --engine baseline --method croston",
		RunE: func(c *cobra.Command, _ []string) error {
			if files.Panel == "" {
				return usage("say which panel to read with --panel FILE")
			}
			if config != "" {
				text, err := readFile(config, maxConfig)
				if err != nil {
					return err
				}
				if q.Config, _, err = training.ParseConfig(text); err != nil {
					return err
				}
			}
			var err error
			if q.Quantiles, err = parseLevels(quantiles); err != nil {
				return err
			}
			q.Refit, q.Seed = app.Refit(refit), q.Config.Seed
			p := s.term.Start("evaluating")
			r, err := s.house.Evaluate(c.Context(), s.settings, files, q, p.Update)
			p.Finish()
			if err != nil {
				return err
			}
			if out != "" {
				w, finish, err := s.output(out)
				if err != nil {
					return err
				}
				if err := finish(r.WriteForecasts(w)); err != nil {
					return err
				}
			}
			for _, w := range r.Warnings {
				s.term.Say("%s %s", s.term.Yellow("Note:"), w.Message)
			}
			return s.print(r, func() { s.showEvaluation(r) })
		},
	}
	c.Flags().StringVar(&files.Panel, "panel", "", "the panel (CSV)")
	c.Flags().StringVar(&files.Products, "products", "", "attributes of the series (CSV)")
	c.Flags().StringVar(&files.Truth, "truth", "", "what is behind a made-up panel (CSV: series, month, mean, size): how far of the way to it")
	c.Flags().IntVar(&q.Horizon, "horizon", 1, "months ahead")
	c.Flags().IntVar(&q.Origins, "origins", 1, "how many origins, a month apart")
	c.Flags().StringVar(&refit, "refit", "once", "once, before the first origin, or every")
	c.Flags().StringVar(&q.Engine, "engine", "ensemble", "tide, ensemble or baseline")
	c.Flags().StringVar(&q.Method, "method", "", "of the engine baseline: shrunk-histogram, croston, …")
	c.Flags().StringVar(&quantiles, "quantiles", "0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.8,0.9", "the levels that --out gets")
	c.Flags().StringVar(&config, "config", "", "a training configuration (JSON)")
	c.Flags().StringVarP(&out, "out", "o", "", "a CSV file for the forecasts")
	return c
}

// PanelFiles are the paths of an evaluation's files.
type PanelFiles struct{ Panel, Products, Truth string }

// showEvaluation is the table of the methods over all cells, best first.
func (s *session) showEvaluation(r *app.Evaluated) {
	var all []forecast.BacktestRow
	for _, row := range r.Table.Rows {
		if row.Class == "all" {
			all = append(all, row)
		}
	}
	sort.SliceStable(all, func(i, j int) bool { return all[i].Pinball < all[j].Pinball })
	rows := make([][]string, len(all))
	for i, row := range all {
		name := row.Method
		if name == r.Table.Chosen {
			name += " *"
		}
		rows[i] = []string{name, fmt.Sprintf("%.4f", row.MASE), fmt.Sprintf("%.4f", row.WQL), fmt.Sprintf("%.4f", row.Pinball),
			fmt.Sprintf("%+.4f ± %.4f", row.Difference, row.DifferenceError), fmt.Sprintf("%.0f %%", 100*row.Coverage90)}
	}
	fmt.Fprintf(s.Out, "%s … %s, %d cells; * is the chosen one: %s\n\n", r.Table.Origins[0].Short(), r.Table.Origins[len(r.Table.Origins)-1].Short(), r.Table.Cells, r.Method)
	s.term.Table([]string{"method", "MASE", "WQL", "pinball_five", "difference to " + r.Table.Best, "in 90 %"}, rows)
	s.showWays(r)
	s.term.Say("MASE is won by a forecast of zeros where most months are zero: judge by WQL and pinball.")
}

// showWays is how far the forecasts went from the best simple method to the
// truth.
func (s *session) showWays(r *app.Evaluated) {
	if len(r.Ways) == 0 {
		return
	}
	rows := make([][]string, len(r.Ways))
	for i, w := range r.Ways {
		rows[i] = []string{w.Group, strconv.Itoa(w.Cells), fmt.Sprintf("%.4f", w.Simple), fmt.Sprintf("%.4f", w.Forecast),
			fmt.Sprintf("%.4f", w.Floor), fmt.Sprintf("%.0f %% ± %.0f", 100*w.Way, 100*w.WayError)}
	}
	fmt.Fprintf(s.Out, "\nFrom %s to the truth, pinball_five\n\n", r.Table.Best)
	s.term.Table([]string{"group", "cells", "simple", r.Table.Chosen, "truth", "of the way"}, rows)
}

func parseLevels(text string) ([]float64, error) {
	var levels []float64
	for part := range strings.SplitSeq(text, ",") {
		q, err := strconv.ParseFloat(strings.TrimSpace(part), 64)
		if err != nil || !(q > 0 && q < 1) {
			return nil, usage("--quantiles takes numbers between 0 and 1, separated by commas, not %q", part)
		}
		levels = append(levels, q)
	}
	return levels, nil
}

func predictCommand(s *session) *cobra.Command {
	var model, products, monthly, out string
	c := &cobra.Command{
		Use: "predict --model F.onnx --products F --monthly F", Short: "A forecast from a model file alone", Args: noArgs,
		Long:    "Forecasts the month after the last one from a model file and exported tables\n(plastinka export products, plastinka export monthly): no database is needed.",
		Example: "  plastinka predict --model model.onnx --products products.csv --monthly monthly.csv --out forecast.csv",
		RunE: func(c *cobra.Command, _ []string) error {
			if model == "" || products == "" || monthly == "" {
				return usage("give --model, --products and --monthly")
			}
			w, finish, err := s.tableOutput(out)
			if err != nil {
				return err
			}
			if err := finish(s.house.Predict(c.Context(), s.settings, PredictFiles{model, products, monthly}, w)); err != nil {
				return err
			}
			return s.wrote(out, "csv", "")
		},
	}
	c.Flags().StringVar(&model, "model", "", "a model file (.onnx)")
	c.Flags().StringVar(&products, "products", "", "the exported products (CSV)")
	c.Flags().StringVar(&monthly, "monthly", "", "the exported monthly features (CSV)")
	c.Flags().StringVarP(&out, "out", "o", "", "the CSV file to write; standard output if absent")
	return c
}

// PredictFiles are the paths of a forecast's files.
type PredictFiles struct{ Model, Products, Monthly string }
