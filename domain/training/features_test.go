package training_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plastinka/predictor/domain/training"
)

// TestFeatureSwitches (§2.5): groups of standard features may be switched off,
// in any order; a configuration with none is the one without the member.
func TestFeatureSwitches(t *testing.T) {
	id := func(text string) string {
		c, warnings, err := training.ParseConfig([]byte(text))
		require.NoError(t, err)
		require.Empty(t, warnings)
		id, err := c.ID()
		require.NoError(t, err)
		return id
	}
	const nb = `"likelihood":"negative_binomial"`
	require.Equal(t, id(`{`+nb+`}`), id(`{`+nb+`,"features_off":[]}`))
	require.Equal(t, id(`{`+nb+`,"features_off":["hist","rec"]}`), id(`{`+nb+`,"features_off":["rec","hist","rec"]}`))
	require.NotEqual(t, id(`{`+nb+`}`), id(`{`+nb+`,"features_off":["rec"]}`))
	for text, message := range map[string]string{
		`{` + nb + `,"features_off":["weather"]}`: "weather",
		`{` + nb + `,"features_off":"rec"}`:       "must be a list of texts",
		`{"features_off":["rec"]}`:                "feature_set standard alone",
	} {
		_, _, err := training.ParseConfig([]byte(text))
		require.ErrorContains(t, err, message)
	}
}
