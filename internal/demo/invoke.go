// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
)

// The events that the placeholder is asked with, and what it must answer.
var invocations = []struct {
	what, event, path, want string
}{
	{
		what:  "An HTTP request through a function URL",
		event: `{"version":"2.0","rawPath":"/","requestContext":{"http":{"method":"GET","path":"/"}}}`,
		path:  "response", want: `"statusCode":503`,
	},
	{
		what:  "A message from an SQS queue",
		event: `{"Records":[{"eventSource":"aws:sqs","messageId":"1","body":"an order"}]}`,
		path:  "error", want: "Function.PlaceholderImage",
	},
}

// invoke runs the pulled image's program against a Runtime API of our own.
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
	api, err := startRuntimeAPI(ctx)
	if err != nil {
		return err
	}
	defer api.close()

	process := exec.CommandContext(ctx, program) //nolint:gosec // The program of the image that was just pulled.
	process.Env = []string{"AWS_LAMBDA_RUNTIME_API=" + api.address, "AWS_LAMBDA_FUNCTION_NAME=" + function}
	if err := process.Start(); err != nil {
		return err
	}
	defer func() {
		_ = process.Process.Kill()
		_ = process.Wait() // It was killed: its status says nothing.
	}()

	for _, invocation := range invocations {
		answer, err := api.invoke(ctx, invocation.event)
		if err != nil {
			return err
		}
		if answer.path != invocation.path || !strings.Contains(strings.ReplaceAll(answer.body, " ", ""), invocation.want) {
			return fmt.Errorf("%s was answered with %s %s", invocation.what, answer.path, answer.body)
		}
		d.say("   %s -> %s", invocation.what, map[string]string{"response": "answered with", "error": "failed, so that nothing is lost, with"}[answer.path])
		d.say("      %s", answer.body)
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

// runtimeAPI is as much of the Lambda Runtime API as one invocation after the
// other needs.
type runtimeAPI struct {
	address string
	server  *http.Server
	events  chan string
	answers chan runtimeAnswer
}

type runtimeAnswer struct{ path, body string }

func startRuntimeAPI(ctx context.Context) (*runtimeAPI, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	api := &runtimeAPI{address: listener.Addr().String(), events: make(chan string), answers: make(chan runtimeAnswer)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", api.next)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/{path}", api.answered)
	api.server = &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	go func() { _ = api.server.Serve(listener) }()
	return api, nil
}

func (api *runtimeAPI) close() { _ = api.server.Close() }

func (api *runtimeAPI) next(w http.ResponseWriter, r *http.Request) {
	select {
	case event := <-api.events:
		w.Header().Set("Lambda-Runtime-Aws-Request-Id", "demo")
		_, _ = io.WriteString(w, event)
	case <-r.Context().Done():
	}
}

func (api *runtimeAPI) answered(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	w.WriteHeader(http.StatusAccepted)
	select {
	case api.answers <- runtimeAnswer{path: r.PathValue("path"), body: string(body)}:
	case <-r.Context().Done():
	}
}

func (api *runtimeAPI) invoke(ctx context.Context, event string) (runtimeAnswer, error) {
	select {
	case api.events <- event:
	case <-ctx.Done():
		return runtimeAnswer{}, errors.New("the placeholder did not ask for an invocation")
	}
	select {
	case answer := <-api.answers:
		return answer, nil
	case <-ctx.Done():
		return runtimeAnswer{}, errors.New("the placeholder did not answer")
	}
}
