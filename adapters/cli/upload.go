package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/spf13/cobra"

	"github.com/plastinka/predictor/app"
	"github.com/plastinka/predictor/domain/calendar"
)

func uploadCommand(s *session) *cobra.Command {
	var stock, snapshot, empty string
	var sales []string
	var opts app.UploadOptions
	var dry bool
	c := &cobra.Command{
		Use: "upload --stock FILE --sales FILE…", Short: "Process a shop's stock and sales files", Args: cobra.ArbitraryArgs,
		Long: `Reads a stock file and sales files (xlsx, xls, csv), rebuilds every product's
daily stock and monthly history, and stores it, all of it or nothing. Prints the
accounting of every row. Further arguments are more sales files.`,
		Example: "  plastinka upload --stock stock.xlsx --sales 2024-01.xlsx --sales 2024-02.xlsx\n  plastinka upload --stock stock.csv --sales sales/*.csv --dry-run",
		RunE: s.installed(func(c *cobra.Command, args []string, in *Installation) error {
			if stock == "" || len(sales)+len(args) == 0 {
				return usage("give one stock file with --stock and at least one sales file with --sales")
			}
			if snapshot != "" {
				d, err := calendar.ParseDay(snapshot)
				if err != nil {
					return err
				}
				opts.Snapshot = &d
			}
			if empty != "" {
				for text := range strings.SplitSeq(empty, ",") {
					m, err := calendar.ParseMonth(strings.TrimSpace(text))
					if err != nil {
						return err
					}
					opts.EmptyMonths = append(opts.EmptyMonths, m)
				}
			}
			result, err := s.uploadFiles(c.Context(), in, stock, append(sales, args...), opts, dry)
			if err != nil {
				return err
			}
			return s.print(result, func() { _ = s.showUpload(result) })
		}),
	}
	c.Flags().StringVar(&stock, "stock", "", "the stock file")
	c.Flags().StringArrayVar(&sales, "sales", nil, "a sales file; may be repeated")
	c.Flags().StringVar(&snapshot, "snapshot-date", "", "the day at whose start the stock file was taken, YYYY-MM-DD")
	c.Flags().StringVar(&empty, "empty-months", "", "months in which the shop was closed, YYYY-MM,…")
	c.Flags().BoolVar(&opts.Overwrite, "overwrite", false, "replace months that are stored with other content")
	c.Flags().BoolVar(&opts.AllowLate, "allow-late-snapshot", false, "accept a stock file taken long after the last month")
	c.Flags().BoolVar(&dry, "dry-run", false, "check and account for everything, store nothing")
	return c
}

// uploadFiles runs an upload from files and waits for its end. A dry run is no
// job: it leaves nothing to go on with.
func (s *session) uploadFiles(ctx context.Context, in *Installation, stock string, sales []string, opts app.UploadOptions, dry bool) (json.RawMessage, error) {
	req := app.UploadRequest{Stock: incoming(stock), Options: opts}
	for _, path := range sales {
		req.Sales = append(req.Sales, incoming(path))
	}
	p := s.term.Start("checking the files")
	if dry {
		defer p.Finish()
		r, err := in.Uploads.DryRun(ctx, req, p.Update)
		if err != nil {
			return nil, err
		}
		return json.Marshal(r)
	}
	received, err := in.Uploads.Receive(ctx, req)
	p.Finish()
	if err != nil {
		return nil, err
	}
	sub, err := in.Uploads.Submit(ctx, received, app.UploadSubmission{Join: true})
	if err != nil {
		return nil, err
	}
	j, err := s.follow(ctx, in, "upload", sub.JobID)
	return j.Result, err
}

func incoming(path string) app.IncomingFile {
	return app.IncomingFile{Name: filepath.Base(path), Open: func() (io.ReadCloser, error) { return os.Open(path) }}
}

// showUpload is the accounting for a person.
func (s *session) showUpload(result json.RawMessage) error {
	var r app.UploadResult
	if err := json.Unmarshal(result, &r); err != nil {
		return err
	}
	rows := make([][]string, len(r.Files))
	rejected := 0
	for i, f := range r.Files {
		n := f.RowsRead - f.RowsAccepted
		rejected += n
		rows[i] = []string{short(f.Name, 40), string(f.Role), f.Format, fmt.Sprint(f.RowsRead), fmt.Sprint(f.RowsAccepted), fmt.Sprint(n), fmt.Sprint(f.RowsAdjusted)}
	}
	s.term.Table([]string{"file", "role", "format", "rows", "accepted", "rejected", "adjusted"}, rows)
	for _, f := range r.Files {
		reasons := make([]string, 0, len(f.RowsRejected))
		for reason := range f.RowsRejected {
			reasons = append(reasons, reason)
		}
		sort.Strings(reasons)
		for _, reason := range reasons {
			fmt.Fprintf(s.Out, "%s: %d × %s", short(f.Name, 40), f.RowsRejected[reason], reason)
			for _, e := range f.Examples {
				if e.Reason == reason {
					fmt.Fprintf(s.Out, ", first in row %d (%q)", e.Row, e.Value)
					break
				}
			}
			fmt.Fprintln(s.Out)
		}
	}
	for _, w := range r.Warnings {
		fmt.Fprintf(s.Out, "%s %s\n", s.term.Yellow("Note:"), w.Message)
	}
	inferred := ""
	if r.SnapshotInferred {
		inferred = " (inferred)"
	}
	fmt.Fprintf(s.Out, "\n%s, %d of them new; stock as of %s%s\n", plural(r.Products, "product", "products"), r.ProductsNew, r.Snapshot, inferred)
	for _, group := range []struct {
		what   string
		months []calendar.Month
	}{{"stored", r.MonthsStored}, {"completed", r.MonthsCompleted}, {"unchanged", r.MonthsUnchanged}} {
		if len(group.months) > 0 {
			fmt.Fprintf(s.Out, "months %s: %s\n", group.what, span(group.months))
		}
	}
	return nil
}
