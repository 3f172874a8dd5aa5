package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"slices"

	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/catalog"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/intake"
	"github.com/plastinka/predictor/domain/job"
	"github.com/plastinka/predictor/ports"
)

// Upload is the use case of taking in a shop's stock and sales files. An
// upload is received (its files are kept and looked at), submitted as a job,
// and processed by the job's handler in one transaction; each of the three may
// be done by another process than the one before.
type Upload struct {
	DB        ports.Database
	Clock     ports.Clock
	Tables    ports.Tables
	Artifacts UploadFiles
	Log       *slog.Logger

	Normalise func(string) string // texts to Unicode NFC
	Limits    ports.TableLimits
	MaxFiles  int     // of one upload; 0: 120
	MaxBytes  int64   // of all its files together; 0: no limit
	PriceBins *string // the edges asked for; nil: the database's own, or the default
	Cores     int     // how many files are read side by side; at least 1
}

// UploadFiles keeps the files of unfinished uploads.
type UploadFiles interface {
	ports.Artifacts
	// Save gives the name the content that write writes: whole or not at all.
	Save(place ports.Place, name string, write func(io.Writer) error) error
}

// IncomingFile is a file as somebody hands it in.
type IncomingFile struct {
	Name string // for messages; it never becomes a path
	Open func() (io.ReadCloser, error)
	// Kept, if not "", is the path of a complete copy that is the upload's own:
	// it is moved instead of copied. SHA256 is its digest, in hexadecimal.
	Kept, SHA256 string
}

// UploadOptions are what a person may say about an upload (§1.5).
type UploadOptions struct {
	Snapshot    *calendar.Day    `json:"snapshot_date,omitempty"`
	EmptyMonths []calendar.Month `json:"empty_months,omitempty"`
	Overwrite   bool             `json:"overwrite,omitempty"`
	AllowLate   bool             `json:"allow_late_snapshot,omitempty"`
}

// UploadRequest is an upload as somebody hands it in.
type UploadRequest struct {
	Stock   IncomingFile
	Sales   []IncomingFile
	Options UploadOptions
}

// ReceivedUpload is an upload whose files are kept and have been looked at. It
// must be submitted or discarded.
type ReceivedUpload struct {
	id    string // of the job to be
	input uploadInput
}

// uploadInput is all that an upload job needs besides its kept files.
type uploadInput struct {
	Files   []uploadFile  `json:"files"` // stock first
	Options UploadOptions `json:"options"`
}

type uploadFile struct {
	Name   string      `json:"name"`
	Role   intake.Role `json:"role"`
	Digest string      `json:"sha256"`
}

// keptName is the name under which a file of an upload is kept.
func keptName(id string, file int) string { return fmt.Sprintf("%s-%03d", id, file) }

// Receive keeps the files and checks what can be told without reading all of
// them: their number, the same file twice (R19), and of each file, stock first,
// its container, sheet and columns. If it fails, nothing is kept.
func (u *Upload) Receive(ctx context.Context, req UploadRequest) (r ReceivedUpload, err error) {
	files := append([]IncomingFile{req.Stock}, req.Sales...)
	switch most := u.maxFiles(); {
	case req.Stock.Open == nil && req.Stock.Kept == "":
		return r, fault.New(fault.Invalid, "validation_error", "the upload has no stock file; give exactly one")
	case len(req.Sales) == 0:
		return r, fault.New(fault.Invalid, "validation_error", "the upload has no sales file; give at least one")
	case len(files) > most:
		return r, fault.New(fault.TooLarge, "too_many_files", "the upload has %d files; at most %d are taken (MAX_FILES); upload the months in several steps",
			len(files), most)
	}
	r = ReceivedUpload{id: newID(), input: uploadInput{Options: req.Options}}
	defer func() {
		if err != nil {
			u.Discard(r)
		}
	}()
	in := intoStore{ctx: ctx, most: u.MaxBytes}
	for i, f := range files {
		kept := uploadFile{Name: f.Name, Role: intake.SalesFile}
		if i == 0 {
			kept.Role = intake.StockFile
		}
		if kept.Digest, err = u.keep(&in, keptName(r.id, i), f); err != nil {
			return r, ofFile(err, kept, i)
		}
		r.input.Files = append(r.input.Files, kept)
	}
	if err = sameFiles(r.input.Files); err != nil {
		return r, err
	}
	return r, u.inspect(ctx, r.id, r.input.Files)
}

func (u *Upload) maxFiles() int {
	if u.MaxFiles > 0 {
		return u.MaxFiles
	}
	return 120
}

