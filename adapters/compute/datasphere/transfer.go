package datasphere

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/plastinka/predictor/adapters/support/safefile"
	"github.com/plastinka/predictor/domain/fault"
)

// errExpired is a transfer's refusal because its address is not valid any more.
var errExpired = errors.New("the address has expired")

// maxOutput is the largest output that is fetched, bytes: DataSphere's own
// limit of a file.
const maxOutput = 5 << 30

// transferClient is the object store's client. A store that takes a connection
// and then says nothing is given up, however long the transfer itself may take.
func transferClient() *http.Client {
	return &http.Client{
		Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, ResponseHeaderTimeout: time.Minute, TLSHandshakeTimeout: 20 * time.Second,
			IdleConnTimeout: time.Minute, DisableCompression: true, ForceAttemptHTTP2: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// upload streams a file to its address, with its length and no other header.
func upload(ctx context.Context, client *http.Client, limit time.Duration, f file, to string) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	body, err := os.Open(f.Local)
	if err != nil {
		return fault.New(fault.NotFound, "input_lost", "the task's file %s is gone: %v", filepath.Base(f.Local), err)
	}
	defer body.Close()
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, to, body)
	if err != nil {
		return unsaid(err)
	}
	req.ContentLength = f.Size // or it would go in chunks, which the store refuses
	req.GetBody = func() (io.ReadCloser, error) { return os.Open(f.Local) }
	resp, err := client.Do(req)
	if err != nil {
		return unsaid(err)
	}
	return answered(resp)
}

// download gives path the content at an address and returns its hash and size.
// What arrives in part, or is not as announced, leaves no file.
func download(ctx context.Context, client *http.Client, limit time.Duration, from, path string, want file) (is file, err error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
	if err != nil {
		return is, unsaid(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		return is, unsaid(err)
	}
	if resp.StatusCode >= 300 {
		return is, answered(resp)
	}
	defer resp.Body.Close()
	h := sha256.New()
	err = safefile.Write(path, 0o600, func(w io.Writer) error {
		is.Size, err = io.Copy(io.MultiWriter(w, h), io.LimitReader(resp.Body, maxOutput+1))
		if err != nil {
			return unsaid(err)
		}
		is.SHA256 = hex.EncodeToString(h.Sum(nil))
		if is.Size != want.Size || want.SHA256 != "" && is.SHA256 != want.SHA256 {
			return fault.New(fault.Unavailable, "output_damaged", "%s arrived with %d bytes and the digest %.12s…, announced were %d and %.12s…",
				filepath.Base(path), is.Size, is.SHA256, want.Size, want.SHA256)
		}
		return nil
	})
	return is, err
}

// answered is the error that a store's answer means.
func answered(resp *http.Response) error {
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, 64<<10) // so that the connection can be used again
	switch {
	case resp.StatusCode < 300:
		return nil
	case resp.StatusCode == http.StatusForbidden, resp.StatusCode == http.StatusNotFound, resp.StatusCode == http.StatusGone, resp.StatusCode == http.StatusUnauthorized:
		return errExpired
	case resp.StatusCode == http.StatusTooManyRequests, resp.StatusCode == http.StatusRequestTimeout, resp.StatusCode >= 500:
		return fault.New(fault.Unavailable, "yc_unavailable", "the object store answers %s; it will be tried again", resp.Status)
	}
	return fault.New(fault.Invalid, "yc_refused", "the object store refuses the transfer: %s", resp.Status)
}

// unsaid is a transfer's error without its address, which works like a
// password.
func unsaid(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err
	}
	if _, ours := errors.AsType[*fault.Error](err); ours {
		return err
	}
	return fault.New(fault.Unavailable, "yc_unavailable", "the transfer was cut off: %v; it will be tried again", err).Because(err)
}

// measure is a file's size and hash.
func measure(path string) (f file, err error) {
	in, err := os.Open(path)
	if err != nil {
		return f, fmt.Errorf("%s cannot be read: %w", path, err)
	}
	defer in.Close()
	h := sha256.New()
	f.Size, err = io.Copy(h, in)
	f.Local, f.SHA256 = path, hex.EncodeToString(h.Sum(nil))
	return f, err
}
