package datasphere

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	jobs "github.com/yandex-cloud/go-genproto/yandex/cloud/datasphere/v2/jobs"

	"github.com/plastinka/predictor/adapters/support/taskrun"
	"github.com/plastinka/predictor/domain/fault"
)

// maxRest bounds a line that is not whole yet, bytes.
const maxRest = 1 << 20

// pull brings the local log up to date: it reads the job's stream from where it
// got to last time until nothing comes for a while. ended says that the job has
// ended: a stream that then ends is whole.
//
// A message may hold half a line, and the two standard streams come mixed: each
// stream's rest waits for its end of line.
func (b *Backend) pull(ctx context.Context, r *run, ended bool) error {
	if r.LogWhole || r.JobID == "" || !r.Executing {
		return nil
	}
	var text bytes.Buffer
	err := b.readLogs(ctx, r, ended, &text)
	if ended && errors.Is(err, errQuiet) {
		err = fault.New(fault.Unavailable, "yc_unavailable", "the job has ended, but its log has not")
	}
	if r.LogWhole = ended && err == nil; r.LogWhole {
		for _, stream := range []string{"OUT", "ERR"} {
			if rest := r.LogRest[stream]; len(rest) > 0 {
				text.Write(append(rest, '\n'))
			}
		}
		r.LogRest = nil
	}
	if errors.Is(err, errQuiet) {
		err = nil
	}
	if text.Len() == 0 && !r.LogWhole {
		return err
	}
	if e := r.appendLog(text.Bytes()); e != nil {
		return e
	}
	if e := r.save(); e != nil {
		return e
	}
	return err
}

// errQuiet ends the reading of a stream on which nothing comes.
var errQuiet = errors.New("nothing more for now")

func (b *Backend) readLogs(ctx context.Context, r *run, ended bool, to *bytes.Buffer) error {
	pause := b.options.LogPause
	if ended {
		pause = b.options.StatusTimeout // all is there already
	}
	err := b.cloud.authorized(ctx, b.options.StatusTimeout, func(ctx context.Context) error {
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		quiet := time.AfterFunc(pause, func() { cancel(errQuiet) })
		defer quiet.Stop()
		conn, err := b.cloud.connection(ctx, "yandex.cloud.datasphere.v2.jobs.ProjectJobService")
		if err != nil {
			return err
		}
		stream, err := jobs.NewProjectJobServiceClient(conn).ReadLogs(ctx, &jobs.ReadProjectJobLogsRequest{JobId: r.JobID, Offset: r.LogOffset})
		for err == nil {
			var part *jobs.ReadProjectJobLogsResponse
			if part, err = stream.Recv(); err != nil {
				break
			}
			quiet.Reset(pause)
			r.take(part, to)
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case context.Cause(ctx) == errQuiet:
			return errQuiet
		}
		return err
	})
	if err == nil || errors.Is(err, errQuiet) {
		return err
	}
	return translate(ctx, "reading the job's log", err)
}

// take adds a message's whole lines to the text. What the service itself writes
// about the machine is no log of the program.
func (r *run) take(part *jobs.ReadProjectJobLogsResponse, to *bytes.Buffer) {
	for _, m := range part.Logs {
		if _, service := m.Source.(*jobs.LogMessage_FilePath); service {
			continue
		}
		if r.LogRest == nil {
			r.LogRest = map[string][]byte{}
		}
		stream := "OUT"
		if m.GetStandardStream() == jobs.StandardStream_ERR {
			stream = "ERR"
		}
		content := slices.Concat(r.LogRest[stream], m.Content)
		whole := bytes.LastIndexByte(content, '\n') + 1
		if len(content)-whole > maxRest {
			whole = len(content)
		}
		to.Write(content[:whole])
		r.LogRest[stream] = content[whole:]
	}
	r.LogOffset = part.Offset
}

// appendLog adds to the log file, after what counts of it: what a process wrote
// that died before it could say so is written over.
func (r *run) appendLog(text []byte) error {
	f, err := os.OpenFile(r.folder.Log(), os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return logFault(err)
	}
	defer f.Close()
	if err := f.Truncate(r.LogSize); err != nil {
		return logFault(err)
	}
	if _, err := f.WriteAt(text, r.LogSize); err != nil {
		return logFault(err)
	}
	r.LogSize += int64(len(text))
	return nil
}

func logFault(err error) error {
	return fault.New(fault.Unavailable, "run_folder", "the log of a run cannot be written: %v; check the disk and its permissions", err).Because(err)
}

// said is the last line of the log in which the program says why it failed.
func (r *run) said() (end taskrun.End, ok bool) {
	cursor := ""
	for {
		lines, next, err := r.folder.Logs(cursor, true)
		if err != nil || next == cursor || len(lines) == 0 {
			return end, ok
		}
		for _, line := range lines {
			if e, is := taskrun.ParseFailure(strings.TrimSpace(line)); is {
				end, ok = e, true
			}
		}
		cursor = next
	}
}
