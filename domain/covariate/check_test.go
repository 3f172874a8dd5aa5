package covariate

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCheckRefusesDamagedFeatures(t *testing.T) {
	p := toy(20, 24, true, true)
	for name, damage := range map[string]func(*Standard){
		"mean":      func(s *Standard) { s.Mean = s.Mean[1:] },
		"scale":     func(s *Standard) { s.Scale = append(s.Scale, 1) },
		"age":       func(s *Standard) { s.Expected.Age = nil },
		"attribute": func(s *Standard) { s.Expected.Attribute = nil },
		"name":      func(s *Standard) { s.Attributes[0].Name = "colour" },
		"rate":      func(s *Standard) { s.Rate = 0 },
		"stock":     func(s *Standard) { s.Stock = false },
	} {
		s := fitToy(t, p, 24)
		require.NoError(t, s.Check())
		damage(s)
		require.Error(t, s.Check(), name)
	}
	require.Error(t, new(Standard).Check())
	for name, damage := range map[string]func(*Classic){
		"categories": func(c *Classic) { c.Categories = c.Categories[1:] },
		"order":      func(c *Classic) { v := c.Categories[0].Values; v[0], v[1] = v[1], v[0] },
		"months":     func(c *Classic) { c.Months = -1 },
		"span":       func(c *Classic) { c.Span = 0 },
	} {
		c, err := FitClassic(p, 24, 7)
		require.NoError(t, err)
		text, err := json.Marshal(c)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(text, c))
		require.NoError(t, c.Check())
		damage(c)
		require.Error(t, c.Check(), name)
	}
}
