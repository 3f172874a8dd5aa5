package app

import (
	"context"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/plastinka/predictor/domain/catalog"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/intake"
	"github.com/plastinka/predictor/ports"
)

// inspect checks what can be told of the kept files without reading all of
// them. If one fails, the files before it are read: errors are reported file by
// file (§1.5), and what is wrong with an earlier one may lie in its rows.
func (u *Upload) inspect(ctx context.Context, id string, files []uploadFile) error {
	failed, err := u.eachFile(ctx, id, files, func(i int, w ports.Workbook) error {
		return intake.Inspect(ctx, w, intake.Options{Role: files[i].Role, Normalise: u.Normalise})
	})
	if failed == 0 || fault.KindOf(err) == fault.Cancelled {
		return err
	}
	_, reports, earlier := u.readFiles(ctx, id, files[:failed], catalog.DefaultBins(), func(string, int) error { return nil })
	if earlier != nil {
		return accounted(earlier, reports)
	}
	return err
}

// readFiles reads the kept files, each of which must have rows; tell is told
// of each, one at a time, with how many are done. reports are of the files
// before the one that failed, and of that one if it was read.
func (u *Upload) readFiles(ctx context.Context, id string, files []uploadFile, bins catalog.Bins, tell func(name string, done int) error) (read []*intake.File, reports []intake.FileReport, err error) {
	read = make([]*intake.File, len(files))
	var mu sync.Mutex
	done := 0
	_, err = u.eachFile(ctx, id, files, func(i int, w ports.Workbook) error {
		f := files[i]
		file, err := intake.Read(ctx, w, intake.Options{Name: f.Name, Role: f.Role, Today: u.Clock.Today(), Bins: bins, Normalise: u.Normalise})
		if err != nil {
			return err
		}
		read[i] = file
		if err := file.Check(); err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		done++
		return tell(f.Name, done)
	})
	if err == nil {
		return read, nil, nil
	}
	for _, f := range read {
		if f == nil {
			break
		}
		reports = append(reports, f.Report)
		if f.Check() != nil {
			break
		}
	}
	return nil, reports, err
}

// eachFile opens the kept files and calls do, several at a time. Of several
// errors it returns that of the first file, with its name, and which it was;
// files after one that failed may be left out.
func (u *Upload) eachFile(ctx context.Context, id string, files []uploadFile, do func(i int, w ports.Workbook) error) (failed int, err error) {
	var g errgroup.Group
	g.SetLimit(max(1, u.Cores))
	errs := make([]error, len(files))
	var first atomic.Int64 // file that failed
	first.Store(int64(len(files)))
	for i := range files {
		g.Go(func() error {
			if int64(i) > first.Load() {
				return nil
			}
			if errs[i] = u.withFile(ctx, keptName(id, i), func(w ports.Workbook) error { return do(i, w) }); errs[i] != nil {
				for f := first.Load(); int64(i) < f && !first.CompareAndSwap(f, int64(i)); f = first.Load() {
				}
			}
			return nil
		})
	}
	_ = g.Wait() // the errors are in errs, by file
	for i, err := range errs {
		if err != nil {
			return i, ofFile(err, files[i], i)
		}
	}
	return 0, nil
}

func (u *Upload) withFile(ctx context.Context, name string, do func(ports.Workbook) error) (err error) {
	path, err := u.Artifacts.Path(ports.Uploads, name)
	if err != nil {
		return err
	}
	w, err := u.Tables.Open(ctx, path, u.Limits)
	if fault.KindOf(err) == fault.NotFound {
		return fault.New(fault.Conflict, "upload_files_gone", "the copy kept for this upload is gone; submit the upload again").Because(err)
	}
	if err != nil {
		return err
	}
	defer func() {
		if e := w.Close(); err == nil {
			err = e
		}
	}()
	return do(w)
}

// ofFile says which file of the upload an error is about.
func ofFile(err error, f uploadFile, index int) error {
	e := fault.Wrap("app.eachFile", err).(*fault.Error)
	if e.Kind == fault.Cancelled {
		return e
	}
	e = e.With("filename", f.Name).With("index", index).With("role", string(f.Role))
	e.Message = f.Name + ": " + e.Message
	return e
}
