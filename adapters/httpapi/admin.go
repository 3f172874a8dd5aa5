package httpapi

import (
	"context"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/plastinka/predictor/app"
)

// Cleaned is what a clean-up answers.
type Cleaned struct {
	Status  string `json:"status" example:"success"`
	Message string `json:"message"`
	DryRun  bool   `json:"dry_run"`
}

// DryRunQuery is whether a clean-up is only tried.
type DryRunQuery struct {
	DryRun LenientBool `query:"dry_run" doc:"only say what would be removed"`
}

type predictionsCleanInput struct {
	DryRunQuery
	Days optional[int] `query:"days_to_keep" minimum:"0" maximum:"36500" doc:"as configured if absent"`
}

type historicalCleanInput struct {
	DryRunQuery
	Sales optional[int] `query:"sales_days_to_keep" minimum:"0" maximum:"36500" doc:"as configured if both are absent, else as the other"`
	Stock optional[int] `query:"stock_days_to_keep" minimum:"0" maximum:"36500" doc:"as configured if both are absent, else as the other"`
}

type modelsCleanInput struct {
	DryRunQuery
	Keep optional[int] `query:"models_to_keep" minimum:"1" maximum:"1000" doc:"as configured if absent"`
	Days optional[int] `query:"inactive_days_to_keep" minimum:"0" maximum:"36500" doc:"as configured if absent"`
}

// RemovedFacts are the daily facts of whole months.
type RemovedFacts struct {
	Sales    int `json:"sales"`
	Stock    int `json:"stock" doc:"of the months' opening stocks"`
	Movement int `json:"stock_movement"`
	Prices   int `json:"prices" doc:"always 0: prices are among the monthly features, which stay"`
	Total    int `json:"total"`
}

func removedFacts(f app.RemovedFacts) RemovedFacts {
	return RemovedFacts{Sales: f.Sales, Stock: f.Stock, Movement: f.Movement, Total: f.Sales + f.Stock + f.Movement}
}

// CleanedPredictions is the answer of clean-predictions.
type CleanedPredictions struct {
	Cleaned
	Records int `json:"records_removed"`
	Days    int `json:"days_to_keep"`
}

// CleanedHistory is the answer of clean-historical.
type CleanedHistory struct {
	Cleaned
	Records RemovedFacts `json:"records_removed"`
	Months  []string     `json:"months_removed" doc:"YYYY-MM-01, ascending"`
	Sales   *int         `json:"sales_days_to_keep" doc:"null: all are kept"`
	Stock   *int         `json:"stock_days_to_keep" doc:"null: all are kept"`
}

// CleanedModels is the answer of clean-models.
type CleanedModels struct {
	Cleaned
	Models []string `json:"models_removed" doc:"whose files went; their rows stay"`
	Count  int      `json:"models_removed_count"`
	Keep   int      `json:"models_to_keep"`
	Days   int      `json:"inactive_days_to_keep"`
}

// CleanedAll is the answer of the whole clean-up.
type CleanedAll struct {
	Cleaned
	Records int      `json:"records_removed" doc:"daily facts and forecasts"`
	Models  []string `json:"models_removed"`
	Count   int      `json:"models_removed_count"`
	Details struct {
		Facts       RemovedFacts `json:"historical"`
		Predictions int          `json:"predictions"`
		Backups     []string     `json:"backups"`
	} `json:"details"`
}

// BackupMade is the answer of a backup.
type BackupMade struct {
	Status  string   `json:"status" example:"success"`
	Message string   `json:"message"`
	Path    string   `json:"path" doc:"relative to the data root"`
	Size    int64    `json:"size_bytes"`
	Pruned  []string `json:"backups_removed"`
}

func (s *Service) registerAdmin() {
	clean := func(id, path, summary string) huma.Operation {
		return admin(huma.Operation{OperationID: id, Method: http.MethodPost, Path: "/admin/data-retention/" + path, Tags: []string{"admin"}, Summary: summary,
			Description: "What is in use stays: the active model, the newest forecasts, the months that the configured lookback needs, and all months while a job is not finished.",
			Errors:      []int{http.StatusUnprocessableEntity}, DefaultStatus: http.StatusOK})
	}
	huma.Register(s.api, clean("clean-all", "cleanup", "Remove what the settings do not keep"), s.cleanAll)
	huma.Register(s.api, clean("clean-predictions", "clean-predictions", "Remove old forecasts"), s.cleanPredictions)
	huma.Register(s.api, clean("clean-historical", "clean-historical", "Remove the daily facts of old months"), s.cleanHistorical)
	huma.Register(s.api, clean("clean-models", "clean-models", "Remove the files of old models"), s.cleanModels)
	huma.Register(s.api, admin(huma.Operation{OperationID: "backup", Method: http.MethodPost, Path: "/admin/backup", Tags: []string{"admin"},
		Summary: "Make a consistent copy of the database in the data root, and remove old ones", DefaultStatus: http.StatusOK}), s.backup)
}

