package httpapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

type tokenInput struct {
	Body struct {
		Token string `json:"token" pattern:"^y[0-3]_[A-Za-z0-9_-]+$" maxLength:"4096" example:"y0_AgAAAA" doc:"kept in memory until this process ends; never logged, never returned"`
	}
}

func (s *Service) registerToken() {
	huma.Register(s.api, admin(huma.Operation{OperationID: "set-yandex-token", Method: http.MethodPost, Path: "/auth/yc-token", Tags: []string{"admin"},
		Summary: "Set the Yandex OAuth token of this process", Errors: []int{http.StatusUnprocessableEntity}, DefaultStatus: http.StatusNoContent}),
		func(_ context.Context, in *tokenInput) (*struct{}, error) {
			if s.opts.KeepToken != nil {
				s.opts.KeepToken(in.Body.Token)
			}
			return nil, nil
		})
}
