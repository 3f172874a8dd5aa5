// Package bundle is the exchange format of compute backends (§2.6): what a task
// and its result look like as files.
//
// input.zip holds manifest.json, config.json, products.parquet, monthly.parquet
// and, for trials, trials.json. output.zip holds manifest.json,
// metrics.json and, of a training, products.parquet, predictions.csv,
// forecasts.parquet and, if the engine wrote one, model.onnx; of trials
// scores.json; of a back-test backtest.json and backtest_forecasts.parquet. predictions.csv is for people and for programs
// that know the old service; forecasts.parquet has the whole distributions.
//
// There is nothing executable in either. A file appears whole or not at all,
// and equal values give equal bytes: one time, a fixed order. Numbers come back
// as they went in, bit for bit; one that is not finite is refused, since no
// model may learn from it and no JSON can say it.
//
// Whoever reads takes the file for a stranger's: names, number and size of the
// members, depth of JSON, rows and months are bounded before memory is taken for
// them, and an error names the member and what is wrong with it.
//
// archive/zip keeps Parquet members as they are (they are compressed already)
// and deflates the rest.
package bundle

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/plastinka/predictor/adapters/support/parquet"
	"github.com/plastinka/predictor/adapters/support/safefile"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/ports"
)

var _ ports.Bundle = Files{}

// Files is ports.Bundle as zip files.
type Files struct{}

// schemaVersion is the version of the format that this package writes and
// reads.
const schemaVersion = 1

// The members.
const (
	manifestFile  = "manifest.json"
	configFile    = "config.json"
	productsFile  = "products.parquet"
	monthlyFile   = "monthly.parquet"
	trialsFile    = "trials.json"
	modelFile     = "model.onnx"
	predictions   = "predictions.csv"
	metricsFile   = "metrics.json"
	forecastsFile = "forecasts.parquet"
	scoresFile    = "scores.json"
	backtestFile  = "backtest.json"
	backtestRows  = "backtest_forecasts.parquet"
)

// What a file from a stranger may cost. A million products with sixty months
// each are within it.
const (
	maxJSON     = 64 << 20
	maxDepth    = 32
	maxTable    = 2 << 30
	maxUnpacked = 4 << 30 // of a table's columns
	maxModel    = 1 << 30
	maxProducts = 5_000_000
	maxMonths   = 1_200
	maxCells    = 100_000_000
)

// writer writes the members of one file.
type writer struct {
	ctx context.Context
	zip *zip.Writer
}

// write writes the file at path, whole or not at all.
func write(ctx context.Context, path string, members func(writer) error) error {
	return safefile.Write(path, 0o600, func(out io.Writer) error {
		w := writer{ctx, zip.NewWriter(out)}
		if err := members(w); err != nil {
			return err
		}
		if err := w.zip.Close(); err != nil {
			return err // of the disk: safefile has the words
		}
		return fault.Wrap("bundle.write", ctx.Err())
	})
}

// add writes one member.
func (w writer) add(name string, method uint16, content func(io.Writer) error) error {
	if err := w.ctx.Err(); err != nil {
		return fault.Wrap("bundle.add", err)
	}
	epoch := time.Date(1980, time.January, 1, 0, 0, 0, 0, time.UTC) // the first that a zip file can say
	member, err := w.zip.CreateHeader(&zip.FileHeader{Name: name, Method: method, Modified: epoch})
	if err != nil {
		return err
	}
	return content(member)
}

func (w writer) json(name string, value any) error {
	return w.add(name, zip.Deflate, func(out io.Writer) error {
		e := json.NewEncoder(out)
		e.SetEscapeHTML(false) // what is kept as it was given stays so
		err := e.Encode(value)
		if _, ok := errors.AsType[*json.UnsupportedValueError](err); ok {
			return fault.New(fault.Internal, "not_finite", "%s cannot be written: %v", name, err).Because(err)
		}
		return err
	})
}

// reader reads the members of one file.
type reader struct {
	ctx     context.Context
	members map[string]*zip.File
}

// read opens the file and checks its members' names: all of those needed, some
// of the optional ones, none besides, none twice.
func read(ctx context.Context, path string, members func(reader) error) error {
	z, err := zip.OpenReader(path)
	if err != nil {
		return corrupt(path, "it is not a whole zip file: %v", err)
	}
	defer z.Close()
	return open(ctx, &z.Reader, members)
}

func open(ctx context.Context, z *zip.Reader, members func(reader) error) error {
	known := []string{manifestFile, configFile, productsFile, monthlyFile, trialsFile, modelFile, predictions,
		metricsFile, forecastsFile, scoresFile, backtestFile, backtestRows}
	r := reader{ctx, map[string]*zip.File{}}
	for _, f := range z.File {
		if !slices.Contains(known, f.Name) {
			return corrupt(fmt.Sprintf("%.80q", f.Name), "no member is called so")
		}
		if r.members[f.Name] != nil {
			return corrupt(f.Name, "it is there twice")
		}
		r.members[f.Name] = f
	}
	return members(r)
}

func (r reader) has(name string) bool { return r.members[name] != nil }

// bytes are a member's content, at most most bytes; its checksum is checked.
func (r reader) bytes(name string, most int64) ([]byte, error) {
	if err := r.ctx.Err(); err != nil {
		return nil, fault.Wrap("bundle.read", err)
	}
	f := r.members[name]
	if f == nil {
		return nil, corrupt(name, "it is missing")
	}
	if f.UncompressedSize64 > uint64(most) {
		return nil, fault.New(fault.TooLarge, "unpacked_too_large", "%s has %d bytes; at most %d are read", name, f.UncompressedSize64, most)
	}
	in, err := f.Open()
	if err != nil {
		return nil, corrupt(name, "it cannot be unpacked: %v", err)
	}
	defer in.Close()
	var b bytes.Buffer // grows with what is really there, not with what is claimed
	if _, err := io.Copy(&b, io.LimitReader(in, int64(f.UncompressedSize64)+1)); err != nil {
		return nil, corrupt(name, "it cannot be unpacked: %v", err)
	}
	return b.Bytes(), nil
}

// json reads a JSON member into value. Members that value does not know are
// refused: they would be lost without a word.
func (r reader) json(name string, value any) error {
	text, err := r.bytes(name, maxJSON)
	if err != nil {
		return err
	}
	if depth(text) > maxDepth {
		return corrupt(name, "it is nested more than %d deep", maxDepth)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(value); err != nil {
		return corrupt(name, "%v", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return corrupt(name, "something follows its value")
	}
	return nil
}

// depth is how deep JSON text is nested, counted without reading it.
func depth(text []byte) (deepest int) {
	now, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			now++
			deepest = max(deepest, now)
		case c == '}' || c == ']':
			now--
		}
	}
	return deepest
}

// table reads a Parquet member of at most rows rows, each of which takes at most
// width bytes on average.
func table[T any](r reader, name string, rows, width int) ([]T, error) {
	content, err := r.bytes(name, maxTable)
	if err != nil {
		return nil, err
	}
	return parquet.Read[T](bytes.NewReader(content), int64(len(content)), name, parquet.Limits{Rows: int64(rows), Bytes: min(int64(rows)*int64(width)+1<<16, maxUnpacked)})
}

func corrupt(member, format string, args ...any) *fault.Error {
	e := fault.New(fault.Invalid, "corrupt_bundle", format, args...)
	e.Message = member + ": " + e.Message
	return e.With("member", member)
}
