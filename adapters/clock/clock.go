// Package clock is the system's clock in the shop's time zone. The zones'
// data is part of the program, so that it needs none of the machine's.
package clock

import (
	"time"
	_ "time/tzdata" // the zones

	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/ports"
)

// System is the real time.
type System struct {
	// Zone is the shop's; nil is UTC.
	Zone *time.Location
	// Fixed, if not nil, is Today for reproducible runs. Now is never fixed.
	Fixed *calendar.Day
}

var _ ports.Clock = System{}

// Now is this instant.
func (System) Now() time.Time { return time.Now() }

// Today is the civil day in the shop's zone.
func (s System) Today() calendar.Day {
	if s.Fixed != nil {
		return *s.Fixed
	}
	zone := s.Zone
	if zone == nil {
		zone = time.UTC
	}
	return calendar.DayIn(time.Now().In(zone))
}
