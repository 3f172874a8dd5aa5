package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/spf13/cobra"

	"github.com/plastinka/predictor/adapters/support/terminal"
	"github.com/plastinka/predictor/app"
	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/forecast"
	"github.com/plastinka/predictor/domain/job"
	"github.com/plastinka/predictor/domain/report"
)

// SimulateOptions say what made-up shop to write, and how.
type SimulateOptions struct {
	Dir              string
	Products, Months int
	Seed             uint64
	Format           string // xlsx, csv, mixed, all
}

// Simulated is what was written.
type Simulated struct {
	Stock    string       `json:"stock"` // path of the stock file
	Sales    []string     `json:"sales"` // paths of the sales files
	Files    []string     `json:"files"` // all, the truth among them
	Snapshot calendar.Day `json:"snapshot_date"`
	Products int          `json:"products"`
	Sold     int          `json:"sales_rows"`
}

func simulateCommand(s *session) *cobra.Command {
	o := SimulateOptions{Format: "mixed"}
	c := &cobra.Command{
		Use: "simulate", Short: "Write a made-up shop's files, and the truth about it", Args: noArgs,
		Long:    "Simulates a record shop copy by copy and writes its stock and sales exports, and\nwhat is true of it (sales, opening stock, availability). All names are invented.",
		Example: "  plastinka simulate --products 400 --months 30 --seed 1 --out shop",
		RunE: func(c *cobra.Command, _ []string) error {
			if o.Dir == "" {
				return usage("say where to write with --out DIR")
			}
			p := s.term.Start("simulating a shop")
			made, err := s.house.Simulate(c.Context(), o)
			p.Finish()
			if err != nil {
				return err
			}
			return s.print(made, func() {
				for _, f := range made.Files {
					fmt.Fprintln(s.Out, f)
				}
			})
		},
	}
	simulateFlags(c, &o)
	c.Flags().StringVar(&o.Dir, "out", "", "a new or empty folder")
	c.Flags().StringVar(&o.Format, "format", o.Format, "xlsx, csv, mixed (both by turns), or all (every format and encoding, a folder each)")
	return c
}

func simulateFlags(c *cobra.Command, o *SimulateOptions) {
	c.Flags().IntVar(&o.Products, "products", 400, "how many record editions")
	c.Flags().IntVar(&o.Months, "months", 30, "how many months")
	c.Flags().Uint64Var(&o.Seed, "seed", 1, "the same seed makes the same shop")
}

// DemoResult is what the demo ends with.
type DemoResult struct {
	Files    Simulated          `json:"files"`
	Upload   json.RawMessage    `json:"upload"`
	Training app.TrainResult    `json:"training"`
	Backtest *forecast.Backtest `json:"backtest"`
	Report   string             `json:"report"`    // path
	DataRoot string             `json:"data_root"` // path
}

func demoCommand(s *session) *cobra.Command {
	o := SimulateOptions{Format: "mixed"}
	var dir, engine string
	c := &cobra.Command{
		Use: "demo", Short: "The whole job on a made-up shop, from files to report", Args: noArgs,
		Long: `Simulates a shop, writes its stock and sales files, uploads them, trains TiDE,
back-tests it against simple methods, and writes the report. It needs no
settings, no keys and no network. All names are invented.`,
		Example: "  plastinka demo\n  plastinka demo --products 1500 --months 36 --dir big-shop\n  plastinka demo --engine baseline",
		RunE: func(c *cobra.Command, _ []string) error {
			r, err := s.demo(c.Context(), dir, engine, o)
			if err != nil {
				return err
			}
			return s.print(r, func() {})
		},
	}
	simulateFlags(c, &o)
	c.Flags().StringVar(&dir, "dir", "plastinka-demo", "a new folder for everything")
	c.Flags().StringVar(&engine, "engine", "", "tide or baseline")
	s.settingFlag(c.Flags(), "compute", "COMPUTE_BACKEND", "local, inprocess or datasphere")
	return c
}

func (s *session) demo(ctx context.Context, dir, engine string, o SimulateOptions) (r DemoResult, err error) {
	if dir, err = filepath.Abs(dir); err != nil {
		return r, usage("--dir: %v", err)
	}
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return r, usage("%s exists and is not empty; give another folder with --dir, or remove it", dir)
	}
	o.Dir = filepath.Join(dir, "files")
	p := s.term.Start("simulating a shop")
	r.Files, err = s.house.Simulate(ctx, o)
	p.Finish()
	if err != nil {
		return r, err
	}
	s.term.Say("A made-up shop: %d record editions, %d months, %s copies sold.", r.Files.Products, o.Months, terminal.Number(float64(r.Files.Sold), 0))
	// The shop lives in its own time: today is the day its stock was counted.
	s.settings["PLASTINKA_TODAY"] = r.Files.Snapshot.String()
	if s.settings["DATA_ROOT_DIR"] == "" {
		s.settings["DATA_ROOT_DIR"] = filepath.Join(dir, "data")
	}
	in, err := s.house.Open(ctx, s.settings, s.logger)
	if err != nil {
		return r, err
	}
	defer func() {
		if e := in.Close(); err == nil {
			err = e
		}
	}()
	r.DataRoot = in.Root
	return r, s.demoSteps(ctx, in, dir, engine, o.Months, &r)
}

