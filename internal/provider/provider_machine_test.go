// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/fakeaws"
)

// machine is a user's machine: the provider as it is released, a Terraform
// executable, and an environment that holds what the test puts there and
// nothing else. What depends on environment variables and on whole processes
// is tested on it; the rest is tested faster in the test's own process.
type machine struct {
	*world

	terraform, cliConfig, dir string
	env                       map[string]string
}

// installed is a provider that was built, and a Terraform that finds it.
type installed struct{ terraform, binary, cliConfig string }

// install builds the provider as it is released.
func install(t *testing.T) installed {
	t.Helper()
	terraform, err := exec.LookPath("terraform")
	if err != nil {
		t.Skip("terraform is not in PATH, and these tests need the executable itself")
	}
	bin := t.TempDir()
	binary := filepath.Join(bin, "terraform-provider-lambdaseed")
	if runtime.GOOS == "windows" {
		binary += ".exe"
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "../..")
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%s\n%s", err, output)
	}
	cliConfig := filepath.Join(bin, "terraform.tfrc")
	overrides := fmt.Sprintf("provider_installation {\n  dev_overrides {\n    \"lambdaseed/lambdaseed\" = %q\n  }\n}\n", filepath.ToSlash(bin))
	if err := os.WriteFile(cliConfig, []byte(overrides), 0o600); err != nil {
		t.Fatal(err)
	}
	return installed{terraform, binary, cliConfig}
}

// machine returns a machine that reaches the world's server and nothing else.
func (i installed) machine(t *testing.T, w *world) *machine {
	t.Helper()
	m := &machine{world: w, terraform: i.terraform, cliConfig: i.cliConfig, dir: t.TempDir()}
	m.env = map[string]string{
		"TF_CLI_CONFIG_FILE": i.cliConfig, "CHECKPOINT_DISABLE": "1",
		"HTTPS_PROXY": m.URL(), "AWS_CA_BUNDLE": m.ca,
		"AWS_REGION": testRegion, "AWS_ACCESS_KEY_ID": providerKey, "AWS_SECRET_ACCESS_KEY": "secret-of-the-environment",
	}
	for _, name := range []string{"SYSTEMROOT", "TMPDIR", "TEMP", "TMP"} {
		if value, ok := os.LookupEnv(name); ok {
			m.env[name] = value
		}
	}
	return m
}

// TestMachine builds the provider once for all that follows.
func TestMachine(t *testing.T) {
	t.Parallel()
	provider := install(t)
	for name, test := range map[string]func(*testing.T, *machine){
		"offline":                      testOffline,
		"no metadata service":          testNoMetadataService,
		"nothing secret is kept":       testNothingSecretIsKept,
		"errors of credentials":        testErrorsOfCredentials,
		"failed look is tried again":   testFailedLookIsTriedAgain,
		"unknown argument":             testUnknownArgument,
		"replace":                      testReplace,
		"HCP Terraform":                testHCPTerraform,
		"HCP Terraform, several roles": testHCPTerraformSeveral,
		"emulator in the environment":  testEmulatorInTheEnvironment,
		"examples of provider blocks":  testExamplesOfProviderBlocks,
	} {
		t.Run(name, func(t *testing.T) {
			var opts []fakeaws.Option
			if strings.HasPrefix(name, "emulator") {
				opts = append(opts, fakeaws.WithEmulatorHosts())
			}
			test(t, provider.machine(t, newWorld(t, opts...)))
		})
	}
}

// write makes a file in the configuration's folder and returns its path.
func (m *machine) write(name, content string) string {
	m.t.Helper()
	path := filepath.Join(m.dir, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		m.t.Fatal(err)
	}
	return path
}

// outcome is what a run of Terraform said.
type outcome struct {
	failed bool
	// errors and warnings are the diagnostics, each as "summary: detail".
	errors, warnings []string
	output           string
}

// run runs Terraform with the environment, changed by more, where "" takes a
// variable away.
func (m *machine) run(more map[string]string, args ...string) outcome {
	m.t.Helper()
	env := maps.Clone(m.env)
	maps.Copy(env, more)
	cmd := exec.CommandContext(m.ctx(), m.terraform, args...)
	cmd.Dir = m.dir
	cmd.Env = []string{}
	for name, value := range env {
		if value != "" {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
	}
	output, err := cmd.CombinedOutput()
	result := outcome{failed: err != nil, output: string(output)}
	lines := bufio.NewScanner(bytes.NewReader(output))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var line struct {
			Diagnostic struct{ Severity, Summary, Detail string }
		}
		if json.Unmarshal(lines.Bytes(), &line) != nil {
			continue
		}
		switch d := line.Diagnostic; d.Severity {
		case "error":
			result.errors = append(result.errors, d.Summary+": "+d.Detail)
		case "warning":
			result.warnings = append(result.warnings, d.Summary+": "+d.Detail)
		}
	}
	return result
}

func (m *machine) apply(more map[string]string, args ...string) outcome {
	m.t.Helper()
	return m.run(more, append([]string{"apply", "-auto-approve", "-no-color", "-json"}, args...)...)
}

func (m *machine) mustApply(more map[string]string, args ...string) outcome {
	m.t.Helper()
	result := m.apply(more, args...)
	if result.failed {
		m.t.Fatalf("%v\n%s", result.errors, result.output)
	}
	return result
}

// main writes main.tf: the provider block's content and the rest.
func (m *machine) main(block, rest string) {
	m.t.Helper()
	m.write("main.tf", `
terraform {
  required_providers {
    lambdaseed = {
      source = "lambdaseed/lambdaseed"
    }
  }
}

provider "lambdaseed" {
  `+block+`
}
`+rest)
}

// seeder returns the access keys that the repository was asked with.
func (m *machine) seeders() []string {
	var keys []string
	for _, r := range m.Requests() {
		if r.Service == "ecr" && strings.Contains(r.UserAgent, "lambdaseed") {
			keys = append(keys, r.AccessKey)
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}
