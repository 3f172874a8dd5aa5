package svg

import (
	"encoding/xml"
	"flag"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the golden files")

// charts are one of each, with the awkward inputs that a shop has.
func charts() map[string]string {
	nan := math.NaN()
	bars := []Bar{
		{Name: "Rock", Note: "80 titles", Value: 96, Low: 70, High: 120, Before: 90, Text: "96", Label: "Rock: 96"},
		{Name: "A name that is much too long for a narrow chart and is cut", Note: "unseen", Value: 12, Low: nan, High: nan, Before: nan, Text: "12"},
		{Name: `</svg><script>alert("1")</script>`, Value: 0, Low: 0, High: 0, Before: 0, Text: "0"},
	}
	points := []Point{{Label: "Jan: 10", Value: 10}, {Label: "Feb: none", Value: nan}, {Label: "Mar: 25", Value: 25}, {Label: "Apr: 31", Value: 31, Open: true}}
	frame := func(id string) Frame {
		return Frame{ID: id, Title: "Title & more", Desc: "In words", Unit: "copies", Class: "sv-wide"}
	}
	share := []Share{{0.05, 0.06, "5 %"}, {0.5, 0.47, "50 %"}, {0.95, 0.9, "95 %"}}
	return map[string]string{
		"line": Line{Frame: frame("line"), Points: points, Ticks: []Tick{{0, "2026"}}, Last: "31",
			Fan: &Fan{Quantiles: [5]float64{20, 28, 33, 39, 52}, Label: "May: 33", Tick: "May", Names: [3]string{"to 52", "33", "from 20"}}}.SVG(),
		"line-empty": Line{Frame: frame("empty"), Fan: &Fan{}}.SVG(),
		"line-share": Line{Frame: frame("share"), Points: points[:1], High: 1, Last: "10"}.SVG(),
		"columns":    Columns{Frame: frame("columns"), Columns: []Column{{"Jan", []float64{3, 1}, false}, {"Feb", []float64{nan, 2}, true}}, Peak: func(float64) string { return "peak" }}.SVG(),
		"stacked":    Columns{Frame: frame("stacked"), Stacked: true, Columns: []Column{{"Jan", []float64{3, 1}, false}, {"Feb", []float64{1, 2}, false}}}.SVG(),
		"intervals": Intervals{Frame: frame("intervals"), Ticks: []Tick{{0, "Jan"}}, Items: []Interval{
			{"Jan", [5]float64{10, 20, 25, 30, 40}, 28}, {"Feb", [5]float64{10, 20, 25, 30, 40}, 44}}}.SVG(),
		"bars":        Bars{Frame: Frame{ID: "bars", Title: "Bars", Width: 300}, Bars: bars}.SVG(),
		"calibration": Calibration{Frame: frame("cal"), Points: share, Observed: "was", Nominal: "promised", Ideal: "ideal"}.SVG(),
		"sparkline":   Sparkline("spark", "Sales", []float64{0, 2, 1, 5}),
		"spark-empty": Sparkline("spark0", "Sales", nil),
	}
}

func TestGolden(t *testing.T) {
	for name, got := range charts() {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join("testdata", name+".svg")
			got := strings.ReplaceAll(got, "><", ">\n<") + "\n"
			if *update {
				require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
			}
			want, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Equal(t, string(want), got)
		})
	}
}

// Every drawing is well-formed XML with a title, a description and no number
// that is none, whatever went in.
func TestWellFormed(t *testing.T) {
	for name, drawing := range charts() {
		d := xml.NewDecoder(strings.NewReader(drawing))
		seen := map[string]int{}
		for {
			token, err := d.Token()
			if err == io.EOF {
				break
			}
			require.NoError(t, err, name)
			if e, ok := token.(xml.StartElement); ok {
				seen[e.Name.Local]++
				for _, a := range e.Attr {
					if a.Name.Local != "data-value" {
						require.NotContains(t, a.Value, "NaN", "%s %s %s", name, e.Name.Local, a.Name.Local)
						require.NotContains(t, a.Value, "Inf", "%s %s %s", name, e.Name.Local, a.Name.Local)
					}
				}
			}
		}
		require.Zero(t, seen["script"], name)
		require.Equal(t, 1, seen["desc"], name)
		require.GreaterOrEqual(t, seen["title"], 1, name)
	}
}

func TestTicks(t *testing.T) {
	for _, c := range []struct {
		lo, hi float64
		n      int
		want   []float64
	}{
		{0, 1, 4, []float64{0, 0.5, 1}},
		{0, 510, 4, []float64{0, 200, 400, 600}},
		{0, 100, 4, []float64{0, 50, 100}},
		{0, 7, 4, []float64{0, 2, 4, 6, 8}},
		{0, 0, 4, []float64{0, 0.5, 1}},
		{-3, 3, 4, []float64{-4, -2, 0, 2, 4}},
	} {
		require.InDeltaSlice(t, c.want, ticks(c.lo, c.hi, c.n), 1e-9, "%v", c)
	}
}

func TestScale(t *testing.T) {
	s := scale{from: 0, to: 10, low: 200, far: 0}
	require.Equal(t, 200.0, s.at(0))
	require.Equal(t, 100.0, s.at(5))
	require.Equal(t, 7.0, scale{from: 1, to: 1, low: 7, far: 9}.at(1))
}

func TestShorten(t *testing.T) {
	require.Equal(t, "Ночной рейс", shorten("Ночной рейс", 11))
	require.Equal(t, "Ночной…", shorten("Ночной рейс", 7))
	require.Equal(t, "…", shorten("Ночной", 1))
	require.Equal(t, "…", shorten("Ночной", -3))
}
