// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package sourceimage_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/sourceimage"
	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/sourceimage/sourcetest"
)

var (
	amd64 = sourcetest.Platform("amd64", "")
	arm64 = sourcetest.Platform("arm64", "v8")
)

func parse(t *testing.T, reference string) sourceimage.Reference {
	t.Helper()
	ref, err := sourceimage.ParseReference(reference)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

func resolve(t *testing.T, reference, architecture string) (*sourceimage.Image, error) {
	t.Helper()
	return sourceimage.Resolve(t.Context(), parse(t, reference), architecture, options(t))
}

// options are those of a provider that is alone with the registry.
func options(t *testing.T) sourceimage.Options {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return sourceimage.Options{Transport: transport, UserAgent: "lambdaseed-test"}
}

func digestOf(t *testing.T, img interface{ Digest() (v1.Hash, error) }) string {
	t.Helper()
	digest, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return digest.String()
}

// An index gives the one image that was asked for, with its bytes, and nothing
// is read of the others.
func TestResolve_index(t *testing.T) {
	t.Parallel()
	x86 := sourcetest.Docker(t, amd64, "one", "two")
	arm := sourcetest.OCI(t, arm64, "three")
	other := sourcetest.OCI(t, sourcetest.Platform("arm", "v7"), "four")
	for name, index := range map[string]v1.ImageIndex{
		"OCI":    sourcetest.OCIIndex(sourcetest.Entry(t, other), sourcetest.Entry(t, x86), sourcetest.Attestation(t, x86), sourcetest.Entry(t, arm), sourcetest.Attestation(t, arm)),
		"Docker": sourcetest.DockerIndex(sourcetest.Entry(t, other), sourcetest.Entry(t, x86), sourcetest.Entry(t, arm)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			registry := sourcetest.New()
			host := registry.Start(t)
			digest := registry.Push(t, "app:1", index)
			for architecture, want := range map[string]v1.Image{"x86_64": x86, "arm64": arm} {
				got, err := resolve(t, host+"/app:1", architecture)
				if err != nil {
					t.Fatal(err)
				}
				if got.SourceDigest != digest || digestOf(t, got) != digestOf(t, want) {
					t.Errorf("%s: got %s of %s, want %s of %s", architecture, digestOf(t, got), got.SourceDigest, digestOf(t, want), digest)
				}
				gotType, _ := got.MediaType()
				wantType, _ := want.MediaType()
				if gotType != wantType {
					t.Errorf("%s: the type is %s, want %s", architecture, gotType, wantType)
				}
				if n := registry.Count(http.MethodGet, "/manifests/"); n != 2 {
					t.Errorf("%d manifests were read, want the index and the image", n)
				}
				if n := registry.Count(http.MethodGet, "/blobs/"); n != 1 {
					t.Errorf("%d blobs were read before a layer was wanted, want the config", n)
				}
				registry.Forget()
				if err := validate.Image(got, validate.Fast); err != nil {
					t.Error(err)
				}
				readAll(t, got)
				registry.Forget()
			}
		})
	}
}

