package app

import (
	"context"
	"slices"
	"strings"

	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/job"
	"github.com/plastinka/predictor/ports"
)

// TuningResults are the tuning results, best first by the metric, those without
// it last; equal ones newest first. limit 0 is all. A metric that no result
// has, and that no training could give, is Invalid.
func (a *App) TuningResults(ctx context.Context, metric Metric, limit int) ([]ports.StoredResult, error) {
	results, err := a.DB.Results().Results(ctx, job.Tuning, 0)
	if err != nil {
		return nil, fault.Wrap("app.TuningResults", err)
	}
	has := func(r ports.StoredResult) bool { _, ok := r.Metrics[metric.Name]; return ok }
	if !slices.ContainsFunc(results, has) && metric.Name != a.Configs.Metric.Name && !knownMetric(metric.Name) {
		return nil, fault.New(fault.Invalid, "validation_error", "there is no metric %.100q; try val_MIWS_MIC_Ratio or val_relative_pinball", metric.Name).
			With("parameter", "metric_name")
	}
	slices.SortStableFunc(results, func(x, y ports.StoredResult) int {
		mine, ok := x.Metrics[metric.Name]
		theirs, known := y.Metrics[metric.Name]
		switch {
		case ok && (!known || metric.better(mine, theirs)):
			return -1
		case known && (!ok || metric.better(theirs, mine)):
			return 1
		}
		return 0
	})
	if limit > 0 && len(results) > limit {
		results = results[:limit]
	}
	return results, nil
}

// knownMetric reports whether a training may give the metric (§2.4).
func knownMetric(name string) bool {
	base, ok := strings.CutPrefix(name, "val_")
	if !ok {
		base, ok = strings.CutPrefix(name, "train_")
	}
	return ok && slices.Contains([]string{"loss", "MIWS", "MIC", "MIWS_MIC_Ratio", "pinball", "relative_pinball", "wql", "coverage_50", "coverage_90",
		"wape", "bias", "wape_median", "bias_median", "rmsse", "scaled_pinball", "mase", "shrunk_histogram_pinball",
		"ensemble_pinball", "ensemble_relative_pinball"}, base)
}