func (s *session) demoSteps(ctx context.Context, in *Installation, dir, engine string, months int, r *DemoResult) error {
	opts := app.UploadOptions{Snapshot: &r.Files.Snapshot}
	var err error
	if r.Upload, err = s.uploadFiles(ctx, in, r.Files.Stock, r.Files.Sales, opts, false); err != nil {
		return err
	}
	if !s.json {
		if err := s.showUpload(r.Upload); err != nil {
			return err
		}
	}
	sub, err := in.Training.Submit(ctx, job.Training, app.TrainRequest{Engine: engine}, true)
	if err != nil {
		return err
	}
	j, err := s.follow(ctx, in, "training", sub.Job.ID)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(j.Result, &r.Training); err != nil {
		return fault.Wrap("cli.demo", err)
	}
	if origins := min(6, months/2); origins >= minOrigins {
		if r.Backtest, err = s.demoBacktest(ctx, in, engine, origins); err != nil {
			return err
		}
	}
	made, err := in.Reports.Report(ctx, app.ReportRequest{})
	if err != nil {
		return err
	}
	for _, f := range []struct {
		name   string
		format report.Format
		lang   report.Language
	}{{"report.html", report.HTML, report.Russian}, {"report-en.html", report.HTML, report.English}, {"report.csv", report.CSV, report.Russian}, {"report.xlsx", report.XLSX, report.Russian}} {
		w, finish, err := s.house.Create(filepath.Join(dir, f.name))
		if err != nil {
			return err
		}
		if err := finish(in.Renderer.Render(ctx, w, made, f.format, f.lang)); err != nil {
			return err
		}
	}
	r.Report = filepath.Join(dir, "report.html")
	if !s.json {
		s.showDemo(dir, made, r)
	}
	return nil
}

// minOrigins is how many months a back-test must have to say something.
const minOrigins = 2

func (s *session) demoBacktest(ctx context.Context, in *Installation, engine string, origins int) (*forecast.Backtest, error) {
	sub, err := in.Training.Submit(ctx, job.Backtest, app.TrainRequest{Engine: engine, Origins: origins}, true)
	if err != nil {
		return nil, err
	}
	j, err := s.follow(ctx, in, "back-test", sub.Job.ID)
	if err != nil {
		return nil, err
	}
	b := &forecast.Backtest{}
	return b, fault.Wrap("cli.demo", json.Unmarshal(j.Result, b))
}

func (s *session) showDemo(dir string, made *report.Report, r *DemoResult) {
	if r.Backtest != nil {
		fmt.Fprintln(s.Out)
		s.showBacktest(r.Backtest)
	}
	rows := append([]report.Row(nil), made.Rows...)
	sort.SliceStable(rows, func(i, j int) bool {
		a, b := &rows[i], &rows[j]
		return a.Order() > b.Order() || a.Order() == b.Order() && a.Mean > b.Mean
	})
	var table [][]string
	for _, row := range rows[:min(10, len(rows))] {
		stock := ""
		if row.Stock != nil {
			stock = fmt.Sprint(*row.Stock)
		}
		table = append(table, []string{short(row.Artist, 28), short(row.Album, 28), fmt.Sprint(row.Order()), stock,
			fmt.Sprintf("%.0f", row.Quantiles[2]), fmt.Sprintf("%.0f–%.0f", row.Quantiles[0], row.Quantiles[4])})
	}
	fmt.Fprintf(s.Out, "\nThe ten largest restock suggestions for %s\n\n", made.Month.Short())
	s.term.Table([]string{"artist", "album", "order", "stock", "median", "90 %"}, table)
	data := r.DataRoot
	if wd, err := os.Getwd(); err == nil {
		if rel, err := filepath.Rel(wd, data); err == nil && !strings.HasPrefix(rel, "..") {
			data = rel
		}
	}
	fmt.Fprintf(s.Out, "\nthe shop's files  %s\ndata root         %s\nreport            %s\n                  %s\n                  %s\n",
		filepath.Join(dir, "files"), r.DataRoot, r.Report, filepath.Join(dir, "report-en.html"), filepath.Join(dir, "report.xlsx"))
	fmt.Fprintf(s.Out, "\nOpen the service on this data:  plastinka serve --data-root %s\n", data)
}
