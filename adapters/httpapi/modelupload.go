package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/plastinka/predictor/app"
	"github.com/plastinka/predictor/domain/fault"
)

func (s *Service) registerModelFiles() {
	form := formSchema(map[string]*huma.Schema{
		"model_file":       fileSchema("the model, ONNX"),
		"model_id":         textSchema("a new id, 1 to 200 characters; it may stand in metadata instead", ""),
		"job_id":           textSchema("the job that made it; a completed manual_upload job is made if absent", ""),
		"is_active":        textSchema("make it the active model; false if absent", ""),
		"created_at":       textSchema("RFC 3339; now if absent", ""),
		"description":      textSchema("for people", ""),
		"version":          textSchema("for people", ""),
		"tags":             textSchema("comma-separated", ""),
		"training_metrics": textSchema("a JSON object of numbers", ""),
		"source_job_id":    textSchema("a job elsewhere", ""),
		"metadata":         textSchema("a JSON object with any of the members above but model_file; fields of the form come first", ""),
	}, "model_file")
	registerForm(s, key(huma.Operation{OperationID: "upload-model", Method: http.MethodPost, Path: modelsPath + "/upload", Tags: []string{"models"},
		Summary:     "Bring a model",
		Description: "The file must be a model that this program can load. A known id is 409, and nothing is overwritten.",
		Errors: []int{http.StatusBadRequest, http.StatusRequestTimeout, http.StatusConflict, http.StatusRequestEntityTooLarge,
			http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity},
		DefaultStatus: http.StatusOK}), form, s.uploadModel)
	huma.Register(s.api, key(huma.Operation{OperationID: "model-file", Method: http.MethodGet, Path: modelsPath + "/{id}/file", Tags: []string{"models"},
		Summary: "The model's file", Errors: []int{http.StatusNotFound},
		Responses: map[string]*huma.Response{"200": {Description: "the ONNX file", Content: map[string]*huma.MediaType{
			"application/octet-stream": {Schema: &huma.Schema{Type: "string", Format: "binary"}}}}}}), s.modelFile)
}

func (s *Service) modelFile(ctx context.Context, in *idInput) (*huma.StreamResponse, error) {
	path, err := s.app.Models.File(ctx, in.ID)
	if err != nil {
		return nil, problem(err)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, problem(fault.New(fault.NotFound, "not_found", "the file of the model is gone").Because(err))
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		defer f.Close()
		r, w := humago.Unwrap(hc)
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Header().Set("Content-Disposition", `attachment; filename="model.onnx"`)
		http.ServeContent(w, r, "", time.Time{}, f)
	}}, nil
}

type modelUploadInput struct {
	withContext
}

// modelFields are what is said about a model, in one JSON object.
type modelFields struct {
	ID          string         `json:"model_id"`
	JobID       string         `json:"job_id"`
	Active      any            `json:"is_active"`
	CreatedAt   string         `json:"created_at"`
	Description string         `json:"description"`
	Version     string         `json:"version"`
	Tags        []string       `json:"tags"`
	Metrics     map[string]any `json:"training_metrics"`
	SourceJobID string         `json:"source_job_id"`
}

func (s *Service) uploadModel(ctx context.Context, in *modelUploadInput) (*Body[Model], error) {
	r, _ := humago.Unwrap(in.ctx)
	f, err := s.readForm(r, 1, "model_file")
	defer f.discard()
	if err != nil {
		return nil, err
	}
	u, err := uploadedModel(f)
	if err != nil {
		return nil, err
	}
	m, err := s.app.Models.Add(ctx, u)
	if err != nil {
		return nil, problem(refusedFile(err))
	}
	return answer(modelView(m), nil)
}

// uploadedModel is the form as the use case knows it.
func uploadedModel(f *form) (u app.UploadedModel, err error) {
	fields := f.modelFields()
	u = app.UploadedModel{ID: strings.TrimSpace(fields.ID), JobID: strings.TrimSpace(fields.JobID)}
	if len(f.files) == 1 {
		u.File, u.FileName = f.files[0].path, f.files[0].name
	} else {
		f.refuse("model_file", "a model file is needed", "missing")
	}
	odd := strings.ContainsFunc(u.ID, unicode.IsControl) || !utf8.ValidString(u.ID)
	switch n := utf8.RuneCountInString(u.ID); {
	case n == 0:
		f.refuse("model_id", "an id is needed", "missing")
	case n > 200 || odd:
		f.refuse("model_id", "must be 1 to 200 characters without control characters", "value_error")
	}
	switch v := fields.Active.(type) {
	case bool:
		u.Active = v
	case string:
		b := LenientBool(strings.TrimSpace(v))
		if !b.valid() {
			f.refuse("is_active", "must be true or false", "bool_parsing")
		}
		u.Active = b.Or(false)
	case nil:
	default:
		f.refuse("is_active", "must be true or false", "bool_parsing")
	}
	if text := strings.TrimSpace(fields.CreatedAt); text != "" {
		at, ok := instant(text)
		if !ok || at.Year() < 1950 || at.Year() > 9999 {
			f.refuse("created_at", "must be a time, such as 2026-01-31T12:00:00Z", "datetime_parsing")
		}
		u.CreatedAt = &at
	}
	u.Metadata = app.ModelMetadata{Description: fields.Description, Version: fields.Version, Tags: fields.Tags,
		Metrics: map[string]float64{}, SourceJobID: fields.SourceJobID}
	for name, v := range fields.Metrics {
		switch v := v.(type) {
		case float64:
			u.Metadata.Metrics[name] = v
		case nil: // not a finite number
		default:
			f.refuse("training_metrics", "must be an object of numbers", "value_error")
		}
	}
	return u, f.check()
}

// modelFields are the metadata field, overruled by the form's own fields.
func (f *form) modelFields() (m modelFields) {
	if text := f.value("metadata"); strings.TrimSpace(text) != "" {
		if json.Unmarshal([]byte(text), &m) != nil {
			f.refuse("metadata", "must be a JSON object with the members of the form", "value_error")
		}
	}
	for name, into := range map[string]*string{"model_id": &m.ID, "job_id": &m.JobID, "created_at": &m.CreatedAt,
		"description": &m.Description, "version": &m.Version, "source_job_id": &m.SourceJobID} {
		if v := f.value(name); v != "" {
			*into = v
		}
	}
	if v := f.value("is_active"); v != "" {
		m.Active = v
	}
	if lists := f.fields["tags"]; len(lists) > 0 {
		m.Tags = []string{}
		for _, list := range lists {
			for tag := range strings.SplitSeq(list, ",") {
				if tag = strings.TrimSpace(tag); tag != "" {
					m.Tags = append(m.Tags, tag)
				}
			}
		}
	}
	if text := f.value("training_metrics"); strings.TrimSpace(text) != "" {
		m.Metrics = nil
		if json.Unmarshal([]byte(text), &m.Metrics) != nil {
			f.refuse("training_metrics", "must be a JSON object of numbers", "value_error")
		}
	}
	if m.Tags == nil {
		m.Tags = []string{}
	}
	return m
}
