package domain_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// mutation is a rule broken on purpose, and the test that must notice. They are
// kept in testdata/mutations.txt: a heading, the file, the test, the code as it
// is (−) and as it is wrong (+).
type mutation struct {
	name, file, test, right, wrong string
}

func mutations(t *testing.T) (list []mutation) {
	t.Helper()
	text, err := os.ReadFile("testdata/mutations.txt")
	require.NoError(t, err)
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		if name, ok := strings.CutPrefix(line, "## "); ok {
			list = append(list, mutation{name: name})
			continue
		}
		if len(list) == 0 || line == "" {
			continue
		}
		m := &list[len(list)-1]
		switch key, value, _ := strings.Cut(line, " "); key {
		case "file":
			m.file = value
		case "test":
			m.test = value
		case "-":
			m.right = value
		case "+":
			m.wrong = value
		default:
			t.Fatalf("mutations.txt: %q is no line of a mutation", line)
		}
	}
	return list
}

// TestMutationsAreOfThisCode: each of them changes exactly one place.
func TestMutationsAreOfThisCode(t *testing.T) {
	for _, m := range mutations(t) {
		code, err := os.ReadFile(m.file)
		require.NoError(t, err)
		require.Equal(t, 1, strings.Count(string(code), m.right), "%s: %s in %s", m.name, m.right, m.file)
		require.NotEqual(t, m.right, m.wrong)
		require.True(t, strings.HasPrefix(m.test, "Test"), m.name)
	}
}
