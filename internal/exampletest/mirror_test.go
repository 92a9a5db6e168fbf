// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package exampletest_test

import (
	"archive/zip"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/exampletest"
)

// TestFilesystemMirror installs from a folder that is laid out, and configured,
// as the guide shows, with no registry to ask. What is installed is never run.
func TestFilesystemMirror(t *testing.T) {
	t.Parallel()
	const page = "docs/guides/private-networks.md"
	blocks, err := codeBlocks(page, read(t, page))
	if err != nil {
		t.Fatal(err)
	}
	var tree, config string
	for _, block := range blocks {
		switch block.language {
		case "text":
			tree = block.text
		case "hcl":
			config = block.text
		}
	}
	mirror := t.TempDir()
	platform := runtime.GOOS + "_" + runtime.GOARCH
	folder, installed := pathsOf(tree)
	for _, name := range installed {
		writeZip(t, filepath.Join(mirror, filepath.FromSlash(strings.ReplaceAll(name, "linux_amd64", platform))))
	}
	if len(installed) != 3 || !strings.Contains(config, fmt.Sprintf("path = %q", folder)) {
		t.Fatalf("the guide shows the files %q in %q, and the configuration\n%s", installed, folder, config)
	}
	cli := filepath.Join(t.TempDir(), "terraform.tfrc")
	config = strings.ReplaceAll(config, folder, filepath.ToSlash(mirror))
	if err := os.WriteFile(cli, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}

	work := t.TempDir()
	const required = "terraform {\n  required_providers {\n    aws        = { source = \"hashicorp/aws\" }\n    lambdaseed = { source = \"lambdaseed/lambdaseed\" }\n  }\n}\n"
	if err := os.WriteFile(filepath.Join(work, "main.tf"), []byte(required), 0o600); err != nil {
		t.Fatal(err)
	}
	run := exec.CommandContext(t.Context(), exampletest.TerraformBinary(t), "init", "-no-color")
	run.Dir = work
	// A proxy that is not there: whoever asks a registry fails.
	run.Env = []string{"TF_CLI_CONFIG_FILE=" + cli, "CHECKPOINT_DISABLE=1", "HTTPS_PROXY=http://127.0.0.1:1", "SYSTEMROOT=" + os.Getenv("SYSTEMROOT")}
	out, err := run.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "Installed lambdaseed/lambdaseed v0.1.0") {
		t.Errorf("%v\n%s", err, out)
	}
}

var branch = regexp.MustCompile(`^((?:[│ ]   )*)(?:├── |└── )(.*)$`)

// pathsOf reads a tree as the command tree draws it: its root, and its files
// from there.
func pathsOf(tree string) (folder string, files []string) {
	var trail []string
	for line := range strings.Lines(tree) {
		line = strings.TrimRight(line, "\n")
		match := branch.FindStringSubmatch(line)
		if match == nil {
			folder = line
			continue
		}
		depth := len([]rune(match[1])) / 4
		trail = append(trail[:depth], match[2])
		if strings.HasSuffix(match[2], ".zip") {
			files = append(files, strings.Join(trail, "/"))
		}
	}
	return folder, files
}

// writeZip makes a release's zip with a program that is none.
func writeZip(t *testing.T, name string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o750); err != nil {
		t.Fatal(err)
	}
	file, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	archive := zip.NewWriter(file)
	parts := strings.Split(filepath.Base(name), "_")
	if _, err := archive.Create(parts[0] + "_v" + parts[1]); err != nil {
		t.Fatal(err)
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
}
