// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package exampletest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/go-version"
	"github.com/hashicorp/terraform-exec/tfexec"
	tfjson "github.com/hashicorp/terraform-json"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/fakeaws"
	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/standinaws"
)

// The access keys of the two providers, by which the server tells who asks.
const (
	LambdaseedKey = "AKIALAMBDASEED000001"
	StandinKey    = "AKIASTANDINAWS000001"
)

// Workspace is a folder with a configuration and its state. Every method fails
// the test at once where Terraform fails.
type Workspace struct {
	t         *testing.T
	dir       string
	tf        *tfexec.Terraform
	providers tfexec.ReattachInfo
	reattach  *tfexec.ReattachOption
	env       map[string]string
	plans     int
	ready     bool
}

// New makes an empty workspace whose providers reach the server under AWS's real
// host names. lambdaseed makes the provider under test; others are served beside
// it, as they are. Terraform is that of TF_ACC_TERRAFORM_PATH or of PATH; without
// one the test is skipped.
func New(t *testing.T, server *fakeaws.Server, lambdaseed func() (tfprotov6.ProviderServer, error), others ...Provider) *Workspace {
	t.Helper()
	binary := TerraformBinary(t)
	outside := t.TempDir()
	ca, cli := filepath.Join(outside, "ca.pem"), filepath.Join(outside, "terraform.tfrc")
	for name, content := range map[string][]byte{ca: server.CABundlePEM(), cli: nil} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}

	reattach := tfexec.ReattachInfo{}
	attach := func(source, key string, factory func() (tfprotov6.ProviderServer, error)) {
		provider, err := factory()
		if err != nil {
			t.Fatal(err)
		}
		reattach[address(source)] = serve(t, source, &withArguments{provider, map[string]string{
			"access_key":       key,
			"secret_key":       "nobody's secret",
			"https_proxy":      server.URL(),
			"custom_ca_bundle": ca,
		}})
	}
	attach("lambdaseed/lambdaseed", LambdaseedKey, lambdaseed)
	attach("hashicorp/aws", StandinKey, providerserver.NewProtocol6WithError(standinaws.New("6.0.0")()))
	for _, other := range others {
		provider, err := other.Make()
		if err != nil {
			t.Fatal(err)
		}
		reattach[address(other.Source)] = serve(t, other.Source, provider)
	}

	w := &Workspace{t: t, dir: t.TempDir(), providers: reattach, reattach: tfexec.Reattach(reattach), env: environment(cli)}
	tf, err := tfexec.NewTerraform(w.dir, binary)
	if err != nil {
		t.Fatal(err)
	}
	w.tf = tf
	w.Setenv(nil)
	return w
}

// Provider is one more provider, by its source, such as "kreuzwerker/docker".
type Provider struct {
	Source string
	Make   func() (tfprotov6.ProviderServer, error)
}

// Version is that of Terraform.
func (w *Workspace) Version() *version.Version {
	w.t.Helper()
	v, _, err := w.tf.Version(w.ctx(), true)
	if err != nil {
		w.t.Fatal(err)
	}
	return v
}

// Setenv adds variables to the environment of Terraform, which is that of the
// commands that a configuration starts, too.
func (w *Workspace) Setenv(variables map[string]string) {
	w.t.Helper()
	maps.Copy(w.env, variables)
	if err := w.tf.SetEnv(w.env); err != nil {
		w.t.Fatal(err)
	}
}

// TerraformBinary is the path of Terraform: TF_ACC_TERRAFORM_PATH, or what is in
// PATH. Without one the test is skipped.
func TerraformBinary(t *testing.T) string {
	t.Helper()
	if binary := os.Getenv("TF_ACC_TERRAFORM_PATH"); binary != "" {
		return binary
	}
	binary, err := exec.LookPath("terraform")
	if err != nil {
		t.Skip("terraform is not installed: put it on PATH, or its path into TF_ACC_TERRAFORM_PATH")
	}
	return binary
}

// environment is what Terraform itself needs and nothing that is the machine's:
// no AWS settings, no configuration of the command line, no variables.
func environment(cliConfig string) map[string]string {
	env := map[string]string{"TF_CLI_CONFIG_FILE": cliConfig, "CHECKPOINT_DISABLE": "1"}
	for _, key := range []string{"SYSTEMROOT", "TMPDIR", "TEMP", "TMP"} {
		if value, ok := os.LookupEnv(key); ok {
			env[key] = value
		}
	}
	return env
}

// Copy brings the Terraform files of a folder in, unchanged.
func (w *Workspace) Copy(dir string) {
	w.t.Helper()
	names, err := fs.Glob(os.DirFS(dir), "*.tf")
	if err != nil || len(names) == 0 {
		w.t.Fatalf("no Terraform files in %s (%v)", dir, err)
	}
	for _, name := range names {
		content, err := os.ReadFile(filepath.Join(dir, name)) //nolint:gosec // The folder is the test's.
		if err != nil {
			w.t.Fatal(err)
		}
		w.Write(name, string(content))
	}
}

