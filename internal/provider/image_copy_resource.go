// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"net/http"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/awsconfig"
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
	data *providerData
}

var (
	_ resource.Resource                = (*imageCopyResource)(nil)
	_ resource.ResourceWithConfigure   = (*imageCopyResource)(nil)
	_ resource.ResourceWithModifyPlan  = (*imageCopyResource)(nil)
	_ resource.ResourceWithImportState = (*imageCopyResource)(nil)
	_ resource.ResourceWithIdentity    = (*imageCopyResource)(nil)
)

func newImageCopyResource() resource.Resource { return &imageCopyResource{} }

func (r *imageCopyResource) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_image_copy"
}

func (r *imageCopyResource) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = imageCopySchema(ctx)
}

func (r *imageCopyResource) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest, resp *resource.IdentitySchemaResponse) {
	resp.IdentitySchema = seedIdentitySchema()
}

func (r *imageCopyResource) Configure(_ context.Context, req resource.ConfigureRequest, resp *resource.ConfigureResponse) {
	r.data = configuredData(req.ProviderData, &resp.Diagnostics)
}

// ModifyPlan computes what is known before the apply. It does not ask the
// source: a source tag that has moved makes no difference by itself, and
// whether one that was changed leads to another image, the apply finds out.
func (r *imageCopyResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if req.Plan.Raw.IsNull() {
		return
	}
	var plan, state imageCopyModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	if !req.State.Raw.IsNull() {
		resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	}
	if resp.Diagnostics.HasError() {
		return
	}
	if req.State.Raw.IsNull() || !plan.samePlace(state.seedModel) {
		plan.plan(unknownSeed())
		plan.planObserved(unknownSeed(), false)
		plan.SourceDigest = types.StringUnknown()
		resp.Diagnostics.Append(resp.Plan.Set(ctx, plan)...)
		return
	}

	owned := loadOwnership(ctx, req.Private, &resp.Diagnostics)
	push := owned.willPush(plan.sameImage(state), state.ImageDigest.ValueString())
	plan.plan(state.seedModel)
	plan.planObserved(state.seedModel, push)
	plan.SourceDigest = state.SourceDigest
	if push {
		plan.SourceDigest = types.StringUnknown()
	}
	resp.Diagnostics.Append(resp.Plan.Set(ctx, plan)...)
	if push && !owned.Lost && r.data != nil {
		if s, err := r.seed(ctx, plan, owned); err == nil {
			s.checkImmutable(ctx, &resp.Diagnostics)
		}
	}
}

func (r *imageCopyResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var plan imageCopyModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	auth := sourceAuth(ctx, req.Config, &resp.Diagnostics)
	limit, d := plan.Timeouts.Create(ctx, createTimeout)
	resp.Diagnostics.Append(d...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()

	s, err := r.seed(ctx, plan, ownership{})
	if err != nil {
		resp.Diagnostics.Append(s.openDiagnostic(err))
		return
	}
	img, ok := r.resolve(ctx, &s, plan, auth, &resp.Diagnostics)
	if !ok {
		return
	}
	found, owned := s.create(ctx, img, plan.IfExists.ValueString(), &resp.Diagnostics)
	if found == nil {
		return
	}
	// First of all, so that nothing that fails from here on loses it.
	saveOwnership(ctx, resp.Private, owned, &resp.Diagnostics)
	resp.Diagnostics.Append(resp.Identity.Set(ctx, plan.identity())...)
	plan.SourceDigest = types.StringValue(img.SourceDigest)
	if err := plan.observe(ctx, s.repository, found, isPlaceholder); err != nil {
		resp.Diagnostics.Append(s.diagnostic("Creating", err))
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, plan)...)
}

