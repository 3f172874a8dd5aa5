package app_test

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plastinka/predictor/adapters/files"
	"github.com/plastinka/predictor/adapters/sqlite"
	"github.com/plastinka/predictor/app"
	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/catalog"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/forecast"
	"github.com/plastinka/predictor/domain/job"
	"github.com/plastinka/predictor/domain/ledger"
	"github.com/plastinka/predictor/domain/panel"
	"github.com/plastinka/predictor/ports"
)

// shed is a data root with old things in it: two products over 30 months, from
// January 2022 to June 2024, with a forecast for each month and the one after.
type shed struct {
	*app.Retention
	store *files.Store
	root  string
}

func newShed(t *testing.T) *shed {
	t.Helper()
	ctx := t.Context()
	db, err := sqlite.OpenMemory(ctx)
	require.NoError(t, err)
	root := t.TempDir()
	store, err := files.Open(ctx, root)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, errors.Join(db.Close(), store.Close())) })
	ids, err := db.Catalog().AddProducts(ctx, []catalog.Product{{Album: "a"}, {Album: "b"}})
	require.NoError(t, err)
	first := calendar.MonthOf(2022, 1)
	for m := first; m < first+31; m++ {
		for _, id := range ids {
			require.NoError(t, db.Forecasts().Put(ctx, []forecast.Forecast{{Product: id, Month: m, ModelID: "m"}}))
		}
		if m == first+30 {
			break
		}
		c := ports.MonthContent{Month: ledger.StoredMonth{Month: m, Digest: "d", RunID: "r", DaysObserved: m.Days(), Rows: 2}}
		for _, id := range ids {
			c.Sales = append(c.Sales, ledger.Fact{Product: id, Day: m.First() + 3, Value: 1})
			c.Movements = append(c.Movements, ledger.Fact{Product: id, Day: m.First() + 3, Value: -1}, ledger.Fact{Product: id, Day: m.First() + 5, Value: 1})
			c.Features = append(c.Features, panel.Feature{Month: m, Product: id, Sales: 1, Availability: 1})
		}
		c.Openings = []ledger.Holding{{Product: ids[0], Value: 2}}
		require.NoError(t, db.Facts().PutMonth(ctx, c))
	}
	now := time.Date(2024, time.July, 10, 3, 0, 0, 0, time.UTC)
	return &shed{&app.Retention{DB: db, Clock: &uploadClock{now}, Artifacts: store, Log: slog.New(slog.DiscardHandler),
		Policy: app.RetentionPolicy{ForecastDays: 365, ModelsToKeep: 2, InactiveDays: 90, BackupDays: 30}}, store, root}
}

func (s *shed) months(t *testing.T) (list []calendar.Month) {
	t.Helper()
	stored, err := s.DB.Facts().Months(t.Context())
	require.NoError(t, err)
	for _, m := range stored {
		list = append(list, m.Month)
	}
	return list
}

func days(n int) *int { return &n }

// TestRetentionOfFacts: whole months from the oldest on, the longer wish of the
// two, and never what the lookback needs.
func TestRetentionOfFacts(t *testing.T) {
	for name, c := range map[string]struct {
		sales, stock *int
		gone         int
		kept         bool
	}{
		"all are kept":                     {nil, nil, 0, false},
		"one of the two keeps all":         {days(30), nil, 0, false},
		"older than a thousand days":       {days(1000), days(1000), 0, false},
		"the first month ended 891 days":   {days(891), days(891), 0, false},
		"and is one day too old":           {days(890), days(890), 1, false},
		"the longer wish counts":           {days(30), days(890), 1, false},
		"half a month is no month":         {days(870), days(870), 1, false},
		"not those that are needed (12+4)": {days(0), days(0), 14, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShed(t)
			tried, err := s.CleanFacts(t.Context(), c.sales, c.stock, true)
			require.NoError(t, err)
			require.Len(t, s.months(t), 30, "a dry run changes nothing")
			removed, err := s.CleanFacts(t.Context(), c.sales, c.stock, false)
			require.NoError(t, err)
			require.Equal(t, tried, removed, "a dry run says what will be")
			require.Len(t, removed.Months, c.gone)
			require.Equal(t, c.gone*2, removed.Sales)
			require.Equal(t, c.gone*4, removed.Movement)
			require.Equal(t, c.gone, removed.Stock)
			require.Equal(t, c.kept, removed.Kept != "")
			left := s.months(t)
			require.Len(t, left, 30-c.gone)
			require.Equal(t, calendar.MonthOf(2022, 1)+calendar.Month(c.gone), left[0], "from the oldest on")
			stored, err := s.DB.Facts().Months(t.Context())
			require.NoError(t, err)
			require.Empty(t, ledger.Missing(stored), "no gap")
			features := 0
			for _, err := range s.DB.Facts().Features(t.Context(), 0, calendar.MonthOf(3000, 1)) {
				require.NoError(t, err)
				features++
			}
			require.Equal(t, 60, features, "the monthly features stay")
		})
	}
}

