package porttest

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plastinka/predictor/ports"
)

// testActivations: what was made active is remembered, by kind, and outlives
// what it names.
func testActivations(t *testing.T, u StoresUnderTest) {
	ctx := t.Context()
	db := u.Open(t)
	for i, id := range []string{"a", "b"} {
		require.NoError(t, db.Configs().Put(ctx, ports.StoredConfig{ID: id, Config: json.RawMessage("{}"), CreatedAt: at(i)}))
		require.NoError(t, db.Models().Add(ctx, ports.StoredModel{ID: "m" + id, Metadata: json.RawMessage("{}"), CreatedAt: at(i)}))
	}
	none, err := db.Models().Activations(ctx, 0)
	require.NoError(t, err)
	require.Empty(t, none)
	for i, id := range []string{"a", "b", "a"} {
		require.NoError(t, db.Configs().SetActive(ctx, id, at(10+i)))
	}
	require.NoError(t, db.Models().SetActive(ctx, "ma", at(20)))
	require.NoError(t, db.Configs().Remove(ctx, "b"))
	list, err := db.Configs().Activations(ctx, 0)
	require.NoError(t, err)
	require.Equal(t, []ports.Activation{{ID: "a", At: at(12)}, {ID: "b", At: at(11)}, {ID: "a", At: at(10)}}, list)
	list, err = db.Configs().Activations(ctx, 1)
	require.NoError(t, err)
	require.Equal(t, []ports.Activation{{ID: "a", At: at(12)}}, list)
	list, err = db.Models().Activations(ctx, 0)
	require.NoError(t, err)
	require.Equal(t, []ports.Activation{{ID: "ma", At: at(20)}}, list)
}
