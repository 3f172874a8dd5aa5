package emulator

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	iam "github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// audience is what a JSON web token must be meant for.
const audience = "https://iam.api.cloud.yandex.net/iam/v1/tokens"

// authorize refuses a call without a token that was given out and is valid.
func (e *Emulator) authorize(ctx context.Context, method string) error {
	if called(method) == "Token" {
		return nil
	}
	md, _ := metadata.FromIncomingContext(ctx)
	for _, header := range md.Get("authorization") {
		if token, ok := strings.CutPrefix(header, "Bearer "); ok {
			e.mu.Lock()
			end, known := e.tokens[token]
			e.mu.Unlock()
			if known && e.options.Now().Before(end) {
				return nil
			}
		}
	}
	return status.Error(codes.Unauthenticated, "The token is invalid or has expired")
}

// issue gives out a token.
func (e *Emulator) issue() (token string, until time.Time) {
	token, until = random("t1."), e.options.Now().Add(e.options.TokenLife)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.tokens[token] = until
	e.issued++
	return token, until
}

// Issued is how many tokens were given out.
func (e *Emulator) Issued() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.issued
}

// Revoke makes all tokens invalid that were given out so far.
func (e *Emulator) Revoke() {
	e.mu.Lock()
	defer e.mu.Unlock()
	clear(e.tokens)
}

// tokenService is IAM.
type tokenService struct {
	iam.UnimplementedIamTokenServiceServer
	e *Emulator
}

func (s *tokenService) Create(_ context.Context, req *iam.CreateIamTokenRequest) (*iam.CreateIamTokenResponse, error) {
	switch {
	case req.GetYandexPassportOauthToken() != "":
	case req.GetJwt() != "":
		if err := s.e.checkJWT(req.GetJwt()); err != nil {
			return nil, err
		}
	default:
		return nil, status.Error(codes.InvalidArgument, "identity is required")
	}
	token, until := s.e.issue()
	return &iam.CreateIamTokenResponse{IamToken: token, ExpiresAt: timestamppb.New(until)}, nil
}

func (e *Emulator) checkJWT(token string) error {
	refused := status.Error(codes.Unauthenticated, "The JWT is not acceptable")
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return refused
	}
	var claims struct {
		Issuer   string `json:"iss"`
		Expires  int64  `json:"exp"`
		Audience any    `json:"aud"`
	}
	body, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil || json.Unmarshal(body, &claims) != nil || claims.Issuer == "" || claims.Expires <= e.options.Now().Unix() {
		return refused
	}
	if list, ok := claims.Audience.([]any); claims.Audience != audience && !(ok && slices.Contains(list, any(audience))) {
		return refused
	}
	if e.options.Key == nil {
		return nil
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if err != nil || rsa.VerifyPSS(e.options.Key, crypto.SHA256, digest[:], signature, nil) != nil {
		return refused
	}
	return nil
}

// metadataToken is the metadata service's answer inside a virtual machine.
func (e *Emulator) metadataToken(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Metadata-Flavor") != "Google" {
		http.Error(w, "Metadata-Flavor is missing", http.StatusForbidden)
		return
	}
	token, until := e.issue()
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"access_token": token, "token_type": "Bearer",
		"expires_in": int(until.Sub(e.options.Now()) / time.Second)})
}
