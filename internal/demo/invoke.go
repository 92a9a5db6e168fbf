// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/bootstrap/localruntime"
)

// The events that the placeholder is asked with, and what it must answer.
var invocations = []struct {
	what, event string
	outcome     localruntime.Outcome
	want, shown string
}{
	{
		what:    "An HTTP request through a function URL",
		event:   `{"version":"2.0","rawPath":"/","requestContext":{"http":{"method":"GET","path":"/"}}}`,
		outcome: localruntime.Response, want: `"statusCode":503`, shown: "answered with",
	},
	{
		what:    "A message from an SQS queue",
		event:   `{"Records":[{"eventSource":"aws:sqs","messageId":"1","body":"an order"}]}`,
		outcome: localruntime.Error, want: "Function.PlaceholderImage", shown: "failed, so that the queue keeps it, with",
	},
}

// invoke runs the pulled image's program against a local Runtime API.
func (d *demo) invoke(ctx context.Context) error {
	img, err := d.placeholder(ctx)
	if err != nil {
		return err
	}
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		d.say("   Skipped: the image is for linux/amd64, and this machine is %s/%s.", runtime.GOOS, runtime.GOARCH)
		return nil
	}
	program, err := extract(img, filepath.Join(d.dir, "image"))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	api, err := localruntime.Start()
	if err != nil {
		return err
	}
	defer func() { _ = api.Close() }()

	process := exec.CommandContext(ctx, program) //nolint:gosec // The program of the image that was just pulled.
	process.Env = []string{"AWS_LAMBDA_RUNTIME_API=" + api.Address(), "AWS_LAMBDA_FUNCTION_NAME=" + function}
	if err := process.Start(); err != nil {
		return err
	}
	defer func() {
		_ = process.Process.Kill()
		_ = process.Wait() // It was killed: its status says nothing.
	}()

	for _, invocation := range invocations {
		result, err := api.Invoke(ctx, localruntime.Invocation{Event: []byte(invocation.event)})
		if err != nil {
			return fmt.Errorf("the placeholder did not answer: %w", err)
		}
		if result.Outcome != invocation.outcome || !strings.Contains(string(result.Body), invocation.want) {
			return fmt.Errorf("%s was answered with %s %s", invocation.what, result.Outcome, result.Body)
		}
		d.say("   %s -> %s", invocation.what, invocation.shown)
		d.say("      %s", result.Body)
	}
	return nil
}

// extract writes the image's files below dir and returns its entrypoint there.
func extract(img v1.Image, dir string) (string, error) {
	config, err := img.ConfigFile()
	if err != nil {
		return "", err
	}
	if len(config.Config.Entrypoint) != 1 {
		return "", fmt.Errorf("the image's entrypoint is %v", config.Config.Entrypoint)
	}
	if err := os.Mkdir(dir, 0o750); err != nil {
		return "", err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return "", err
	}
	defer func() { _ = root.Close() }()
	content := mutate.Extract(img)
	defer func() { _ = content.Close() }()
	files := tar.NewReader(content)
	for {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			return filepath.Join(dir, config.Config.Entrypoint[0]), nil
		}
		if err != nil {
			return "", err
		}
		if header.Typeflag != tar.TypeReg {
			continue
		}
		if err := extractFile(root, strings.TrimPrefix(header.Name, "/"), header.FileInfo().Mode(), files); err != nil {
			return "", err
		}
	}
}

func extractFile(root *os.Root, name string, mode os.FileMode, content io.Reader) error {
	f, err := root.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_EXCL, mode.Perm())
	if err != nil {
		return err
	}
	_, err = io.Copy(f, content)
	return errors.Join(err, f.Close())
}
