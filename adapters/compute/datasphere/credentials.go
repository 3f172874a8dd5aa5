package datasphere

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"time"

	iam "github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1"
	"github.com/yandex-cloud/go-sdk/v2/credentials"
	"google.golang.org/grpc/codes"

	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/ports"
)

// Credentials are where tokens may come from, in the order of their use.
type Credentials struct {
	IAMToken string
	KeyFile  string        // of a service account; read again for each token
	Metadata string        // host:port of the metadata service; "": there is none
	OAuth    func() string // the newest OAuth token, "" if there is none; may be nil
}

// How long before its end a token is not used any more, and for how long a
// metadata service that does not answer is taken as absent.
const (
	tokenMargin    = time.Minute
	metadataAbsent = 5 * time.Minute
	metadataLimit  = 2 * time.Second
)

// tokens gives out a valid IAM token. What was refused is not tried again: if
// the given token has expired, the next source has its turn.
type tokens struct {
	from     Credentials
	clock    ports.Clock
	log      *slog.Logger
	exchange func(context.Context, *iam.CreateIamTokenRequest) (*iam.CreateIamTokenResponse, error)
	http     *http.Client

	mu      sync.Mutex
	current string
	until   time.Time
	bad     map[string]bool // tokens of either kind that were refused
	absent  time.Time       // until when the metadata service is not asked
	warned  bool
}

// token is a token that is valid for a while.
func (t *tokens) token(ctx context.Context) (string, error) {
	t.mu.Lock() // one exchange serves all
	defer t.mu.Unlock()
	if t.current != "" && t.clock.Now().Before(t.until) {
		return t.current, nil
	}
	t.current = ""
	var reasons []string
	for _, source := range []func(context.Context) (string, time.Time, error){t.given, t.fromKey, t.fromMetadata, t.fromOAuth} {
		token, end, err := source(ctx)
		switch {
		case err != nil && codeOf(err) != codes.Unauthenticated && codeOf(err) != codes.InvalidArgument:
			return "", translate(ctx, "asking for a token", err) // an outage: the same source will do later
		case err != nil:
			reasons = append(reasons, err.Error())
		case token != "":
			t.current, t.until = token, t.shortened(end)
			return token, nil
		}
	}
	advice := "set YC_SERVICE_ACCOUNT_KEY_FILE, or give a token by POST /auth/yc-token"
	if len(reasons) > 0 {
		return "", fault.New(fault.Unauthenticated, "yc_unauthenticated", "the credentials for Yandex Cloud are refused (%s); %s", reasons[0], advice)
	}
	return "", fault.New(fault.Unauthenticated, "yc_unauthenticated", "there are no valid credentials for Yandex Cloud; %s", advice)
}

// shortened is the end of a token's use: a minute before its own, or a fifth of
// its life if that is short.
func (t *tokens) shortened(end time.Time) time.Time {
	return end.Add(-min(tokenMargin, end.Sub(t.clock.Now())/5))
}

// refused takes note that the service does not take a token (any more).
func (t *tokens) refused(token string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.bad[token] = true
	if t.current == token {
		t.current = ""
	}
}

func (t *tokens) given(context.Context) (string, time.Time, error) {
	if t.from.IAMToken == "" {
		return "", time.Time{}, nil
	}
	if t.bad[t.from.IAMToken] {
		return "", time.Time{}, fault.New(fault.Unauthenticated, "yc_unauthenticated", "YC_IAM_TOKEN has expired or is wrong")
	}
	return t.from.IAMToken, t.clock.Now().Add(24 * time.Hour), nil // its end is not known; a refusal tells
}

