package porttest_test

import "testing"

// TestCustomCompute and TestCustomStores prove the examples' own adapters.
func TestCustomCompute(t *testing.T) { bellConforms(t) }

func TestCustomStores(t *testing.T) { journalConforms(t) }
