// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package seedzip_test

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/bootstrap/eventtable"
	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/seedzip"
)

var update = flag.Bool("update", false, "write the digests of the placeholders as they are now")

// most is what "a few kB" means.
const most = 8 << 10

// samples are pairs of runtime and handler, and the files that make them up.
var samples = []struct {
	runtime, handler string
	files            []string
}{
	{"python3.8", "app.handler", []string{"app.py"}},
	{"python3.9", "app.handler", []string{"app.py"}},
	{"python3.13", "app.handler", []string{"app.py"}},
	{"python3.14", "lambda_function.lambda_handler", []string{"lambda_function.py"}},
	{"python3.15", "pkg/app.handler", []string{"pkg/__init__.py", "pkg/app.py"}},
	{"python3.21", "pkg.app.handler", []string{"pkg/__init__.py", "pkg/app.py"}},
	{"python3.13", "a/b.c.d_1._run", []string{"a/__init__.py", "a/b/__init__.py", "a/b/c/__init__.py", "a/b/c/d_1.py"}},
	{"python3.13", "my-app.handler", []string{"my-app.py"}},
	{"nodejs16.x", "index.handler", []string{"index.js"}},
	{"nodejs22.x", "src/index.handler", []string{"src/index.js"}},
	{"nodejs24.x", "index.api.v1.handler", []string{"index.js"}},
	{"nodejs26.x", "./dist/my-app.$run", []string{"dist/my-app.js"}},
	{"nodejs24.x", "v1.2/index.handler", []string{"v1.2/index.js"}},
	{"ruby3.2", "app.handler", []string{"app.rb"}},
	{"ruby3.4", "lib/app.Api::Handler.process", []string{"lib/app.rb"}},
	{"ruby4.0", "app.String.process", []string{"app.rb"}},
	{"ruby4.0", "app.run!", []string{"app.rb"}},
	{"provided.al2", "bootstrap", []string{"bootstrap"}},
	{"provided.al2023", "hello.handler", []string{"bootstrap"}},
}

