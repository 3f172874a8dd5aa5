package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"

	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/job"
	"github.com/plastinka/predictor/ports"
)

// OnceRequest says under what a submission counts as the same.
type OnceRequest struct {
	Type       job.Type
	Key        string        // the client's idempotency key; "": none
	Request    any           // what was asked for: equal JSON is the same request
	Refractory time.Duration // how long the same request is refused after one was accepted
}

// Once makes a submission at most once: a repeated idempotency key gets the
// first answer, and the same request within the refractory period is refused
// (TooMany, job_refractory_active). The lock is taken only if the submission
// was accepted: a submission that fails gives it back.
func Once[T any](ctx context.Context, db ports.Database, clock ports.Clock, req OnceRequest, submit func() (T, error)) (answer T, err error) {
	digest, err := requestDigest(req)
	if err != nil {
		return answer, err
	}
	key := string(req.Type) + ":" + req.Key
	if req.Key != "" {
		first, kept, ok, err := db.Submissions().Answer(ctx, key)
		if err != nil {
			return answer, fault.Wrap("app.Once", err)
		}
		if ok {
			if first != digest {
				return answer, fault.New(fault.Invalid, "validation_error", "the idempotency key %q was used for another request; take a new one", req.Key)
			}
			return answer, fault.Wrap("app.Once", json.Unmarshal(kept, &answer))
		}
	}
	now := clock.Now()
	if req.Refractory > 0 {
		ok, free, err := db.Submissions().Lock(ctx, digest, now, now.Add(req.Refractory))
		if err != nil {
			return answer, fault.Wrap("app.Once", err)
		}
		if !ok {
			wait := int((free.Sub(now) + time.Second - 1) / time.Second)
			return answer, fault.New(fault.TooMany, "job_refractory_active",
				"the same request was accepted a moment ago; it can be repeated in %d s", wait).
				With("retry_after_seconds", wait).With("job_type", string(req.Type))
		}
	}
	if answer, err = submit(); err != nil {
		if req.Refractory > 0 { // it was not accepted: give the lock back
			_, _, _ = db.Submissions().Lock(ctx, digest, now.Add(req.Refractory), now)
		}
		return answer, err
	}
	if req.Key != "" {
		b, err := json.Marshal(answer)
		if err == nil {
			err = db.Submissions().KeepAnswer(ctx, key, digest, b, now)
		}
		if err != nil {
			return answer, fault.Wrap("app.Once", err)
		}
	}
	return answer, nil
}

func requestDigest(req OnceRequest) (string, error) {
	b, err := json.Marshal(req.Request)
	if err != nil {
		return "", fault.Wrap("app.Once", err)
	}
	sum := sha256.Sum256(append([]byte(string(req.Type)+"\x00"), b...))
	return hex.EncodeToString(sum[:]), nil
}
