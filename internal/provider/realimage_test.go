// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"archive/tar"
	"bytes"
	"io"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/seedimage"
)

// realImage makes a small image such as a pipeline pushes. Another content
// gives another digest.
func realImage(t *testing.T, content string) v1.Image {
	t.Helper()
	return withConfig(t, appendFile(t, mutate.MediaType(empty.Image, types.DockerManifestSchema2), content, types.DockerLayer))
}

func withConfig(t *testing.T, img v1.Image) v1.Image {
	t.Helper()
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	config = config.DeepCopy()
	config.OS, config.Architecture = "linux", "amd64"
	config.Config.Entrypoint = []string{"/app"}
	img, err = mutate.ConfigFile(img, config)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func appendFile(t *testing.T, img v1.Image, content string, mediaType types.MediaType) v1.Image {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	if err := w.WriteHeader(&tar.Header{Name: "app", Mode: 0o755, Size: int64(len(content))}); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(b.Bytes())), nil
	}, tarball.WithMediaType(mediaType))
	if err != nil {
		t.Fatal(err)
	}
	img, err = mutate.Append(img, mutate.Addendum{Layer: layer, History: v1.History{CreatedBy: "test"}})
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// olderPlaceholder is a placeholder as another version of the provider would
// have pushed it: the same mark, other bytes.
func olderPlaceholder(t *testing.T, architecture string) v1.Image {
	t.Helper()
	img := appendFile(t, mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON), "a program of "+architecture, types.OCILayer)
	annotated, ok := mutate.Annotations(withConfig(t, img), map[string]string{
		seedimage.AnnotationPlaceholder:  "1",
		seedimage.AnnotationArchitecture: architecture,
		seedimage.AnnotationStatusCode:   "503",
		seedimage.AnnotationContentType:  "application/json",
	}).(v1.Image)
	if !ok {
		t.Fatal("annotating an image did not give an image")
	}
	return annotated
}
