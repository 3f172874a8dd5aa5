// Package terminal writes for people who look at a terminal: progress bars,
// tables, a little colour. Where nobody looks (a pipe, NO_COLOR, --quiet) it
// writes plain lines or nothing.
//
// schollz/progressbar draws the bars: it knows terminals' widths and how to
// estimate the time left.
package terminal

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/schollz/progressbar/v3"
)

// Terminal is where a command talks to a person: results go to Out, everything
// else to Err.
type Terminal struct {
	Out, Err io.Writer
	Quiet    bool // no progress, no remarks
	colour   bool
	live     bool // Err is a terminal: bars may move
}

// New makes a Terminal of a command's streams. NO_COLOR in the environment
// turns colours off, TERM=dumb also the bars.
func New(out, err io.Writer, getenv func(string) string) *Terminal {
	dumb := getenv("TERM") == "dumb"
	return &Terminal{Out: out, Err: err, live: isTerminal(err) && !dumb,
		colour: isTerminal(out) && getenv("NO_COLOR") == "" && !dumb}
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// Say writes a remark to Err.
func (t *Terminal) Say(format string, args ...any) {
	if !t.Quiet {
		fmt.Fprintf(t.Err, format+"\n", args...)
	}
}

// Bold and the colours mark text on a terminal that shows them.
func (t *Terminal) Bold(s string) string   { return t.mark("1", s) }
func (t *Terminal) Green(s string) string  { return t.mark("32", s) }
func (t *Terminal) Yellow(s string) string { return t.mark("33", s) }
func (t *Terminal) Red(s string) string    { return t.mark("31", s) }

func (t *Terminal) mark(code, s string) string {
	if !t.colour {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

// Table writes rows under a header, columns aligned: to the right where every
// cell of a column is a number.
func (t *Terminal) Table(header []string, rows [][]string) {
	widths := make([]int, len(header))
	right := make([]bool, len(header))
	for j, h := range header {
		widths[j], right[j] = utf8.RuneCountInString(h), len(rows) > 0
		for _, r := range rows {
			widths[j] = max(widths[j], utf8.RuneCountInString(r[j]))
			right[j] = right[j] && (r[j] == "" || strings.ContainsAny(r[j][:1], "+-−0123456789±–"))
		}
	}
	line := func(cells []string, mark func(string) string) {
		var b strings.Builder
		for j, c := range cells {
			pad := strings.Repeat(" ", widths[j]-utf8.RuneCountInString(c))
			if right[j] {
				b.WriteString(pad + mark(c))
			} else {
				b.WriteString(mark(c) + pad)
			}
			b.WriteString("  ")
		}
		fmt.Fprintln(t.Out, strings.TrimRight(b.String(), " "))
	}
	plain := func(s string) string { return s }
	line(header, t.Bold)
	for _, r := range rows {
		line(r, plain)
	}
}

// Progress is a bar from 0 to 100 %, or, where nobody looks, a line for each
// new message.
type Progress struct {
	t       *Terminal
	bar     *progressbar.ProgressBar
	message string
	percent float64
}

// Start begins a progress display. Finish ends it.
func (t *Terminal) Start(what string) *Progress {
	p := &Progress{t: t, message: what}
	if t.Quiet || !t.live {
		t.Say("%s", what)
		return p
	}
	p.bar = progressbar.NewOptions(1000, progressbar.OptionSetWriter(t.Err), progressbar.OptionSetDescription(what),
		progressbar.OptionSetWidth(28), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish(),
		progressbar.OptionSetPredictTime(true), progressbar.OptionSetTheme(progressbar.ThemeUnicode),
		progressbar.OptionSetElapsedTime(true), progressbar.OptionFullWidth(), progressbar.OptionSpinnerType(14))
	return p
}

// Update shows how far it is, 0 to 100, and with what.
func (p *Progress) Update(percent float64, message string) {
	changed := message != "" && message != p.message
	if changed {
		p.message = message
	}
	p.percent = percent
	if p.bar == nil {
		if changed {
			p.t.Say("  %3.0f %%  %s", percent, message)
		}
		return
	}
	p.bar.Describe(p.message)
	_ = p.bar.Set(int(percent * 10))
}

// Finish removes the bar.
func (p *Progress) Finish() {
	if p.bar != nil {
		_ = p.bar.Finish()
	}
}

// Number writes a number of copies or roubles with thin groups, as people
// read it: 12 345.
func Number(x float64, decimals int) string {
	s := fmt.Sprintf("%.*f", decimals, x)
	whole, fraction, _ := strings.Cut(s, ".")
	sign := ""
	if strings.HasPrefix(whole, "-") {
		sign, whole = "−", whole[1:]
	}
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "\u202f" + whole[i:]
	}
	if fraction != "" {
		fraction = "." + fraction
	}
	return sign + whole + fraction
}
