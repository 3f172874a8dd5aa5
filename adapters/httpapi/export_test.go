package httpapi

import "time"

// Hurry makes the service impatient, for tests of slow clients.
func (s *Service) Hurry(pause time.Duration) {
	s.pace = pace{bodyPause: pause, bodyGrace: pause, bodySlowest: 1 << 20, writePause: 20 * pause, eventsAlive: time.Millisecond}
}
