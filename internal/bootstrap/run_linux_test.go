// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package bootstrap_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/bootstrap"
	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/bootstrap/eventtable"
	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/bootstrap/localruntime"
)

// emulators are the programs of qemu-user that run an architecture elsewhere, under
// the names that distributions give them.
var emulators = map[string][]string{
	"x86_64": {"qemu-x86_64", "qemu-x86_64-static"},
	"arm64":  {"qemu-aarch64", "qemu-aarch64-static"},
}

// lambdaArchitecture is this machine's architecture in the words of Lambda.
var lambdaArchitecture = map[string]string{"amd64": "x86_64", "arm64": "arm64"}[runtime.GOARCH]

// roots holds, by architecture, a directory with the content of the layer, and
// nothing else. They are written before any process is started: one that is forked
// meanwhile would hold the executable open, and Linux runs no file that somebody
// may write to.
var roots = map[string]string{}

func TestMain(m *testing.M) {
	temp, err := os.MkdirTemp("", "lambdaseed-bootstrap-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(temp) //nolint:errcheck // a temporary directory
	for architecture := range machines {
		roots[architecture] = filepath.Join(temp, architecture)
		if err := extract(architecture, roots[architecture]); err != nil {
			panic(err)
		}
	}
	m.Run()
}

// extract unpacks the layer of an architecture into a new directory.
func extract(architecture, root string) error {
	layer, _ := bootstrap.LayerFor(architecture)
	unzipped, err := gzip.NewReader(bytes.NewReader(layer.Compressed))
	if err != nil {
		return err
	}
	if err := os.Mkdir(root, 0o755); err != nil {
		return err
	}
	archive := tar.NewReader(unzipped)
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		name := filepath.Join(root, filepath.Clean("/"+header.Name))
		if header.Typeflag == tar.TypeDir {
			err = os.Mkdir(name, header.FileInfo().Mode())
		} else {
			var content []byte
			if content, err = io.ReadAll(archive); err == nil {
				err = os.WriteFile(name, content, header.FileInfo().Mode())
			}
		}
		if err != nil {
			return err
		}
	}
}

// process is the embedded program, running against a local Runtime API.
type process struct {
	api    *localruntime.Server
	cmd    *exec.Cmd
	stdout bytes.Buffer // to be read after the end
}

// startProcess starts the program of an architecture. The environment holds only
// what Lambda sets. adjust may change how it is started.
func startProcess(t *testing.T, architecture string, adjust func(*exec.Cmd)) *process {
	t.Helper()
	api, err := localruntime.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = api.Close() })
	command := []string{filepath.Join(roots[architecture], bootstrap.Entrypoint)}
	if architecture != lambdaArchitecture {
		command = append([]string{findEmulator(t, architecture)}, command...)
	}
	p := &process{api: api, cmd: exec.CommandContext(t.Context(), command[0], command[1:]...)}
	p.cmd.Env = []string{"AWS_LAMBDA_RUNTIME_API=" + api.Address(), "AWS_LAMBDA_FUNCTION_NAME=app"}
	p.cmd.Stdout, p.cmd.Stderr = &p.stdout, &p.stdout
	if adjust != nil {
		adjust(p.cmd)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return p
}

