package sqlite

import (
	"encoding/json"
	"math"
	"time"

	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/fault"
)

// instantForm is RFC 3339 in UTC with all digits, so that text order is the
// order in time and nothing of a time is lost.
const instantForm = "2006-01-02T15:04:05.000000000Z"

// instant is a time as stored; the zero time is "".
func instant(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(instantForm)
}

func parseInstant(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return time.Time{}, unreadable("a time", s).Because(err)
	}
	return t, nil
}

// unreadable is a stored value that this program cannot have written.
func unreadable(what, value string) *fault.Error {
	return fault.New(fault.Internal, "database_corrupt",
		"the database holds %s that cannot be read: %.60q; it was changed by another program: put the newest copy from the backups folder in its place", what, value)
}

// days parses stored days. In all our orders many rows in a row have the same
// one, so the last is remembered.
type days struct {
	text string
	day  calendar.Day
}

func (d *days) parse(s string) (calendar.Day, error) {
	if s == d.text && s != "" {
		return d.day, nil
	}
	day, err := calendar.ParseDay(s)
	if err != nil {
		return 0, unreadable("a day", s)
	}
	d.text, d.day = s, day
	return day, nil
}

func (d *days) month(s string) (calendar.Month, error) {
	day, err := d.parse(s)
	return day.Month(), err
}

// dayTexts formats days, remembering the last.
type dayTexts struct {
	day  calendar.Day
	text string
}

func (d *dayTexts) format(day calendar.Day) string {
	if d.text == "" || d.day != day {
		d.day, d.text = day, day.String()
	}
	return d.text
}

// raw is stored JSON; "" is none.
func raw(s string) json.RawMessage {
	if s == "" {
		return nil
	}
	return json.RawMessage(s)
}

// metrics are stored as a JSON object. JSON has no NaN and no infinity: a
// metric that is no number is left out, which to every reader means the same.
func encodeMetrics(m map[string]float64) (string, error) {
	kept := make(map[string]float64, len(m))
	for name, v := range m {
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			kept[name] = v
		}
	}
	b, err := json.Marshal(kept)
	return string(b), err
}

func decode(what, s string, into any) error {
	if err := json.Unmarshal([]byte(s), into); err != nil {
		return unreadable(what, s).Because(err)
	}
	return nil
}
