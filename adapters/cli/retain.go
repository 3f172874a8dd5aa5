package cli

import (
	"fmt"

	"github.com/spf13/cobra"
)

func retainCommand(s *session) *cobra.Command {
	var dryRun bool
	c := &cobra.Command{
		Use: "retain", Short: "Remove what the settings do not keep: old months, forecasts, model files, backups", Args: noArgs,
		Long: `Removes what is older than the retention settings want to keep (plastinka config
shows them). What is in use stays: the active model, the newest forecasts, the
months that the configured lookback needs, and all months while a job is not
finished.`,
		Example: "  plastinka retain --dry-run",
		RunE: s.installed(func(c *cobra.Command, _ []string, in *Installation) error {
			p := s.term.Start("cleaning up")
			removed, err := in.Retain.Clean(c.Context(), dryRun)
			p.Finish()
			if err != nil {
				return err
			}
			return s.print(removed, func() {
				verb := "removed"
				if dryRun {
					verb = "would remove"
				}
				fmt.Fprintf(s.Out, "%s: %s with %d daily facts, %s, %s, %s\n", verb, plural(len(removed.Facts.Months), "month", "months"),
					removed.Facts.Sales+removed.Facts.Stock+removed.Facts.Movement, plural(removed.Forecasts, "forecast", "forecasts"),
					plural(len(removed.Models), "model file", "model files"), plural(len(removed.Backups), "backup", "backups"))
				if removed.Facts.Kept != "" {
					s.term.Say("%s %s", s.term.Yellow("Note:"), removed.Facts.Kept)
				}
			})
		}),
	}
	c.Flags().BoolVar(&dryRun, "dry-run", false, "only say what would be removed")
	return c
}

func restoreCommand(s *session) *cobra.Command {
	return &cobra.Command{
		Use: "restore FILE", Short: "Put a backup of the database in its place", Args: exactly("FILE, a backup"),
		Long: `Puts a copy of the backup in the place of the database. The backup is looked
through first; the old database is kept beside the new one. Stop the service and
other commands before.`,
		Example: "  plastinka restore ~/.plastinka_sales_predictor/backups/plastinka-20260125-030000.000.db",
		RunE: func(c *cobra.Command, args []string) error {
			aside, err := s.house.Restore(c.Context(), s.settings, args[0])
			if err != nil {
				return err
			}
			return s.print(map[string]string{"restored": args[0], "old_database": aside}, func() {
				s.term.Say("%s is restored", args[0])
				if aside != "" {
					s.term.Say("the old database is kept as %s", aside)
				}
			})
		},
	}
}

func openapiCommand(s *session) *cobra.Command {
	var format, version string
	c := &cobra.Command{
		Use: "openapi", Short: "The description of the HTTP API", Args: noArgs,
		Example: "  plastinka openapi > openapi.yaml\n  plastinka openapi --format json --version 3.0",
		RunE: func(c *cobra.Command, _ []string) error {
			if format != "yaml" && format != "json" {
				return usage("--format is yaml or json, not %q", format)
			}
			if version != "3.1" && version != "3.0" {
				return usage("--version is 3.1 or 3.0, not %q", version)
			}
			text, err := s.house.OpenAPI(format, version)
			if err != nil {
				return err
			}
			_, err = s.Out.Write(text)
			return err
		},
	}
	c.Flags().StringVar(&format, "format", "yaml", "yaml or json")
	c.Flags().StringVar(&version, "version", "3.1", "3.1 or 3.0")
	return c
}
