package datasphere

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plastinka/predictor/adapters/compute/datasphere/emulator"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/ports"
)

// keyFile writes a service account's key as yc iam key create does.
func keyFile(t *testing.T) (path string, key *rsa.PrivateKey) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	text, err := json.Marshal(map[string]string{"id": "ajekey", "service_account_id": "ajeaccount", "created_at": "2026-01-01T00:00:00Z",
		"key_algorithm": "RSA_2048", "public_key": "x",
		"private_key": "PLEASE DO NOT REMOVE THIS LINE! Yandex.Cloud SA Key ID <ajekey>\n" + string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))})
	require.NoError(t, err)
	path = filepath.Join(t.TempDir(), "key.json")
	require.NoError(t, os.WriteFile(path, text, 0o600))
	return path, key
}

// TestCredentials: each kind is enough for a whole run.
func TestCredentials(t *testing.T) {
	path, key := keyFile(t)
	for name, of := range map[string]func(*emulator.Emulator) Credentials{
		"key file":  func(*emulator.Emulator) Credentials { return Credentials{KeyFile: path} },
		"IAM token": func(*emulator.Emulator) Credentials { return Credentials{IAMToken: "t1.given"} },
		"metadata":  func(e *emulator.Emulator) Credentials { return Credentials{Metadata: e.Store()} },
		"OAuth": func(*emulator.Emulator) Credentials {
			return Credentials{Metadata: "127.0.0.1:1", OAuth: func() string { return "y0_x" }}
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCase(t, emulator.Options{Key: &key.PublicKey, IAMTokens: []string{"t1.given"}}, nil)
			c.options.Credentials = of(c.e)
			c.b = start(t, c.options)
			require.Equal(t, ports.RunSucceeded, c.until(c.submit("succeed"), over).State)
		})
	}
}

// TestWrongKeyIsRefused: a signature of another key gets no token, and the run
// waits, with advice, until there are credentials.
func TestWrongKeyIsRefused(t *testing.T) {
	path, _ := keyFile(t)
	_, other := keyFile(t)
	var oauth atomic.Value
	oauth.Store("")
	c := newCase(t, emulator.Options{Key: &other.PublicKey}, func(o *Options) {
		o.Credentials = Credentials{KeyFile: path, OAuth: func() string { return oauth.Load().(string) }}
	})
	id := c.submit("succeed")
	_, err := c.b.Status(t.Context(), id)
	require.Equal(t, fault.Unauthenticated, fault.KindOf(err))
	require.ErrorContains(t, err, "/auth/yc-token")
	oauth.Store("y0_new")
	require.Equal(t, ports.RunSucceeded, c.until(id, over).State)
}

// TestTokenExpiresTwiceDuringATraining: with the clock of both sides moved on by
// its whole life, twice, and with tokens that live for a quarter of a second.
func TestTokenExpiresTwiceDuringATraining(t *testing.T) {
	t.Run("moved clock", func(t *testing.T) {
		clk := &clock{}
		c := newCase(t, emulator.Options{Now: clk.Now}, func(o *Options) { o.Clock, o.MaxRuntime = clk, 100*time.Hour })
		id := c.submit("wait")
		c.until(id, waits)
		require.Equal(t, 1, c.e.Issued())
		for n := 2; n <= 3; n++ {
			clk.advance(12*time.Hour - 30*time.Second) // within its last minute: not used any more
			s, err := c.b.Status(t.Context(), id)
			require.NoError(t, err)
			require.Equal(t, ports.RunRunning, s.State)
			require.Equal(t, n, c.e.Issued())
		}
		require.NoError(t, c.b.Cancel(t.Context(), id))
		require.Equal(t, ports.RunCancelled, c.until(id, over).State)
		require.Equal(t, 1, c.executions())
	})
	t.Run("short lives", func(t *testing.T) {
		c := newCase(t, emulator.Options{TokenLife: 250 * time.Millisecond}, nil)
		id := c.submit("wait")
		c.until(id, func(ports.RunStatus) bool { return c.e.Issued() >= 3 })
		require.NoError(t, c.b.Cancel(t.Context(), id))
		require.Equal(t, ports.RunCancelled, c.until(id, over).State)
		require.Equal(t, 1, c.executions())
	})
	t.Run("refused before their end", func(t *testing.T) {
		c := newCase(t, emulator.Options{}, nil)
		id := c.submit("wait")
		c.until(id, waits)
		for n := 2; n <= 3; n++ {
			c.e.Revoke()
			time.Sleep(5 * time.Millisecond) // more than the pace of looks
			_, err := c.b.Status(t.Context(), id)
			require.NoError(t, err, "renewed and asked again within one call")
			require.Equal(t, n, c.e.Issued())
		}
		require.NoError(t, c.b.Cancel(t.Context(), id))
		c.until(id, over)
	})
}

// TestGivenTokenExpires: the run waits, and goes on with the token that a person
// gives by the API.
func TestGivenTokenExpires(t *testing.T) {
	var oauth atomic.Value
	oauth.Store("")
	c := newCase(t, emulator.Options{IAMTokens: []string{"t1.given"}}, func(o *Options) {
		o.Credentials = Credentials{IAMToken: "t1.given", OAuth: func() string { return oauth.Load().(string) }}
	})
	id := c.submit("wait")
	c.until(id, waits)
	c.e.Revoke()
	require.Eventually(t, func() bool {
		_, err := c.b.Status(t.Context(), id)
		return fault.KindOf(err) == fault.Unauthenticated
	}, 10*time.Second, time.Millisecond)
	oauth.Store("y0_new")
	c.until(id, waits)
	require.NoError(t, c.b.Cancel(t.Context(), id))
	require.Equal(t, ports.RunCancelled, c.until(id, over).State)
	require.Equal(t, 1, c.executions())
}

// TestOutageOfIAMIsNotWrongCredentials: it is said as what it is, and the
// OAuth token is not given up.
func TestOutageOfIAMIsNotWrongCredentials(t *testing.T) {
	c := newCase(t, emulator.Options{}, nil)
	c.fail("Token:1-2=UNAVAILABLE")
	id := c.submit("succeed")
	_, err := c.b.Status(t.Context(), id)
	require.Equal(t, fault.Unavailable, fault.KindOf(err))
	require.Equal(t, ports.RunSucceeded, c.until(id, over).State)
}

// TestSecretsAreNotLogged: neither tokens nor addresses of transfers, whatever
// goes wrong; the end of OAuth tokens is warned of once.
func TestSecretsAreNotLogged(t *testing.T) {
	var log bytes.Buffer
	c := newCase(t, emulator.Options{}, func(o *Options) {
		o.Log = slog.New(slog.NewTextHandler(&log, nil))
		o.Credentials.OAuth = func() string { return "y0_SECRET" }
		o.Diagnostics = t.TempDir()
	})
	c.fail("Token:1=UNAVAILABLE,PUT:1=reset,PUT:2=500,ReadLogs:1-9=UNAVAILABLE,GET:1=reset,Execute:1=lost,DownloadJobFiles:1=UNAVAILABLE")
	s := c.until(c.submit("fail"), over)
	require.Equal(t, ports.RunFailed, s.State)
	require.Equal(t, 1, bytes.Count(log.Bytes(), []byte("Yandex ends OAuth tokens")))
	for _, secret := range []string{"SECRET", "t1.", "X-Amz"} {
		require.NotContains(t, log.String(), secret)
		require.NotContains(t, s.Reason, secret)
	}
}
