package app

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/fault"
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