func (r *imageCopyResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var state imageCopyModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	limit, d := state.Timeouts.Read(ctx, readTimeout)
	resp.Diagnostics.Append(d...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	resp.Diagnostics.Append(resp.Identity.Set(ctx, state.identity())...)

	owned := loadOwnership(ctx, req.Private, &resp.Diagnostics)
	s, err := r.seed(ctx, state, owned)
	if awsconfig.IsUnknownArguments(err) {
		resp.Diagnostics.Append(refreshSkipped(state.seedModel, err))
		return
	}
	if err != nil {
		resp.Diagnostics.Append(s.openDiagnostic(err))
		return
	}
	found, observed, exists := s.read(ctx, owned, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	if !exists {
		resp.State.RemoveResource(ctx)
		return
	}
	if observed.Lost != owned.Lost {
		saveOwnership(ctx, resp.Private, observed, &resp.Diagnostics)
	}
	state.complete()
	if err := state.observe(ctx, s.repository, found, isPlaceholder); err != nil {
		resp.Diagnostics.Append(s.diagnostic("Reading", err))
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, state)...)
}

func (r *imageCopyResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var plan, state imageCopyModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	auth := sourceAuth(ctx, req.Config, &resp.Diagnostics)
	owned := loadOwnership(ctx, req.Private, &resp.Diagnostics)
	limit, d := plan.Timeouts.Update(ctx, updateTimeout)
	resp.Diagnostics.Append(d...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	resp.Diagnostics.Append(resp.Identity.Set(ctx, plan.identity())...)

	// Where nothing is to be copied nobody is asked. The plan may have thought
	// otherwise, if the source was not known by then.
	plan.planObserved(state.seedModel, false)
	plan.SourceDigest = state.SourceDigest
	if owned.willPush(plan.sameImage(state), state.ImageDigest.ValueString()) {
		s, err := r.seed(ctx, plan, owned)
		if err != nil {
			resp.Diagnostics.Append(s.openDiagnostic(err))
			return
		}
		img, ok := r.resolve(ctx, &s, plan, auth, &resp.Diagnostics)
		if !ok {
			return
		}
		found, updated := s.update(ctx, img, plan.IfExists.ValueString(), owned, &resp.Diagnostics)
		if resp.Diagnostics.HasError() {
			return
		}
		saveOwnership(ctx, resp.Private, updated, &resp.Diagnostics)
		if owned.Lost || found != nil && found.Digest == updated.Pushed {
			plan.SourceDigest = types.StringValue(img.SourceDigest)
		}
		if err := plan.observe(ctx, s.repository, found, isPlaceholder); err != nil {
			resp.Diagnostics.Append(s.diagnostic("Updating", err))
			return
		}
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, plan)...)
}

func (r *imageCopyResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var state imageCopyModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	owned := loadOwnership(ctx, req.Private, &resp.Diagnostics)
	limit, d := state.Timeouts.Delete(ctx, deleteTimeout)
	resp.Diagnostics.Append(d...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()

	if state.SkipDestroy.ValueBool() {
		resp.Diagnostics.Append(state.skippedDestroy()...)
		return
	}
	s, err := r.seed(ctx, state, owned)
	if err != nil {
		resp.Diagnostics.Append(s.openDiagnostic(err))
		return
	}
	s.destroy(ctx, owned, &resp.Diagnostics)
}

func (r *imageCopyResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	importSeed(ctx, req, resp)
}

// seed opens the repository. What the repository may hold and still count as
// never used is placeholders and what this resource has copied.
func (r *imageCopyResource) seed(ctx context.Context, m imageCopyModel, owned ownership) (seed, error) {
	s := seed{
		noun: "copied image", tag: m.ImageTag.ValueString(), defaultTag: defaultCopyTag,
		put:   []ecrrepo.PutOption{ecrrepo.LookForBlobs()},
		judge: func(ecrrepo.Image) verdict { return verdict{} },
	}
	s.replaceable = func(image ecrrepo.Image) bool {
		return isPlaceholder(image) || slices.Contains(owned.older(), image.Digest)
	}
	return s.open(ctx, r.data, m.seedModel)
}

// resolve finds the image to copy, and lets the seed know it: at a tag that
// holds it already there is nothing to do.
func (r *imageCopyResource) resolve(ctx context.Context, s *seed, m imageCopyModel, auth *sourceimage.Auth, diags *diag.Diagnostics) (*sourceimage.Image, bool) {
	at := path.Root("source_image")
	ref, err := sourceimage.ParseReference(m.SourceImage.ValueString())
	if err != nil {
		diags.AddAttributeError(at, validSourceImage.summary, sentence(err))
		return nil, false
	}
	img, err := sourceimage.Resolve(ctx, ref, architectureOf(m.Architectures), sourceimage.Options{
		Transport: s.repository.HTTP(),
		ECR:       r.readECR(s.repository),
		Auth:      auth,
		Keychain:  r.data.keychain,
		Retry:     s.repository.Retry,
		UserAgent: "terraform-provider-lambdaseed/" + r.data.version,
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
func (r *imageCopyResource) readECR(target *ecrrepo.Repository) func(context.Context, sourceimage.Reference) (http.RoundTripper, error) {
	return func(ctx context.Context, ref sourceimage.Reference) (http.RoundTripper, error) {
		u, err := ecrrepo.ParseRepositoryURL(ref.Registry() + "/" + ref.Repository())
		if err != nil || !u.IsECR() && !u.SameRegistry(target.URL) {
			return nil, nil //nolint:nilerr // Not the name of a private ECR repository: then it is of another registry.
		}
		source, err := r.data.repositories.Open(ctx, u)
		if err != nil {
			return nil, err
		}
		return source.Reader(ctx)
	}
}

// sourceAuth is the login of the configuration, which alone has the password:
// Terraform keeps what is write-only out of plan and state.
func sourceAuth(ctx context.Context, config interface {
	GetAttribute(ctx context.Context, at path.Path, target any) diag.Diagnostics
}, diags *diag.Diagnostics) *sourceimage.Auth {
	var object types.Object
	diags.Append(config.GetAttribute(ctx, path.Root("source_auth"), &object)...)
	if diags.HasError() || object.IsNull() || object.IsUnknown() {
		return nil
	}
	var auth sourceAuthModel
	diags.Append(object.As(ctx, &auth, basetypes.ObjectAsOptions{})...)
	return &sourceimage.Auth{Username: auth.Username.ValueString(), Password: auth.Password.ValueString()}
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
func (m *imageCopyModel) complete() {
	if !m.IfExists.IsNull() {
		return
	}
	m.IfExists, m.SkipDestroy = types.StringValue(ifExistsAdopt), types.BoolValue(false)
	m.Architectures = architecturesValue(seedimage.DefaultArchitecture)
	m.SourceAuth = types.ObjectNull(sourceAuthTypes)
}
