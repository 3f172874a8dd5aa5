package report_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/plastinka/predictor/domain/report"
)

// tab is a browser tab that remembers what should not happen in it.
type tab struct {
	context.Context
	mu       sync.Mutex
	requests []string
	trouble  []string
}

// browse opens the pages by name in a real browser; the test is skipped where
// none is installed.
func browse(t testing.TB, pages map[string][]byte) (*tab, string) {
	t.Helper()
	if testing.Short() {
		t.Skip("a browser takes some seconds: not with -short")
	}
	var browser string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			browser = path
			break
		}
	}
	if browser == "" {
		t.Skip("no Chromium or Chrome is installed: the page was not looked at in a browser")
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", report.HTML.MediaType())
		w.Write(pages[strings.TrimPrefix(r.URL.Path, "/")])
	}))
	t.Cleanup(server.Close)
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(browser), chromedp.NoSandbox, chromedp.DisableGPU)
	ctx, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	b := &tab{}
	ctx, stop = chromedp.NewContext(ctx, chromedp.WithListener(b.listen))
	t.Cleanup(stop)
	require.NoError(t, chromedp.Do(ctx, chromedp.Func(enable)), "the browser starts")
	b.Context, stop = context.WithTimeout(ctx, time.Minute)
	t.Cleanup(stop)
	return b, server.URL
}

// enable asks for the events that listen hears.
func enable(ctx context.Context, t *chromedp.Target) error {
	if _, err := cdp.Call(ctx, t, network.Enable, network.EnableParams{}); err != nil {
		return err
	}
	if _, err := cdp.Call(ctx, t, log.Enable, cdp.Empty{}); err != nil {
		return err
	}
	_, err := cdp.Call(ctx, t, runtime.Enable, cdp.Empty{})
	return err
}

func (b *tab) listen(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		if !strings.HasPrefix(e.Request.URL, "data:") {
			b.requests = append(b.requests, e.Request.URL)
		}
	case *runtime.EventExceptionThrown:
		b.trouble = append(b.trouble, e.ExceptionDetails.Text)
	case *runtime.EventConsoleAPICalled:
		b.trouble = append(b.trouble, fmt.Sprint(e.Type))
	case *log.EventEntryAdded:
		b.trouble = append(b.trouble, e.Entry.Text)
	}
}

// eval runs an expression in the page and brings its value back.
func eval[T any](t testing.TB, b *tab, expression string) T {
	t.Helper()
	v, err := chromedp.Run(b, chromedp.Evaluate[T](expression))
	require.NoError(t, err, expression)
	return v
}

// do runs steps in the tab.
func do(t testing.TB, b *tab, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	require.NoError(t, chromedp.Do(b, steps...))
}

// What a browser shows is what the model says: totals, a chart's points, the
// table sorted, searched and paged; without an error, a request elsewhere, or a
// page wider than a telephone.
func TestPageInABrowser(t *testing.T) {
	r := sample(700, 34)
	bad := dangerous()
	b, url := browse(t, map[string][]byte{
		"ru": render(t, r, report.HTML, report.Russian), "en": render(t, r, report.HTML, report.English),
		"bad": render(t, bad, report.HTML, report.Russian)})
	for _, lang := range []string{"ru", "en"} {
		do(t, b, chromedp.EmulateViewport(1280, 900), chromedp.Navigate(url+"/"+lang))
		checkTotals(t, b, r)
		checkChart(t, b, r)
		checkAccessibility(t, b)
	}
	checkTable(t, b, r)
	do(t, b, chromedp.EmulateViewport(390, 844, chromedp.EmulateScale(2), chromedp.EmulateMobile), chromedp.Navigate(url+"/ru"))
	require.LessOrEqual(t, eval[int](t, b, `document.documentElement.scrollWidth`), 390, "nothing sticks out on a telephone")
	do(t, b, chromedp.Navigate(url+"/bad"))
	require.NotContains(t, eval[string](t, b, `document.title`), "owned")
	require.Equal(t, len(bad.Rows), eval[int](t, b, `document.querySelectorAll("#all tbody tr").length`))
	artist := eval[string](t, b, `document.querySelector("#all tbody bdi").textContent`)
	require.Contains(t, hostile(), artist)

	b.mu.Lock()
	defer b.mu.Unlock()
	require.Empty(t, b.trouble, "exceptions, console, log")
	for _, request := range b.requests {
		require.True(t, strings.HasPrefix(request, url+"/"), request)
	}
	require.Len(t, b.requests, 4, "the pages themselves")
}

