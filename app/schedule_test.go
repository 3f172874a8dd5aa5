package app_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plastinka/predictor/app"
	"github.com/plastinka/predictor/domain/calendar"
)

// bubbleClock is the clock of a bubble, set forward once.
type bubbleClock struct{ jump time.Time }

func (c bubbleClock) Now() time.Time {
	now := time.Now()
	if !c.jump.IsZero() && now.After(c.jump) {
		return now.Add(30 * time.Hour)
	}
	return now
}

func (c bubbleClock) Today() calendar.Day { return calendar.DayIn(c.Now()) }

// nightly is the next three o'clock.
func nightly(t time.Time) time.Time {
	next := time.Date(t.Year(), t.Month(), t.Day(), 3, 0, 0, 0, time.UTC)
	if !next.After(t) {
		next = next.AddDate(0, 0, 1)
	}
	return next
}

func TestSchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 76*time.Hour)
		defer cancel()
		var at []time.Time
		app.Schedule(ctx, bubbleClock{}, nightly, func(context.Context) { at = append(at, time.Now().UTC()) })
		require.Len(t, at, 4, "from midnight on, for three days and four hours")
		for i, moment := range at {
			require.Equal(t, time.Date(2000, 1, 1+i, 3, 0, 0, 0, time.UTC), moment)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		// The clock is set forward over a due time: it is done at once, and once.
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Hour)
		defer cancel()
		var at []time.Time
		app.Schedule(ctx, bubbleClock{jump: time.Date(2000, 1, 1, 1, 0, 0, 0, time.UTC)}, nightly, func(context.Context) { at = append(at, time.Now().UTC()) })
		require.Len(t, at, 1)
		require.WithinDuration(t, time.Date(2000, 1, 1, 1, 0, 0, 0, time.UTC), at[0], 2*time.Minute)
	})
	app.Schedule(t.Context(), bubbleClock{}, func(time.Time) time.Time { return time.Time{} }, func(context.Context) { t.Error("never is never") })
}
