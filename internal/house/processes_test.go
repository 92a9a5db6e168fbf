// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package house

import (
	"go/ast"
	"path"
	"slices"
	"strconv"
	"testing"
)

// startsProgram lists what starts or loads another program, by import path. An
// empty list forbids the import itself.
var startsProgram = map[string][]string{
	"os/exec":                  nil,
	"golang.org/x/sys/execabs": nil,
	"plugin":                   nil,
	"C":                        nil,
	"os":                       {"StartProcess"},
	"syscall":                  {"Exec", "ForkExec", "StartProcess", "CreateProcess", "RawSyscall", "RawSyscall6", "Syscall", "Syscall6"},
	"golang.org/x/sys/unix":    {"Exec"},
	"golang.org/x/sys/windows": {"CreateProcess", "ShellExecute"},
}

// TestProviderStartsNoProgram keeps the promise that the provider needs nothing
// but itself: no package of this module that it links can start a process. (What
// it depends on can: a profile in the AWS configuration may name a
// credential_process, and that is the user's word.)
func TestProviderStartsNoProgram(t *testing.T) {
	t.Parallel()
	files := mustGoFiles(t)
	linked := linkedPackages(files, module)
	for _, file := range files {
		if file.test || !slices.Contains(linked, file.pkg()) {
			continue
		}
		for _, complaint := range programsStarted(file) {
			t.Errorf("%s: the provider links this file, and it uses %s, which starts another program", file.name, complaint)
		}
	}
}

// programsStarted names what a file uses that can start a program.
func programsStarted(file goFile) []string {
	var found []string
	forbidden := map[string][]string{} // by the name that the file calls the package
	for _, spec := range file.syntax.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue
		}
		names, ok := startsProgram[imported]
		switch {
		case !ok:
		case names == nil:
			found = append(found, imported)
		case spec.Name != nil && spec.Name.Name == ".":
			found = append(found, imported+" under no name")
		case spec.Name != nil:
			forbidden[spec.Name.Name] = names
		default:
			forbidden[path.Base(imported)] = names
		}
	}
	ast.Inspect(file.syntax, func(node ast.Node) bool {
		selector, ok := node.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if pkg, ok := selector.X.(*ast.Ident); ok && slices.Contains(forbidden[pkg.Name], selector.Sel.Name) {
			found = append(found, pkg.Name+"."+selector.Sel.Name)
		}
		return true
	})
	return found
}

func TestProgramsStartedFindsWhatStartsAProgram(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		source string
		want   []string
	}{
		{`import "os"; var _ = os.Getenv`, nil},
		{`import "os/exec"; var _ = exec.Command`, []string{"os/exec"}},
		{`import x "os"; var _ = x.StartProcess`, []string{"x.StartProcess"}},
		{`import "syscall"; var _ = syscall.Exec`, []string{"syscall.Exec"}},
		{`import "syscall"; var _ = syscall.SIGTERM`, nil},
		{`import . "os"; var _ = StartProcess`, []string{"os under no name"}},
	} {
		file, err := parseGo("internal/provider/x.go", []byte("package x\n"+test.source))
		if err != nil {
			t.Fatal(err)
		}
		if got := programsStarted(file); !slices.Equal(got, test.want) {
			t.Errorf("%s: got %q, want %q", test.source, got, test.want)
		}
	}
}
