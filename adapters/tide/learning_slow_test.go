//go:build slow

package tide

import (
	"testing"

	"github.com/plastinka/predictor/domain/training"
	"github.com/stretchr/testify/require"
)

func TestLearningPanelClassic(t *testing.T) {
	require.Less(t, learningScores(t, training.DefaultClassic()), 0.258)
	unweighted := training.DefaultClassic()
	unweighted.DataSet.Alpha = 0
	require.Less(t, learningScores(t, unweighted), 0.258)
}
