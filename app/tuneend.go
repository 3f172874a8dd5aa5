package app

import (
	"context"
	"encoding/json"
	"math"
	"time"

	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/job"
	"github.com/plastinka/predictor/domain/training"
	"github.com/plastinka/predictor/domain/tuning"
	"github.com/plastinka/predictor/ports"
)

// TuneResult is the result of a tuning job.
type TuneResult struct {
	Mode     string        `json:"mode"`
	Best     []TunedConfig `json:"best"` // best first
	Trials   int           `json:"trials"`
	Failed   int           `json:"failed"`
	Ended    string        `json:"ended"` // samples: all were tried; time_budget: there was no more time
	Duration float64       `json:"duration"`
	// Yardstick is the relative pinball loss of the configuration that the search
	// started from, as far as Best[0] got; 0 if it failed.
	Yardstick float64            `json:"start_relative_pinball"`
	StartID   string             `json:"start_config_id"`
	ActiveID  string             `json:"activated_config_id,omitempty"` // made active by this job
	Warnings  []training.Warning `json:"warnings"`
}

// TunedConfig is one configuration that a tuning found.
type TunedConfig struct {
	ConfigID string             `json:"config_id"`
	ResultID string             `json:"result_id"`
	TrialID  int                `json:"trial_id"`
	Epochs   int                `json:"epochs"` // that its score was reached with, at most
	Relative float64            `json:"relative_pinball"`
	Metrics  map[string]float64 `json:"metrics"`
	Config   training.Config    `json:"config"`
}

// finish stores the best configurations, activates the best if it is better
// than the active one, and ends the job, in one transaction.
func (s *tuningRun) finish(ctx context.Context, ended string) (any, error) {
	best := s.search.Best(max(1, s.Options.Keep))
	if len(best) == 0 {
		return nil, s.nothing()
	}
	// Nothing is to be run any more; what is left of tasks goes.
	if err := s.Training.remote().runAll(ctx, s.run, nil, 1, nil); err != nil {
		return nil, err
	}
	now := s.Training.Clock.Now()
	result := TuneResult{Mode: s.input.Mode, Trials: len(s.trials), Ended: ended, Duration: s.spent(), StartID: s.input.ConfigID, Warnings: []training.Warning{}}
	for _, t := range s.trials {
		if math.IsNaN(scoreOf(t)) {
			result.Failed++
		}
	}
	if start, ok := s.trials[place{best[0].Rung, 0}]; ok && !math.IsNaN(scoreOf(start)) {
		result.Yardstick = scoreOf(start)
	}
	err := s.Training.DB.Atomically(ctx, func(db ports.Stores) (err error) {
		result.Best = nil
		for rank, b := range best {
			found, err := s.found(ctx, db, b, rank+1, now)
			if err != nil {
				return err
			}
			result.Best = append(result.Best, found)
		}
		if result.ActiveID, err = s.activate(ctx, db, result, now); err != nil {
			return err
		}
		return complete(ctx, db, s.run, result)
	})
	if err != nil {
		return nil, fault.Wrap("app.Tuning", err)
	}
	return Done{}, nil
}

// found keeps a configuration that the search found, with its metrics.
func (s *tuningRun) found(ctx context.Context, db ports.Stores, b tuning.Standing, rank int, now time.Time) (TunedConfig, error) {
	trial := s.trials[place{b.Rung, b.ID}]
	out := TunedConfig{ResultID: newID(), TrialID: b.ID, Epochs: trial.Trial.Epochs, Relative: b.Score, Metrics: trial.Score.Metrics, Config: b.Config}
	text, err := b.Config.Canonical()
	if err != nil {
		return out, err
	}
	if out.ConfigID, err = b.Config.ID(); err != nil {
		return out, err
	}
	if err := db.Configs().Put(ctx, ports.StoredConfig{ID: out.ConfigID, Config: text, CreatedAt: now, Source: "tuning"}); err != nil {
		return out, err
	}
	body, err := json.Marshal(struct {
		Rank     int     `json:"rank"`
		Mode     string  `json:"mode"`
		TrialID  int     `json:"trial_id"`
		Epochs   int     `json:"epochs"`
		Relative float64 `json:"relative_pinball"`
	}{rank, s.input.Mode, b.ID, out.Epochs, b.Score})
	if err != nil {
		return out, err
	}
	return out, db.Results().Add(ctx, ports.StoredResult{ID: out.ResultID, Kind: job.Tuning, JobID: s.run.Job.ID, ConfigID: out.ConfigID,
		Metrics: trial.Score.Metrics, Body: body, Duration: trial.Score.Seconds, CreatedAt: now})
}

// activate makes the best configuration active if there is none, or if it is
// better than the active one on the same months: the search began from that one,
// or it is left alone.
func (s *tuningRun) activate(ctx context.Context, db ports.Stores, r TuneResult, now time.Time) (string, error) {
	best := r.Best[0]
	active, err := db.Configs().Active(ctx)
	switch {
	case fault.KindOf(err) == fault.NotFound:
	case err != nil:
		return "", err
	case active.ID == best.ConfigID, active.ID != r.StartID, r.Yardstick > 0 && best.Relative >= r.Yardstick:
		return "", nil
	}
	if !s.Activate {
		return "", nil
	}
	return best.ConfigID, db.Configs().SetActive(ctx, best.ConfigID, now)
}

// nothing says why a search has found nothing.
func (s *tuningRun) nothing() error {
	for _, t := range s.trials {
		if t.Score.Error != "" {
			return fault.New(fault.Invalid, "tuning_failed", "all %d trials failed, one of them because: %s", len(s.trials), t.Score.Error)
		}
	}
	return fault.New(fault.Invalid, "tuning_failed",
		"no trial was judged within %.0f s: give the search more time, or more history to judge by", s.input.Budget)
}
