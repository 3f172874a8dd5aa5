package cli

import (
	"io"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"

	"github.com/plastinka/predictor/adapters/support/terminal"
)

// TestExamplesEverywhere: the help of every command that does something shows
// how it is called.
func TestExamplesEverywhere(t *testing.T) {
	getenv := func(string) string { return "" }
	s := &session{settings: map[string]string{}, term: terminal.New(io.Discard, io.Discard, getenv)}
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		t.Run(c.CommandPath(), func(t *testing.T) {
			require.NotEmpty(t, c.Short)
			if !c.HasSubCommands() {
				require.NotNil(t, c.RunE)
				require.Contains(t, c.Example, c.CommandPath())
			}
		})
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(s.root())
}
