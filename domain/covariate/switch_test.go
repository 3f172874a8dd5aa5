package covariate

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plastinka/predictor/domain/training"
)

// TestSwitchedOffFeatures say nothing, and all others what they said; every
// group that a configuration may name has features.
func TestSwitchedOffFeatures(t *testing.T) {
	p := toy(40, 30, true, true)
	of := func(groups ...string) ([]float32, []string) {
		s, err := FitStandard(p, 30, 1)
		require.NoError(t, err)
		s.SwitchOff(groups)
		return origin(s, p, 28), s.Names()
	}
	all, names := of()
	for _, group := range training.FeatureGroups() {
		t.Run(group, func(t *testing.T) {
			some, _ := of(group)
			silenced := 0
			for i, v := range some {
				name := names[i%len(names)]
				in := strings.HasPrefix(name, group+"_") || name == group || group == "style" && name == "shop_4"
				if strings.Contains(name, "=") {
					in = group == "attr"
				}
				if !in {
					require.Equal(t, all[i], v, name)
					continue
				}
				require.Zero(t, v, name)
				if all[i] != 0 {
					silenced++
				}
			}
			require.Positive(t, silenced)
		})
	}
}
