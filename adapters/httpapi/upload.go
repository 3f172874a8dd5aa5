package httpapi

import (
	"context"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/plastinka/predictor/app"
	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/job"
	"github.com/plastinka/predictor/ports"
)

// maxField is the largest form field that is not a file, bytes.
const maxField = 64 << 10

type uploadInput struct {
	withContext
	Idempotency string `header:"Idempotency-Key" maxLength:"255"`
}

func (s *Service) registerUpload() {
	str := func(doc string) *huma.Schema { return &huma.Schema{Type: "string", Description: doc, Nullable: true} }
	file := &huma.Schema{Type: "string", Format: "binary", ContentEncoding: "binary"}
	form := &huma.Schema{Type: "object", Required: []string{"stock_file", "sales_files"}, AdditionalProperties: true,
		Properties: map[string]*huma.Schema{
			"stock_file":          file,
			"sales_files":         {Type: "array", Items: file},
			"overwrite":           str("replace months that are stored with other content; false if absent"),
			"snapshot_date":       str("the day at whose start the stock file was taken, YYYY-MM-DD"),
			"empty_months":        str("months in which the shop was closed, YYYY-MM, comma-separated"),
			"allow_late_snapshot": str("accept a stock file taken long after the last month"),
		}}
	huma.Register(s.api, key(huma.Operation{OperationID: "submit-upload", Method: http.MethodPost, Path: uploadPath, Tags: []string{"jobs"},
		Summary:       "Upload a stock file and sales files",
		Description:   "The files are checked at once (format, sheets, columns) and processed as a job; its result accounts for every row.",
		Errors:        []int{http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity},
		DefaultStatus: http.StatusOK}), s.submitUpload)
	// Documented once registered: Huma would read a body that it knows of, and
	// hold it in memory.
	s.api.OpenAPI().Paths[uploadPath].Post.RequestBody = &huma.RequestBody{Required: true,
		Content: map[string]*huma.MediaType{"multipart/form-data": {Schema: form}}}
}

const uploadPath = "/api/v1/jobs/data-upload"

func (s *Service) submitUpload(ctx context.Context, in *uploadInput) (*Body[Submitted], error) {
	r, _ := humago.Unwrap(in.ctx)
	form := incomingForm{s: s, ctx: ctx}
	defer form.discard()
	if err := form.read(r); err != nil {
		return nil, err
	}
	received, err := s.app.Uploads.Receive(ctx, form.request)
	if err != nil {
		return nil, problem(refusedFile(err))
	}
	a, err := s.app.Uploads.Submit(ctx, received, app.UploadSubmission{Repeat: s.repeat(job.Upload, in.Idempotency)})
	s.wake(err)
	return answer(Submitted{JobID: a.JobID, Status: string(a.Status)}, err)
}

// refusedFile is what old clients expect of a file that cannot be used: a
// validation error, with the exact code among its details.
func refusedFile(err error) error {
	e := fault.Wrap("httpapi.upload", err).(*fault.Error)
	if e.Kind != fault.Invalid && e.Kind != fault.TooLarge || e.Details["filename"] == nil {
		return e
	}
	bad := fault.New(fault.Invalid, codeBadFile, "%s", e.Error())
	bad.Details = e.With("code", e.Code).Details
	return bad
}

// incomingForm streams a form's files to the data root: a form may bring them
// in any order, and none is held in memory.
type incomingForm struct {
	s       *Service
	ctx     context.Context
	request app.UploadRequest
	kept    []string
	stock   int
	wrong   []Violation
}

func (f *incomingForm) discard() {
	for _, name := range f.kept {
		if err := f.s.app.Artifacts.Remove(ports.Uploads, name); err != nil {
			f.s.log.Warn("a file of a refused upload could not be removed", "file", name, "error", err)
		}
	}
}

