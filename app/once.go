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

// Repeat says how a submission may be one that was made before.
type Repeat struct {
	Key        string        // the client's idempotency key; "": none
	Refractory time.Duration // how long the same request is refused after one was accepted
}

// OnceRequest says under what a submission counts as the same.
type OnceRequest struct {
	Repeat
	Type    job.Type
	Request any // what was asked for: equal JSON is the same request
}

// Once makes a submission at most once: a repeated idempotency key gets the
// first answer, and the same request within the refractory period is refused
// (TooMany, job_refractory_active).
//
// prepare checks the request and returns the step that stores it. That step,
// the lock and the answer under the key are one transaction: of two equal
// requests at the same moment, also to two processes, one stores and the other
// finds its answer, and a submission that fails or dies leaves nothing.
func Once[T any](ctx context.Context, db ports.Database, clock ports.Clock, req OnceRequest,
	prepare func() (store func(ports.Stores) (T, error), err error)) (answer T, err error) {
	digest, err := requestDigest(req)
	if err != nil {
		return answer, err
	}
	o := once{req: req, key: string(req.Type) + ":" + req.Key, digest: digest, now: clock.Now()}
	if found, err := o.answered(ctx, db, &answer); found || err != nil {
		return answer, fault.Wrap("app.Once", err)
	}
	store, err := prepare()
	if err != nil {
		return answer, err
	}
	err = db.Atomically(ctx, func(s ports.Stores) error {
		var none T
		answer = none
		if found, err := o.answered(ctx, s, &answer); found || err != nil {
			return err
		}
		if err := o.lock(ctx, s); err != nil {
			return err
		}
		if answer, err = store(s); err != nil {
			return err
		}
		return o.keep(ctx, s, answer)
	})
	return answer, fault.Wrap("app.Once", err)
}

// once is one submission on its way.
type once struct {
	req         OnceRequest
	key, digest string
	now         time.Time
}

// answered finds the first answer under the idempotency key.
func (o once) answered(ctx context.Context, s ports.Stores, into any) (bool, error) {
	if o.req.Key == "" {
		return false, nil
	}
	first, kept, ok, err := s.Submissions().Answer(ctx, o.key)
	if err != nil || !ok {
		return false, err
	}
	if first != o.digest {
		return false, fault.New(fault.Invalid, "validation_error", "the idempotency key %.100q was used for another request; take a new one", o.req.Key).
			With("parameter", "Idempotency-Key")
	}
	return true, json.Unmarshal(kept, into)
}

func (o once) lock(ctx context.Context, s ports.Stores) error {
	if o.req.Refractory <= 0 {
		return nil
	}
	ok, free, err := s.Submissions().Lock(ctx, o.digest, o.now, o.now.Add(o.req.Refractory))
	if err != nil || ok {
		return err
	}
	wait := int((free.Sub(o.now) + time.Second - 1) / time.Second)
	return fault.New(fault.TooMany, "job_refractory_active",
		"the same request was accepted a moment ago; it can be repeated in %d s", wait).
		With("retry_after_seconds", wait).With("job_type", string(o.req.Type))
}

func (o once) keep(ctx context.Context, s ports.Stores, answer any) error {
	if o.req.Key == "" {
		return nil
	}
	b, err := json.Marshal(answer)
	if err != nil {
		return err
	}
	return s.Submissions().KeepAnswer(ctx, o.key, o.digest, b, o.now)
}

func requestDigest(req OnceRequest) (string, error) {
	b, err := json.Marshal(req.Request)
	if err != nil {
		return "", fault.Wrap("app.Once", err)
	}
	sum := sha256.Sum256(append([]byte(string(req.Type)+"\x00"), b...))
	return hex.EncodeToString(sum[:]), nil
}
