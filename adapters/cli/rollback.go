package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/plastinka/predictor/ports"
)

// activations is a registry whose active entry changes.
type activations interface {
	Activations(ctx context.Context, limit int) ([]ports.Activation, error)
	Rollback(ctx context.Context) (id string, err error)
}

// activationCommands are the commands about what was active: a "model" or a
// "config".
func activationCommands(s *session, what string, registry func(*Installation) activations) (history, rollback *cobra.Command) {
	var limit int
	history = &cobra.Command{
		Use: "history", Short: "Which " + what + " was made active when, newest first", Args: noArgs,
		Example: "  plastinka " + what + "s history --limit 5",
		RunE: s.installed(func(c *cobra.Command, _ []string, in *Installation) error {
			list, err := registry(in).Activations(c.Context(), limit)
			if err != nil {
				return err
			}
			return s.print(nonNil(list), func() {
				for _, a := range list {
					fmt.Fprintf(s.Out, "%s  %s\n", a.At.Local().Format(time.DateTime), a.ID)
				}
			})
		}),
	}
	history.Flags().IntVar(&limit, "limit", 20, "how many; 0 is all")
	rollback = &cobra.Command{
		Use: "rollback", Short: "Make the " + what + " active that was so before", Args: noArgs,
		Example: "  plastinka " + what + "s rollback",
		RunE: s.installed(func(c *cobra.Command, _ []string, in *Installation) error {
			id, err := registry(in).Rollback(c.Context())
			return s.done(err, "the %s %s is active again", what, id)
		}),
	}
	return history, rollback
}