func (f *incomingForm) read(r *http.Request) error {
	form, err := r.MultipartReader()
	if err != nil {
		return problemStatus(http.StatusUnsupportedMediaType, "send the files as multipart/form-data")
	}
	for {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return f.s.broken(err)
		}
		if err := f.part(part); err != nil {
			return err
		}
	}
	if f.stock != 1 {
		f.refuse("stock_file", "one stock file is needed, not "+strconv.Itoa(f.stock), "missing")
	}
	if len(f.request.Sales) == 0 {
		f.refuse("sales_files", "at least one sales file is needed", "missing")
	}
	if len(f.wrong) > 0 {
		return invalid(f.wrong...)
	}
	return nil
}

func (f *incomingForm) refuse(field, msg, kind string) {
	f.wrong = append(f.wrong, Violation{Loc: []any{"body", field}, Msg: msg, Type: kind})
}

func (f *incomingForm) part(part *multipart.Part) error {
	name := part.FormName()
	if name != "stock_file" && name != "sales_files" {
		value, err := io.ReadAll(io.LimitReader(part, maxField))
		if err != nil {
			return f.s.broken(err)
		}
		if msg := option(&f.request.Options, name, strings.TrimSpace(string(value))); msg != "" {
			f.refuse(name, msg, "value_error")
		}
		return nil
	}
	if part.FileName() == "" {
		f.refuse(name, "must be a file", "value_error")
		return nil
	}
	if len(f.kept) >= f.s.opts.MaxFiles {
		return problem(fault.New(fault.TooLarge, "too_many_files", "at most %d files are taken at once", f.s.opts.MaxFiles))
	}
	kept := f.s.incomingName()
	err := f.s.app.Uploads.Artifacts.Save(ports.Uploads, kept, func(to io.Writer) error {
		_, err := io.Copy(to, part)
		return err
	})
	if err != nil {
		if isTooLarge(err) {
			return problem(tooLarge(f.s.opts.MaxUploadSize))
		}
		return f.s.broken(err)
	}
	f.kept = append(f.kept, kept)
	path, err := f.s.app.Artifacts.Path(ports.Uploads, kept)
	if err != nil {
		return problem(err)
	}
	file := app.IncomingFile{Name: part.FileName(), Open: func() (io.ReadCloser, error) { return os.Open(path) }}
	if name == "stock_file" {
		f.stock++
		f.request.Stock = file
	} else {
		f.request.Sales = append(f.request.Sales, file)
	}
	return nil
}

// incomingName is a fresh name for an incoming file.
func (s *Service) incomingName() string { return "incoming-" + randomID() }

func isTooLarge(err error) bool {
	var most *http.MaxBytesError
	return errors.As(err, &most)
}

// broken is the error of a form that cannot be read further.
func (s *Service) broken(err error) error {
	if isTooLarge(err) {
		return problem(tooLarge(s.opts.MaxUploadSize))
	}
	var e *fault.Error
	if errors.As(err, &e) && e.Kind != fault.Internal {
		return problem(e)
	}
	return invalid(Violation{Loc: []any{"body"}, Msg: "the form is broken off", Type: "value_error"})
}

// option reads one form field; unknown ones are ignored.
func option(o *app.UploadOptions, name, value string) (wrong string) {
	if value == "" {
		return ""
	}
	switch name {
	case "overwrite", "allow_late_snapshot":
		b := LenientBool(value)
		if b.Or(true) != b.Or(false) {
			return "must be true or false"
		}
		if name == "overwrite" {
			o.Overwrite = b.Or(false)
		} else {
			o.AllowLate = b.Or(false)
		}
	case "snapshot_date":
		d, err := day("snapshot_date", &value)
		if err != nil {
			return "must be a day, YYYY-MM-DD"
		}
		o.Snapshot = d
	case "empty_months":
		for text := range strings.SplitSeq(value, ",") {
			m, err := calendar.ParseMonth(strings.TrimSpace(text))
			if err != nil {
				return err.Error()
			}
			o.EmptyMonths = append(o.EmptyMonths, m)
		}
	}
	return ""
}

func problemStatus(status int, detail string) error {
	return &Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail,
		Err: ProblemBody{Code: codeOf(status), Message: detail, Details: map[string]any{}}}
}
