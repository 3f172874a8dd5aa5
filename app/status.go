package app

import (
	"context"

	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/job"
	"github.com/plastinka/predictor/domain/ledger"
)

// Status is where an installation stands, and what to do next.
type Status struct {
	Months         []ledger.StoredMonth `json:"months"`
	MissingMonths  []calendar.Month     `json:"missing_months"`
	Products       int                  `json:"products"`
	ActiveModel    string               `json:"active_model"`
	ActiveConfig   string               `json:"active_config"`
	ForecastMonths []calendar.Month     `json:"forecast_months"`
	Jobs           []job.Job            `json:"unfinished_jobs"`
	Advice         []string             `json:"advice"`
}

// Status looks at what is stored.
func (a *App) Status(ctx context.Context) (Status, error) {
	s := Status{Months: []ledger.StoredMonth{}, MissingMonths: []calendar.Month{}, Jobs: []job.Job{}, Advice: []string{}, ForecastMonths: []calendar.Month{}}
	months, err := a.DB.Facts().Months(ctx)
	if err != nil {
		return s, fault.Wrap("app.Status", err)
	}
	s.Months = append(s.Months, months...)
	s.MissingMonths = append(s.MissingMonths, ledger.Missing(months)...)
	if _, s.Products, err = a.DB.Catalog().Search(ctx, "", 0, 1); err != nil {
		return s, fault.Wrap("app.Status", err)
	}
	forecasts, err := a.DB.Forecasts().Months(ctx)
	if err != nil {
		return s, fault.Wrap("app.Status", err)
	}
	s.ForecastMonths = append(s.ForecastMonths, forecasts...)
	if m, err := a.DB.Models().Active(ctx); err == nil {
		s.ActiveModel = m.ID
	} else if fault.KindOf(err) != fault.NotFound {
		return s, fault.Wrap("app.Status", err)
	}
	if c, err := a.DB.Configs().Active(ctx); err == nil {
		s.ActiveConfig = c.ID
	} else if fault.KindOf(err) != fault.NotFound {
		return s, fault.Wrap("app.Status", err)
	}
	for _, status := range []job.Status{job.Running, job.Pending} {
		jobs, _, err := a.DB.Jobs().Jobs(ctx, job.Query{Status: status})
		if err != nil {
			return s, fault.Wrap("app.Status", err)
		}
		s.Jobs = append(s.Jobs, jobs...)
	}
	s.Advice = append(s.Advice, s.advice()...)
	return s, nil
}

// advice is what to do next, in its order.
func (s Status) advice() (list []string) {
	if len(s.Months) == 0 {
		return []string{"Nothing is stored yet: plastinka upload --stock FILE --sales FILE…"}
	}
	if len(s.MissingMonths) > 0 {
		list = append(list, ledger.MissingMessage(s.MissingMonths))
	}
	last := s.Months[len(s.Months)-1]
	if len(s.ForecastMonths) == 0 || s.ForecastMonths[len(s.ForecastMonths)-1] <= last.Month && last.Complete() {
		if len(s.MissingMonths) == 0 {
			list = append(list, "There is no forecast for the month after the last one: plastinka train")
		}
	} else if len(list) == 0 {
		list = append(list, "Read the forecast: plastinka report --out report.html")
	}
	return list
}

// The states of a component.
const (
	Healthy   = "healthy"
	Degraded  = "degraded"
	Unhealthy = "unhealthy"
)

// Component is the state of one part of the installation.
type Component struct {
	Status  string
	Details map[string]any
}

// Health looks at the database, the configuration and the active model. The
// model is degraded if its metric is beyond the threshold.
func (a *App) Health(ctx context.Context, threshold float64) map[string]Component {
	return map[string]Component{
		"database":            a.databaseHealth(ctx),
		"config":              a.configHealth(ctx),
		"active_model_metric": a.modelHealth(ctx, threshold),
	}
}

func (a *App) databaseHealth(ctx context.Context) Component {
	months, err := a.DB.Facts().Months(ctx)
	if err != nil {
		return Component{Unhealthy, map[string]any{"error": err.Error()}}
	}
	if missing := ledger.Missing(months); len(missing) > 0 {
		return Component{Unhealthy, map[string]any{"missing_months": missing, "message": ledger.MissingMessage(missing)}}
	}
	return Component{Healthy, map[string]any{"months": len(months)}}
}

func (a *App) configHealth(ctx context.Context) Component {
	c, err := a.DB.Configs().Active(ctx)
	switch {
	case fault.KindOf(err) == fault.NotFound:
		return Component{Healthy, map[string]any{"active": nil, "message": "no configuration is active; trainings use the best one, or the default"}}
	case err != nil:
		return Component{Unhealthy, map[string]any{"error": err.Error()}}
	}
	return Component{Healthy, map[string]any{"active": c.ID}}
}

func (a *App) modelHealth(ctx context.Context, threshold float64) Component {
	m, err := a.DB.Models().Active(ctx)
	switch {
	case fault.KindOf(err) == fault.NotFound:
		return Component{Degraded, map[string]any{"message": "no model is active; train one"}}
	case err != nil:
		return Component{Unhealthy, map[string]any{"error": err.Error()}}
	}
	metric := a.Models.Metric
	v, ok := modelMetrics(m)[metric.Name]
	details := map[string]any{"model_id": m.ID, "metric": metric.Name, "value": nil, "threshold": threshold}
	if !ok {
		return Component{Degraded, details}
	}
	details["value"] = v
	if metric.better(threshold, v) {
		return Component{Degraded, details}
	}
	return Component{Healthy, details}
}
