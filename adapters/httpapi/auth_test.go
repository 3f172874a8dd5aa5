package httpapi_test

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/stretchr/testify/require"
)

// operations calls visit with every operation of the generated description.
func operations(api *huma.OpenAPI, visit func(method, path string, op *huma.Operation)) {
	for path, item := range api.Paths {
		for method, op := range map[string]*huma.Operation{"GET": item.Get, "POST": item.Post, "PUT": item.Put, "DELETE": item.Delete, "PATCH": item.Patch} {
			if op != nil {
				visit(method, path, op)
			}
		}
	}
}

var parameter = regexp.MustCompile(`\{[^}]*\}`)

// untouched is a body that must not be read.
type untouched struct{}

func (u untouched) Read([]byte) (int, error) {
	time.Sleep(20 * time.Millisecond) // the client sends it in its own time
	return 0, io.ErrUnexpectedEOF
}

// TestEveryOperationRefusesWithoutCredentials walks the description: an
// operation is open because it stands here, or it refuses.
func TestEveryOperationRefusesWithoutCredentials(t *testing.T) {
	h := newHouse(t, change{})
	open := []string{"/", "/health", "/health/live", "/health/ready"}
	seen := 0
	operations(h.OpenAPI(), func(method, path string, op *huma.Operation) {
		seen++
		url := parameter.ReplaceAllString(path, "x")
		if slices.Contains(open, path) {
			require.Empty(t, op.Security, path)
			require.Less(t, h.ask(t, method, url, nil, anonymous...).StatusCode, 500, path)
			return
		}
		admin := strings.HasPrefix(path, "/admin/") || strings.HasPrefix(path, "/auth/") || path == "/metrics"
		challenge := "Bearer, ApiKey"
		if admin {
			challenge = "Bearer"
		}
		for name, credentials := range map[string][]with{
			"none":                     anonymous,
			"a wrong key":              {{"X-API-Key", "wrong"}, {"Authorization", ""}},
			"a wrong token":            {{"X-API-Key", ""}, {"Authorization", "Bearer wrong"}},
			"the admin token as a key": {{"X-API-Key", adminToken}, {"Authorization", ""}},
			"the API key as a token":   {{"X-API-Key", ""}, {"Authorization", "Bearer " + apiKey}},
			"the admin token as Basic": {{"X-API-Key", ""}, {"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte("admin:"+adminToken))}},
		} {
			a := h.ask(t, method, url, nil, credentials...)
			a.fails(t, http.StatusUnauthorized, "authentication_error")
			require.Equal(t, challenge, a.Header.Get("WWW-Authenticate"), "%s %s with %s", method, path, name)
			// A right one in between, so that wrong ones are no row.
			require.NotEqual(t, http.StatusUnauthorized, h.ask(t, "GET", "/api/v1/jobs", nil, with{"Authorization", "Bearer " + adminToken}).StatusCode)
		}
		if admin {
			h.ask(t, method, url, nil, with{"X-API-Key", apiKey}, with{"Authorization", ""}).fails(t, http.StatusUnauthorized, "authentication_error")
		} else if method == "GET" {
			require.NotEqual(t, http.StatusUnauthorized, h.ask(t, method, url, nil).StatusCode, path)
		}
		require.NotEqual(t, http.StatusUnauthorized, h.ask(t, "HEAD", "/metrics", nil).StatusCode)
	})
	require.Greater(t, seen, 40)
}

// TestCredentialsAreJudgedBeforeTheBodyIsRead: a stranger's upload costs nothing.
func TestCredentialsAreJudgedBeforeTheBodyIsRead(t *testing.T) {
	h := newHouse(t, change{})
	req, err := http.NewRequestWithContext(t.Context(), "POST", h.server.URL+"/api/v1/jobs/data-upload", untouched{})
	require.NoError(t, err)
	req.ContentLength = 1 << 20
	req.Header.Set("Content-Type", "multipart/form-data; boundary=x")
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err == nil { // the answer may also be lost when the client's own body fails
		resp.Body.Close()
		require.Equal(t, http.StatusUnauthorized, resp.StatusCode)
	}
	require.Eventually(t, func() bool { return strings.Contains(h.log.String(), "status=401") }, time.Second, time.Millisecond)
}

func TestCredentialsSideBySide(t *testing.T) {
	h := newHouse(t, change{})
	good := with{"X-API-Key", apiKey}
	for name, c := range map[string]struct {
		headers []with
		status  int
	}{
		"a good key":                   {[]with{good}, 200},
		"the admin token":              {[]with{{"X-API-Key", ""}, {"Authorization", "Bearer " + adminToken}}, 200},
		"in lower case":                {[]with{{"X-API-Key", ""}, {"Authorization", "bearer " + adminToken}}, 200},
		"a bad Bearer beside it":       {[]with{good, {"Authorization", "Bearer nonsense"}}, 200},
		"a bad key beside the token":   {[]with{{"X-API-Key", "bad"}, {"Authorization", "Bearer " + adminToken}}, 200},
		"both bad":                     {[]with{{"X-API-Key", "bad"}, {"Authorization", "Bearer bad"}}, 401},
		"longer than bcrypt looks":     {[]with{{"X-API-Key", strings.Repeat("x", 73)}}, 401},
		"no Bearer":                    {[]with{{"X-API-Key", ""}, {"Authorization", adminToken}}, 401},
		"an empty Bearer":              {[]with{{"X-API-Key", ""}, {"Authorization", "Bearer "}}, 401},
		"the token with blanks around": {[]with{{"X-API-Key", ""}, {"Authorization", "Bearer   " + adminToken}}, 200},
	} {
		require.Equal(t, c.status, h.ask(t, "GET", "/api/v1/jobs", nil, c.headers...).StatusCode, name)
	}
}

// TestKeysOfMoreThan72Bytes: bcrypt does not look at what is behind, so a key
// that only begins like the right one would pass.
func TestKeysOfMoreThan72Bytes(t *testing.T) {
	key := strings.Repeat("k", 72)
	h := newHouse(t, change{})
	long := newHouse(t, change{options: setKey(hash(t, key))})
	require.Equal(t, 200, long.ask(t, "GET", "/api/v1/jobs", nil, with{"X-API-Key", key}).StatusCode)
	require.Equal(t, 401, long.ask(t, "GET", "/api/v1/jobs", nil, with{"X-API-Key", key + "k"}).StatusCode)
	require.Equal(t, 401, h.ask(t, "GET", "/api/v1/jobs", nil, with{"X-API-Key", key}).StatusCode)
}

func bcrypts(t testing.TB, h *house) string {
	t.Helper()
	a := h.ask(t, "GET", "/metrics", nil)
	require.Equal(t, 200, a.StatusCode)
	require.Contains(t, a.Header.Get("Content-Type"), "text/plain")
	for line := range strings.SplitSeq(a.body, "\n") {
		if n, ok := strings.CutPrefix(line, "plastinka_auth_bcrypt_total "); ok {
			return n
		}
	}
	t.Fatal("the figure is not there")
	return ""
}

// TestAuthorisedCallsCostOneBcrypt: 200 calls with a key, and as many wrong ones
// while it is known, cost one; the admin token of the question costs another.
func TestAuthorisedCallsCostOneBcrypt(t *testing.T) {
	h := newHouse(t, change{})
	for range 200 {
		require.Equal(t, 200, h.ask(t, "GET", "/api/v1/jobs", nil).StatusCode)
	}
	require.Equal(t, "2", bcrypts(t, h))
	for i := range 200 {
		a := h.ask(t, "GET", "/api/v1/jobs", nil, with{"X-API-Key", fmt.Sprint("guess ", i)})
		require.Contains(t, []int{401, 429}, a.StatusCode)
	}
	require.Equal(t, "2", bcrypts(t, h))
	h.clock.advance(11 * time.Minute)
	require.Equal(t, 200, h.ask(t, "GET", "/api/v1/jobs", nil).StatusCode)
	require.Equal(t, "4", bcrypts(t, h), "remembered for a while, not for ever")
}

// TestRepeatedWrongKeysMustWait: guesses are slowed down per address, the right
// key passes all the time, and waiting helps.
func TestRepeatedWrongKeysMustWait(t *testing.T) {
	for name, key := range map[string]func(i int) string{
		"guesses":      func(i int) string { return fmt.Sprint("guess ", i) },
		"one that was": func(int) string { return "an old key" },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, change{})
			var last answer
			for i := range 25 {
				last = h.ask(t, "GET", "/api/v1/jobs", nil, with{"X-API-Key", key(i)})
			}
			p := last.fails(t, http.StatusTooManyRequests, "too_many_attempts")
			require.Equal(t, last.Header.Get("Retry-After"), fmt.Sprint(p.Error.Details["original_detail"].(map[string]any)["retry_after_seconds"]))
			require.Equal(t, 200, h.ask(t, "GET", "/api/v1/jobs", nil).StatusCode, "the right key is not locked out")
			require.Equal(t, 200, h.ask(t, "GET", "/api/v1/jobs", nil, with{"X-API-Key", ""}, with{"Authorization", "Bearer " + adminToken}).StatusCode)
			h.clock.advance(time.Minute)
			h.ask(t, "GET", "/api/v1/jobs", nil, with{"X-API-Key", key(0)}).fails(t, http.StatusUnauthorized, "authentication_error")
		})
	}
}

