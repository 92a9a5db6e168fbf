// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
)

var updateErrors = flag.Bool("update-errors", false, "write the listing of errors as they are now")

const errorListing = "testdata/errors.md"

// listing is every error and warning that a user can meet, to be read by
// somebody who asks of each: what happened, why, and what do I do now?
type listing struct {
	mu      sync.Mutex
	entries []string
}

// add records diagnostics under a title that says what the user did.
func (l *listing) add(title string, diagnostics ...*tfprotov6.Diagnostic) {
	if len(diagnostics) == 0 {
		panic("nothing is said of: " + title)
	}
	said := make([]string, len(diagnostics))
	for i, d := range diagnostics {
		var b strings.Builder
		fmt.Fprintf(&b, "\n%s: %s\n", d.Severity, d.Summary)
		if d.Attribute != nil {
			fmt.Fprintf(&b, "  at %s\n", argumentName(d.Attribute))
		}
		b.WriteByte('\n')
		for line := range strings.Lines(d.Detail) {
			b.WriteString(strings.TrimRight("    "+line, " \n") + "\n")
		}
		said[i] = b.String()
	}
	slices.Sort(said) // Attributes are validated in no order.
	text := "## " + title + "\n" + strings.Join(said, "")
	for _, p := range passing {
		text = p.pattern.ReplaceAllString(text, p.with)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries = append(l.entries, text)
}

// passing is what differs from run to run, and from build to build.
var passing = []struct {
	pattern *regexp.Regexp
	with    string
}{
	{regexp.MustCompile(`(?i)(request id:?) [0-9a-f-]{36}`), "$1 REQUEST"},
	{regexp.MustCompile(`127\.0\.0\.1:\d+`), "127.0.0.1:PORT"},
	{regexp.MustCompile(`sha256:[0-9a-f]{64}`), "sha256:DIGEST"},
	{regexp.MustCompile(`\S*/Test\S*/(\d+/)?`), "FOLDER/"},
}

// TestErrorListing compares the listing with the one that was read last. Run
// `make errors` to read it.
func TestErrorListing(t *testing.T) {
	t.Parallel()
	l := &listing{}
	t.Run("scenarios", func(t *testing.T) {
		for name, scenario := range errorScenarios {
			t.Run(name, func(t *testing.T) { scenario(newWorld(t), l) })
		}
	})
	slices.Sort(l.entries)
	got := "# Every error and warning, as a user meets it\n\n" +
		"Written by TestErrorListing; `go test ./internal/provider -run TestErrorListing -update-errors` writes it anew.\n\n" +
		strings.Join(l.entries, "\n")
	t.Log("\n" + got)
	if *updateErrors {
		if err := os.WriteFile(errorListing, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(errorListing)
	if err != nil {
		t.Fatal(err)
	}
	// Git may check text out with the line ends of the platform.
	before := strings.Split(strings.ReplaceAll(string(want), "\r\n", "\n"), "\n")
	after := strings.Split(got, "\n")
	for i := range max(len(before), len(after)) {
		was, is := lineOf(before, i), lineOf(after, i)
		if was != is {
			t.Fatalf("%s has changed at line %d: read it as a user would, then run "+
				"go test ./internal/provider -run TestErrorListing -update-errors\n is: %s\nwas: %s", errorListing, i+1, is, was)
		}
	}
}

func lineOf(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return "(end)"
}

// notListed are summaries that no scenario brings about, with the reason.
var notListed = map[string]string{
	"Unexpected provider data":                      "only a mistake in this provider leads there",
	"Remembering the ownership of the image failed": "only a mistake in this provider leads there",
	"Building the placeholder image failed":         "the arguments are validated before",
	"Reading the source image failed":               "an image that was resolved has a digest",
}

// TestEveryErrorIsListed reads the source for the summaries of errors and
// warnings, so that a new one does not stay unread.
func TestEveryErrorIsListed(t *testing.T) {
	t.Parallel()
	listed, err := os.ReadFile(errorListing)
	if err != nil {
		t.Fatal(err)
	}
	summaries := summariesInSource(t)
	if len(summaries) < 30 {
		t.Fatalf("found only %d summaries in the source", len(summaries))
	}
	for summary, where := range summaries {
		_, excused := notListed[summary]
		if in := strings.Contains(string(listed), summary); in == excused {
			t.Errorf("%s: %q is in the listing: %t, excused: %t", where, summary, in, excused)
		}
	}
}

// summariesInSource finds the literal beginnings of summaries.
func summariesInSource(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		set := token.NewFileSet()
		syntax, err := parser.ParseFile(set, file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		note := func(expression ast.Expr) {
			for {
				sum, ok := expression.(*ast.BinaryExpr)
				if !ok {
					break
				}
				expression = sum.X
			}
			if literal, ok := expression.(*ast.BasicLit); ok && literal.Kind == token.STRING {
				if text, err := strconv.Unquote(literal.Value); err == nil && text != "" {
					found[text] = set.Position(literal.Pos()).String()
				}
			}
		}
		ast.Inspect(syntax, func(node ast.Node) bool {
			switch node := node.(type) {
			case *ast.CallExpr:
				if called, ok := node.Fun.(*ast.SelectorExpr); ok {
					if at, ok := summaryArgument[called.Sel.Name]; ok && len(node.Args) > at {
						note(node.Args[at])
					}
				}
			case *ast.KeyValueExpr:
				if key, ok := node.Key.(*ast.Ident); ok && key.Name == "summary" {
					note(node.Value)
				}
			case *ast.ValueSpec:
				for i, name := range node.Names {
					if name.Name == "summary" && i < len(node.Values) {
						note(node.Values[i])
					}
				}
			}
			return true
		})
	}
	return found
}

// summaryArgument is where the summary stands in a call.
var summaryArgument = map[string]int{
	"AddError": 0, "AddWarning": 0, "NewErrorDiagnostic": 0, "NewWarningDiagnostic": 0,
	"AddAttributeError": 1, "AddAttributeWarning": 1, "NewAttributeErrorDiagnostic": 1, "NewAttributeWarningDiagnostic": 1,
}
