package catalog

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plastinka/predictor/domain/fault"
)

func TestIdentityStep5PriceCategories(t *testing.T) {
	b := DefaultBins()
	for price, want := range map[float64]string{
		0.01: "(0.0, 689.999]", 689.999: "(0.0, 689.999]", 690: "(689.999, 2490.0]", 2490: "(689.999, 2490.0]",
		2490.01: "(2490.0, 3990.0]", 3990: "(2490.0, 3990.0]", 5590: "(3990.0, 5590.0]", 7390: "(5590.0, 7390.0]",
		8590: "(7390.0, 8590.0]", 11990: "(8590.0, 11990.0]", math.Nextafter(11990, 1e9): "(11990.0, inf]", 1e8: "(11990.0, inf]",
	} {
		require.Equal(t, want, b.Category(price), "%v", price)
	}
	require.Equal(t, "0.0,689.999,2490.0,3990.0,5590.0,7390.0,8590.0,11990.0,inf", b.String())
}

func TestParseBins(t *testing.T) {
	for text, want := range map[string]string{
		"0,1000,inf":         "0.0,1000.0,inf",
		" 0 , 1000.50 , Inf": "0.0,1000.5,inf",
		"0,1000":             "0.0,1000.0,inf", // no price is without a category
		"500,1000,+inf":      "0.0,500.0,1000.0,inf",
		"inf":                "0.0,inf",
		"1e3":                "0.0,1000.0,inf",
	} {
		b, err := ParseBins(text)
		require.NoError(t, err, text)
		require.Equal(t, want, b.String())
		again, err := ParseBins(b.String())
		require.NoError(t, err)
		require.Equal(t, b, again)
	}
	for _, text := range []string{"", ",", "0,1000,1000", "0,2000,1000", "-1,5", "a,b", "0,nan", "inf,inf", "0;5"} {
		_, err := ParseBins(text)
		require.Equal(t, fault.Invalid, fault.KindOf(err), "%q", text)
		require.Equal(t, "invalid_price_bins", fault.CodeOf(err))
	}
	b, err := ParseBins("0,1000")
	require.NoError(t, err)
	require.Equal(t, "(1000.0, inf]", b.Category(1e8))
}
