package datasphere

import (
	"debug/buildinfo"
	"debug/elf"
	"os"
	"runtime/debug"
	"sync"
	"time"

	"github.com/plastinka/predictor/domain/fault"
)

// program is the binary that jobs run. It is looked at when it is first needed,
// and again if it has changed since.
type program struct {
	path string

	mu      sync.Mutex
	changed time.Time
	is      file
}

// file is the checked program.
func (p *program) file() (file, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	info, err := os.Stat(p.path)
	if err != nil {
		return file{}, p.wrong("it cannot be read: " + err.Error())
	}
	if p.is.SHA256 != "" && info.Size() == p.is.Size && info.ModTime().Equal(p.changed) {
		return p.is, nil
	}
	if err := p.check(); err != nil {
		return file{}, err
	}
	is, err := measure(p.path)
	if err != nil {
		return file{}, p.wrong(err.Error())
	}
	is.Path = programName
	p.is, p.changed = is, info.ModTime()
	return is, nil
}

// check is an error unless the file runs on any Linux of 64 bits x86, and is
// this very program in this very version: inputs are written for it.
func (p *program) check() error {
	f, err := elf.Open(p.path)
	if err != nil {
		return p.wrong("it is not a program for Linux")
	}
	defer f.Close()
	if f.Class != elf.ELFCLASS64 || f.Machine != elf.EM_X86_64 {
		return p.wrong("it is for " + f.Machine.String() + ", not for linux/amd64")
	}
	libraries, _ := f.ImportedLibraries() // a static program has no such section
	for _, part := range f.Progs {
		if part.Type == elf.PT_INTERP || len(libraries) > 0 {
			return p.wrong("it is not static: build it with CGO_ENABLED=0")
		}
	}
	is, err := buildinfo.ReadFile(p.path)
	if err != nil {
		return p.wrong("it was not built by Go")
	}
	our, ok := debug.ReadBuildInfo()
	if !ok {
		return nil
	}
	if is.Main.Path != our.Main.Path {
		return p.wrong("it is another program (" + is.Path + ")")
	}
	if a, b := revision(is), revision(our); a != "" && b != "" && a != b {
		return p.wrong("it is of another version (" + a + ", this is " + b + ")")
	}
	return nil
}

// revision is what a program was built from, "" if it does not say.
func revision(info *debug.BuildInfo) (r string) {
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			r = s.Value + r
		case "vcs.modified":
			if s.Value == "true" {
				r += "+changes"
			}
		}
	}
	return r
}

func (p *program) wrong(why string) error {
	return fault.New(fault.Invalid, "invalid_settings",
		"%s cannot be what DataSphere runs: %s; set DATASPHERE_PROGRAM to this version's static linux/amd64 binary", p.path, why).With("path", p.path)
}
