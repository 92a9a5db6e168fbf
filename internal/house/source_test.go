// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package house

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
)

const module = "github.com/lambdaseed/terraform-provider-lambdaseed"

// root is the project's folder, seen from this package's.
const root = "../.."

// goFile is one Go file of the module.
type goFile struct {
	name    string // from the project's folder, with slashes
	test    bool   // ends in _test.go
	imports []string
	syntax  *ast.File
}

// pkg is the import path of the file's package.
func (f goFile) pkg() string { return path.Join(module, path.Dir(f.name)) }

// goFiles reads every Go file of the module, for whatever platform it is meant.
var goFiles = sync.OnceValues(func() ([]goFile, error) {
	var files []goFile
	names, err := sourceNames()
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if !strings.HasSuffix(name, ".go") || strings.HasPrefix(name, "internal/tools/") || strings.Contains(name, "testdata/") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
		if errors.Is(err, fs.ErrNotExist) {
			continue // deleted in the work tree, not yet in the index
		}
		if err != nil {
			return nil, err
		}
		file, err := parseGo(name, text)
		if err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	return files, nil
})

func parseGo(name string, text []byte) (goFile, error) {
	syntax, err := parser.ParseFile(token.NewFileSet(), name, text, parser.SkipObjectResolution|parser.ParseComments)
	if err != nil {
		return goFile{}, err
	}
	file := goFile{name: name, test: strings.HasSuffix(name, "_test.go"), syntax: syntax}
	for _, spec := range syntax.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return goFile{}, err
		}
		file.imports = append(file.imports, imported)
	}
	return file, nil
}

// sourceNames lists the project's files, from its folder, with slashes: what
// git tracks or would track, or, outside a git checkout, everything but what is
// built.
var sourceNames = sync.OnceValues(func() ([]string, error) {
	out, err := exec.Command("git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard").Output()
	if err == nil {
		return strings.FieldsFunc(string(out), func(r rune) bool { return r == 0 }), nil
	}
	var names []string
	err = filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		switch entry.Name() {
		case ".git", ".terraform", "bin", "dist":
			return filepath.SkipDir
		}
		if entry.Type().IsRegular() {
			relative, err := filepath.Rel(root, name)
			if err != nil {
				return err
			}
			names = append(names, filepath.ToSlash(relative))
		}
		return nil
	})
	return names, err
})

// mustGoFiles is goFiles for a test.
func mustGoFiles(t *testing.T) []goFile {
	t.Helper()
	files, err := goFiles()
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Fatal("found no Go file: the rules would hold for nothing")
	}
	return files
}
