// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package seedimage_test

import (
	"encoding/json"
	"flag"
	"maps"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/bootstrap"
	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/seedimage"
)

var update = flag.Bool("update", false, "write the golden digests")

var architectures = []string{seedimage.ArchitectureX8664, seedimage.ArchitectureARM64}

// responses are answers of every shape, by name.
var responses = map[string]seedimage.Response{
	"default":      {},
	"status":       {StatusCode: 404},
	"content type": {ContentType: "text/plain; charset=utf-8"},
	"body":         {Body: new("soon\n")},
	"empty body":   {Body: new("")},
	"everything":   {StatusCode: 200, ContentType: "text/html", Body: new("<!doctype html>\x00\r\n\"é漢😀\"&\u2028")},
	"large body":   {Body: new(strings.Repeat("0123456789abcde\n", seedimage.MaxBodySize/16))},
}

func build(tb testing.TB, architecture string, r seedimage.Response) v1.Image {
	tb.Helper()
	img, err := seedimage.Build(architecture, r)
	if err != nil {
		tb.Fatal(err)
	}
	return img
}

func rawManifest(tb testing.TB, img v1.Image) []byte {
	tb.Helper()
	manifest, err := img.RawManifest()
	if err != nil {
		tb.Fatal(err)
	}
	return manifest
}

