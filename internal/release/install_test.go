// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package release

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/fakeaws"
)

const region = "ap-northeast-1"

const configuration = `
terraform {
  required_providers {
    lambdaseed = {
      source  = "lambdaseed/lambdaseed"
      version = %q
    }
  }
}

provider "lambdaseed" {
  region = %q
}

resource "lambdaseed_placeholder_image" "app" {
  repository_url = %q
}
`

// TestArchiveInstallsAndApplies does what someone without a way to the registry
// does: the archives, as they are, in a filesystem mirror, and an environment
// with nothing in it but what AWS needs.
func TestArchiveInstallsAndApplies(t *testing.T) {
	t.Parallel()
	folder, version := dist(t)
	terraform, err := exec.LookPath("terraform")
	if err != nil {
		t.Skip("terraform is not in PATH, and it is what installs a provider")
	}

	srv, err := fakeaws.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(srv.Close)
	registry := ecr.NewFromConfig(srv.AWSConfig(region))
	created, err := registry.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: aws.String("app")})
	if err != nil {
		t.Fatal(err)
	}

	work := t.TempDir()
	mirror := filepath.Join(work, "mirror", "registry.terraform.io", "lambdaseed", "lambdaseed")
	if err := os.MkdirAll(mirror, 0o750); err != nil {
		t.Fatal(err)
	}
	archive := name + "_" + version + "_" + runtime.GOOS + "_" + runtime.GOARCH + ".zip"
	content, err := os.ReadFile(filepath.Join(folder, archive))
	if err != nil {
		t.Fatal(err)
	}
	write := func(path string, content []byte) {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(filepath.Join(mirror, archive), content)
	write(filepath.Join(work, "ca.pem"), srv.CABundlePEM())
	write(filepath.Join(work, "cli.tfrc"), fmt.Appendf(nil,
		"provider_installation {\n  filesystem_mirror {\n    path = %q\n  }\n}\n", filepath.ToSlash(filepath.Join(work, "mirror"))))
	write(filepath.Join(work, "main.tf"), fmt.Appendf(nil, configuration, version, region, aws.ToString(created.Repository.RepositoryUri)))

	env := []string{
		"TF_CLI_CONFIG_FILE=" + filepath.Join(work, "cli.tfrc"),
		"CHECKPOINT_DISABLE=1",
		"HTTPS_PROXY=" + srv.URL(),
		"AWS_CA_BUNDLE=" + filepath.Join(work, "ca.pem"),
		"AWS_ACCESS_KEY_ID=AKIARELEASE000000001",
		"AWS_SECRET_ACCESS_KEY=nobody's secret",
	}
	for _, key := range []string{"SYSTEMROOT", "TMPDIR", "TEMP", "TMP"} {
		if value, ok := os.LookupEnv(key); ok {
			env = append(env, key+"="+value)
		}
	}
	run := func(args ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), terraform, args...)
		cmd.Dir, cmd.Env = work, env
		if output, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("terraform %v: %s\n%s", args, err, output)
		}
	}
	images := func() int {
		t.Helper()
		listed, err := registry.ListImages(t.Context(), &ecr.ListImagesInput{RepositoryName: aws.String("app")})
		if err != nil {
			t.Fatal(err)
		}
		return len(listed.ImageIds)
	}

	run("init", "-no-color", "-input=false")
	run("apply", "-no-color", "-input=false", "-auto-approve")
	if n := images(); n != 1 {
		t.Errorf("after the apply the repository holds %d images, want the placeholder", n)
	}
	run("plan", "-no-color", "-input=false", "-detailed-exitcode") // fails if there is anything to do
	run("destroy", "-no-color", "-input=false", "-auto-approve")
	if n := images(); n != 0 {
		t.Errorf("after the destroy the repository holds %d images, want none", n)
	}
	// The owners of an account tell by the version who called.
	agent := name + "/" + version
	if !slices.ContainsFunc(srv.Requests(), func(r fakeaws.Request) bool { return strings.Contains(r.UserAgent, agent) }) {
		t.Errorf("no request came from %s: the build did not get its version", agent)
	}
	if hosts := srv.RefusedHosts(); len(hosts) > 0 {
		t.Errorf("hosts beyond AWS were asked: %v", hosts)
	}
}
