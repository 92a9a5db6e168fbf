// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package sourceimage

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Resolve finds the image that a reference names for an architecture, "x86_64"
// or "arm64". Of an index it takes the one entry that suits; attestations and
// the other platforms stay behind. Nothing is converted: manifest, config and
// layers are those of the source, byte for byte.
//
// It reads manifests and the config. The layers are read by whoever reads the
// result, within ctx. Errors are of type *Error, or what Options.Retry returns.
func Resolve(ctx context.Context, ref Reference, architecture string, o Options) (*Image, error) {
	c := newClient(ref, o)
	want, ok := goArchitectures[architecture]
	if !ok {
		return nil, c.errorf(ErrPlatform, "Lambda has no architecture %q", architecture)
	}
	found, err := c.manifest(ctx, "")
	if err != nil {
		return nil, err
	}
	document, err := c.parse(found)
	if err != nil {
		return nil, err
	}
	var img v1.Image
	if document.mediaType.IsIndex() {
		img, err = c.fromIndex(ctx, document, want)
	} else {
		img, err = c.fromManifest(ctx, document, want)
	}
	if err != nil {
		return nil, err
	}
	return &Image{Image: img, SourceDigest: found.Digest.String(), ref: ref}, nil
}

// document is a manifest or an index, as its registry has it.
type document struct {
	raw       []byte
	mediaType types.MediaType

	artifactType string
	hasSubject   bool
}

// parse finds out what a registry has answered with. What the document says of
// itself counts before what the registry says of it, and where both are silent
// what is in it tells.
func (c *client) parse(found *remote.Descriptor) (document, error) {
	var m struct {
		SchemaVersion int             `json:"schemaVersion"`
		MediaType     types.MediaType `json:"mediaType"`
		ArtifactType  string          `json:"artifactType"`
		Subject       json.RawMessage `json:"subject"`
		Manifests     json.RawMessage `json:"manifests"`
		Config        struct {
			MediaType types.MediaType `json:"mediaType"`
		} `json:"config"`
	}
	if err := json.Unmarshal(found.Manifest, &m); err != nil {
		return document{}, c.errorf(ErrUnexpectedAnswer, "the manifest is not JSON of the form that is expected: %s", err)
	}
	answered, _, _ := strings.Cut(string(found.MediaType), ";")
	d := document{
		raw: found.Manifest, mediaType: m.MediaType,
		artifactType: m.ArtifactType, hasSubject: len(m.Subject) > 0 && string(m.Subject) != "null",
	}
	if d.mediaType == "" {
		d.mediaType = types.MediaType(strings.TrimSpace(answered))
	}
	switch {
	case m.SchemaVersion == 1 || d.mediaType.IsSchema1():
		d.mediaType = types.DockerManifestSchema1
	case d.mediaType.IsIndex(), d.mediaType.IsImage():
	case m.MediaType != "":
		return document{}, c.errorf(ErrUnsupported, "it is of type %q", m.MediaType)
	case m.Manifests != nil:
		d.mediaType = types.OCIImageIndex
	case m.Config.MediaType == types.DockerConfigJSON:
		d.mediaType = types.DockerManifestSchema2
	case m.Config.MediaType != "":
		d.mediaType = types.OCIManifestSchema1
	default:
		return document{}, c.errorf(ErrUnexpectedAnswer, "the registry answered with %q, which is not a manifest", answered)
	}
	if d.mediaType.IsIndex() == (m.Manifests == nil) {
		return document{}, c.errorf(ErrUnexpectedAnswer, "a manifest of type %q that is not one", d.mediaType)
	}
	return d, nil
}

// maxNameless bounds how many images are looked into that an index names no
// platform for.
const maxNameless = 8

func (c *client) fromIndex(ctx context.Context, d document, want string) (v1.Image, error) {
	index, err := v1.ParseIndexManifest(bytes.NewReader(d.raw))
	if err != nil {
		return nil, c.errorf(ErrUnexpectedAnswer, "the index is not JSON of the form that is expected: %s", err)
	}
	best, nameless, platforms := choose(index, want)
	if best != nil {
		return c.child(ctx, *best, want)
	}
	for _, entry := range nameless[:min(len(nameless), maxNameless)] {
		img, err := c.look(ctx, entry)
		if err != nil {
			return nil, err
		}
		if rank(img.platform, want) >= 0 {
			return img.checked(want)
		}
		platforms = append(platforms, platformName(img.platform))
	}
	return nil, c.errorf(ErrPlatform, "the source has no image for linux/%s; it has: %s", want, listed(platforms))
}

// child is the image of an index's entry.
func (c *client) child(ctx context.Context, entry v1.Descriptor, want string) (v1.Image, error) {
	img, err := c.look(ctx, entry)
	if err != nil {
		return nil, err
	}
	return img.checked(want)
}

// look reads the manifest and the config of an index's entry.
func (c *client) look(ctx context.Context, entry v1.Descriptor) (*core, error) {
	found, err := c.manifest(ctx, entry.Digest.String())
	if err != nil {
		return nil, err
	}
	d, err := c.parse(found)
	if err != nil {
		return nil, err
	}
	if d.mediaType.IsIndex() {
		return nil, c.errorf(ErrUnsupported, "its index lists another index, %s", entry.Digest)
	}
	return c.read(ctx, d)
}

func (c *client) fromManifest(ctx context.Context, d document, want string) (v1.Image, error) {
	img, err := c.read(ctx, d)
	if err != nil {
		return nil, err
	}
	if img.platform.OS == "linux" && rank(img.platform, want) < 0 {
		return nil, c.errorf(ErrPlatform, "the source is an image for %s alone, and not for linux/%s", platformName(img.platform), want)
	}
	return img.checked(want)
}

// read reads the config that belongs to a manifest, and checks both.
func (c *client) read(ctx context.Context, d document) (*core, error) {
	manifest := &v1.Manifest{SchemaVersion: 1}
	if !d.mediaType.IsSchema1() {
		var err error
		if manifest, err = v1.ParseManifest(bytes.NewReader(d.raw)); err != nil {
			return nil, c.errorf(ErrUnexpectedAnswer, "the manifest is not JSON of the form that is expected: %s", err)
		}
	}
	if reason := unsupportedManifest(manifest, d.artifactType, d.hasSubject); reason != "" {
		return nil, c.errorf(ErrUnsupported, "%s", reason)
	}
	img := &core{client: c, ctx: ctx, mediaType: d.mediaType, raw: d.raw, manifest: manifest}
	err := c.options.Retry(ctx, func() (err error) {
		config := newStream(ctx, c, manifest.Config.Digest, manifest.Config.Size)
		defer func() { _ = config.Close() }()
		img.config, err = io.ReadAll(config)
		return err
	})
	if err != nil {
		return nil, err
	}
	file, err := v1.ParseConfigFile(bytes.NewReader(img.config))
	if err != nil {
		return nil, c.errorf(ErrUnsupported, "its config is not that of an image: %s", err)
	}
	img.platform = v1.Platform{OS: file.OS, Architecture: file.Architecture, Variant: file.Variant, OSVersion: file.OSVersion}
	return img, nil
}

// checked is the image, if its config says what the index said, or what was
// asked for.
func (c *core) checked(want string) (v1.Image, error) {
	switch {
	case c.platform.OS != "linux":
		return nil, c.client.errorf(ErrUnsupported, "it is an image for the operating system %q, and Lambda runs Linux", c.platform.OS)
	case c.platform.Architecture != want:
		return nil, c.client.errorf(ErrPlatform, "its config says that it is for the architecture %q, and not %q", c.platform.Architecture, want)
	}
	return partial.CompressedToImage(c)
}