// TestGoldenDigests keeps the digests: an image that is built by another version of
// the provider, or on another platform, must be the same. They change only when the
// program or the image is meant to change; then run the test with -update.
func TestGoldenDigests(t *testing.T) {
	t.Parallel()
	golden := filepath.Join("testdata", "digests.json")
	got := map[string]string{}
	for _, architecture := range architectures {
		for name, r := range responses {
			digest, err := build(t, architecture, r).Digest()
			if err != nil {
				t.Fatal(err)
			}
			got[architecture+", "+name] = digest.String()
		}
	}
	if *update {
		content, err := json.MarshalIndent(got, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(golden, append(content, '\n'), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	content, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	if err := json.Unmarshal(content, &want); err != nil {
		t.Fatal(err)
	}
	for _, name := range slices.Sorted(maps.Keys(got)) {
		if got[name] != want[name] {
			t.Errorf("%s: the digest is %s, want %s. If the change is meant, run: go test ./internal/seedimage -run GoldenDigests -update", name, got[name], want[name])
		}
	}
	if len(got) != len(want) {
		t.Errorf("there are %d images and %d golden digests", len(got), len(want))
	}
}

func TestImagesAreValid(t *testing.T) {
	t.Parallel()
	for _, architecture := range architectures {
		for name, r := range responses {
			if err := validate.Image(build(t, architecture, r)); err != nil {
				t.Errorf("%s, %s: %v", architecture, name, err)
			}
		}
	}
}

func TestManifest(t *testing.T) {
	t.Parallel()
	for _, architecture := range architectures {
		img := build(t, architecture, seedimage.Response{})
		manifest, err := img.Manifest()
		if err != nil {
			t.Fatal(err)
		}
		layer, _ := bootstrap.LayerFor(architecture)
		configName, err := img.ConfigName()
		if err != nil {
			t.Fatal(err)
		}
		config, err := img.RawConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		want := &v1.Manifest{
			SchemaVersion: 2,
			MediaType:     "application/vnd.oci.image.manifest.v1+json",
			Config:        v1.Descriptor{MediaType: "application/vnd.oci.image.config.v1+json", Size: int64(len(config)), Digest: configName},
			Layers:        []v1.Descriptor{{MediaType: "application/vnd.oci.image.layer.v1.tar+gzip", Size: int64(len(layer.Compressed)), Digest: hash(t, layer.Digest)}},
			Annotations: map[string]string{
				"io.github.lambdaseed.placeholder":                "1",
				"io.github.lambdaseed.layer":                      layer.Digest,
				"io.github.lambdaseed.architecture":               architecture,
				"io.github.lambdaseed.http-response.status-code":  "503",
				"io.github.lambdaseed.http-response.content-type": "application/json",
				"org.opencontainers.image.title":                  "Placeholder for an AWS Lambda function",
				"org.opencontainers.image.description":            "Stands in until the application's image is deployed: answers HTTP callers, fails every other event.",
				"org.opencontainers.image.url":                    "https://registry.terraform.io/providers/lambdaseed/lambdaseed",
				"org.opencontainers.image.source":                 "https://github.com/lambdaseed/terraform-provider-lambdaseed",
				"org.opencontainers.image.documentation":          "https://registry.terraform.io/providers/lambdaseed/lambdaseed/latest/docs/resources/placeholder_image",
				"org.opencontainers.image.vendor":                 "the lambdaseed authors",
				"org.opencontainers.image.licenses":               "MPL-2.0",
			},
		}
		if !reflect.DeepEqual(manifest, want) {
			t.Errorf("%s: the manifest is %+v, want %+v", architecture, manifest, want)
		}
	}
}

// TestConfig compares the whole configuration, as Lambda reads it.
func TestConfig(t *testing.T) {
	t.Parallel()
	for architecture, goArchitecture := range map[string]string{"x86_64": "amd64", "arm64": "arm64"} {
		layer, _ := bootstrap.LayerFor(architecture)
		for env, r := range map[string]seedimage.Response{
			``:                                       {},
			`"LAMBDASEED_HTTP_STATUS_CODE=429"`:      {StatusCode: 429},
			`"LAMBDASEED_HTTP_CONTENT_TYPE=a/b"`:     {StatusCode: 503, ContentType: "a/b"},
			`"LAMBDASEED_HTTP_BODY_BASE64="`:         {ContentType: "application/json", Body: new("")},
			`"LAMBDASEED_HTTP_BODY_BASE64=YQoAw6k="`: {Body: new("a\n\x00é")},
			`"LAMBDASEED_HTTP_STATUS_CODE=404","LAMBDASEED_HTTP_CONTENT_TYPE=a/b","LAMBDASEED_HTTP_BODY_BASE64=Yw=="`: {StatusCode: 404, ContentType: "a/b", Body: new("c")},
		} {
			got, err := build(t, architecture, r).RawConfigFile()
			if err != nil {
				t.Fatal(err)
			}
			if env != "" {
				env = `"Env":[` + env + `],`
			}
			want := `{"architecture":"` + goArchitecture + `","created":"1970-01-01T00:00:00Z",` +
				`"history":[{"created":"1970-01-01T00:00:00Z","created_by":"lambdaseed: the program of a placeholder image"}],` +
				`"os":"linux","rootfs":{"type":"layers","diff_ids":["` + layer.DiffID + `"]},` +
				`"config":{"Entrypoint":["/lambdaseed-placeholder"],` + env + `"WorkingDir":"/"}}`
			if string(got) != want {
				t.Errorf("%s: the configuration is %s, want %s", architecture, got, want)
			}
		}
	}
}

// TestDefaultsSpelledOutGiveTheSameImage makes sure that a default in a configuration
// file is no change.
func TestDefaultsSpelledOutGiveTheSameImage(t *testing.T) {
	t.Parallel()
	implicit := build(t, "x86_64", seedimage.Response{})
	explicit := build(t, "x86_64", seedimage.Response{StatusCode: 503, ContentType: "application/json"})
	if string(rawManifest(t, implicit)) != string(rawManifest(t, explicit)) {
		t.Error("defaults that are spelled out give another image")
	}
}

func TestBuildRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		architecture string
		r            seedimage.Response
		want         string
	}{
		"no architecture":        {"", seedimage.Response{}, `there is no placeholder for the architecture "", only for "x86_64" and "arm64"`},
		"Go's word":              {"amd64", seedimage.Response{}, `there is no placeholder for the architecture "amd64", only for "x86_64" and "arm64"`},
		"status too low":         {"arm64", seedimage.Response{StatusCode: 42}, "HTTP response of the placeholder: the status code must be between 200 and 599, got 42"},
		"status 199":             {"arm64", seedimage.Response{StatusCode: 199}, "HTTP response of the placeholder: the status code must be between 200 and 599, got 199"},
		"status too high":        {"arm64", seedimage.Response{StatusCode: 600}, "HTTP response of the placeholder: the status code must be between 200 and 599, got 600"},
		"negative status":        {"arm64", seedimage.Response{StatusCode: -1}, "HTTP response of the placeholder: the status code must be between 200 and 599, got -1"},
		"line break":             {"arm64", seedimage.Response{ContentType: "a/b\r\nc: d"}, `HTTP response of the placeholder: the content type must consist of printable ASCII characters, got "a/b\r\nc: d"`},
		"content type not ASCII": {"arm64", seedimage.Response{ContentType: "é"}, `HTTP response of the placeholder: the content type must consist of printable ASCII characters, got "é"`},
		"body too long":          {"arm64", seedimage.Response{Body: new(strings.Repeat("x", 16385))}, "HTTP response of the placeholder: the body must have at most 16384 bytes, got 16385"},
		"body not text":          {"arm64", seedimage.Response{Body: new("\xff")}, "HTTP response of the placeholder: the body must be valid UTF-8"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			img, err := seedimage.Build(tt.architecture, tt.r)
			if err == nil || err.Error() != tt.want || img != nil {
				t.Errorf("got %v and the error %v, want %s", img, err, tt.want)
			}
		})
	}
}

