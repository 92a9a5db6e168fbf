// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

// Command demo shows the provider at work with real Terraform, for someone
// without an AWS account: repository, placeholder and function in one apply,
// the pipeline taking over, and the end. fakeaws stands in for AWS, and
// standinaws for the provider hashicorp/aws.
//
// It exits with status 1 if any step is not as promised, and leaves nothing
// behind.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "\nThe demo failed: %s\n", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop has been called.
	}
}

// run plays the demo in a fresh folder that it removes again.
func run(ctx context.Context, out io.Writer) (err error) {
	began := time.Now()
	root, err := moduleRoot()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "lambdaseed-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()

	d := &demo{out: out, root: root, dir: dir}
	defer d.close()
	for _, step := range d.steps() {
		d.heading(step.title)
		if err := step.do(ctx); err != nil {
			return fmt.Errorf("step %q: %w", step.title, err)
		}
	}
	d.say("")
	d.say("All %d steps were as promised (%.0f s). Nothing was left behind, and AWS was never asked: fakeaws stood in for it.",
		d.step, time.Since(began).Seconds())
	return nil
}

// moduleRoot is the folder with go.mod, from here upwards.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("no go.mod in this folder or above: run the demo in a checkout of the project")
		}
		dir = parent
	}
}
