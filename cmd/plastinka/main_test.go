package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// The tests of this package use the program as people do: as the static binary
// that the build makes, started as a process. It is built once, when the first
// test asks for it; so is the fault tests' own build.

var program struct {
	folder            string
	build, killPoints func() error
}

func TestMain(m *testing.M) {
	var err error
	if program.folder, err = os.MkdirTemp("", "plastinka-test-"); err != nil {
		panic(err)
	}
	program.build = sync.OnceValue(func() error { return build("plastinka") })
	program.killPoints = sync.OnceValue(func() error { return build("plastinka-killpoints", "-tags", "killpoints") })
	code := m.Run()
	os.RemoveAll(program.folder)
	os.Exit(code)
}

func build(name string, flags ...string) error {
	cmd := exec.Command("go", append(append([]string{"build"}, flags...), "-o", filepath.Join(program.folder, name), ".")...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return errors.New("go build: " + string(out))
	}
	return nil
}

// binary is the path of the built program.
func binary(t testing.TB) string {
	t.Helper()
	require.NoError(t, program.build())
	return filepath.Join(program.folder, "plastinka")
}

// box is a place of its own to run the program in: a working folder, which is
// its home too, a data root below it, and an environment that holds nothing of
// the outside but PATH. Today is the day the simulated shops are counted.
type box struct {
	testing.TB
	binary string
	dir    string
	root   string
	env    []string
}

func newBox(t testing.TB, env ...string) *box {
	t.Helper()
	dir := t.TempDir()
	b := &box{TB: t, binary: binary(t), dir: dir, root: filepath.Join(dir, "data")}
	b.env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "TMPDIR=" + dir, "DATA_ROOT_DIR=" + b.root,
		"PLASTINKA_TODAY=2026-01-01", "COMPUTE_THREADS=1"}, env...)
	return b
}

// command is the program, ready to be started.
func (b *box) command(args ...string) *exec.Cmd {
	b.Helper()
	cmd := exec.Command(b.binary, args...)
	cmd.Dir, cmd.Env = b.dir, b.env
	return cmd
}

// outcome is how a command ended.
type outcome struct {
	code     int
	out, err string
}

// run runs a command to its end.
func (b *box) run(args ...string) outcome {
	b.Helper()
	return finish(b, b.command(args...))
}

func finish(t testing.TB, cmd *exec.Cmd) outcome {
	t.Helper()
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if exit := new(exec.ExitError); err != nil && !errors.As(err, &exit) {
		require.NoError(t, err)
	}
	return outcome{cmd.ProcessState.ExitCode(), out.String(), errs.String()}
}

// must runs a command that must end well, and returns its standard output.
func (b *box) must(args ...string) string {
	b.Helper()
	o := b.run(args...)
	require.Zero(b, o.code, "plastinka %s\n%s%s", strings.Join(args, " "), o.out, o.err)
	return o.out
}

// result decodes what a command that must end well prints with --json.
func (b *box) result(into any, args ...string) {
	b.Helper()
	require.NoError(b, json.Unmarshal([]byte(b.must(append(args, "--json")...)), into))
}

// failed is what a command that fails prints with --json.
type failed struct {
	Code, Message string
	Details       map[string]any
}

// failure is of a command that must fail with an exit code.
func (b *box) failure(code int, args ...string) failed {
	b.Helper()
	o := b.run(append(args, "--json")...)
	require.Equal(b, code, o.code, "plastinka %s\n%s%s", strings.Join(args, " "), o.out, o.err)
	return failureOf(b, o)
}

func failureOf(t testing.TB, o outcome) failed {
	t.Helper()
	var answer struct{ Error failed }
	require.NoError(t, json.Unmarshal([]byte(o.out), &answer), "%s%s", o.out, o.err)
	return answer.Error
}

// shop simulates a shop into a new folder of the box and returns the folder.
func (b *box) shop(name string, args ...string) string {
	b.Helper()
	dir := filepath.Join(b.dir, name)
	b.must(append([]string{"simulate", "--out", dir}, args...)...)
	return dir
}

// uploadOf are the arguments that upload a shop's folder.
func uploadOf(t testing.TB, dir string) []string {
	t.Helper()
	stock, err := filepath.Glob(filepath.Join(dir, "stock.*"))
	require.NoError(t, err)
	require.Len(t, stock, 1)
	sales, err := filepath.Glob(filepath.Join(dir, "sales-*"))
	require.NoError(t, err)
	require.NotEmpty(t, sales)
	return append([]string{"upload", "--stock", stock[0]}, sales...)
}

// exported is a stored table.
func (b *box) exported(table string) []map[string]string {
	b.Helper()
	return records(b, []byte(b.must("export", table)))
}

// records reads a CSV file's rows by their column names.
func records(t testing.TB, content []byte) []map[string]string {
	t.Helper()
	rows, err := csv.NewReader(bytes.NewReader(content)).ReadAll()
	require.NoError(t, err)
	require.NotEmpty(t, rows)
	list := make([]map[string]string, 0, len(rows)-1)
	for _, row := range rows[1:] {
		record := map[string]string{}
		for i, name := range rows[0] {
			record[name] = row[i]
		}
		list = append(list, record)
	}
	return list
}