// TestRetentionKeepsTheActiveConfigurationsLookback: a longer one keeps more.
func TestRetentionKeepsTheActiveConfigurationsLookback(t *testing.T) {
	s := newShed(t)
	configs := &app.Configs{DB: s.DB, Clock: s.Clock}
	_, _, err := configs.Put(t.Context(), []byte(`{"lags": 24, "validation_months": 2}`), true, "test")
	require.NoError(t, err)
	removed, err := s.CleanFacts(t.Context(), days(0), days(0), false)
	require.NoError(t, err)
	require.Len(t, removed.Months, 30-(24+2+1))
}

func TestRetentionWaitsForJobs(t *testing.T) {
	s := newShed(t)
	j := job.Job{ID: "busy", Type: job.Training, Status: job.Pending, Input: []byte("{}")}
	require.NoError(t, s.DB.Jobs().Create(t.Context(), j))
	removed, err := s.CleanFacts(t.Context(), days(0), days(0), false)
	require.NoError(t, err)
	require.Empty(t, removed.Months)
	require.Contains(t, removed.Kept, "busy")
	require.Len(t, s.months(t), 30)
}

func TestRetentionOfForecasts(t *testing.T) {
	for _, c := range []struct {
		days  int
		first calendar.Month // that stays
	}{
		{36500, calendar.MonthOf(2022, 1)}, {365, calendar.MonthOf(2023, 7)}, {10, calendar.MonthOf(2024, 6)}, {9, calendar.MonthOf(2024, 7)}, {0, calendar.MonthOf(2024, 7)},
	} {
		s := newShed(t)
		gone := 2 * int(c.first-calendar.MonthOf(2022, 1))
		for _, dryRun := range []bool{true, false} {
			n, err := s.CleanForecasts(t.Context(), c.days, dryRun)
			require.NoError(t, err)
			require.Equal(t, gone, n)
		}
		left, err := s.DB.Forecasts().Months(t.Context())
		require.NoError(t, err)
		require.Equal(t, c.first, left[0], "%d days", c.days)
	}
	s := newShed(t)
	s.Clock = &uploadClock{time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)}
	_, err := s.CleanForecasts(t.Context(), 0, false)
	require.NoError(t, err)
	left, err := s.DB.Forecasts().Months(t.Context())
	require.NoError(t, err)
	require.Equal(t, []calendar.Month{calendar.MonthOf(2024, 7)}, left, "the newest month stays, however old")
}

// model adds a model of an age in days, with a file.
func (s *shed) model(t *testing.T, id string, age int, active bool) {
	t.Helper()
	name := id + ".onnx"
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte("model"), 0o600))
	require.NoError(t, s.store.Adopt(path, ports.ModelFiles, name))
	require.NoError(t, s.DB.Models().Add(t.Context(), ports.StoredModel{ID: id, Path: "models/" + name, JobID: "j", Active: active,
		CreatedAt: s.Clock.Now().Add(-time.Duration(age) * 24 * time.Hour)}))
}

func (s *shed) files(t *testing.T, place ports.Place) (names []string) {
	t.Helper()
	list, err := s.store.List(place)
	require.NoError(t, err)
	for _, f := range list {
		names = append(names, f.Name)
	}
	return names
}

