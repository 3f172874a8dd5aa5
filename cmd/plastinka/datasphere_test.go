package main

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// emulated starts the emulator as a process of its own and returns the
// settings that lead to it.
func emulated(t *testing.T, args ...string) (env []string) {
	t.Helper()
	ready := filepath.Join(t.TempDir(), "ready")
	ctx, stop := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, binary(t), append([]string{"datasphere-emulator", "--ready", ready, "--project", "shop"}, args...)...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { stop(); _ = cmd.Wait() })
	var addresses []string
	require.Eventually(t, func() bool {
		text, err := os.ReadFile(ready)
		addresses = strings.Fields(string(text))
		return err == nil
	}, 20*time.Second, 5*time.Millisecond)
	require.Len(t, addresses, 2)
	grpc := addresses[0]
	return []string{"DATASPHERE_PROJECT_ID=shop", "DATASPHERE_PLAINTEXT=true", "DATASPHERE_ENDPOINT=" + grpc, "DATASPHERE_OPERATION_ENDPOINT=" + grpc,
		"DATASPHERE_IAM_ENDPOINT=" + grpc, "DATASPHERE_POLL_INTERVAL=1", "YC_METADATA_ADDR=" + addresses[1]}
}

// TestDemoInTheCloud: the same forecasts, byte for byte, wherever the training
// ran, though calls fail and answers are lost on the way.
func TestDemoInTheCloud(t *testing.T) {
	env := emulated(t, "--fault", "Create:1=lost", "--fault", "Execute:2=lost", "--fault", "GET:1=corrupt", "--token-life", "3s")
	cloud, here := newBox(t, env...), newBox(t)
	forecasts := func(b *box, compute string) string {
		b.must("demo", "--products", "40", "--months", "20", "--compute", compute, "--dir", filepath.Join(b.dir, "demo"), "--data-root", b.root, "--quiet")
		rows := b.exported("forecasts")
		require.NotEmpty(t, rows)
		var text strings.Builder
		for _, r := range rows {
			delete(r, "model_id") // it has the time in it
			for _, name := range []string{"multiindex_id", "prediction_month", "quantile_05", "quantile_25", "quantile_50", "quantile_75", "quantile_95", "mean", "size", "method"} {
				text.WriteString(r[name] + ",")
			}
			text.WriteString("\n")
		}
		return text.String()
	}
	require.Equal(t, forecasts(here, "local"), forecasts(cloud, "datasphere"))
}

// TestDoctorLooksAtDataSphere by calls that cost nothing, and says what is
// missing.
func TestDoctorLooksAtDataSphere(t *testing.T) {
	env := emulated(t)
	type check struct{ Name, Status, Message, Advice string }
	look := func(b *box, code int) map[string]check {
		o := b.run("doctor", "--datasphere", "--json")
		require.Equal(t, code, o.code, o.out+o.err)
		by := map[string]check{}
		var checks []check
		require.NoError(t, json.Unmarshal([]byte(o.out), &checks))
		for _, c := range checks {
			by[c.Name] = c
		}
		return by
	}
	by := look(newBox(t, env...), 0)
	for _, name := range []string{"compute", "program", "credentials", "project", "folder", "jobs", "role", "quota"} {
		require.Equal(t, "ok", by[name].Status, name)
	}
	by = look(newBox(t, append(env, "DATASPHERE_PROJECT_ID=other")...), 1)
	require.Contains(t, by["project"].Advice, "DATASPHERE_PROJECT_ID")
	by = look(newBox(t, append(env, "DATASPHERE_PROJECT_ID=")...), 1)
	require.Contains(t, by["compute"].Message, "DATASPHERE_PROJECT_ID")
}

// TestImportTerraform: outputs become settings; other lines of the file stay.
func TestImportTerraform(t *testing.T) {
	b := newBox(t)
	outputs := filepath.Join(b.dir, "outputs.json")
	require.NoError(t, os.WriteFile(outputs, []byte(`{
		"datasphere_project_id": {"sensitive": false, "type": "string", "value": "bt1abc"},
		"folder_id": {"sensitive": false, "type": "string", "value": "b1gxyz"},
		"datasphere_instance_types": {"sensitive": false, "type": ["list", "string"], "value": ["c1.8", "c1.4"]},
		"service_account_id": {"sensitive": false, "type": "string", "value": "ajeaccount"},
		"service_account_key_id": {"sensitive": false, "type": "string", "value": "ajekey"},
		"service_account_key_secret_id": {"sensitive": false, "type": "string", "value": "e6qsecret"}}`), 0o600))
	want := "DATASPHERE_FOLDER_ID=b1gxyz\nDATASPHERE_INSTANCE_TYPES=c1.8,c1.4\nDATASPHERE_PROJECT_ID=bt1abc\n"
	o := b.run("config", "import-terraform", outputs)
	require.Zero(t, o.code, o.err)
	require.Equal(t, want, o.out)
	require.Contains(t, o.err, "yc lockbox payload get --id e6qsecret")
	require.Contains(t, o.err, `id: "ajekey", service_account_id: "ajeaccount"`)

	dotenv := filepath.Join(b.dir, ".env")
	require.NoError(t, os.WriteFile(dotenv, []byte("API_PORT=9000\nDATASPHERE_PROJECT_ID=old\n# a remark\n"), 0o600))
	b.must("config", "import-terraform", outputs, "--out", dotenv)
	text, err := os.ReadFile(dotenv)
	require.NoError(t, err)
	require.Equal(t, "API_PORT=9000\n# a remark\n"+want, string(text))
	info, err := os.Stat(dotenv)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	require.Contains(t, b.must("config"), "bt1abc")

	for _, bad := range []string{"", "[]", "{}", `{"datasphere_project_id": {"value": "a\nAPI_PORT=1"}}`, `{"datasphere_project_id": {"value": 3}}`} {
		require.NoError(t, os.WriteFile(outputs, []byte(bad), 0o600))
		require.Equal(t, "invalid_input", b.failure(2, "config", "import-terraform", outputs).Code, bad)
	}
}
