package httpapi

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"

	"github.com/plastinka/predictor/domain/fault"
)

// registerDocuments serves the description of the API and its page. They are
// plain handlers: a description does not describe itself.
func (s *Service) registerDocuments(mux *http.ServeMux) {
	for path, d := range map[string]struct {
		mediaType string
		make      func(*huma.OpenAPI) ([]byte, error)
	}{
		"/openapi.json":     {"application/json", (*huma.OpenAPI).MarshalJSON},
		"/openapi.yaml":     {"application/yaml", (*huma.OpenAPI).YAML},
		"/openapi-3.0.json": {"application/json", (*huma.OpenAPI).Downgrade},
	} {
		text := sync.OnceValues(func() ([]byte, error) { return d.make(s.OpenAPI()) })
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
			b, err := text()
			if err != nil {
				s.refuse(w, r, fault.Wrap("httpapi.openapi", err), "")
				return
			}
			w.Header().Set("Content-Type", d.mediaType)
			_, _ = w.Write(b)
		})
	}
	page := sync.OnceValues(func() (string, error) { return docsPage(s.OpenAPI()) })
	for _, path := range []string{"/docs", "/redoc"} {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
			if !s.mayReadDocs(w, r) {
				return
			}
			text, err := page()
			if err != nil {
				s.refuse(w, r, fault.Wrap("httpapi.docs", err), "")
				return
			}
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			w.Header().Set("Content-Security-Policy", docsPolicy())
			_, _ = w.Write([]byte(text))
		})
	}
}

// mayReadDocs asks for HTTP Basic, admin and the admin token.
func (s *Service) mayReadDocs(w http.ResponseWriter, r *http.Request) bool {
	if !s.opts.DocsSecurity {
		return true
	}
	var credentials []credential
	if user, password, ok := r.BasicAuth(); ok {
		if user != "admin" {
			password = "" // wrong, whatever it is
		}
		credentials = append(credentials, credential{schemeAdmin, password})
	}
	err := s.admit(r, credentials)
	if err == nil {
		return true
	}
	if fault.KindOf(err) == fault.Unauthenticated {
		err = fault.New(fault.Unauthenticated, "authentication_error", "the documentation asks for the user admin with the admin token")
	}
	s.refuse(w, r, err, "Basic")
	return false
}

//go:generate go test -count=1 -run TestOpenAPIIsFresh . -update

//go:embed docs.html
var docsHTML string

// docsPolicy allows the page its own style, by its digest, and nothing else.
func docsPolicy() string {
	_, style, _ := strings.Cut(docsHTML, "<style>")
	style, _, _ = strings.Cut(style, "</style>")
	sum := sha256.Sum256([]byte(style))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}

// docsOperation is an operation as the page shows it.
type docsOperation struct {
	Method, Path, ID, Summary, Description, Access string
	Parameters                                     []docsField
	Body                                           []docsField
	Answers                                        []docsAnswer
}

type docsField struct{ Name, In, Type, Doc string }

type docsAnswer struct {
	Status, Description string
	Fields              []docsField
}

// docsPage renders the description as one page that needs nothing from
// elsewhere.
func docsPage(api *huma.OpenAPI) (string, error) {
	t, err := template.New("docs").Parse(docsHTML)
	if err != nil {
		return "", err
	}
	byTag := map[string][]docsOperation{}
	var tags []string
	for _, path := range slices.Sorted(maps.Keys(api.Paths)) {
		item := api.Paths[path]
		for _, op := range []*huma.Operation{item.Get, item.Post} {
			if op == nil || op.Hidden {
				continue
			}
			tag := "other"
			if len(op.Tags) > 0 {
				tag = op.Tags[0]
			}
			if !slices.Contains(tags, tag) {
				tags = append(tags, tag)
			}
			byTag[tag] = append(byTag[tag], describe(api, op))
		}
	}
	slices.Sort(tags)
	var groups []struct {
		Name       string
		Operations []docsOperation
	}
	for _, tag := range tags {
		groups = append(groups, struct {
			Name       string
			Operations []docsOperation
		}{tag, byTag[tag]})
	}
	var b strings.Builder
	err = t.Execute(&b, map[string]any{"Title": api.Info.Title, "Version": api.Info.Version, "About": api.Info.Description, "Groups": groups})
	return b.String(), err
}

