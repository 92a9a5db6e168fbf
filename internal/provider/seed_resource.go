// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/awsconfig"
	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/ecrrepo"
)

// Time limits where the timeouts block sets none.
const (
	createTimeout = 20 * time.Minute
	readTimeout   = 5 * time.Minute
	updateTimeout = 20 * time.Minute
	deleteTimeout = 10 * time.Minute
)

// seeded is a pointer to the model M of a resource that puts an image at a tag.
type seeded[M any] interface {
	*M
	seedMethods[M]
}

// seedMethods are what a resource adds to the life cycle that all of them
// share.
type seedMethods[M any] interface {
	// base is the part of the model that all have.
	base() *seedModel
	// defaultTag is the default of image_tag.
	defaultTag() string
	// open opens the repository and says what the resource makes of the images
	// that it finds there.
	open(ctx context.Context, data *providerData, owned ownership) (seed, error)
	// image is the image to put, made or found. It may teach the seed what to
	// make of an image that is there already.
	image(ctx context.Context, data *providerData, config tfsdk.Config, s *seed, diags *diag.Diagnostics) (v1.Image, bool)
	// sameImage reports whether another model describes the same image.
	sameImage(other M) bool
	// planImage says what is known of the image beyond base: what prior, which
	// is nil on creation, says, or nothing when an image will be pushed.
	planImage(prior *M, push bool)
	// record takes over what image has found out.
	record(img v1.Image)
	// complete fills in what an import does not bring.
	complete(found *ecrrepo.Image)
}

// seedResource is the Terraform surface of seed, whose rules are the life
// cycle's. Resources embed it and add their name and schema.
type seedResource[M any, P seeded[M]] struct {
	data *providerData
}

// IdentitySchema implements resource.ResourceWithIdentity.
func (r *seedResource[M, P]) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest, resp *resource.IdentitySchemaResponse) {
	resp.IdentitySchema = seedIdentitySchema()
}

// Configure implements resource.ResourceWithConfigure.
func (r *seedResource[M, P]) Configure(_ context.Context, req resource.ConfigureRequest, resp *resource.ConfigureResponse) {
	r.data = configuredData(req.ProviderData, &resp.Diagnostics)
}

// ImportState implements resource.ResourceWithImportState.
func (r *seedResource[M, P]) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	importSeed(ctx, P(new(M)).defaultTag(), req, resp)
}

// ModifyPlan computes what is known before the apply, and finds out at plan
// time that a change cannot work on an immutable tag. It only reads, and asks
// ECR nothing unless an image will be pushed over an older one.
func (r *seedResource[M, P]) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if req.Plan.Raw.IsNull() {
		return
	}
	var planned, prior M
	plan, state := P(&planned), P(&prior)
	resp.Diagnostics.Append(req.Plan.Get(ctx, plan)...)
	if !req.State.Raw.IsNull() {
		resp.Diagnostics.Append(req.State.Get(ctx, state)...)
	}
	if resp.Diagnostics.HasError() {
		return
	}
	if req.State.Raw.IsNull() || !plan.base().samePlace(*state.base()) {
		plan.base().plan(unknownSeed())
		plan.base().planObserved(unknownSeed(), false)
		plan.planImage(nil, true)
		resp.Diagnostics.Append(resp.Plan.Set(ctx, plan)...)
		return
	}

	owned := loadOwnership(ctx, req.Private, &resp.Diagnostics)
	push := owned.willPush(plan.sameImage(prior), state.base().ImageDigest.ValueString())
	plan.base().plan(*state.base())
	plan.base().planObserved(*state.base(), push)
	plan.planImage(&prior, push)
	resp.Diagnostics.Append(resp.Plan.Set(ctx, plan)...)
	if push && !owned.Lost && r.data != nil {
		if s, err := plan.open(ctx, r.data, owned); err == nil {
			s.checkImmutable(ctx, &resp.Diagnostics)
		}
	}
}