func checkTotals(t *testing.T, b *tab, r *report.Report) {
	t.Helper()
	shown := eval[map[string]string](t, b, `Object.fromEntries([...document.querySelectorAll("[data-key]")].map(e => [e.dataset.key, e.dataset.value]))`)
	for key, want := range map[string]float64{"restock": float64(r.Totals.Restock), "gain_rub": r.Totals.GainRub,
		"demand": r.Totals.Copies.Quantiles[2], "coverage_90": r.Accuracy.Coverage90} {
		got, err := strconv.ParseFloat(shown[key], 64)
		require.NoError(t, err, key)
		require.InDelta(t, want, got, 1e-9, key)
	}
	digits := eval[string](t, b, `document.querySelector("[data-key=restock]").textContent.replace(/\D/g, "")`)
	require.Equal(t, strconv.Itoa(r.Totals.Restock), digits)
}

func checkChart(t *testing.T, b *tab, r *report.Report) {
	t.Helper()
	points := eval[[]float64](t, b, `[...document.querySelectorAll("#sales-w .sv-dot")].map(e => +e.dataset.value)`)
	require.Len(t, points, len(r.History))
	for i, h := range r.History {
		require.Equal(t, float64(h.Sales), points[i])
	}
	require.Equal(t, r.Totals.Copies.Quantiles[2], eval[float64](t, b, `+document.querySelector("#sales-w .sv-forecast").dataset.value`))
	// Heights on the screen are in proportion to the values.
	y := eval[[]float64](t, b, `[...document.querySelectorAll("#sales-w .sv-dot")].map(e => +e.getAttribute("cy"))`)
	scale := (y[0] - y[1]) / (points[1] - points[0])
	for i := range y {
		require.InDelta(t, y[0]-scale*(points[i]-points[0]), y[i], 0.6+0.2*absolute(points[i]-points[0])/absolute(points[1]-points[0]))
	}
	past := eval[[]float64](t, b, `[...document.querySelectorAll("#past-w circle")].map(e => +e.dataset.value)`)
	require.Len(t, past, len(r.Accuracy.Months))
	for i, m := range r.Accuracy.Months {
		require.Equal(t, float64(m.Sold), past[i])
	}
}

func absolute(x float64) float64 { return max(x, -x) }

// column is the shown numbers of a column of the table.
func column(t *testing.T, b *tab, n int) []float64 {
	t.Helper()
	return eval[[]float64](t, b, fmt.Sprintf(`[...document.querySelectorAll("#all tbody tr td:nth-child(%d)")].map(e => +e.textContent.replace(/[^\d]/g, ""))`, n))
}

