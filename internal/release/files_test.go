// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package release

import (
	"archive/zip"
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const name = "terraform-provider-lambdaseed"

// dist is the folder of the release's files, and the version in their names.
func dist(t *testing.T) (folder, version string) {
	t.Helper()
	folder = os.Getenv("LAMBDASEED_RELEASE_DIST")
	if folder == "" {
		t.Skip("LAMBDASEED_RELEASE_DIST names no folder with a release: run bash .ci/run release")
	}
	sums, err := filepath.Glob(filepath.Join(folder, name+"_*_SHA256SUMS"))
	if err != nil {
		t.Fatal(err)
	}
	if len(sums) != 1 {
		t.Fatalf("%s holds %d files with checksums, want one", folder, len(sums))
	}
	version = strings.TrimPrefix(filepath.Base(sums[0]), name+"_")
	return folder, strings.TrimSuffix(version, "_SHA256SUMS")
}

// platforms are those of a release; a rehearsal leaves out the ones with 32 bits.
var (
	platforms = []string{
		"darwin_amd64", "darwin_arm64", "freebsd_amd64", "freebsd_arm64",
		"linux_amd64", "linux_arm64", "windows_amd64", "windows_arm64",
	}
	platforms32 = []string{"linux_386", "linux_arm"}
)

func TestChecksumsCoverEveryFile(t *testing.T) {
	t.Parallel()
	folder, version := dist(t)
	text, err := os.ReadFile(filepath.Join(folder, name+"_"+version+"_SHA256SUMS"))
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]string{}
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		sum, file, ok := strings.Cut(lines.Text(), "  ")
		if !ok {
			t.Fatalf("not a line of sha256sum: %q", lines.Text())
		}
		listed[file] = sum
	}

	var want []string
	for _, platform := range platforms {
		want = append(want, name+"_"+version+"_"+platform+".zip")
	}
	for _, file := range want {
		content, err := os.ReadFile(filepath.Join(folder, file))
		if err != nil {
			t.Error(err)
			continue
		}
		if sum := sha256.Sum256(content); listed[file] != hex.EncodeToString(sum[:]) {
			t.Errorf("%s has the checksum %x, listed is %q", file, sum, listed[file])
		}
	}

	manifest := name + "_" + version + "_manifest.json"
	content, err := os.ReadFile("../../terraform-registry-manifest.json")
	if err != nil {
		t.Fatal(err)
	}
	if sum := sha256.Sum256(content); listed[manifest] != hex.EncodeToString(sum[:]) {
		t.Errorf("the manifest has the checksum %x, listed is %q", sum, listed[manifest])
	}
	var parsed struct {
		Version  int
		Metadata struct {
			ProtocolVersions []string `json:"protocol_versions"`
		}
	}
	if err := json.Unmarshal(content, &parsed); err != nil {
		t.Fatal(err)
	}
	if parsed.Version != 1 || !slices.Equal(parsed.Metadata.ProtocolVersions, []string{"6.0"}) {
		t.Errorf("the manifest says %+v; the registry wants version 1, and the provider speaks 6.0", parsed)
	}

	for file := range listed {
		if file != manifest && !slices.Contains(want, file) && !slices.ContainsFunc(platforms32, func(p string) bool {
			return file == name+"_"+version+"_"+p+".zip"
		}) {
			t.Errorf("%s is listed, but no such file is part of a release", file)
		}
	}
}

// TestArchivesHoldTheProviderAlone: the registry and Terraform find the
// executable by its name.
func TestArchivesHoldTheProviderAlone(t *testing.T) {
	t.Parallel()
	folder, version := dist(t)
	for _, platform := range platforms {
		archive, err := zip.OpenReader(filepath.Join(folder, name+"_"+version+"_"+platform+".zip"))
		if err != nil {
			t.Error(err)
			continue
		}
		t.Cleanup(func() {
			if err := archive.Close(); err != nil {
				t.Error(err)
			}
		})
		executable := name + "_v" + version
		if strings.HasPrefix(platform, "windows") {
			executable += ".exe"
		}
		var files []string
		for _, file := range archive.File {
			files = append(files, file.Name)
			if file.Name != executable {
				continue
			}
			if file.Mode().Perm() != 0o755 {
				t.Errorf("%s: %s has the mode %o, want 755", platform, file.Name, file.Mode().Perm())
			}
			if file.UncompressedSize64 > sizeLimit {
				t.Errorf("%s: %s has %d bytes, want at most %d: see \"Size of the binary\" in DESIGN.md", platform, file.Name, file.UncompressedSize64, sizeLimit)
			}
		}
		slices.Sort(files)
		if want := []string{"LICENSE", executable}; !slices.Equal(files, want) {
			t.Errorf("%s holds %q, want %q", platform, files, want)
		}
	}
}

// sizeLimit is what an executable may have in bytes. Every job of a pipeline
// downloads one.
const sizeLimit = 30_000_000

// TestExecutablesSayNothingOfTheMachine: a path in a build is a path in every
// panic that a user reports, and makes a build that cannot be repeated.
func TestExecutablesSayNothingOfTheMachine(t *testing.T) {
	t.Parallel()
	folder, version := dist(t)
	machine, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	built, err := filepath.Abs(filepath.Dir(folder))
	if err != nil {
		t.Fatal(err)
	}
	for _, platform := range platforms {
		archive, err := zip.OpenReader(filepath.Join(folder, name+"_"+version+"_"+platform+".zip"))
		if err != nil {
			t.Error(err)
			continue
		}
		for _, file := range archive.File {
			if file.Name == "LICENSE" {
				continue
			}
			content := contentOf(t, file)
			for _, path := range []string{machine, built} {
				if bytes.Contains(content, []byte(path+string(filepath.Separator))) {
					t.Errorf("%s: the executable holds the path %s", platform, path)
				}
			}
		}
		if err := archive.Close(); err != nil {
			t.Error(err)
		}
	}
}

func contentOf(t *testing.T, file *zip.File) []byte {
	t.Helper()
	reader, err := file.Open()
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(reader)
	if err != nil {
		t.Fatal(err)
	}
	if err := reader.Close(); err != nil {
		t.Fatal(err)
	}
	return content
}
