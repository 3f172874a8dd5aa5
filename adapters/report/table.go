package report

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"strings"

	"github.com/plastinka/predictor/domain/report"
)

// trend is how many months a row's sparkline shows.
const trend = 24

// table is what the page's script draws. Rows are arrays, and attributes of few
// values are places in a list, because there may be 20,000 of them.
type table struct {
	Styles  []string          `json:"styles"`
	Decades []string          `json:"decades"`
	Words   map[string]string `json:"words"`
	Months  int               `json:"months"` // of the trend
	Rows    []json.RawMessage `json:"rows"`
}

// tableJSON is the table as JSON that is safe inside a script element: the
// encoder writes <, > and & as escapes.
func tableJSON(r *report.Report, w *words) ([]byte, error) {
	t := table{Months: min(trend, len(r.History)), Rows: make([]json.RawMessage, len(r.Rows)), Words: map[string]string{
		"lang": w.Lang, "of": w.Of, "none": w.NoneFound, "print": w.PrintNote}}
	styles, decades := map[string]int{}, map[string]int{}
	for i := range r.Rows {
		x := &r.Rows[i]
		row, err := json.Marshal([]any{
			x.ID, x.Artist, x.Album, w.edition(x), x.RecordingYear, barcode(x.Barcode),
			place(styles, &t.Styles, w.style(x.Style)), place(decades, &t.Decades, w.decade(x.RecordingDecade)),
			tenths(x.Quantiles[0]), tenths(x.Quantiles[2]), tenths(x.Quantiles[4]), tenths(x.Mean),
			x.SalesLast, x.SalesYear, x.Stock, x.Restock, whole0(x.Price), recent(x.Series),
		})
		if err != nil {
			return nil, err
		}
		t.Rows[i] = row
	}
	var b bytes.Buffer
	err := json.NewEncoder(&b).Encode(t)
	return b.Bytes(), err
}

func barcode(s string) string {
	if s == "None" {
		return ""
	}
	return s
}

// place is the value's place in the list, which grows by new ones.
func place(seen map[string]int, list *[]string, v string) int {
	i, ok := seen[v]
	if !ok {
		i = len(*list)
		seen[v] = i
		*list = append(*list, v)
	}
	return i
}

func tenths(x float64) float64 {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return 0
	}
	return math.Round(x*10) / 10
}

func whole0(x *float64) any {
	if x == nil {
		return nil
	}
	return math.Round(*x)
}

// recent are the last months of a series, as text "0,2,1".
func recent(series []int) string {
	series = series[max(0, len(series)-trend):]
	var b strings.Builder
	for i, n := range series {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.Itoa(n))
	}
	return b.String()
}
