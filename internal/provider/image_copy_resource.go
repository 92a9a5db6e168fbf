// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"net/http"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/ecrrepo"
	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/seedimage"
	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/sourceimage"
)

// imageCopyResource puts one platform's image of any registry at a tag of an
// ECR repository. It never overwrites an image that it did not copy, and
// deletes only what it copied. The rules are those of seed; the source is asked
// only when something is about to be copied. Its schema is in
// image_copy_schema.go.
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

// open says that placeholders and what this resource has copied are what the
// repository may hold and still count as never used.
func (m *imageCopyModel) open(ctx context.Context, data *providerData, owned ownership) (seed, error) {
	s := seed{
		noun: "copied image", tag: m.ImageTag.ValueString(), defaultTag: defaultCopyTag,
		put:   []ecrrepo.PutOption{ecrrepo.WithLook()},
		judge: func(ecrrepo.Image) verdict { return verdict{} },
	}
	s.replaceable = func(image ecrrepo.Image) bool {
		return isPlaceholder(image) || slices.Contains(owned.older(), image.Digest)
	}
	return s.open(ctx, data, m.seedModel)
}

// image finds the image to copy, and lets the seed know it: at a tag that
// holds it already there is nothing to do.
func (m *imageCopyModel) image(ctx context.Context, data *providerData, config tfsdk.Config, s *seed, diags *diag.Diagnostics) (v1.Image, bool) {
	auth := sourceAuth(ctx, config, diags)
	if diags.HasError() {
		return nil, false
	}
	at := path.Root("source_image")
	ref, err := sourceimage.ParseReference(m.SourceImage.ValueString())
	if err != nil {
		diags.AddAttributeError(at, validSourceImage.summary, sentence(err))
		return nil, false
	}
	img, err := sourceimage.Resolve(ctx, ref, architectureOf(m.Architectures), sourceimage.Options{
		Transport: s.repository.HTTP(),
		ECR:       readECR(data, s.repository),
		Auth:      auth,
		Keychain:  data.keychain,
		Retry:     s.repository.Retry,
		UserAgent: data.userAgent,
	})
	if err != nil {
		diags.Append(diag.WithPath(at, newDiagnostic("Reading the source image", err)))
		return nil, false
	}
	digest, err := img.Digest()
	if err != nil {
		diags.AddAttributeError(at, "Reading the source image failed", sentence(err))
		return nil, false
	}
	s.judge = func(found ecrrepo.Image) verdict { return verdict{serves: found.Digest == digest.String()} }
	return img, true
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

// planImage keeps the digest that was copied: a source tag that has moved makes
// no difference by itself, and where a changed one leads, the apply finds out.
func (m *imageCopyModel) planImage(prior *imageCopyModel, push bool) {
	m.SourceDigest = types.StringUnknown()
	if !push {
		m.SourceDigest = prior.SourceDigest
	}
}

func (m *imageCopyModel) record(img v1.Image) {
	if copied, ok := img.(*sourceimage.Image); ok {
		m.SourceDigest = types.StringValue(copied.SourceDigest)
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
