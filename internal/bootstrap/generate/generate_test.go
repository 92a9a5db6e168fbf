// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"bytes"
	"crypto/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestRebuild builds the layers anew and compares them byte for byte with what is
// committed: no executable in this repository is without its source.
func TestRebuild(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), "go", "version")
	cmd.Env = append(os.Environ(), "GOTOOLCHAIN="+toolchain)
	if output, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("the toolchain %s, which built the layers, cannot be had here: %v: %s", toolchain, err, output)
	}
	out := t.TempDir()
	if err := generate(t.Context(), "..", out); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(out)
	if err != nil || len(entries) != len(architectures)+1 {
		t.Fatalf("generated %v, %v", entries, err)
	}
	for _, entry := range entries {
		got, err := os.ReadFile(filepath.Join(out, entry.Name()))
		if err != nil {
			t.Fatal(err)
		}
		want, err := os.ReadFile(filepath.Join("..", entry.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("internal/bootstrap/%s is not what its source gives. Run: make generate", entry.Name())
		}
	}
}

// TestBuildIgnoresTheEnvironment builds with settings of a developer that would
// change the executable. It cannot run in parallel, because it sets them.
func TestBuildIgnoresTheEnvironment(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), "go", "version")
	cmd.Env = append(os.Environ(), "GOTOOLCHAIN="+toolchain)
	if output, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("the toolchain %s cannot be had here: %v: %s", toolchain, err, output)
	}
	want, err := compile(t.Context(), "../program", architectures[0])
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"GOFLAGS": "-tags=netgo -gcflags=all=-N", "GOAMD64": "v3", "GOOS": "windows", "GOARCH": "arm64",
		"CGO_ENABLED": "1", "GODEBUG": "madvdontneed=1", "GOEXPERIMENT": "nogreenteagc",
	} {
		t.Setenv(name, value)
	}
	got, err := compile(t.Context(), "../program", architectures[0])
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("the environment changes the executable")
	}
}

func TestCompileReportsWhatIsWrong(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, content := range map[string]string{"go.mod": "module m\n", "main.go": "package main\n\nfunc main() { undefined() }\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, err := compile(t.Context(), dir, architectures[0])
	if err == nil || !strings.Contains(err.Error(), "go build for x86_64: exit status 1") || !strings.Contains(err.Error(), "undefined: undefined") {
		t.Errorf("got the error %v", err)
	}
}

func TestLayerOverTheLimit(t *testing.T) {
	t.Parallel()
	noise := make([]byte, maxLayerSize)
	_, _ = rand.Read(noise) // never fails, and cannot be compressed
	_, err := newLayer(noise)
	if err == nil || !strings.HasPrefix(err.Error(), "the compressed layer has 1200") || !strings.HasSuffix(err.Error(), " bytes, more than the 1200000 that are allowed") {
		t.Errorf("got the error %v", err)
	}
	if _, err := newLayer(noise[:maxLayerSize-10_000]); err != nil {
		t.Errorf("a layer below the limit: %v", err)
	}
}
