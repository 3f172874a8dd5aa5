package covariate

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestBlend: with all influences kept a row is the own one, with none the other
// one, norm_expected among them; a single one takes exactly its features.
func TestBlend(t *testing.T) {
	p := toy(40, 30, true, true)
	s, err := FitStandard(p, 30, 1)
	require.NoError(t, err)
	blender, first, width := s.Blender(), First(p), s.Width()
	const month = 28
	x := make([]float32, p.N()*width)
	s.Origin(x, p, month)
	describe := func(i int) Described {
		return blender.Describe(x[i*width:(i+1)*width], p.Products[i], p.Month(month).Number(), AgeAt(first[i], month))
	}
	dst := make([]float32, width)
	all := uint(1)<<len(InfluenceNames()) - 1
	for i := range p.N() {
		own, other := describe(i), describe((i+7)%p.N())
		blender.Blend(dst, own, other, all)
		require.InDeltaSlice(t, floats(own.Row), floats(dst), 2e-6, "product %d", i)
		blender.Blend(dst, own, other, 0)
		require.InDeltaSlice(t, floats(other.Row), floats(dst), 2e-6, "product %d", i)
		blender.Blend(dst, own, other, 1<<OwnHistory)
		for j, name := range s.Names() {
			want := other.Row[j]
			if blender.of[j] == OwnHistory {
				want = own.Row[j]
			}
			require.InDelta(t, want, dst[j], 2e-6, name)
		}
	}
}

// TestEveryFeatureHasItsInfluence: what the names say.
func TestEveryFeatureHasItsInfluence(t *testing.T) {
	p := toy(40, 30, true, true)
	s, err := FitStandard(p, 30, 1)
	require.NoError(t, err)
	of := map[string]Influence{}
	for j, name := range s.Names() {
		of[name] = s.influences()[j]
	}
	for name, want := range map[string]Influence{"ewm_3": OwnHistory, "wt_below_1": OwnHistory, "age_decay_1": Age, "age_decay_2.5_ewm_all": Age,
		"month_cos_2": Season, "style=Drone": Attributes, "norm_expected": expectation, "norm_3": OwnHistory, "norm_weight_all": OwnHistory,
		"style_4": Market, "shop_4": Market, "hist_24_3_or_more": OwnHistory, "rec": OwnHistory, "disp_weight": OwnHistory, "stock": OnHand} {
		got, ok := of[name]
		require.True(t, ok, name)
		require.Equal(t, want, got, name)
	}
	for j, name := range FutureNames() {
		require.Equal(t, map[bool]Influence{true: Season, false: Age}[name[0] == 'm'], FutureInfluences()[j], name)
	}
}

func floats(x []float32) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = float64(v)
	}
	return out
}
