// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package seedimage_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/seedimage"
)

func TestRecogniseEveryPlaceholder(t *testing.T) {
	t.Parallel()
	for _, architecture := range architectures {
		for name, r := range responses {
			got, ok := seedimage.Recognise(rawManifest(t, build(t, architecture, r)))
			want := seedimage.Placeholder{Version: seedimage.Version, Architecture: architecture, Response: r.WithDefaults()}
			if !ok || !reflect.DeepEqual(got, want) {
				t.Errorf("%s, %s: recognised as %+v, %t", architecture, name, got, ok)
			}
		}
	}
}

// edited returns a placeholder's manifest after a change.
func edited(t *testing.T, edit func(*v1.Manifest)) []byte {
	t.Helper()
	manifest, err := build(t, "arm64", responses["everything"]).Manifest()
	if err != nil {
		t.Fatal(err)
	}
	edit(manifest)
	raw, err := json.Marshal(manifest)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// TestRecogniseOtherVersions has manifests as other versions may write them.
func TestRecogniseOtherVersions(t *testing.T) {
	t.Parallel()
	everything := responses["everything"]
	tests := map[string]struct {
		edit func(annotations map[string]string)
		want seedimage.Placeholder
	}{
		"newer version": {
			func(a map[string]string) {
				a[seedimage.AnnotationPlaceholder] = "17"
				a["io.github.lambdaseed.more"] = "x"
			},
			seedimage.Placeholder{Version: 17, Architecture: "arm64", Response: everything},
		},
		"only the mark": {
			func(a map[string]string) { clear(a); a[seedimage.AnnotationPlaceholder] = "1" },
			seedimage.Placeholder{Version: 1},
		},
		"no layer digest": {
			func(a map[string]string) { delete(a, seedimage.AnnotationLayer) },
			seedimage.Placeholder{Version: 1, Architecture: "arm64", Response: everything},
		},
		"unknown architecture": {
			func(a map[string]string) { a[seedimage.AnnotationArchitecture] = "riscv64" },
			seedimage.Placeholder{Version: 1, Response: everything},
		},
		"no status code": {
			func(a map[string]string) { delete(a, seedimage.AnnotationStatusCode) },
			seedimage.Placeholder{Version: 1, Architecture: "arm64"},
		},
		"status code 0": {
			func(a map[string]string) { a[seedimage.AnnotationStatusCode] = "0" },
			seedimage.Placeholder{Version: 1, Architecture: "arm64"},
		},
		"status code out of range": {
			func(a map[string]string) { a[seedimage.AnnotationStatusCode] = "600" },
			seedimage.Placeholder{Version: 1, Architecture: "arm64"},
		},
		"no content type": {
			func(a map[string]string) { delete(a, seedimage.AnnotationContentType) },
			seedimage.Placeholder{Version: 1, Architecture: "arm64"},
		},
		"malformed content type": {
			func(a map[string]string) { a[seedimage.AnnotationContentType] = "a\n" },
			seedimage.Placeholder{Version: 1, Architecture: "arm64"},
		},
		"malformed body": {
			func(a map[string]string) { a[seedimage.AnnotationBody] = "?" },
			seedimage.Placeholder{Version: 1, Architecture: "arm64"},
		},
		"body over the limit": {
			func(a map[string]string) { a[seedimage.AnnotationBody] = strings.Repeat("eHh4", seedimage.MaxBodySize) },
			seedimage.Placeholder{Version: 1, Architecture: "arm64"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, ok := seedimage.Recognise(edited(t, func(m *v1.Manifest) { tt.edit(m.Annotations) }))
			if !ok || !reflect.DeepEqual(got, tt.want) {
				t.Errorf("recognised as %+v, %t, want %+v", got, ok, tt.want)
			}
		})
	}
}

// TestRecogniseNothingElse has manifests that must never be taken for a placeholder:
// what they belong to would be overwritten or deleted.
func TestRecogniseNothingElse(t *testing.T) {
	t.Parallel()
	mark := map[string]string{seedimage.AnnotationPlaceholder: "1"}
	other, err := random.Image(100, 2)
	if err != nil {
		t.Fatal(err)
	}
	layer, err := random.Layer(100, types.OCILayer)
	if err != nil {
		t.Fatal(err)
	}
	placeholder := build(t, "x86_64", seedimage.Response{})
	appended, err := mutate.AppendLayers(placeholder, layer)
	if err != nil {
		t.Fatal(err)
	}
	labelled, err := mutate.Config(other, v1.Config{Labels: mark})
	if err != nil {
		t.Fatal(err)
	}
	index, ok := mutate.Annotations(mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: placeholder}), mark).(v1.ImageIndex)
	if !ok {
		t.Fatal("an index with annotations is no index")
	}
	rawIndex, err := index.RawManifest()
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string][]byte{
		"nothing":                     nil,
		"not JSON":                    []byte("placeholder"),
		"null":                        []byte("null"),
		"array":                       []byte("[]"),
		"empty object":                []byte("{}"),
		"another image":               rawManifest(t, other),
		"label":                       rawManifest(t, labelled),
		"index with the mark":         rawIndex,
		"image built on one":          rawManifest(t, appended),
		"Docker manifest":             edited(t, func(m *v1.Manifest) { m.MediaType = types.DockerManifestSchema2 }),
		"index by its type":           edited(t, func(m *v1.Manifest) { m.MediaType = types.OCIImageIndex }),
		"no media type":               edited(t, func(m *v1.Manifest) { m.MediaType = "" }),
		"schema 1":                    edited(t, func(m *v1.Manifest) { m.SchemaVersion = 1 }),
		"no mark":                     edited(t, func(m *v1.Manifest) { delete(m.Annotations, seedimage.AnnotationPlaceholder) }),
		"mark in another case":        edited(t, func(m *v1.Manifest) { m.Annotations = map[string]string{"IO.GITHUB.LAMBDASEED.PLACEHOLDER": "1"} }),
		"mark without a version":      edited(t, func(m *v1.Manifest) { m.Annotations[seedimage.AnnotationPlaceholder] = "" }),
		"mark is a word":              edited(t, func(m *v1.Manifest) { m.Annotations[seedimage.AnnotationPlaceholder] = "false" }),
		"version 0":                   edited(t, func(m *v1.Manifest) { m.Annotations[seedimage.AnnotationPlaceholder] = "0" }),
		"mark on the layer only":      edited(t, func(m *v1.Manifest) { m.Layers[0].Annotations, m.Annotations = m.Annotations, nil }),
		"another layer under a mark":  edited(t, func(m *v1.Manifest) { m.Layers[0].Digest.Hex = strings.Repeat("0", 64) }),
		"no layer under a mark":       edited(t, func(m *v1.Manifest) { m.Layers = nil }),
		"two layers, mark of neither": edited(t, func(m *v1.Manifest) { m.Annotations, m.Layers = mark, append(m.Layers, m.Layers...) }),
		"annotation that is a number": []byte(`{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","annotations":{"io.github.lambdaseed.placeholder":1}}`),
		"manifest and index at once":  []byte(`{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","manifests":[],"annotations":{"io.github.lambdaseed.placeholder":"1"}}`),
		"cut off":                     rawManifest(t, placeholder)[:500],
	}
	for name, manifest := range tests {
		if got, ok := seedimage.Recognise(manifest); ok || !reflect.DeepEqual(got, seedimage.Placeholder{}) {
			t.Errorf("%s is taken for a placeholder: %+v", name, got)
		}
	}
}

// FuzzRecognise checks that no bytes break the recogniser, and that what it tells of
// a placeholder can be built again.
func FuzzRecognise(f *testing.F) {
	for _, r := range responses {
		f.Add(rawManifest(f, build(f, "x86_64", r)))
	}
	f.Add([]byte(`{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","annotations":{"io.github.lambdaseed.placeholder":"2"}}`))
	f.Add([]byte(`{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[],"annotations":{"io.github.lambdaseed.placeholder":"1"}}`))
	f.Fuzz(func(t *testing.T, manifest []byte) {
		got, ok := seedimage.Recognise(manifest)
		if !ok {
			return
		}
		if got.Version < 1 || !strings.Contains(string(manifest), "io.github.lambdaseed") && !strings.Contains(string(manifest), `\u`) {
			t.Errorf("recognised as %+v", got)
		}
		if got.Architecture == "" {
			got.Architecture = seedimage.DefaultArchitecture
		}
		again, ok := seedimage.Recognise(rawManifest(t, build(t, got.Architecture, got.Response)))
		if !ok || !reflect.DeepEqual(again.Response, got.Response.WithDefaults()) || again.Architecture != got.Architecture {
			t.Errorf("%+v is built again as %+v", got, again)
		}
	})
}
