package httpapi

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"golang.org/x/crypto/bcrypt"

	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/ports"
)

// How long a verified key is remembered, how many wrong keys an address may try
// in a window, and what all of that may cost.
const (
	rememberFor   = 10 * time.Minute
	failureWindow = time.Minute
	maxGuesses    = 10 // different keys
	maxRow        = 20 // of which none was right, be it the same again and again
	maxAddresses  = 10_000
	maxWrong      = 10_000
	maxKeyBytes   = 72 // bcrypt looks no further
	maxBcrypts    = 2  // at once
)

// authenticator checks keys against their bcrypt hashes.
//
// A hash has one key. Once that key has been seen, it is remembered as a keyed
// digest, and for as long every other key is known to be wrong without a bcrypt.
// Before that, wrong keys are remembered in the same way, and few bcrypts run at
// once: keys made up by the thousand cost their sender's time, not the service's.
type authenticator struct {
	hashes  map[string]string // by scheme
	clock   ports.Clock
	metrics *metrics
	secret  [32]byte      // of the digests; new with every start
	slots   chan struct{} // of bcrypts

	mu       sync.Mutex
	right    map[string]remembered // by scheme
	wrong    map[digest]struct{}
	failures map[string]*attempts // by address
}

type digest [sha256.Size]byte

type remembered struct {
	key   digest
	until time.Time
}

// attempts are an address's wrong keys of a scheme. Different keys are guesses;
// one that is sent again and again is a client that was not told of a new key,
// and is forgiven when a right one comes from there too.
type attempts struct {
	since   time.Time
	guesses map[digest]struct{} // at most maxGuesses
	row     int                 // wrong ones since the last right one
}

func newAuthenticator(apiHash, adminHash string, clock ports.Clock, m *metrics) *authenticator {
	a := &authenticator{hashes: map[string]string{schemeKey: apiHash, schemeAdmin: adminHash}, clock: clock, metrics: m,
		slots: make(chan struct{}, maxBcrypts), right: map[string]remembered{}, wrong: map[digest]struct{}{}, failures: map[string]*attempts{}}
	rand.Read(a.secret[:]) // never fails
	return a
}

func (a *authenticator) digest(scheme, key string) digest {
	mac := hmac.New(sha256.New, a.secret[:])
	mac.Write([]byte(scheme + "\x00" + key))
	return digest(mac.Sum(nil))
}

// verify reports whether key is the scheme's. If ctx ends while it waits for its
// turn, it is not.
func (a *authenticator) verify(ctx context.Context, scheme, key string) bool {
	hash := a.hashes[scheme]
	if hash == "" || key == "" || len(key) > maxKeyBytes || strings.ContainsRune(key, 0) {
		return false
	}
	d := a.digest(scheme, key)
	if ok, known := a.known(scheme, d); known {
		return ok
	}
	select {
	case a.slots <- struct{}{}:
		defer func() { <-a.slots }()
	case <-ctx.Done():
		return false
	}
	if ok, known := a.known(scheme, d); known { // since this one waited
		return ok
	}
	a.metrics.checks.Inc()
	ok := bcrypt.CompareHashAndPassword([]byte(hash), []byte(key)) == nil
	a.learn(scheme, d, ok)
	return ok
}

// known reports whether the key with this digest is right, if that is known. A
// key in use is remembered on.
func (a *authenticator) known(scheme string, d digest) (ok, known bool) {
	now := a.clock.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	if r, seen := a.right[scheme]; seen && now.Before(r.until) {
		if r.key == d {
			a.right[scheme] = remembered{d, now.Add(rememberFor)}
		}
		return r.key == d, true
	}
	_, wrong := a.wrong[d]
	return false, wrong
}

func (a *authenticator) learn(scheme string, d digest, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if ok {
		a.right[scheme] = remembered{d, a.clock.Now().Add(rememberFor)}
		return
	}
	if len(a.wrong) >= maxWrong {
		clear(a.wrong) // a flood: forget rather than grow
	}
	a.wrong[d] = struct{}{}
}

// wait is for how long an address must wait before it tries another key, if it
// must.
func (a *authenticator) wait(address string, c credential) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	f := a.failures[address+" "+c.scheme]
	if f == nil || len(f.guesses) < maxGuesses && f.row < maxRow {
		return 0
	}
	return max(0, failureWindow-a.clock.Now().Sub(f.since))
}