// keep stores one incoming file and returns the SHA-256 of its bytes.
func (u *Upload) keep(in *intoStore, name string, f IncomingFile) (digest string, err error) {
	if f.Kept != "" {
		return f.SHA256, u.Artifacts.Adopt(f.Kept, ports.Uploads, name)
	}
	from, err := f.Open()
	if err != nil {
		return "", fault.New(fault.Invalid, "file_unreadable", "the file cannot be read (%v); check its path and permissions", err).Because(err)
	}
	defer from.Close()
	sum := sha256.New()
	in.Reader = from
	err = u.Artifacts.Save(ports.Uploads, name, func(to io.Writer) error {
		_, err := io.Copy(io.MultiWriter(to, sum), in)
		return err
	})
	return hex.EncodeToString(sum.Sum(nil)), err
}

// intoStore reads an upload's files, one after another, until ctx ends or they
// are more than most bytes (if that is not 0).
type intoStore struct {
	io.Reader
	ctx        context.Context
	most, read int64
}

func (r *intoStore) Read(b []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := r.Reader.Read(b)
	if r.read += int64(n); r.most > 0 && r.read > r.most {
		return n, fault.New(fault.TooLarge, "upload_too_large",
			"the files of the upload are together larger than %d bytes (MAX_UPLOAD_SIZE); upload the months in several steps", r.most).
			With("limit_bytes", r.most)
	}
	return n, err
}

// sameFiles refuses the same bytes twice (R19).
func sameFiles(files []uploadFile) error {
	for i, f := range files {
		for _, g := range files[:i] {
			if f.Digest == g.Digest {
				return fault.New(fault.Invalid, "duplicate_file", "%s and %s are the same file; give each file once", g.Name, f.Name).
					With("filename", f.Name).With("index", i).With("same_as", g.Name)
			}
		}
	}
	return nil
}

// Content is what makes two uploads the same: the bytes of their files and
// what was said about them, but not the files' names and order.
func (r ReceivedUpload) Content() any {
	digests := make([]string, len(r.input.Files))
	for i, f := range r.input.Files {
		digests[i] = f.Digest
	}
	slices.Sort(digests[1:])
	return uploadContent{digests, r.input.Options}
}

type uploadContent struct {
	Files   []string      `json:"files"`
	Options UploadOptions `json:"options"`
}

// UploadSubmission is how a submission may be one that was made before.
type UploadSubmission struct {
	Repeat
	Join bool // answer with an unfinished job of the same upload, if there is one
}

// Accepted is the answer to a submission.
type Accepted struct {
	JobID  string     `json:"job_id"`
	Status job.Status `json:"status"`
	Joined bool       `json:"-"` // the job was there already
}

// Submit makes the received upload a job, or discards it if the answer is an
// earlier job or an error.
func (u *Upload) Submit(ctx context.Context, r ReceivedUpload, s UploadSubmission) (a Accepted, err error) {
	accepted := false
	defer func() {
		if !accepted {
			u.Discard(r)
		}
	}()
	if s.Join {
		j, ok, err := Unfinished(ctx, u.DB, job.Upload, r.input)
		if err != nil || ok {
			return Accepted{JobID: j.ID, Status: j.Status, Joined: true}, err
		}
	}
	once := OnceRequest{Type: job.Upload, Request: r.Content(), Repeat: s.Repeat}
	a, err = Once(ctx, u.DB, u.Clock, once, func() (func(ports.Stores) (Accepted, error), error) {
		return func(s ports.Stores) (Accepted, error) {
			j, err := submit(ctx, s, u.Clock, r.id, job.Upload, r.input)
			return Accepted{JobID: r.id, Status: j.Status}, err
		}, nil
	})
	accepted = err == nil && a.JobID == r.id
	return a, err
}

// Discard removes what a received upload has kept.
func (u *Upload) Discard(r ReceivedUpload) { u.discard(r.id, len(r.input.Files)+1) }

func (u *Upload) discard(id string, files int) {
	for i := range files {
		if err := u.Artifacts.Remove(ports.Uploads, keptName(id, i)); err != nil {
			u.Log.Warn("a file of an upload could not be removed; the next start will try again", "job", id, "error", err)
		}
	}
}

// PriceBins are the price categories of a database, which it got when the
// first upload was stored, or else those asked for (nil: the default). Others
// than the database's are a Conflict: they are part of what is stored.
func PriceBins(ctx context.Context, settings ports.Settings, asked *string) (bins catalog.Bins, stored bool, err error) {
	bins = catalog.DefaultBins()
	if asked != nil {
		if bins, err = catalog.ParseBins(*asked); err != nil {
			return bins, false, err
		}
	}
	text, stored, err := settings.Setting(ctx, priceBinsSetting)
	if err != nil || !stored {
		return bins, false, fault.Wrap("app.PriceBins", err)
	}
	if asked != nil && bins.String() != text {
		return bins, true, fault.New(fault.Conflict, "price_bins_differ",
			"PRICE_CATEGORY_BINS asks for %s, but this database was made with %s; set these, or begin a new database", bins, text).
			With("asked", bins.String()).With("stored", text)
	}
	bins, err = catalog.ParseBins(text)
	return bins, true, fault.Wrap("app.PriceBins", err)
}

const priceBinsSetting = "price_category_bins"
