// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package seedimage

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/bootstrap"
)

// image is a placeholder as go-containerregistry sees it. Everything in it is
// already known, so no method computes anything.
type image struct {
	config     []byte
	configName v1.Hash
	manifest   []byte
	digest     v1.Hash
	layer      *layer
}

var _ v1.Image = (*image)(nil)

func (i *image) MediaType() (types.MediaType, error) { return types.OCIManifestSchema1, nil }
func (i *image) Size() (int64, error)                { return int64(len(i.manifest)), nil }
func (i *image) Digest() (v1.Hash, error)            { return i.digest, nil }
func (i *image) RawManifest() ([]byte, error)        { return bytes.Clone(i.manifest), nil }
func (i *image) Manifest() (*v1.Manifest, error) {
	return v1.ParseManifest(bytes.NewReader(i.manifest))
}
func (i *image) ConfigName() (v1.Hash, error)   { return i.configName, nil }
func (i *image) RawConfigFile() ([]byte, error) { return bytes.Clone(i.config), nil }
func (i *image) ConfigFile() (*v1.ConfigFile, error) {
	return v1.ParseConfigFile(bytes.NewReader(i.config))
}
func (i *image) Layers() ([]v1.Layer, error) { return []v1.Layer{i.layer}, nil }

// LayerByDigest returns the layer, or the configuration as a layer: a registry
// stores both as blobs.
func (i *image) LayerByDigest(digest v1.Hash) (v1.Layer, error) {
	switch digest {
	case i.layer.digest:
		return i.layer, nil
	case i.configName:
		return partial.ConfigLayer(i)
	}
	return nil, fmt.Errorf("the placeholder has no blob %s", digest)
}

func (i *image) LayerByDiffID(diffID v1.Hash) (v1.Layer, error) {
	if diffID == i.layer.diffID {
		return i.layer, nil
	}
	return nil, fmt.Errorf("the placeholder has no layer with the diff ID %s", diffID)
}

// layer is the layer of a placeholder. Its digests are known beforehand: hashing or
// decompressing it for every image would cost far more than all the rest.
type layer struct {
	compressed     []byte
	digest, diffID v1.Hash
}

var _ v1.Layer = (*layer)(nil)

func newLayer(l bootstrap.Layer) (*layer, error) {
	digest, err := v1.NewHash(l.Digest)
	if err != nil {
		return nil, err
	}
	diffID, err := v1.NewHash(l.DiffID)
	if err != nil {
		return nil, err
	}
	return &layer{compressed: l.Compressed, digest: digest, diffID: diffID}, nil
}

func (l *layer) MediaType() (types.MediaType, error) { return types.OCILayer, nil }
func (l *layer) Size() (int64, error)                { return int64(len(l.compressed)), nil }
func (l *layer) Digest() (v1.Hash, error)            { return l.digest, nil }
func (l *layer) DiffID() (v1.Hash, error)            { return l.diffID, nil }

func (l *layer) Compressed() (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(l.compressed)), nil
}

func (l *layer) Uncompressed() (io.ReadCloser, error) {
	return gzip.NewReader(bytes.NewReader(l.compressed))
}