// Clear takes the Terraform files away and leaves the state.
func (w *Workspace) Clear() {
	w.t.Helper()
	names, err := filepath.Glob(filepath.Join(w.dir, "*.tf"))
	if err != nil {
		w.t.Fatal(err)
	}
	for _, name := range names {
		if err := os.Remove(name); err != nil {
			w.t.Fatal(err)
		}
	}
	w.ready = false
}

// Run runs a command of Terraform that terraform-exec has no, or no fitting,
// method for, in a folder of the workspace, and returns what it printed.
func (w *Workspace) Run(folder string, args ...string) (string, error) {
	w.t.Helper()
	reattach, err := json.Marshal(w.providers)
	if err != nil {
		w.t.Fatal(err)
	}
	run := exec.CommandContext(w.ctx(), w.tf.ExecPath(), args...) //nolint:gosec // Terraform, with the test's own arguments.
	run.Dir = filepath.Join(w.dir, filepath.FromSlash(folder))
	run.Env = []string{"TF_REATTACH_PROVIDERS=" + string(reattach), "TF_IN_AUTOMATION=1"}
	for name, value := range w.env {
		run.Env = append(run.Env, name+"="+value)
	}
	var stdout, stderr bytes.Buffer
	run.Stdout, run.Stderr = &stdout, &stderr
	if err := run.Run(); err != nil {
		return stdout.String(), fmt.Errorf("terraform %s: %w\n%s", strings.Join(args, " "), err, &stderr)
	}
	return stdout.String(), nil
}

// Write makes or replaces a file, which may be in a folder of its own.
func (w *Workspace) Write(name, content string) {
	w.t.Helper()
	file := filepath.Join(w.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		w.t.Fatal(err)
	}
	w.ready = false
}

// Edit replaces a text, which must be there, in a file: what a user changes.
func (w *Workspace) Edit(name, before, after string) {
	w.t.Helper()
	content, err := os.ReadFile(filepath.Join(w.dir, name)) //nolint:gosec // The folder is the test's.
	if err != nil {
		w.t.Fatal(err)
	}
	if !strings.Contains(string(content), before) {
		w.t.Fatalf("%s does not contain %q", name, before)
	}
	// Not for a change that needs terraform init again, such as another provider.
	ready := w.ready
	w.Write(name, strings.ReplaceAll(string(content), before, after))
	w.ready = ready
}

// Plan is a saved plan.
type Plan struct {
	*tfjson.Plan
	file string
}

// Plan refreshes and plans.
func (w *Workspace) Plan(opts ...tfexec.PlanOption) *Plan {
	w.t.Helper()
	plan, err := w.TryPlan(opts...)
	if err != nil {
		w.t.Fatalf("terraform plan: %v", err)
	}
	return plan
}

// TryPlan is Plan for a plan that is expected to fail.
func (w *Workspace) TryPlan(opts ...tfexec.PlanOption) (*Plan, error) {
	w.t.Helper()
	w.init()
	w.plans++
	file := filepath.Join(w.dir, fmt.Sprintf("%d.tfplan", w.plans))
	opts = append(opts, tfexec.Out(file), w.reattach)
	if _, err := w.tf.Plan(w.ctx(), opts...); err != nil {
		return nil, err
	}
	plan, err := w.tf.ShowPlanFile(w.ctx(), file, w.reattach)
	if err != nil {
		return nil, err
	}
	return &Plan{Plan: plan, file: file}, nil
}

// Apply plans and applies, and returns the plan.
func (w *Workspace) Apply(opts ...tfexec.PlanOption) *Plan {
	w.t.Helper()
	plan := w.Plan(opts...)
	w.ApplyPlan(plan)
	return plan
}

// ApplyPlan applies a saved plan.
func (w *Workspace) ApplyPlan(plan *Plan) {
	w.t.Helper()
	if err := w.TryApplyPlan(plan); err != nil {
		w.t.Fatalf("terraform apply: %v", err)
	}
}

// TryApplyPlan is ApplyPlan for an apply that is expected to fail.
func (w *Workspace) TryApplyPlan(plan *Plan) error {
	return w.tf.Apply(w.ctx(), tfexec.DirOrPlan(plan.file), w.reattach)
}

// Destroy destroys everything.
func (w *Workspace) Destroy() {
	w.t.Helper()
	w.init()
	if err := w.tf.Destroy(w.ctx(), w.reattach); err != nil {
		w.t.Fatalf("terraform destroy: %v", err)
	}
}

// State is what the last apply left behind.
func (w *Workspace) State() *tfjson.State {
	w.t.Helper()
	state, err := w.tf.Show(w.ctx(), w.reattach)
	if err != nil {
		w.t.Fatalf("terraform show: %v", err)
	}
	return state
}

// init runs terraform init where files have come in since the last time.
func (w *Workspace) init() {
	w.t.Helper()
	if w.ready {
		return
	}
	if err := w.tf.Init(w.ctx(), tfexec.Upgrade(false), w.reattach); err != nil {
		w.t.Fatalf("terraform init: %v", err)
	}
	w.ready = true
}

// ctx outlives the test function, so that its clean-up can destroy.
func (w *Workspace) ctx() context.Context { return context.WithoutCancel(w.t.Context()) }
