package httpapi

import (
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
)

// complete adds to the description what is true of every operation, so that no
// operation can forget it: the errors of the layers around it, and the headers
// that clients act on.
func (s *Service) complete() {
	api := s.OpenAPI()
	problem := &huma.MediaType{Schema: api.Components.Schemas.Schema(typeOf[Problem](), true, "Problem")}
	requestID := &huma.Param{Description: "the request's id, taken from the request or made", Schema: &huma.Schema{Type: "string"}}
	for _, item := range api.Paths {
		for _, op := range []*huma.Operation{item.Get, item.Post} {
			if op == nil {
				continue
			}
			delete(op.Responses, "default") // all of them are named
			for _, status := range alwaysPossible(op) {
				text := strconv.Itoa(status)
				if op.Responses[text] == nil {
					op.Responses[text] = &huma.Response{Description: http.StatusText(status), Content: map[string]*huma.MediaType{"application/problem+json": problem}}
				}
			}
			for status, r := range op.Responses {
				if r.Headers == nil {
					r.Headers = map[string]*huma.Param{}
				}
				r.Headers[requestIDHeader] = requestID
				switch status {
				case "429":
					r.Headers["Retry-After"] = &huma.Param{Description: "seconds", Schema: &huma.Schema{Type: "integer"}}
				case "401":
					r.Headers["WWW-Authenticate"] = &huma.Param{Description: "what is accepted", Schema: &huma.Schema{Type: "string"}}
				}
			}
		}
	}
}

// alwaysPossible are the errors that do not depend on what an operation does.
func alwaysPossible(op *huma.Operation) []int {
	list := []int{http.StatusInternalServerError, http.StatusServiceUnavailable}
	if len(op.Security) > 0 {
		list = append(list, http.StatusUnauthorized, http.StatusTooManyRequests)
	}
	if len(op.Parameters) > 0 {
		list = append(list, http.StatusUnprocessableEntity)
	}
	if op.RequestBody != nil {
		list = append(list, http.StatusRequestTimeout, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity)
	}
	return list
}