func describe(api *huma.OpenAPI, op *huma.Operation) docsOperation {
	d := docsOperation{Method: op.Method, Path: op.Path, ID: op.OperationID, Summary: op.Summary, Description: op.Description, Access: "open"}
	for _, requirement := range op.Security {
		if _, ok := requirement[schemeKey]; ok {
			d.Access = "API key or admin token"
			break
		}
		d.Access = "admin token"
	}
	for _, p := range op.Parameters {
		d.Parameters = append(d.Parameters, docsField{p.Name, p.In, typeName(p.Schema), doc(p.Schema, p.Description)})
	}
	if op.RequestBody != nil {
		for mediaType, content := range op.RequestBody.Content {
			d.Body = append(d.Body, fields(api, content.Schema, mediaType)...)
		}
	}
	for _, status := range slices.Sorted(maps.Keys(op.Responses)) {
		a := docsAnswer{Status: status, Description: op.Responses[status].Description}
		if content := op.Responses[status].Content["application/json"]; content != nil {
			a.Fields = fields(api, content.Schema, "")
		}
		d.Answers = append(d.Answers, a)
	}
	return d
}

// fields are the members of an object's schema, one level deep.
func fields(api *huma.OpenAPI, schema *huma.Schema, in string) (list []docsField) {
	schema = resolve(api, schema)
	if schema == nil {
		return nil
	}
	if schema.Type == "array" {
		return fields(api, schema.Items, in)
	}
	for _, name := range slices.Sorted(maps.Keys(schema.Properties)) {
		p := schema.Properties[name]
		list = append(list, docsField{name, in, typeName(p), doc(p, "")})
	}
	return list
}

func resolve(api *huma.OpenAPI, schema *huma.Schema) *huma.Schema {
	if schema != nil && schema.Ref != "" {
		return api.Components.Schemas.SchemaFromRef(schema.Ref)
	}
	return schema
}

func typeName(schema *huma.Schema) string {
	switch {
	case schema == nil:
		return ""
	case schema.Ref != "":
		return schema.Ref[strings.LastIndexByte(schema.Ref, '/')+1:]
	case schema.Type == "array":
		return typeName(schema.Items) + "[]"
	case schema.Format != "":
		return schema.Type + " (" + schema.Format + ")"
	}
	return schema.Type
}

func doc(schema *huma.Schema, text string) string {
	if schema == nil {
		return text
	}
	if text == "" {
		text = schema.Description
	}
	var parts []string
	if text != "" {
		parts = append(parts, text)
	}
	if len(schema.Enum) > 0 {
		words := make([]string, len(schema.Enum))
		for i, v := range schema.Enum {
			words[i], _ = v.(string)
		}
		parts = append(parts, "one of "+strings.Join(words, ", "))
	}
	if schema.Minimum != nil && schema.Maximum != nil {
		parts = append(parts, strconv.FormatFloat(*schema.Minimum, 'g', -1, 64)+" to "+strconv.FormatFloat(*schema.Maximum, 'g', -1, 64))
	}
	return strings.Join(parts, "; ")
}

// Describe is the API's description, of OpenAPI 3.1 or 3.0, as yaml or json.
func (s *Service) Describe(format, version string) ([]byte, error) {
	api := s.OpenAPI()
	switch {
	case format == "yaml" && version == "3.0":
		return api.DowngradeYAML()
	case format == "yaml":
		return api.YAML()
	case version == "3.0":
		return api.Downgrade()
	}
	return api.MarshalJSON()
}
