package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// TestExitCodes: 0 done, 1 failed, 2 wrong usage or input (§7.2), and with
// --json exactly one JSON value on standard output, whatever happens.
func TestExitCodes(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	folder := filepath.Join(b.dir, "folder")
	require.NoError(t, os.MkdirAll(filepath.Join(folder, "x"), 0o700))
	for _, c := range []struct {
		args       string
		exit       int
		code, says string
	}{
		{args: "version"},
		{args: "status"},
		{args: "config"},
		{args: "config show"},
		{args: "doctor"},
		{args: "jobs list"},
		{args: "models list"},
		{args: "configs list"},
		{args: "keys"},
		{args: "backup"},
		{args: "retain --dry-run"},
		{"nonsense", 2, "wrong_usage", `unknown command "nonsense"`},
		{"jobs nonsense", 2, "wrong_usage", `"nonsense" is not expected here`},
		{"upload --nonsense", 2, "wrong_usage", "see: plastinka upload --help"},
		{"version now", 2, "wrong_usage", `"now" is not expected here`},
		{"upload", 2, "wrong_usage", "--stock"},
		{"simulate", 2, "wrong_usage", "--out DIR"},
		{"simulate --products 0 --out s", 2, "invalid_options", "products"},
		{"demo --dir " + folder, 2, "wrong_usage", "not empty"},
		{"evaluate", 2, "wrong_usage", "--panel FILE"},
		{"evaluate --panel nowhere.csv", 2, "file_not_found", "nowhere.csv"},
		{"predict --model m --products p --monthly m --out f.csv", 2, "file_not_found", "p"},
		{"predict", 2, "wrong_usage", "--model"},
		{"export", 2, "wrong_usage", "products, monthly"},
		{"export products", 2, "wrong_usage", "--out FILE"},
		{"export nothing --out f.csv", 2, "validation_error", "products"},
		{"export products --format doc --out f.csv", 2, "validation_error", "csv"},
		{"report", 2, "no_predictions_found", "train"},
		{"report --month 2025-13", 2, "invalid_date", "2025-13"},
		{"report --format doc", 2, "validation_error", "html"},
		{"train", 2, "no_data", "upload"},
		{"train --engine magic", 2, "wrong_usage", "magic"},
		{"train --config nowhere.json", 2, "file_not_found", "nowhere.json"},
		{"train --from 2025-12-31 --to 2025-12-01", 2, "invalid_date_range", "2025-12-31"},
		{"train --detach", 2, "no_service", "plastinka serve"},
		{"backtest --months 99", 2, "validation_error", "99"},
		{"jobs show nope", 2, "job_not_found", "nope"},
		{"jobs cancel nope", 2, "job_not_found", "nope"},
		{"jobs logs nope", 2, "job_not_found", "nope"},
		{"models show nope", 2, "model_not_found", "nope"},
		{"models activate nope", 2, "model_not_found", "nope"},
		{"models delete", 2, "wrong_usage", "ID of a model"},
		{"configs activate nope", 2, "config_not_found", "nope"},
		{"configs show nope", 2, "config_not_found", "nope"},
		{"configs add nowhere.json", 2, "file_not_found", "nowhere.json"},
		{"restore nowhere.db", 2, "", "nowhere.db"},
		{"status --config-file nowhere.yaml", 2, "invalid_settings", "nowhere.yaml"},
		{"serve --port 99999", 2, "invalid_settings", "API_PORT"},
		{"serve --host 0.0.0.0", 2, "invalid_settings", "plastinka keys"},
		{"task run --input nowhere.zip --output o.zip", 2, "", ""},
	} {
		t.Run(c.args, func(t *testing.T) {
			o := b.run(append(strings.Fields(c.args), "--json")...)
			require.Equal(t, c.exit, o.code, "%s%s", o.out, o.err)
			var value any
			d := json.NewDecoder(strings.NewReader(o.out))
			require.NoError(t, d.Decode(&value), "%s%s", o.out, o.err)
			if !strings.HasPrefix(c.args, "task") { // lines of progress are its protocol
				_, err := d.Token()
				require.Equal(t, io.EOF, err, "more than one JSON value:\n%s", o.out)
			}
			if c.exit != 0 {
				failed := failureOf(t, o)
				require.Contains(t, failed.Message, c.says)
				if c.code != "" {
					require.Equal(t, c.code, failed.Code, o.out)
				}
			}

			plain := b.run(append(strings.Fields(c.args), "--quiet")...)
			if !strings.HasPrefix(c.args, "export products") && !strings.HasPrefix(c.args, "report --format") {
				require.Equal(t, c.exit, plain.code, "without --json: %s", plain.err)
			}
			if c.exit == 0 {
				require.NotContains(t, plain.err, "Note:", "--quiet: no remarks")
				require.NotEmpty(t, plain.out, "--quiet still prints the result")
			} else if plain.code != 0 && c.says != "" {
				require.Contains(t, plain.err, c.says, "errors are said on standard error")
				require.Empty(t, plain.out)
			}
		})
	}
}

