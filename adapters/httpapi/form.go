package httpapi

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"slices"

	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/ports"
)

// The limits of a form's fields that are no files.
const (
	maxField  = 64 << 10 // bytes
	maxFields = 1000
)

// form is a multipart form whose files are streamed to the data root as they
// come, in any order; none is held in memory.
type form struct {
	s      *Service
	r      *http.Request
	wanted []string // names of the fields that are files
	most   int      // files

	fields map[string][]string // what is no file, by name
	files  []formFile
	wrong  []Violation
}

// formFile is a file of a form.
type formFile struct {
	field, name string // name as the client gave it; it never becomes a path
	kept        string // among the uploads
	path        string
	digest      string // SHA-256, in hexadecimal
}

// readForm reads a form. Its files are kept until discard.
func (s *Service) readForm(r *http.Request, most int, wanted ...string) (*form, error) {
	f := &form{s: s, r: r, wanted: wanted, most: most, fields: map[string][]string{}}
	parts, err := r.MultipartReader()
	if err != nil {
		return f, problemStatus(http.StatusUnsupportedMediaType, "send the request as multipart/form-data with a boundary")
	}
	for n := 0; ; n++ {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return f, nil
		}
		if err != nil {
			return f, brokenBody(f.r, err, "the form is broken off")
		}
		if n >= maxFields {
			return f, invalid(Violation{Loc: []any{"body"}, Msg: "the form has too many fields", Type: "value_error"})
		}
		if err := f.part(part); err != nil {
			return f, err
		}
	}
}

func (f *form) part(part *multipart.Part) error {
	name := part.FormName()
	if !slices.Contains(f.wanted, name) {
		value, err := io.ReadAll(io.LimitReader(part, maxField+1))
		if err != nil {
			return brokenBody(f.r, err, "the form is broken off")
		}
		if len(value) > maxField {
			f.refuse(name, "is longer than a field may be", "value_error")
			value = nil
		}
		f.fields[name] = append(f.fields[name], string(value))
		return nil
	}
	if part.FileName() == "" {
		f.refuse(name, "must be a file", "value_error")
		return nil
	}
	if len(f.files) >= f.most {
		return problem(fault.New(fault.TooLarge, "too_many_files", "at most %d files are taken at once", f.most))
	}
	file := formFile{field: name, name: part.FileName(), kept: "incoming-" + randomID()}
	sum := sha256.New()
	err := f.s.app.Uploads.Artifacts.Save(ports.Uploads, file.kept, func(to io.Writer) error {
		_, err := io.Copy(io.MultiWriter(to, sum), part)
		return err
	})
	if err != nil {
		return brokenBody(f.r, err, "the form is broken off")
	}
	file.digest = hex.EncodeToString(sum.Sum(nil))
	file.path, err = f.s.app.Artifacts.Path(ports.Uploads, file.kept)
	f.files = append(f.files, file)
	return err
}

// discard removes the files that were kept, unless somebody has moved them.
func (f *form) discard() {
	for _, file := range f.files {
		if err := f.s.app.Artifacts.Remove(ports.Uploads, file.kept); err != nil {
			f.s.log.Warn("a file of a form could not be removed; the next start will try again", "file", file.kept, "error", err)
		}
	}
}

// value is the last value of a field; "" if there is none.
func (f *form) value(name string) string {
	values := f.fields[name]
	if len(values) == 0 {
		return ""
	}
	return values[len(values)-1]
}

// refuse notes what is wrong with a field; check is the error of all of them.
func (f *form) refuse(field, msg, kind string) {
	f.wrong = append(f.wrong, Violation{Loc: []any{"body", field}, Msg: msg, Type: kind})
}

func (f *form) check() error {
	if len(f.wrong) == 0 {
		return nil
	}
	return invalid(f.wrong...)
}

func problemStatus(status int, detail string) error {
	return &Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail,
		Err: ProblemBody{Code: codeOf(status), Message: detail, Details: map[string]any{}}}
}
