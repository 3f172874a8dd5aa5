package app

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/job"
	"github.com/plastinka/predictor/domain/panel"
	"github.com/plastinka/predictor/domain/training"
	"github.com/plastinka/predictor/domain/tuning"
	"github.com/plastinka/predictor/ports"
)

// tuneState is what is durable of a search beside its trials: all that decides
// how it goes on and could be different in another process.
type tuneState struct {
	Seeds   []training.Config `json:"seeds"`
	First   calendar.Month    `json:"first"`
	Months  int               `json:"months"` // from First on: later uploads do not change a search
	Origins int               `json:"origins"`
	Wave    int               `json:"wave"`
	Tasks   int               `json:"tasks"`
	Spent   float64           `json:"spent"` // seconds
}

// place is where a score belongs.
type place struct{ rung, id int }

// tuningRun is a tuning job in work.
type tuningRun struct {
	*Tuning
	run    *JobRun
	input  tuneInput
	state  tuneState
	search *tuning.Search
	rungs  []int                       // epochs
	trials map[place]ports.StoredTrial // judged
	panel  *panel.Panel
	begun  time.Time
	before float64 // seconds spent by earlier attempts
}

// begin takes a job up where it was left, or makes its plan.
func (t *Tuning) begin(ctx context.Context, run *JobRun) (*tuningRun, error) {
	s := &tuningRun{Tuning: t, run: run, trials: map[place]ports.StoredTrial{}, begun: t.Training.Clock.Now()}
	if err := run.Input(&s.input); err != nil {
		return nil, err
	}
	var kept remoteJob
	if err := run.State(&kept); err != nil {
		return nil, err
	}
	if len(kept.Own) > 0 {
		if err := json.Unmarshal(kept.Own, &s.state); err != nil {
			return nil, fault.New(fault.Internal, "internal_error", "the search's stored state cannot be read: %v", err)
		}
	} else if err := s.prepare(ctx); err != nil {
		return nil, err
	}
	s.before = s.state.Spent
	plan, err := s.plan()
	if err != nil {
		return nil, err
	}
	s.search, s.rungs = tuning.New(plan), plan.Rungs
	stored, err := t.Training.DB.Results().Trials(ctx, run.Job.ID)
	for _, trial := range stored {
		s.trials[place{trial.Rung, trial.Trial.ID}] = trial
	}
	return s, fault.Wrap("app.Tuning", err)
}

// prepare decides how the search goes.
func (s *tuningRun) prepare(ctx context.Context) error {
	p, err := LoadPanel(ctx, s.Training.DB, s.input.From, s.input.To, s.Training.FillMissingDays)
	if err != nil {
		return err
	}
	s.panel = p
	s.state = tuneState{First: p.First, Months: p.T, Origins: origins(p.T),
		Wave: s.Options.wave(s.input.Samples), Tasks: max(1, s.Options.Tasks)}
	ids, err := s.Training.Configs.ranking(ctx, Metric{Name: relative})
	if err != nil {
		return err
	}
	for _, id := range ids {
		if len(s.state.Seeds) == s.Options.Seeds {
			break
		}
		stored, err := s.Training.DB.Configs().Config(ctx, id)
		if fault.KindOf(err) == fault.NotFound {
			continue
		}
		if err != nil {
			return fault.Wrap("app.Tuning", err)
		}
		if c, _, err := training.ParseConfig(stored.Config); err == nil {
			s.state.Seeds = append(s.state.Seeds, c)
		}
	}
	return s.keep(ctx)
}

// keep makes the search's state durable.
func (s *tuningRun) keep(ctx context.Context) error {
	var kept remoteJob
	if err := s.run.State(&kept); err != nil {
		return err
	}
	s.state.Spent = s.spent()
	own, err := json.Marshal(s.state)
	if err != nil {
		return fault.Wrap("app.Tuning", err)
	}
	kept.Own = own
	return s.run.Keep(ctx, kept)
}

// spent is how long the search has been going, seconds; left what is left of its
// budget.
func (s *tuningRun) spent() float64 {
	return s.before + s.Training.Clock.Now().Sub(s.begun).Seconds()
}

func (s *tuningRun) left() float64 { return s.input.Budget - s.spent() }