func TestBlobs(t *testing.T) {
	t.Parallel()
	img := build(t, "arm64", seedimage.Response{})
	layer, _ := bootstrap.LayerFor("arm64")
	byDigest, err := img.LayerByDigest(hash(t, layer.Digest))
	if err != nil {
		t.Fatal(err)
	}
	byDiffID, err := img.LayerByDiffID(hash(t, layer.DiffID))
	if err != nil || byDiffID != byDigest {
		t.Errorf("got %v, %v", byDiffID, err)
	}
	configName, err := img.ConfigName()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := img.LayerByDigest(configName); err != nil {
		t.Errorf("the configuration is not found as a blob: %v", err)
	}
	if exists, err := partial.Exists(byDigest); err != nil || !exists {
		t.Errorf("the layer does not exist: %v", err)
	}
	unknown := hash(t, "sha256:"+strings.Repeat("0", 64))
	if _, err := img.LayerByDigest(unknown); err == nil || err.Error() != "the placeholder has no blob "+unknown.String() {
		t.Errorf("got the error %v", err)
	}
	if _, err := img.LayerByDiffID(unknown); err == nil || err.Error() != "the placeholder has no layer with the diff ID "+unknown.String() {
		t.Errorf("got the error %v", err)
	}
}

// TestCallersCannotChangeAnImage writes into what an image hands out.
func TestCallersCannotChangeAnImage(t *testing.T) {
	t.Parallel()
	img := build(t, "x86_64", seedimage.Response{})
	clear(rawManifest(t, img))
	config, err := img.RawConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	clear(config)
	if err := validate.Image(img); err != nil {
		t.Error(err)
	}
}

// TestPushAndPull pushes a placeholder to a registry and looks at what comes back.
func TestPushAndPull(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(registry.New())
	defer server.Close()
	for _, architecture := range architectures {
		tag, err := name.NewTag(strings.TrimPrefix(server.URL, "http://") + "/app:" + architecture)
		if err != nil {
			t.Fatal(err)
		}
		r := responses["everything"]
		img := build(t, architecture, r)
		if err := remote.Write(tag, img, remote.WithContext(t.Context())); err != nil {
			t.Fatal(err)
		}
		pulled, err := remote.Get(tag, remote.WithContext(t.Context()))
		if err != nil {
			t.Fatal(err)
		}
		digest, err := img.Digest()
		if err != nil || pulled.Digest != digest || pulled.MediaType != types.OCIManifestSchema1 {
			t.Errorf("%s: pulled %s of type %s, want %s, %v", architecture, pulled.Digest, pulled.MediaType, digest, err)
		}
		got, ok := seedimage.Recognise(pulled.Manifest)
		if !ok || !reflect.DeepEqual(got, seedimage.Placeholder{Version: 1, Architecture: architecture, Response: r}) {
			t.Errorf("%s: recognised as %+v, %t", architecture, got, ok)
		}
		image, err := pulled.Image()
		if err != nil {
			t.Fatal(err)
		}
		if err := validate.Image(image); err != nil {
			t.Errorf("%s: %v", architecture, err)
		}
	}
}

func BenchmarkBuild(b *testing.B) {
	for name, r := range responses {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := seedimage.Build(seedimage.ArchitectureX8664, r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func hash(t *testing.T, s string) v1.Hash {
	t.Helper()
	h, err := v1.NewHash(s)
	if err != nil {
		t.Fatal(err)
	}
	return h
}
