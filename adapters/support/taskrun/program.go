package taskrun

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/ports"
)

// EnvFolder names the environment variable by which a program learns that it
// runs in a Folder, and EnvProgress the one that names a file for progress.
const (
	EnvFolder   = "PLASTINKA_RUN_FOLDER"
	EnvProgress = "JOB_PROGRESS_FILENAME"
)

// niceness is the priority of a program in a Folder, so that the service it
// shares the machine with stays quick.
const niceness = 10

// Program is one run of the task program, seen from inside its process.
type Program struct {
	Task           ports.TaskProgram
	Input, Output  string
	Stdout, Stderr io.Writer
	Clock          ports.Clock
	ProgressFile   string // "" for none
}

// Main runs the program as a process of its own and returns its exit code: it
// says who it is, lets SIGTERM and an interrupt cancel the task, and says how
// it ended.
func (p Program) Main(ctx context.Context, getenv func(string) string) int {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, os.Interrupt)
	defer stop()
	p.ProgressFile = getenv(EnvProgress)
	folder := Folder(getenv(EnvFolder))
	if folder == "" { // started by a person, or by a backend that shows its output to one
		end := p.Run(ctx)
		if end.Exit != ExitDone {
			fmt.Fprintln(p.Stderr, "error:", end.Message)
		}
		return end.Exit
	}
	if pid := os.Getpid(); syscall.Getpgrp() == pid { // where the group is this program's own
		_ = syscall.Setpriority(syscall.PRIO_PGRP, 0, niceness) // all its threads; being less nice is no failure
	}
	end, err := p.In(ctx, folder)
	if err != nil {
		fmt.Fprintln(p.Stderr, "error:", err)
		return ExitFailed
	}
	return end.Exit
}

// ErrInterrupted is the cause of a context that ends because the process that
// runs the program does: the program has not ended, and leaves no end.
var ErrInterrupted = errors.New("the process stops")

// In runs the program in a folder and keeps its records there. The program
// says who it is before it looks whether it was asked to stop: whoever asks
// does it the other way round, so that one of them sees the other.
func (p Program) In(ctx context.Context, folder Folder) (end End, err error) {
	pid := os.Getpid()
	if err := folder.write("process.json", Process{PID: pid, Started: StartOf(pid)}); err != nil {
		return end, err
	}
	_, asked, err := folder.Cancelled()
	if err != nil {
		return end, err
	}
	if asked {
		end = EndOf(stopped(), p.Clock.Now())
	} else {
		end = p.Run(ctx)
	}
	if end.Exit != ExitDone && context.Cause(ctx) == ErrInterrupted {
		return end, nil
	}
	if end.Exit == ExitDone {
		if end.Output, err = folder.Measure(); err != nil {
			return end, err
		}
	}
	return end, folder.write("end.json", end)
}

// Run runs the task: lines of progress, and at last the line that says why it
// failed, go to Stdout. Without an end well there is no output.
func (p Program) Run(ctx context.Context) End {
	err := p.safely(ctx)
	if ctx.Err() != nil && err != nil {
		err = stopped().Because(err)
	}
	end := EndOf(err, p.Clock.Now())
	if end.Exit != ExitDone {
		_ = os.Remove(p.Output)
		if line, err := json.Marshal(endLine{&end}); err == nil {
			fmt.Fprintf(p.Stdout, "%s\n", line)
		}
	}
	return end
}

func stopped() *fault.Error {
	return fault.New(fault.Cancelled, "cancelled", "the task was stopped")
}

// safely runs the task; its panic becomes an error, with the stack in the log.
func (p Program) safely(ctx context.Context) (err error) {
	progress, done := p.progress()
	defer func() {
		if r := recover(); r != nil {
			fmt.Fprintf(p.Stderr, "panic: %v\n\n%s", r, debug.Stack())
			err = fault.New(fault.Internal, "internal_error", "the task met a defect of this program: %v; the log has the details", r)
		}
		if e := done(); err == nil {
			err = e
		}
	}()
	return p.Task(ctx, p.Input, p.Output, progress)
}

// progress is the task's way to say how far it is: a line on standard output
// and, if the environment names one, in a file. done closes the file.
func (p Program) progress() (say func(fraction float64, message string), done func() error) {
	var file *os.File
	var broken error
	if name := p.ProgressFile; name != "" {
		file, broken = os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	}
	var mu sync.Mutex // a task may report from several goroutines
	say = func(fraction float64, message string) {
		line, err := ProgressLine(fraction, message, p.Clock.Now())
		if err != nil {
			return // a fraction that is no number says nothing
		}
		mu.Lock()
		defer mu.Unlock()
		_, _ = p.Stdout.Write(line) // a reader that went away must not end a training
		if file != nil {
			_, _ = file.Write(line)
		}
	}
	done = func() error {
		if broken != nil {
			fmt.Fprintln(p.Stderr, "warning: progress is not written to a file:", broken)
		}
		if file == nil {
			return nil
		}
		return fault.Wrap("taskrun.progress", file.Close())
	}
	return say, done
}

// ProgressLine is a line of progress, with its end of line.
func ProgressLine(fraction float64, message string, at time.Time) ([]byte, error) {
	percent := math.Round(1e4*min(max(fraction, 0), 1)) / 100
	line, err := json.Marshal(Progress{Progress: percent, Message: message, CreateTime: at.UTC()})
	if err != nil {
		return nil, fault.Wrap("taskrun.ProgressLine", err)
	}
	return append(line, '\n'), nil
}

// StartOf is when the process began, in the kernel's own count since it
// started: with it, a pid that was used again is told apart. It is "" for a
// process that is not there, or where the system does not tell.
func StartOf(pid int) string {
	const field = 22 // starttime in proc(5), after a name that may hold anything up to the last ')'
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:])) // the third field of all is the first here
	if len(fields) < field-2 {
		return ""
	}
	return fields[field-3]
}
