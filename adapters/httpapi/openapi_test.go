package httpapi_test

import (
	"encoding/json"
	"flag"
	"log/slog"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/stretchr/testify/require"

	"github.com/plastinka/predictor/adapters/httpapi"
	"github.com/plastinka/predictor/app"
	"github.com/plastinka/predictor/domain/job"
)

var update = flag.Bool("update", false, "write openapi.yaml anew")

// described is a service that is only asked for its description.
func described(version string) *httpapi.Service {
	return httpapi.New(&app.App{Clock: &clock{}}, httpapi.Options{Version: version, Log: slog.New(slog.DiscardHandler),
		Refractory: func(job.Type) time.Duration { return 0 }})
}

// TestOpenAPIIsFresh: the committed description is the service's own. After a
// change: go test ./adapters/httpapi -run OpenAPI -update, and read the diff.
func TestOpenAPIIsFresh(t *testing.T) {
	text, err := described("devel").Describe("yaml", "3.1")
	require.NoError(t, err)
	if *update {
		require.NoError(t, os.WriteFile("openapi.yaml", text, 0o644))
	}
	committed, err := os.ReadFile("openapi.yaml")
	require.NoError(t, err)
	require.Equal(t, string(committed), string(text), "openapi.yaml is stale; run the test with -update")
}

// TestOpenAPIVersions: 3.1 and 3.0, as JSON and YAML, all of the same paths.
func TestOpenAPIVersions(t *testing.T) {
	s := described("devel")
	for _, version := range []string{"3.1", "3.0"} {
		text, err := s.Describe("json", version)
		require.NoError(t, err)
		var v struct {
			OpenAPI string         `json:"openapi"`
			Paths   map[string]any `json:"paths"`
		}
		require.NoError(t, json.Unmarshal(text, &v))
		require.True(t, strings.HasPrefix(v.OpenAPI, version), v.OpenAPI)
		require.Len(t, v.Paths, len(s.OpenAPI().Paths))
		y, err := s.Describe("yaml", version)
		require.NoError(t, err)
		require.Contains(t, string(y), "openapi: "+v.OpenAPI)
		if version == "3.0" {
			require.NotRegexp(t, `"type":\s*\[`, string(text), "lists of types are 3.1's")
		}
	}
}

// TestOpenAPISaysEverything: every operation has words, its access, its errors
// in the one shape, and takes unknown members.
func TestOpenAPISaysEverything(t *testing.T) {
	s := described("devel")
	api := s.OpenAPI()
	ids := map[string]bool{}
	operations(api, func(method, path string, op *huma.Operation) {
		name := method + " " + path
		require.False(t, ids[op.OperationID], name)
		ids[op.OperationID] = true
		require.NotEmpty(t, op.Summary, name)
		require.NotEmpty(t, op.Tags, name)
		require.NotNil(t, op.Security, "%s: an open operation says so", name)
		for status, r := range op.Responses {
			n, err := strconv.Atoi(status)
			require.NoError(t, err, name)
			require.NotEmpty(t, r.Description, name)
			require.Contains(t, r.Headers, "X-Request-Id", name)
			if n >= 400 && path != "/health" {
				require.NotNil(t, r.Content["application/problem+json"], "%s %d", name, n)
				require.Equal(t, "#/components/schemas/Problem", r.Content["application/problem+json"].Schema.Ref)
			}
			if n == 429 {
				require.Contains(t, r.Headers, "Retry-After")
			}
		}
		success := op.Responses["200"]
		if op.OperationID == "set-yandex-token" {
			success = op.Responses["204"]
		}
		require.NotNil(t, success, "%s: success is 200", name)
		for _, p := range op.Parameters {
			require.True(t, p.Description != "" || p.Schema.Description != "" || p.Schema.Enum != nil || p.In == "path" || p.Name == "limit" || p.Name == "cursor", "%s: %s", name, p.Name)
		}
		if op.RequestBody != nil {
			for _, c := range op.RequestBody.Content {
				schema := c.Schema
				if schema.Ref != "" {
					schema = api.Components.Schemas.SchemaFromRef(schema.Ref)
				}
				require.Equal(t, true, schema.AdditionalProperties, "%s: unknown members are ignored", name)
				for member, p := range schema.Properties {
					require.True(t, p.Description != "" || p.Enum != nil, "%s: %s", name, member)
				}
			}
		}
	})
	// Patterns are read by other programs than Go's.
	text, err := s.Describe("json", "3.1")
	require.NoError(t, err)
	require.NotContains(t, string(text), "(?i)")
	require.NotRegexp(t, regexp.MustCompile(`"\$schema"`), string(text))
}

// TestOpenAPIIsServed: as the service answers it.
func TestOpenAPIIsServed(t *testing.T) {
	h := newHouse(t, change{})
	for path, kind := range map[string]string{"/openapi.json": "application/json", "/openapi.yaml": "application/yaml", "/openapi-3.0.json": "application/json"} {
		a := h.ask(t, "GET", path, nil, anonymous...)
		require.Equal(t, 200, a.StatusCode)
		require.Equal(t, kind, a.Header.Get("Content-Type"))
		require.Contains(t, a.body, "/api/v1/jobs/data-upload")
	}
}