// readAll reads every layer, as a push does.
func readAll(t *testing.T, img v1.Image) {
	t.Helper()
	layers, err := img.Layers()
	if err != nil {
		t.Fatal(err)
	}
	for _, layer := range layers {
		if _, ok := layer.(*remote.MountableLayer); !ok {
			t.Errorf("the layer is a %T, which cannot be mounted", layer)
		}
		content, err := layer.Compressed()
		if err != nil {
			t.Fatal(err)
		}
		digest, size, err := v1.SHA256(content)
		if err != nil {
			t.Fatal(err)
		}
		want, _ := layer.Digest()
		wantSize, _ := layer.Size()
		if digest != want || size != wantSize {
			t.Errorf("got %d bytes of %s, want %d of %s", size, digest, wantSize, want)
		}
		if err := content.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestResolve_single(t *testing.T) {
	t.Parallel()
	registry := sourcetest.New()
	host := registry.Start(t)
	img := sourcetest.Docker(t, amd64, "one")
	digest := registry.Push(t, "team/app:1", img)
	for _, reference := range []string{host + "/team/app:1", host + "/team/app@" + digest, host + "/team/app:other@" + digest} {
		got, err := resolve(t, reference, "x86_64")
		if err != nil {
			t.Fatal(err)
		}
		if got.SourceDigest != digest || digestOf(t, got) != digest {
			t.Errorf("%s: got %s of %s, want %s", reference, digestOf(t, got), got.SourceDigest, digest)
		}
	}
	for _, request := range registry.Requests() {
		if !strings.HasPrefix(request.UserAgent, "lambdaseed-test") {
			t.Errorf("%s %s was asked for by %q", request.Method, request.Path, request.UserAgent)
		}
	}
}

// Of several entries for one architecture the one is taken that suits best,
// whatever their order; an index may also name no platforms at all.
func TestResolve_choice(t *testing.T) {
	t.Parallel()
	plain := sourcetest.OCI(t, amd64, "plain")
	v2 := sourcetest.OCI(t, sourcetest.Platform("amd64", "v2"), "v2")
	v4 := sourcetest.OCI(t, sourcetest.Platform("amd64", "v4"), "v4")
	v8 := sourcetest.OCI(t, arm64, "v8")
	nameless := func(img v1.Image) mutate.IndexAddendum { return mutate.IndexAddendum{Add: img} }
	for name, test := range map[string]struct {
		index        v1.ImageIndex
		architecture string
		want         v1.Image
	}{
		"plain before variant": {sourcetest.OCIIndex(sourcetest.Entry(t, v2), sourcetest.Entry(t, plain)), "x86_64", plain},
		"variant alone":        {sourcetest.OCIIndex(sourcetest.Entry(t, v4), sourcetest.Entry(t, v2)), "x86_64", v2},
		"arm64/v8":             {sourcetest.OCIIndex(sourcetest.Entry(t, plain), sourcetest.Entry(t, v8)), "arm64", v8},
		"no platforms":         {sourcetest.OCIIndex(nameless(plain), nameless(v8)), "arm64", v8},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			registry := sourcetest.New()
			host := registry.Start(t)
			registry.Push(t, "app:1", test.index)
			got, err := resolve(t, host+"/app:1", test.architecture)
			if err != nil {
				t.Fatal(err)
			}
			if digestOf(t, got) != digestOf(t, test.want) {
				t.Errorf("got %s, want %s", digestOf(t, got), digestOf(t, test.want))
			}
		})
	}
}

// A manifest without a media type of its own, which OCI allows, keeps its bytes
// and gets its type from the registry, or from its content where the registry
// does not say.
func TestResolve_withoutMediaType(t *testing.T) {
	t.Parallel()
	for name, contentType := range map[string]types.MediaType{
		"registry says":   types.OCIManifestSchema1,
		"nobody says":     "application/json",
		"with parameters": "application/vnd.oci.image.manifest.v1+json; charset=utf-8",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			registry := sourcetest.New()
			host := registry.Start(t)
			img := sourcetest.OCI(t, amd64, "one")
			registry.Push(t, "app:1", img)
			raw, err := img.RawManifest()
			if err != nil {
				t.Fatal(err)
			}
			text := strings.Replace(string(raw), `"mediaType":"application/vnd.oci.image.manifest.v1+json",`, "", 1)
			digest := registry.Push(t, "app:2", sourcetest.Raw{Text: text, Type: contentType})
			got, err := resolve(t, host+"/app:2", "x86_64")
			if err != nil {
				t.Fatal(err)
			}
			mediaType, err := got.MediaType()
			if err != nil || mediaType != types.OCIManifestSchema1 || digestOf(t, got) != digest {
				t.Errorf("got %s of type %s (%v), want %s", digestOf(t, got), mediaType, err, digest)
			}
		})
	}
}

func manifestText(config, layers, more string) string {
	return fmt.Sprintf(`{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":%s,"layers":[%s]%s}`, config, layers, more)
}