func checkTable(t *testing.T, b *tab, r *report.Report) {
	t.Helper()
	best := report.Best(r.Rows, 25, func(x *report.Row) float64 { return float64(x.Order()) + x.Mean*1e-4 })
	orders := column(t, b, 8)
	require.Len(t, orders, 25)
	for i, at := range best {
		require.Equal(t, float64(r.Rows[at].Order()), orders[i], "sorted by what to order")
	}
	// All orders, over all pages, add up to the total.
	set(t, b, "size", `"500"`)
	sum := total(column(t, b, 8))
	click(t, b, "#next")
	rest := column(t, b, 8)
	require.Len(t, rest, len(r.Rows)-500)
	require.Equal(t, float64(r.Totals.Restock), sum+total(rest))
	require.True(t, eval[bool](t, b, `document.getElementById("next").disabled`))

	click(t, b, `th[data-sort="14"] button`)
	stock := column(t, b, 7)
	for i := 1; i < len(stock); i++ {
		require.GreaterOrEqual(t, stock[i-1], stock[i], "by stock, descending")
	}
	require.Equal(t, "descending", eval[string](t, b, `document.querySelector('th[data-sort="14"]').getAttribute("aria-sort")`))

	word := r.Rows[10].Artist
	want := 0
	for i := range r.Rows {
		if strings.Contains(strings.ToLower(r.Rows[i].Artist), strings.ToLower(word)) {
			want++
		}
	}
	quoted, err := json.Marshal(strings.ToUpper(word))
	require.NoError(t, err)
	search := func(text string) { set(t, b, "search", text) }
	search(string(quoted))
	require.Equal(t, want, eval[int](t, b, `document.querySelectorAll("#all tbody tr").length`))
	search(`"no such record"`)
	require.Equal(t, 1, eval[int](t, b, `document.querySelectorAll("#all tbody tr").length`))
	search(`""`)
	click(t, b, "#only")
	require.Equal(t, min(r.Totals.Titles, 500), eval[int](t, b, `document.querySelectorAll("#all tbody tr").length`))
}

// set gives a control a value, written as JavaScript.
func set(t *testing.T, b *tab, id, value string) {
	t.Helper()
	do(t, b, chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`{ const e = document.getElementById(%q); e.value = %s; e.dispatchEvent(new Event("input")) }`, id, value)))
}

func click(t *testing.T, b *tab, selector string) {
	t.Helper()
	do(t, b, chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`document.querySelector(%q).click()`, selector)))
}

func total(xs []float64) (sum float64) {
	for _, x := range xs {
		sum += x
	}
	return sum
}

// checkAccessibility asks for what can be asked without a library: names for
// all controls and charts, one h1, no repeated id, contrast of the text.
func checkAccessibility(t *testing.T, b *tab) {
	t.Helper()
	require.Empty(t, eval[[]string](t, b, `[...document.querySelectorAll("input,select,button")].filter(e => !(e.ariaLabel || e.textContent.trim() || e.closest("label"))).map(e => e.id)`))
	require.Empty(t, eval[[]string](t, b, `[...document.querySelectorAll("svg[role=img]")].filter(e => !e.querySelector("title").textContent || !document.getElementById(e.getAttribute("aria-labelledby").split(" ")[1])).map(e => e.id)`))
	require.Equal(t, 1, eval[int](t, b, `document.querySelectorAll("h1").length`))
	require.Empty(t, eval[[]string](t, b, `[...document.querySelectorAll("[id]")].map(e => e.id).filter((id, i, all) => all.indexOf(id) !== i)`))
	require.GreaterOrEqual(t, eval[float64](t, b, contrast), 4.5, "muted text on the paper")
}

// contrast is WCAG's contrast of the muted text.
const contrast = `(() => {
  const light = (c) => { const [r, g, b] = c.match(/\d+/g).map(v => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4 }); return 0.2126 * r + 0.7152 * g + 0.0722 * b };
  const a = light(getComputedStyle(document.querySelector(".note")).color), b = light(getComputedStyle(document.body).backgroundColor);
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
})()`

// How long a browser takes from the request to the table being there.
func BenchmarkPageInABrowser20000(b *testing.B) {
	tab, url := browse(b, map[string][]byte{"big": render(b, sample(20000, 36), report.HTML, report.Russian)})
	var total float64
	for b.Loop() {
		do(b, tab, chromedp.Navigate(url+"/big"))
		total += eval[float64](b, tab, `performance.getEntriesByType("navigation")[0].loadEventEnd`)
	}
	b.ReportMetric(total/float64(b.N), "ms/usable")
}
