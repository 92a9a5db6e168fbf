// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package sourcetest

import (
	"bytes"
	"compress/gzip"
	"io"
	"math/rand/v2"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Platform is linux on an architecture in the words of images, "arm64/v8".
func Platform(architecture, variant string) v1.Platform {
	return v1.Platform{OS: "linux", Architecture: architecture, Variant: variant}
}

// Docker is an image of Docker's media types with one gzip layer for each
// content.
func Docker(tb testing.TB, platform v1.Platform, contents ...string) v1.Image {
	tb.Helper()
	img := mutate.MediaType(mutate.ConfigMediaType(empty.Image, types.DockerConfigJSON), types.DockerManifestSchema2)
	return WithLayers(tb, img, platform, layers(tb, types.DockerLayer, contents)...)
}

// OCI is an image of OCI's media types with one gzip layer for each content.
func OCI(tb testing.TB, platform v1.Platform, contents ...string) v1.Image {
	tb.Helper()
	img := mutate.MediaType(mutate.ConfigMediaType(empty.Image, types.OCIConfigJSON), types.OCIManifestSchema1)
	return WithLayers(tb, img, platform, layers(tb, types.OCILayer, contents)...)
}

func layers(tb testing.TB, mediaType types.MediaType, contents []string) []v1.Layer {
	tb.Helper()
	made := make([]v1.Layer, 0, len(contents))
	for _, content := range contents {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		if _, err := io.WriteString(w, content); err != nil {
			tb.Fatal(err)
		}
		if err := w.Close(); err != nil {
			tb.Fatal(err)
		}
		made = append(made, static.NewLayer(b.Bytes(), mediaType))
	}
	return made
}

// WithLayers adds layers and a platform to an image.
func WithLayers(tb testing.TB, img v1.Image, platform v1.Platform, layers ...v1.Layer) v1.Image {
	tb.Helper()
	var err error
	for _, layer := range layers {
		if img, err = mutate.Append(img, mutate.Addendum{Layer: layer, History: v1.History{CreatedBy: "sourcetest"}}); err != nil {
			tb.Fatal(err)
		}
	}
	config, err := img.ConfigFile()
	if err != nil {
		tb.Fatal(err)
	}
	config = config.DeepCopy()
	config.OS, config.Architecture, config.Variant, config.OSVersion = platform.OS, platform.Architecture, platform.Variant, platform.OSVersion
	config.Config.Entrypoint = []string{"/app"}
	if img, err = mutate.ConfigFile(img, config); err != nil {
		tb.Fatal(err)
	}
	return img
}

// Entry is an entry of an index with the platform of its image.
func Entry(tb testing.TB, img v1.Image) mutate.IndexAddendum {
	tb.Helper()
	config, err := img.ConfigFile()
	if err != nil {
		tb.Fatal(err)
	}
	return mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{Platform: config.Platform()}}
}

// Attestation is an entry as BuildKit adds it for provenance: an image of the
// platform unknown/unknown that refers to another entry.
func Attestation(tb testing.TB, of v1.Image) mutate.IndexAddendum {
	tb.Helper()
	digest, err := of.Digest()
	if err != nil {
		tb.Fatal(err)
	}
	unknown := v1.Platform{OS: "unknown", Architecture: "unknown"}
	img := WithLayers(tb, mutate.MediaType(mutate.ConfigMediaType(empty.Image, types.OCIConfigJSON), types.OCIManifestSchema1), unknown,
		static.NewLayer([]byte(`{"_type":"https://in-toto.io/Statement/v0.1"}`), "application/vnd.in-toto+json"))
	return mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{
		Platform: &unknown,
		Annotations: map[string]string{
			"vnd.docker.reference.type":   "attestation-manifest",
			"vnd.docker.reference.digest": digest.String(),
		},
	}}
}

// OCIIndex is an index of OCI's media type.
func OCIIndex(entries ...mutate.IndexAddendum) v1.ImageIndex {
	return mutate.AppendManifests(mutate.IndexMediaType(empty.Index, types.OCIImageIndex), entries...)
}

// DockerIndex is a list of Docker's media type.
func DockerIndex(entries ...mutate.IndexAddendum) v1.ImageIndex {
	return mutate.AppendManifests(mutate.IndexMediaType(empty.Index, types.DockerManifestList), entries...)
}

// Generated is a blob of a size whose content follows from a seed. Nothing of
// it is kept.
func Generated(tb testing.TB, seed byte, size int64) Blob {
	tb.Helper()
	open := func() io.Reader { return io.LimitReader(rand.NewChaCha8([32]byte{seed}), size) }
	digest, _, err := v1.SHA256(open())
	if err != nil {
		tb.Fatal(err)
	}
	return Blob{Digest: digest, Size: size, Open: open}
}

// Layer is the blob as a layer that has no content of its own: the registry
// that the image is pushed to must serve it.
func (b Blob) Layer(mediaType types.MediaType) v1.Layer { return absent{b, mediaType} }

type absent struct {
	blob      Blob
	mediaType types.MediaType
}

func (a absent) Digest() (v1.Hash, error)             { return a.blob.Digest, nil }
func (a absent) DiffID() (v1.Hash, error)             { return a.blob.Digest, nil }
func (a absent) Size() (int64, error)                 { return a.blob.Size, nil }
func (a absent) MediaType() (types.MediaType, error)  { return a.mediaType, nil }
func (a absent) Uncompressed() (io.ReadCloser, error) { return a.Compressed() }
func (a absent) Compressed() (io.ReadCloser, error)   { return io.NopCloser(a.blob.Open()), nil }

// PushManifest is Push for an image whose layers are served by AddBlob: only
// its config and its manifest are sent.
func (r *Registry) PushManifest(tb testing.TB, reference string, img v1.Image) string {
	tb.Helper()
	config, err := img.RawConfigFile()
	if err != nil {
		tb.Fatal(err)
	}
	digest, size, err := v1.SHA256(bytes.NewReader(config))
	if err != nil {
		tb.Fatal(err)
	}
	r.AddBlob(Blob{Digest: digest, Size: size, Open: func() io.Reader { return bytes.NewReader(config) }})
	return r.Push(tb, reference, manifestOf{img})
}

// manifestOf hides that an image is one.
type manifestOf struct{ img v1.Image }

func (m manifestOf) RawManifest() ([]byte, error)        { return m.img.RawManifest() }
func (m manifestOf) MediaType() (types.MediaType, error) { return m.img.MediaType() }

// Raw is a manifest of any text and type.
type Raw struct {
	Text string
	Type types.MediaType
}

// RawManifest implements remote.Taggable.
func (r Raw) RawManifest() ([]byte, error) { return []byte(r.Text), nil }

// MediaType is the type that the registry is told.
func (r Raw) MediaType() (types.MediaType, error) { return r.Type, nil }