func TestRetentionOfModels(t *testing.T) {
	for name, c := range map[string]struct {
		keep, inactive int
		gone           []string
	}{
		"the newest two":               {2, 1000, []string{"c", "d"}},
		"younger than ninety days":     {10, 90, []string{"d"}},
		"both":                         {1, 90, []string{"b", "c", "d"}},
		"nothing that is not too much": {10, 1000, []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShed(t)
			for i, id := range []string{"d", "active", "c", "b", "a"} { // in the order of their making
				s.model(t, id, []int{200, 100, 50, 20, 10}[i], id == "active")
			}
			s.model(t, "busy", 150, false)
			require.NoError(t, s.DB.Jobs().Create(t.Context(), job.Job{ID: "j", Type: job.Prediction, Status: job.Pending, Input: []byte(`{"model_id": "busy"}`)}))
			tried, err := s.CleanModels(t.Context(), c.keep, c.inactive, true)
			require.NoError(t, err)
			require.Len(t, s.files(t, ports.ModelFiles), 6)
			gone, err := s.CleanModels(t.Context(), c.keep, c.inactive, false)
			require.NoError(t, err)
			require.Equal(t, c.gone, gone)
			require.Equal(t, tried, gone)
			require.Len(t, s.files(t, ports.ModelFiles), 6-len(gone))
			for _, id := range gone {
				m, err := s.DB.Models().Model(t.Context(), id)
				require.NoError(t, err, "the row stays")
				require.Empty(t, m.Path)
				_, err = (&app.Models{DB: s.DB, Artifacts: s.store}).File(t.Context(), id)
				require.Equal(t, fault.NotFound, fault.KindOf(err))
			}
			again, err := s.CleanModels(t.Context(), c.keep, c.inactive, false)
			require.NoError(t, err)
			require.Empty(t, again)
		})
	}
}

// TestRetentionSweepsFilesWithoutARow: what a death between file and row left.
func TestRetentionSweepsFilesWithoutARow(t *testing.T) {
	s := newShed(t)
	s.model(t, "a", 1, true)
	for name, age := range map[string]time.Duration{"old.onnx": 48 * time.Hour, "young.onnx": time.Hour} {
		path := filepath.Join(s.root, "models", name)
		require.NoError(t, os.WriteFile(path, []byte("x"), 0o600))
		at := s.Clock.Now().Add(-age)
		require.NoError(t, os.Chtimes(path, at, at))
	}
	_, err := s.CleanModels(t.Context(), 5, 90, false)
	require.NoError(t, err)
	require.Equal(t, []string{"a.onnx", "young.onnx"}, s.files(t, ports.ModelFiles))
}

func TestRetentionOfBackups(t *testing.T) {
	s := newShed(t)
	for i, age := range []int{100, 31, 30, 29, 1} {
		path := filepath.Join(s.root, "backups", fmt.Sprintf("b%d.db", i))
		require.NoError(t, os.WriteFile(path, []byte("x"), 0o600))
		at := s.Clock.Now().Add(-time.Duration(age) * 24 * time.Hour)
		require.NoError(t, os.Chtimes(path, at, at))
	}
	gone, err := s.PruneBackups(t.Context(), 30, true)
	require.NoError(t, err)
	require.Equal(t, []string{"b1.db", "b0.db"}, gone)
	require.Len(t, s.files(t, ports.Backups), 5)
	_, err = s.PruneBackups(t.Context(), 30, false)
	require.NoError(t, err)
	require.Equal(t, []string{"b2.db", "b3.db", "b4.db"}, s.files(t, ports.Backups))
	gone, err = s.PruneBackups(t.Context(), 0, false)
	require.NoError(t, err)
	require.Equal(t, []string{"b3.db", "b2.db"}, gone, "the newest stays")
}

// TestRetentionDoesWhatThePolicyWants: all parts at once.
func TestRetentionDoesWhatThePolicyWants(t *testing.T) {
	s := newShed(t)
	s.Policy.SalesDays, s.Policy.StockDays = days(700), days(800)
	for i := range 4 {
		s.model(t, fmt.Sprint("m", i), 10-i, i == 0)
	}
	tried, err := s.Clean(t.Context(), true)
	require.NoError(t, err)
	done, err := s.Clean(t.Context(), false)
	require.NoError(t, err)
	tried.DryRun = false
	require.Equal(t, tried, done)
	require.Len(t, done.Facts.Months, 4)
	require.Equal(t, 36, done.Forecasts)
	require.Equal(t, []string{"m1"}, done.Models)
}