func (t *tokens) fromKey(ctx context.Context) (string, time.Time, error) {
	if t.from.KeyFile == "" {
		return "", time.Time{}, nil
	}
	refuse := func(err error) error {
		return fault.New(fault.Unauthenticated, "yc_unauthenticated", "the service account's key file %s cannot be used: %v", t.from.KeyFile, err)
	}
	if _, err := os.Stat(t.from.KeyFile); err != nil {
		return "", time.Time{}, refuse(err)
	}
	key, err := credentials.ServiceAccountKeyFile(t.from.KeyFile)
	if err != nil {
		return "", time.Time{}, refuse(fmt.Errorf("it is not a key as yc iam key create writes it"))
	}
	exchangeable, ok := key.(credentials.ExchangeableCredentials)
	if !ok {
		return "", time.Time{}, refuse(fmt.Errorf("it is not a service account's"))
	}
	signed, err := exchangeable.IAMTokenRequest()
	if err != nil {
		return "", time.Time{}, refuse(err)
	}
	return t.ask(ctx, &iam.CreateIamTokenRequest{Identity: &iam.CreateIamTokenRequest_Jwt{Jwt: signed.Token}})
}

func (t *tokens) fromOAuth(ctx context.Context) (string, time.Time, error) {
	if t.from.OAuth == nil {
		return "", time.Time{}, nil
	}
	token := t.from.OAuth()
	if token == "" {
		return "", time.Time{}, nil
	}
	if t.bad[token] {
		return "", time.Time{}, fault.New(fault.Unauthenticated, "yc_unauthenticated", "the OAuth token is refused")
	}
	if !t.warned {
		t.warned = true
		t.log.Warn("Yandex ends OAuth tokens in 2026: make a service account's key and set YC_SERVICE_ACCOUNT_KEY_FILE")
	}
	iamToken, end, err := t.ask(ctx, &iam.CreateIamTokenRequest{Identity: &iam.CreateIamTokenRequest_YandexPassportOauthToken{YandexPassportOauthToken: token}})
	if c := codeOf(err); err != nil && (c == codes.Unauthenticated || c == codes.InvalidArgument) {
		t.bad[token] = true
	}
	return iamToken, end, err
}

func (t *tokens) ask(ctx context.Context, req *iam.CreateIamTokenRequest) (string, time.Time, error) {
	answer, err := t.exchange(ctx, req)
	if err != nil {
		return "", time.Time{}, err
	}
	if answer.ExpiresAt == nil { // an exchange per call would be the alternative
		return answer.IamToken, t.clock.Now().Add(time.Hour), nil
	}
	return answer.IamToken, answer.ExpiresAt.AsTime(), nil
}

// fromMetadata asks the service that a virtual machine in the cloud has. One
// that cannot be reached is none.
func (t *tokens) fromMetadata(ctx context.Context) (string, time.Time, error) {
	none := func() (string, time.Time, error) { return "", time.Time{}, nil }
	if t.from.Metadata == "" || t.clock.Now().Before(t.absent) {
		return none()
	}
	limited, cancel := context.WithTimeout(ctx, metadataLimit)
	defer cancel()
	req, err := http.NewRequestWithContext(limited, http.MethodGet, "http://"+t.from.Metadata+"/computeMetadata/v1/instance/service-accounts/default/token", nil)
	if err != nil {
		return none()
	}
	req.Header.Set("Metadata-Flavor", "Google")
	var answer struct {
		AccessToken string `json:"access_token"`
		ExpiresIn   int    `json:"expires_in"` // seconds
	}
	resp, err := t.http.Do(req)
	if err == nil {
		defer resp.Body.Close()
		if resp.StatusCode == http.StatusOK {
			err = json.NewDecoder(http.MaxBytesReader(nil, resp.Body, 1<<20)).Decode(&answer)
		}
	}
	if ctx.Err() != nil {
		return "", time.Time{}, ctx.Err()
	}
	if err != nil || answer.AccessToken == "" {
		t.absent = t.clock.Now().Add(metadataAbsent)
		return none()
	}
	return answer.AccessToken, t.clock.Now().Add(time.Duration(answer.ExpiresIn) * time.Second), nil
}
