package tide

import (
	"testing"

	"github.com/plastinka/predictor/domain/training"
	"github.com/stretchr/testify/require"
)

// TestSwitchedOffFeaturesAreNotSeen: the network learns otherwise without them,
// and keeps that in its file: the season is no influence any more.
func TestSwitchedOffFeaturesAreNotSeen(t *testing.T) {
	p := shop(60, 30)
	f := training.Fit{Config: small(training.DefaultStandard()), Origin: 30, Horizon: 1, Seed: 7}
	all, _ := fitted(t, Options{}, p, f)
	f.Config.FeaturesOff = []string{"month", "norm"}
	some, _ := fitted(t, Options{}, p, f)
	require.NotEqual(t, all.Network().Seeds, some.Network().Seeds)
	revived, err := FromNetwork(some.Network())
	require.NoError(t, err)
	for _, part := range explain(t, revived, p, 3, 30).Parts {
		if part.Influence == "season" {
			require.InDelta(t, 0, part.Copies, 1e-9)
		}
	}
}
