package httpapi

import (
	"context"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/plastinka/predictor/domain/job"
)

// LenientBool is a boolean of a query or a form, as old clients write it.
type LenientBool string

// Schema documents it as what it means.
func (LenientBool) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: "string", Description: "true/false, 1/0, yes/no, on/off, t/f, y/n in any case",
		Pattern: `^(?i)(|true|false|1|0|yes|no|on|off|t|f|y|n)$`}
}

// Or is the value, def if it was not given.
func (b LenientBool) Or(def bool) bool {
	switch strings.ToLower(string(b)) {
	case "true", "1", "yes", "on", "t", "y":
		return true
	case "false", "0", "no", "off", "f", "n":
		return false
	}
	return def
}

type resultInput struct {
	ID string `path:"id" maxLength:"200"`
}

func (s *Service) registerResults() {
	for _, kind := range []job.Type{job.Training, job.Tuning, job.Backtest} {
		base := "/api/v1/results/" + string(kind)
		huma.Register(s.api, key(huma.Operation{OperationID: "list-results-" + string(kind), Method: http.MethodGet, Path: base, Tags: []string{"results"},
			Summary: "The results of " + string(kind) + " jobs, newest first", Errors: []int{http.StatusUnprocessableEntity}}),
			func(ctx context.Context, in *limitInput) (*Body[[]Result], error) {
				stored, err := s.app.DB.Results().Results(ctx, kind, in.Limit)
				return answer(each(stored, resultView), err)
			})
		huma.Register(s.api, key(huma.Operation{OperationID: "get-result-" + string(kind), Method: http.MethodGet, Path: base + "/{id}", Tags: []string{"results"},
			Summary: "A result of a " + string(kind) + " job", Errors: []int{http.StatusNotFound}}),
			func(ctx context.Context, in *resultInput) (*Body[Result], error) {
				r, err := s.app.DB.Results().Result(ctx, kind, in.ID)
				v := resultView(r)
				v.Body = r.Body
				return answer(v, err)
			})
	}
}
