package datasphere

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	jobs "github.com/yandex-cloud/go-genproto/yandex/cloud/datasphere/v2/jobs"

	"github.com/plastinka/predictor/adapters/support/safefile"
)

// How much is kept of failed runs.
const (
	maxDiagnostics    = 20
	maxDiagnosticFile = 64 << 20
)

// keepDiagnostics keeps the run's log, and what the service itself noted about
// the job, in a folder of their own; the oldest go.
func (b *Backend) keepDiagnostics(ctx context.Context, r *run) error {
	if b.options.Diagnostics == "" {
		return nil
	}
	dir := filepath.Join(b.options.Diagnostics, r.id)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return logFault(err)
	}
	if err := copyFile(r.folder.Log(), filepath.Join(dir, "log.txt")); err != nil && !errors.Is(err, os.ErrNotExist) {
		return logFault(err)
	}
	if err := b.downloadDiagnostics(ctx, r, dir); err != nil {
		return err
	}
	return prune(b.options.Diagnostics, maxDiagnostics)
}

func (b *Backend) downloadDiagnostics(ctx context.Context, r *run, dir string) error {
	j, err := ask(ctx, b.cloud, b.options.StatusTimeout, jobs.ProjectJobServiceClient.Get, &jobs.GetProjectJobRequest{JobId: r.JobID})
	if err != nil {
		return translate(ctx, "looking for diagnostics", err)
	}
	var wanted []*jobs.File
	for _, f := range append(j.LogFiles, j.DiagnosticFiles...) {
		if filepath.IsLocal(f.GetDesc().GetPath()) && f.SizeBytes <= maxDiagnosticFile {
			wanted = append(wanted, f)
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	answer, err := ask(ctx, b.cloud, b.options.StatusTimeout, jobs.ProjectJobServiceClient.DownloadJobFiles, &jobs.DownloadProjectJobFilesRequest{JobId: r.JobID, Files: wanted})
	if err != nil {
		return translate(ctx, "asking for diagnostics", err)
	}
	for _, f := range answer.DownloadFiles {
		name := filepath.Base(f.GetFile().GetDesc().GetPath())
		if _, err := download(ctx, b.client, b.options.DownloadTimeout, f.Url, filepath.Join(dir, name),
			file{SHA256: f.File.Sha256, Size: f.File.SizeBytes}); err != nil {
			return err
		}
	}
	return nil
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	return safefile.Write(to, 0o600, func(w io.Writer) error {
		_, err := io.Copy(w, in)
		return err
	})
}

// prune leaves the newest folders.
func prune(root string, keep int) error {
	entries, err := os.ReadDir(root)
	if err != nil {
		return logFault(err)
	}
	slices.SortFunc(entries, func(a, b os.DirEntry) int { return age(b).Compare(age(a)) })
	for _, e := range entries[min(keep, len(entries)):] {
		if err := os.RemoveAll(filepath.Join(root, e.Name())); err != nil {
			return logFault(err)
		}
	}
	return nil
}

func age(e os.DirEntry) (t time.Time) {
	if info, err := e.Info(); err == nil {
		t = info.ModTime()
	}
	return t
}
