// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package exampletest_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// root is the project's folder, seen from this package's.
const root = "../.."

// codeBlock is a fenced block of a Markdown page.
type codeBlock struct {
	page     string // from the project's folder, with slashes
	line     int    // of its first line of code
	heading  string // that it stands under
	language string
	text     string
}

func (b codeBlock) String() string {
	return fmt.Sprintf("%s:%d (%s)", b.page, b.line, b.heading)
}

// codeBlocks takes the fenced blocks out of a page. A block in a list is
// indented with it.
func codeBlocks(page, text string) ([]codeBlock, error) {
	var blocks []codeBlock
	var open *codeBlock
	heading, indent := "", ""
	for i, line := range strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n") {
		trimmed := strings.TrimLeft(line, " ")
		language, fence := strings.CutPrefix(trimmed, "```")
		switch {
		case open == nil && fence:
			indent = line[:len(line)-len(trimmed)]
			open = &codeBlock{page: page, line: i + 2, heading: heading, language: strings.TrimSpace(language)}
		case open == nil && strings.HasPrefix(line, "#"):
			heading = strings.TrimSpace(strings.TrimLeft(line, "#"))
		case open == nil:
		case fence:
			blocks = append(blocks, *open)
			open = nil
		default:
			open.text += strings.TrimPrefix(line, indent) + "\n"
		}
	}
	if open != nil {
		return nil, fmt.Errorf("%s: the block at line %d does not end", page, open.line)
	}
	return blocks, nil
}

// pages are the Markdown pages that users read: what the registry shows, and
// the README.
func pages(t *testing.T) []string {
	t.Helper()
	found := []string{"README.md"}
	err := filepath.WalkDir(filepath.Join(root, "docs"), func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		relative, err := filepath.Rel(root, name)
		found = append(found, filepath.ToSlash(relative))
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		t.Fatal("docs/ is missing: run make docs")
	}
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func read(t *testing.T, page string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(page)))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// blocksOf returns all code blocks of all pages.
func blocksOf(t *testing.T) []codeBlock {
	t.Helper()
	var all []codeBlock
	for _, page := range pages(t) {
		blocks, err := codeBlocks(page, read(t, page))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, blocks...)
	}
	return all
}

func TestCodeBlocks(t *testing.T) {
	t.Parallel()
	blocks, err := codeBlocks("x.md", "# One\n\n```terraform\na\n\n b\n```\n\n1. Two\n\n   ```sh\n   c\n   # no heading\n   ```\n")
	if err != nil {
		t.Fatal(err)
	}
	want := []codeBlock{
		{"x.md", 4, "One", "terraform", "a\n\n b\n"},
		{"x.md", 12, "One", "sh", "c\n# no heading\n"},
	}
	if len(blocks) != 2 || blocks[0] != want[0] || blocks[1] != want[1] {
		t.Errorf("got %#v, want %#v", blocks, want)
	}
	if _, err := codeBlocks("x.md", "```\n"); err == nil || err.Error() != "x.md: the block at line 2 does not end" {
		t.Errorf("got %v", err)
	}
}
