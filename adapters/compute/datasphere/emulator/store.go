package emulator

import (
	"archive/zip"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	jobs "github.com/yandex-cloud/go-genproto/yandex/cloud/datasphere/v2/jobs"
)

// link is an address that was given out: of an upload, or of a download.
type link struct {
	blob   string // its hash
	upload bool
	until  time.Time
}

// link gives out an address for a blob; what it needs to be told is in it, as
// with addresses that are signed.
func (e *Emulator) link(blob string, upload bool) string {
	secret := random("")
	e.mu.Lock()
	defer e.mu.Unlock()
	e.links[secret] = link{blob: blob, upload: upload, until: e.options.Now().Add(e.options.URLLife)}
	return "http://" + e.store + "/object?X-Amz-Signature=" + secret
}

func (e *Emulator) blob(hash string) string { return filepath.Join(e.options.Root, "blobs", hash) }

// holds reports whether a file with this hash was uploaded before.
func (e *Emulator) holds(hash string) bool {
	_, err := os.Stat(e.blob(hash))
	return err == nil
}

// transfers is the object store.
func (e *Emulator) transfers() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /object", e.put)
	mux.HandleFunc("GET /object", e.get)
	mux.HandleFunc("GET /computeMetadata/v1/instance/service-accounts/default/token", e.metadataToken)
	return mux
}

// linked is the link that a request uses, if it is one that may be used.
func (e *Emulator) linked(r *http.Request, upload bool) (link, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	l, ok := e.links[r.URL.Query().Get("X-Amz-Signature")]
	return l, ok && l.upload == upload && e.options.Now().Before(l.until)
}

// put takes an upload in. As with S3, nobody checks it against what was
// announced, and a length is needed.
func (e *Emulator) put(w http.ResponseWriter, r *http.Request) {
	rule, disturbed := e.faults.meet("PUT")
	if disturbed && e.refuse(w, r, rule) {
		return
	}
	l, ok := e.linked(r, true)
	switch {
	case !ok:
		http.Error(w, "<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>", http.StatusForbidden)
		return
	case r.ContentLength < 0:
		http.Error(w, "<Error><Code>MissingContentLength</Code></Error>", http.StatusLengthRequired)
		return
	}
	body := io.Reader(r.Body)
	if disturbed && rule.Effect == "reset" {
		_, _ = io.CopyN(io.Discard, body, r.ContentLength/2)
		cut(w)
		return
	}
	name, hash, size, err := e.keep(body)
	if err == nil && size != r.ContentLength {
		os.Remove(name)
		err = io.ErrUnexpectedEOF
	}
	if err == nil {
		err = os.Rename(name, e.blob(l.blob))
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if disturbed && rule.Effect == "lost" {
		cut(w)
		return
	}
	w.Header().Set("ETag", strconv.Quote(hash))
}

// keep writes a stream to a new file and says what it is.
func (e *Emulator) keep(r io.Reader) (name, hash string, size int64, err error) {
	f, err := os.CreateTemp(filepath.Join(e.options.Root, "blobs"), ".part-")
	if err != nil {
		return "", "", 0, err
	}
	h := sha256.New()
	size, err = io.Copy(io.MultiWriter(f, h), r)
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return f.Name(), hex.EncodeToString(h.Sum(nil)), size, err
}

// keepFile takes a file of a job in; a folder becomes a zip file.
func (e *Emulator) keepFile(path string) (hash string, size int64, packed jobs.FileCompressionType, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", 0, 0, err
	}
	packed = jobs.FileCompressionType_NONE
	var name string
	if info.IsDir() {
		packed = jobs.FileCompressionType_ZIP
		r, w := io.Pipe()
		var packing sync.WaitGroup
		packing.Go(func() { w.CloseWithError(zipFolder(w, path)) })
		name, hash, size, err = e.keep(r)
		r.Close()
		packing.Wait()
	} else {
		var f *os.File
		if f, err = os.Open(path); err == nil {
			name, hash, size, err = e.keep(f)
			f.Close()
		}
	}
	if err == nil {
		err = os.Rename(name, e.blob(hash))
	}
	return hash, size, packed, err
}

// zipFolder packs a folder; the names in the file begin with the folder's own.
func zipFolder(w io.Writer, folder string) error {
	z := zip.NewWriter(w)
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(filepath.Dir(folder), path)
		if err != nil {
			return err
		}
		to, err := z.Create(filepath.ToSlash(name))
		if err != nil {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = io.Copy(to, f)
		return err
	})
	if err != nil {
		return err
	}
	return z.Close()
}

func (e *Emulator) get(w http.ResponseWriter, r *http.Request) {
	rule, disturbed := e.faults.meet("GET")
	if disturbed && e.refuse(w, r, rule) {
		return
	}
	l, ok := e.linked(r, false)
	if !ok {
		http.Error(w, "<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>", http.StatusForbidden)
		return
	}
	f, err := os.Open(e.blob(l.blob))
	if err != nil {
		http.Error(w, "<Error><Code>NoSuchKey</Code></Error>", http.StatusNotFound)
		return
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	size, body := info.Size(), io.Reader(f)
	if disturbed && rule.Effect == "truncated" {
		size = size / 2
	}
	if disturbed && rule.Effect == "corrupt" {
		body = &flipped{Reader: f}
	}
	w.Header().Set("Content-Length", strconv.FormatInt(size, 10))
	if disturbed && rule.Effect == "reset" {
		_, _ = io.CopyN(w, body, size/2)
		cut(w)
		return
	}
	_, _ = io.CopyN(w, body, size)
}

// flipped changes the first bit.
type flipped struct {
	io.Reader
	done bool
}

func (f *flipped) Read(p []byte) (int, error) {
	n, err := f.Reader.Read(p)
	if n > 0 && !f.done {
		p[0] ^= 1
		f.done = true
	}
	return n, err
}

// refuse does what a rule says before a transfer; done says that this was all.
func (e *Emulator) refuse(w http.ResponseWriter, r *http.Request, rule Rule) (done bool) {
	if n, err := strconv.Atoi(rule.Effect); err == nil {
		http.Error(w, "<Error><Code>Asked</Code></Error>", n)
		return true
	}
	return e.disturb(r.Context(), rule) != nil
}

// cut ends the connection without a word.
func cut(w http.ResponseWriter) {
	if flush, ok := w.(http.Flusher); ok {
		flush.Flush()
	}
	panic(http.ErrAbortHandler) // how net/http wants to be told; it recovers it
}
