package taskrun

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/plastinka/predictor/adapters/support/safefile"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/ports"
)

// Folder is the folder of one run on this machine.
type Folder string

// RunID is the id, and the folder's name, of a task's attempt. A task id is
// letters, digits, '-', '_' and '.', not a '.' first: anything else is Invalid.
func RunID(run ports.Run) (string, error) {
	if !plain(run.TaskID) || run.Attempt < 1 {
		return "", fault.New(fault.Invalid, "invalid_task_id",
			"%q, attempt %d, does not name a run: a task id is letters, digits, '-', '_' and '.', and attempts count from 1", run.TaskID, run.Attempt)
	}
	return run.TaskID + "-" + strconv.Itoa(run.Attempt), nil
}

func plain(name string) bool {
	for _, r := range name {
		if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_.", r)) {
			return false
		}
	}
	return name != "" && name[0] != '.' && len(name) <= 200
}

func (f Folder) file(name string) string { return filepath.Join(string(f), name) }

// Log is the path of standard output and error.
func (f Folder) Log() string { return f.file("log") }

// Output is the path of output.zip.
func (f Folder) Output() string { return f.file("output.zip") }

// Make makes the folder and those above it, for the owner alone.
func (f Folder) Make() error { return ioFault(os.MkdirAll(string(f), 0o700)) }

// Remove removes the folder with all in it; none is no error.
func (f Folder) Remove() error { return ioFault(os.RemoveAll(string(f))) }

// Process says who runs the task program.
type Process struct {
	PID     int    `json:"pid"`
	Started string `json:"started"` // in the kernel's own count, "" where it tells none
}

// Process reads process.json; ok is false if the program has not got so far.
func (f Folder) Process() (p Process, ok bool, err error) {
	ok, err = f.read("process.json", &p)
	return p, ok, err
}

// End reads end.json; ok is false if there is none (yet).
func (f Folder) End() (e End, ok bool, err error) {
	ok, err = f.read("end.json", &e)
	return e, ok, err
}

// cancelled is the content of cancel.json.
type cancelled struct {
	At time.Time `json:"at"`
}

// Cancelled reads when the run was asked to stop.
func (f Folder) Cancelled() (at time.Time, ok bool, err error) {
	var c cancelled
	ok, err = f.read("cancel.json", &c)
	return c.At, ok, err
}

// PutCancelled notes that the run was asked to stop; the first time counts.
func (f Folder) PutCancelled(at time.Time) error {
	if _, ok, err := f.Cancelled(); ok || err != nil {
		return err
	}
	return f.write("cancel.json", cancelled{at})
}

func (f Folder) read(name string, to any) (bool, error) {
	b, err := os.ReadFile(f.file(name))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err == nil {
		err = json.Unmarshal(b, to)
	}
	return err == nil, ioFault(err)
}

func (f Folder) write(name string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fault.Wrap("taskrun.write", err)
	}
	return safefile.Write(f.file(name), 0o600, func(w io.Writer) error {
		_, err := w.Write(b)
		return err
	})
}

// Measure is what the output file is.
func (f Folder) Measure() (*Output, error) {
	file, err := os.Open(f.Output())
	if err != nil {
		return nil, ioFault(err)
	}
	defer file.Close()
	h := sha256.New()
	n, err := io.Copy(h, file)
	if err != nil {
		return nil, ioFault(err)
	}
	return &Output{Size: n, SHA256: hex.EncodeToString(h.Sum(nil))}, nil
}

// Fetch is the path of the output of a run that has succeeded, after checking
// that it is the file that the program completed.
func (f Folder) Fetch() (string, error) {
	end, ok, err := f.End()
	if err != nil {
		return "", err
	}
	if !ok || end.Exit != ExitDone {
		return "", fault.New(fault.Conflict, "run_not_succeeded", "the run %s has no output: it has not ended well", filepath.Base(string(f)))
	}
	is, err := f.Measure()
	if err != nil {
		return "", fault.New(fault.Unavailable, "output_lost", "the output of the run %s is gone: %v", filepath.Base(string(f)), err)
	}
	if end.Output == nil || *is != *end.Output {
		return "", fault.New(fault.Unavailable, "output_damaged",
			"the output of the run %s is not what the program wrote (%d bytes now); run the task again", filepath.Base(string(f)), is.Size)
	}
	return f.Output(), nil
}

// logPart bounds how much of a log is read at once, and logTail where the last
// line of progress is looked for.
const (
	logPart = 1 << 20
	logTail = 1 << 16
)

// Logs returns the whole lines after cursor, at most a megabyte of them, and
// the cursor after them; once the run has ended also a last line without an
// end. A cursor is a count of bytes.
func (f Folder) Logs(cursor string, ended bool) (lines []string, next string, err error) {
	var from int64
	if cursor != "" {
		if from, err = strconv.ParseInt(cursor, 10, 64); err != nil || from < 0 {
			return nil, "", fault.New(fault.Invalid, "invalid_cursor", "%q is not a cursor of a log", cursor)
		}
	}
	part, err := f.logFrom(from, logPart)
	if err != nil {
		return nil, "", err
	}
	end := bytes.LastIndexByte(part, '\n') + 1
	if ended && len(part) < logPart || end == 0 && len(part) == logPart {
		end = len(part)
	}
	for line := range strings.Lines(string(part[:end])) {
		lines = append(lines, strings.ToValidUTF8(strings.TrimRight(line, "\r\n"), "\uFFFD"))
	}
	return lines, strconv.FormatInt(from+int64(end), 10), nil
}

// LastProgress is the last line of progress in the log.
func (f Folder) LastProgress() (last Progress, err error) {
	info, err := os.Stat(f.Log())
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		return Progress{}, ioFault(err)
	}
	part, err := f.logFrom(max(0, info.Size()-logTail), 2*logTail)
	for line := range strings.Lines(string(part)) {
		if p, ok := ParseProgress(strings.TrimSuffix(line, "\n")); ok {
			last = p
		}
	}
	return last, err
}

func (f Folder) logFrom(from, most int64) ([]byte, error) {
	file, err := os.Open(f.Log())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, ioFault(err)
	}
	defer file.Close()
	part, err := io.ReadAll(io.NewSectionReader(file, from, most))
	return part, ioFault(err)
}

func ioFault(err error) error {
	if err == nil {
		return nil
	}
	return fault.New(fault.Unavailable, "run_folder", "the folder of a run cannot be used: %v; check the disk and its permissions", err).Because(err)
}