// known reports whether all trials of a wave have been judged.
func (s *tuningRun) known(wave []tuning.Assignment) bool {
	for _, a := range wave {
		if _, ok := s.trials[place{a.Rung, a.Trial.ID}]; !ok {
			return false
		}
	}
	return true
}

// scores are those of a judged wave.
func (s *tuningRun) scores(wave []tuning.Assignment) []tuning.Score {
	scores := make([]tuning.Score, len(wave))
	for i, a := range wave {
		scores[i] = tuning.Score{Rung: a.Rung, ID: a.Trial.ID, Value: scoreOf(s.trials[place{a.Rung, a.Trial.ID}])}
	}
	return scores
}

// scoreOf is a trial's score: not a number if it failed, or if there was nothing
// to judge it by.
func scoreOf(t ports.StoredTrial) float64 {
	if v, ok := t.Score.Metrics[relative]; ok && t.Score.Error == "" {
		return v
	}
	return math.NaN()
}

// judge lets tasks judge a wave. Which trials are in which task depends on the
// wave alone, so that a task of another attempt is found again.
func (s *tuningRun) judge(ctx context.Context, number int, wave []tuning.Assignment) error {
	if err := s.keep(ctx); err != nil {
		return err
	}
	size := (len(wave) + s.state.Tasks - 1) / s.state.Tasks
	var tasks []remoteTask
	for k := 0; k*size < len(wave); k++ {
		part := wave[k*size : min((k+1)*size, len(wave))]
		if s.known(part) {
			continue
		}
		tasks = append(tasks, remoteTask{id: fmt.Sprintf("%s-%d", s.run.Job.ID, number*s.state.Tasks+k+1),
			prepare: func(ctx context.Context) (*training.Task, error) { return s.task(ctx, part) },
			collect: func(ctx context.Context, r *training.Result) error { return s.store(ctx, part, r) }})
	}
	return s.Training.remote().runAll(ctx, s.run, tasks, s.state.Tasks, func(percent float64, message string) (float64, string) {
		return max(1, min(98, s.progress(len(wave), percent))), s.message(message)
	})
}

// progress is how far the search is when a wave of n trials is so far, both in
// percent.
func (s *tuningRun) progress(n int, percent float64) float64 {
	total, share := 0.0, float64(s.input.Samples)
	for range s.rungs {
		total += share
		share /= tuning.Reduction
	}
	byTrials := 100 * (float64(len(s.trials)) + percent/100*float64(n)) / total
	return max(byTrials, 100*s.spent()/s.input.Budget)
}

// task is the task of judging a part of a wave.
func (s *tuningRun) task(ctx context.Context, part []tuning.Assignment) (*training.Task, error) {
	if s.panel == nil {
		last := s.state.First + calendar.Month(s.state.Months-1)
		p, err := LoadPanel(ctx, s.Training.DB, &s.state.First, &last, s.Training.FillMissingDays)
		if err != nil {
			return nil, err
		}
		s.panel = p
	}
	t := &training.Task{SchemaVersion: 1, Kind: training.Trials, Engine: s.Engine, Panel: s.panel, Horizon: 1,
		Origins: s.state.Origins, Seed: s.input.Seed, Limit: max(1, s.left())}
	for _, a := range part {
		t.Trials = append(t.Trials, a.Trial)
	}
	return t, nil
}

// store keeps the trials that a task has judged, all or none.
func (s *tuningRun) store(ctx context.Context, part []tuning.Assignment, r *training.Result) error {
	var judged []ports.StoredTrial
	for _, a := range part {
		for _, score := range r.Scores {
			if score.ID == a.Trial.ID {
				judged = append(judged, ports.StoredTrial{JobID: s.run.Job.ID, Rung: a.Rung, Trial: a.Trial, Score: score})
			}
		}
	}
	err := s.Training.DB.Atomically(ctx, func(db ports.Stores) error {
		for _, t := range judged {
			if err := db.Results().AddTrial(ctx, t); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fault.Wrap("app.Tuning", err)
	}
	for _, t := range judged {
		s.trials[place{t.Rung, t.Trial.ID}] = t
	}
	return nil
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
