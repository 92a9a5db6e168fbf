// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package house

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const header = `// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0
`

func TestGoFilesNameTheirLicence(t *testing.T) {
	t.Parallel()
	for _, file := range mustGoFiles(t) {
		text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(file.name)))
		if err != nil {
			t.Fatal(err)
		}
		// Git may check text out with the line ends of the platform.
		if !strings.HasPrefix(strings.ReplaceAll(string(text), "\r\n", "\n"), header) {
			t.Errorf("%s does not begin with\n%s", file.name, header)
		}
	}
}

// unwanted is what no file of the project says. A text without any of the signs
// is not searched for the pattern, which takes a hundred times as long.
var unwanted = []struct {
	what    string
	signs   []string
	pattern *regexp.Regexp
}{
	{
		"a path of somebody's machine",
		[]string{"/home/", "/root/", "/Users/", "/work/", "/workspace/"},
		regexp.MustCompile(`(?:^|[^\w.$}/-])/(?:home|root|Users|work|workspace)/[\w.]`),
	},
	{
		"the address of a package registry: a mirror serves as well",
		[]string{"golang.org", "npmjs.org", "debian.org", "pypi.org"},
		regexp.MustCompile(`(?:proxy|sum)\.golang\.org|registry\.npmjs\.org|deb\.debian\.org|pypi\.org`),
	},
	{
		"a private key",
		[]string{"PRIVATE KEY"},
		regexp.MustCompile(`-----BEGIN (?:\w+ )?PRIVATE KEY-----\n`),
	},
	{
		"work that is left to do: finish it, or write it down where work is tracked",
		[]string{"FIXME", "XXX", "HACK", "TODO"},
		regexp.MustCompile(`\b(?:FIXME|XXX|HACK)\b|(?://|#) ?TODO\b`),
	},
	{
		"an issue by its number alone: say what it was about",
		[]string{"#"},
		regexp.MustCompile(`(?i)\b(?:issues?|closes|fixes) #\d+`),
	},
	{
		"a conflict that was not resolved",
		[]string{"<<<<<<<", "=======", ">>>>>>>"},
		regexp.MustCompile(`(?m)^(?:<{7} |={7}$|>{7} )`),
	},
}

// unwantedIn says what a text holds that no file should.
func unwantedIn(text []byte) []string {
	var found []string
	for _, rule := range unwanted {
		if !slices.ContainsFunc(rule.signs, func(sign string) bool { return bytes.Contains(text, []byte(sign)) }) {
			continue
		}
		if match := rule.pattern.Find(text); match != nil {
			found = append(found, strings.TrimSpace(string(match))+" is "+rule.what)
		}
	}
	return found
}

func TestNothingUnwantedIsSaid(t *testing.T) {
	t.Parallel()
	names, err := sourceNames()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		// This file shows what it looks for.
		if name == "internal/house/text_test.go" || filepath.Base(name) == "go.sum" || name == "LICENSE" {
			continue
		}
		text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
		if errors.Is(err, fs.ErrNotExist) {
			continue // deleted in the work tree, not yet in the index
		}
		if err != nil {
			t.Fatal(err)
		}
		if bytes.IndexByte(text, 0) >= 0 {
			continue // not text
		}
		for _, complaint := range unwantedIn(text) {
			t.Errorf("%s: %s", name, complaint)
		}
	}
}

func TestUnwantedInFindsWhatIsUnwanted(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"see /home/me/notes":               "machine",
		"see https://x.test/home/me":       "",
		"GOPROXY=https://proxy.golang.org": "registry",
		"// TODO: later":                   "left to do",
		"fixes #12":                        "by its number",
		"aws/containers-roadmap#2179":      "",
		"issue with 3 tags":                "",
		"/var/task":                        "",
	} {
		got := strings.Join(unwantedIn([]byte(text)), "\n")
		if want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}
