package datasphere

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/ports"
)

// The default pace.
const (
	firstPoll  = 5 * time.Second
	firstRetry = time.Second
	logPause   = time.Second
)

// pace is when a run is looked at next, and what is said until then.
type pace struct {
	next     time.Time
	interval time.Duration
	status   ports.RunStatus
	err      error
	failures int
	code     string // of the last failure
}

// waiting is what is said about a run until it is looked at again.
func (b *Backend) waiting(id string) (pace, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.paces[id]
	if p == nil || !b.options.Clock.Now().Before(p.next) {
		return pace{}, false
	}
	return *p, true
}

// hurry has the run looked at without waiting.
func (b *Backend) hurry(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if p := b.paces[id]; p != nil {
		p.next = time.Time{}
	}
}

// paced notes how a look went: the next one comes after a while that grows, by
// little while all is well, by twice and with jitter while it is not.
func (b *Backend) paced(ctx context.Context, r *run, err error) {
	b.mu.Lock()
	p := b.paces[r.id]
	if p == nil {
		p = &pace{interval: min(firstPoll, b.options.PollInterval)}
		b.paces[r.id] = p
	}
	p.status, p.err = r.status(), err
	now := b.options.Clock.Now()
	var count *ports.RetryEvent
	switch {
	case err != nil:
		p.failures++
		p.code = fault.CodeOf(err)
		wait := min(firstRetry<<min(p.failures-1, 10), b.options.PollInterval)
		p.next = now.Add(wait/2 + rand.N(wait))
	default:
		if p.failures > 0 {
			count = &ports.RetryEvent{Operation: "datasphere", Error: p.code, Attempts: p.failures, At: now,
				Succeeded: r.End == nil || r.End.State != ports.RunFailed}
		}
		p.failures = 0
		p.next = now.Add(p.interval)
		p.interval = min(p.interval*3/2, b.options.PollInterval)
	}
	if r.End != nil {
		delete(b.paces, r.id)
	}
	b.mu.Unlock()
	if count != nil && b.options.Count != nil {
		b.options.Count(ctx, *count)
	}
}
