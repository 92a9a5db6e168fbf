// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// toolchain is the Go release that builds the program and compresses the layers.
// After changing it, run "go generate ./internal/bootstrap".
const toolchain = "go1.26.8"

// architecture is one that Lambda offers.
type architecture struct {
	lambda   string // Lambda's name for it
	variable string // of the generated code
	env      []string
}

// Lambda promises x86_64 no more than the baseline, and Graviton2 is newer than
// v8.0: the lowest level of each runs everywhere, emulators included.
var architectures = []architecture{
	{lambda: "x86_64", variable: "layerX8664", env: []string{"GOARCH=amd64", "GOAMD64=v1"}},
	{lambda: "arm64", variable: "layerARM64", env: []string{"GOARCH=arm64", "GOARM64=v8.0"}},
}

// compile builds the program in the directory dir for an architecture and returns
// the executable. Every setting that could change its bytes is fixed here, so that
// the developer's environment has no say.
func compile(ctx context.Context, dir string, arch architecture) ([]byte, error) {
	temp, err := os.MkdirTemp("", "lambdaseed-bootstrap-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(temp) //nolint:errcheck // a temporary directory
	executable := filepath.Join(temp, "program")
	cmd := exec.CommandContext(ctx, "go", "build", "-o", executable,
		"-trimpath", "-buildvcs=false",
		"-ldflags=-s -w -buildid=",
		"-gcflags=all=-l", // without inlining, which takes 8 % of the size; speed does not matter here
		".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(),
		"GOTOOLCHAIN="+toolchain,
		"GOOS=linux",
		"CGO_ENABLED=0",
		"GOFLAGS=",
		"GOEXPERIMENT=",
		"GODEBUG=",
		"GOFIPS140=off",
		"GOWORK=off",
	)
	cmd.Env = append(cmd.Env, arch.env...)
	if output, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("go build for %s: %w\n%s", arch.lambda, err, output)
	}
	return os.ReadFile(executable)
}