// Create puts the image, or uses what is there.
func (r *seedResource[M, P]) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	plan := P(new(M))
	resp.Diagnostics.Append(req.Plan.Get(ctx, plan)...)
	limit, d := plan.base().Timeouts.Create(ctx, createTimeout)
	resp.Diagnostics.Append(d...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()

	s, err := plan.open(ctx, r.data, ownership{})
	if err != nil {
		resp.Diagnostics.Append(s.openDiagnostic(err))
		return
	}
	img, ok := plan.image(ctx, r.data, req.Config, &s, &resp.Diagnostics)
	if !ok {
		return
	}
	found, owned := s.create(ctx, img, plan.base().IfExists.ValueString(), &resp.Diagnostics)
	if found == nil {
		return
	}
	// First of all, so that nothing that fails from here on loses it.
	saveOwnership(ctx, resp.Private, owned, &resp.Diagnostics)
	resp.Diagnostics.Append(resp.Identity.Set(ctx, plan.base().identity())...)
	plan.record(img)
	if err := plan.base().observe(ctx, s.repository, found, isPlaceholder); err != nil {
		resp.Diagnostics.Append(s.diagnostic("Creating", err))
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, plan)...)
}

// Read refreshes what is observed, and never writes.
func (r *seedResource[M, P]) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	state := P(new(M))
	resp.Diagnostics.Append(req.State.Get(ctx, state)...)
	limit, d := state.base().Timeouts.Read(ctx, readTimeout)
	resp.Diagnostics.Append(d...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()

	// Before anything else: the framework wants an identity of a resource that
	// leaves the state, too, and Terraform before 1.12 brings none along.
	resp.Diagnostics.Append(resp.Identity.Set(ctx, state.base().identity())...)

	owned := loadOwnership(ctx, req.Private, &resp.Diagnostics)
	s, err := state.open(ctx, r.data, owned)
	if awsconfig.IsUnknownArguments(err) {
		resp.Diagnostics.Append(refreshSkipped(*state.base(), err))
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
	state.complete(found)
	if err := state.base().observe(ctx, s.repository, found, isPlaceholder); err != nil {
		resp.Diagnostics.Append(s.diagnostic("Reading", err))
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, state)...)
}

// Update puts another image while the tag holds the one that this resource put
// there, and otherwise changes the state alone.
func (r *seedResource[M, P]) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var planned, prior M
	plan, state := P(&planned), P(&prior)
	resp.Diagnostics.Append(req.Plan.Get(ctx, plan)...)
	resp.Diagnostics.Append(req.State.Get(ctx, state)...)
	owned := loadOwnership(ctx, req.Private, &resp.Diagnostics)
	limit, d := plan.base().Timeouts.Update(ctx, updateTimeout)
	resp.Diagnostics.Append(d...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	resp.Diagnostics.Append(resp.Identity.Set(ctx, plan.base().identity())...)

	// Where nothing is to be pushed nobody is asked. The plan may have thought
	// otherwise, if what makes the image was not known by then.
	plan.base().planObserved(*state.base(), false)
	plan.planImage(&prior, false)
	if owned.willPush(plan.sameImage(prior), state.base().ImageDigest.ValueString()) {
		if !r.push(ctx, plan, owned, req, resp) {
			return
		}
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, plan)...)
}

// push is the part of Update that needs ECR; it reports whether it succeeded.
func (r *seedResource[M, P]) push(ctx context.Context, plan P, owned ownership, req resource.UpdateRequest, resp *resource.UpdateResponse) bool {
	s, err := plan.open(ctx, r.data, owned)
	if err != nil {
		resp.Diagnostics.Append(s.openDiagnostic(err))
		return false
	}
	img, ok := plan.image(ctx, r.data, req.Config, &s, &resp.Diagnostics)
	if !ok {
		return false
	}
	found, updated := s.update(ctx, img, plan.base().IfExists.ValueString(), owned, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return false
	}
	saveOwnership(ctx, resp.Private, updated, &resp.Diagnostics)
	if owned.Lost || found != nil && found.Digest == updated.Pushed {
		plan.record(img)
	}
	if err := plan.base().observe(ctx, s.repository, found, isPlaceholder); err != nil {
		resp.Diagnostics.Append(s.diagnostic("Updating", err))
		return false
	}
	return true
}

// Delete deletes what this resource has put, and nothing else.
func (r *seedResource[M, P]) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	state := P(new(M))
	resp.Diagnostics.Append(req.State.Get(ctx, state)...)
	owned := loadOwnership(ctx, req.Private, &resp.Diagnostics)
	limit, d := state.base().Timeouts.Delete(ctx, deleteTimeout)
	resp.Diagnostics.Append(d...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()

	if state.base().SkipDestroy.ValueBool() {
		resp.Diagnostics.Append(state.base().skippedDestroy()...)
		return
	}
	s, err := state.open(ctx, r.data, owned)
	if err != nil {
		resp.Diagnostics.Append(s.openDiagnostic(err))
		return
	}
	s.destroy(ctx, owned, &resp.Diagnostics)
}
