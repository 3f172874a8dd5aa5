package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestBackupAndRestore: what was there at the backup is there again, the other
// database is kept, and nobody else may be at it.
func TestBackupAndRestore(t *testing.T) {
	t.Parallel()
	b := newBox(t, "ENGINE=baseline")
	b.must(uploadOf(t, b.shop("shop", "--products", "20", "--months", "4", "--format", "csv"))...)
	var made struct{ Path string }
	b.result(&made, "backup")
	b.must("train")
	require.Len(t, b.models(), 1)

	service := b.start("serve", "--port", "0")
	service.until("listens on")
	require.Equal(t, "service_runs", b.failure(2, "restore", made.Path).Code)
	require.NoError(t, service.cmd.Process.Kill())
	_ = service.cmd.Wait() // it was killed
	require.Equal(t, "file_not_found", b.failure(2, "restore", filepath.Join(b.dir, "none.db")).Code)
	text := filepath.Join(b.dir, "text.db")
	require.NoError(t, os.WriteFile(text, []byte("this is no database"), 0o600))
	require.NotZero(t, b.run("restore", text).code)
	require.Len(t, b.models(), 1, "what was refused changed nothing")

	var restored struct {
		Old string `json:"old_database"`
	}
	b.result(&restored, "restore", made.Path)
	require.Empty(t, b.models())
	require.NotEmpty(t, b.exported("monthly"))
	b.result(&restored, "restore", restored.Old) // and back
	require.Len(t, b.models(), 1)
}

// TestRetain: a dry run says what the run does.
func TestRetain(t *testing.T) {
	t.Parallel()
	b := newBox(t, "ENGINE=baseline", "RETENTION_SALES_RETENTION_DAYS=400", "RETENTION_STOCK_RETENTION_DAYS=400")
	b.must(uploadOf(t, b.shop("shop", "--products", "20", "--months", "24", "--format", "csv"))...)
	var tried, done struct {
		DryRun bool `json:"dry_run"`
		Facts  struct {
			Months []string
			Sales  int
		}
	}
	b.result(&tried, "retain", "--dry-run")
	require.True(t, tried.DryRun)
	require.Equal(t, []string{"2024-01-01", "2024-02-01", "2024-03-01", "2024-04-01", "2024-05-01", "2024-06-01", "2024-07-01", "2024-08-01"}, tried.Facts.Months,
		"of twenty-four months sixteen are needed")
	require.Positive(t, tried.Facts.Sales)
	b.result(&done, "retain")
	require.False(t, done.DryRun)
	require.Equal(t, tried.Facts, done.Facts)
	require.Contains(t, b.must("retain"), "0 months")
	b.must("train")
}

func TestOpenAPICommand(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	committed, err := os.ReadFile(filepath.Join("..", "..", "adapters", "httpapi", "openapi.yaml"))
	require.NoError(t, err)
	rest := func(s string) string { _, after, _ := strings.Cut(s, "\npaths:"); return after }
	require.Equal(t, rest(string(committed)), rest(b.must("openapi")))
	for _, version := range []string{"3.1", "3.0"} {
		var v struct{ OpenAPI string }
		require.NoError(t, json.Unmarshal([]byte(b.must("openapi", "--format", "json", "--version", version)), &v))
		require.True(t, strings.HasPrefix(v.OpenAPI, version))
		require.Contains(t, b.must("openapi", "--version", version), "openapi: "+version)
	}
	require.Equal(t, "wrong_usage", b.failure(2, "openapi", "--version", "2.0").Code)
	require.Equal(t, "wrong_usage", b.failure(2, "openapi", "--format", "xml").Code)
	require.NoDirExists(t, b.root, "it needs no data root")
}

// TestRollback: the configuration and the model that were active before.
func TestRollback(t *testing.T) {
	t.Parallel()
	b := newBox(t, "ENGINE=baseline")
	file := filepath.Join(b.dir, "config.json")
	var ids []string
	for _, lags := range []string{"6", "9"} {
		require.NoError(t, os.WriteFile(file, []byte(`{"lags": `+lags+`}`), 0o600))
		var stored struct {
			ID string `json:"config_id"`
		}
		b.result(&stored, "configs", "add", file, "--activate")
		ids = append(ids, stored.ID)
	}
	var history []struct{ ID string }
	for i := range 3 {
		b.must("configs", "rollback")
		b.result(&history, "configs", "history", "--limit", "1")
		require.Equal(t, ids[i%2], history[0].ID)
	}
	require.Equal(t, "no_models_found", b.failure(2, "models", "rollback").Code)
	b.result(&history, "models", "history")
	require.Empty(t, history)
}
