package tables

import (
	"archive/zip"
	"encoding/binary"
	"encoding/xml"
	"errors"
	"io"
	"path"
	"strings"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/ports"
)

// parts are the files within an xlsx, which is a ZIP archive.
type parts struct {
	files map[string]*zip.File // by lower-cased name
}

const (
	maxDirectory = 16 << 20 // bytes of the archive's directory: some 100,000 entries
	maxSmallPart = 16 << 20 // bytes of a part that is read as a whole
)

func openParts(r io.ReaderAt, size int64, limits ports.TableLimits) (*parts, error) {
	if directory, ok := directorySize(r, size); ok && directory > maxDirectory {
		return nil, unpackedTooLarge("the directory of the file's ZIP archive has more than %d bytes", maxDirectory)
	}
	z, err := zip.NewReader(r, size)
	if errors.Is(err, zip.ErrInsecurePath) {
		err = nil // nothing is unpacked to a path of the archive's choosing
	}
	if err != nil {
		return nil, corrupt("its ZIP archive has no valid directory at its end (%v), as when a transfer breaks off", err).Because(err)
	}
	p := &parts{files: map[string]*zip.File{}}
	total, limit := uint64(0), uint64(limits.UnpackedBytes)
	for _, f := range z.File {
		if f.Flags&1 != 0 {
			return nil, encrypted()
		}
		if total += f.UncompressedSize64; f.UncompressedSize64 > limit || total > limit {
			return nil, unpackedTooLarge("the file unpacks to more than %d bytes (MAX_UNPACKED_SIZE)", limits.UnpackedBytes)
		}
		p.files[strings.ToLower(strings.TrimPrefix(strings.ReplaceAll(f.Name, `\`, "/"), "/"))] = f
	}
	return p, p.recognise()
}

// recognise refuses archives that are something else.
func (p *parts) recognise() error {
	switch {
	case p.has("[Content_Types].xml") && p.has("xl/workbook.bin"):
		return unsupported("it is an xlsb workbook; %s", asXLSX)
	case p.has("[Content_Types].xml") && p.has("word/document.xml"):
		return unsupported("it is a text document (docx); export the table as xlsx or csv")
	case p.has("[Content_Types].xml"):
		return nil
	case p.has("mimetype"), p.has("META-INF/manifest.xml") && p.has("content.xml"):
		return unsupported("it is an OpenDocument file; %s", asXLSX)
	}
	return unsupported("it is a ZIP archive but no workbook; unpack it and give the files inside")
}

// directorySize is what the end of the archive says about its directory, before
// anything is made of it; ok is false where there is no such end.
func directorySize(r io.ReaderAt, size int64) (n uint64, ok bool) {
	const record, comment, locator = 22, 1<<16 - 1, 20
	tail := make([]byte, min(size, record+comment+locator))
	if got, err := r.ReadAt(tail, size-int64(len(tail))); got < len(tail) && err != nil {
		return 0, false
	}
	i := strings.LastIndex(string(tail), "PK\x05\x06")
	if i < 0 || i+record > len(tail) {
		return 0, false
	}
	n = uint64(binary.LittleEndian.Uint32(tail[i+12:]))
	if n != 1<<32-1 {
		return n, true
	}
	if i < locator || string(tail[i-locator:i-locator+4]) != "PK\x06\x07" {
		return n, true
	}
	end := make([]byte, 56) // of ZIP64
	if _, err := r.ReadAt(end, int64(binary.LittleEndian.Uint64(tail[i-locator+8:])&(1<<62-1))); err != nil {
		return n, true
	}
	return binary.LittleEndian.Uint64(end[40:]), true
}

func (p *parts) has(name string) bool { return p.files[strings.ToLower(name)] != nil }

// open opens a part. The archive's reader holds it to the size that the directory
// states, and so all parts together to the limit.
func (p *parts) open(name string) (io.ReadCloser, error) {
	f := p.files[strings.ToLower(name)]
	if f == nil {
		return nil, corrupt("its part %s is missing", name).With("part", name)
	}
	r, err := f.Open()
	if err != nil {
		return nil, corrupt("its part %s cannot be opened (%v)", name, err).With("part", name).Because(err)
	}
	return r, nil
}

// trouble says what went wrong while a part was read.
func (p *parts) trouble(name string, err error) error {
	if e, ok := errors.AsType[*fault.Error](err); ok {
		return e.With("part", name)
	}
	if errors.Is(err, errEnough) || isContext(err) {
		return err
	}
	switch {
	case errors.Is(err, zip.ErrFormat):
		return unpackedTooLarge("the file's part %s unpacks to more than its directory says", name).With("part", name)
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return corrupt("its part %s ends too early", name).With("part", name).Because(err)
	}
	return corrupt("its part %s cannot be read (%v)", name, err).With("part", name).Because(err)
}

// decode reads a small part as a whole.
func (p *parts) decode(name string, into any) error {
	part, err := p.open(name)
	if err != nil {
		return err
	}
	defer func() { _ = part.Close() }()
	most := &io.LimitedReader{R: part, N: maxSmallPart}
	text := transform.NewReader(most, unicode.BOMOverride(transform.Nop))
	d := xml.NewDecoder(text)
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil } // its mark was heeded
	if err := d.Decode(into); err != nil && most.N == 0 {
		return unpackedTooLarge("the file's part %s has more than %d bytes", name, maxSmallPart).With("part", name)
	} else if err != nil {
		return p.trouble(name, err)
	}
	return nil
}

// relation is where a relationship leads.
type relation struct {
	kind string // a URI, whose last word says what it is; transitional and strict differ before it
	path string
}

func (r relation) is(kind string) bool { return path.Base(r.kind) == kind }

// relations are the relationships of a part.
type relations struct {
	byID  map[string]relation
	order []relation
}

func (r relations) first(kind string) (name string, ok bool) {
	for _, x := range r.order {
		if x.is(kind) {
			return x.path, true
		}
	}
	return "", false
}

func (p *parts) relations(of string) (relations, error) {
	found := relations{byID: map[string]relation{}}
	dir, base := path.Split(of)
	var rs relationships
	if err := p.decode(path.Join(dir, "_rels", base+".rels"), &rs); err != nil {
		return found, err
	}
	for _, r := range rs.Relationship {
		if r.Mode == "External" {
			continue
		}
		target := strings.ReplaceAll(r.Target, `\`, "/")
		if !strings.HasPrefix(target, "/") {
			target = path.Join("/", dir, target)
		}
		x := relation{kind: r.Type, path: strings.TrimPrefix(path.Clean(target), "/")}
		found.byID[r.ID] = x
		found.order = append(found.order, x)
	}
	return found, nil
}

// workbook is the name of the main part.
func (p *parts) workbook() (string, error) {
	root, err := p.relations("")
	if err != nil {
		return "", err
	}
	if name, ok := root.first("officeDocument"); ok {
		return name, nil
	}
	return "", unsupported("it is an Office file but no workbook; export the table as xlsx or csv")
}
