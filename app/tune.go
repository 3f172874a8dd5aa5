package app

import (
	"context"
	"fmt"
	"time"

	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/job"
	"github.com/plastinka/predictor/domain/training"
	"github.com/plastinka/predictor/domain/tuning"
	"github.com/plastinka/predictor/ports"
)

// Tuning is the use case of searching for a better configuration (§2.5). The
// search runs here, trial after trial kept as it is judged; trials are judged
// by tasks of the compute backend.
type Tuning struct {
	Training *Training // what a search starts from and where its trials run
	Engine   string    // whose configuration is searched
	Activate bool      // make a configuration active that is better than the active one
	Options  TuningOptions
}

// TuningOptions are how searches go that do not say.
type TuningOptions struct {
	Mode                     string // Lite or Full
	SamplesLite, SamplesFull int
	Keep                     int // best configurations stored
	Seeds                    int // stored configurations judged first, at most
	AtOnce                   int // trials judged at once by all tasks; 0: as many as Cores
	Cores                    int // of the machine that judges
	Tasks                    int // tasks at once
}

// The modes: Lite leaves nn_model_config as it is.
const (
	Lite = "lite"
	Full = "full"
)

// TuneRequest is what a tuning is asked to do.
type TuneRequest struct {
	TrainRequest
	Mode    string        // "": that of the settings; light is lite
	Budget  time.Duration // 0: an hour for lite, two for full
	Samples int           // 0: that of the settings
}

// tuneInput is all that a tuning job needs.
type tuneInput struct {
	trainInput
	Mode    string  `json:"mode"`
	Budget  float64 `json:"time_budget_s"`
	Samples int     `json:"num_samples"`
}

// maxBudget is the longest search, maxTrials the largest.
const (
	maxBudget = 7 * 24 * time.Hour
	maxTrials = 10000
)

// leastMonths is the shortest history that trials can be judged on.
const leastMonths = 9

// Submit accepts a tuning. join makes it answer with an unfinished job of the
// same request, if there is one.
func (t *Tuning) Submit(ctx context.Context, req TuneRequest, join bool) (s Submission, err error) {
	input, err := t.check(ctx, req)
	if err != nil {
		return s, err
	}
	s.ConfigID, s.Active = input.ConfigID, input.Active
	if join {
		if s.Job, s.Joined, err = Unfinished(ctx, t.Training.DB, job.Tuning, input); err != nil || s.Joined {
			return s, err
		}
	}
	s.Job, err = submit(ctx, t.Training.DB, t.Training.Clock, newID(), job.Tuning, input)
	return s, err
}

// SubmitOnce accepts a tuning for callers that may repeat themselves.
func (t *Tuning) SubmitOnce(ctx context.Context, req TuneRequest, r Repeat) (Accepted, error) {
	return Once(ctx, t.Training.DB, t.Training.Clock, OnceRequest{Type: job.Tuning, Request: req, Repeat: r}, func() (func(ports.Stores) (Accepted, error), error) {
		input, err := t.check(ctx, req)
		return func(s ports.Stores) (Accepted, error) {
			j, err := submit(ctx, s, t.Training.Clock, newID(), job.Tuning, input)
			return Accepted{JobID: j.ID, Status: j.Status}, err
		}, err
	})
}

// check makes a request the input of a job.
func (t *Tuning) check(ctx context.Context, req TuneRequest) (input tuneInput, err error) {
	req.Engine = t.Engine
	if input.trainInput, err = t.Training.input(ctx, job.Tuning, req.TrainRequest); err != nil {
		return input, err
	}
	months, err := trainingMonths(ctx, t.Training.DB, input.From, input.To)
	if err != nil {
		return input, err
	}
	if len(months) < leastMonths {
		return input, fault.New(fault.Conflict, "not_enough_history",
			"configurations are compared on at least %d months of history; there are %d: upload more, or train with the default", leastMonths, len(months))
	}
	refuse := func(format string, args ...any) error {
		return fault.New(fault.Invalid, "validation_error", format, args...)
	}
	input.Mode = req.Mode
	switch req.Mode {
	case "":
		input.Mode = t.Options.Mode
	case "light":
		input.Mode = Lite
	case Lite, Full:
	default:
		return input, refuse("the mode is %.40q, must be lite or full", req.Mode)
	}
	budget, samples := time.Hour, t.Options.SamplesLite
	if input.Mode == Full {
		budget, samples = 2*time.Hour, t.Options.SamplesFull
	}
	if req.Budget != 0 {
		budget = req.Budget
	}
	if req.Samples != 0 {
		samples = req.Samples
	}
	if budget <= 0 || budget > maxBudget {
		return input, refuse("the time budget is %s, must be between 0 and %s", budget, maxBudget)
	}
	if samples < 1 || samples > maxTrials {
		return input, refuse("a tuning has 1 to %d trials, not %d", maxTrials, samples)
	}
	input.Budget, input.Samples = budget.Seconds(), samples
	return input, nil
}

// Handle runs a tuning job.
func (t *Tuning) Handle(ctx context.Context, run *JobRun) (any, error) {
	s, err := t.begin(ctx, run)
	if err != nil {
		return nil, err
	}
	ended := ""
	for ended == "" {
		number, wave := s.search.Next()
		if len(wave) == 0 {
			ended = "samples"
			break
		}
		if !s.known(wave) && s.left() > 0 {
			if err := s.judge(ctx, number, wave); err != nil {
				return nil, err
			}
		}
		if !s.known(wave) {
			ended = "time_budget"
		}
		s.search.Judge(s.scores(wave))
	}
	return s.finish(ctx, ended)
}

// plan is the plan of a search as it was made when the job began.
func (s *tuningRun) plan() (tuning.Plan, error) {
	base, _, err := training.ParseConfig(s.input.Config)
	if err != nil {
		return tuning.Plan{}, err
	}
	scope := tuning.Scope{Network: s.input.Mode == Full, MaxLags: s.state.Months - s.state.Origins - 2}
	return tuning.Plan{Space: tuning.SpaceOf(base, scope), Base: base, Seeds: s.state.Seeds, Samples: s.input.Samples,
		Rungs: tuning.Rungs(base.Model.Epochs), Wave: s.state.Wave, Seed: s.input.Seed}, nil
}

// origins is how many of the last months trials are judged on: half a year,
// less where the history is short.
func origins(months int) int { return min(6, max(1, (months-6)/3)) }

// wave is how many trials are judged before the search looks at their scores:
// enough that no core waits for long, few enough that there is something to
// learn from.
func (o TuningOptions) wave(samples int) int {
	if o.AtOnce > 0 {
		return o.AtOnce
	}
	return max(1, min(2*max(o.Cores, 2), max(samples/5, 1)))
}

func (s *tuningRun) message(rest string) string {
	text := fmt.Sprintf("%d of %d configurations", s.search.Proposed(), s.input.Samples)
	if best := s.search.Best(1); len(best) > 0 {
		text += fmt.Sprintf(", best %.4f of the simple method's loss", best[0].Score)
	}
	if rest != "" {
		text += "; " + rest
	}
	return text
}