// cleaned begins the answer of a clean-up.
func cleaned(dryRun bool, format string, args ...any) Cleaned {
	verb := "removed "
	if dryRun {
		verb = "would remove "
	}
	return Cleaned{Status: "success", Message: verb + fmt.Sprintf(format, args...), DryRun: dryRun}
}

func (s *Service) cleanAll(ctx context.Context, in *DryRunQuery) (*Body[CleanedAll], error) {
	dryRun := in.DryRun.Or(false)
	c, err := s.app.Retain.Clean(ctx, dryRun)
	facts := removedFacts(c.Facts)
	a := CleanedAll{Cleaned: cleaned(dryRun, "%d daily facts, %d forecasts, %d model files, %d backups", facts.Total, c.Forecasts, len(c.Models), len(c.Backups)),
		Records: facts.Total + c.Forecasts, Models: c.Models, Count: len(c.Models)}
	a.Details.Facts, a.Details.Predictions, a.Details.Backups = facts, c.Forecasts, c.Backups
	a.Message = because(a.Message, c.Facts.Kept)
	return answer(a, err)
}

func because(message, kept string) string {
	if kept == "" {
		return message
	}
	return message + "; " + kept
}

func (s *Service) cleanPredictions(ctx context.Context, in *predictionsCleanInput) (*Body[CleanedPredictions], error) {
	dryRun, days := in.DryRun.Or(false), in.Days.or(s.app.Retain.Policy.ForecastDays)
	n, err := s.app.Retain.CleanForecasts(ctx, days, dryRun)
	return answer(CleanedPredictions{Cleaned: cleaned(dryRun, "%d forecasts", n), Records: n, Days: days}, err)
}

func (s *Service) cleanHistorical(ctx context.Context, in *historicalCleanInput) (*Body[CleanedHistory], error) {
	dryRun := in.DryRun.Or(false)
	sales, stock := s.app.Retain.Policy.SalesDays, s.app.Retain.Policy.StockDays
	if in.Sales.IsSet || in.Stock.IsSet {
		sales, stock = new(in.Sales.or(in.Stock.Value)), new(in.Stock.or(in.Sales.Value))
	}
	f, err := s.app.Retain.CleanFacts(ctx, sales, stock, dryRun)
	a := CleanedHistory{Records: removedFacts(f), Months: []string{}, Sales: sales, Stock: stock}
	for _, m := range f.Months {
		a.Months = append(a.Months, m.String())
	}
	a.Cleaned = cleaned(dryRun, "%d daily facts of %d months", a.Records.Total, len(a.Months))
	a.Message = because(a.Message, f.Kept)
	return answer(a, err)
}

func (s *Service) cleanModels(ctx context.Context, in *modelsCleanInput) (*Body[CleanedModels], error) {
	p := s.app.Retain.Policy
	dryRun, keep, days := in.DryRun.Or(false), in.Keep.or(p.ModelsToKeep), in.Days.or(p.InactiveDays)
	gone, err := s.app.Retain.CleanModels(ctx, keep, days, dryRun)
	return answer(CleanedModels{Cleaned: cleaned(dryRun, "the files of %d models", len(gone)), Models: gone, Count: len(gone), Keep: keep, Days: days}, err)
}

func (s *Service) backup(ctx context.Context, _ *struct{}) (*Body[BackupMade], error) {
	made, err := s.app.MakeBackup(ctx)
	if err != nil {
		return nil, problem(err)
	}
	pruned, err := s.app.Retain.PruneBackups(ctx, s.app.Retain.Policy.BackupDays, false)
	return answer(BackupMade{Status: "success", Message: "the database was copied", Path: "backups/" + made.Name, Size: made.Size, Pruned: pruned}, err)
}
