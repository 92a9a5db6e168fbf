// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"time"

	"github.com/hashicorp/terraform-exec/tfexec"
)

const (
	region  = "ap-northeast-1"
	address = "registry.terraform.io/lambdaseed/lambdaseed"
)

// bench is what the scenarios share.
type bench struct {
	dir              string
	latency          time.Duration
	binary           string
	terraformPath    string
	terraformVersion string
}

// build makes the provider as a release is made, and finds Terraform.
func (b *bench) build(ctx context.Context) error {
	b.binary = filepath.Join(b.dir, "terraform-provider-lambdaseed")
	build := exec.CommandContext(ctx, "make", "--no-print-directory", "build", "BINARY="+b.binary) //nolint:gosec // The path is our own folder's.
	if output, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("building the provider: %w\n%s", err, output)
	}
	var err error
	if b.terraformPath, err = exec.LookPath("terraform"); err != nil {
		return errors.New("terraform is not on PATH")
	}
	tf, err := tfexec.NewTerraform(b.dir, b.terraformPath)
	if err != nil {
		return err
	}
	version, _, err := tf.Version(ctx, true)
	if err != nil {
		return err
	}
	b.terraformVersion = version.String()
	return nil
}

// process is the provider on its own, as a debugger would run it, so that its
// memory and processor time can be told from Terraform's.
type process struct {
	command  *exec.Cmd
	reattach tfexec.ReattachInfo
}

// usage is what a process has used in its life.
type usage struct {
	peak int64 // bytes
	cpu  time.Duration
}

var reattachLine = regexp.MustCompile(`TF_REATTACH_PROVIDERS='(\{.*\})'`)

// start runs the provider with the environment env and waits until it serves.
func (b *bench) start(ctx context.Context, env []string) (*process, error) {
	p := &process{command: exec.CommandContext(ctx, b.binary, "-debug")} //nolint:gosec // Our own build.
	p.command.Env = env
	stdout, err := p.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.command.Start(); err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		match := reattachLine.FindStringSubmatch(lines.Text())
		if match == nil {
			continue
		}
		if err := json.Unmarshal([]byte(match[1]), &p.reattach); err != nil {
			return nil, err
		}
		go func() { _, _ = io.Copy(io.Discard, stdout) }()
		return p, nil
	}
	_ = p.command.Process.Kill()
	return nil, errors.Join(errors.New("the provider did not say how to reach it"), lines.Err(), p.command.Wait())
}

// stop ends the process and returns what it has used.
func (p *process) stop() (usage, error) {
	// Not getrusage(2), in which a process starts with what its parent had when
	// it was forked: this program's own memory.
	peak := p.memory("VmHWM")
	if err := p.command.Process.Signal(os.Interrupt); err != nil {
		return usage{}, err
	}
	// The exit status of an interrupted process is of no interest.
	_ = p.command.Wait()
	state := p.command.ProcessState
	return usage{peak: peak, cpu: state.UserTime() + state.SystemTime()}, nil
}

// memory is a field of a running process's status in bytes, 0 where it cannot
// be told, which is everywhere but on Linux.
func (p *process) memory(field string) int64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.command.Process.Pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		var kilobytes int64
		if _, err := fmt.Sscanf(line, field+": %d kB", &kilobytes); err == nil {
			return kilobytes * 1024
		}
	}
	return 0
}

// printProvider prints what the provider costs without any seed.
func (b *bench) printProvider(ctx context.Context, out io.Writer) error {
	info, err := os.Stat(b.binary)
	if err != nil {
		return err
	}
	p, err := b.start(ctx, os.Environ())
	if err != nil {
		return err
	}
	work := filepath.Join(b.dir, "schema")
	if err := writeConfig(work, ""); err != nil {
		return err
	}
	tf, err := tfexec.NewTerraform(work, b.terraformPath)
	if err != nil {
		return err
	}
	// A plan of nothing reads the schema and configures nothing.
	if _, err := tf.Plan(ctx, tfexec.Reattach(p.reattach)); err != nil {
		return err
	}
	resident := p.memory("VmRSS")
	used, err := p.stop()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "Provider binary %.1f MB (%s/%s); start-up to schema %.0f ms of CPU; memory at rest %s MB.\n",
		float64(info.Size())/1e6, runtime.GOOS, runtime.GOARCH, used.cpu.Seconds()*1000, megabytes(resident))
	return err
}

// writeConfig writes a Terraform configuration into a fresh folder.
func writeConfig(dir, body string) error {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	config := fmt.Sprintf(`terraform {
  required_providers {
    lambdaseed = {
      source = "lambdaseed/lambdaseed"
    }
  }
}

provider "lambdaseed" {
  region = %q
}
%s`, region, body)
	return os.WriteFile(filepath.Join(dir, "main.tf"), []byte(config), 0o600)
}
