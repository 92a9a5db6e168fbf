// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/ecrrepo"
	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/seedimage"
	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/sourceimage"
)

// imageCopyResource puts one platform's image of any registry at a tag of an
// ECR repository. It never overwrites an image that it did not copy, and
// deletes only what it copied. The rules are those of seed; the source is asked
// only when something is about to be copied, in image_copy_source.go. Its schema
// is in image_copy_schema.go.
type imageCopyResource struct {
	seedResource[imageCopyModel, *imageCopyModel]
}

var (
	_ resource.Resource                = (*imageCopyResource)(nil)
	_ resource.ResourceWithConfigure   = (*imageCopyResource)(nil)
	_ resource.ResourceWithModifyPlan  = (*imageCopyResource)(nil)
	_ resource.ResourceWithImportState = (*imageCopyResource)(nil)
	_ resource.ResourceWithIdentity    = (*imageCopyResource)(nil)

	_ seedMethods[imageCopyModel] = (*imageCopyModel)(nil)
)

func newImageCopyResource() resource.Resource { return &imageCopyResource{} }

func (r *imageCopyResource) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_image_copy"
}

func (r *imageCopyResource) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = imageCopySchema(ctx)
}

func (m *imageCopyModel) base() *seedModel { return &m.seedModel }

func (m *imageCopyModel) defaultTag() string { return defaultCopyTag }

// open says that placeholders and what this resource has copied are what the
// repository may hold and still count as never used.
func (m *imageCopyModel) open(ctx context.Context, data *providerData, owned ownership) (seed, error) {
	s := seed{
		noun: "copied image", tag: m.ImageTag.ValueString(), defaultTag: m.defaultTag(),
		put:   []ecrrepo.PutOption{ecrrepo.WithLook()},
		judge: func(ecrrepo.Image) verdict { return verdict{} },
	}
	s.replaceable = func(image ecrrepo.Image) bool {
		return isPlaceholder(image) || slices.Contains(owned.older(), image.Digest)
	}
	return s.open(ctx, data, m.seedModel)
}

// planImage keeps the digest that was copied: a source tag that has moved makes
// no difference by itself, and where a changed one leads, the apply finds out.
func (m *imageCopyModel) planImage(prior *imageCopyModel, push bool) {
	m.SourceDigest = types.StringUnknown()
	if !push {
		m.SourceDigest = prior.SourceDigest
	}
}

// record takes over what was copied: nothing, where the tag was taken.
func (m *imageCopyModel) record(img v1.Image) {
	m.SourceDigest = types.StringNull()
	if source, ok := img.(*sourceImage); ok && source.core.found != nil {
		m.SourceDigest = types.StringValue(source.core.found.SourceDigest)
	}
}

// sameImage reports whether what another model describes is the same image,
// as far as that can be told without asking: by the same name, in whichever
// form, or by the digest that the other's name resolved to.
func (m *imageCopyModel) sameImage(other imageCopyModel) bool {
	if !m.Architectures.Equal(other.Architectures) {
		return false
	}
	if m.SourceImage.Equal(other.SourceImage) {
		return true
	}
	ref, err := sourceimage.ParseReference(m.SourceImage.ValueString())
	if err != nil {
		return false
	}
	if digest := ref.Digest(); digest != "" && digest == other.SourceDigest.ValueString() {
		return true
	}
	before, err := sourceimage.ParseReference(other.SourceImage.ValueString())
	return err == nil && ref.String() == before.String()
}

// complete fills in what an import does not bring. Where an image was copied
// from cannot be seen in it: the next plan takes that from the configuration,
// and changes the state alone.
func (m *imageCopyModel) complete(*ecrrepo.Image) {
	if !m.IfExists.IsNull() {
		return
	}
	m.IfExists, m.SkipDestroy = types.StringValue(ifExistsAdopt), types.BoolValue(false)
	m.Architectures = architecturesValue(seedimage.DefaultArchitecture)
	m.SourceAuth = types.ObjectNull(sourceAuthTypes)
}
