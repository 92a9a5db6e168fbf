// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package seedimage_test

import (
	"archive/tar"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/bootstrap/eventtable"
	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/bootstrap/localruntime"
	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/seedimage"
)

// TestImageAnswersAsConfigured runs what is in an image, with the entrypoint and the
// environment that the image names, and compares the answer to an HTTP event with
// the response that the image was built for.
func TestImageAnswersAsConfigured(t *testing.T) {
	t.Parallel()
	architecture := map[string]string{"amd64": "x86_64", "arm64": "arm64"}[runtime.GOARCH]
	// All files are written before the first process starts: Linux runs no file that
	// a process, forked meanwhile, holds open for writing.
	commands := map[string]*exec.Cmd{}
	for name, r := range responses {
		commands[name] = command(t, build(t, architecture, r))
	}
	for name, r := range responses {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkAnswer(t, commands[name], r.WithDefaults())
		})
	}
}

// command returns the command that the image runs, unpacked into a directory.
func command(t *testing.T, img v1.Image) *exec.Cmd {
	t.Helper()
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	content := mutate.Extract(img)
	defer content.Close() //nolint:errcheck // only read from
	for archive := tar.NewReader(content); ; {
		header, err := archive.Next()
		if err != nil {
			t.Fatalf("the image has no entrypoint: %v", err)
		}
		if "/"+header.Name != config.Config.Entrypoint[0] {
			continue
		}
		program, err := io.ReadAll(archive)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "program")
		if err := os.WriteFile(file, program, header.FileInfo().Mode()); err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), file)
		cmd.Env = append([]string{"AWS_LAMBDA_FUNCTION_NAME=app"}, config.Config.Env...)
		return cmd
	}
}

func checkAnswer(t *testing.T, cmd *exec.Cmd, want seedimage.Response) {
	t.Helper()
	api, err := localruntime.Start()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Env = append(cmd.Env, "AWS_LAMBDA_RUNTIME_API="+api.Address())
	cmd.Stdout = t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = api.Close()
		_ = cmd.Wait() // ends because its connection breaks
	}()
	result, err := api.Invoke(t.Context(), localruntime.Invocation{Event: eventtable.Named("function-url-get").JSON})
	if err != nil {
		t.Fatal(err)
	}
	var answer struct {
		StatusCode int               `json:"statusCode"`
		Headers    map[string]string `json:"headers"`
		Body       string            `json:"body"`
	}
	if err := json.Unmarshal(result.Body, &answer); err != nil {
		t.Fatal(err)
	}
	got := seedimage.Response{StatusCode: answer.StatusCode, ContentType: answer.Headers["Content-Type"], Body: &answer.Body}
	if want.Body == nil {
		if !strings.HasPrefix(answer.Body, `{"message":"The Lambda function app still runs its placeholder image`) {
			t.Errorf("the body is %q", answer.Body)
		}
		got.Body = nil
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %s with the body %q, want status %s", result.Body, answer.Body, strconv.Itoa(want.StatusCode))
	}
}
