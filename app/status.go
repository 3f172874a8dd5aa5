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
