// Package ports says what the system needs from outside, in domain types only.
// Adapters implement these interfaces; ports/porttest holds one conformance
// suite for each, which every adapter runs.
package ports

import (
	"time"

	"github.com/plastinka/predictor/domain/calendar"
)

// Clock is the only source of now.
type Clock interface {
	Now() time.Time
	// Today is the civil day in the shop's time zone (or the day that is fixed
	// for a reproducible run).
	Today() calendar.Day
}
