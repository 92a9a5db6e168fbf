// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/hashicorp/terraform-exec/tfexec"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/fakeaws"
)

// sourceHost is the registry that is copied from.
const sourceHost = "source.example.com"

// copies are the scenarios of lambdaseed_image_copy: what they are about is the
// provider's memory, which must not grow with the layers.
func (b *bench) copies(full bool) []scenario {
	of := func(title string, n int, layers byte, size int64) scenario {
		return scenario{title, func(ctx context.Context) ([]row, error) { return b.copy(ctx, title, n, layers, size) }}
	}
	if !full {
		return []scenario{of("copy of a 100 MB layer", 1, 1, 100_000_000)}
	}
	return []scenario{
		of("copy of a 2 GB layer", 1, 1, 2_000_000_000),
		of("copy of 10 layers of 200 MB", 1, 10, 200_000_000),
		of("50 copies of 4 layers of 10 MB, parallelism 50", 50, 4, 10_000_000),
	}
}

// copy applies n copies of one image into as many repositories, all at once.
func (b *bench) copy(ctx context.Context, title string, n int, layers byte, size int64) ([]row, error) {
	source, err := newSource(layers, size)
	if err != nil {
		return nil, err
	}
	srv, env, err := b.startAWS(ctx, n, fakeaws.WithHost(sourceHost, source), fakeaws.WithBlobLimit(1<<20))
	if err != nil {
		return nil, err
	}
	defer srv.Close()

	work := filepath.Join(b.dir, strings.Map(fileRune, title))
	if err := writeConfig(work, fmt.Sprintf(`
resource "lambdaseed_image_copy" "app" {
  count          = %d
  repository_url = format("%s/app-%%04d", count.index)
  source_image   = "%s/app:1"
}
`, n, host, sourceHost)); err != nil {
		return nil, err
	}
	tf, err := tfexec.NewTerraform(work, b.terraformPath)
	if err != nil {
		return nil, err
	}
	apply, err := b.observe(ctx, srv, env, func(p *process) error {
		return tf.Apply(ctx, tfexec.Reattach(p.reattach), tfexec.Parallelism(max(n, 10)))
	})
	if err != nil {
		return nil, err
	}
	apply.title, apply.images = title, n
	apply.unit, apply.unitName = b.latency, "latency"
	return []row{apply}, nil
}

// source is a registry with one image, whose layers are made while they are
// read.
type source struct {
	manifest, config []byte
	layers           map[string]func() io.Reader
	sizes            map[string]int64
}

func newSource(layers byte, size int64) (*source, error) {
	s := &source{layers: map[string]func() io.Reader{}, sizes: map[string]int64{}}
	manifest := v1.Manifest{SchemaVersion: 2, MediaType: types.OCIManifestSchema1}
	config := v1.ConfigFile{OS: "linux", Architecture: "amd64", RootFS: v1.RootFS{Type: "layers"}}
	for i := range layers {
		open := func() io.Reader { return io.LimitReader(rand.NewChaCha8([32]byte{i}), size) }
		digest, _, err := v1.SHA256(open())
		if err != nil {
			return nil, err
		}
		s.layers[digest.String()], s.sizes[digest.String()] = open, size
		manifest.Layers = append(manifest.Layers, v1.Descriptor{MediaType: types.OCILayer, Size: size, Digest: digest})
		config.RootFS.DiffIDs = append(config.RootFS.DiffIDs, digest)
	}
	var err error
	if s.config, err = json.Marshal(config); err != nil {
		return nil, err
	}
	digest, length, err := v1.SHA256(bytes.NewReader(s.config))
	if err != nil {
		return nil, err
	}
	s.layers[digest.String()] = func() io.Reader { return bytes.NewReader(s.config) }
	s.sizes[digest.String()] = length
	manifest.Config = v1.Descriptor{MediaType: types.OCIConfigJSON, Size: length, Digest: digest}
	s.manifest, err = json.Marshal(manifest)
	return s, err
}

// ServeHTTP implements http.Handler.
func (s *source) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, digest, isBlob := strings.Cut(r.URL.Path, "/blobs/")
	switch {
	case r.URL.Path == "/v2/":
	case strings.Contains(r.URL.Path, "/manifests/"):
		w.Header().Set("Content-Type", string(types.OCIManifestSchema1))
		_, _ = w.Write(s.manifest)
	case isBlob && s.layers[digest] != nil:
		w.Header().Set("Content-Length", fmt.Sprint(s.sizes[digest]))
		_, _ = io.Copy(w, s.layers[digest]()) // the client may be gone
	default:
		http.NotFound(w, r)
	}
}
