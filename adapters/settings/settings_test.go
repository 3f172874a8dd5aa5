package settings

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plastinka/predictor/domain/fault"
)

func load(t *testing.T, flags, env map[string]string, dotenv, file string) (*Settings, error) {
	t.Helper()
	dir := t.TempDir()
	if dotenv != "" {
		require.NoError(t, os.WriteFile(filepath.Join(dir, ".env"), []byte(dotenv), 0o600))
	}
	if file != "" {
		path := filepath.Join(dir, "settings.yaml")
		require.NoError(t, os.WriteFile(path, []byte(file), 0o600))
		if env == nil {
			env = map[string]string{}
		}
		env["CONFIG_FILE_PATH"] = path
	}
	return Load(Sources{Flags: flags, Getenv: func(name string) string { return env[name] }, Dir: dir})
}

func source(t *testing.T, s *Settings, name string) (value, from string) {
	t.Helper()
	for _, v := range s.Values {
		if v.Name == name {
			return v.Value, filepath.Base(v.Source)
		}
	}
	t.Fatalf("no value %s", name)
	return "", ""
}

func TestDefaultsAreUsable(t *testing.T) {
	s, err := load(t, nil, nil, "", "")
	require.NoError(t, err)
	require.Equal(t, int64(200<<20), s.MaxUploadSize)
	require.Equal(t, int64(2<<30), s.MaxUnpackedSize)
	require.Equal(t, 300*time.Second, s.Refractory)
	require.Equal(t, "Europe/Moscow", s.Zone.String())
	require.True(t, s.Loopback())
	require.True(t, filepath.IsAbs(s.DataRoot))
	sunday := s.Retention.Schedule(time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC))
	require.Equal(t, time.Sunday, sunday.Weekday())
	require.Equal(t, 3, sunday.Hour())
}

func TestTheFirstSourceWins(t *testing.T) {
	flags := map[string]string{"API_PORT": "1"}
	env := map[string]string{"API_PORT": "2", "MAX_ROWS": "200"}
	s, err := load(t, flags, env, "API_PORT=3\nMAX_ROWS=300\nMAX_FILES=30\nPATH=/bin\n", "API_PORT: 4\nMAX_FILES: 40\nMAX_COLUMNS: 50\nAPI_ALLOWED_ORIGINS: [https://a.example, https://b.example]\n")
	require.NoError(t, err)
	for name, want := range map[string][2]string{"API_PORT": {"1", "flag"}, "MAX_ROWS": {"200", "environment"},
		"MAX_FILES": {"30", ".env"}, "MAX_COLUMNS": {"50", "settings.yaml"}, "ENGINE": {"tide", "default"}} {
		value, from := source(t, s, name)
		require.Equal(t, want, [2]string{value, from}, name)
	}
	require.Equal(t, []string{"https://a.example", "https://b.example"}, s.AllowedOrigins)
}

// TestFilesSayThingsAsPeopleWriteThem: days without quotes, lists, maps, and
// names that are left empty.
func TestFilesSayThingsAsPeopleWriteThem(t *testing.T) {
	s, err := load(t, nil, nil, "API_PORT=\nMAX_ROWS=\nYC_OAUTH_TOKEN=\nAPI_X_API_KEY=\n", `
PLASTINKA_TODAY: 2026-01-05
JOB_REFRACTORY_SECONDS_MAP: {training: 600, data_upload: 0}
API_ALLOWED_ORIGINS:
  - https://a.example
  - https://b.example
PRICE_CATEGORY_BINS: [0, 500, 1500.5]
FILL_MISSING_DAYS: no
API_PORT: 8001
TIME_ZONE:
`)
	require.NoError(t, err)
	require.Equal(t, "2026-01-05", s.Today.String())
	require.Equal(t, map[string]time.Duration{"training": 600 * time.Second, "data_upload": 0}, s.RefractoryByType)
	require.Equal(t, []string{"https://a.example", "https://b.example"}, s.AllowedOrigins)
	require.Equal(t, "0,500,1500.5", *s.PriceBins)
	require.False(t, s.FillMissingDays)
	require.Equal(t, 8001, s.Port)
	require.Equal(t, "Europe/Moscow", s.Zone.String())
	require.Empty(t, s.Warnings)

	_, err = load(t, nil, nil, "", "NO_SUCH_NAME:\nPLASTINKA_TODAY: 2026-01-05T10:00:00Z\n")
	require.ErrorContains(t, err, "NO_SUCH_NAME")
	require.ErrorContains(t, err, "PLASTINKA_TODAY")
}

func TestAllProblemsAreReportedAtOnce(t *testing.T) {
	env := map[string]string{"API_PORT": "70000", "TIME_ZONE": "Mars/Base", "API_X_API_KEY": "raw-secret", "API_X_API_KEY_HASH": "not-a-hash"}
	_, err := load(t, nil, env, "", "NO_SUCH_NAME: 1\nENGINE: magic\n")
	require.Equal(t, "invalid_settings", fault.CodeOf(err))
	for _, part := range []string{"API_PORT (environment)", "Mars/Base", "plastinka keys", "NO_SUCH_NAME", "tide, baseline", "API_X_API_KEY_HASH"} {
		require.ErrorContains(t, err, part)
	}
	require.NotContains(t, err.Error(), "raw-secret")
	require.NotContains(t, err.Error(), "not-a-hash")
}

func TestOldNamesAreReadWithAWarning(t *testing.T) {
	env := map[string]string{"METRIC_THESH_FOR_HEALTH_CHECK": "1.5", "DATASPHERE_MAX_POLLS": "3", "DATASPHERE_OAUTH_TOKEN": "y0_secret"}
	s, err := load(t, nil, env, "", "")
	require.NoError(t, err)
	require.Equal(t, 1.5, s.MetricThreshold)
	require.Equal(t, "y0_secret", s.DataSphere.OAuthToken)
	require.Len(t, s.Warnings, 3)
	value, _ := source(t, s, "YC_OAUTH_TOKEN")
	require.Equal(t, "********", value)
}

func TestHashesSurviveTheDotenvFile(t *testing.T) {
	hash := "$2a$10$abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ01234"
	require.Len(t, hash, 60)
	s, err := load(t, nil, nil, "API_X_API_KEY_HASH='"+hash+"'\n", "")
	require.NoError(t, err)
	require.Equal(t, hash, s.APIKeyHash)
}

func TestEverySettingRefusesNonsense(t *testing.T) {
	for _, row := range Table() {
		s := &Settings{}
		require.NoError(t, row.set(s, row.Default), row.Name)
	}
	for name, value := range map[string]string{"MAX_UPLOAD_SIZE": "9999999999999 GiB", "FILL_MISSING_DAYS": "perhaps", "API_ALLOWED_ORIGINS": "shop",
		"RETENTION_CLEANUP_SCHEDULE": "every day", "JOB_REFRACTORY_SECONDS_MAP": "training", "PLASTINKA_TODAY": "1.1.2024", "METRIC_THRESH_FOR_HEALTH_CHECK": "NaN"} {
		_, err := load(t, map[string]string{name: value}, nil, "", "")
		require.ErrorContains(t, err, name)
	}
}
