package app

import (
	"context"
	"encoding/json"
	"math"
	"slices"

	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/job"
	"github.com/plastinka/predictor/domain/training"
	"github.com/plastinka/predictor/ports"
)

// Metric is what models and configurations are ranked by.
type Metric struct {
	Name   string // e.g. val_MIWS_MIC_Ratio
	Higher bool   // is better
}

// better reports whether a is better than b; a number that is none never is.
func (m Metric) better(a, b float64) bool {
	if math.IsNaN(a) || math.IsInf(a, 0) {
		return false
	}
	if math.IsNaN(b) || math.IsInf(b, 0) {
		return true
	}
	if m.Higher {
		return a > b
	}
	return a < b
}

// Configs is the registry of training configurations.
type Configs struct {
	DB     ports.Database
	Clock  ports.Clock
	Metric Metric
}

// Put checks a configuration and keeps it; its id is the hash of its canonical
// JSON, so that the same one twice is one row.
func (c *Configs) Put(ctx context.Context, text []byte, active bool, source string) (ports.StoredConfig, []training.Warning, error) {
	parsed, warnings, err := training.ParseConfig(text)
	if err != nil {
		return ports.StoredConfig{}, nil, err
	}
	stored, err := c.keep(ctx, parsed, active, source)
	return stored, warnings, err
}

func (c *Configs) keep(ctx context.Context, config training.Config, active bool, source string) (ports.StoredConfig, error) {
	canonical, err := config.Canonical()
	if err != nil {
		return ports.StoredConfig{}, err
	}
	id, err := config.ID()
	if err != nil {
		return ports.StoredConfig{}, err
	}
	now := c.Clock.Now()
	err = c.DB.Atomically(ctx, func(s ports.Stores) error {
		if err := s.Configs().Put(ctx, ports.StoredConfig{ID: id, Config: canonical, CreatedAt: now, Source: source}); err != nil {
			return err
		}
		if active {
			return s.Configs().SetActive(ctx, id, now)
		}
		return nil
	})
	if err != nil {
		return ports.StoredConfig{}, fault.Wrap("app.Configs", err)
	}
	return c.DB.Configs().Config(ctx, id)
}

// Choose is the configuration that a training without one uses: the active one,
// else the best one known, else the standard default, which is then kept.
func (c *Configs) Choose(ctx context.Context) (stored ports.StoredConfig, active bool, err error) {
	stored, err = c.DB.Configs().Active(ctx)
	if err == nil {
		return stored, true, nil
	}
	if fault.KindOf(err) != fault.NotFound {
		return stored, false, err
	}
	stored, err = c.Best(ctx, c.Metric)
	if err == nil {
		return stored, false, nil
	}
	if fault.KindOf(err) != fault.NotFound {
		return stored, false, err
	}
	stored, err = c.keep(ctx, training.DefaultStandard(), false, "default")
	return stored, false, err
}

// Best is the configuration with the best metric in any training or tuning.
func (c *Configs) Best(ctx context.Context, m Metric) (ports.StoredConfig, error) {
	ids, err := c.ranking(ctx, m)
	if err != nil {
		return ports.StoredConfig{}, err
	}
	for _, id := range ids {
		stored, err := c.DB.Configs().Config(ctx, id)
		if fault.KindOf(err) == fault.NotFound {
			continue // deleted since
		}
		return stored, err
	}
	return ports.StoredConfig{}, fault.New(fault.NotFound, "no_configs_found",
		"no configuration has a result with the metric %q yet; train one first", m.Name)
}

// ranking are the ids of the configurations with the metric in any training or
// tuning, best first.
func (c *Configs) ranking(ctx context.Context, m Metric) ([]string, error) {
	best := map[string]float64{}
	var ids []string
	for _, kind := range []job.Type{job.Training, job.Tuning} {
		results, err := c.DB.Results().Results(ctx, kind, 0)
		if err != nil {
			return nil, fault.Wrap("app.ranking", err)
		}
		for _, r := range results {
			v, ok := r.Metrics[m.Name]
			if !ok || r.ConfigID == "" || math.IsNaN(v) || math.IsInf(v, 0) {
				continue
			}
			known, seen := best[r.ConfigID]
			if !seen {
				ids = append(ids, r.ConfigID)
			}
			if !seen || m.better(v, known) {
				best[r.ConfigID] = v
			}
		}
	}
	slices.SortStableFunc(ids, func(a, b string) int {
		switch {
		case m.better(best[a], best[b]):
			return -1
		case m.better(best[b], best[a]):
			return 1
		}
		return 0
	})
	return ids, nil
}

// Deletion says what became of each of several things to be deleted.
type Deletion struct {
	Successful []string `json:"successful"`
	Failed     []string `json:"failed"`
	Errors     []string `json:"errors"` // "id: reason"
}

// deleteEach removes the ids one by one; one that cannot go does not keep the
// others.
func deleteEach(ids []string, remove func(id string) error) (Deletion, error) {
	d := Deletion{Successful: []string{}, Failed: []string{}, Errors: []string{}}
	if len(ids) == 0 {
		return d, fault.New(fault.Invalid, "no_ids_provided", "give at least one id to delete")
	}
	for _, id := range ids {
		err := remove(id)
		if err == nil {
			d.Successful = append(d.Successful, id)
			continue
		}
		if k := fault.KindOf(err); k != fault.NotFound && k != fault.Conflict {
			return d, err
		}
		d.Failed = append(d.Failed, id)
		d.Errors = append(d.Errors, id+": "+err.Error())
	}
	return d, nil
}

// Delete removes configurations; the active one and those of unfinished jobs
// stay.
func (c *Configs) Delete(ctx context.Context, ids []string) (Deletion, error) {
	return deleteEach(ids, func(id string) error {
		if err := inUse(ctx, c.DB, "config_id", id); err != nil {
			return err
		}
		return c.DB.Configs().Remove(ctx, id)
	})
}

// inUse is a Conflict if an unfinished job's input names the id in member.
func inUse(ctx context.Context, db ports.Database, member, id string) error {
	for _, status := range []job.Status{job.Pending, job.Running} {
		jobs, _, err := db.Jobs().Jobs(ctx, job.Query{Status: status})
		if err != nil {
			return err
		}
		for _, j := range jobs {
			var input map[string]json.RawMessage
			var named string
			if json.Unmarshal(j.Input, &input) == nil && json.Unmarshal(input[member], &named) == nil && named == id {
				return fault.New(fault.Conflict, "conflict", "in use by the unfinished job %s", j.ID)
			}
		}
	}
	return nil
}

// SetActive makes a configuration the one that trainings use.
func (c *Configs) SetActive(ctx context.Context, id string) error {
	if _, err := c.DB.Configs().Config(ctx, id); err != nil {
		return err
	}
	return fault.Wrap("app.SetActive", c.DB.Configs().SetActive(ctx, id, c.Clock.Now()))
}
