package app

import (
	"context"
	"encoding/json"
	"maps"
	"slices"

	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/job"
)

// JobLog is what a job has said.
type JobLog struct {
	Events []job.Event // every change and step of progress, oldest first
	// Lines are what the job's tasks print, while they run; of a failed one, the
	// end of it.
	Lines []string
}

// maxLines is how many lines of a task's log are shown, the last ones.
const maxLines = 1000

// JobLog is what the job has said so far.
func (t *Training) JobLog(ctx context.Context, id string) (log JobLog, err error) {
	j, err := t.DB.Jobs().Job(ctx, id)
	if err != nil {
		return log, err
	}
	if log.Events, err = t.DB.Jobs().History(ctx, id, 0); err != nil {
		return log, fault.Wrap("app.JobLog", err)
	}
	log.Lines = []string{}
	if j.Error != nil {
		if lines, ok := j.Error.Details["log"].([]any); ok {
			for _, line := range lines {
				if text, ok := line.(string); ok {
					log.Lines = append(log.Lines, text)
				}
			}
		}
	}
	var state remoteJob
	if j.Status.Ended() || json.Unmarshal(j.State, &state) != nil {
		return log, nil
	}
	for _, task := range slices.Sorted(maps.Keys(state.Tasks)) {
		run := state.Tasks[task].RunID
		if run == "" {
			continue
		}
		lines, _, err := t.Compute.Logs(ctx, run, "")
		if err != nil { // a backend that cannot be asked now, or a run that has just gone
			continue
		}
		log.Lines = append(log.Lines, lines...)
	}
	log.Lines = log.Lines[max(0, len(log.Lines)-maxLines):]
	return log, nil
}
