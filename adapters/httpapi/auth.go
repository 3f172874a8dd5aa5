package httpapi

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"golang.org/x/crypto/bcrypt"

	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/ports"
)

// How long a verified key is remembered, and how many wrong keys an address may
// try in a window.
const (
	rememberFor   = 10 * time.Minute
	failureWindow = time.Minute
	maxFailures   = 10
	maxAddresses  = 10_000
	maxKeyBytes   = 72 // bcrypt looks no further
)

// authenticator checks keys against their bcrypt hashes. What it has verified
// it remembers for a while as a keyed digest, so that a key costs one bcrypt,
// not one a request; wrong ones it counts by address.
type authenticator struct {
	hashes map[string]string // by scheme
	clock  ports.Clock
	secret [32]byte // of the digests; new with every start

	mu       sync.Mutex
	verified map[[32]byte]time.Time // until
	failures map[string]*attempts   // by address
}

type attempts struct {
	count int
	since time.Time
}

func newAuthenticator(apiHash, adminHash string, clock ports.Clock) *authenticator {
	a := &authenticator{hashes: map[string]string{schemeKey: apiHash, schemeAdmin: adminHash}, clock: clock,
		verified: map[[32]byte]time.Time{}, failures: map[string]*attempts{}}
	rand.Read(a.secret[:]) // never fails
	return a
}

// verify reports whether key is the scheme's.
func (a *authenticator) verify(scheme, key string) bool {
	hash := a.hashes[scheme]
	if hash == "" || key == "" || len(key) > maxKeyBytes || strings.ContainsRune(key, 0) {
		return false
	}
	mac := hmac.New(sha256.New, a.secret[:])
	mac.Write([]byte(scheme + "\x00" + key))
	digest := [32]byte(mac.Sum(nil))
	now := a.clock.Now()
	a.mu.Lock()
	until, known := a.verified[digest]
	a.mu.Unlock()
	if known && now.Before(until) {
		return true
	}
	if bcrypt.CompareHashAndPassword([]byte(hash), []byte(key)) != nil {
		return false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.verified[digest] = now.Add(rememberFor) // two keys at most, so it does not grow
	return true
}

// remembered reports whether key was verified a while ago: such a key passes
// even from an address that is being slowed down.
func (a *authenticator) remembered(scheme, key string) bool {
	mac := hmac.New(sha256.New, a.secret[:])
	mac.Write([]byte(scheme + "\x00" + key))
	digest := [32]byte(mac.Sum(nil))
	a.mu.Lock()
	defer a.mu.Unlock()
	until, known := a.verified[digest]
	return known && a.clock.Now().Before(until)
}

// tooMany reports for how long an address must wait, if it must.
func (a *authenticator) tooMany(address string) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	f := a.failures[address]
	if f == nil || f.count < maxFailures {
		return 0
	}
	return max(0, failureWindow-a.clock.Now().Sub(f.since))
}

func (a *authenticator) failed(address string) {
	now := a.clock.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	f := a.failures[address]
	if f == nil || now.Sub(f.since) >= failureWindow {
		if len(a.failures) >= maxAddresses {
			clear(a.failures) // a flood from everywhere: forget rather than grow
		}
		f = &attempts{since: now}
		a.failures[address] = f
	}
	f.count++
}

// credential is one key offered by a request, for a scheme.
type credential struct{ scheme, key string }

// offered are a request's credentials, as far as the wanted schemes take them.
func offered(r *http.Request, wanted map[string]bool) (list []credential) {
	if k := r.Header.Get("X-API-Key"); k != "" && wanted[schemeKey] {
		list = append(list, credential{schemeKey, k})
	}
	for _, h := range r.Header.Values("Authorization") {
		kind, token, ok := strings.Cut(h, " ")
		if ok && strings.EqualFold(kind, "Bearer") && wanted[schemeAdmin] {
			list = append(list, credential{schemeAdmin, strings.TrimSpace(token)})
		}
	}
	return list
}

// authenticate refuses a request before its body is read, if the operation
// declares security and no credential that fits comes with it.
func (s *Service) authenticate(ctx huma.Context, next func(huma.Context)) {
	wanted := map[string]bool{}
	for _, requirement := range ctx.Operation().Security {
		for scheme := range requirement {
			wanted[scheme] = true
		}
	}
	if len(wanted) == 0 {
		next(ctx)
		return
	}
	r, w := humago.Unwrap(ctx)
	if err := s.admit(r, wanted); err != nil {
		challenge := "Bearer, ApiKey"
		if !wanted[schemeKey] {
			challenge = "Bearer"
		}
		s.refuse(w, r, err, challenge)
		return
	}
	next(ctx)
}

// admit checks the request's credentials.
func (s *Service) admit(r *http.Request, wanted map[string]bool) error {
	credentials := offered(r, wanted)
	address := clientAddress(r)
	wait := s.auth.tooMany(address)
	for _, c := range credentials {
		// The right key is not locked out by somebody else's wrong ones: it is
		// known from before, or, where the address is slowed down, tried once more.
		if s.auth.remembered(c.scheme, c.key) || s.auth.verify(c.scheme, c.key) {
			return nil
		}
	}
	if wait > 0 {
		return fault.New(fault.TooMany, "too_many_attempts", "too many wrong keys from this address; try again in %d s", seconds(wait)).
			With("retry_after_seconds", seconds(wait))
	}
	if len(credentials) > 0 {
		s.auth.failed(address)
		return fault.New(fault.Unauthenticated, "authentication_error", "the key is wrong; use the one that plastinka keys printed")
	}
	return fault.New(fault.Unauthenticated, "authentication_error", "credentials are missing: send the API key as X-API-Key, or the admin token as Authorization: Bearer")
}

func seconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }

func clientAddress(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// trusted reports whether an open operation was called with good credentials,
// without counting bad ones.
func (s *Service) trusted(ctx huma.Context) bool {
	r, _ := humago.Unwrap(ctx)
	if s.auth.tooMany(clientAddress(r)) > 0 {
		return false
	}
	for _, c := range offered(r, map[string]bool{schemeKey: true, schemeAdmin: true}) {
		if s.auth.verify(c.scheme, c.key) {
			return true
		}
		s.auth.failed(clientAddress(r))
	}
	return false
}