// What Lambda cannot run is found out from the manifest and the config, before
// a layer is read.
func TestResolve_refused(t *testing.T) {
	t.Parallel()
	const (
		digest = `"digest":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"`
		config = `{"mediaType":"application/vnd.oci.image.config.v1+json","size":2,` + digest + `}`
		layer  = `{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","size":%d,` + digest + `}`
	)
	oci := func(text string) sourcetest.Raw { return sourcetest.Raw{Text: text, Type: types.OCIManifestSchema1} }
	of := func(mediaType types.MediaType) v1.Image {
		return sourcetest.WithLayers(t, sourcetest.OCI(t, amd64, "first"), amd64, static.NewLayer([]byte("content"), mediaType))
	}
	windows := v1.Platform{OS: "windows", Architecture: "amd64", OSVersion: "10.0.20348.1"}
	many := make([]mutate.IndexAddendum, 0, 30)
	for i := range 30 {
		many = append(many, sourcetest.Entry(t, sourcetest.OCI(t, sourcetest.Platform(fmt.Sprintf("cpu%02d", i), ""), "x")))
	}
	for name, test := range map[string]struct {
		source       remote.Taggable
		architecture string
		reason       error
		want         string
	}{
		"no such platform": {
			sourcetest.OCIIndex(
				sourcetest.Entry(t, sourcetest.OCI(t, amd64, "x")), sourcetest.Entry(t, sourcetest.OCI(t, sourcetest.Platform("arm", "v7"), "y")),
				sourcetest.Entry(t, sourcetest.OCI(t, windows, "z")), sourcetest.Attestation(t, sourcetest.OCI(t, arm64, "a")),
			),
			"arm64", sourceimage.ErrPlatform,
			"the source has no image for linux/arm64; it has: linux/amd64, linux/arm/v7, windows/amd64 (10.0.20348.1)",
		},
		"single image of another platform": {
			sourcetest.Docker(t, amd64, "x"), "arm64", sourceimage.ErrPlatform,
			"the source is an image for linux/amd64 alone, and not for linux/arm64",
		},
		"only attestations": {
			sourcetest.OCIIndex(sourcetest.Attestation(t, sourcetest.OCI(t, arm64, "a"))), "arm64", sourceimage.ErrPlatform,
			"the source has no image for linux/arm64; it has: no image for any platform",
		},
		"variant that Lambda does not have": {
			sourcetest.OCIIndex(sourcetest.Entry(t, sourcetest.OCI(t, sourcetest.Platform("amd64", "v4"), "x"))), "x86_64", sourceimage.ErrPlatform,
			"the source has no image for linux/amd64; it has: linux/amd64/v4",
		},
		"long list": {
			sourcetest.OCIIndex(many...), "arm64", sourceimage.ErrPlatform,
			"cpu19 and others",
		},
		"index of an index": {
			sourcetest.OCIIndex(mutate.IndexAddendum{
				Add:        sourcetest.OCIIndex(sourcetest.Entry(t, sourcetest.OCI(t, amd64, "x"))),
				Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "amd64"}},
			}),
			"x86_64", sourceimage.ErrPlatform, "the source has no image for linux/amd64; it has: an index within the index (which is not looked into)",
		},
		"Windows": {
			sourcetest.Docker(t, windows, "x"), "x86_64", sourceimage.ErrUnsupported,
			`it is an image for the operating system "windows", and Lambda runs Linux`,
		},
		"index that promises what the config is not": {
			sourcetest.OCIIndex(mutate.IndexAddendum{Add: sourcetest.OCI(t, amd64, "x"), Descriptor: v1.Descriptor{Platform: &arm64}}),
			"arm64", sourceimage.ErrPlatform, `its config says that it is for the architecture "amd64", and not "arm64"`,
		},
		"zstd": {
			of(types.OCILayerZStd), "x86_64", sourceimage.ErrUnsupported,
			"is compressed with zstd, and Lambda takes gzip; build the image with gzip layers",
		},
		"uncompressed":     {of(types.OCIUncompressedLayer), "x86_64", sourceimage.ErrUnsupported, `layer 2 of 2 (sha256:`},
		"unknown layer":    {of("application/x-thing"), "x86_64", sourceimage.ErrUnsupported, `is of type "application/x-thing", and Lambda takes layers that are compressed with gzip`},
		"foreign":          {oci(manifestText(config, `{"mediaType":"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip","size":5,`+digest+`}`, "")), "x86_64", sourceimage.ErrUnsupported, "is a foreign layer, which is not in the registry"},
		"nondistributable": {oci(manifestText(config, `{"mediaType":"application/vnd.oci.image.layer.nondistributable.v1.tar+gzip","size":5,`+digest+`}`, "")), "x86_64", sourceimage.ErrUnsupported, "is a foreign layer"},
		"layer by URL":     {oci(manifestText(config, `{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","size":5,"urls":["https://x.test/"],`+digest+`}`, "")), "x86_64", sourceimage.ErrUnsupported, "is a foreign layer"},
		"too large": {
			oci(manifestText(config, fmt.Sprintf(layer+","+layer, 6<<30, 5<<30), "")), "x86_64", sourceimage.ErrUnsupported,
			"its layers have more than 10 GB, compressed; Lambda's limit is 10 GB, uncompressed",
		},
		"sizes that overflow": {oci(manifestText(config, fmt.Sprintf(layer+","+layer, int64(1)<<62, int64(1)<<62), "")), "x86_64", sourceimage.ErrUnsupported, "more than 10 GB"},
		"negative size":       {oci(manifestText(config, fmt.Sprintf(layer, -1), "")), "x86_64", sourceimage.ErrUnsupported, "has -1 bytes"},
		"huge config":         {oci(manifestText(strings.Replace(config, `"size":2`, `"size":9999999999`, 1), "", "")), "x86_64", sourceimage.ErrUnsupported, "its config has 9999999999 bytes"},
		"config of SHA-512": {
			oci(manifestText(strings.Replace(config, digest, `"digest":"sha512:`+strings.Repeat("0", 128)+`"`, 1), "", "")), "x86_64",
			sourceimage.ErrUnsupported, "its config is named by another digest than SHA-256",
		},
		"schema 1": {
			sourcetest.Raw{Text: `{"schemaVersion":1,"name":"app","tag":"1","architecture":"amd64","fsLayers":[]}`, Type: types.DockerManifestSchema1},
			"x86_64", sourceimage.ErrUnsupported, "its manifest is of schema 1",
		},
		"artifact": {
			oci(manifestText(strings.Replace(config, "oci.image.config", "cncf.helm.config", 1), "", "")), "x86_64", sourceimage.ErrUnsupported,
			`it is an artifact, not an image of a program: its config is of type "application/vnd.cncf.helm.config.v1+json"`,
		},
		"artifact by its type": {oci(manifestText(config, "", `,"artifactType":"application/x-sbom"`)), "x86_64", sourceimage.ErrUnsupported, `it is an artifact of type "application/x-sbom"`},
		"signature":            {oci(manifestText(config, "", `,"subject":`+config)), "x86_64", sourceimage.ErrUnsupported, "it only describes another image"},
		"unknown type":         {sourcetest.Raw{Text: `{"schemaVersion":2,"mediaType":"application/x-thing"}`, Type: "application/x-thing"}, "x86_64", sourceimage.ErrUnsupported, `it is of type "application/x-thing"`},
		"not a manifest":       {sourcetest.Raw{Text: `{"schemaVersion":2}`, Type: "text/html"}, "x86_64", sourceimage.ErrUnexpectedAnswer, `the registry answered with "text/html", which is not a manifest`},
		"index without a list": {sourcetest.Raw{Text: `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json"}`, Type: types.OCIImageIndex}, "x86_64", sourceimage.ErrUnexpectedAnswer, "that is not one"},
		"not JSON":             {sourcetest.Raw{Text: `<html>`, Type: types.OCIManifestSchema1}, "x86_64", sourceimage.ErrUnexpectedAnswer, "is not JSON of the form that is expected"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			registry := sourcetest.New()
			host := registry.Start(t)
			reference := host + "/app:1"
			if raw, ok := test.source.(sourcetest.Raw); ok {
				registry.Hook(func(w http.ResponseWriter, r *http.Request) bool {
					if !strings.Contains(r.URL.Path, "/manifests/") {
						return false
					}
					w.Header().Set("Content-Type", string(raw.Type))
					_, _ = io.WriteString(w, raw.Text)
					return true
				})
			} else {
				registry.Push(t, "app:1", test.source)
			}
			_, err := resolve(t, reference, test.architecture)
			if !errors.Is(err, test.reason) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %v with %q", err, test.reason, test.want)
			}
			if err != nil && !strings.HasPrefix(err.Error(), host+"/app:1: ") {
				t.Errorf("%q does not name the source", err)
			}
		})
	}
	if _, err := sourceimage.Resolve(t.Context(), parse(t, "alpine"), "riscv64", options(t)); !errors.Is(err, sourceimage.ErrPlatform) {
		t.Errorf("got %v for an architecture that Lambda does not have", err)
	}
}
