package baseline

import (
	"testing"

	"github.com/plastinka/predictor/domain/catalog"
	"github.com/plastinka/predictor/domain/panel"
	"github.com/stretchr/testify/require"
)

// TestRegressionRowsAreBounded: of many product-months the oldest are left out,
// of many products in one year all but every so many.
func TestRegressionRowsAreBounded(t *testing.T) {
	for _, c := range []struct {
		products, months, horizon int
		from, stride              int
	}{
		{100, 40, 1, 2, 1},
		{20_000, 40, 1, 20, 1},
		{20_000, 40, 12, 28, 4}, // 78 pairs of a month and a lead in the last year
		{70_000, 20, 1, 8, 3},
		{10, 1, 1, 1, 1},
	} {
		n := c.products * c.months
		p := &panel.Panel{T: c.months, Products: make([]catalog.Product, c.products), Availability: make([]float32, n)}
		for i := range p.Availability {
			p.Availability[i] = 1
		}
		from, stride, rows := bound(p, c.months, c.horizon)
		require.Equal(t, []int{c.from, c.stride}, []int{from, stride}, "%v", c)
		require.LessOrEqual(t, rows, regressionRows)
	}
}
