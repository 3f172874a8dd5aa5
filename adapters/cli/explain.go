package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/plastinka/predictor/app"
	"github.com/plastinka/predictor/domain/catalog"
)

func explainCommand(s *session) *cobra.Command {
	var product int64
	var model string
	c := &cobra.Command{
		Use: "explain --product ID", Short: "What moved a product's forecast", Args: noArgs,
		Long: `Says how many copies of the difference between the network's forecast of a
product and that of a usual product in a usual month come from its own sales, its
attributes, its age, the season, and so on. The parts add up to the difference.

It is the network that is explained; a stored forecast may be its mixture with
other methods.`,
		Example: "  plastinka explain --product 17\n  plastinka explain --product 17 --model ID --json",
		RunE: s.installed(func(c *cobra.Command, _ []string, in *Installation) error {
			if product <= 0 {
				return usage("say which product with --product ID, its multiindex_id")
			}
			e, err := in.Explanations.Explain(c.Context(), catalog.ID(product), model)
			if err != nil {
				return err
			}
			return s.print(e, func() { s.showExplanation(e) })
		}),
	}
	c.Flags().Int64Var(&product, "product", 0, "the product's multiindex_id")
	c.Flags().StringVar(&model, "model", "", "the model; the active one if absent")
	return c
}

// influenceWords are what the influences are called for people.
func influenceWords() map[string]string {
	return map[string]string{"recent_months": "sales of the last months, one by one", "own_history": "own sales, averages and spread",
		"attributes": "style, cover, decade, price", "age": "time since the launch", "season": "month of the year",
		"market": "how the style and the shop do", "stock": "copies on hand", "trend": "trend"}
}

func (s *session) showExplanation(e *app.Explained) {
	fmt.Fprintf(s.Out, "%s, %s\n", s.term.Bold(strings.TrimSpace(e.Metadata.Artist+" – "+e.Metadata.Album)), e.Month.Short())
	fmt.Fprintf(s.Out, "The network expects %.2f copies; of a usual product in a usual month it expects %.2f. The difference:\n\n", e.Expected, e.Usual)
	words, rows := influenceWords(), make([][]string, len(e.Parts))
	for i, p := range e.Parts {
		rows[i] = []string{words[p.Influence], fmt.Sprintf("%+.2f", p.Copies)}
	}
	s.term.Table([]string{"because of", "copies"}, rows)
	if e.Stored != nil {
		fmt.Fprintf(s.Out, "\nThe stored forecast is %.2f copies, made by %s.\n", e.Stored.Mean, e.Stored.Method)
	}
}
