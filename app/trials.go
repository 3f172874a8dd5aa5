package app

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/training"
	"github.com/plastinka/predictor/ports"
)

// trials judges configurations: each is fitted once before the last months,
// which it forecasts one after the other. As many are judged at once as there
// are cores for; their scores do not depend on that. Those that are not done
// when the task's time is over are left out of the answer.
func (t *Tasks) trials(ctx context.Context, task *training.Task, engine ports.Engine, progress func(training.Progress)) (*training.Result, error) {
	limited, stop := ctx, context.CancelFunc(func() {})
	if task.Limit > 0 {
		limited, stop = context.WithTimeout(ctx, time.Duration(task.Limit*float64(time.Second)))
	}
	defer stop()
	cores := t.Threads
	if cores <= 0 {
		cores = runtime.GOMAXPROCS(0)
	}
	atOnce := max(1, min(cores, len(task.Trials)))
	scores, done := make([]training.TrialScore, len(task.Trials)), make([]bool, len(task.Trials))
	tell := tally(progress, len(task.Trials))
	next := make(chan int)
	var wg sync.WaitGroup
	for range atOnce {
		wg.Go(func() {
			for i := range next {
				scores[i], done[i] = t.judge(limited, task, engine, task.Trials[i], cores/atOnce, func(q training.Progress) { tell(i, q.Fraction) })
			}
		})
	}
	for i := range task.Trials {
		next <- i
	}
	close(next)
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return nil, fault.Wrap("app.trials", err)
	}
	result := &training.Result{Metrics: map[string]float64{}}
	for i, s := range scores {
		if done[i] {
			result.Scores = append(result.Scores, s)
		}
	}
	return result, nil
}

// tally joins the progress of trials that are judged at once.
func tally(progress func(training.Progress), n int) func(trial int, fraction float64) {
	var mu sync.Mutex
	fractions := make([]float64, n)
	return func(trial int, fraction float64) {
		mu.Lock()
		defer mu.Unlock()
		fractions[trial] = max(fractions[trial], fraction)
		var sum float64
		ended := 0
		for _, f := range fractions {
			sum += f
			if f >= 1 {
				ended++
			}
		}
		progress(training.Progress{Fraction: sum / float64(n), Message: fmt.Sprintf("%d of %d trials judged", ended, n)})
	}
}

// judge is a trial's score, or the reason why it has none; ok is false if ctx
// ended before it was known.
func (t *Tasks) judge(ctx context.Context, task *training.Task, engine ports.Engine, trial training.Trial, threads int, progress func(training.Progress)) (score training.TrialScore, ok bool) {
	if ctx.Err() != nil {
		return score, false
	}
	begin := t.Clock.Now()
	score, err := t.trial(ctx, task, engine, trial, threads, within(progress, 0, 0.99))
	if err != nil {
		if ctx.Err() != nil {
			return score, false
		}
		score.Error = err.Error()
	}
	score.Seconds = t.Clock.Now().Sub(begin).Seconds()
	progress(training.Progress{Fraction: 1})
	return score, true
}

// trial is one configuration's score on the last Origins months.
func (t *Tasks) trial(ctx context.Context, task *training.Task, engine ports.Engine, trial training.Trial, threads int, progress func(training.Progress)) (training.TrialScore, error) {
	score := training.TrialScore{ID: trial.ID, Metrics: map[string]float64{}}
	if err := trial.Config.Validate(); err != nil {
		return score, err
	}
	f := t.settings(task)
	f.Config, f.Epochs, f.Threads = trial.Config, trial.Epochs, threads
	if f.Validation = task.Origins; f.Validation == 0 {
		f.Validation = trial.Config.ValidationMonths
	}
	f.Validation = max(f.Validation, f.Horizon)
	if reason := tooShort(task.Panel, f); reason != "" {
		return score, fault.New(fault.Invalid, "not_enough_history", "%s", reason)
	}
	parts, report, err := fitAll(ctx, task.Panel, f, []member{{engineName(engine), engine}}, progress)
	if err != nil {
		return score, err
	}
	v, err := validate(ctx, task.Panel, f, parts)
	if err != nil {
		return score, err
	}
	v.report(score.Metrics, "val_", []float64{1})
	put(score.Metrics, "val_loss", report.ValLoss)
	put(score.Metrics, "train_loss", report.TrainLoss)
	put(score.Metrics, "best_epoch", float64(report.BestEpoch))
	score.Pinball, score.Relative = score.Metrics["val_pinball"], score.Metrics["val_relative_pinball"]
	return score, nil
}
