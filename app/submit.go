package app

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"

	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/job"
	"github.com/plastinka/predictor/ports"
)

// newID is a random UUID (RFC 9562, version 4).
func newID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// submit stores a new pending job with its complete input.
func submit(ctx context.Context, db ports.Stores, clock ports.Clock, id string, t job.Type, input any) (job.Job, error) {
	b, err := json.Marshal(input)
	if err != nil {
		return job.Job{}, fault.Wrap("app.submit", err)
	}
	now := clock.Now()
	j := job.Job{ID: id, Type: t, Status: job.Pending, CreatedAt: now, UpdatedAt: now, Message: "waiting", Input: b}
	return j, fault.Wrap("app.submit", db.Jobs().Create(ctx, j))
}

// Unfinished is the newest job of type t that has not ended and was submitted
// with the same input, so that repeating an interrupted command joins it.
func Unfinished(ctx context.Context, db ports.Database, t job.Type, input any) (job.Job, bool, error) {
	want, err := json.Marshal(input)
	if err != nil {
		return job.Job{}, false, fault.Wrap("app.Unfinished", err)
	}
	for _, status := range []job.Status{job.Running, job.Pending} {
		jobs, _, err := db.Jobs().Jobs(ctx, job.Query{Type: t, Status: status})
		if err != nil {
			return job.Job{}, false, fault.Wrap("app.Unfinished", err)
		}
		for _, j := range jobs {
			if string(j.Input) == string(want) {
				return j, true, nil
			}
		}
	}
	return job.Job{}, false, nil
}