// failed counts a wrong key.
func (a *authenticator) failed(address string, c credential) {
	a.metrics.refused.Inc()
	name, d, now := address+" "+c.scheme, a.digest(c.scheme, c.key), a.clock.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	f := a.failures[name]
	if f == nil || now.Sub(f.since) >= failureWindow {
		if len(a.failures) >= maxAddresses {
			clear(a.failures) // a flood from everywhere: forget rather than grow
		}
		f = &attempts{since: now, guesses: map[digest]struct{}{}}
		a.failures[name] = f
	}
	f.row++
	if len(f.guesses) < maxGuesses {
		f.guesses[d] = struct{}{}
	}
}

// succeeded forgives what is no guessing.
func (a *authenticator) succeeded(address string, c credential) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if f := a.failures[address+" "+c.scheme]; f != nil {
		f.row = 0
	}
}

// credential is one key offered by a request, for a scheme.
type credential struct{ scheme, key string }

// offered are a request's credentials, as far as the wanted schemes take them.
func offered(r *http.Request, wanted map[string]bool) (list []credential) {
	if k := r.Header.Get("X-API-Key"); k != "" && wanted[schemeKey] {
		list = append(list, credential{schemeKey, k})
	}
	if kind, token, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok && strings.EqualFold(kind, "Bearer") && wanted[schemeAdmin] {
		list = append(list, credential{schemeAdmin, strings.TrimSpace(token)})
	}
	return list
}

// authenticate refuses a request before its body is read, if the operation
// declares security and no credential that fits comes with it.
func (s *Service) authenticate(ctx huma.Context, next func(huma.Context)) {
	r, w := humago.Unwrap(ctx)
	if rec, ok := w.(*recorder); ok {
		rec.operation = ctx.Operation().OperationID
	}
	wanted := map[string]bool{}
	for _, requirement := range ctx.Operation().Security {
		for scheme := range requirement {
			wanted[scheme] = true
		}
	}
	if len(wanted) == 0 {
		next(ctx) // nothing open takes a body
		return
	}
	challenge := "Bearer, ApiKey"
	if !wanted[schemeKey] {
		challenge = "Bearer"
	}
	if err := s.admit(r, offered(r, wanted)); err != nil {
		s.refuse(w, r, err, challenge)
		return
	}
	if err := readJSON(r, ctx.Operation()); err != nil {
		s.refuse(w, r, err, "")
		return
	}
	next(ctx)
}

// admit checks a request's credentials. The right key is never locked out by
// somebody else's wrong ones; only wrong ones are told to wait.
func (s *Service) admit(r *http.Request, credentials []credential) error {
	address := clientAddress(r)
	passed := false
	for _, c := range credentials {
		if s.auth.verify(r.Context(), c.scheme, c.key) {
			s.auth.succeeded(address, c)
			passed = true
		}
	}
	if passed {
		return nil
	}
	if len(credentials) == 0 {
		return fault.New(fault.Unauthenticated, "authentication_error", "credentials are missing: send the API key as X-API-Key, or the admin token as Authorization: Bearer")
	}
	for _, c := range credentials {
		if wait := s.auth.wait(address, c); wait > 0 {
			return fault.New(fault.TooMany, "too_many_attempts", "too many wrong keys from this address; try again in %d s", seconds(wait)).
				With("retry_after_seconds", seconds(wait))
		}
		s.auth.failed(address, c)
	}
	return fault.New(fault.Unauthenticated, "authentication_error", "the key is wrong; use the one that plastinka keys printed")
}

func seconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }

// clientAddress is whom failures are counted for: an IPv4 address, or an IPv6
// network, of which one client has all addresses. What a proxy says in headers
// anybody can say.
func clientAddress(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return host
	}
	ip = ip.Unmap().WithZone("")
	if ip.Is6() {
		if network, err := ip.Prefix(64); err == nil {
			return network.String()
		}
	}
	return ip.String()
}

// trusted reports whether an open operation was called with good credentials.
func (s *Service) trusted(ctx huma.Context) bool {
	r, _ := humago.Unwrap(ctx)
	return s.admit(r, offered(r, map[string]bool{schemeKey: true, schemeAdmin: true})) == nil
}