// TestJSONOfWork: commands that do something print their result as one value;
// progress and remarks stay on standard error.
func TestJSONOfWork(t *testing.T) {
	t.Parallel()
	b := newBox(t, "ENGINE=baseline")
	var demo struct {
		Training struct {
			ModelID   string `json:"model_id"`
			Forecasts int
		}
		Backtest struct{ Cells int }
		Report   string
		DataRoot string `json:"data_root"`
	}
	b.result(&demo, "demo", "--products", "60", "--months", "14")
	products := demo.Training.Forecasts
	require.InDelta(t, 60, products, 5, "some may never have been on hand")
	require.Positive(t, demo.Backtest.Cells)
	b.root = demo.DataRoot
	b.env = append(b.env, "DATA_ROOT_DIR="+b.root)
	page, err := os.ReadFile(demo.Report)
	require.NoError(t, err)
	require.Contains(t, string(page), "</html>")

	var report struct{ Rows []any }
	b.result(&report, "report")
	require.Len(t, report.Rows, products)
	var wrote struct{ Path, Format string }
	b.result(&wrote, "report", "--out", "r.html")
	require.Equal(t, "r.html", wrote.Path)
	require.FileExists(t, filepath.Join(b.dir, "r.html"))
	b.result(&wrote, "export", "daily", "--format", "parquet", "--out", "daily.parquet")
	require.Equal(t, "parquet", wrote.Format)
	content, err := os.ReadFile(filepath.Join(b.dir, "daily.parquet"))
	require.NoError(t, err)
	require.True(t, bytes.HasPrefix(content, []byte("PAR1")))

	var status struct {
		Products    int
		ActiveModel string `json:"active_model"`
	}
	b.result(&status, "status")
	require.Equal(t, products, status.Products)
	require.Equal(t, demo.Training.ModelID, status.ActiveModel)

	quiet := b.run("train", "--quiet")
	require.Zero(t, quiet.code)
	require.Empty(t, quiet.err, "no progress and no remarks")
	loud := b.run("train")
	require.Contains(t, loud.err, "training")
	require.NotContains(t, loud.err, "\x1b", "no bars and no colours where no terminal is")
}

// TestPredictFromAModelFile: a forecast from the model's file and the exported
// tables alone is the one of the training.
func TestPredictFromAModelFile(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	b.must(uploadOf(t, b.shop("shop", "--products", "60", "--months", "18", "--format", "csv"))...)
	b.must("train")
	for _, table := range []string{"products", "monthly", "forecasts"} {
		b.must("export", table, "--out", table+".csv")
	}
	var file struct{ Path string }
	b.result(&file, "models", "file", b.models()[0]["model_id"].(string))
	require.NoError(t, os.Rename(file.Path, filepath.Join(b.dir, "model.onnx")))
	require.NoError(t, os.RemoveAll(b.root))
	predicted := records(t, []byte(b.must("predict", "--model", "model.onnx", "--products", "products.csv", "--monthly", "monthly.csv")))
	require.Len(t, predicted, 60)
}

// TestColours: a terminal gets colours, but for NO_COLOR.
func TestColours(t *testing.T) {
	t.Parallel()
	b := newBox(t, "TERM=xterm")
	onTerminal := func(env ...string) string {
		master, slave := pseudoTerminal(t)
		cmd := b.command("doctor")
		cmd.Env = append(cmd.Env, env...)
		cmd.Stdout, cmd.Stderr = slave, slave
		require.NoError(t, cmd.Start())
		require.NoError(t, slave.Close())
		shown, _ := io.ReadAll(master) // a terminal whose other side closes ends with an error
		require.NoError(t, cmd.Wait())
		return string(shown)
	}
	require.Contains(t, onTerminal(), "\x1b[32mok")
	require.NotContains(t, onTerminal("NO_COLOR=1"), "\x1b")
	require.NotContains(t, b.must("doctor"), "\x1b", "a pipe is no terminal")
}

func pseudoTerminal(t *testing.T) (master, slave *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	require.NoError(t, err)
	t.Cleanup(func() { master.Close() })
	fd := int(master.Fd())
	require.NoError(t, unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0))
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	require.NoError(t, err)
	slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	require.NoError(t, err)
	return master, slave
}

// TestCompletionAndHelp: shells can complete, and every command has its help.
func TestCompletionAndHelp(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		require.Contains(t, b.must("completion", shell), "plastinka")
	}
	require.Contains(t, b.must("__complete", "export", "mon"), "monthly")
	require.Contains(t, b.must("__complete", "jo"), "jobs")
	help := b.must("--help")
	for _, command := range []string{"demo", "serve", "upload", "status", "train", "backtest", "jobs", "models", "configs", "report", "export",
		"evaluate", "predict", "simulate", "keys", "doctor", "config", "backup", "retain", "restore", "version"} {
		require.Contains(t, help, "\n  "+command+" ")
		require.Contains(t, b.must(command, "--help"), "Usage:")
	}
	require.NoDirExists(t, b.root, "help makes no data root")
}
