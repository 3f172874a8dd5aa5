package cells

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNeutral(t *testing.T) {
	for given, want := range map[string]string{
		"": "", "a": "a", "=": "=", "-": "-", "=1+1": "'=1+1", "+7 495": "'+7 495", "-12.5": "-12.5", "+1e3": "+1e3",
		"@cmd": "'@cmd", "\tx": "'\tx", "\r=x": "'\r=x", "-inf": "'-inf", "-0x10": "'-0x10", "-1e999": "'-1e999", "a=b": "a=b", "'=x": "'=x", "−5": "−5",
	} {
		require.Equal(t, want, Neutral(given), "%q", given)
	}
}
