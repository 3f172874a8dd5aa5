package app

import (
	"context"
	"time"

	"github.com/plastinka/predictor/ports"
)

// Schedule calls do whenever next says, until ctx ends. next is the first time
// after the one it is given; the zero time is never.
//
// It looks at the clock once a minute rather than sleeping for days: a machine
// that slept or whose clock was set does it when it is due.
func Schedule(ctx context.Context, clock ports.Clock, next func(time.Time) time.Time, do func(context.Context)) {
	for {
		due := next(clock.Now())
		if due.IsZero() {
			return
		}
		for left := due.Sub(clock.Now()); left > 0; left = due.Sub(clock.Now()) {
			pause(ctx, min(left, time.Minute))
			if ctx.Err() != nil {
				return
			}
		}
		do(ctx)
		if ctx.Err() != nil {
			return
		}
	}
}
