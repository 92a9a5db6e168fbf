// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package seedzip_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/bootstrap/localruntime"
	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/seedzip"
)

// interpreter runs the placeholders of one family of runtimes.
type interpreter struct {
	runtime string // one of those that it stands for
	handler string // the usual one
	// errorType is the type that a function error has there.
	errorType string
	// command returns the program and its arguments.
	command func(t *testing.T) []string
}

var interpreters = map[string]interpreter{
	"python": {"python3.13", "app.handler", "Function.PlaceholderPackage", loader("python3", "load.py")},
	"nodejs": {"nodejs22.x", "index.handler", "Function.PlaceholderPackage", loader("node", "load.js")},
	"ruby":   {"ruby3.4", "app.handler", "Function<PlaceholderPackage>", loader("ruby", "load.rb")},
	"shell":  {"provided.al2023", "bootstrap", "Function.PlaceholderPackage", bootstrapFile},
}

// loader runs a handler by an interpreter with one of the programs in testdata, which
// does what Lambda's own runtime does.
func loader(program, script string) func(*testing.T) []string {
	return func(t *testing.T) []string {
		t.Helper()
		found, err := exec.LookPath(program)
		if err != nil {
			t.Skipf("%s is not installed: the placeholders that it runs are not tested", program)
		}
		script, err := filepath.Abs(filepath.Join("testdata", script))
		if err != nil {
			t.Fatal(err)
		}
		return []string{found, script}
	}
}

// bootstrapFile runs the bootstrap as Lambda does, if /bin/bash is one that it knows.
func bootstrapFile(t *testing.T) []string {
	t.Helper()
	const check = `((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 402))`
	if err := exec.CommandContext(t.Context(), "/bin/bash", "-c", check).Run(); err != nil {
		t.Skipf("/bin/bash is not there or older than 4.2, which macOS has: the placeholder for provided.* is not tested (%v)", err)
	}
	return []string{"./bootstrap"}
}

// function is a placeholder that runs as a process.
type function struct {
	*localruntime.Server
	stop func() (log string) // ends it, and returns all that it has logged
}

// start builds a placeholder, unpacks it and runs it for as long as the test lasts.
func (i interpreter) start(t *testing.T, handler string, env ...string) function {
	t.Helper()
	command := i.command(t)
	content, err := seedzip.Build(i.runtime, handler)
	if err != nil {
		t.Fatal(err)
	}
	api, err := localruntime.Start()
	if err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), command[0], command[1:]...)
	cmd.Dir = unpack(t, content)
	cmd.Env = append([]string{
		"AWS_LAMBDA_RUNTIME_API=" + api.Address(), "_HANDLER=" + handler, "AWS_LAMBDA_FUNCTION_NAME=app",
		"TMPDIR=" + t.TempDir(), "PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"),
		"PYTHONDONTWRITEBYTECODE=1", // the folder is read-only in Lambda
	}, env...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop := sync.OnceValue(func() string {
		_ = api.Close() // makes the process end, with an error since the API is gone
		_ = cmd.Wait()
		return stdout.String()
	})
	t.Cleanup(func() {
		log := stop()
		if t.Failed() {
			const most = 2000
			t.Logf("the process wrote:\n%s\nand to its standard error:\n%s", log[max(0, len(log)-most):], stderr.String()[:min(stderr.Len(), most)])
		}
	})
	return function{Server: api, stop: stop}
}

func (f function) invoke(t *testing.T, event []byte) localruntime.Result {
	t.Helper()
	result, err := f.Invoke(t.Context(), localruntime.Invocation{Event: event})
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// unpack unpacks an archive with unzip, and checks what Lambda wants of it.
func unpack(t *testing.T, content []byte) (folder string) {
	t.Helper()
	folder = t.TempDir()
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no modes and no unzip: what the placeholders do is tested elsewhere")
	}
	unzip, err := exec.LookPath("unzip")
	if err != nil {
		t.Skip("unzip is not installed: what the placeholders do is not tested")
	}
	archive := filepath.Join(t.TempDir(), "placeholder.zip")
	if err := os.WriteFile(archive, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), unzip, "-q", archive, "-d", folder).CombinedOutput(); err != nil || len(out) > 0 {
		t.Fatalf("unzip: %v\n%s", err, out)
	}
	return folder
}

// forEach runs a test with every interpreter.
func forEach(t *testing.T, test func(t *testing.T, i interpreter)) {
	t.Helper()
	for name, i := range interpreters {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, i)
		})
	}
}

func requestID(n int) string { return fmt.Sprintf("8476a536-e9f4-11e8-9739-%012d", n) }