// TestGuessesAreNotForgiven: somebody else's right key (behind one proxy, say)
// does not begin the count anew; a stale key among right ones is no guessing.
func TestGuessesAreNotForgiven(t *testing.T) {
	h := newHouse(t, change{})
	status := 0
	for i := range 15 {
		status = h.ask(t, "GET", "/api/v1/jobs", nil, with{"X-API-Key", fmt.Sprint("guess ", i)}).StatusCode
		require.Equal(t, 200, h.ask(t, "GET", "/api/v1/jobs", nil).StatusCode)
	}
	require.Equal(t, http.StatusTooManyRequests, status)

	h = newHouse(t, change{})
	for range 50 {
		h.ask(t, "GET", "/api/v1/jobs", nil, with{"X-API-Key", "stale"}).fails(t, http.StatusUnauthorized, "authentication_error")
		require.Equal(t, 200, h.ask(t, "GET", "/api/v1/jobs", nil).StatusCode)
	}
}

func TestDocsAskForBasic(t *testing.T) {
	h := newHouse(t, change{})
	basic := func(user, password string) with {
		return with{"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))}
	}
	for _, path := range []string{"/docs", "/redoc"} {
		a := h.ask(t, "GET", path, nil)
		a.fails(t, http.StatusUnauthorized, "authentication_error")
		require.Equal(t, "Basic", a.Header.Get("WWW-Authenticate"))
		h.ask(t, "GET", path, nil, basic("root", adminToken)).fails(t, http.StatusUnauthorized, "authentication_error")
		h.ask(t, "GET", path, nil, basic("admin", apiKey)).fails(t, http.StatusUnauthorized, "authentication_error")
		a = h.ask(t, "GET", path, nil, basic("admin", adminToken))
		require.Equal(t, 200, a.StatusCode)
		require.Contains(t, a.body, "/api/v1/predictions/history")
		require.NotRegexp(t, `(src|href)="(https?:)?//`, a.body, "it works without the internet")
		style := regexp.MustCompile(`(?s)<style>(.*)</style>`).FindStringSubmatch(a.body)[1]
		sum := sha256.Sum256([]byte(style))
		require.Contains(t, a.Header.Get("Content-Security-Policy"), "default-src 'none'; style-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'")
		require.NotContains(t, a.body, " style=", "what the policy would refuse")
	}
	free := newHouse(t, change{options: withoutDocsSecurity})
	require.Equal(t, 200, free.ask(t, "GET", "/docs", nil, anonymous...).StatusCode)
}

// TestYandexToken: the token is handed on, and appears nowhere.
func TestYandexToken(t *testing.T) {
	h := newHouse(t, change{})
	a := h.ask(t, "POST", "/auth/yc-token", map[string]string{"token": "y0_secret-token_1"})
	require.Equal(t, http.StatusNoContent, a.StatusCode)
	require.Empty(t, a.body)
	require.Equal(t, "y0_secret-token_1", h.token)
	for _, bad := range []any{map[string]string{"token": "x0_secret"}, map[string]string{"token": "y4_secret"}, map[string]string{"token": "y0_secret token"},
		map[string]string{"token": "y0_secret\n"}, map[string]any{"token": 3}, map[string]string{}} {
		p := h.ask(t, "POST", "/auth/yc-token", bad)
		p.fails(t, http.StatusUnprocessableEntity, "validation_error")
		require.NotContains(t, p.body, "secret")
	}
	require.NotContains(t, h.log.String(), "secret")
	require.Equal(t, "y0_secret-token_1", h.token)
}
