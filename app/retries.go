package app

import (
	"cmp"
	"context"
	"slices"

	"github.com/plastinka/predictor/domain/fault"
)

// RetryStatistics is how often operations had to be tried again.
type RetryStatistics struct {
	Total           int                       `json:"total_retries"`          // further attempts in all
	Successful      int                       `json:"successful_retries"`     // operations that were tried again and then succeeded
	Exhausted       int                       `json:"exhausted_retries"`      // operations that never succeeded
	AfterRetry      int                       `json:"successful_after_retry"` // the same as successful_retries; the Python service had both
	HighFailure     []string                  `json:"high_failure_operations"`
	Operations      map[string]RetryOperation `json:"operation_stats"`
	ExceptionCounts map[string]int            `json:"exception_stats"` // by kind of error
}

// RetryOperation is one operation's.
type RetryOperation struct {
	Retries   int `json:"retries"`
	Succeeded int `json:"successful"`
	Exhausted int `json:"exhausted"`
}

// highFailures is from how many failures on an operation is named.
const highFailures = 3

// Retries adds up the counted retries.
func (a *App) Retries(ctx context.Context) (RetryStatistics, error) {
	s := RetryStatistics{HighFailure: []string{}, Operations: map[string]RetryOperation{}, ExceptionCounts: map[string]int{}}
	events, err := a.DB.Results().Retries(ctx)
	if err != nil {
		return s, fault.Wrap("app.Retries", err)
	}
	for _, e := range events {
		o := s.Operations[e.Operation]
		o.Retries += e.Attempts
		s.Total += e.Attempts
		if e.Succeeded {
			o.Succeeded++
			s.Successful++
			s.AfterRetry++
		} else {
			o.Exhausted++
			s.Exhausted++
		}
		s.Operations[e.Operation] = o
		s.ExceptionCounts[e.Error]++
	}
	for name, o := range s.Operations {
		if o.Exhausted >= highFailures && o.Exhausted > o.Succeeded {
			s.HighFailure = append(s.HighFailure, name)
		}
	}
	slices.SortFunc(s.HighFailure, func(a, b string) int {
		return cmp.Or(cmp.Compare(s.Operations[b].Exhausted, s.Operations[a].Exhausted), cmp.Compare(a, b))
	})
	return s, nil
}

// ResetRetries forgets the counted retries.
func (a *App) ResetRetries(ctx context.Context) error {
	return fault.Wrap("app.ResetRetries", a.DB.Results().ResetRetries(ctx))
}
