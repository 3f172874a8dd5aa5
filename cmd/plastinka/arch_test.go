package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/plastinka/predictor"

// allowed is the map of the house: which of our packages each package may
// import (besides domain/fault and domain/calendar, which everyone may), and
// why. There are no wildcards; a package without a row, and a row or an entry
// that nothing uses, fail the test.
type room struct {
	pkg     string
	may     []string
	because string
}

func TestArchitecture(t *testing.T) {
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	imports := importsByPackage(t, root)
	rows := map[string]room{}
	for _, r := range rooms() {
		require.NotContains(t, rows, r.pkg, "two rows for one package")
		require.NotEmpty(t, r.because, "%s: a row says why", r.pkg)
		rows[r.pkg] = r
	}
	for pkg, used := range imports {
		row, ok := rows[pkg]
		if !ok {
			t.Errorf("package %s has no row in the table", pkg)
			continue
		}
		if pkg == "cmd/plastinka" {
			continue // the composition root wires everything
		}
		for _, imp := range used {
			if !slices.Contains(row.may, imp) && imp != "domain/fault" && imp != "domain/calendar" {
				t.Errorf("%s imports %s: not in its row", pkg, imp)
			}
		}
		for _, m := range row.may {
			if !slices.Contains(used, m) {
				t.Errorf("%s: its row allows %s, which it does not use", pkg, m)
			}
		}
	}
	for pkg := range rows {
		if _, ok := imports[pkg]; !ok {
			t.Errorf("the table has a row for %s, which does not exist", pkg)
		}
	}
}

// TestDomainImportsOnlyTheStandardLibrary: the core knows no library.
func TestDomainImportsOnlyTheStandardLibrary(t *testing.T) {
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	eachFile(t, filepath.Join(root, "domain"), func(path string, imports []string) {
		for _, imp := range imports {
			first, _, _ := strings.Cut(imp, "/")
			if strings.Contains(first, ".") && !strings.HasPrefix(imp, module+"/domain/") {
				t.Errorf("%s imports %s", path, imp)
			}
		}
	})
}

// TestTopLevel: the top of the repository holds what was agreed, and nothing else.
func TestTopLevel(t *testing.T) {
	entries, err := os.ReadDir("../..")
	require.NoError(t, err)
	agreed := []string{"README.md", "adapters", "app", "cmd", "domain", "go.mod", "go.sum", "infrastructure", "ports"}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") && !slices.Contains(agreed, e.Name()) {
			t.Errorf("%s does not belong at the top level", e.Name())
		}
	}
}

func importsByPackage(t *testing.T, root string) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	for _, top := range []string{"domain", "ports", "app", "adapters", "cmd"} {
		eachFile(t, filepath.Join(root, top), func(path string, imports []string) {
			rel, err := filepath.Rel(root, filepath.Dir(path))
			require.NoError(t, err)
			pkg := filepath.ToSlash(rel)
			list := found[pkg]
			for _, imp := range imports {
				ours, ok := strings.CutPrefix(imp, module+"/")
				if ok && ours != pkg && !slices.Contains(list, ours) {
					list = append(list, ours)
				}
			}
			found[pkg] = list
		})
	}
	return found
}

// eachFile visits the Go files below dir that are part of the product (tests
// may import what they like).
func eachFile(t *testing.T, dir string, visit func(path string, imports []string)) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if _, err := os.Stat(filepath.Join(path, "go.mod")); err == nil || d.Name() == "testdata" {
				return fs.SkipDir // a module of its own, or data
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		require.NoError(t, err)
		var imports []string
		for _, spec := range f.Imports {
			p, err := strconv.Unquote(spec.Path.Value)
			require.NoError(t, err)
			imports = append(imports, p)
		}
		visit(path, imports)
		return nil
	})
	require.NoError(t, err)
}
