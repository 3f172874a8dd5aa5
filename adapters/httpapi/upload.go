package httpapi

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/plastinka/predictor/app"
	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/job"
)

type uploadInput struct {
	withContext
	Idempotency string `header:"Idempotency-Key" maxLength:"255" doc:"makes the submission safe to repeat: it returns the first answer"`
}

func (s *Service) registerUpload() {
	form := formSchema(map[string]*huma.Schema{
		"stock_file":          fileSchema("the stock file: xlsx, xls or csv"),
		"sales_files":         {Type: "array", Items: fileSchema(""), MinItems: new(1), Description: "the sales files, one or more"},
		"overwrite":           textSchema("replace months that are stored with other content; false if absent", ""),
		"snapshot_date":       textSchema("the day at whose start the stock file was taken, YYYY-MM-DD; inferred from the files if absent", ""),
		"empty_months":        textSchema("months in which the shop was closed, YYYY-MM, comma-separated", ""),
		"allow_late_snapshot": textSchema("accept a stock file taken long after the last month; false if absent", ""),
	}, "stock_file", "sales_files")
	registerForm(s, key(huma.Operation{OperationID: "submit-upload", Method: http.MethodPost, Path: "/api/v1/jobs/data-upload", Tags: []string{"jobs"},
		Summary: "Upload a stock file and sales files",
		Description: "The files are checked at once (container, sheets, columns): one that cannot be used is 400 validation_error with its name, index and the exact code in the details. " +
			"Then they are processed as a job, whose result accounts for every row.",
		Errors:        []int{http.StatusBadRequest, http.StatusRequestTimeout, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity},
		DefaultStatus: http.StatusOK}), form, s.submitUpload)
}

func (s *Service) submitUpload(ctx context.Context, in *uploadInput) (*Body[Submitted], error) {
	r, _ := humago.Unwrap(in.ctx)
	f, err := s.readForm(r, s.opts.MaxFiles, "stock_file", "sales_files")
	defer f.discard()
	if err != nil {
		return nil, err
	}
	request, err := uploadRequest(f)
	if err != nil {
		return nil, err
	}
	received, err := s.app.Uploads.Receive(ctx, request)
	if err != nil {
		return nil, problem(refusedFile(err))
	}
	a, err := s.app.Uploads.Submit(ctx, received, app.UploadSubmission{Repeat: s.repeat(job.Upload, in.Idempotency)})
	s.wake(err)
	return answer(Submitted{JobID: a.JobID, Status: string(a.Status)}, err)
}

// uploadRequest is the form as the use case knows it.
func uploadRequest(f *form) (app.UploadRequest, error) {
	var request app.UploadRequest
	stock := 0
	for _, file := range f.files {
		incoming := app.IncomingFile{Name: file.name, Kept: file.path, SHA256: file.digest}
		if file.field == "stock_file" {
			stock++
			request.Stock = incoming
		} else {
			request.Sales = append(request.Sales, incoming)
		}
	}
	if stock != 1 {
		f.refuse("stock_file", "one stock file is needed, not "+strconv.Itoa(stock), "missing")
	}
	if len(request.Sales) == 0 {
		f.refuse("sales_files", "at least one sales file is needed", "missing")
	}
	o := &request.Options
	o.Overwrite = f.boolean("overwrite")
	o.AllowLate = f.boolean("allow_late_snapshot")
	if text := strings.TrimSpace(f.value("snapshot_date")); text != "" {
		if d, err := calendar.ParseDay(trimDay(text)); err == nil {
			o.Snapshot = &d
		} else {
			f.refuse("snapshot_date", "must be a day, YYYY-MM-DD", "date_parsing")
		}
	}
	for _, list := range f.fields["empty_months"] {
		for text := range strings.SplitSeq(list, ",") {
			if text = strings.TrimSpace(text); text == "" {
				continue
			}
			m, err := calendar.ParseMonth(trimDay(text))
			if err != nil {
				f.refuse("empty_months", err.Error(), "date_parsing")
				continue
			}
			o.EmptyMonths = append(o.EmptyMonths, m)
		}
	}
	return request, f.check()
}

// boolean is a field that is false unless it says otherwise.
func (f *form) boolean(name string) bool {
	b := LenientBool(strings.TrimSpace(f.value(name)))
	if !b.valid() {
		f.refuse(name, "must be true or false", "bool_parsing")
	}
	return b.Or(false)
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

// fileSchema and textSchema are fields of a form.
func fileSchema(doc string) *huma.Schema {
	return &huma.Schema{Type: "string", Format: "binary", ContentEncoding: "binary", Description: doc}
}

func textSchema(doc, pattern string) *huma.Schema {
	return &huma.Schema{Type: "string", Description: doc, Pattern: pattern}
}

func formSchema(properties map[string]*huma.Schema, required ...string) *huma.Schema {
	return &huma.Schema{Type: "object", Required: required, AdditionalProperties: true, Properties: properties}
}

// registerForm registers an operation that takes a multipart form. The form is
// documented once the operation is registered: Huma would read a body that it
// knows of, and hold it in memory.
func registerForm[I, O any](s *Service, op huma.Operation, form *huma.Schema, handler func(context.Context, *I) (*O, error)) {
	huma.Register(s.api, op, handler)
	s.api.OpenAPI().Paths[op.Path].Post.RequestBody = &huma.RequestBody{Required: true,
		Content: map[string]*huma.MediaType{"multipart/form-data": {Schema: form}}}
}
