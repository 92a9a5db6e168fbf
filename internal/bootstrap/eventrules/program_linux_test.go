// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package eventrules_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/bootstrap"
	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/bootstrap/eventrules"
	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/bootstrap/eventtable"
	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/bootstrap/localruntime"
)

// variants returns an event with each of the members that the rules know set to
// values of every type, and taken away; in the event itself and in its request
// context, and in the context's objects.
func variants(t *testing.T, event []byte) map[string][]byte {
	t.Helper()
	all := map[string][]byte{"as it is": event}
	keys := map[string]bool{}
	for _, rule := range eventrules.Rules {
		for _, c := range rule.Conditions {
			keys[c.Path] = true
		}
	}
	for _, path := range slices.Sorted(maps.Keys(keys)) {
		for n, value := range []any{nil, true, 1.5, "", "2.0", []any{}, map[string]any{}, map[string]any{"method": "GET"}, "gone"} {
			var members map[string]any
			if json.Unmarshal(event, &members) != nil || members == nil {
				return all // not an object
			}
			if !set(members, path, value, value == "gone") {
				continue
			}
			changed, err := json.Marshal(members)
			if err != nil {
				t.Fatal(err)
			}
			all[path+", value "+strconv.Itoa(n)] = changed
		}
	}
	return all
}

// set sets or removes the member at a path. It returns false if there is no object
// for it.
func set(object map[string]any, path string, value any, remove bool) bool {
	for {
		key, rest, deeper := strings.Cut(path, ".")
		if !deeper {
			if remove {
				delete(object, key)
			} else {
				object[key] = value
			}
			return true
		}
		inner, ok := object[key].(map[string]any)
		if !ok {
			return false
		}
		object, path = inner, rest
	}
}

// TestProgramOfTheImageFollowsTheRules runs the program that is in the images with
// many events around those of the table, and compares it with the rules.
func TestProgramOfTheImageFollowsTheRules(t *testing.T) {
	t.Parallel()
	api := startProgram(t)
	events := 0
	for _, event := range eventtable.All() {
		if event.Answer == eventtable.FunctionError && len(event.JSON) > 2000 {
			continue // it is a function error with whatever is changed
		}
		for what, content := range variants(t, event.JSON) {
			got, err := api.Invoke(t.Context(), localruntime.Invocation{Event: content})
			if err != nil {
				t.Fatal(err)
			}
			_, want := recognise(t, content)
			var answer map[string]any
			if err := json.Unmarshal(got.Body, &answer); err != nil {
				t.Fatal(err)
			}
			given := eventrules.Fail
			for _, headers := range []eventrules.Headers{eventrules.Single, eventrules.Multi} {
				if _, ok := answer[string(headers)]; ok && got.Outcome == localruntime.Response {
					given = headers
				}
			}
			if given != want {
				t.Errorf("%s, %s: got %s with %q, the rules want %q", event.Name, what, got.Outcome, given, want)
			}
			events++
		}
	}
	if events < 5000 {
		t.Errorf("only %d events were tried", events)
	}
}

// startProgram runs the program of this machine's architecture.
func startProgram(t *testing.T) *localruntime.Server {
	t.Helper()
	layer, ok := bootstrap.LayerFor(map[string]string{"amd64": "x86_64", "arm64": "arm64"}[runtime.GOARCH])
	if !ok {
		t.Skipf("Lambda has no %s", runtime.GOARCH)
	}
	unzipped, err := gzip.NewReader(bytes.NewReader(layer.Compressed))
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(t.TempDir(), "program")
	archive := tar.NewReader(unzipped)
	for {
		header, err := archive.Next()
		if err != nil {
			t.Fatal(err)
		}
		if filepath.Join("/", header.Name) != bootstrap.Entrypoint {
			continue
		}
		content, err := io.ReadAll(archive)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(program, content, 0o700); err != nil {
			t.Fatal(err)
		}
		break
	}
	api, err := localruntime.Start()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program)
	cmd.Env = []string{"AWS_LAMBDA_RUNTIME_API=" + api.Address()}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = api.Close() // makes the program end, with an error
		_ = cmd.Wait()
	})
	return api
}
