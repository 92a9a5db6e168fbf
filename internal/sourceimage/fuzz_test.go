// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package sourceimage

import (
	"bytes"
	"slices"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// FuzzManifest checks that no answer of a registry breaks what reads it, and
// that what passes is what Lambda takes.
func FuzzManifest(f *testing.F) {
	const descriptor = `"size":2,"digest":"` + someDigest + `"}`
	for _, seed := range []string{
		`{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json",` + descriptor +
			`,"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip",` + descriptor + `]}`,
		`{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","platform":{"os":"linux","architecture":"amd64"},` + descriptor + `]}`,
		`{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.docker.distribution.manifest.v2+json",` + descriptor + `]}`,
		`{"schemaVersion":2,"config":{"mediaType":"application/vnd.docker.container.image.v1+json",` + descriptor + `}`,
		`{"schemaVersion":1,"fsLayers":[]}`, `{"manifests":null}`, `null`, `[]`, `{}`, `<html>`,
	} {
		for _, mediaType := range []string{"", string(types.OCIManifestSchema1), string(types.DockerManifestList), "text/html; charset=utf-8"} {
			f.Add([]byte(seed), mediaType)
		}
	}
	ref, err := ParseReference("alpine")
	if err != nil {
		f.Fatal(err)
	}
	c := newClient(ref, Options{})
	f.Fuzz(func(t *testing.T, raw []byte, mediaType string) {
		d, err := c.parse(&remote.Descriptor{Manifest: raw, Descriptor: v1.Descriptor{MediaType: types.MediaType(mediaType)}})
		if err != nil {
			return
		}
		if d.mediaType.IsIndex() {
			index, err := v1.ParseIndexManifest(bytes.NewReader(raw))
			if err != nil {
				return
			}
			if best, _, _ := choose(index, "arm64"); best != nil && (best.Platform == nil || best.Platform.OS != "linux" || best.Platform.Architecture != "arm64" || !best.MediaType.IsImage()) {
				t.Errorf("chose %+v", best)
			}
			return
		}
		manifest, err := v1.ParseManifest(bytes.NewReader(raw))
		if err != nil || unsupportedManifest(manifest, d.artifactType, d.hasSubject) != "" {
			return
		}
		var size int64
		for _, layer := range manifest.Layers {
			size += layer.Size
			if layer.Size <= 0 || size > maxImageSize || !slices.Contains(layerTypes, layer.MediaType) || len(layer.URLs) > 0 || layer.Digest.Algorithm != "sha256" {
				t.Errorf("passed the layer %+v", layer)
			}
		}
		if !slices.Contains(configTypes, manifest.Config.MediaType) || manifest.Config.Size <= 0 || manifest.Config.Size > maxConfigSize {
			t.Errorf("passed the config %+v", manifest.Config)
		}
	})
}