func findEmulator(t *testing.T, architecture string) string {
	t.Helper()
	for _, name := range emulators[architecture] {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skipf("this machine cannot run the program for %s: it is %s, and none of %s is in PATH (package qemu-user of Debian)",
		architecture, runtime.GOARCH, strings.Join(emulators[architecture], ", "))
	return ""
}

// checkEvents invokes the program with every event of the table.
func (p *process) checkEvents(t *testing.T) {
	t.Helper()
	for i, event := range eventtable.All() {
		result, err := p.api.Invoke(t.Context(), localruntime.Invocation{Event: event.JSON, Chunked: i%2 == 0})
		if err != nil {
			t.Fatalf("%s: %v", event.Name, err)
		}
		var body struct {
			ErrorType         string              `json:"errorType"`
			StatusCode        int                 `json:"statusCode"`
			Headers           map[string]string   `json:"headers"`
			MultiValueHeaders map[string][]string `json:"multiValueHeaders"`
		}
		if err := json.Unmarshal(result.Body, &body); err != nil {
			t.Fatalf("%s: %v", event.Name, err)
		}
		var got eventtable.Answer
		switch {
		case result.Outcome == localruntime.Error && body.ErrorType == "Function.PlaceholderImage" && body.StatusCode == 0:
			got = eventtable.FunctionError
		case result.Outcome == localruntime.Response && body.StatusCode == http.StatusServiceUnavailable && body.Headers["Retry-After"] == "60" && body.MultiValueHeaders == nil:
			got = eventtable.HTTP
		case result.Outcome == localruntime.Response && body.StatusCode == http.StatusServiceUnavailable && body.MultiValueHeaders["Retry-After"] != nil && body.Headers == nil:
			got = eventtable.HTTPMultiValue
		}
		if got != event.Answer {
			t.Errorf("%s: got %s %s, want: %s", event.Name, result.Outcome, result.Body, event.Answer)
		}
	}
}

// stop breaks the connection and checks that the program ends as Lambda expects.
func (p *process) stop(t *testing.T) {
	t.Helper()
	if err := p.api.Close(); err != nil {
		t.Fatal(err)
	}
	_ = p.cmd.Wait() // the exit code tells
	lines := slices.Collect(strings.Lines(p.stdout.String()))
	last := ""
	if len(lines) > 0 {
		last = lines[len(lines)-1]
	}
	if code := p.cmd.ProcessState.ExitCode(); code != 1 || !strings.Contains(last, `"level":"FATAL","message":"failed to get the next invocation: `) {
		t.Errorf("the program ends with %d and the log line %q", code, last)
	}
}

func TestRun(t *testing.T) {
	t.Parallel()
	for _, architecture := range slices.Sorted(maps.Keys(machines)) {
		t.Run(architecture, func(t *testing.T) {
			t.Parallel()
			p := startProcess(t, architecture, nil)
			p.checkEvents(t)
			p.stop(t)
		})
	}
}

// TestRunInAnEmptyImage gives the program nothing but the layer, on a root that it
// cannot write to, as a user that nobody has heard of.
func TestRunInAnEmptyImage(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root may change the root directory and the user of a process")
	}
	p := startProcess(t, lambdaArchitecture, func(cmd *exec.Cmd) {
		cmd.Path, cmd.Dir = bootstrap.Entrypoint, "/var/task"
		cmd.SysProcAttr = &syscall.SysProcAttr{
			Chroot:     roots[lambdaArchitecture],
			Credential: &syscall.Credential{Uid: 54321, Gid: 54321},
		}
	})
	p.checkEvents(t)
	p.stop(t)
}

func TestRunIgnoresArguments(t *testing.T) {
	t.Parallel()
	p := startProcess(t, lambdaArchitecture, func(cmd *exec.Cmd) {
		cmd.Args = append(cmd.Args, "app.handler", "--help", "-x", "\xff")
	})
	p.checkEvents(t)
	p.stop(t)
}

// TestRunEndsOnSIGTERM checks that nothing catches the signal.
func TestRunEndsOnSIGTERM(t *testing.T) {
	t.Parallel()
	p := startProcess(t, lambdaArchitecture, nil)
	p.terminate(t)
	if status, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || !status.Signaled() || status.Signal() != syscall.SIGTERM {
		t.Errorf("the program ends with %v, want the signal itself", p.cmd.ProcessState)
	}
}

// TestRunEndsOnSIGTERMAsInit does the same where the program is the first process of
// its container: the kernel keeps signals from that one unless it asks for them.
func TestRunEndsOnSIGTERMAsInit(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root may make a process the first of a namespace")
	}
	p := startProcess(t, lambdaArchitecture, func(cmd *exec.Cmd) {
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID}
	})
	p.terminate(t)
	if p.cmd.ProcessState.Success() {
		t.Errorf("the program ends with %v", p.cmd.ProcessState)
	}
}

// terminate sends SIGTERM to the program while it waits for its second invocation,
// and waits for its end.
func (p *process) terminate(t *testing.T) {
	t.Helper()
	if _, err := p.api.Invoke(t.Context(), localruntime.Invocation{Event: []byte("{}")}); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	_ = p.cmd.Wait() // the state tells
	if lines := strings.Count(p.stdout.String(), "\n"); lines != 1 {
		t.Errorf("the program logs %d lines, want only that of the invocation: %s", lines, p.stdout.String())
	}
}

func TestRunWithoutRuntimeAPI(t *testing.T) {
	t.Parallel()
	p := startProcess(t, lambdaArchitecture, func(cmd *exec.Cmd) { cmd.Env = []string{} })
	_ = p.cmd.Wait() // the exit code tells
	if code := p.cmd.ProcessState.ExitCode(); code != 1 || !strings.Contains(p.stdout.String(), `"message":"AWS_LAMBDA_RUNTIME_API is not set: `) {
		t.Errorf("the program ends with %d and the log %q", code, p.stdout.String())
	}
}
