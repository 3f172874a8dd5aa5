package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/plastinka/predictor/app"
	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/report"
)

func statusCommand(s *session) *cobra.Command {
	return &cobra.Command{
		Use: "status", Short: "What is stored, what runs, what is wrong and what to do", Args: noArgs,
		Example: "  plastinka status\n  plastinka status --json",
		RunE: s.installed(func(c *cobra.Command, _ []string, in *Installation) error {
			status, err := in.Status(c.Context())
			if err != nil {
				return err
			}
			return s.print(status, func() { s.showStatus(in, status) })
		}),
	}
}

func (s *session) showStatus(in *Installation, st app.Status) {
	fmt.Fprintf(s.Out, "data root      %s\n", in.Root)
	fmt.Fprintf(s.Out, "products       %d\n", st.Products)
	if n := len(st.Months); n > 0 {
		last := st.Months[n-1]
		fmt.Fprintf(s.Out, "months         %d, %s to %s", n, st.Months[0].Month.Short(), last.Month.Short())
		if !last.Complete() {
			fmt.Fprintf(s.Out, " (the last one incomplete: %d of %d days)", last.DaysObserved, last.Month.Days())
		}
		fmt.Fprintln(s.Out)
	} else {
		fmt.Fprintln(s.Out, "months         none")
	}
	if len(st.ForecastMonths) > 0 {
		fmt.Fprintf(s.Out, "last forecast  %s\n", st.ForecastMonths[len(st.ForecastMonths)-1].Short())
	}
	fmt.Fprintf(s.Out, "active model   %s\n", orNone(st.ActiveModel))
	fmt.Fprintf(s.Out, "configuration  %s\n", orNone(short(st.ActiveConfig, 16)))
	for _, j := range st.Jobs {
		fmt.Fprintf(s.Out, "unfinished     %s %s, %.0f %%, since %s\n", j.Type, j.ID, j.Progress, j.CreatedAt.Local().Format(time.DateTime))
	}
	for _, a := range st.Advice {
		fmt.Fprintf(s.Out, "\n→ %s\n", a)
	}
}

func orNone(v string) string {
	if v == "" {
		return "none"
	}
	return v
}

func reportCommand(s *session) *cobra.Command {
	var month, model, format, out, lang string
	var quantile float64
	filters := map[string]string{}
	c := &cobra.Command{
		Use: "report", Short: "What to restock: the forecast report", Args: noArgs,
		Long:    "Writes the report of a month: HTML for people, CSV, XLSX or JSON for programs.",
		Example: "  plastinka report --out report.html\n  plastinka report --format xlsx --out restock.xlsx --quantile 0.9\n  plastinka report --filter style=Jazz --format csv",
		RunE: s.installed(func(c *cobra.Command, _ []string, in *Installation) error {
			req := app.ReportRequest{ModelID: model, Level: quantile}
			if month != "" {
				m, err := calendar.ParseMonth(month)
				if err != nil {
					return err
				}
				req.Month = &m
			}
			given := map[string]any{}
			for k, v := range filters {
				given[k] = v
			}
			var err error
			if req.Filters, err = report.ParseFilters(given); err != nil {
				return err
			}
			toFile := out != "" && out != "-"
			if s.json && !toFile && !c.Flags().Changed("format") {
				format = string(report.JSON)
			}
			f, err := report.ParseFormat(format)
			if err != nil {
				return err
			}
			if s.json && !toFile && f != report.JSON {
				return usage("with --json say where the report goes with --out FILE, or leave out --format")
			}
			l, err := report.ParseLanguage(lang)
			if err != nil {
				return err
			}
			made, err := in.Reports.Report(c.Context(), req)
			if err != nil {
				return err
			}
			w, finish, err := s.output(out)
			if err != nil {
				return err
			}
			if err := finish(in.Renderer.Render(c.Context(), w, made, f, l)); err != nil {
				return err
			}
			return s.wrote(out, string(f), plural(len(made.Rows), "product", "products")+" for "+made.Month.Short())
		}),
	}
	c.Flags().StringVar(&month, "month", "", "YYYY-MM; the latest with forecasts if absent")
	c.Flags().StringVar(&model, "model", "", "a model's id; the active one if absent")
	c.Flags().StringVar(&format, "format", "html", "html, csv, xlsx or json")
	c.Flags().StringVarP(&out, "out", "o", "", "the file to write; standard output if absent")
	c.Flags().StringVar(&lang, "lang", "ru", "ru or en")
	c.Flags().Float64Var(&quantile, "quantile", report.DefaultLevel, "of demand that the suggested restock covers")
	c.Flags().StringToStringVar(&filters, "filter", nil, "only products with this attribute, name=value")
	return c
}

func exportCommand(s *session) *cobra.Command {
	var format, out string
	c := &cobra.Command{
		Use: "export TABLE", Short: "A stored table as CSV or Parquet: products, monthly, daily, sales, movements, openings, forecasts",
		Args: exactly("table: products, monthly, daily, sales, movements, openings or forecasts"), ValidArgs: app.Export{}.Tables(),
		Example: "  plastinka export monthly --out monthly.csv\n  plastinka export daily --format parquet --out daily.parquet",
		RunE: s.installed(func(c *cobra.Command, args []string, in *Installation) error {
			w, finish, err := s.tableOutput(out)
			if err != nil {
				return err
			}
			if err := finish(in.WriteTable(c.Context(), w, args[0], format)); err != nil {
				return err
			}
			return s.wrote(out, format, "")
		}),
	}
	c.Flags().StringVar(&format, "format", "csv", "csv or parquet")
	c.Flags().StringVarP(&out, "out", "o", "", "the file to write; standard output if absent")
	return c
}
