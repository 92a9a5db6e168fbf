// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"

	"github.com/hashicorp/hc-install/product"
	"github.com/hashicorp/hc-install/releases"
	"github.com/hashicorp/terraform-exec/tfexec"
)

// version is what the demo's builds call themselves.
const version = "0.1.0"

// buildMirror builds both providers into the layout of a filesystem mirror.
func (d *demo) buildMirror(ctx context.Context, mirror string) error {
	for _, p := range []struct{ address, name, source string }{
		{"lambdaseed/lambdaseed", "terraform-provider-lambdaseed", "."},
		{"hashicorp/aws", "terraform-provider-aws", "./internal/standinaws/terraform-provider-aws"},
	} {
		binary := filepath.Join(mirror, "registry.terraform.io", filepath.FromSlash(p.address), version,
			runtime.GOOS+"_"+runtime.GOARCH, p.name+"_v"+version)
		if runtime.GOOS == "windows" {
			binary += ".exe"
		}
		build := exec.CommandContext(ctx, "go", "build", "-o", binary, p.source) //nolint:gosec // The arguments are constants.
		build.Dir = d.root
		if output, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("building %s: %w\n%s", p.name, err, output)
		}
	}
	config := fmt.Sprintf("provider_installation {\n  filesystem_mirror {\n    path = %q\n  }\n}\n", filepath.ToSlash(mirror))
	return os.WriteFile(d.cliConfig(), []byte(config), 0o600)
}

func (d *demo) cliConfig() string { return filepath.Join(d.dir, "terraform.tfrc") }

// findTerraform takes Terraform from PATH, or installs the latest release.
func findTerraform(ctx context.Context, dir string) (binary, where string, err error) {
	if binary, err := exec.LookPath("terraform"); err == nil {
		return binary, "from PATH", nil
	}
	install := &releases.LatestVersion{Product: product.Terraform, InstallDir: dir}
	binary, err = install.Install(ctx)
	if err != nil {
		return "", "", fmt.Errorf("terraform is not on PATH, and installing it failed: %w", err)
	}
	return binary, "installed for this demo", nil
}

// newTerraform makes Terraform see nothing of this machine's AWS settings: the
// providers reach the stand-in under AWS's real host names, through its proxy.
func (d *demo) newTerraform(work, binary string) (*tfexec.Terraform, error) {
	ca := filepath.Join(d.dir, "ca.pem")
	if err := os.WriteFile(ca, d.aws.CABundlePEM(), 0o600); err != nil {
		return nil, err
	}
	tf, err := tfexec.NewTerraform(work, binary)
	if err != nil {
		return nil, err
	}
	env := map[string]string{
		"HTTPS_PROXY":           d.aws.URL(),
		"AWS_CA_BUNDLE":         ca,
		"AWS_ACCESS_KEY_ID":     "AKIADEMO000000000001",
		"AWS_SECRET_ACCESS_KEY": "nobody's secret",
		"TF_CLI_CONFIG_FILE":    d.cliConfig(),
		"CHECKPOINT_DISABLE":    "1",
	}
	// What a process needs on Windows and for its temporary files, and nothing
	// else: no PATH, no HOME.
	for _, key := range []string{"SYSTEMROOT", "TMPDIR", "TEMP", "TMP"} {
		if value, ok := os.LookupEnv(key); ok {
			env[key] = value
		}
	}
	return tf, tf.SetEnv(env)
}
