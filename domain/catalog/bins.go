package catalog

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/plastinka/predictor/domain/fault"
)

// Bins are the price categories: right-closed ranges that leave no price above
// zero without a category. They are part of stored identities.
type Bins struct {
	edges  []float64 // ascending, from 0 to +Inf
	labels []string  // of the range that ends at edges[i+1]
}

// DefaultBins are the bins of a database that asks for no others (§1.4 step 5).
func DefaultBins() Bins {
	return newBins([]float64{0, 689.999, 2490, 3990, 5590, 7390, 8590, 11990, math.Inf(1)})
}

// ParseBins reads comma-separated ascending edges in RUB, "inf" allowed. What
// lies below the first edge above zero and above the last finite one are
// categories too, so that every price has one.
func ParseBins(text string) (Bins, error) {
	bad := func(format string, args ...any) (Bins, error) {
		e := fault.New(fault.Invalid, "invalid_price_bins", "PRICE_CATEGORY_BINS: "+format+
			"; write ascending edges such as 0,690,2490,inf", args...)
		return Bins{}, e.With("value", text)
	}
	var edges []float64
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		edge, err := strconv.ParseFloat(part, 64)
		if err != nil || math.IsNaN(edge) || edge < 0 {
			return bad("%q is not an edge", part)
		}
		if n := len(edges); n > 0 && edge <= edges[n-1] {
			return bad("%s does not lie above %s", part, edgeText(edges[n-1]))
		}
		edges = append(edges, edge)
	}
	if edges[0] > 0 {
		edges = slices.Insert(edges, 0, 0)
	}
	if !math.IsInf(edges[len(edges)-1], 1) {
		edges = append(edges, math.Inf(1))
	}
	return newBins(edges), nil
}

func newBins(edges []float64) Bins {
	b := Bins{edges: edges}
	for i, upper := range edges[1:] {
		b.labels = append(b.labels, "("+edgeText(edges[i])+", "+edgeText(upper)+"]")
	}
	return b
}

// edgeText writes an edge as stored identities have it: 2490.0, 689.999, inf.
func edgeText(edge float64) string {
	if math.IsInf(edge, 1) {
		return "inf"
	}
	s := strconv.FormatFloat(edge, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

// Category is the price's range, e.g. "(2490.0, 3990.0]". The price is above 0.
func (b Bins) Category(price float64) string {
	i, _ := slices.BinarySearch(b.edges, price) // the first edge ≥ price
	return b.labels[max(i, 1)-1]
}

// String is the edges as ParseBins reads them; equal bins have equal strings.
func (b Bins) String() string {
	parts := make([]string, len(b.edges))
	for i, edge := range b.edges {
		parts[i] = edgeText(edge)
	}
	return strings.Join(parts, ",")
}