func build(t *testing.T, runtime, handler string) []byte {
	t.Helper()
	content, err := seedzip.Build(runtime, handler)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// TestDigests tells when a placeholder has changed. That must be on purpose: whoever
// has one in a bucket sees a difference, and CHANGELOG.md says why. A new version of
// Go must not be a reason.
func TestDigests(t *testing.T) {
	t.Parallel()
	got := map[string]string{}
	for _, s := range samples {
		sum := sha256.Sum256(build(t, s.runtime, s.handler))
		got[s.runtime+" "+s.handler] = hex.EncodeToString(sum[:])
	}
	name := filepath.Join("testdata", "digests.json")
	if *update {
		content, err := json.MarshalIndent(got, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, append(content, '\n'), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var want map[string]string
	if err := json.Unmarshal(content, &want); err != nil {
		t.Fatal(err)
	}
	for sample, digest := range got {
		if want[sample] != digest {
			t.Errorf("%s: the archive has the digest %s, not %s. If that is intended, run go test ./internal/seedzip -run TestDigests -update", sample, digest, want[sample])
		}
	}
	if len(want) != len(got) {
		t.Errorf("%d digests for %d samples", len(want), len(got))
	}
}

func TestArchive(t *testing.T) {
	t.Parallel()
	for _, s := range samples {
		content := build(t, s.runtime, s.handler)
		if !bytes.Equal(content, build(t, s.runtime, s.handler)) {
			t.Errorf("%s, %s: the archive is another the second time", s.runtime, s.handler)
		}
		if len(content) > most {
			t.Errorf("%s, %s: %d bytes, want %d at most", s.runtime, s.handler, len(content), most)
		}
		archive, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, f := range archive.File {
			names = append(names, f.Name)
			want := fs.FileMode(0o644)
			if f.Name == "bootstrap" {
				want = 0o755
			}
			if f.Mode() != want {
				t.Errorf("%s in %s: the mode is %v, want %v", f.Name, s.runtime, f.Mode(), want)
			}
			if f.Method != zip.Store || f.Flags != 0 || len(f.Extra) > 0 || f.Modified.Format("2006-01-02 15:04:05") != "1980-01-01 00:00:00" {
				t.Errorf("%s in %s: stored by method %d with the flags %#x, %d bytes extra, from %v", f.Name, s.runtime, f.Method, f.Flags, len(f.Extra), f.Modified)
			}
			r, err := f.Open()
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(text), "__RULES__") || strings.Contains(string(text), "\r") {
				t.Errorf("%s in %s is not filled in, or has the line ends of Windows", f.Name, s.runtime)
			}
		}
		if !slices.Equal(names, s.files) {
			t.Errorf("%s, %s: the files are %q, want %q", s.runtime, s.handler, names, s.files)
		}
	}
}

// TestOneArchivePerLanguage keeps a change of the runtime's version from changing the
// archive.
func TestOneArchivePerLanguage(t *testing.T) {
	t.Parallel()
	for _, runtimes := range [][]string{
		{"python3.8", "python3.14", "python3.20", "python4.0"},
		{"nodejs16.x", "nodejs20.x", "nodejs30.x"},
		{"ruby3.2", "ruby3.9", "ruby4.0"},
		{"provided.al2", "provided.al2023"},
	} {
		for _, runtime := range runtimes[1:] {
			if !bytes.Equal(build(t, runtimes[0], "app.handler"), build(t, runtime, "app.handler")) {
				t.Errorf("%s gets another archive than %s", runtime, runtimes[0])
			}
		}
	}
}

func TestUnknownRuntime(t *testing.T) {
	t.Parallel()
	const supported = " Supported are python3.8 and later, nodejs16.x and later, ruby3.2 and later, provided.al2 and provided.al2023."
	tests := map[string]string{
		"": "", "python": "", "python2.7": "", "python3.7": "", "python3": "", "python3.013": "", "python3.13 ": "", "Python3.13": "", "python3.13\n": "",
		"nodejs": "", "nodejs14.x": "", "nodejs20": "", "nodejs4.3": "", "nodejs022.x": "", "nodejs22.x.y": "",
		"ruby2.7": "", "ruby3.1": "", "ruby3": "", "rust": "",
		"java21":    " Runtimes of compiled languages need a compiled placeholder, which this function does not have; a function of package type Image gets one from lambdaseed_placeholder_image, whatever its language.",
		"dotnet8":   " Runtimes of compiled languages need a compiled placeholder, which this function does not have; a function of package type Image gets one from lambdaseed_placeholder_image, whatever its language.",
		"go1.x":     " Go programs run on provided.al2023.",
		"provided":  " Use provided.al2023.",
		"provided.": " Use provided.al2023.",
	}
	for runtime, hint := range tests {
		_, err := seedzip.Build(runtime, "app.handler")
		want, _ := json.Marshal(runtime)
		if _, ok := errors.AsType[*seedzip.RuntimeError](err); !ok || err.Error() != "There is no placeholder for the runtime "+string(want)+"."+supported+hint {
			t.Errorf("%q: got %v", runtime, err)
		}
	}
}

func TestUnfitHandler(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 121) + ".handler"
	tests := map[string]struct {
		handlers []string
		want     string
	}{
		"python3.13": {
			[]string{"", "app", ".handler", "app.", "app handler", "./app.handler", "../app.handler", "/app.handler", "pkg//app.handler", "pkg/.app.handler", "app.my-handler", "app.1", "äpp.handler", "app:handler", "app.handler\n", `a"b.handler`, "a\\b.handler", "a/../b.handler"},
			`it must name a module and a function, such as "app.handler" for handler in app.py, or "pkg/app.handler" for handler in pkg/app.py.`,
		},
		"nodejs22.x": {
			[]string{"", "index", "index.", ".handler", "index/handler", "../index.handler", "/index.handler", "src//index.handler", "src/../index.handler", "./../index.handler", "index.a..b", "index.my-handler", "index.handler()", "index .handler", "a b/index.handler", "src/.index.handler", `index["x"].y`},
			`it must name a file and what it exports, such as "index.handler" for exports.handler in index.js, or "src/index.api.handler" for exports.api.handler in src/index.js.`,
		},
		"ruby3.4": {
			[]string{"", "app", "app.", ".handler", "./app.handler", "../app.handler", "/app.handler", "app.module.handler", "app.A.B.handler", "app.A:B.handler", "app.A::b.handler", "app.A::.handler", "app.handle-it", "app.handler=", "a.b/app.handler", "lib//app.handler"},
			`it must name a file and a method, and may name a class between them, such as "app.handler" for handler in app.rb, or "lib/app.Api::Handler.process" for Api::Handler.process in lib/app.rb.`,
		},
	}
	refused := func(runtime, handler, want string) {
		content, err := seedzip.Build(runtime, handler)
		if problem, ok := errors.AsType[*seedzip.HandlerError](err); !ok || content != nil || problem.Handler != handler || !strings.HasSuffix(err.Error(), "does not fit the runtime "+runtime+": "+want) {
			t.Errorf("%s, %q: got %v, want %s", runtime, handler, err, want)
		}
	}
	for runtime, tt := range tests {
		for _, handler := range tt.handlers {
			refused(runtime, handler, tt.want)
		}
		refused(runtime, long, "it may have 128 characters at most.")
	}
	refused("nodejs22.x", "aindex.handler/index.handler", "the name of the file and the function must not be the end of a folder's name too.")
	refused("provided.al2023", "", "Lambda wants one for every .zip package, even where nothing reads it.")
	refused("provided.al2023", "a b", "it may have no white space and no characters beyond ASCII.")
	refused("provided.al2023", "a\n", "it may have no white space and no characters beyond ASCII.")
	refused("provided.al2023", strings.Repeat("a", 129), "it may have 128 characters at most.")
}

// TestHandlers loads handlers of every form with the real interpreters.
func TestHandlers(t *testing.T) {
	t.Parallel()
	forms := map[string][]string{
		"python": {
			"lambda_function.lambda_handler", "pkg/app.handler", "pkg.app.handler", "a/b.c/d.run", "my-app.handler", "_.__",
			// Names that the program uses itself, and folders that Python has too.
			"app.holds", "app.respond", "app.recognise", "app.json", "app.os", "app.Failure", "app._placeholder", "lambda.handler", "test/app.handler", "wsgiref/app.handler",
		},
		"nodejs": {
			"src/index.handler", "./src/index.handler", "index.api.v1.handler", "a/b/c-d.run", "v1.2/index.handler", "index.$_", "index/index.index",
			"index.rules", "index.placeholder", "index.require", "index.class", "index.module.exports", "fs.handler",
		},
		"ruby": {
			"lib/app.handler", "app.Handler.process", "lib/app.Api::V1::Handler.process", "app.String.process", "app.JSON::Api.handle!", "app.run?", "app.run!",
			"app.log", "app.respond", "app.holds?", "app.end", "app.PlaceholderPackage.process", "my-app.handler",
		},
		"shell": {"hello.handler"},
	}
	if names := slices.Sorted(maps.Keys(forms)); !slices.Equal(names, slices.Sorted(maps.Keys(interpreters))) {
		t.Fatalf("forms of handlers for %q", names)
	}
	forEach(t, func(t *testing.T, i interpreter) {
		for n, handlers := range forms {
			if interpreters[n].runtime != i.runtime {
				continue
			}
			for _, handler := range handlers {
				f := i.start(t, handler)
				i.check(t, handler, f.invoke(t, eventtable.Named("alb-multi-value-headers").JSON), eventtable.HTTPMultiValue)
				i.check(t, handler, f.invoke(t, eventtable.Named("sqs-batch").JSON), eventtable.FunctionError)
				f.stop()
			}
		}
	})
}
