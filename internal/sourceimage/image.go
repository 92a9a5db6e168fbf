// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package sourceimage

import (
	"context"
	"fmt"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Image is what a reference resolved to: one image, for one architecture, with
// the bytes that the source has.
type Image struct {
	v1.Image

	// SourceDigest is the digest that the reference resolved to: that of an
	// index, where the source is one, else that of the image.
	SourceDigest string

	ref Reference
}

// Layers returns the layers, each with the name of where it is from, so that it
// can be mounted in another repository of the same registry.
func (i *Image) Layers() ([]v1.Layer, error) {
	layers, err := i.Image.Layers()
	if err != nil {
		return nil, err
	}
	for n, layer := range layers {
		layers[n] = &remote.MountableLayer{Layer: layer, Reference: i.ref.name}
	}
	return layers, nil
}

// core is the least that go-containerregistry needs to know of an image; it
// adds the rest.
type core struct {
	client    *client
	ctx       context.Context //nolint:containedctx // Of the operation that copies; v1.Layer takes none.
	mediaType types.MediaType
	raw       []byte
	manifest  *v1.Manifest
	config    []byte
	platform  v1.Platform
}

var _ partial.CompressedImageCore = (*core)(nil)

func (c *core) RawManifest() ([]byte, error)        { return c.raw, nil }
func (c *core) RawConfigFile() ([]byte, error)      { return c.config, nil }
func (c *core) MediaType() (types.MediaType, error) { return c.mediaType, nil }

func (c *core) descriptor(digest v1.Hash) *v1.Descriptor {
	for n := range c.manifest.Layers {
		if c.manifest.Layers[n].Digest == digest {
			return &c.manifest.Layers[n]
		}
	}
	return nil
}

// LayerByDigest implements partial.CompressedImageCore.
func (c *core) LayerByDigest(digest v1.Hash) (partial.CompressedLayer, error) {
	if digest == c.manifest.Config.Digest {
		return partial.ConfigLayer(c)
	}
	descriptor := c.descriptor(digest)
	if descriptor == nil {
		return nil, fmt.Errorf("the image has no layer %s", digest)
	}
	return &layer{core: c, descriptor: *descriptor}, nil
}

// layer is a layer in the source's registry.
type layer struct {
	core       *core
	descriptor v1.Descriptor
}

func (l *layer) Digest() (v1.Hash, error)            { return l.descriptor.Digest, nil }
func (l *layer) Size() (int64, error)                { return l.descriptor.Size, nil }
func (l *layer) MediaType() (types.MediaType, error) { return l.descriptor.MediaType, nil }

// Compressed returns the layer as a stream, which is verified as it is read.
func (l *layer) Compressed() (io.ReadCloser, error) {
	return newStream(l.core.ctx, l.core.client, l.descriptor.Digest, l.descriptor.Size), nil
}
