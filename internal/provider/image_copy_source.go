// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"net/http"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	ggcr "github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/ecrrepo"
	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/sourceimage"
)

// image is the image to copy. The seed learns how to tell it from one that is
// at the tag already, which asks the source only where the answer decides
// between success and failure.
func (m *imageCopyModel) image(ctx context.Context, data *providerData, config tfsdk.Config, s *seed, diags *diag.Diagnostics) (v1.Image, bool) {
	auth := sourceAuth(ctx, config, diags)
	if diags.HasError() {
		return nil, false
	}
	ref, err := sourceimage.ParseReference(m.SourceImage.ValueString())
	if err != nil {
		diags.AddAttributeError(path.Root("source_image"), validSourceImage.summary, sentence(err))
		return nil, false
	}
	img, err := newSourceImage(func() (*sourceimage.Image, error) {
		return sourceimage.Resolve(ctx, ref, architectureOf(m.Architectures), sourceimage.Options{
			Transport: s.repository.HTTP(),
			ECR:       readECR(data, s.repository),
			Auth:      auth,
			Keychain:  data.keychain,
			Retry:     s.repository.Retry,
			UserAgent: data.userAgent,
		})
	})
	if err != nil {
		diags.AddAttributeError(path.Root("source_image"), "Reading the source image failed", sentence(err))
		return nil, false
	}
	s.judge = func(found ecrrepo.Image) verdict {
		if img.core.found == nil && m.IfExists.ValueString() == ifExistsAdopt {
			return verdict{}
		}
		digest, err := img.Digest()
		return verdict{serves: digest.String() == found.Digest, err: err}
	}
	return img, true
}

// sourceImage is the image of the source, which is asked when something of the
// image is wanted for the first time: a tag that is taken needs no source that
// is up.
type sourceImage struct {
	v1.Image

	core *sourceCore
}

// sourceCore is what the rest of an image follows from.
type sourceCore struct {
	resolve func() (*sourceimage.Image, error)
	found   *sourceimage.Image
}

var _ partial.CompressedImageCore = (*sourceCore)(nil)

func newSourceImage(resolve func() (*sourceimage.Image, error)) (*sourceImage, error) {
	core := &sourceCore{resolve: resolve}
	img, err := partial.CompressedToImage(core)
	return &sourceImage{img, core}, err
}

// Layers are those of the source, which know where they can be mounted from.
func (s *sourceImage) Layers() ([]v1.Layer, error) {
	img, err := s.core.image()
	if err != nil {
		return nil, err
	}
	return img.Layers()
}

// unresolvedError is a failure to find what is to be copied.
type unresolvedError struct{ err error }

func (e *unresolvedError) Error() string { return e.err.Error() }
func (e *unresolvedError) Unwrap() error { return e.err }

// image is what the source has. No two want it at once: a push reads the
// manifest before it sends layers side by side.
func (c *sourceCore) image() (*sourceimage.Image, error) {
	if c.found == nil {
		found, err := c.resolve()
		if err != nil {
			return nil, &unresolvedError{err}
		}
		c.found = found
	}
	return c.found, nil
}

func (c *sourceCore) RawManifest() ([]byte, error) {
	img, err := c.image()
	if err != nil {
		return nil, err
	}
	return img.RawManifest()
}

func (c *sourceCore) RawConfigFile() ([]byte, error) {
	img, err := c.image()
	if err != nil {
		return nil, err
	}
	return img.RawConfigFile()
}

func (c *sourceCore) MediaType() (ggcr.MediaType, error) {
	img, err := c.image()
	if err != nil {
		return "", err
	}
	return img.MediaType()
}

// LayerByDigest implements partial.CompressedImageCore.
func (c *sourceCore) LayerByDigest(digest v1.Hash) (partial.CompressedLayer, error) {
	img, err := c.image()
	if err != nil {
		return nil, err
	}
	return img.LayerByDigest(digest)
}

// readECR reads private ECR repositories, of any account and region, with the
// provider's own credentials, and so an emulator's that is copied within.
func readECR(data *providerData, target *ecrrepo.Repository) func(context.Context, sourceimage.Reference) (http.RoundTripper, error) {
	return func(ctx context.Context, ref sourceimage.Reference) (http.RoundTripper, error) {
		u, err := ecrrepo.ParseRepositoryURL(ref.Registry() + "/" + ref.Repository())
		if err != nil || !u.IsECR() && !u.SameRegistry(target.URL) {
			return nil, nil //nolint:nilerr // Not the name of a private ECR repository: then it is of another registry.
		}
		source, err := data.repositories.Open(ctx, u)
		if err != nil {
			return nil, err
		}
		return source.Reader(ctx)
	}
}

// sourceAuth is the login of the configuration, which alone has the password:
// Terraform keeps what is write-only out of plan and state.
func sourceAuth(ctx context.Context, config tfsdk.Config, diags *diag.Diagnostics) *sourceimage.Auth {
	var object types.Object
	diags.Append(config.GetAttribute(ctx, path.Root("source_auth"), &object)...)
	if diags.HasError() || object.IsNull() || object.IsUnknown() {
		return nil
	}
	var auth sourceAuthModel
	diags.Append(object.As(ctx, &auth, basetypes.ObjectAsOptions{})...)
	return &sourceimage.Auth{Username: auth.Username.ValueString(), Password: auth.Password.ValueString()}
}
